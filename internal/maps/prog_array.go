// This file defines the array of programs, for tail calls.

package maps

import (
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/errno"
)

func init() {
	register(kind{
		typ:     bytecode.MapProgArray,
		check:   checkProgArray,
		open:    openProgArray,
		objects: true,
		merge:   MergeUnion,
	})
}

func checkProgArray(s *bytecode.MapSpec) errno.Errno {
	const refused = bytecode.MapRdonlyProg | bytecode.MapWronlyProg | bytecode.MapMmapable | bytecode.MapInnerMap
	if s.ValueSize != 4 || s.Flags&refused != 0 {
		return errno.EINVAL
	}
	return checkArray(s)
}

// progArray holds Go references, so it lives in Go's heap: in pages that are
// made when something is put there.
type progArray struct {
	unsupported
	base
	max   uint32
	pages []atomic.Pointer[progPage]

	mu    sync.Mutex
	class any // TailCallClass of all programs, nil before the first
}

const pageSlots = 512

type progPage [pageSlots]atomic.Pointer[Program]

// maxProgs bounds the table of pages; the kernel would need 512 MiB beyond it.
const maxProgs = 1 << 26

func openProgArray(b *base) (storage, errno.Errno) {
	n := b.spec.MaxEntries
	if n > maxProgs {
		return nil, errno.ENOMEM
	}
	return &progArray{base: *b, max: n, pages: make([]atomic.Pointer[progPage], (n+pageSlots-1)/pageSlots)}, 0
}

// ProgramAt is the program that a tail call to index goes to; nil when there is
// none, or the map is no prog array.
func (m *Map) ProgramAt(index uint32) Program {
	a, ok := m.storage.(*progArray)
	if !ok {
		return nil
	}
	return a.program(index)
}

// SetProgram puts a program at an index: EINVAL when it cannot follow the
// others, E2BIG beyond the end.
func (m *Map) SetProgram(index uint32, p Program) errno.Errno {
	a, ok := m.storage.(*progArray)
	if !ok {
		return errno.EINVAL
	}
	done, e := m.beginWrite()
	if e != 0 {
		return e
	}
	defer m.endWrite(done)
	return a.set(index, p)
}

// Claim says that a program of a class tail-calls through the map: EINVAL when
// it holds programs of another class.
func (m *Map) Claim(class any) errno.Errno {
	a, ok := m.storage.(*progArray)
	if !ok {
		return errno.EINVAL
	}
	return a.claim(class)
}

func (a *progArray) claim(class any) errno.Errno {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.class == nil {
		a.class = class
	}
	if a.class != class {
		return errno.EINVAL
	}
	return 0
}

func (a *progArray) program(index uint32) Program {
	if index >= a.max {
		return nil
	}
	page := a.pages[index/pageSlots].Load()
	if page == nil {
		return nil
	}
	p := page[index%pageSlots].Load()
	if p == nil {
		return nil
	}
	return *p
}

func (a *progArray) set(index uint32, p Program) errno.Errno {
	if index >= a.max {
		return errno.E2BIG
	}
	if e := a.claim(p.TailCallClass()); e != 0 {
		return e
	}
	p.Retain()
	a.drop(a.slot(index).Swap(&p))
	return 0
}

// slot returns an index's place, and makes the page that it is on.
func (a *progArray) slot(index uint32) *atomic.Pointer[Program] {
	at := &a.pages[index/pageSlots]
	if at.Load() == nil {
		at.CompareAndSwap(nil, new(progPage))
	}
	return &at.Load()[index%pageSlots]
}

// drop lets a program go that may still be running.
func (a *progArray) drop(p *Program) {
	if p != nil {
		a.env.later((*p).Release)
	}
}

// put takes a file descriptor from user space.
func (a *progArray) put(key, value unsafe.Pointer, flags uint64) errno.Errno {
	switch index := *u32(key); {
	case flags != FlagAny:
		return errno.EINVAL
	case index >= a.max:
		return errno.E2BIG
	case a.env.Program == nil:
		return errno.EBADF
	default:
		p, e := a.env.Program(*u32(value))
		if e != 0 {
			return e
		}
		return a.set(index, p)
	}
}

// get gives the program's id.
func (a *progArray) get(key, value unsafe.Pointer, _ uint64) errno.Errno {
	p := a.program(*u32(key))
	if p == nil {
		return errno.ENOENT
	}
	*u32(value) = p.ID()
	return 0
}

func (a *progArray) remove(key unsafe.Pointer) errno.Errno {
	index := *u32(key)
	if index >= a.max {
		return errno.E2BIG
	}
	if a.program(index) == nil {
		return errno.ENOENT
	}
	old := a.slot(index).Swap(nil)
	if old == nil {
		return errno.ENOENT
	}
	a.drop(old)
	return 0
}

func (a *progArray) nextKey(key, next unsafe.Pointer) errno.Errno { return nextIndex(a.max, key, next) }

// scan gives the indexes that hold a program, with its id.
func (a *progArray) scan(c *Cursor) {
	for ; c.pos < uint64(a.max) && c.n < runLength; c.pos++ {
		if a.pages[c.pos/pageSlots].Load() == nil {
			c.pos |= pageSlots - 1
			continue
		}
		if p := a.program(uint32(c.pos)); p != nil {
			key, value := c.add()
			*u32(data(key)) = uint32(c.pos)
			*u32(data(value)) = p.ID()
		}
	}
	if c.pos >= uint64(a.max) {
		c.finish()
	}
}

// merge puts the other map's programs where there is none, or with MergeLast
// everywhere.
func (a *progArray) merge(from storage, mode MergeMode) (bool, errno.Errno) {
	b := from.(*progArray)
	for i := range min(a.max, b.max) {
		p := b.program(i)
		if p == nil || mode != MergeLast && a.program(i) != nil {
			continue
		}
		if e := a.set(i, p); e != 0 {
			return true, e
		}
	}
	return true, 0
}

func (a *progArray) heap() uint64 { return 8 * uint64(a.max) }

// close releases all programs, as the kernel does when the last user reference
// is gone.
func (a *progArray) close() {
	for i := range a.pages {
		page := a.pages[i].Load()
		for j := 0; page != nil && j < pageSlots; j++ {
			a.drop(page[j].Swap(nil))
		}
	}
}
