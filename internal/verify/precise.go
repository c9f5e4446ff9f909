// This file defines precision by backtracking: when a check depends on a
// scalar's value, the registers and stack slots that the value came from are
// marked, back to where the path began.

package verify

import (
	"math/bits"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/verify/domain"
)

const argRegs = 0x3e // R1 to R5

// backtracker is the set of registers and stack slots whose values matter,
// while going back over a path.
type backtracker struct {
	frame int // innermost frame at this point
	regs  [maxFrames]uint16
	slots [maxFrames]uint64

	// inherited: the set comes from another path, which may have touched slots
	// that this one has not; the kernel refuses the program then.
	inherited bool
	fetched   [maxFrames]uint64 // slots that atomics read
}

const maxFrames = 8

func (b *backtracker) reset(frame int) { *b = backtracker{frame: frame} }

func (b *backtracker) empty() bool {
	for i := 0; i <= b.frame; i++ {
		if b.regs[i] != 0 || b.slots[i] != 0 {
			return false
		}
	}
	return true
}

func (b *backtracker) setReg(r uint8)      { b.regs[b.frame] |= 1 << r }
func (b *backtracker) clearReg(r uint8)    { b.regs[b.frame] &^= 1 << r }
func (b *backtracker) hasReg(r uint8) bool { return b.regs[b.frame]&(1<<r) != 0 }

// backtrackResult says how going back over one instruction ended.
type backtrackResult uint8

const (
	backOK     backtrackResult = iota
	backGiveUp                 // what the value came from cannot be told: mark everything
	backBug                    // the path contradicts itself
)

// markPrecise makes the walk depend on the value of a register of the running
// frame.
func (w *walker) markPrecise(r uint8) error {
	return w.backtrack(w.cur, func(b *backtracker) { b.setReg(r) })
}

// backtrack marks what the chosen registers and slots of the running state
// came from, in its ancestors.
func (w *walker) backtrack(st *node, choose func(*backtracker)) error {
	if w.replaying {
		return nil
	}
	w.bt.reset(st.CurNo())
	choose(&w.bt)
	_, err := w.backtrackFrom(st)
	return err
}

// backtrackFrom goes back from st, which holds before the instruction at st.pc,
// and marks what the set names in st's ancestors. The leaf of a path is not
// marked itself: it has no descendants yet, and every stored copy of it is
// marked in its turn. changed says whether a mark was new.
func (w *walker) backtrackFrom(start *node) (changed bool, err error) {
	b := &w.bt
	if !w.priv.bpf || b.empty() {
		return false, nil // without CAP_BPF everything is precise already
	}
	skipFirst := true
	st, last, subseq := start, start.pc, -1
	for {
		w.log.preciseStretch(w, b.frame, last, st.first, subseq)
		if last < 0 {
			return w.backtrackEntry(start, st) || changed, nil
		}
		done, res := w.backtrackStretch(st, last, &subseq, skipFirst)
		if res == backBug {
			return changed, w.failErrno(errEFAULT, "verifier backtracking bug at insn %d", last)
		}
		if res == backGiveUp {
			return markAllPrecise(start) || changed, nil
		}
		if done {
			return changed, nil
		}
		skipFirst = false
		from := st
		if st = st.parent; st == nil {
			return markAllPrecise(start) || changed, nil
		}
		c, err := w.markIn(st)
		if changed = c || changed; err != nil {
			return changed, err
		}
		if b.empty() {
			return changed, nil
		}
		subseq, last = from.first, st.last
	}
}

// backtrackStretch goes back over the instructions since st's parent. done says
// that nothing is left to look for.
func (w *walker) backtrackStretch(st *node, last int, subseq *int, skip bool) (done bool, res backtrackResult) {
	end := len(st.history)
	for pc := last; ; {
		if !skip {
			if res = w.backtrackInsn(pc, *subseq, st.stepAt(pc, end)); res != backOK {
				return true, res
			}
		}
		skip = false
		if w.bt.empty() {
			return true, backOK
		}
		*subseq = pc
		prev, ok := st.before(pc, &end)
		if !ok {
			return false, backOK
		}
		if prev < 0 || prev >= len(w.insns) {
			return true, backBug
		}
		pc = prev
	}
}

// backtrackEntry ends backtracking at the beginning of a function that is
// verified on its own: its scalar arguments are unknown, and so are precise.
func (w *walker) backtrackEntry(start, st *node) (changed bool) {
	b := &w.bt
	for m := b.regs[0] & argRegs; m != 0; m &= m - 1 {
		r := bits.TrailingZeros16(m)
		changed = markReg(&st.Frames[0].Regs[r]) || changed
		b.regs[0] &^= 1 << r
	}
	if !b.empty() {
		changed = markAllPrecise(start) || changed
	}
	return changed
}

