// This file defines the interpreter: pre-decoded operations, one dispatch each.

package engine

import (
	"math/bits"
	"sync/atomic"
	"unsafe"

	"github.com/skepbpf/skep/internal/ir"
)

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

// loop runs operations from pc on, and returns the index of the first one that
// it leaves to others: because it is rare, or calls, or takes a jump back when
// the budget is used up; -1 at the activation's end. It is long because it is the one place where a
// function call an operation would double the time; for the same reason there
// is no call in it, so that all it works with stays in registers. Its operands
// are in bounds because decode has looked at them.
//
//go:nocheckptr
func (m *machine) loop(pc int) int {
	ops := unsafe.Pointer(unsafe.SliceData(m.prog.ops))
	next, r, s := unsafe.Add(ops, uintptr(pc)*opSize), &m.r, m.s
	for {
		op := (*ir.Op)(next)
		next = unsafe.Add(next, opSize)
		d, b := r.at(op.Dst), *r.at(op.Src)+uint64(op.Imm)
		switch op.Code {
		case ir.Add:
			*d += b
			continue
		case ir.Sub:
			*d -= b
			continue
		case ir.Mul:
			*d *= b
			continue
		case ir.Or:
			*d |= b
			continue
		case ir.And:
			*d &= b
			continue
		case ir.Xor:
			*d ^= b
			continue
		case ir.Lsh:
			*d <<= b & 63
			continue
		case ir.Rsh:
			*d >>= b & 63
			continue
		case ir.Arsh:
			*d = uint64(int64(*d) >> (b & 63))
			continue
		case ir.Mov:
			*d = b
			continue
		case ir.AddW:
			*d = uint64(uint32(*d + b))
			continue
		case ir.SubW:
			*d = uint64(uint32(*d - b))
			continue
		case ir.OrW:
			*d = uint64(uint32(*d | b))
			continue
		case ir.AndW:
			*d = uint64(uint32(*d & b))
			continue
		case ir.XorW:
			*d = uint64(uint32(*d ^ b))
			continue
		case ir.LshW:
			*d = uint64(uint32(*d) << (b & 31))
			continue
		case ir.RshW:
			*d = uint64(uint32(*d) >> (b & 31))
			continue
		case ir.MovW:
			*d = uint64(uint32(b))
			continue
		case ir.Zext16:
			*d = uint64(uint16(*d))
			continue
		case ir.Swap16:
			*d = uint64(bits.ReverseBytes16(uint16(*d)))
			continue
		case ir.Swap32:
			*d = uint64(bits.ReverseBytes32(uint32(*d)))
			continue
		case ir.Load8:
			*d = uint64(*at[uint8](b + uint64(op.Off)))
			continue
		case ir.Load16:
			*d = uint64(*at[uint16](b + uint64(op.Off)))
			continue
		case ir.Load32:
			*d = uint64(*at[uint32](b + uint64(op.Off)))
			continue
		case ir.Load64:
			*d = *at[uint64](b + uint64(op.Off))
			continue
		case ir.Store8:
			*at[uint8](*d + uint64(op.Off)) = uint8(b)
			continue
		case ir.Store16:
			*at[uint16](*d + uint64(op.Off)) = uint16(b)
			continue
		case ir.Store32:
			*at[uint32](*d + uint64(op.Off)) = uint32(b)
			continue
		case ir.Store64:
			*at[uint64](*d + uint64(op.Off)) = b
			continue
		case ir.Jump:
		case ir.JEq:
			if *d != b {
				continue
			}
		case ir.JNe:
			if *d == b {
				continue
			}
		case ir.JGt:
			if *d <= b {
				continue
			}
		case ir.JGe:
			if *d < b {
				continue
			}
		case ir.JLt:
			if *d >= b {
				continue
			}
		case ir.JLe:
			if *d > b {
				continue
			}
		case ir.JSGt:
			if int64(*d) <= int64(b) {
				continue
			}
		case ir.JSGe:
			if int64(*d) < int64(b) {
				continue
			}
		case ir.JSLt:
			if int64(*d) >= int64(b) {
				continue
			}
		case ir.JSLe:
			if int64(*d) > int64(b) {
				continue
			}
		case ir.JSet:
			if *d&b == 0 {
				continue
			}
		case ir.JEqW:
			if uint32(*d) != uint32(b) {
				continue
			}
		case ir.JNeW:
			if uint32(*d) == uint32(b) {
				continue
			}
		case ir.JGtW:
			if uint32(*d) <= uint32(b) {
				continue
			}
		case ir.JGeW:
			if uint32(*d) < uint32(b) {
				continue
			}
		case ir.JLtW:
			if uint32(*d) >= uint32(b) {
				continue
			}
		case ir.JLeW:
			if uint32(*d) > uint32(b) {
				continue
			}
		case ir.JSGtW:
			if int32(*d) <= int32(b) {
				continue
			}
		case ir.JSGeW:
			if int32(*d) < int32(b) {
				continue
			}
		case ir.JSLtW:
			if int32(*d) >= int32(b) {
				continue
			}
		case ir.JSLeW:
			if int32(*d) > int32(b) {
				continue
			}
		case ir.JSetW:
			if uint32(*d)&uint32(b) == 0 {
				continue
			}
		case atomicAdd64:
			atomic.AddUint64(at[uint64](*d+uint64(op.Off)), *r.at(op.Src))
			continue
		case ir.Exit:
			if m.top == m.base {
				return -1
			}
			return int((uintptr(next)-uintptr(ops))/opSize) - 1
		default:
			return int((uintptr(next)-uintptr(ops))/opSize) - 1
		}
		if op.Off < 0 {
			if s.budget--; s.budget < 0 {
				return int((uintptr(next)-uintptr(ops))/opSize) - 1
			}
		}
		next = unsafe.Add(next, int(op.Off))
	}
}
