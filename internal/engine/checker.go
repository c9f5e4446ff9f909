// This file defines one activation of the checked interpreter.

package engine

import (
	"slices"

	"github.com/skepbpf/skep/internal/ir"
)

// checker runs one activation: a program's, or a callback's.
type checker struct {
	*machine
	w *watch
}

func (c *checker) run(p *Program, fn int, callback bool) {
	pc := c.enter(p, fn, c.s.sp)
	c.push()
	if callback {
		c.fail(c.told(func(sh Shadow) error { return sh.Enter(c.w.pc, fn, true, c.regs(), c) }))
	}
	for pc >= 0 && !c.s.stopped {
		pc = c.step(pc)
	}
	if c.s.stopped {
		c.r[ir.R0] = 0
	}
}

// step runs the operation at pc, tells the shadow when an instruction is
// complete with it, and gives the next operation, -1 at the activation's end.
func (c *checker) step(pc int) int {
	before := state{slot: int(c.prog.code.Slots[pc]), top: c.top, code: c.prog.code}
	c.w.pc = before.slot
	op := &c.prog.code.Ops[pc]
	next, err := c.operate(op, pc+1)
	if c.fail(err); c.s.stopped {
		return -1
	}
	c.fail(c.tell(op, before, next))
	return next
}

// state is what tell compares.
type state struct {
	slot, top int
	code      *ir.Code
}

func (c *checker) tell(op *ir.Op, before state, next int) error {
	switch {
	case next < 0 || c.top < before.top:
		c.pop()
		return c.told(func(sh Shadow) error { return sh.Leave(before.slot, c.regs(), c.slotOf(next), c) })
	case c.top > before.top:
		c.push()
		return c.told(func(sh Shadow) error { return sh.Enter(before.slot, int(op.Imm), false, c.regs(), c) })
	case c.prog.code != before.code:
		c.pop()
		c.push()
		return c.told(func(sh Shadow) error { sh.TailCall(before.slot); c.w.shadow = nil; return nil })
	case !c.complete(before.slot, next):
		return nil
	}
	return c.told(func(sh Shadow) error { return sh.Step(before.slot, c.regs(), c.slotOf(next), c) })
}

// complete reports whether the operation next begins an instruction, seen from
// one of slot: lowering may have made several operations of it, with jumps of
// their own.
func (c *checker) complete(slot, next int) bool {
	to := c.slotOf(next)
	return to != slot || int(c.prog.code.First[to]) == next
}

func (c *checker) slotOf(pc int) int {
	if pc < 0 {
		return -1
	}
	return int(c.prog.code.Slots[pc])
}

func (c *checker) told(f func(Shadow) error) error {
	if c.w.shadow == nil {
		return nil
	}
	return f(c.w.shadow)
}

func (c *checker) fail(err error) {
	if err != nil {
		c.s.stop(err)
	}
}

func (c *checker) regs() *[11]uint64 { return (*[11]uint64)(c.r[:ir.R10+1]) }

func (c *checker) push() {
	n := uint64(c.fn.Stack)
	c.w.frames = append(c.w.frames, Region{
		Kind: StackRegion, Index: len(c.w.frames), Addr: c.r[ir.R10] - n, Size: n,
	})
}

func (c *checker) pop() { c.w.frames = c.w.frames[:len(c.w.frames)-1] }

// operate runs an operation after its accesses have been tested.
func (c *checker) operate(op *ir.Op, next int) (int, error) {
	b := c.r[op.Src] + uint64(op.Imm)
	if err := c.test(op, b); err != nil {
		return -1, err
	}
	switch {
	case op.Code <= ir.Swap64:
		c.r[op.Dst] = arithmetic(op.Code, c.r[op.Dst], b)
	case op.Code <= ir.Store64:
		c.move(op, b)
	case op.Code.IsStraight():
		c.cold(op, b)
	case op.Code == ir.Jump || op.Code.IsCondJump() && holds(op.Code, c.r[op.Dst], b):
		if int(op.Off) < next {
			c.s.spend()
		}
		return int(op.Off), nil
	case !op.Code.IsCondJump():
		return c.control(op, next, b), nil
	}
	return next, nil
}

