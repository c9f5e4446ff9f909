// This file defines fragments that bound numbers, and that claim bounds: code
// that must not be reached stands where the claim is false.

package fuzz

import (
	"math"
	"math/bits"

	"github.com/skepbpf/skep/internal/bytecode"
)

// bounds are ways to make a register at most limit.
var bounds []func(g *generator, r reg, limit uint64)

func init() {
	bounds = []func(*generator, reg, uint64){
		(*generator).boundMask, (*generator).boundMask,
		(*generator).boundUnsigned, (*generator).boundUnsigned,
		(*generator).boundSigned, (*generator).boundShift,
		(*generator).boundCopy, (*generator).boundOffset, (*generator).boundRegister, (*generator).boundSpilled,
		(*generator).boundSteps, (*generator).boundNot,
	}
}

// bound makes a register at most limit, on all paths that go on.
func (g *generator) bound(r reg, limit uint64) {
	bounds[g.IntN(len(bounds))](g, r, limit)
	if v := &g.state.regs[r]; v.kind == scalar {
		v.max = min(v.max, limit)
	}
}

func (g *generator) boundAny() bool {
	r, ok := g.number(true)
	if !ok || r == r10 || g.state.regs[r].kind != scalar {
		return false
	}
	g.bound(r, uint64(one(g, 0, 1, 3, 7, 8, 15, 31, 40, 63, 64, 100, 255, 1000, 4096, 0xffff)))
	return true
}

func (g *generator) boundMask(r reg, limit uint64) {
	m := int32(1)<<(bits.Len64(limit+1)-1) - 1
	if limit == 0 {
		m = 0
	}
	g.emit(aluK(g.width(), bytecode.ALUAnd, r, m))
}

// unsignedOver are the jumps that are taken for what is greater than a bound,
// with what to add to it.
var unsignedOver = []struct {
	op  uint8
	add int32
}{{bytecode.JmpGt, 0}, {bytecode.JmpGe, 1}}

func (g *generator) boundUnsigned(r reg, limit uint64) {
	w := g.comparable32(r)
	j := unsignedOver[g.IntN(2)]
	g.jump(jmpK(w, j.op, r, int32(limit)+j.add), g.out)
}

// comparable32 is the 32-bit width where the number fits, mostly.
func (g *generator) comparable32(r reg) width {
	if g.state.regs[r].max <= math.MaxUint32 || g.mistake() {
		return g.width()
	}
	if g.chance(0.2) {
		g.emit(aluX(w32, bytecode.ALUMov, r, r)) // zero-extends
		return g.width()
	}
	return w64
}

func (g *generator) boundSigned(r reg, limit uint64) {
	w := w64
	if g.state.regs[r].max <= math.MaxInt32 || g.mistake() {
		w = g.width()
	}
	low := func() { g.jump(jmpK(w, bytecode.JmpSLt, r, 0), g.out) }
	high := func() { g.jump(jmpK(w, bytecode.JmpSGt, r, int32(limit)), g.out) }
	if g.chance(0.5) {
		low, high = high, low
	}
	low()
	high()
}

func (g *generator) boundShift(r reg, limit uint64) {
	w := g.width()
	g.emit(aluK(w, bytecode.ALURsh, r, int32(bitsOf(w)-bits.Len64(limit+1)+1)&int32(bitsOf(w)-1)))
	if limit == 0 {
		g.emit(movK(r, 0))
	}
}

// boundCopy compares a copy: both are one number.
func (g *generator) boundCopy(r reg, limit uint64) {
	c := g.target(true)
	if c == r {
		g.boundMask(r, limit)
		return
	}
	w := g.comparable32(r)
	if g.chance(0.3) && g.state.regs[r].max <= math.MaxUint32 {
		g.emit(aluX(w32, bytecode.ALUMov, c, r))
	} else {
		g.emit(mov(c, r))
	}
	g.set(c, number(min(g.state.regs[r].max, limit)))
	if g.chance(0.5) {
		r, c = c, r
	}
	g.boundUnsignedAs(w, c, limit)
}

func (g *generator) boundUnsignedAs(w width, r reg, limit uint64) {
	g.jump(jmpK(w, bytecode.JmpGt, r, int32(limit)), g.out)
}

