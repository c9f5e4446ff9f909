// This file defines what host functions are given.

package engine

import (
	"slices"

	"github.com/skepbpf/skep/internal/ir"
	"github.com/skepbpf/skep/internal/maps"
	"github.com/skepbpf/skep/world"
)

// Func is the body of a helper or kfunc. It gets R1 to R5 as they are and
// returns R0; functions that fail return the negated Linux errno (Errno).
// What the verifier has proved of the arguments holds: a pointer to memory of
// a known size points to it, a map pointer is the handle of a map, and so on.
// It may panic or leave by Goexit: the slot's release puts things right.
type Func func(c *Call, r1, r2, r3, r4, r5 uint64) uint64

// Errno gives the result of a function that failed with a Linux errno.
func Errno(errno int) uint64 { return uint64(-int64(errno)) }

// Call is one call of a host function. It is valid until the function returns.
type Call struct {
	slot *Slot
	prog *Program
	site *ir.Call
}

// CPU is what bpf_get_smp_processor_id gives, and the row of per-CPU maps that
// belongs to the run.
func (c *Call) CPU() int { return c.slot.index }

// CPUs is the number of CPUs.
func (c *Call) CPUs() int { return len(c.slot.pool.slots) }

// Slot is the slot that the run has leased.
func (c *Call) Slot() *Slot { return c.slot }

// Program is the program that calls.
func (c *Call) Program() *Program { return c.prog }

// Site is what lowering knows of the place of the call.
func (c *Call) Site() *ir.Call { return c.site }

// World is where time, randomness and tasks come from.
func (c *Call) World() *world.World { return c.slot.pool.host.World }

// Trace prints text on behalf of the program.
func (c *Call) Trace(text string) {
	if sink := c.slot.pool.host.Trace; sink != nil {
		sink(c.prog.Name, text)
	}
}

// Bytes views n bytes of memory at an address that the verifier has proved
// good for n bytes. The view must not be kept past the call. n < 1 is nil.
func (c *Call) Bytes(addr uint64, n int) []byte {
	if n < 1 {
		return nil
	}
	return memory(addr, n)
}

// Probe copies memory at an address that nothing is known of: it reports
// whether all len(p) bytes lie in what the run may see (its stack, context and
// packet, and its maps). Where they do not, p is cleared.
func (c *Call) Probe(p []byte, addr uint64) bool { return c.slot.probe(c.prog, p, addr) }

// Map gives the map of a handle: of a map argument, or of a pointer that a map
// of maps gave.
func (c *Call) Map(handle uint64) *maps.Map {
	m := at[maps.Map](handle)
	if w := c.slot.watched; w != nil && !slices.Contains(w.maps, m) {
		w.maps = append(w.maps, m)
	}
	return m
}

// Give notes that the function returns the address of n bytes that lie in no
// map: a record, a copy. Only the checked interpreter asks.
func (c *Call) Give(addr, n uint64) {
	if w := c.slot.watched; w != nil {
		w.given = append(w.given, Region{Kind: GivenRegion, Addr: addr, Size: n})
	}
}

// Take notes that memory which Give gave is the program's no more.
func (c *Call) Take(addr uint64) {
	if w := c.slot.watched; w != nil {
		w.given = slices.DeleteFunc(w.given, func(r Region) bool { return r.Addr == addr })
	}
}

// XDP is the context at an address, of an XDP program.
func (c *Call) XDP(ctx uint64) *ir.XDP { return at[ir.XDP](ctx) }

// SKB is the context at an address, of a program that looks at a socket buffer.
func (c *Call) SKB(ctx uint64) *ir.SKB { return at[ir.SKB](ctx) }

// Callback calls a function of the program by the value that the program
// passed for it, and returns its R0. Once Stopped it returns 1 without calling,
// which ends every loop that the kernel's callbacks end by returning 1.
func (c *Call) Callback(fn uint64, args ...uint64) uint64 {
	var r [5]uint64
	copy(r[:], args)
	return c.callback(fn, r)
}

func (c *Call) callback(handle uint64, args [5]uint64) uint64 {
	s, saved := c.slot, *c
	fn, ok := ir.FuncOf(handle)
	if s.spend() || !ok || fn >= len(c.prog.code.Funcs) {
		return 1
	}
	r0 := c.prog.exec.Exec(s, c.prog, fn, args[0], args[1], args[2], args[3], args[4])
	*c = saved
	if s.stopped {
		return 1
	}
	return r0
}

// Stopped reports that the run is to end: a function that loops or waits gives up.
func (c *Call) Stopped() bool { return c.slot.stopped || c.slot.poll() }

// Run runs another program on the same slot, within this run, with its context
// at ctx.
func (c *Call) Run(p *Program, ctx uint64) (uint64, error) { return p.Run(c.slot, ctx, 0) }

// Hold notes that the program now has a resource which owner takes back, by
// its address, when the run is stopped before the program gives it back.
func (c *Call) Hold(owner Releaser, addr uint64) {
	c.slot.held = append(c.slot.held, hold{owner, addr})
}

// Drop forgets the latest Hold of an address: the program has given it back.
func (c *Call) Drop(addr uint64) {
	held := c.slot.held
	for i := len(held) - 1; i >= 0; i-- {
		if held[i].addr == addr {
			copy(held[i:], held[i+1:])
			held[len(held)-1] = hold{}
			c.slot.held = held[:len(held)-1]
			return
		}
	}
}

// spend takes one back edge from the budget and reports whether the run is to end.
func (s *Slot) spend() bool {
	s.budget--
	return s.budget < 0 && s.poll()
}
