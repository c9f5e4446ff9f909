// This file defines fragments with control flow inside a function.

package fuzz

import "github.com/skepbpf/skep/internal/bytecode"

// comparisons are the conditions of jumps.
var comparisons = []uint8{
	bytecode.JmpEq, bytecode.JmpNe, bytecode.JmpGt, bytecode.JmpGe, bytecode.JmpLt, bytecode.JmpLe,
	bytecode.JmpSGt, bytecode.JmpSGe, bytecode.JmpSLt, bytecode.JmpSLe, bytecode.JmpSet,
}

// condition makes a comparison of numbers.
func (g *generator) condition() (insn, bool) {
	dst, ok := g.number(false)
	if !ok || dst == r10 {
		return insn{}, false
	}
	op, w := comparisons[g.IntN(len(comparisons))], g.width()
	if src, ok := g.number(false); ok && src != r10 && g.chance(0.4) {
		return jmpX(w, op, dst, src), true
	}
	return jmpK(w, op, dst, g.imm()), true
}

const maxDepth = 4

// branch is an if, with or without an else. Sometimes both arms do the same to
// the registers in different ways, so that states meet that are nearly alike.
func (g *generator) branch() bool {
	in, ok := g.condition()
	if !ok || g.depth > maxDepth {
		return false
	}
	taken, end := g.newLabel(), g.newLabel()
	g.jump(in, taken)
	before := g.state
	g.block(1 + g.IntN(8))
	if g.chance(0.5) {
		g.place(taken)
		g.place(end)
		g.state.meet(&before)
		return true
	}
	if g.chance(0.1) {
		g.goToLong(end)
	} else {
		g.goTo(end)
	}
	g.place(taken)
	after := g.state
	g.state = before
	g.block(1 + g.IntN(8))
	g.place(end)
	g.state.meet(&after)
	return true
}

// loop repeats a block a bounded number of times.
func (g *generator) loop() bool {
	if g.loops > 0 && g.chance(0.8) || g.loops > 1 || g.depth > maxDepth {
		return false
	}
	pinned, numbers := g.pinned, g.numbers
	counter := g.saved()
	if g.pinned>>counter&1 != 0 || counter < r6 {
		return false
	}
	g.loops++
	one(g, (*generator).countUp, (*generator).countUp, (*generator).countDown, (*generator).countSpilled, (*generator).countUnknown)(g, counter)
	g.loops--
	g.pinned, g.numbers = pinned, numbers
	return true
}

// freeze makes what is known before a loop hold in all its rounds: pointers
// are kept as they are or not used, numbers may be anything.
func (g *generator) freeze() {
	for r := r0; r < r10; r++ {
		v := &g.state.regs[r]
		switch {
		case g.pinned>>r&1 != 0:
		case v.kind == scalar && g.chance(0.8):
			*v = unknown
			g.numbers |= 1 << r
		case v.kind != dead && v.kind != scalar && r >= r6 && !v.fresh && v.kind != orNull && g.chance(0.8):
			g.pinned |= 1 << r
		default:
			*v = value{}
		}
	}
	g.state.forget()
}

// rounds is how often a loop runs at most: fewer times inside of another, whose
// walk takes the product.
func (g *generator) rounds() int32 {
	if g.loops > 1 {
		return int32(1 + g.IntN(3))
	}
	return int32(1 + g.IntN(10))
}

// body writes what a loop repeats.
func (g *generator) body() { g.block(2 + g.IntN(8)) }

func (g *generator) countUp(counter reg) {
	n := g.rounds()
	g.emit(movK(counter, 0))
	g.set(counter, number(uint64(n)))
	g.pinned |= 1 << counter
	g.freeze()
	top := g.newLabel()
	g.place(top)
	g.body()
	g.emit(addK(counter, 1))
	g.jump(jmpK(g.width(), one(g, uint8(bytecode.JmpLt), bytecode.JmpNe, bytecode.JmpSLt), counter, n), top)
}

