// This file defines the interpreter: pre-decoded operations, one dispatch each.

package engine

import "github.com/skepbpf/skep/internal/ir"

//go:generate go run ./gen -out zloop.go

// Interpreter runs programs on every platform, on raw addresses and without
// any check: the verifier has made them.
type Interpreter struct{}

// Exec implements Executable.
func (Interpreter) Exec(s *Slot, p *Program, fn int, r1, r2, r3, r4, r5 uint64) uint64 {
	m := s.activate()
	m.arguments(r1, r2, r3, r4, r5)
	r0 := m.run(p, fn)
	s.level--
	return r0
}

// run runs a function of p and returns its R0.
func (m *machine) run(p *Program, fn int) uint64 {
	m.top = m.base
	for pc := m.loop(m.enter(p, fn, m.spBase)); pc >= 0; pc = m.loop(pc) {
		if pc = m.leave(pc); pc < 0 {
			break
		}
	}
	m.s.sp, m.s.top = m.spBase, m.base
	return m.r[ir.R0]
}

// leave runs the operation at which loop gave up, and returns the next one's
// index; -1 ends the activation.
func (m *machine) leave(pc int) int {
	op := &m.prog.code.Ops[pc]
	b := m.r[op.Src] + uint64(op.Imm)
	switch {
	case op.Code.IsStraight():
		m.cold(op, b)
		return pc + 1
	case op.Code > ir.JSetW:
		return m.control(op, pc+1, b)
	case m.s.poll(): // a jump back, with the budget used up
		return m.stop()
	}
	return int(op.Off)
}