// boundOffset compares a copy that a constant was added to.
func (g *generator) boundOffset(r reg, limit uint64) {
	c := g.target(true)
	if c == r || limit == 0 {
		g.boundMask(r, limit)
		return
	}
	if g.state.regs[r].max > math.MaxUint32 {
		g.emit(aluX(w32, bytecode.ALUMov, r, r))
		g.set(r, number(math.MaxUint32))
	}
	k := int32(1 + g.IntN(100))
	g.emit(mov(c, r), aluK(one(g, w64, w64, w64, w32), bytecode.ALUAdd, c, k))
	g.set(c, number(limit+uint64(k)))
	g.jump(jmpK(w64, bytecode.JmpGt, c, int32(limit)+k), g.out)
}

// boundRegister compares with another register.
func (g *generator) boundRegister(r reg, limit uint64) {
	c := g.target(true)
	if c == r {
		g.boundMask(r, limit)
		return
	}
	g.emit(movK(c, int32(limit)))
	g.set(c, number(limit))
	if w := g.comparable32(r); g.chance(0.5) {
		g.jump(jmpX(w, bytecode.JmpGt, r, c), g.out)
	} else {
		g.jump(jmpX(w, bytecode.JmpLt, c, r), g.out)
	}
}

// boundSpilled compares the number after a way through the stack, and lets the
// copy in the stack have the bound too.
func (g *generator) boundSpilled(r reg, limit uint64) {
	i := g.IntN(numSlots)
	n := 8
	if g.state.regs[r].max <= math.MaxUint32 && g.chance(0.4) {
		n = 4
	}
	off := -8 * (i + 1)
	g.emit(storeX(n, r10, off, r))
	g.state.spilled(i, n, number(min(g.state.regs[r].max, limit)))
	g.jump(jmpK(w64, bytecode.JmpGt, r, int32(limit)), g.out)
	if g.chance(0.7) {
		g.emit(load(n, r, r10, off))
	}
}

// boundSteps takes two branches that meet again.
func (g *generator) boundSteps(r reg, limit uint64) {
	meet := g.newLabel()
	w := g.comparable32(r)
	g.jump(jmpK(w, bytecode.JmpLe, r, int32(limit/2)), meet)
	g.jump(jmpK(w, bytecode.JmpLe, r, int32(limit)), meet)
	if g.chance(0.5) {
		g.goTo(g.out)
	} else {
		g.emit(movK(r, int32(limit)))
	}
	g.place(meet)
}

// boundNot keeps small numbers by the bits that they do not have.
func (g *generator) boundNot(r reg, limit uint64) {
	m := int32(1)<<(bits.Len64(limit+1)-1) - 1
	g.jump(jmpK(one(g, w64, w64, w32), bytecode.JmpSet, r, ^m), g.out)
}

// claim writes code that must not be reached, behind a branch that is never
// taken if the generator is right about a number.
func (g *generator) claim() bool {
	r, ok := g.number(false)
	if !ok || r == r10 {
		return false
	}
	v := g.state.regs[r]
	var in insn
	switch {
	case v.max >= math.MaxInt32 && !g.mistake():
		return g.claimMasked(r)
	case v.max >= math.MaxInt32:
		in = jmpK(w64, bytecode.JmpNe, r, g.imm())
	case g.chance(0.5):
		in = jmpK(g.width(), one(g, uint8(bytecode.JmpGt), bytecode.JmpSGt), r, int32(v.max))
	default:
		in = jmpK(g.width(), bytecode.JmpSLt, r, 0)
	}
	if g.mistake() {
		in.Imm--
	}
	g.never(in)
	return true
}

// claimMasked makes some bits known and claims them.
func (g *generator) claimMasked(r reg) bool {
	if g.pinned>>r&1 != 0 {
		return false
	}
	w, m := g.width(), int32(g.imm64())
	if g.chance(0.5) {
		g.emit(aluK(w, bytecode.ALUAnd, r, m))
		g.never(jmpK(w, bytecode.JmpSet, r, ^m))
	} else {
		g.emit(aluK(w, bytecode.ALUOr, r, m|1))
		g.never(jmpK(w, one(g, uint8(bytecode.JmpEq), bytecode.JmpLt), r, int32(g.IntN(2))))
	}
	g.set(r, number(clip(w, unbounded)))
	return true
}

// never writes a branch to code that is refused.
func (g *generator) never(in insn) {
	bad, good := g.newLabel(), g.newLabel()
	g.jump(in, bad)
	g.goTo(good)
	g.place(bad)
	g.emit(load(8, r0, r10, 8))
	g.emit(exit())
	g.place(good)
}
