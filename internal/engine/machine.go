// This file defines what the interpreters keep besides registers: functions,
// frames, and the operations that leave the straight path.

package engine

import (
	"unsafe"

	"github.com/skepbpf/skep/internal/ir"
)

// registers is a register file. It is not cleared between activations: a
// verified program reads no register that it has not written.
type registers [ir.NumRegs]uint64

// at is r's element n, which is below ir.NumRegs.
func (r *registers) at(n ir.Reg) *uint64 {
	return (*uint64)(unsafe.Add(unsafe.Pointer(r), uintptr(n)*unsafe.Sizeof(r[0])))
}

// machine is one activation of an interpreter, from Exec to its return. The
// slot keeps it for the next activation of the same depth.
type machine struct {
	r    registers
	s    *Slot
	prog *Program
	fn   *ir.Func // the function that runs

	spBase    uint64 // the slot's stack as Exec found it
	base, top int    // frames [base, top) of the slot are this activation's
}

// frame is a caller that waits for its callee.
type frame struct {
	prog  *Program
	fn    *ir.Func
	pc    int
	saved [5]uint64 // R6 to R10
}

// activate gives the machine of an activation within the slot's run: what is in
// use of stack and frames is as of the last call of a host function.
func (s *Slot) activate() *machine {
	if s.level == len(s.machines) {
		s.machines = append(s.machines, &machine{s: s})
	}
	m := s.machines[s.level]
	s.level++
	m.spBase, m.base, m.top = s.sp, s.top, s.top
	return m
}

// enter starts function fn of p with its frame right below sp, and returns
// its first operation.
//
//	sp → +----------------+ ← R10
//	     |  fn.Stack      |
//	     +----------------+ ← where a callee's frame begins
func (m *machine) enter(p *Program, fn int, sp uint64) int {
	f := &p.code.Funcs[fn]
	if m.fn != f {
		m.prog, m.fn = p, f
	}
	m.r[ir.R10] = sp
	if n := f.Stack; n > 0 {
		clear(memory(sp-uint64(n), int(n)))
	}
	return int(f.Entry)
}

func (m *machine) arguments(r1, r2, r3, r4, r5 uint64) {
	r := &m.r
	r[ir.R1], r[ir.R2], r[ir.R3], r[ir.R4], r[ir.R5] = r1, r2, r3, r4, r5
}

// below is the lowest stack address in use.
func (m *machine) below() uint64 { return m.r[ir.R10] - uint64(m.fn.Stack) }

// control runs an operation after which the next one may be anywhere, and
// returns its index; -1 ends the activation.
func (m *machine) control(op *ir.Op, pc int, b uint64) int {
	switch op.Code {
	case ir.CallHost:
		return m.callHost(op, pc)
	case ir.CallFunc:
		return m.callFunc(op, pc)
	case ir.Exit:
		return m.exit()
	case ir.TailCall:
		return m.tailCall(pc)
	case ir.MayGoto:
		return m.mayGoto(op, pc)
	}
	return m.packetWord(op, pc, b)
}

func (m *machine) callHost(op *ir.Op, pc int) int {
	s, r := m.s, &m.r
	s.sp, s.top = m.below(), m.top
	s.call.prog, s.call.site = m.prog, &m.prog.code.Calls[op.Imm]
	r[ir.R0] = m.prog.bodies[op.Imm](&s.call, r[ir.R1], r[ir.R2], r[ir.R3], r[ir.R4], r[ir.R5])
	if s.stopped {
		return m.stop()
	}
	return pc
}

func (m *machine) callFunc(op *ir.Op, pc int) int {
	s := m.s
	if m.top == len(s.frames) {
		s.frames = append(s.frames, make([]frame, len(s.frames))...)
	}
	f := &s.frames[m.top]
	f.prog, f.fn, f.pc = m.prog, m.fn, pc
	copy(f.saved[:], m.r[ir.R6:ir.RTmp])
	m.top++
	return m.enter(m.prog, int(op.Imm), m.below())
}

func (m *machine) exit() int {
	if m.top == m.base {
		return -1
	}
	m.top--
	f := &m.s.frames[m.top]
	copy(m.r[ir.R6:ir.RTmp], f.saved[:])
	m.prog, m.fn = f.prog, f.fn
	return f.pc
}

// stop ends the activation because the run is to end.
func (m *machine) stop() int {
	m.r[ir.R0] = 0
	return -1
}

// tailCall puts another program in the place of the function that runs.
func (m *machine) tailCall(pc int) int {
	s := m.s
	next := tailTarget(m.r[ir.R2], uint32(m.r[ir.R3]))
	if next == nil || s.hdr.TailCalls >= ir.MaxTailCalls || m.r[ir.R10] < s.hdr.StackLow+runStack/2 {
		return pc
	}
	s.hdr.TailCalls++
	if s.spend() {
		return m.stop()
	}
	return m.enter(next, 0, m.r[ir.R10])
}

func (m *machine) mayGoto(op *ir.Op, pc int) int {
	loops := &m.s.hdr.Loops
	if *loops <= 0 {
		return int(op.Off)
	}
	*loops--
	if m.s.spend() {
		return m.stop()
	}
	return pc
}

// packetWord is the legacy packet load. What is not in the packet ends the
// function with 0, and the registers that a call clobbers are not kept.
func (m *machine) packetWord(op *ir.Op, pc int, b uint64) int {
	v, ok := packetWord(at[ir.SKB](m.r[ir.R6]), int32(b), int(op.Dst))
	m.r[ir.R0] = v
	if !ok {
		return m.exit()
	}
	return pc
}

// cold runs the straight operations that the loop has no room for.
func (m *machine) cold(op *ir.Op, b uint64) {
	r, d := &m.r, op.Dst&(ir.NumRegs-1)
	switch c := op.Code; {
	case c <= ir.Swap64:
		r[d] = arithmetic(c, r[d], b)
	case c <= ir.LoadS32:
		r[d] = loadSigned(c, b+uint64(op.Off))
	case c == ir.CPU:
		r[d] = uint64(m.s.hdr.CPU)
	case c == ir.LoadProbe:
		r[d] = m.s.loadProbe(m.prog, r[op.Src&(ir.NumRegs-1)]+uint64(op.Off), op.Imm)
	case c <= ir.Atomic64:
		m.atomic(op)
	case c <= ir.LoadAcq64:
		r[d] = loadAcquire(c, b+uint64(op.Off))
	default:
		storeRelease(op.Code, r[d]+uint64(op.Off), b)
	}
}

func loadSigned(c ir.Opcode, addr uint64) uint64 {
	switch c {
	case ir.LoadS8:
		return uint64(*at[int8](addr))
	case ir.LoadS16:
		return uint64(*at[int16](addr))
	}
	return uint64(*at[int32](addr))
}
