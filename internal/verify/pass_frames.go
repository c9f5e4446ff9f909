// This file defines the pass that follows frame pointers through registers and
// stack slots, to tell which slots each instruction reads and overwrites.

package verify

import (
	"math"

	"github.com/skepbpf/skep/internal/bytecode"
)

// stackSlots is the number of 8-byte slots of a frame; slot i is the bytes
// from fp-8(i+1) on.
const stackSlots = 64

const (
	slotSize = 8
	allSlots = math.MaxUint64
)

// frameKind says what a register or slot may hold, as far as stacks go.
type frameKind uint8

const (
	holdsNothing frameKind = iota // not reached yet
	holdsOther                    // no pointer to a stack
	holdsConst                    // the number off
	holdsMap                      // the map with index off
	holdsFrame                    // this function's frame pointer plus off
	holdsForeign                  // perhaps a pointer to a caller's stack, not to this one's
	holdsAny                      // perhaps a pointer to any stack
)

// frameValue is an element of a small lattice:
//
//	            any
//	       /     |     \
//	frame+off    |   foreign
//	       \     |     /
//	    other (const, map below it)
//	             |
//	          nothing
type frameValue struct {
	kind frameKind
	off  int16
}

// pointsToStack reports a value through which some stack may be reached.
func (v frameValue) pointsToStack() bool { return v.kind >= holdsFrame }

// mayBeHere reports a value that may point into this function's own frame.
func (v frameValue) mayBeHere() bool { return v.kind == holdsFrame || v.kind == holdsAny }

// join returns what covers both values. It is commutative, and Join(x, x) = x.
func (v frameValue) join(u frameValue) frameValue {
	switch {
	case v == u || u.kind == holdsNothing:
		return v
	case v.kind == holdsNothing:
		return u
	case v.mayBeHere() || u.mayBeHere():
		return frameValue{kind: holdsAny}
	case v.kind == holdsForeign || u.kind == holdsForeign:
		return frameValue{kind: holdsForeign}
	}
	return frameValue{kind: holdsOther}
}

// blur returns what arithmetic that is not followed makes of the value.
func (v frameValue) blur() frameValue {
	switch v.kind {
	case holdsFrame, holdsAny:
		return frameValue{kind: holdsAny}
	case holdsForeign:
		return v
	}
	return frameValue{kind: holdsOther}
}

// add returns the value plus a constant.
func (v frameValue) add(delta int64) frameValue {
	sum := int64(v.off) + delta
	if (v.kind == holdsFrame || v.kind == holdsConst) && sum == int64(int16(sum)) {
		return frameValue{v.kind, int16(sum)}
	}
	return v.blur()
}

// constant is a number, if it is small enough to be an offset or a size.
func constant(n int64) frameValue {
	if n != int64(int16(n)) {
		return frameValue{kind: holdsOther}
	}
	return frameValue{holdsConst, int16(n)}
}

// frameState is what a function's registers and slots hold at one point. There
// is room for every register that an instruction can name; the walk refuses
// those after R10.
type frameState struct {
	regs  [16]frameValue
	slots [stackSlots]frameValue
}

// entryState: the arguments may point into callers' frames.
func entryState() *frameState {
	s := new(frameState)
	for i := range s.slots {
		s.slots[i].kind = holdsOther
	}
	for r := range s.regs {
		s.regs[r].kind = holdsOther
		if argumentRegs&(1<<r) != 0 {
			s.regs[r].kind = holdsForeign
		}
	}
	s.regs[bytecode.R10].kind = holdsFrame
	return s
}

// absorb joins another state into s and reports whether s changed.
func (s *frameState) absorb(o *frameState) bool {
	before := *s
	for i := range s.regs {
		s.regs[i] = s.regs[i].join(o.regs[i])
	}
	for i := range s.slots {
		s.slots[i] = s.slots[i].join(o.slots[i])
	}
	return *s != before
}

// slotEffect says which slots an instruction may read, and which it surely
// overwrites whole.
type slotEffect struct{ use, def uint64 }

// frameTracker runs the forward analysis, block by block.
type frameTracker struct {
	prog    *bytecode.Program
	shape   *shape
	env     *passEnv
	heads   []*frameState // by slot: what holds where a block starts, nil elsewhere
	dirty   []bool
	effects []slotEffect

	// leaks: some function stores a pointer to a stack through a pointer to
	// another function's stack, so that callees may leave such pointers in
	// their callers' slots. The analysis assumes none, and starts again when
	// it finds one.
	leaks, sawLeak bool
}

