// This file defines fragments that go through open-coded iterators.

package fuzz

import "github.com/skepbpf/skep/internal/bytecode"

// iterKind is a kind of open-coded iterator.
type iterKind struct {
	name   string // as in bpf_iter_<name>_new
	slots  int    // of the stack
	args   func(*generator)
	value  value  // what next gives
	object string // the struct, where it gives objects
}

var iterKinds = []iterKind{
	{"num", 1, (*generator).numArgs, value{kind: memPtr, hi: 4}, ""},
	{"num", 1, (*generator).numArgs, value{kind: memPtr, hi: 4}, ""},
	{"bits", 2, (*generator).bitsArgs, value{kind: memPtr, hi: 4}, ""},
	{"task", 3, (*generator).taskArgs, value{kind: objPtr}, "task_struct"},
}

func (g *generator) numArgs() {
	g.argSmall(r1 + 1)
	g.argSmall(r1 + 2)
}

func (g *generator) bitsArgs() {
	g.bytes(r1+1, 16, true)
	g.argK(r1+2, int32(1+g.IntN(2)))
}

func (g *generator) taskArgs() {
	g.argK(r1+1, 0)
	g.argK(r1+2, 0)
}

// iterator goes through all that an iterator gives.
func (g *generator) iterator() bool {
	k := &iterKinds[g.IntN(len(iterKinds))]
	prefix := "bpf_iter_" + k.name
	if !g.mayCall() || !g.nests() || g.loops > 0 && g.chance(0.8) || g.loops > 1 || !g.has(prefix+"_new", prefix+"_next", prefix+"_destroy") {
		return false
	}
	off, ok := g.alloc(k.slots)
	if !ok {
		return false
	}
	k.args(g)
	g.frameAddr(r1, off)
	g.callKfunc(prefix + "_new")
	g.held(func() { g.iterate(k, prefix+"_next", off) }, func() {
		g.frameAddr(r1, off)
		g.callKfunc(prefix + "_destroy")
	})
	g.free(off, k.slots)
	return true
}

// iterate writes the loop, or a few calls for the next one.
func (g *generator) iterate(k *iterKind, next string, off int) {
	v := k.value
	if k.object != "" {
		v.obj = g.structOf(k.object)
	}
	call := func() {
		g.frameAddr(r1, off)
		g.callKfunc(next)
	}
	if g.chance(0.2) {
		call()
		g.given(v, func() { g.block(1 + g.IntN(5)) })
		return
	}
	pinned, numbers := g.pinned, g.numbers
	g.loops++
	g.freeze()
	top, done := g.newLabel(), g.newLabel()
	g.place(top)
	call()
	g.set(r0, value{})
	after := g.state
	g.jump(jmpK(w64, bytecode.JmpEq, r0, 0), done)
	g.take(v)
	g.body()
	if in, ok := g.condition(); ok && g.chance(0.3) {
		g.jump(in, done)
	}
	g.goTo(top)
	g.place(done)
	g.state.meet(&after)
	g.loops--
	g.pinned, g.numbers = pinned, numbers
}
