// This file defines fragments that access memory.

package fuzz

import (
	"github.com/skepbpf/skep/internal/bytecode"
)

// memory picks a register that points to memory, the stack as often as all else.
func (g *generator) memory(want func(value) bool) (reg, bool) {
	if g.chance(0.4) && want(g.state.regs[r10]) {
		return r10, true
	}
	return g.having(func(v value) bool { return v.isMemory() && want(v) })
}

// fits tells pointers by which n bytes may be accessed.
func fits(n int) func(value) bool {
	return func(v value) bool { return v.hi-v.lo >= n && (v.align == 0 || v.align >= n) }
}

// offset picks where to access n bytes by a pointer, aligned more often than
// not. At the limits, rarely one beyond.
func (g *generator) offset(v value, n int) int {
	span := v.hi - v.lo - n
	off := v.lo
	switch {
	case span <= 0:
	case g.chance(0.15):
		off = v.lo + span
	case g.chance(0.15):
	default:
		off = v.lo + g.IntN(span+1)
	}
	if v.frame || g.chance(0.7) {
		if a := off &^ (n - 1); a >= v.lo {
			off = a
		}
	}
	if g.mistake() {
		off += one(g, -1, 1, n, 8)
	}
	return off
}

func (g *generator) access() bool {
	n := one(g, 1, 2, 4, 8, 8)
	base, ok := g.memory(fits(n))
	if !ok {
		return false
	}
	return g.accessAt(base, g.offset(g.state.regs[base], n), n)
}

// accessAt loads or stores.
func (g *generator) accessAt(base reg, off, n int) bool {
	if v := g.state.regs[base]; g.chance(0.5) && g.mayWrite(v) {
		return g.storeAt(base, off, n)
	}
	return g.loadAt(base, off, n)
}

// mayWrite reports whether a store by the pointer is allowed.
func (g *generator) mayWrite(v value) bool {
	if v.kind == packetPtr {
		return !g.profile.readOnly && g.profile.family != socket
	}
	return v.atomic || g.mistake()
}

func (g *generator) storeAt(base reg, off, n int) bool {
	v := g.state.regs[base]
	src, ok := g.number(false)
	if ok && g.chance(0.7) {
		g.emit(storeX(n, base, off, src))
	} else {
		g.emit(storeK(n, base, off, g.imm()))
	}
	if base == r10 {
		g.state.wrote(off, n)
	} else if v.frame {
		g.state.forget()
	}
	return true
}

func (g *generator) loadAt(base reg, off, n int) bool {
	v, r := g.state.regs[base], g.target(true)
	if base == r10 && !g.readable(off, n) {
		return false
	}
	if v.frame && base != r10 && !g.mayReadStack() {
		return false
	}
	if n < 8 && g.chance(0.25) {
		g.emit(loadSigned(n, r, base, off))
		g.set(r, unknown)
		return true
	}
	g.emit(load(n, r, base, off))
	g.set(r, number(maxOf(n)))
	return true
}

// readable reports whether a read of the stack gives a number that every run
// agrees about; now and then it is not and is read nevertheless.
func (g *generator) readable(off, n int) bool {
	ok := g.state.written(off, n)
	for b := off; b < off+n; b++ {
		if i := (-b - 1) / 8; b < 0 && i < numSlots && g.state.slots[i].kind > scalar {
			ok = false
		}
	}
	return ok || g.chance(0.1) && g.varies()
}

// spill stores a register to its own slot of the stack.
func (g *generator) spill() bool {
	r, ok := g.having(func(v value) bool { return v.kind != dead && !v.fresh })
	if !ok {
		return false
	}
	v, n := g.state.regs[r], 8
	if r == r10 || g.calm && v.kind != scalar {
		return false
	}
	if v.kind == scalar {
		n = one(g, 8, 8, 8, 4, 4, 2, 1)
		if v.max > maxOf(n) {
			v.max = maxOf(n)
		}
	}
	i := g.IntN(numSlots)
	g.emit(storeX(n, r10, -8*(i+1), r))
	g.state.spilled(i, n, v)
	return true
}

// fill loads a spilled value, whole or in part.
func (g *generator) fill() bool {
	start := g.IntN(numSlots)
	for k := range numSlots {
		i := (start + k) % numSlots
		v, n := g.state.slots[i], g.state.width[i]
		if v.kind == dead {
			continue
		}
		if v.kind != scalar {
			r := g.saved()
			g.emit(load(8, r, r10, -8*(i+1)))
			g.set(r, v)
			return true
		}
		return g.fillNumber(i, n, v)
	}
	return false
}