func (g *generator) countDown(counter reg) {
	n := g.rounds()
	g.emit(movK(counter, n))
	g.set(counter, number(uint64(n)))
	g.pinned |= 1 << counter
	g.freeze()
	top := g.newLabel()
	g.place(top)
	g.body()
	g.emit(aluK(g.width(), bytecode.ALUSub, counter, 1))
	g.jump(jmpK(w64, one(g, uint8(bytecode.JmpNe), bytecode.JmpSGt), counter, 0), top)
}

// countSpilled keeps the counter in the stack.
func (g *generator) countSpilled(counter reg) {
	n := one(g, 8, 8, 4)
	off, ok := g.alloc(1)
	if !ok {
		return
	}
	defer g.free(off, 1)
	g.emit(movK(counter, 0), storeX(n, r10, off, counter))
	g.set(counter, value{})
	g.freeze()
	top := g.newLabel()
	g.place(top)
	g.set(counter, value{})
	g.body()
	if g.pinned>>counter&1 == 0 {
		g.emit(load(n, counter, r10, off), addK(counter, 1), storeX(n, r10, off, counter))
		g.jump(jmpK(w64, bytecode.JmpLt, counter, g.rounds()), top)
		g.set(counter, number(16))
	}
}

// countUnknown runs until a number of which little is known is used up, with
// may_goto or a bound on the way.
func (g *generator) countUnknown(counter reg) {
	n := g.rounds()
	g.emit(movK(counter, 0))
	g.set(counter, number(uint64(n)))
	g.pinned |= 1 << counter
	g.freeze()
	top, done := g.newLabel(), g.newLabel()
	g.place(top)
	if g.chance(0.6) {
		g.mayGoto(done)
	}
	g.jump(jmpK(w64, bytecode.JmpGe, counter, n), done)
	before := g.state
	g.body()
	g.emit(addK(counter, 1))
	if src, ok := g.number(false); ok && g.chance(0.3) && src < r10 {
		g.jump(jmpX(g.width(), bytecode.JmpEq, counter, src), done)
	}
	g.goTo(top)
	g.place(done)
	g.state.meet(&before)
}

// earlyExit gives up where a condition holds.
func (g *generator) earlyExit() bool {
	in, ok := g.condition()
	if !ok {
		return false
	}
	g.jump(in, g.out)
	return true
}

// comparePointers compares a pointer with 0 or with another.
func (g *generator) comparePointers() bool {
	a, ok := g.having(func(v value) bool { return v.kind != dead && v.kind != scalar })
	if !ok {
		return false
	}
	op := one(g, uint8(bytecode.JmpEq), bytecode.JmpNe)
	in := jmpK(w64, op, a, 0)
	if b, ok := g.having(func(v value) bool { return v.kind != dead && v.kind != scalar }); ok && g.chance(0.4) && g.varies() {
		in = jmpX(w64, op, a, b)
	}
	end := g.newLabel()
	g.jump(in, end)
	before := g.state
	g.block(1 + g.IntN(3))
	g.place(end)
	g.state.meet(&before)
	return true
}

// nonsense writes an instruction without looking at what registers hold.
func (g *generator) nonsense() bool {
	if !g.mistake() {
		return false
	}
	if !g.varies() {
		return false
	}
	dst, src := reg(g.IntN(10)), reg(g.IntN(11))
	n := one(g, 1, 2, 4, 8)
	g.emit(one(g,
		aluX(g.width(), aluOps[g.IntN(len(aluOps))], dst, src),
		aluK(g.width(), aluOps[g.IntN(len(aluOps))], dst, g.imm()),
		load(n, dst, src, g.IntN(64)-32),
		storeX(n, src, g.IntN(64)-32, dst),
		mov(dst, src),
		rmw(one(g, 4, 8), atomicOps[g.IntN(len(atomicOps))], src, g.IntN(64)-64, dst),
		insn{Op: uint8(g.Uint32()), Dst: dst, Src: src, Off: int16(g.imm()), Imm: g.imm()},
	))
	return true
}
