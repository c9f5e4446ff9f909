// This file defines how the trie is written, under its lock.

package maps

import (
	"unsafe"

	"github.com/skepbpf/skep/internal/errno"
)

// place is where a key belongs.
type place struct {
	slot   unsafe.Pointer // what leads to node, or would
	node   uint32         // 0: nothing is there
	common uint32         // bits that node and key have in common
	exact  bool           // node has the key's very prefix
	above  unsafe.Pointer // what leads to the node that slot is a child of; nil at the root
	parent uint32
}

// locate descends while nodes contain the key and are shorter than it.
func (t *lpm) locate(key unsafe.Pointer) place {
	p := place{slot: t.head(lpmRoot)}
	for {
		p.node = load32(p.slot)
		if p.node == 0 {
			return p
		}
		prefix := t.prefix(p.node)
		p.common = t.match(p.node, key)
		if p.common < prefix || prefix == prefixOf(key) {
			p.exact = p.common == prefix
			return p
		}
		p.above, p.parent = p.slot, p.node
		p.slot = t.childSlot(p.node, bit(dataOf(key), prefix))
	}
}

func (t *lpm) put(key, value unsafe.Pointer, flags uint64) errno.Errno {
	if flags > FlagExist || prefixOf(key) > t.maxBits {
		return errno.EINVAL
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.locate(key)
	entry := p.exact && !t.joint(p.node)
	if e := t.admit(entry, flags); e != 0 {
		return e
	}
	n := t.takeNode()
	if n == 0 {
		return errno.ENOMEM
	}
	t.fill(n, prefixOf(key), dataOf(key))
	t.fields.copyIn(t.valueOf(n), value, t.size)
	if !t.link(p, n, key) {
		t.giveNode(n)
		return errno.ENOMEM
	}
	if !entry {
		t.count(+1)
	}
	return 0
}

// admit judges flags and whether there is room.
func (t *lpm) admit(entry bool, flags uint64) errno.Errno {
	switch {
	case entry && flags == FlagNoExist:
		return errno.EEXIST
	case entry:
		return 0
	case flags == FlagExist:
		return errno.ENOENT
	case load32(t.head(lpmCount)) == t.spec.MaxEntries:
		return errno.ENOSPC
	}
	return 0
}

// link puts node n into a key's place; false when there is no node for a joint.
func (t *lpm) link(p place, n uint32, key unsafe.Pointer) bool {
	switch {
	case p.node == 0:
	case p.exact:
		store32(t.childSlot(n, 0), t.child(p.node, 0))
		store32(t.childSlot(n, 1), t.child(p.node, 1))
	case p.common == prefixOf(key):
		store32(t.childSlot(n, bit(t.data(p.node), p.common)), p.node)
	default:
		j := t.takeNode()
		if j == 0 {
			return false
		}
		t.fill(j, p.common, t.data(p.node))
		store32(at(t.node(j), nodeJoint), 1)
		b := bit(dataOf(key), p.common)
		store32(t.childSlot(j, b), n)
		store32(t.childSlot(j, 1-b), p.node)
		n = j
	}
	store32(p.slot, n)
	if p.exact {
		t.retire(p.node)
	}
	return true
}

func (t *lpm) remove(key unsafe.Pointer) errno.Errno {
	if prefixOf(key) > t.maxBits {
		return errno.EINVAL
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.locate(key)
	if !p.exact || t.joint(p.node) {
		return errno.ENOENT
	}
	t.count(-1)
	t.unlink(p)
	return 0
}

// unlink takes an entry out: with two children it stays as a joint; else its
// child, if any, takes its place. A parent that is a joint and would keep one
// child only goes too.
func (t *lpm) unlink(p place) {
	left, right := t.child(p.node, 0), t.child(p.node, 1)
	switch {
	case left != 0 && right != 0:
		store32(at(t.node(p.node), nodeJoint), 1)
		return
	case left|right == 0 && p.parent != 0 && t.joint(p.parent):
		other := t.child(p.parent, 0)
		if other == p.node {
			other = t.child(p.parent, 1)
		}
		store32(p.above, other)
		t.retire(p.parent)
	default:
		store32(p.slot, left|right)
	}
	t.retire(p.node)
}

func (t *lpm) count(by int32) {
	at := t.head(lpmCount)
	store32(at, uint32(int32(load32(at))+by))
}

// takeNode returns a free node, 0 when there is none.
func (t *lpm) takeNode() uint32 {
	free, fresh := t.head(lpmFree), t.head(lpmFresh)
	if n := load32(free); n != 0 {
		store32(t.head(lpmReused), load32(t.head(lpmReused))+1)
		store32(free, t.child(n, 0))
		return n
	}
	n := load32(fresh) + 1
	if n > t.elements {
		return 0
	}
	store32(fresh, n)
	return n
}

// fill makes a node without children.
func (t *lpm) fill(n, prefix uint32, from unsafe.Pointer) {
	p := t.node(n)
	store64(p, 0)
	store32(at(p, nodePrefix), prefix)
	store32(at(p, nodeJoint), 0)
	copy(view(t.data(n), t.dataSize), view(from, t.dataSize))
}

// giveNode takes a node back that nobody sees.
func (t *lpm) giveNode(n uint32) {
	store32(t.childSlot(n, 0), load32(t.head(lpmFree)))
	store32(t.head(lpmFree), n)
}

// retire takes a node back that programs may still see.
func (t *lpm) retire(n uint32) {
	if t.env.Defer == nil {
		t.giveNode(n)
		return
	}
	t.env.Defer.Defer(func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.giveNode(n)
	})
}
