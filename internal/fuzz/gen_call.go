// This file defines fragments that call: helpers, functions, callbacks.

package fuzz

import (
	"slices"

	"github.com/skepbpf/skep/internal/bytecode"
)

// afterCall notes what a call did to the registers.
func (g *generator) afterCall(ret value) {
	g.state.clobber()
	g.set(r0, ret)
}

// mayCall reports whether a call can be written here.
func (g *generator) mayCall() bool {
	return (g.locked == 0 || g.mistake()) && (g.pinned&0x3f == 0 && g.numbers&0x3f == 0 || g.dropScratch())
}

// dropScratch gives up what a loop wanted to keep in registers that calls use.
func (g *generator) dropScratch() bool {
	if g.pinned&0x3f != 0 {
		return false
	}
	g.numbers &^= 0x3f
	return true
}

func (g *generator) helper() bool {
	if !g.mayCall() {
		return false
	}
	h := &hostFuncs[g.IntN(len(hostFuncs))]
	if h.family&g.profile.family == 0 || g.IntN(8) >= h.weight {
		return false
	}
	return g.callHelper(h)
}

// callHelper sets the arguments from the last to the first, so that registers
// which hold what later ones need are overwritten late.
func (g *generator) callHelper(h *hostFunc) bool {
	m := g.IntN(len(g.maps))
	if h.changes && g.loops > 0 {
		return false // pointers that a loop keeps would be gone
	}
	if !g.hasArguments(h) || h.result == givesRandom && !g.varies() {
		return false
	}
	size := 1 + g.IntN(max(h.size, 1))
	for i := len(h.args) - 1; i >= 0; i-- {
		g.argument(r1+reg(i), h.args[i], g.maps[m], m, size)
	}
	g.emit(call(h.num))
	if h.changes {
		g.state.dropPackets()
	}
	switch h.result {
	case givesValue:
		g.afterCall(value{})
		return g.checkNull(m)
	}
	g.afterCall(unknown)
	return true
}

func (g *generator) hasArguments(h *hostFunc) bool {
	for _, a := range h.args {
		if a == argContext {
			if r, ok := g.having(isContext); !ok || r <= r5 {
				return false
			}
		}
	}
	return true
}

// buffers lie below the slots that fragments track, and below objects.
const bufferTop = objectTop - 8*numObjects

func (g *generator) argument(r reg, a arg, spec *bytecode.MapSpec, m, size int) {
	switch a {
	case argContext:
		base, _ := g.having(isContext)
		g.emit(mov(r, base))
	case argMap:
		g.loadMap(r, m)
	case argKey:
		g.bytes(r, int(spec.KeySize), true)
	case argValue:
		g.bytes(r, int(spec.ValueSize), true)
	case argBytes:
		g.bytes(r, size, true)
	case argBuffer:
		g.bytes(r, size, false)
	case argSize:
		g.size(r, size)
	case argSmall:
		g.small(r)
	case argNumber:
		g.anyNumber(r)
	case argZero:
		g.emit(movK(r, 0))
	}
	g.set(r, value{})
}

// size passes a size: a constant, or a number with that bound.
func (g *generator) size(r reg, n int) {
	if src, ok := g.having(isNumber); ok && g.chance(0.3) && src != r {
		g.emit(mov(r, src))
		g.set(r, g.state.regs[src])
		g.bound(r, uint64(n))
		return
	}
	if g.mistake() {
		n += one(g, -n, 1, 8)
	}
	g.emit(movK(r, int32(n)))
}

func (g *generator) small(r reg) {
	if src, ok := g.having(isNumber); ok && g.chance(0.3) {
		g.emit(mov(r, src), aluK(w64, bytecode.ALUAnd, r, 31))
		return
	}
	g.emit(movK(r, int32(g.IntN(40))-4))
}

func (g *generator) anyNumber(r reg) {
	if src, ok := g.having(isNumber); ok && src != r {
		g.emit(mov(r, src))
		return
	}
	g.emit(movK(r, g.imm()))
}

// bytes passes n bytes of memory: of the stack, or what a register points to.
func (g *generator) bytes(r reg, n int, read bool) {
	p, ok := g.having(func(v value) bool {
		return v.isMemory() && !v.frame && !v.fresh && v.hi-v.lo >= n && (read || g.mayWrite(v))
	})
	if ok && p > r5 && g.chance(0.3) {
		g.emit(mov(r, p))
		if off := g.offset(g.state.regs[p], n); off != 0 {
			g.emit(addK(r, int32(off)))
		}
		return
	}
	slots := (n + 7) / 8
	off := -8 * slots
	if n <= 8*numSlots/2 && g.chance(0.6) {
		off -= 8 * g.IntN(numSlots-slots+1)
	} else {
		off += bufferTop
	}
	if read || g.chance(0.5) || !g.state.written(off, 8*slots) && !g.varies() {
		g.fillBuffer(off, slots)
	}
	g.state.wrote(off, 8*slots)
	g.emit(mov(r, r10), addK(r, int32(off)))
}

