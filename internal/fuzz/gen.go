// This file defines the generator of nearly valid programs: what a program is
// made of, and how one is begun and ended.

package fuzz

import (
	"math/rand/v2"
	"slices"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
)

// generator writes one program. It keeps a rough account of what registers
// hold, so that most of what it writes is accepted, and makes a mistake now
// and then. What it believes proves nothing.
type generator struct {
	*rand.Rand
	asm
	profile *profile
	linux   *catalog.Target // nil, or without types: Core only
	topics  Topics
	maps    []*bytecode.MapSpec
	state   state

	mistakes float64 // probability of each possible mistake
	budget   int     // instructions that may still be written
	depth    int     // blocks within blocks
	loops    int     // loops around the place
	pinned   uint16  // registers that must keep what they are
	numbers  uint16  // registers that must stay numbers
	same     bool    // every run gives the same result
	steady   bool    // nothing may be written that would change that
	calm     bool    // steady: all of the stack is written, and has no pointers
	out      label   // where the function gives up
	fn       *function
	funcs    []*function

	taken      uint16 // slots of objects
	tags       tag    // how many there are
	holds      int    // things to give back, around the place
	rcu        int    // RCU sections
	locked     int    // locks held: no calls
	dynptrs    []dynptr
	typed      bool // the program needs types
	valueTypes []valueType
	kfuncs     []*catalog.Kfunc // see candidates
}

// function is a function of the program.
type function struct {
	entry    label
	args     []value
	callback bool // returns 0 or 1
	global   bool
	level    int // calls around it
	packet   bool
}

// generate writes a program. The same random numbers give the same program.
func generate(r *rand.Rand, target *catalog.Target, topics Topics) *Sample {
	for {
		if s := tryGenerate(r, target, topics); s != nil {
			return s
		}
	}
}

func tryGenerate(r *rand.Rand, target *catalog.Target, topics Topics) *Sample {
	if topics == 0 {
		topics = pickTopics(r, target)
	}
	g := &generator{
		Rand: r, profile: pickProfile(r, topics), linux: target, topics: topics, maps: dataMaps(), same: true, steady: r.IntN(2) == 0,
		mistakes: []float64{0, 0, 0, 0.002, 0.01}[r.IntN(5)], budget: 20 + r.IntN(120),
	}
	g.calm = g.steady && g.chance(0.6)
	g.function(&function{entry: g.newLabel()})
	for i := 1; i < len(g.funcs); i++ {
		g.budget = 8 + g.IntN(30)
		g.function(g.funcs[i])
	}
	g.trimMaps()
	code, ok := g.finish()
	if !ok {
		return nil
	}
	p := &bytecode.Program{
		Name: "fuzz", Type: g.profile.typ, License: "GPL", Insns: code, Maps: g.maps, Flags: g.flags() | g.profile.flags,
		ExpectedAttach: g.profile.attach, AttachTo: g.profile.attachTo,
	}
	if p.AttachTo != "" {
		p.AttachBTFID, _ = target.BTF.Find("btf_trace_"+p.AttachTo, btfx.KindTypedef)
	}
	g.describe(p)
	return &Sample{Prog: p, clean: g.mistakes == 0, Origin: "generated", profile: g.profile, comparable: g.same && g.profile.testRun}
}

// flags makes the verifier keep more states now and then, as its own tests do.
func (g *generator) flags() uint32 {
	if g.chance(0.3) {
		return bytecode.FlagTestStateFreq
	}
	return 0
}

func pickProfile(r *rand.Rand, topics Topics) *profile {
	profiles := profiles
	if topics&^Core != 0 {
		profiles = slices.Concat(profiles, typedProfiles)
	}
	total := 0
	for _, p := range profiles {
		total += p.weight
	}
	n := r.IntN(total)
	for _, p := range profiles {
		if n -= p.weight; n < 0 {
			return p
		}
	}
	return profiles[0]
}

func (g *generator) chance(p float64) bool { return g.Float64() < p }

// mistake decides whether to do something wrong here.
func (g *generator) mistake() bool { return g.mistakes > 0 && g.chance(g.mistakes) }

// varies notes that runs may differ from here on; false where they must not.
func (g *generator) varies() bool {
	g.same = g.same && g.steady
	return !g.steady
}

// one picks an element.
func one[T any](g *generator, list ...T) T { return list[g.IntN(len(list))] }

// function writes a function: its beginning, a block, and two ends.
func (g *generator) function(f *function) {
	if g.funcs == nil {
		g.funcs = append(g.funcs, f)
	}
	g.fn, g.state, g.out = f, state{}, g.newLabel()
	g.pinned, g.numbers, g.depth, g.loops = 1<<r10, 0, 0, 0
	g.taken, g.holds, g.rcu, g.locked, g.dynptrs = 0, 0, 0, 0, nil
	g.place(f.entry)
	g.set(r10, value{kind: memPtr, lo: -8 * numSlots, atomic: true, frame: true, align: 8})
	if f.level == 0 {
		g.set(r1, value{kind: ctxPtr})
	}
	for i, v := range f.args {
		g.set(r1+reg(i), v)
	}
	g.prologue()
	g.block(g.budget)
	g.epilogue()
	if g.used(g.out) {
		g.place(g.out)
		g.emit(movK(r0, 0), exit())
	}
}