// markIn marks in a stored state what the set names, and drops from the set
// what was marked before: its origins were marked then.
func (w *walker) markIn(st *node) (changed bool, err error) {
	b := &w.bt
	for i := b.frame; i >= 0; i-- {
		f := st.Frames[i]
		for m := b.regs[i]; m != 0; m &= m - 1 {
			r := bits.TrailingZeros16(m)
			if !markReg(&f.Regs[r]) {
				b.regs[i] &^= 1 << r
			}
		}
		for m := b.slots[i]; m != 0; m &= m - 1 {
			k := bits.TrailingZeros64(m)
			s := f.Slot(k)
			if s == nil && b.inherited && b.fetched[i]&(1<<k) == 0 {
				return changed, w.noSuchSlot(k, f)
			}
			if s == nil || !s.IsScalarSpill() || !markReg(&s.Reg) {
				b.slots[i] &^= 1 << k
			}
		}
		changed = changed || b.regs[i] != 0 || b.slots[i] != 0
		w.log.preciseParent(w, st, i)
	}
	return changed, nil
}

// noSuchSlot refuses a program of which the kernel says that it found a mistake
// of its own (6.18): a path that never touched a slot ended at a state in which
// that slot's value matters.
func (w *walker) noSuchSlot(k int, f *domain.Frame) error {
	return w.failErrno(errEFAULT, "verifier bug: stack slot %d, total slots %d (i >= func->allocated_stack / BPF_REG_SIZE)", k, len(f.Stack))
}

// markReg marks one scalar; false when there was nothing to do.
func markReg(r *domain.Reg) bool {
	if r.Kind != domain.ScalarValue || r.Precise {
		return false
	}
	r.Precise = true
	return true
}

// markAllPrecise gives up on telling values apart: every scalar of every
// ancestor counts as used.
func markAllPrecise(st *node) (changed bool) {
	for n := st.parent; n != nil; n = n.parent {
		n.EachReg(func(r *domain.Reg) { changed = markReg(r) || changed })
	}
	return changed
}

// forgetPrecise clears the marks of a path that goes on after a state was
// stored: they belong to the stored copy now.
func forgetPrecise(st *domain.State) {
	st.EachReg(func(r *domain.Reg) {
		if r.Kind == domain.ScalarValue {
			r.Precise = false
		}
	})
}

// backtrackInsn goes back over one instruction: what mattered after it is
// replaced by what mattered before it.
func (w *walker) backtrackInsn(pc, subseq int, s *step) backtrackResult {
	in := w.insns[pc]
	if in.Op == 0 {
		return backOK
	}
	b := &w.bt
	w.log.preciseInsn(w, pc)
	b.syncLinked(s)
	var res backtrackResult
	switch in.Class() {
	case bytecode.ClassALU, bytecode.ClassALU64:
		if !b.hasReg(in.Dst) {
			return backOK
		}
		b.alu(in)
	case bytecode.ClassLDX:
		return b.load(in.Dst, s)
	case bytecode.ClassSTX, bytecode.ClassST:
		if reg, ok := fetchReg(in); ok {
			w.noteFetch(s)
			return b.load(reg, s)
		}
		return b.store(in, s)
	case bytecode.ClassJMP, bytecode.ClassJMP32:
		var done bool
		if res, done = w.backtrackJump(in, pc, subseq, s); done {
			return res
		}
	case bytecode.ClassLD:
		return b.loadImmOrPacket(in, pc, subseq)
	}
	b.syncLinked(s)
	return res
}

func (b *backtracker) alu(in bytecode.Insn) {
	switch in.ALUOp() {
	case bytecode.ALUEnd, bytecode.ALUNeg:
		return
	case bytecode.ALUMov:
		b.clearReg(in.Dst)
	}
	if in.UsesSrc() && in.Src != bytecode.R10 {
		b.setReg(in.Src)
	}
}

// fetchReg is the register that an atomic instruction loads, if it does.
func fetchReg(in bytecode.Insn) (uint8, bool) {
	if in.Class() != bytecode.ClassSTX || in.Mode() != bytecode.ModeATOMIC {
		return 0, false
	}
	switch {
	case in.Imm == bytecode.AtomicCmpXchg:
		return bytecode.R0, true
	case in.Imm == bytecode.AtomicLoadAcq:
		return in.Dst, true
	case in.Imm == bytecode.AtomicStoreRel:
		return 0, false
	}
	return in.Src, in.Imm&bytecode.AtomicFetch != 0
}

func (b *backtracker) load(reg uint8, s *step) backtrackResult {
	if !b.hasReg(reg) {
		return backOK
	}
	b.clearReg(reg)
	if s != nil && s.flags&stepStack != 0 {
		b.slots[s.frame] |= 1 << s.spi
	}
	return backOK
}

