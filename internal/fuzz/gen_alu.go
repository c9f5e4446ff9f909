// This file defines fragments that compute with numbers.

package fuzz

import (
	"math"
	"math/bits"

	"github.com/skepbpf/skep/internal/bytecode"
)

// having picks a register whose value satisfies want.
func (g *generator) having(want func(value) bool) (reg, bool) {
	var list [11]reg
	n := 0
	for r := r0; r <= r10; r++ {
		if want(g.state.regs[r]) {
			list[n] = r
			n++
		}
	}
	if n == 0 {
		return 0, false
	}
	return list[g.IntN(n)], true
}

func isNumber(v value) bool { return v.kind == scalar }

// number picks a register that holds a number, one that may be changed if so
// asked. Rarely it is any register.
func (g *generator) number(change bool) (reg, bool) {
	if g.mistake() {
		return reg(g.IntN(11)), true
	}
	r, ok := g.having(isNumber)
	return r, ok && !(change && g.pinned>>r&1 != 0)
}

// target picks a register to be overwritten by a number or by anything else.
func (g *generator) target(number bool) reg {
	for range 30 {
		r := reg(g.IntN(10))
		if g.pinned>>r&1 == 0 && (number || g.numbers>>r&1 == 0) {
			return r
		}
	}
	return r0
}

// saved picks a register to be overwritten that calls leave alone.
func (g *generator) saved() reg {
	for range 6 {
		if r := r6 + reg(g.IntN(4)); g.pinned>>r&1 == 0 && g.numbers>>r&1 == 0 {
			return r
		}
	}
	return g.target(false)
}

func (g *generator) width() width { return one(g, w64, w64, w32) }

// interesting are constants at which ranges, signs and widths change.
var interesting = []int32{
	0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 100, 127, 128, 255, 256, 4095, 0xffff, 0x10000,
	math.MaxInt32, math.MinInt32, math.MinInt32 + 1, -1, -2, -8, -64, -128, -256, 0x7ffffff0, 0x40000000,
}

func (g *generator) imm() int32 {
	switch g.IntN(6) {
	case 0:
		return int32(g.Uint32())
	case 1, 2:
		return int32(g.IntN(64))
	}
	return interesting[g.IntN(len(interesting))]
}

func (g *generator) imm64() uint64 {
	v := uint64(int64(g.imm()))
	switch g.IntN(4) {
	case 0:
		return v << (g.IntN(4) * 16)
	case 1:
		return g.Uint64()
	case 2:
		return 1<<g.IntN(64) + uint64(g.IntN(3)) - 1
	}
	return v & math.MaxUint32
}

func (g *generator) constant() bool {
	r := g.target(true)
	if g.chance(0.2) {
		v := g.imm64()
		g.load64(r, 0, v)
		g.set(r, number(v))
		return true
	}
	v := g.imm()
	w := g.width()
	g.emit(aluK(w, bytecode.ALUMov, r, v))
	g.set(r, number(extend(w, v)))
	return true
}

func extend(w width, v int32) uint64 {
	if w == w32 {
		return uint64(uint32(v))
	}
	return uint64(int64(v))
}

// copy moves a register: pointers whole, numbers in part too.
func (g *generator) copy() bool {
	src, ok := g.having(func(v value) bool { return v.kind != dead })
	if !ok {
		return false
	}
	v := g.state.regs[src]
	if v.kind != scalar {
		dst := g.target(false)
		g.emit(mov(dst, src))
		g.set(dst, v)
		return true
	}
	dst := g.target(true)
	w := g.width()
	in := aluX(w, bytecode.ALUMov, dst, src)
	v.max = clip(w, v.max)
	if g.chance(0.25) { // movsx
		n := one(g, 8, 16, 32)
		if w == w32 {
			n = one(g, 8, 16)
		}
		in.Off = int16(n)
		if bits.Len64(v.max) >= n {
			v.max = clip(w, unbounded)
		}
	}
	g.emit(in)
	g.set(dst, v)
	return true
}

func clip(w width, v uint64) uint64 {
	if w == w32 {
		return min(v, math.MaxUint32)
	}
	return v
}

// aluOps are the operations on numbers, the usual ones more than once.
var aluOps = []uint8{
	bytecode.ALUAdd, bytecode.ALUAdd, bytecode.ALUAdd, bytecode.ALUSub, bytecode.ALUSub, bytecode.ALUMul, bytecode.ALUDiv,
	bytecode.ALUOr, bytecode.ALUAnd, bytecode.ALUAnd, bytecode.ALUAnd, bytecode.ALULsh, bytecode.ALURsh, bytecode.ALURsh,
	bytecode.ALUNeg, bytecode.ALUMod, bytecode.ALUXor, bytecode.ALUArsh, bytecode.ALUArsh,
}