// fillBuffer writes whole slots of the stack: with constants, and numbers.
func (g *generator) fillBuffer(off, slots int) {
	for i := range slots {
		if src, ok := g.having(isNumber); ok && slots < 4 && g.chance(0.2) {
			g.emit(storeX(8, r10, off+8*i, src))
		} else {
			g.emit(storeK(8, r10, off+8*i, int32(g.IntN(4))))
		}
	}
}

// checkNull compares the result of a look-up in map m with NULL.
func (g *generator) checkNull(m int) bool {
	spec := g.maps[m]
	found := value{kind: memPtr, hi: int(spec.ValueSize), atomic: !isReadOnly(spec)}
	r := g.saved()
	if g.pinned>>r&1 != 0 {
		r = r0
	}
	if r != r0 && g.chance(0.6) {
		g.emit(mov(r, r0))
		if g.chance(0.3) {
			g.set(r, found)
			g.state.regs[r].kind = orNull
			r = r0
		}
	} else {
		r = r0
	}
	switch {
	case g.mistake():
	case g.chance(0.6):
		g.jump(jmpK(w64, bytecode.JmpEq, r, 0), g.out)
	default:
		g.ifFound(r)
	}
	g.set(r, found)
	if r != r0 {
		g.set(r0, value{})
	}
	for q := r6; q <= r9; q++ {
		if g.state.regs[q].kind == orNull {
			g.set(q, found) // the same value: found with it
		}
	}
	return true
}

func (g *generator) ifFound(r reg) {
	found := g.newLabel()
	g.jump(jmpK(w64, bytecode.JmpNe, r, 0), found)
	if g.holds > 0 && !g.slip() || g.chance(0.5) {
		g.goTo(g.out)
	} else {
		g.emit(movK(r0, 1), exit())
	}
	g.place(found)
}

// mapValue takes a direct pointer to a map's value.
func (g *generator) mapValue() bool {
	m := g.IntN(len(g.maps))
	spec := g.maps[m]
	if !hasDirectValue(spec) {
		return g.callHelperNamed(1)
	}
	r := g.target(false)
	off := g.IntN(int(spec.ValueSize))
	if g.chance(0.5) {
		off = 0
	}
	g.loadValue(r, m, off)
	g.set(r, value{kind: memPtr, lo: -off, hi: int(spec.ValueSize) - off, atomic: !isReadOnly(spec)})
	return true
}

func (g *generator) callHelperNamed(num int32) bool {
	for i := range hostFuncs {
		if hostFuncs[i].num == num && g.mayCall() {
			return g.callHelper(&hostFuncs[i])
		}
	}
	return false
}

// tailCall calls into an empty array: nothing happens, but packet pointers of
// the callers are not to be trusted.
func (g *generator) tailCall() bool {
	ctx, ok := g.having(isContext)
	if !ok || ctx <= r5 || !g.mayCall() || g.loops > 0 || g.fn.level > 0 || g.usesCallbacks() || g.holds > 0 && !g.slip() {
		return false
	}
	g.emit(mov(r1, ctx))
	g.loadMap(r1+1, g.programArray())
	g.emit(movK(r1+2, int32(g.IntN(3))), call(helperTailCall))
	g.afterCall(value{})
	return true
}

func (g *generator) usesCallbacks() bool {
	for _, f := range g.funcs {
		if f.callback {
			return true
		}
	}
	return false
}

func (g *generator) programArray() int {
	last := len(g.maps) - 1
	if g.maps[last].Type == bytecode.MapProgArray {
		return last
	}
	g.maps = append(g.maps, &bytecode.MapSpec{Name: "programs", Type: bytecode.MapProgArray, KeySize: 4, ValueSize: 4, MaxEntries: 2})
	return last + 1
}

const (
	maxFuncs = 6
	maxLevel = 3
)

// maxLevel is lower where functions have objects in their stacks.
func (g *generator) maxLevel() int {
	if g.topics&^Core != 0 {
		return maxLevel - 1
	}
	return maxLevel
}

// functionCall calls a function of the program, mostly a new one.
func (g *generator) functionCall() bool {
	if !g.mayCall() || g.fn.level >= g.maxLevel() {
		return false
	}
	f := g.callee()
	if f == nil {
		return false
	}
	for i, v := range f.args {
		if !g.pass(r1+reg(i), v) {
			return true // what was written stays
		}
	}
	if !slices.Contains(g.funcs, f) {
		g.funcs = append(g.funcs, f)
	}
	g.callFunc(f.entry)
	g.afterCall(unknown)
	if f.packet {
		g.state.dropPackets()
	}
	if g.hasStackArg(f) {
		g.state.forget()
	}
	return true
}