// access is what an operation does to memory.
type access struct {
	size  int
	write bool
}

var accesses = map[ir.Opcode]access{
	ir.Load8: {1, false}, ir.Load16: {2, false}, ir.Load32: {4, false}, ir.Load64: {8, false},
	ir.LoadS8: {1, false}, ir.LoadS16: {2, false}, ir.LoadS32: {4, false},
	ir.Store8: {1, true}, ir.Store16: {2, true}, ir.Store32: {4, true}, ir.Store64: {8, true},
	ir.Atomic32: {4, true}, ir.Atomic64: {8, true},
	ir.LoadAcq8: {1, false}, ir.LoadAcq16: {2, false}, ir.LoadAcq32: {4, false}, ir.LoadAcq64: {8, false},
	ir.StoreRel8: {1, true}, ir.StoreRel16: {2, true}, ir.StoreRel32: {4, true}, ir.StoreRel64: {8, true},
}

// base is the register that an access is relative to.
func base(op *ir.Op) ir.Reg {
	if accesses[op.Code].write {
		return op.Dst
	}
	return op.Src
}

// test finds the region of an operation's access.
func (c *checker) test(op *ir.Op, b uint64) error {
	a, ok := accesses[op.Code]
	if !ok {
		return nil
	}
	addr := c.r[base(op)] + uint64(op.Off)
	if c.find(addr, uint64(a.size)).Kind.readable() {
		return nil
	}
	return &AccessError{
		Program: c.prog.Name, Slot: c.w.pc, Addr: addr, Size: a.size, Write: a.write,
		Near: c.Region(addr),
	}
}

// move runs a plain load or store.
func (c *checker) move(op *ir.Op, b uint64) {
	load, store := b+uint64(op.Off), c.r[op.Dst]+uint64(op.Off)
	switch op.Code {
	case ir.Load8:
		c.r[op.Dst] = uint64(*at[uint8](load))
	case ir.Load16:
		c.r[op.Dst] = uint64(*at[uint16](load))
	case ir.Load32:
		c.r[op.Dst] = uint64(*at[uint32](load))
	case ir.Load64:
		c.r[op.Dst] = *at[uint64](load)
	case ir.Store8:
		*at[uint8](store) = uint8(b)
	case ir.Store16:
		*at[uint16](store) = uint16(b)
	case ir.Store32:
		*at[uint32](store) = uint32(b)
	case ir.Store64:
		*at[uint64](store) = b
	default:
		c.r[op.Dst] = loadSigned(op.Code, load)
	}
}

// find gives the region that n bytes at addr lie in. Frames are searched from
// the innermost on.
func (c *checker) find(addr, n uint64) Region {
	for _, f := range slices.Backward(c.w.frames) {
		if f.contains(addr, n) {
			return f
		}
	}
	for _, g := range slices.Backward(c.w.given) {
		if g.contains(addr, n) {
			return g
		}
	}
	if r := c.s.region(c.prog, addr, n); r.Kind != NoRegion && r.Kind != StackRegion {
		return r
	}
	for _, m := range c.w.maps {
		if r, ok := mapRegion(m, addr, n); ok {
			r.Index = -1
			return r
		}
	}
	return Region{}
}

// Region implements MemoryView.
func (c *checker) Region(addr uint64) Region { return c.find(addr, 0) }

// Frames implements MemoryView.
func (c *checker) Frames() []Region { return c.w.frames }

// Read implements MemoryView.
func (c *checker) Read(addr uint64, p []byte) bool {
	if !c.find(addr, uint64(len(p))).Kind.readable() {
		return false
	}
	copy(p, memory(addr, len(p)))
	return true
}
