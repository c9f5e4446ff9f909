// This file defines the bodies that work on ring buffers.

package helper

import (
	"github.com/skepbpf/skep/internal/engine"
	"github.com/skepbpf/skep/internal/maps"
)

func ringOutput(c *engine.Call, m, data, size, flags, _ uint64) uint64 {
	return result(c.Map(m).Ring().Output(uintptr(data), size, flags))
}

func ringQuery(c *engine.Call, m, what, _, _, _ uint64) uint64 {
	return c.Map(m).Ring().Query(what)
}

// ringReserve returns the address of a new record, 0 when there is no room or
// flags is not 0.
func ringReserve(c *engine.Call, m, size, flags, _, _ uint64) uint64 {
	r := c.Map(m).Ring()
	record := uint64(r.Reserve(size, flags))
	if record != 0 {
		c.Give(record, size)
		c.Hold(heldRecord{r}, record)
	}
	return record
}

func ringSubmit(c *engine.Call, record, flags, _, _, _ uint64) uint64 {
	endRecord(c, record, flags, (*maps.Ring).Submit)
	return 0
}

func ringDiscard(c *engine.Call, record, flags, _, _, _ uint64) uint64 {
	endRecord(c, record, flags, (*maps.Ring).Discard)
	return 0
}

// heldRecord is a record as the slot remembers it: it is discarded when the
// run is stopped.
type heldRecord struct{ ring *maps.Ring }

// Release implements engine.Releaser.
func (h heldRecord) Release(addr uint64) { h.ring.Discard(uintptr(addr), 0) }

func endRecord(c *engine.Call, record, flags uint64, end func(r *maps.Ring, record uintptr, flags uint64)) {
	r := ringOf(c.Program(), record)
	if r == nil {
		return
	}
	c.Drop(record)
	c.Take(record)
	end(r, uintptr(record), flags)
}

// ringOf finds the ring buffer of the program that a record lies in.
func ringOf(p *engine.Program, record uint64) *maps.Ring {
	for _, m := range p.Maps() {
		if r := m.Ring(); r != nil {
			if start, size := m.Region(); uintptr(record)-start < size {
				return r
			}
		}
	}
	return nil
}
