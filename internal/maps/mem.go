// This file defines the memory that maps live in.

package maps

import (
	"runtime"
	"sync/atomic"
	"unsafe"
)

// mem is zeroed memory outside Go's heap, at an address that never changes,
// taken from the system page by page as it is touched. What is written there
// holds offsets and indexes, no addresses, so that it can be a file's contents
// mapped anywhere.
//
// It is unmapped when nothing refers to the mem any more, not when its map is
// closed: a reader that raced with Close then reads zeros, no foreign memory.
type mem struct {
	region
	pins *pins
}

// pins says that a slice of the memory is in the hands of someone whom Go's
// collector cannot see.
type pins struct{ pinned atomic.Bool }

// maxMem is what a map may reserve: half of a 47-bit address space.
const maxMem = 1 << 46

// newMem reserves size bytes. It returns nil when the system refuses.
func newMem(size uint64) *mem {
	if size == 0 || size > maxMem || uint64(uintptr(size)) != size {
		return nil
	}
	r, ok := reserve(uintptr(size))
	if !ok {
		return nil
	}
	return manage(r)
}

// region is what the system gave.
type region struct {
	base unsafe.Pointer
	size uintptr
	fd   int // memfd behind it, -1 without one
}

// manage ties a region's life to a mem's.
func manage(r region) *mem {
	m := &mem{region: r, pins: new(pins)}
	runtime.AddCleanup(m, func(p *pins) {
		if !p.pinned.Load() {
			r.unmap()
		}
	}, m.pins)
	return m
}

// at is the address of an offset.
func (m *mem) at(off uint64) unsafe.Pointer { return unsafe.Add(m.base, uintptr(off)) }

// pin keeps the memory mapped for ever: a slice of it was given away.
func (m *mem) pin() { m.pins.pinned.Store(true) }

// drop gives the pages back, unless they are pinned; the memory stays mapped and
// reads as zeros.
func (m *mem) drop() {
	if !m.pins.pinned.Load() {
		m.region.dropPages()
	}
}
