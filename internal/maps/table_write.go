// This file defines how the hash table is written.

package maps

import (
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/skepbpf/skep/internal/errno"
)

// stripe is the lock of every so manieth bucket, alone on its cache line. Under
// it stands one spare element: replacing a key's element takes the spare and
// leaves the old one, so that it works in a full map and without the pool.
type stripe struct {
	sync.Mutex
	spare uint32
	_     [64 - 12]byte
}

// maxStripes bounds the locks, and with them the elements beyond max_entries.
const maxStripes = 256

func (t *table) stripe(hash uint32) *stripe { return &t.stripes[hash&uint32(len(t.stripes)-1)] }

// lock locks a hash's bucket.
func (t *table) lock(hash uint32) *stripe {
	s := t.stripe(hash & t.mask)
	s.Lock()
	return s
}

// reuse says when elements that left their bucket may serve again.
type reuse uint8

const (
	reuseAtOnce reuse = iota // as preallocated elements in the kernel
	reuseLater               // when no program runs that may see them (BPF_F_NO_PREALLOC)
	reuseOldest              // at once, and a full map gives up what was not used for long
)

// deferSlack is how many elements there are at least for those that wait for
// running programs; like all, they take no memory before they are used.
const deferSlack = 1 << 10

// openTable makes a table whose elements have room for a value, with more
// memory, counted from a page's begin, behind it.
func openTable(b *base, how reuse, value uint64, more func(b *base, elements uint64) uint64) (
	t *table, behind unsafe.Pointer, err errno.Errno) {
	n := uint64(b.spec.MaxEntries)
	if n > maxHashEntries {
		return nil, nil, errno.E2BIG
	}
	stripes := uint64(1)
	for stripes < n && stripes < maxStripes {
		stripes *= 2
	}
	elements := n + stripes
	if how == reuseLater {
		elements += n + deferSlack
	}
	stride := elemHeader + uint64(roundUp8(b.spec.KeySize)) + value
	buckets, elems, size := layTable(n, elements, stride)
	size = (size + pageSize - 1) &^ (pageSize - 1)
	extra := uint64(0)
	if more != nil {
		extra = more(b, elements)
	}
	mem, err := b.reserve(size + extra)
	if err != 0 {
		return nil, nil, err
	}
	t = &table{
		mem: mem, buckets: mem.at(poolHead), elems: mem.at(elems), mask: uint32(buckets - 1),
		stride: uintptr(stride), keys: newKeying(uintptr(b.spec.KeySize), b.env.seed(b.spec.Flags)),
		stripes: make([]stripe, stripes),
	}
	t.pool = pool{head: mem.base, table: t, env: b.env, how: how, max: uint32(n), elements: uint32(elements)}
	return t, mem.at(size), 0
}

// change is what an update does to a key's bucket, under its lock.
type change struct {
	t    *table
	s    *stripe
	hash uint32
	prev unsafe.Pointer // where old's number stands, or a new one's would not
	old  element        // nil when the key is not there
}

// begin locks a key's bucket and finds the key in it; the caller must call end.
func (t *table) begin(key unsafe.Pointer) change {
	hash := t.keys.hash(key)
	s := t.lock(hash)
	prev, old := t.search(key, hash)
	return change{t: t, s: s, hash: hash, prev: prev, old: old}
}

func (c *change) end() { c.s.Unlock() }

// allowed judges update flags.
func (c *change) allowed(flags uint64) errno.Errno {
	switch flags &^ FlagLock {
	case FlagNoExist:
		if c.old != nil {
			return errno.EEXIST
		}
	case FlagExist:
		if c.old == nil {
			return errno.ENOENT
		}
	}
	return 0
}

// obtain gives an element for the update, with the key in it. A key that is
// new counts as an entry from here on.
func (c *change) obtain(key unsafe.Pointer) (element, errno.Errno) {
	e, err := c.t.pool.obtain(c)
	if err != 0 {
		return nil, err
	}
	store32(at(e, elemMark), 0)
	copy(view(keyOf(e), c.t.keys.size), view(key, c.t.keys.size))
	return e, 0
}

// publish puts a filled element into the bucket, for the old one if there is one.
func (c *change) publish(e element) {
	if c.old == nil {
		c.insert(e)
		return
	}
	c.replace(e)
	c.t.retire(c.s, c.old)
}

// remove takes the old element out and ends its life as an entry.
func (c *change) remove() {
	c.unlink()
	c.t.free(c.old)
}

// insert puts a filled element in front of the bucket.
func (c *change) insert(e element) {
	b := c.t.bucket(c.hash)
	store64(e, linkOf(c.hash, load32(b)))
	c.t.enter(e)
	store32(b, c.t.number(e))
}

// replace puts a filled element in old's place: a reader finds one or the other.
func (c *change) replace(e element) {
	store64(e, linkOf(c.hash, uint32(load64(c.old))))
	c.t.enter(e)
	c.t.point(c.prev, c.hash, c.t.number(e))
	c.t.leave(c.old)
}

// unlink takes old out of the bucket.
func (c *change) unlink() {
	c.t.point(c.prev, c.hash, uint32(load64(c.old)))
	c.t.leave(c.old)
}

// point makes a bucket or an element point to the element numbered n.
func (t *table) point(prev unsafe.Pointer, hash, n uint32) {
	if prev == t.bucket(hash) {
		store32(prev, n)
		return
	}
	link := load64(prev)
	store64(prev, link&^0xffffffff|uint64(n))
}

// enter and leave change an element's seq.
func (t *table) enter(e element) { atomic.AddUint32(u32(at(e, elemSeq)), 1) }
func (t *table) leave(e element) { atomic.AddUint32(u32(at(e, elemSeq)), 1) }

// expel takes an element out of its bucket, if it is in one whose lock is to be
// had at once. own is a lock that the caller holds.
func (t *table) expel(e element, own *stripe) bool {
	hash := uint32(load64(e) >> 32)
	s := t.stripe(hash & t.mask)
	if s != own {
		if !s.TryLock() {
			return false
		}
		defer s.Unlock()
	}
	prev := t.bucket(hash)
	for n := load32(prev); n != 0; {
		at := t.elem(n)
		if at == e {
			t.point(prev, hash, uint32(load64(e)))
			t.leave(e)
			return true
		}
		prev, n = at, uint32(load64(at))
	}
	return false
}
