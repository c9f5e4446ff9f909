// This file defines the order in which user space walks the trie: entries
// before those that contain them, and otherwise by their data.

package maps

import (
	"unsafe"

	"github.com/skepbpf/skep/internal/errno"
)

func (t *lpm) nextKey(key, next unsafe.Pointer) errno.Errno {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := uint32(0)
	if key == nil || prefixOf(key) > t.maxBits || !t.has(key) {
		n = t.first(t.root())
	} else {
		n = t.after(key)
	}
	if n == 0 {
		return errno.ENOENT
	}
	t.copyKey(n, next)
	return 0
}

func (t *lpm) has(key unsafe.Pointer) bool {
	p := t.locate(key)
	return p.exact && !t.joint(p.node)
}

func (t *lpm) copyKey(n uint32, to unsafe.Pointer) {
	*u32(to) = t.prefix(n)
	copy(view(dataOf(to), t.dataSize), view(t.data(n), t.dataSize))
}

// first is the first entry below n in the order: the leftmost leaf.
func (t *lpm) first(n uint32) (found uint32) {
	for n != 0 {
		found = n
		if n = t.child(found, 0); n == 0 {
			n = t.child(found, 1)
		}
	}
	return found
}

// after is the first entry that comes after a key in the order, whether or not
// the key is there. On the way down to the key's place, the last node from
// which there was something later to find decides.
func (t *lpm) after(key unsafe.Pointer) (next uint32) {
	for n := t.root(); n != 0; {
		prefix, common := t.prefix(n), t.match(n, key)
		if common < prefix {
			// The key parts from n here; or n lies below it, hence before it.
			if common < prefixOf(key) && bit(t.data(n), common) == 1 {
				next = t.first(n)
			}
			break
		}
		if prefix == prefixOf(key) {
			break
		}
		b := bit(dataOf(key), prefix)
		if right := t.child(n, 1); b == 0 && right != 0 {
			next = t.first(right)
		} else if !t.joint(n) {
			next = n
		}
		n = t.child(n, b)
	}
	return next
}

func (t *lpm) lookupBatch(b *Batch, _ bool) (int, errno.Errno) { return lookupByKey(t, b) }

// scan gives a cursor the entries after its last key.
func (t *lpm) scan(c *Cursor) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for c.n < runLength {
		n := uint32(0)
		if c.last == nil {
			n = t.first(t.root())
		} else {
			n = t.after(data(c.last))
		}
		if n == 0 {
			c.finish()
			return
		}
		key, value := c.add()
		t.copyKey(n, data(key))
		t.fields.copyOut(data(value), t.valueOf(n), t.size)
		c.last = append(c.last[:0], key...)
	}
}
