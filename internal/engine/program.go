// This file defines a program that can run.

package engine

import (
	"fmt"
	"slices"

	"github.com/skepbpf/skep/internal/ir"
	"github.com/skepbpf/skep/internal/maps"
)

// Executable runs the functions of a program. The engines implement it:
// Interpreter, Checked, and machine code.
type Executable interface {
	// Exec runs function fn of p on s with the given R1 to R5 and returns R0.
	// Frames lie below s's current stack. A run that was stopped returns 0
	// and leaves the slot saying so.
	Exec(s *Slot, p *Program, fn int, r1, r2, r3, r4, r5 uint64) uint64
}

// Program is lowered code together with what it runs against. It is immutable
// and may run on many slots at once.
type Program struct {
	Name string
	Type uint32 // with bpf(2)'s numbers

	code   *ir.Code
	ops    []ir.Op     // decoded
	bodies []Func      // by call site
	maps   []*maps.Map // by index; keeps what the code has addresses of
	exec   Executable
	plain  bool // exec is the interpreter
}

// NewProgram binds code to the bodies of its calls, and to the maps whose
// handles it holds. A nil engine is the interpreter.
func NewProgram(code *ir.Code, funcs *Funcs, m []*maps.Map, engine Executable) (*Program, error) {
	p := &Program{Name: code.Name, Type: code.Type, code: code, maps: m, exec: engine}
	if engine == nil {
		p.exec = Interpreter{}
	}
	_, p.plain = p.exec.(Interpreter)
	for i := range code.Calls {
		body := funcs.body(code.Calls[i].Body)
		if body == nil {
			return nil, fmt.Errorf("call of %s: no body number %d", code.Calls[i].Name, code.Calls[i].Body)
		}
		p.bodies = append(p.bodies, body)
	}
	var err error
	if p.ops, err = decode(code); err != nil {
		return nil, fmt.Errorf("decode %s: %w", code.Name, err)
	}
	return p, nil
}

// Code returns what the program runs.
func (p *Program) Code() *ir.Code { return p.code }

// Maps returns the program's maps by index.
func (p *Program) Maps() []*maps.Map { return p.maps }

// IsLeaf reports whether the program calls no host function, itself or by
// tail calls: nothing but an engine runs.
func (p *Program) IsLeaf() bool {
	return len(p.code.Calls) == 0 && !slices.ContainsFunc(p.code.Ops, func(op ir.Op) bool { return op.Code == ir.TailCall })
}

// Run runs the program on a leased slot, with R1 the address of its context
// (see Slot.XDP, Slot.SKB, Slot.Context) and R2, which only programs of
// Skep's memory type read. The error says why the run was stopped; R0 is
// 0 then.
func (p *Program) Run(s *Slot, r1, r2 uint64) (uint64, error) {
	if s.depth != 0 {
		return p.runNested(s, r1, r2)
	}
	s.depth = 1
	s.hdr.TailCalls, s.hdr.Loops = 0, ir.MaxLoops
	var r0 uint64
	if p.plain {
		s.main.r[ir.R1], s.main.r[ir.R2] = r1, r2
		r0 = s.main.run(p, 0) // nothing below it, and no interface between
	} else {
		r0 = p.exec.Exec(s, p, 0, r1, r2, 0, 0, 0)
	}
	s.depth = 0
	if s.stopped {
		return 0, s.takeErr()
	}
	return r0, nil
}

// runNested runs the program within a run, on what is left of the stack. What
// stops it stops the run around it too; a panic that the host function
// recovers leaves the run around it as it was.
func (p *Program) runNested(s *Slot, r1, r2 uint64) (uint64, error) {
	if s.depth >= maxNested || s.sp < s.hdr.StackLow+runStack {
		return 0, ErrNested
	}
	defer s.resume(s.suspend())
	s.depth++
	s.hdr.TailCalls, s.hdr.Loops = 0, ir.MaxLoops
	r0 := p.exec.Exec(s, p, 0, r1, r2, 0, 0, 0)
	if s.stopped {
		return 0, s.err
	}
	return r0, nil
}

// suspended is what a run keeps in its slot while one within it has the slot.
type suspended struct {
	tailCalls uint32
	loops     int64
	call      Call
	sp        uint64
	top       int
	level     int
	depth     int
	watched   *watch
}

func (s *Slot) suspend() suspended {
	return suspended{s.hdr.TailCalls, s.hdr.Loops, s.call, s.sp, s.top, s.level, s.depth, s.watched}
}

func (s *Slot) resume(o suspended) {
	s.contexts[o.depth].root = nil
	s.hdr.TailCalls, s.hdr.Loops = o.tailCalls, o.loops
	s.call, s.sp, s.top, s.level, s.depth, s.watched = o.call, o.sp, o.top, o.level, o.depth, o.watched
}

// takeErr gives the reason why a run was stopped, and lets the next one start.
func (s *Slot) takeErr() error {
	err := s.err
	s.stopped, s.err = false, nil
	return err
}