// noteFetch remembers a slot that an atomic read.
func (w *walker) noteFetch(s *step) {
	if s != nil && s.flags&stepStack != 0 {
		w.bt.fetched[s.frame] |= 1 << s.spi
		w.fetched[s.frame] |= 1 << s.spi
	}
}

func (b *backtracker) store(in bytecode.Insn, s *step) backtrackResult {
	if b.hasReg(in.Dst) {
		return backGiveUp // a scalar was made of a pointer by subtraction
	}
	if s == nil || s.flags&stepStack == 0 || b.slots[s.frame]&(1<<s.spi) == 0 {
		return backOK
	}
	b.slots[s.frame] &^= 1 << s.spi
	if in.Class() == bytecode.ClassSTX {
		b.setReg(in.Src)
	}
	return backOK
}

func (b *backtracker) loadImmOrPacket(in bytecode.Insn, pc, subseq int) backtrackResult {
	if in.Mode() == bytecode.ModeIMM {
		b.clearReg(in.Dst)
		return backOK
	}
	if b.hasReg(bytecode.R0) {
		return backGiveUp
	}
	if subseq != pc+1 && !b.enter() {
		return backBug
	}
	return backOK
}

// leave goes from a callee's beginning back to its caller.
func (b *backtracker) leave() bool {
	if b.frame == 0 {
		return false
	}
	b.frame--
	return true
}

// enter goes from behind a call back into the callee's end.
func (b *backtracker) enter() bool {
	if b.frame == maxFrames-1 {
		return false
	}
	b.frame++
	b.regs[b.frame], b.slots[b.frame] = 0, 0
	return true
}

// backtrackJump goes back over calls, exits and conditional jumps. done is
// false where linked registers are still to be looked at.
func (w *walker) backtrackJump(in bytecode.Insn, pc, subseq int, s *step) (res backtrackResult, done bool) {
	b := &w.bt
	switch {
	case in.IsSubprogCall():
		return w.backtrackSubprogCall(in, pc), true
	case w.shape.callsSyncCallback[pc] && pc != subseq-1:
		return b.leaveCallback(), true
	case in.JmpOp() == bytecode.JmpCall:
		if in.IsKfuncCall() && in.Imm == 0 {
			return backGiveUp, true
		}
		b.clearReg(bytecode.R0)
		if b.regs[b.frame]&argRegs != 0 {
			return backBug, true
		}
		// A tail call that came back to the caller ended its own function.
		if in.IsHelperCall() && in.Imm == helperTailCall && subseq != pc+1 && !b.enter() {
			return backBug, true
		}
	case in.IsExit():
		return w.backtrackExit(subseq), true
	case in.JmpOp() != bytecode.JmpA && in.UsesSrc():
		if !b.hasReg(in.Dst) && !b.hasReg(in.Src) {
			return backOK, true
		}
		if s == nil || s.flags&stepSrcStack == 0 {
			b.setReg(in.Src)
		}
		if s == nil || s.flags&stepDstStack == 0 {
			b.setReg(in.Dst)
		}
	}
	return backOK, false
}

func (w *walker) backtrackSubprogCall(in bytecode.Insn, pc int) backtrackResult {
	b := &w.bt
	callee := w.shape.subs.at(calleeOf(in, pc))
	if callee < 0 {
		return backBug
	}
	if w.shape.subs[callee].IsGlobal {
		if b.regs[b.frame]&argRegs != 0 {
			return backBug
		}
		b.clearReg(bytecode.R0)
		return backOK
	}
	if b.regs[b.frame]&^argRegs != 0 || b.slots[b.frame] != 0 {
		return backBug
	}
	args := b.regs[b.frame]
	b.regs[b.frame] = 0
	if !b.leave() {
		return backBug
	}
	b.regs[b.frame] |= args
	return backOK
}

func (b *backtracker) leaveCallback() backtrackResult {
	if b.regs[b.frame]&^argRegs != 0 || b.slots[b.frame] != 0 {
		return backBug
	}
	b.regs[b.frame] = 0
	if !b.leave() {
		return backBug
	}
	return backOK
}

func (w *walker) backtrackExit(subseq int) backtrackResult {
	b := &w.bt
	if subseq >= 0 && w.shape.callsSyncCallback[subseq] {
		b.regs[b.frame] &^= argRegs // the call that runs the callback again has found what they came from
	}
	fromCall := subseq >= 1 && w.insns[subseq-1].IsSubprogCall()
	r0 := fromCall && b.hasReg(bytecode.R0)
	if fromCall && b.regs[b.frame]&argRegs != 0 {
		return backBug
	}
	b.clearReg(bytecode.R0)
	if !b.enter() {
		return backBug
	}
	if r0 {
		b.setReg(bytecode.R0)
	}
	return backOK
}