// slotEffects finds each instruction's effect on its function's frame.
func slotEffects(p *bytecode.Program, s *shape, env *passEnv) []slotEffect {
	t := frameTracker{prog: p, shape: s, env: env}
	t.run()
	if t.sawLeak {
		t.leaks = true
		t.run()
	}
	return t.effects
}

func (t *frameTracker) run() {
	n := len(t.prog.Insns)
	t.heads, t.dirty, t.effects = make([]*frameState, n), make([]bool, n), make([]slotEffect, n)
	for i := range t.shape.subs {
		t.arrive(t.shape.subs[i].Start, entryState())
	}
	for again := true; again; {
		again = false
		for pc := range t.dirty {
			if t.dirty[pc] {
				t.dirty[pc], again = false, true
				t.sweep(pc)
			}
		}
	}
}

// arrive joins a state into the block that starts at pc.
func (t *frameTracker) arrive(pc int, st *frameState) {
	if t.heads[pc] == nil {
		t.heads[pc] = new(frameState)
	}
	if t.heads[pc].absorb(st) {
		t.dirty[pc] = true
	}
}

// sweep goes through a block. A block ends where control does not fall through
// and where another one starts.
func (t *frameTracker) sweep(pc int) {
	st := *t.heads[pc]
	for {
		in := t.prog.Insns[pc]
		t.effects[pc] = t.step(&st, pc, in)
		if in.Jumps() {
			t.arrive(in.JumpTarget(pc), &st)
		}
		if !in.Falls() {
			return
		}
		pc += in.Width()
		if t.shape.target[pc] {
			t.arrive(pc, &st)
			return
		}
	}
}

// step changes the state as the instruction does.
func (t *frameTracker) step(st *frameState, pc int, in bytecode.Insn) slotEffect {
	switch in.Class() {
	case bytecode.ClassALU64:
		st.regs[in.Dst] = st.alu(in)
	case bytecode.ClassALU: // the low half of a pointer is a number
		st.regs[in.Dst] = frameValue{kind: holdsOther}
	case bytecode.ClassLD:
		st.loadImm(in)
	case bytecode.ClassLDX:
		base := st.regs[in.Src]
		st.regs[in.Dst] = st.load(base, in)
		return slotEffect{use: touched(base, in)}
	case bytecode.ClassST:
		return t.store(st, in, constant(int64(in.Imm)))
	case bytecode.ClassSTX:
		if in.Mode() == bytecode.ModeATOMIC {
			return t.atomic(st, in)
		}
		return t.store(st, in, st.regs[in.Src])
	case bytecode.ClassJMP:
		if in.JmpOp() == bytecode.JmpCall {
			return t.call(st, pc, in)
		}
	}
	return slotEffect{}
}

// alu follows moves, additions and subtractions of constants.
func (st *frameState) alu(in bytecode.Insn) frameValue {
	dst, operand := st.regs[in.Dst], constant(int64(in.Imm))
	if in.UsesSrc() {
		operand = st.regs[in.Src]
	}
	switch op := in.ALUOp(); {
	case op == bytecode.ALUMov && in.Off == 0:
		return operand
	case op == bytecode.ALUMov:
		return operand.blur()
	case op == bytecode.ALUAdd && operand.kind == holdsConst:
		return dst.add(int64(operand.off))
	case op == bytecode.ALUAdd && dst.kind == holdsConst:
		return operand.add(int64(dst.off))
	case op == bytecode.ALUSub && operand.kind == holdsConst:
		return dst.add(-int64(operand.off))
	}
	return dst.blur().join(operand.blur())
}

// loadImm follows map pointers; the packet loads of the classic language call
// a function.
func (st *frameState) loadImm(in bytecode.Insn) {
	switch {
	case !in.IsLdImm64():
		st.clobber()
	case in.Src == bytecode.PseudoMapIdx:
		st.regs[in.Dst] = frameValue{holdsMap, int16(in.Imm)}
	default:
		st.regs[in.Dst] = frameValue{kind: holdsOther}
	}
}