func (g *generator) hasStackArg(f *function) bool {
	for _, v := range f.args {
		if v.frame {
			return true
		}
	}
	return false
}

// callee picks a function that may be called from here, or asks for a new one.
func (g *generator) callee() *function {
	for _, f := range g.funcs {
		if f.level == g.fn.level+1 && !f.callback && g.chance(0.5) && g.canPass(f) {
			return f
		}
	}
	if len(g.funcs) >= maxFuncs {
		return nil
	}
	f := &function{entry: g.newLabel(), level: g.fn.level + 1, global: g.chance(0.2), packet: true}
	for range g.IntN(4) {
		if f.global {
			f.args = append(f.args, unknown)
		} else {
			f.args = append(f.args, g.newArg())
		}
	}
	return f
}

// newArg picks what a new function is passed: something that is there.
func (g *generator) newArg() value {
	if g.chance(0.4) {
		return unknown
	}
	if g.chance(0.4) {
		return value{kind: memPtr, hi: 16, atomic: true, frame: true, align: 8}
	}
	r := r6 + reg(g.IntN(4))
	if v := g.state.regs[r]; v.kind == memPtr && !v.frame || v.kind == ctxPtr {
		v.tag = 0 // callees do not give it back
		return v
	}
	return unknown
}

func (g *generator) canPass(f *function) bool {
	for _, v := range f.args {
		if _, ok := g.like(v); !ok && v.kind != scalar && !v.frame {
			return false
		}
	}
	return true
}

// like finds a register that calls keep and that holds at least what v is.
func (g *generator) like(v value) (reg, bool) {
	return g.having(func(w value) bool {
		return w.kind == v.kind && w.frame == v.frame && w.lo <= v.lo && w.hi >= v.hi && w.atomic == v.atomic && w.fresh == v.fresh
	})
}

// pass sets an argument register.
func (g *generator) pass(r reg, v value) bool {
	switch {
	case v.frame:
		off := -16 - 8*g.IntN(numSlots-2)
		g.fillBuffer(off, 2)
		g.state.wrote(off, 16)
		g.emit(mov(r, r10), addK(r, int32(off)))
	case v.kind == scalar:
		g.anyNumber(r)
	default:
		src, ok := g.like(v)
		if !ok || src <= r5 {
			return false
		}
		g.emit(mov(r, src))
	}
	g.set(r, v)
	return true
}

// callback calls a helper that calls back.
func (g *generator) callback() bool {
	if !g.mayCall() || g.fn.level >= g.maxLevel() || len(g.funcs) >= maxFuncs || g.hasTailCall() {
		return false
	}
	data := value{kind: memPtr, hi: 16, atomic: true, frame: true, align: 8}
	f := &function{entry: g.newLabel(), level: g.fn.level + 1, callback: true, packet: true}
	if g.chance(0.7) {
		g.pass(r1+2, data)
		f.args = []value{unknown, data}
		g.size(r1, 1+g.IntN(20))
		g.loadFunc(r1+1, f.entry)
		g.emit(movK(r1+3, 0), call(helperLoop))
	} else {
		m := g.IntN(len(g.maps))
		if !iterable[g.maps[m].Type] {
			return false
		}
		g.pass(r1+2, data)
		found := value{kind: memPtr, hi: int(g.maps[m].ValueSize), atomic: !isReadOnly(g.maps[m])}
		f.args = []value{{}, {kind: memPtr, hi: int(g.maps[m].KeySize)}, found, data}
		g.loadMap(r1, m)
		g.loadFunc(r1+1, f.entry)
		g.emit(movK(r1+3, 0), call(helperForEachMap))
	}
	g.funcs = append(g.funcs, f)
	g.afterCall(unknown)
	g.state.dropPackets()
	g.state.forget()
	return true
}

// iterable are the kinds that bpf_for_each_map_elem goes through.
var iterable = map[bytecode.MapType]bool{
	bytecode.MapArray: true, bytecode.MapHash: true, bytecode.MapLRUHash: true,
	bytecode.MapPerCPUArray: true, bytecode.MapPerCPUHash: true,
}

func (g *generator) hasTailCall() bool {
	return g.maps[len(g.maps)-1].Type == bytecode.MapProgArray
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// trimMaps leaves the maps that the program names.
func (g *generator) trimMaps() {
	index := map[int32]int32{}
	var used []*bytecode.MapSpec
	for i := range g.insns {
		in := &g.insns[i]
		if !in.IsLdImm64() || in.Src != bytecode.PseudoMapIdx && in.Src != bytecode.PseudoMapIdxValue {
			continue
		}
		at, ok := index[in.Imm]
		if !ok {
			at = int32(len(used))
			index[in.Imm] = at
			used = append(used, g.mapAt(int(in.Imm)))
		}
		in.Imm = at
	}
	g.maps = used
}
