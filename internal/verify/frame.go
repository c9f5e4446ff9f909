// This file defines frames: calls of subprograms, callbacks, and the way back.

package verify

import (
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// callSubprog checks a call of another function of the program.
func (w *walker) callSubprog(in bytecode.Insn) error {
	callee := w.shape.subs.at(calleeOf(in, w.pc))
	if callee < 0 {
		return w.failErrno(errEFAULT, "verifier bug: no function at insn %d", calleeOf(in, w.pc))
	}
	w.facts.callSubprog(w.pc, callee)
	if w.shape.subs[callee].IsGlobal {
		return w.callGlobal(callee)
	}
	f, err := w.enter(w.cur, callee, w.pc)
	if err != nil {
		return err
	}
	caller := w.cur.Frames[w.cur.CurNo()-1]
	copy(f.Regs[bytecode.R1:bytecode.R6], caller.Regs[bytecode.R1:bytecode.R6])
	clobber(caller)
	w.log.entered(w)
	w.pc = w.shape.subs[callee].Start
	return nil
}

// clobber makes a caller's scratch registers unreadable.
func clobber(f *domain.Frame) {
	for r := bytecode.R0; r <= bytecode.R5; r++ {
		f.Regs[r] = domain.Reg{}
	}
}

// enter pushes a frame for a function that is called at site.
func (w *walker) enter(st *node, callee, site int) (*domain.Frame, error) {
	if len(st.Frames) >= w.target.Limits.Frames {
		return nil, w.failErrno(errE2BIG, "the call stack of %d frames is too deep", len(st.Frames)+1)
	}
	f := st.Push()
	w.log.scratchAll()
	f.CallSite, f.Subprog = site, callee
	f.Regs[bytecode.R10] = framePointer(f.No)
	st.act = st.act.into(site, w.shape.subs[callee].Start, w.shape)
	return f, nil
}

func framePointer(frame uint8) domain.Reg {
	r := domain.Pointer(domain.PtrToStack, 0)
	r.Frame = frame
	return r
}

// callGlobal checks the call of a function that is verified on its own.
func (w *walker) callGlobal(callee int) error {
	sub := &w.shape.subs[callee]
	if w.cur.ActiveLocks > 0 {
		w.note("global function calls are not allowed while holding a lock,")
		return w.fail("use static function instead")
	}
	if sub.MightSleep && (!w.cur.InSleepable || w.atomicRegion() != "") {
		w.note("global functions that may sleep are not allowed in non-sleepable context,")
		w.note("i.e., in a RCU/IRQ/preempt-disabled section, or in")
		return w.fail("a non-sleepable BPF program context")
	}
	if err := w.checkGlobalArgs(callee); err != nil {
		return err
	}
	w.log.assumedValid(callee, sub.Name)
	if sub.ChangesPkt {
		w.forgetPackets()
	}
	w.called[callee] = true
	w.clobberArgs()
	w.setUnknown(&w.regs()[bytecode.R0])
	w.pc++
	return nil
}

// callbackArgs sets a callback's first registers from the caller's.
type callbackArgs func(callee, caller *domain.Frame, m *callMeta)

// loopArgs: bpf_loop(nr, callback, ctx, flags) → callback(index, ctx).
func (w *walker) loopArgs(callee, caller *domain.Frame, _ *callMeta) {
	callee.Regs[bytecode.R1] = domain.ScalarReg(domain.Unknown())
	callee.Regs[bytecode.R2] = caller.Regs[bytecode.R3]
	callee.CallbackRet = domain.Range{Min: 0, Max: 1}
}

// forEachArgs: bpf_for_each_map_elem(map, callback, ctx, flags) →
// callback(map, key, value, ctx).
func (w *walker) forEachArgs(callee, caller *domain.Frame, _ *callMeta) {
	m := caller.Regs[bytecode.R1]
	callee.Regs[bytecode.R1] = m
	for r, kind := range map[int]domain.RegKind{bytecode.R2: domain.PtrToMapKey, bytecode.R3: domain.PtrToMapValue} {
		callee.Regs[r] = domain.Pointer(kind, 0)
		callee.Regs[r].MapIdx, callee.Regs[r].MapUID = m.MapIdx, m.MapUID
	}
	callee.Regs[bytecode.R4] = caller.Regs[bytecode.R3]
	callee.CallbackRet = domain.Range{Min: 0, Max: 1}
}

// loopCall is bpf_loop: its callback runs as often as its count says.
func (w *walker) loopCall(m *callMeta) error {
	m.inlineLoop = w.regs()[bytecode.R4].IsNull()
	if m.inlineLoop {
		if err := w.markPrecise(bytecode.R4); err != nil {
			return err
		}
	}
	if w.regs()[bytecode.R1].Kind != domain.ScalarValue {
		return w.failErrno(errEFAULT, "verifier bug: backtracking misuse")
	}
	if err := w.markPrecise(bytecode.R1); err != nil {
		return err
	}
	f := w.cur.Cur()
	if uint64(f.CallbackDepth) < f.Regs[bytecode.R1].UMax {
		return w.enterCallback(m, w.loopArgs)
	}
	f.CallbackDepth = 0
	w.log.loopLimit(w)
	return nil
}

// enterCallback keeps the callback's run for later and goes on as if it had
// not been called (again): the walk of the callback comes back to this call.
func (w *walker) enterCallback(m *callMeta, args callbackArgs) error {
	w.facts.callback(int(m.callback))
	other := w.clone()
	callee, err := w.enter(other, int(m.callback), w.pc)
	if err != nil {
		return err
	}
	caller := other.Frames[other.CurNo()-1]
	args(callee, caller, m)
	callee.InCallback = true
	other.CallbackUnrollDepth++
	caller.CallbackDepth++
	w.cur.Cur().CallbackDepth = 0
	return w.fork(other, w.shape.subs[m.callback].Start, w.pc, false)
}

// leave goes back from a function to its caller.
func (w *walker) leave() error {
	cur := w.cur
	callee := cur.Cur()
	caller := cur.Frames[cur.CurNo()-1]
	r0 := &callee.Regs[bytecode.R0]
	if r0.Kind == domain.PtrToStack {
		return w.fail("cannot return stack pointer to the caller")
	}
	if callee.InCallback {
		if err := w.checkCallbackReturn(r0, callee.CallbackRet); err != nil {
			return err
		}
		w.pc = callee.CallSite
	} else {
		caller.Regs[bytecode.R0] = *r0
		w.pc = callee.CallSite + 1
	}
	inCallback := callee.InCallback
	w.log.returning(w)
	cur.Pop()
	if cur.act != nil {
		cur.act = cur.act.caller
	}
	if inCallback {
		if prev := w.previousVisit(cur, w.pc); prev != nil {
			w.widenIn(&prev.State, &cur.State)
		}
	}
	return nil
}

func (w *walker) checkCallbackReturn(r0 *domain.Reg, want domain.Range) error {
	if r0.Kind != domain.ScalarValue {
		return w.deny(KindReturn, 0, "R0 not a scalar value")
	}
	if err := w.markPrecise(bytecode.R0); err != nil {
		return err
	}
	if r0.SMin < int64(want.Min) || r0.SMax > int64(want.Max) {
		return w.badScalar(r0, want, "At callback return", 0)
	}
	return nil
}

// previousVisit is the latest state stored at pc that lies on the path to from
// (which may be nil), before it.
func (w *walker) previousVisit(from *node, pc int) *node {
	if from == nil {
		return nil
	}
	list := w.seen.bucket(pc, from)
	for i := len(list) - 1; i >= 0; i-- {
		if n := list[i]; n.pc == pc && n.branches > 0 && n.depth < from.depth && sameCalls(n, from) {
			return n
		}
	}
	return nil
}

func sameCalls(a, b *node) bool {
	if len(a.Frames) != len(b.Frames) {
		return false
	}
	for i, f := range a.Frames {
		if f.CallSite != b.Frames[i].CallSite {
			return false
		}
	}
	return true
}

// widenIn forgets scalars that change from round to round and that nothing has
// depended on: the next round is then the last.
func (w *walker) widenIn(old, cur *domain.State) {
	for i, of := range old.Frames {
		cf := cur.Frames[i]
		for r := range bytecode.R10 {
			w.widenReg(&of.Regs[r], &cf.Regs[r], false)
		}
		for k := range of.Stack {
			if c := cf.Slot(k); c != nil && of.Stack[k].IsSpill() && c.IsSpill() {
				w.widenReg(&of.Stack[k].Reg, &c.Reg, w.fetched[i]&(1<<k) != 0)
			}
		}
	}
}

// widenReg forgets one of them. Marks of a slot that an atomic read are Skep's
// own; the kernel, which makes none, forgets the slot.
func (w *walker) widenReg(old, cur *domain.Reg, marked bool) {
	if old.Kind != domain.ScalarValue || cur.Kind != domain.ScalarValue || !marked && (old.Precise || cur.Precise) {
		return
	}
	if old.Scalar == cur.Scalar && (old.ID == 0) == (cur.ID == 0) {
		return
	}
	w.setUnknown(cur)
}