// clobber forgets what a call clobbers. A function cannot return a pointer to
// a stack, the walk refuses that.
func (st *frameState) clobber() {
	for r := bytecode.R0; r <= bytecode.R5; r++ {
		st.regs[r] = frameValue{kind: holdsOther}
	}
}

// load returns what a register load gives. Pointers to stacks live in stack
// slots only: read back from other memory they are numbers.
func (st *frameState) load(base frameValue, in bytecode.Insn) frameValue {
	if in.MemSize() != slotSize {
		return frameValue{kind: holdsOther}
	}
	switch base.kind {
	case holdsFrame:
		if slot, whole := wholeSlot(int(base.off)+int(in.Off), slotSize); whole {
			return st.slots[slot]
		}
		return frameValue{kind: holdsOther}
	case holdsForeign, holdsAny:
		return base
	}
	return frameValue{kind: holdsOther}
}

// store writes a value of which only the whole eight bytes are a pointer.
func (t *frameTracker) store(st *frameState, in bytecode.Insn, v frameValue) slotEffect {
	if in.MemSize() != slotSize {
		v = frameValue{kind: holdsOther}
	}
	base := st.regs[in.Dst]
	t.noteLeak(base, v)
	switch base.kind {
	case holdsFrame:
		off := int(base.off) + int(in.Off)
		if slot, whole := wholeSlot(off, in.MemSize()); whole {
			st.slots[slot] = v
			return slotEffect{def: 1 << slot}
		}
		st.fill(slotRange(off, in.MemSize()), frameValue{kind: holdsOther})
	case holdsAny:
		st.weaken(v)
	}
	return slotEffect{}
}

// noteLeak notices a pointer to a stack that goes into a caller's frame.
func (t *frameTracker) noteLeak(base, v frameValue) {
	if (base.kind == holdsForeign || base.kind == holdsAny) && v.pointsToStack() {
		t.sawLeak = true
	}
}

// fill sets the slots of a set.
func (st *frameState) fill(set uint64, v frameValue) {
	for i := range st.slots {
		if set&(1<<i) != 0 {
			st.slots[i] = v
		}
	}
}

// weaken writes a value to a slot that is not known.
func (st *frameState) weaken(v frameValue) {
	for i := range st.slots {
		st.slots[i] = st.slots[i].join(v)
	}
}

// atomic reads its memory and may write it. What it writes is no pointer but
// for an exchange; a slot that held one no longer surely does.
func (t *frameTracker) atomic(st *frameState, in bytecode.Insn) slotEffect {
	if in.Imm == bytecode.AtomicLoadAcq {
		base := st.regs[in.Src]
		st.regs[in.Dst] = st.load(base, in)
		return slotEffect{use: touched(base, in)}
	}
	base, v := st.regs[in.Dst], st.regs[in.Src]
	if in.MemSize() != slotSize {
		v = frameValue{kind: holdsOther}
	}
	t.noteLeak(base, v)
	old := st.load(base, in)
	if base.mayBeHere() {
		st.weaken(v)
	}
	switch {
	case in.Imm == bytecode.AtomicCmpXchg:
		st.regs[bytecode.R0] = old
	case in.Imm != bytecode.AtomicStoreRel && in.Imm&bytecode.AtomicFetch != 0:
		st.regs[in.Src] = old
	}
	return slotEffect{use: touched(base, in)}
}

// touched is the set of slots that an access through the base may touch.
func touched(base frameValue, in bytecode.Insn) uint64 {
	switch base.kind {
	case holdsFrame:
		return slotRange(int(base.off)+int(in.Off), in.MemSize())
	case holdsAny:
		return allSlots
	}
	return 0
}

// slotRange is the set of slots that the bytes from fp+off on lie in. Bytes
// outside the frame have none: the walk refuses them.
func slotRange(off, size int) uint64 {
	low, high := max(off, -stackSlots*slotSize), min(off+size, 0)
	if low >= high {
		return 0
	}
	first, last := (-high)/slotSize, (-low-1)/slotSize
	return allSlots >> (stackSlots - 1 - (last - first)) << first
}

// wholeSlot returns the slot that the bytes from fp+off on are, if they are
// one exactly.
func wholeSlot(off, size int) (slot int, whole bool) {
	if size != slotSize || off%slotSize != 0 || off >= 0 || off < -stackSlots*slotSize {
		return 0, false
	}
	return -off/slotSize - 1, true
}