func (g *generator) fillNumber(i, n int, v value) bool {
	r := g.target(true)
	m := one(g, n, n, n, 4, 2, 1, 8)
	if m > n && !g.state.written(-8*(i+1), m) {
		m = n
	}
	off := -8 * (i + 1)
	if g.chance(0.1) && m < n {
		off += n - m // the upper part
	}
	if m < 8 && g.chance(0.2) {
		g.emit(loadSigned(m, r, r10, off))
		g.set(r, unknown)
		return true
	}
	g.emit(load(m, r, r10, off))
	bound := min(maxOf(m), v.max)
	if m != n {
		bound = maxOf(m)
	}
	g.set(r, number(bound))
	return true
}

// partial overwrites part of a slot.
func (g *generator) partial() bool {
	n := one(g, 1, 2, 4)
	off := -8*(1+g.IntN(numSlots)) + g.IntN(8/n)*n
	g.emit(storeK(n, r10, off, one(g, 0, 0, 1, -1, g.imm())))
	g.state.wrote(off, n)
	return true
}

// variable accesses memory at an offset that is known only by its bound.
func (g *generator) variable() bool {
	n := one(g, 1, 2, 4, 8)
	base, ok := g.memory(func(v value) bool { return fits(n)(v) && v.hi-v.lo > n && !v.fresh })
	index, ok2 := g.number(true)
	if !ok || !ok2 || index == base || index == r10 {
		return false
	}
	v := g.state.regs[base]
	limit := g.limit(v, n)
	if g.state.regs[index].max > limit || g.chance(0.3) {
		g.bound(index, limit)
	}
	if v.frame && n > 1 && !g.mistake() {
		g.emit(aluK(w64, bytecode.ALUAnd, index, int32(-n)))
	}
	p := g.pointerPlus(base, index)
	if v.frame {
		g.state.regs[p].align = min(g.state.regs[p].align, n)
	}
	moved := g.state.regs[p]
	if moved.kind == dead || moved.hi-moved.lo < n {
		return true
	}
	off := g.offset(moved, n)
	if v.kind == packetPtr {
		return g.checkedAccess(p, n)
	}
	if v.frame {
		return g.variableStack(p, off, n)
	}
	return g.accessAt(p, off, n)
}

// limit is a bound for an index: what fits or less.
func (g *generator) limit(v value, n int) uint64 {
	room := v.hi - v.lo - n
	if v.kind == packetPtr {
		room = one(g, 4, 16, 60, 255, 1500, 0xffff)
	}
	if g.mistake() {
		room += one(g, 1, 2, 8)
	}
	if g.chance(0.5) {
		return uint64(max(room, 0))
	}
	return uint64(g.IntN(max(room, 0) + 1))
}

// pointerPlus makes base plus index, in place of either or in a third register.
func (g *generator) pointerPlus(base, index reg) reg {
	v, bound := g.state.regs[base], g.state.regs[index].max
	p := base
	switch {
	case g.pinned>>base&1 == 0 && g.chance(0.3):
		g.emit(aluX(w64, bytecode.ALUAdd, base, index))
	case g.numbers>>index&1 == 0 && g.chance(0.4) && !v.frame:
		p = index
		g.emit(aluX(w64, bytecode.ALUAdd, index, base))
	default:
		for p == base || p == index {
			if p = g.target(false); g.chance(0.1) {
				break
			}
		}
		if p == base || p == index {
			return p
		}
		g.emit(mov(p, base), aluX(w64, bytecode.ALUAdd, p, index))
	}
	switch {
	case v.kind == packetPtr && bound <= 0xffff:
		v.fresh, v.lo, v.hi = true, 0, 0
	case bound > 1<<28:
		v = value{}
	default:
		v.hi -= int(bound)
	}
	g.set(p, v)
	return p
}

// variableStack accesses the stack at a variable offset.
func (g *generator) variableStack(p reg, off, n int) bool {
	if g.chance(0.5) {
		g.emit(storeK(n, p, off, g.imm()))
		g.state.forget()
		return true
	}
	if !g.mayReadStack() {
		return true
	}
	r := g.target(true)
	g.emit(load(n, r, p, off))
	g.set(r, number(maxOf(n)))
	return true
}

