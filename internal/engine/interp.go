// This file defines the interpreter: pre-decoded operations, one dispatch each.

package engine

import "github.com/skepbpf/skep/internal/ir"

// Interpreter runs programs on every platform, on raw addresses and without
// any check: the verifier has made them.
type Interpreter struct{}

// Exec implements Executable.
func (Interpreter) Exec(s *Slot, p *Program, fn int, r1, r2, r3, r4, r5 uint64) uint64 {
	var m machine
	m.activate(s)
	m.arguments(r1, r2, r3, r4, r5)
	m.loop(m.enter(p, fn, s.sp))
	m.deactivate()
	return m.r[ir.R0]
}

// loop runs from operation pc until the function it started in returns. It is
// long because it is the one place where a function call an operation would
// double the time: operations that are rare or long are elsewhere (cold,
// control).
func (m *machine) loop(pc int) {
	r, ops := m.r, m.code.Ops
	for {
		op := &ops[pc]
		pc++
		d := op.Dst & (ir.NumRegs - 1)
		b := r[op.Src&(ir.NumRegs-1)] + uint64(op.Imm)
		if op.Code < ir.Jump {
			switch op.Code {
			case ir.Add:
				r[d] += b
			case ir.Sub:
				r[d] -= b
			case ir.Mul:
				r[d] *= b
			case ir.Or:
				r[d] |= b
			case ir.And:
				r[d] &= b
			case ir.Xor:
				r[d] ^= b
			case ir.Lsh:
				r[d] <<= b & 63
			case ir.Rsh:
				r[d] >>= b & 63
			case ir.Arsh:
				r[d] = uint64(int64(r[d]) >> (b & 63))
			case ir.Mov:
				r[d] = b
			case ir.AddW:
				r[d] = uint64(uint32(r[d] + b))
			case ir.AndW:
				r[d] = uint64(uint32(r[d] & b))
			case ir.LshW:
				r[d] = uint64(uint32(r[d]) << (b & 31))
			case ir.RshW:
				r[d] = uint64(uint32(r[d]) >> (b & 31))
			case ir.MovW:
				r[d] = uint64(uint32(b))
			case ir.Load8:
				r[d] = uint64(*at[uint8](b + uint64(op.Off)))
			case ir.Load16:
				r[d] = uint64(*at[uint16](b + uint64(op.Off)))
			case ir.Load32:
				r[d] = uint64(*at[uint32](b + uint64(op.Off)))
			case ir.Load64:
				r[d] = *at[uint64](b + uint64(op.Off))
			case ir.Store8:
				*at[uint8](r[d] + uint64(op.Off)) = uint8(b)
			case ir.Store16:
				*at[uint16](r[d] + uint64(op.Off)) = uint16(b)
			case ir.Store32:
				*at[uint32](r[d] + uint64(op.Off)) = uint32(b)
			case ir.Store64:
				*at[uint64](r[d] + uint64(op.Off)) = b
			default:
				m.cold(op, b)
			}
			continue
		}
		taken := false
		switch op.Code {
		case ir.Jump:
			taken = true
		case ir.JEq:
			taken = r[d] == b
		case ir.JNe:
			taken = r[d] != b
		case ir.JGt:
			taken = r[d] > b
		case ir.JGe:
			taken = r[d] >= b
		case ir.JLt:
			taken = r[d] < b
		case ir.JLe:
			taken = r[d] <= b
		case ir.JEqW:
			taken = uint32(r[d]) == uint32(b)
		case ir.JNeW:
			taken = uint32(r[d]) != uint32(b)
		case ir.Exit:
			if pc = m.exit(); pc < 0 {
				return
			}
			ops = m.code.Ops
		default:
			if op.Code.IsCondJump() {
				taken = holds(op.Code, r[d], b)
				break
			}
			if pc = m.control(op, pc, b); pc < 0 {
				return
			}
			ops = m.code.Ops
		}
		if !taken {
			continue
		}
		if int(op.Off) < pc && m.s.spend() {
			r[ir.R0] = 0
			return
		}
		pc = int(op.Off)
	}
}
