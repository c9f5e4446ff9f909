// This file defines the checked interpreter.

package engine

import (
	"fmt"

	"github.com/skepbpf/skep/internal/ir"
	"github.com/skepbpf/skep/internal/maps"
)

// Checked runs the same operations as Interpreter, but tests every access to
// memory against the regions of the run before it makes it, and tells a Shadow
// of every instruction. It is the engine of the debugger and the oracle of the
// verifier's soundness: an access outside is an error that wraps
// *AccessError, never a crash.
type Checked struct {
	// Shadow is asked for one at the start of every run that is not nested;
	// nil, here or from it, is none.
	Shadow func(*Program) Shadow
}

// Shadow follows a run. Registers are those after what it is told of, R10
// included; slots are the bytecode's. An error stops the run.
type Shadow interface {
	// Step: the instruction at slot pc has run; next is the slot that follows.
	// For a host function that calls back, Enter and Leave come before its Step.
	Step(pc int, regs *[11]uint64, next int, m MemoryView) error
	// Enter: function fn begins, called from slot pc by the program or, as a
	// callback, by the host function that the program called there.
	Enter(pc, fn int, callback bool, regs *[11]uint64, m MemoryView) error
	// Leave: the exit (or legacy packet load) at slot pc has left a function;
	// next is the slot that follows, -1 when a callback or the run has ended.
	// Registers are the caller's, R0 the result.
	Leave(pc int, regs *[11]uint64, next int, m MemoryView) error
	// TailCall: the run goes on in another program, which the shadow knows
	// nothing of: it is told nothing more.
	TailCall(pc int)
}

// AccessError is an access to memory outside of what the run may touch. For an
// accepted program it is a mistake of Skep's.
type AccessError struct {
	Program string
	Slot    int // of the instruction
	Addr    uint64
	Size    int
	Write   bool
	Near    Region // the region that the address itself is in
}

func (e *AccessError) Error() string {
	verb := "read"
	if e.Write {
		verb = "write"
	}
	where := e.Near.Kind.String()
	if e.Near.Kind != NoRegion {
		where = fmt.Sprintf("%s at %d of %d", where, e.Addr-e.Near.Addr, e.Near.Size)
	}
	return fmt.Sprintf("%s: insn %d: %s of %d bytes outside of the run's memory: %#x (%s)",
		e.Program, e.Slot, verb, e.Size, e.Addr, where)
}

// Exec implements Executable.
func (e Checked) Exec(s *Slot, p *Program, fn int, r1, r2, r3, r4, r5 uint64) uint64 {
	outer := s.watched
	callback := outer != nil && outer.depth == s.depth
	c := checker{machine: s.activate(), w: outer}
	if !callback {
		c.w = e.begin(s, p)
		s.watched = c.w
	}
	c.arguments(r1, r2, r3, r4, r5)
	site := c.w.pc
	c.run(p, fn, callback)
	c.w.pc = site
	c.s.level--
	c.s.sp, c.s.top = c.spBase, c.base
	s.watched = outer
	return c.r[ir.R0]
}

// begin makes what is kept of a run.
func (e Checked) begin(s *Slot, p *Program) *watch {
	w := &watch{depth: s.depth}
	if e.Shadow != nil && s.depth <= 1 {
		w.shadow = e.Shadow(p)
	}
	return w
}

// watch is what the checked interpreter keeps of a run, over its activations.
type watch struct {
	depth  int // of the run on its slot
	shadow Shadow
	pc     int         // slot of the instruction that runs
	frames []Region    // of the functions that are going on
	given  []Region    // memory that host functions returned
	maps   []*maps.Map // maps that host functions were asked about
}