// mayReadStack reports whether the stack may be read where it is not known what
// is there: a pointer, or nothing yet.
func (g *generator) mayReadStack() bool { return g.calm || g.varies() }

// pointerArithmetic adds a constant to a pointer, or a bounded number.
func (g *generator) pointerArithmetic() bool {
	p, ok := g.having(func(v value) bool { return v.isMemory() && !v.frame || v.frame && g.chance(0.3) })
	if !ok {
		return false
	}
	v := g.state.regs[p]
	if g.pinned>>p&1 != 0 {
		c := g.target(false)
		g.emit(mov(c, p))
		p = c
	}
	k := g.IntN(24)
	if g.chance(0.3) && v.kind != packetPtr {
		k = -g.IntN(24)
	}
	if v.frame {
		k = -8 * g.IntN(6)
	}
	if g.chance(0.2) && !v.frame {
		g.emit(aluK(w64, bytecode.ALUSub, p, int32(-k)))
	} else {
		g.emit(addK(p, int32(k)))
	}
	v.lo, v.hi = v.lo-k, v.hi-k
	if v.fresh {
		v.lo, v.hi = 0, 0
	}
	g.set(p, v)
	return true
}

// atomicOps are the read-modify-write operations.
var atomicOps = []int32{
	bytecode.AtomicAdd, bytecode.AtomicOr, bytecode.AtomicAnd, bytecode.AtomicXor,
	bytecode.AtomicAdd | bytecode.AtomicFetch, bytecode.AtomicOr | bytecode.AtomicFetch,
	bytecode.AtomicAnd | bytecode.AtomicFetch, bytecode.AtomicXor | bytecode.AtomicFetch,
	bytecode.AtomicXchg, bytecode.AtomicCmpXchg, bytecode.AtomicLoadAcq, bytecode.AtomicStoreRel,
}

func (g *generator) atomicOp() bool {
	n := one(g, 4, 8)
	op := atomicOps[g.IntN(len(atomicOps))]
	if op >= bytecode.AtomicLoadAcq {
		n = one(g, 1, 2, 4, 8)
	}
	base, ok := g.memory(func(v value) bool { return v.atomic && fits(n)(v) })
	src, ok2 := g.number(op&bytecode.AtomicFetch != 0 || op == bytecode.AtomicLoadAcq)
	if !ok || !ok2 || src == r10 || op == bytecode.AtomicCmpXchg && (g.state.regs[r0].kind != scalar || g.pinned&1 != 0) {
		return false
	}
	if g.state.regs[base].frame && op&bytecode.AtomicFetch != 0 && !g.varies() {
		return false // the kernel does not track the slot's precision: it may drop code that runs
	}
	off := g.offset(g.state.regs[base], n)
	if a := off &^ (n - 1); a >= g.state.regs[base].lo {
		off = a
	}
	if base == r10 && !g.readable(off, n) {
		g.emit(storeK(n, base, off, g.imm()))
	} else if g.state.regs[base].frame && base != r10 && !g.mayReadStack() {
		return true
	}
	g.emitAtomic(n, op, base, off, src)
	if base == r10 {
		g.state.wrote(off, n)
	} else if g.state.regs[base].frame {
		g.state.forget()
	}
	return true
}

func (g *generator) emitAtomic(n int, op int32, base reg, off int, src reg) {
	in := rmw(n, op, base, off, src)
	switch {
	case op == bytecode.AtomicLoadAcq:
		in.Dst, in.Src = src, base
		g.set(src, number(maxOf(n)))
	case op == bytecode.AtomicCmpXchg:
		g.set(r0, number(maxOf(n)))
	case op&bytecode.AtomicFetch != 0:
		g.set(src, number(maxOf(n)))
	}
	g.emit(in)
}

// contextStore writes a field of the context.
func (g *generator) contextStore() bool {
	base, ok := g.having(func(v value) bool { return v.kind == ctxPtr })
	f := g.profile.fields[g.IntN(len(g.profile.fields))]
	src, ok2 := g.number(false)
	if !ok || !ok2 || !f.write && !g.mistake() {
		return false
	}
	if g.chance(0.3) {
		g.emit(storeK(f.size, base, f.off, g.imm()))
	} else {
		g.emit(storeX(f.size, base, f.off, src))
	}
	return true
}