// prologue saves arguments where calls leave them alone.
func (g *generator) prologue() {
	to := r6
	for r := r1; r <= r5; r++ {
		if v := g.state.regs[r]; v.kind != dead && v.kind != scalar && to <= r6+2 {
			g.emit(mov(to, r))
			g.set(to, v)
			if v.kind == ctxPtr {
				g.pinned |= 1 << to
			}
			to++
		}
	}
	if g.calm {
		g.fillBuffer(-8*numSlots, numSlots)
		g.state.wrote(-8*numSlots, 8*numSlots)
	}
	if g.profile.object != "" && g.fn.level == 0 && g.chance(0.8) {
		g.loadObject()
	}
	if g.hasPacket() && g.chance(0.8) {
		g.loadPacket()
	}
}

// epilogue leaves the function with a mix of all numbers as its result.
func (g *generator) epilogue() {
	acc := r0
	if g.state.regs[r0].kind != scalar {
		g.emit(movK(r0, int32(g.IntN(4))))
	}
	for r := r1; r <= r9; r++ {
		if g.state.regs[r].kind == scalar && g.chance(0.7) {
			g.emit(aluX(w64, one(g, uint8(bytecode.ALUXor), bytecode.ALUAdd, bytecode.ALUSub), acc, r))
		}
	}
	switch {
	case g.fn.callback:
		g.emit(aluK(w64, bytecode.ALUAnd, r0, 1))
	case g.fn.level == 0 && g.profile.ret != 0:
		g.emit(aluK(w64, bytecode.ALUAnd, r0, g.profile.ret))
	}
	g.emit(exit())
}

// set notes what a register holds.
func (g *generator) set(r reg, v value) { g.state.regs[r] = v }

// block writes fragments until it has used up n instructions.
func (g *generator) block(n int) {
	g.depth++
	for end := len(g.insns) + n; len(g.insns) < end && len(g.insns) < maxLength; {
		g.fragment()
	}
	g.depth--
}

// maxLength keeps programs small: what goes wrong does so in few instructions.
const maxLength = 400

// fragment is a kind of thing to write. write returns false, having written
// nothing, where the state does not allow it.
type fragment struct {
	name   string
	weight int
	write  func(*generator) bool
	topic  Topics
}

var fragments []fragment // see init: the table and the writers refer to each other

func init() {
	fragments = []fragment{
		{"constant", 4, (*generator).constant, Core},
		{"copy", 5, (*generator).copy, Core},
		{"arithmetic by constant", 14, (*generator).arithmeticK, Core},
		{"arithmetic by register", 10, (*generator).arithmeticX, Core},
		{"byte swap", 2, (*generator).byteSwap, Core},
		{"unknown number", 10, (*generator).unknown, Core},
		{"bound", 8, (*generator).boundAny, Core},
		{"claim", 5, (*generator).claim, Core},
		{"spill", 7, (*generator).spill, Core},
		{"fill", 7, (*generator).fill, Core},
		{"partial store", 3, (*generator).partial, Core},
		{"memory", 10, (*generator).access, Core},
		{"memory at a variable offset", 8, (*generator).variable, Core},
		{"pointer arithmetic", 4, (*generator).pointerArithmetic, Core},
		{"atomic", 5, (*generator).atomicOp, Core},
		{"branch", 9, (*generator).branch, Core},
		{"loop", 3, (*generator).loop, Core},
		{"packet check", 6, (*generator).packetCheck, Core},
		{"packet load", 1, (*generator).legacy, Core},
		{"map value", 5, (*generator).mapValue, Core},
		{"helper", 6, (*generator).helper, Core},
		{"context store", 2, (*generator).contextStore, Core},
		{"function call", 3, (*generator).functionCall, Core},
		{"callback", 2, (*generator).callback, Core},
		{"tail call", 1, (*generator).tailCall, Core},
		{"early exit", 1, (*generator).earlyExit, Core},
		{"pointer comparison", 2, (*generator).comparePointers, Core},
		{"nonsense", 1, (*generator).nonsense, Core},
		{"reference", 4, (*generator).reference, References},
		{"dynptr", 4, (*generator).newDynptr, Dynptrs},
		{"use of a dynptr", 3, (*generator).useDynptr, Dynptrs},
		{"iterator", 4, (*generator).iterator, Iterators},
		{"section", 4, (*generator).section, Sections},
		{"object", 6, (*generator).object, References | Iterators | Kfuncs | Kptrs},
		{"lock", 4, (*generator).lock, Locks},
		{"kfunc", 8, (*generator).kfuncCall, Kfuncs},
		{"current task", 2, (*generator).currentTask, References | Kfuncs},
		{"exception", 1, (*generator).throw, Kfuncs},
		{"kptr", 5, (*generator).kptr, Kptrs},
		{"allocation", 3, (*generator).allocated, Graphs},
		{"list", 3, (*generator).popped, Graphs},
	}
}

func (g *generator) fragment() {
	total := 0
	for i := range fragments {
		total += fragments[i].in(g.topics)
	}
	for range 20 {
		n := g.IntN(total)
		for i := range fragments {
			if n -= fragments[i].in(g.topics); n < 0 {
				if fragments[i].write(g) {
					return
				}
				break
			}
		}
	}
	g.constant()
}