func (g *generator) arithmeticK() bool {
	dst, ok := g.number(true)
	if !ok || dst == r10 {
		return false
	}
	op, w, k := aluOps[g.IntN(len(aluOps))], g.width(), g.imm()
	in := aluK(w, op, dst, k)
	switch op {
	case bytecode.ALULsh, bytecode.ALURsh, bytecode.ALUArsh:
		in.Imm = int32(g.IntN(bitsOf(w)))
		if g.mistake() {
			in.Imm = int32(bitsOf(w))
		}
	case bytecode.ALUNeg:
		in.Imm = 0
	case bytecode.ALUDiv, bytecode.ALUMod:
		if k == 0 && !g.mistake() {
			in.Imm = 3
		}
		if g.chance(0.3) {
			in.Off = 1 // signed
		}
	}
	g.emit(in)
	g.set(dst, number(clip(w, maxAfter(op, w, g.state.regs[dst].max, in))))
	return true
}

func bitsOf(w width) int {
	if w == w32 {
		return 32
	}
	return 64
}

// maxAfter guesses the bound of dst after an operation by a constant.
func maxAfter(op uint8, w width, was uint64, in insn) uint64 {
	k := extend(w, in.Imm)
	switch op {
	case bytecode.ALUAnd:
		return min(was, k)
	case bytecode.ALURsh:
		return clip(w, was) >> k
	case bytecode.ALUAdd:
		if sum := was + k; sum >= was && was != unbounded {
			return sum
		}
	case bytecode.ALUMul, bytecode.ALULsh, bytecode.ALUOr, bytecode.ALUXor:
		return grown(op, was, k)
	}
	return unbounded
}

func grown(op uint8, was, k uint64) uint64 {
	if op == bytecode.ALUOr || op == bytecode.ALUXor {
		return 1<<bits.Len64(was|k) - 1
	}
	if op == bytecode.ALULsh {
		k = 1 << (k & 63)
	}
	if hi, lo := bits.Mul64(was, k); hi == 0 {
		return lo
	}
	return unbounded
}

func (g *generator) arithmeticX() bool {
	dst, ok := g.number(true)
	src, ok2 := g.number(false)
	if !ok || !ok2 || dst == r10 {
		return false
	}
	op, w := aluOps[g.IntN(len(aluOps))], g.width()
	in := aluX(w, op, dst, src)
	if op == bytecode.ALUNeg {
		in = aluK(w, op, dst, 0)
	}
	if (op == bytecode.ALUDiv || op == bytecode.ALUMod) && g.chance(0.3) {
		in.Off = 1
	}
	g.emit(in)
	bound := unbounded
	if a, b := g.state.regs[dst].max, g.state.regs[src].max; op == bytecode.ALUAnd {
		bound = min(a, b)
	} else if op == bytecode.ALUAdd && a+b >= a {
		bound = a + b
	}
	g.set(dst, number(clip(w, bound)))
	return true
}

// byteSwap is one of le, be and bswap.
func (g *generator) byteSwap() bool {
	dst, ok := g.number(true)
	if !ok || dst == r10 {
		return false
	}
	n := one(g, 16, 32, 64)
	op := one(g,
		uint8(bytecode.ClassALU|bytecode.ALUEnd),
		bytecode.ClassALU|bytecode.ALUEnd|bytecode.SrcX,
		bytecode.ClassALU64|bytecode.ALUEnd)
	g.emit(insn{Op: op, Dst: dst, Imm: int32(n)})
	g.set(dst, number(1<<n-1))
	return true
}

// unknown makes a number of which little is known.
func (g *generator) unknown() bool {
	switch g.IntN(5) {
	case 0:
		return g.callSimple(7, g.chance(0.5)) // prandom
	case 1, 2:
		return g.contextLoad()
	case 3:
		return g.access()
	}
	r := g.target(true)
	n := one(g, 1, 2, 4, 8)
	off := -n * (1 + g.IntN(8*numSlots/n))
	if !g.state.written(off, n) {
		return false
	}
	if i := (-off - 1) / 8; g.state.slots[i].kind > scalar {
		return false
	}
	g.emit(load(n, r, r10, off))
	g.set(r, number(maxOf(n)))
	return true
}

// maxOf is the largest number of n bytes.
func maxOf(n int) uint64 { return unbounded >> (64 - 8*n) }

// callSimple calls a helper without arguments.
func (g *generator) callSimple(helper int32, keep bool) bool {
	if g.pinned&0x3f != 0 || !g.varies() {
		return false
	}
	g.emit(call(helper))
	g.state.clobber()
	g.set(r0, unknown)
	if keep {
		if r := g.saved(); g.pinned>>r&1 == 0 {
			g.emit(mov(r, r0))
			g.set(r, unknown)
		}
	}
	return true
}

// contextLoad reads a field of the context.
func (g *generator) contextLoad() bool {
	base, ok := g.having(func(v value) bool { return v.kind == ctxPtr })
	if !ok {
		return false
	}
	f := g.profile.fields[g.IntN(len(g.profile.fields))]
	if !f.same && !g.varies() {
		return false
	}
	r := g.target(true)
	g.emit(load(f.size, r, base, f.off))
	g.set(r, number(maxOf(f.size)))
	return true
}
