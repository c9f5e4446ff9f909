// This file defines where the hash table's elements come from.

package maps

import (
	"sync/atomic"
	"unsafe"

	"github.com/skepbpf/skep/internal/errno"
)

// pool gives elements out and takes them back. Its head lies in the table's
// memory:
//
//	 0  free   a tag that changes with each pop, <<32 | number of the first free element
//	 8  fresh  how many elements were ever used: those behind are untouched pages
//	12  count  entries in the map
//	16  hand   where the search for an element to give up goes on
//
// A free element's link leads to the next one, and its seq is odd.
type pool struct {
	head     unsafe.Pointer
	table    *table
	env      *Env
	how      reuse
	max      uint32 // entries
	elements uint32
}

const (
	poolFree  = 0
	poolFresh = 8
	poolCount = 12
	poolHand  = 16
	poolHead  = 64
)

// admit counts one more entry; false when the map is full.
func (p *pool) admit() bool {
	count := u32(at(p.head, poolCount))
	if atomic.AddUint32(count, 1) > p.max {
		atomic.AddUint32(count, ^uint32(0))
		return false
	}
	return true
}

// dismiss counts one entry less.
func (p *pool) dismiss() { atomic.AddUint32(u32(at(p.head, poolCount)), ^uint32(0)) }

// obtain returns an element for an update: E2BIG when the map is full, ENOMEM
// when elements are not free yet or none can be given up.
func (p *pool) obtain(c *change) (element, errno.Errno) {
	if c.old != nil && c.s.spare != 0 {
		e := p.table.elem(c.s.spare)
		c.s.spare = 0
		return e, 0
	}
	if c.old == nil && !p.admit() {
		if p.how == reuseOldest {
			return p.evict(c.s)
		}
		return nil, errno.E2BIG
	}
	e := p.take()
	if e != nil {
		return e, 0
	}
	if c.old == nil {
		p.dismiss()
	}
	return nil, errno.ENOMEM
}

// retire keeps the element that an update replaced as its stripe's spare.
func (p *pool) retire(s *stripe, e element) {
	if p.how == reuseLater {
		p.env.later(func() { p.give(e) })
		return
	}
	s.spare = p.table.number(e)
}

// free takes an element back that was an entry.
func (p *pool) free(e element) {
	if p.how == reuseLater {
		p.env.later(func() { p.give(e) })
	} else {
		p.give(e)
	}
	p.dismiss()
}

// evict takes the next element out of its bucket that no program looked up
// since the last time around: CLOCK, an approximation of LRU. The caller holds
// own; other stripes are only tried, so nobody waits in a circle.
func (p *pool) evict(own *stripe) (element, errno.Errno) {
	hand := u32(at(p.head, poolHand))
	used := load32(at(p.head, poolFresh))
	for range 4 * uint64(used) {
		e := p.table.elem(atomic.AddUint32(hand, 1)%used + 1)
		if load32(at(e, elemSeq))&1 != 0 {
			continue // free
		}
		if load32(at(e, elemMark)) != 0 {
			store32(at(e, elemMark), 0)
			continue
		}
		if p.table.expel(e, own) {
			return e, 0
		}
	}
	return nil, errno.ENOMEM
}

// take returns an element that is in no bucket, nil when all are in use. Only
// its owner may touch it.
func (p *pool) take() element {
	head := u64(at(p.head, poolFree))
	for {
		old := atomic.LoadUint64(head)
		n := uint32(old)
		if n == 0 {
			return p.takeFresh()
		}
		e := p.table.elem(n)
		next := old>>32<<32 + 1<<32 | uint64(uint32(load64(e)))
		if atomic.CompareAndSwapUint64(head, old, next) {
			return e
		}
	}
}

// takeFresh returns an element that was never used.
func (p *pool) takeFresh() element {
	fresh := u32(at(p.head, poolFresh))
	for {
		n := atomic.LoadUint32(fresh)
		if n >= p.elements {
			return nil
		}
		if atomic.CompareAndSwapUint32(fresh, n, n+1) {
			e := p.table.elem(n + 1)
			store32(at(e, elemSeq), 1)
			return e
		}
	}
}

// give takes an element back that is in no bucket.
func (p *pool) give(e element) {
	n := uint64(p.table.number(e))
	head := u64(at(p.head, poolFree))
	for {
		old := atomic.LoadUint64(head)
		store64(e, uint64(uint32(old)))
		if atomic.CompareAndSwapUint64(head, old, old>>32<<32|n) {
			return
		}
	}
}
