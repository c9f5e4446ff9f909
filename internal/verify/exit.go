// This file defines the end of a function: what it may return, and what it
// must have given back.

package verify

import (
	"fmt"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// exit ends a function; done says that the path ends with it.
func (w *walker) exit(in bytecode.Insn) (done bool, err error) {
	if s := reservedFields(in); s != "" {
		return false, w.fail("%s", s)
	}
	inner := len(w.cur.Frames) > 1
	way := leaveMain
	if inner {
		way = leaveFunction
	}
	if err := w.checkLeaks(way, "BPF_EXIT instruction in main prog"); err != nil {
		return false, err
	}
	if inner {
		w.cur.act.update(w)
		err := w.leave()
		w.log.newPath = true
		return false, err
	}
	return true, w.checkReturn(bytecode.R0)
}

// leaving is how far a way out of a function goes.
type leaving uint8

const (
	leaveFunction leaving = iota // back to the caller, which may still give back what is held
	leaveMain                    // for good, from the running function: sections must have ended
	leaveAll                     // for good, from all functions: the callers' references are lost too
)

// checkLeaks requires that nothing is held that would be lost.
func (w *walker) checkLeaks(way leaving, what string) error {
	c, locks := w.cur, way != leaveFunction
	if locks && c.ActiveLocks > 0 {
		return w.fail("%s cannot be used inside bpf_spin_lock-ed region", what)
	}
	if err := w.checkReferences(way, what); err != nil {
		return err
	}
	for _, region := range []struct {
		held bool
		name string
	}{
		{c.ActiveIRQ != 0, "bpf_local_irq_save"}, {c.ActiveRCU > 0, "bpf_rcu_read_lock"}, {c.ActivePreempt > 0, "bpf_preempt_disable"},
	} {
		if locks && region.held {
			return w.fail("%s cannot be used inside %s-ed region", what, region.name)
		}
	}
	return nil
}

func (w *walker) checkReferences(way leaving, what string) error {
	if len(w.cur.Frames) > 1 && way != leaveAll {
		return nil // the caller may still release them
	}
	leaked := false
	for i := range w.cur.Refs {
		if r := &w.cur.Refs[i]; r.Kind == domain.RefPtr && (way == leaveAll || !w.givesBack(r.ID)) {
			w.note("Unreleased reference id=%d alloc_insn=%d", r.ID, r.Insn)
			leaked = true
		}
	}
	if leaked {
		return w.refuse(KindReference, errEINVAL, -1, "%s would lead to reference leak", what)
	}
	return nil
}

// checkReturn requires of a register what the program's type returns; in a
// function that is verified by itself, a number.
func (w *walker) checkReturn(reg uint8) error {
	f := w.cur.Frames[0]
	program := f.Subprog == 0 || f.InExceptionCB
	if program && w.ret.NoRet {
		return nil
	}
	if err := w.readReg(reg); err != nil {
		return err
	}
	r := &w.regs()[reg]
	if w.leaksPointer(r) {
		return w.deny(KindLeak, int(reg), "R%d leaks addr as return value", reg)
	}
	switch {
	case f.InAsync:
		return w.checkReturnRange(reg, "At async callback return", f.CallbackRet, false)
	case !program && r.Kind != domain.ScalarValue:
		return w.refuse(KindReturn, errEINVAL, int(reg), "At subprogram exit the register R%d is not a scalar value (%s)", reg, kindName(r))
	case !program:
		return nil
	}
	if to := w.returnsTo(); to != nil {
		return w.checkReturnedObject(reg, to)
	}
	if !w.ret.Check {
		return nil
	}
	err := w.checkReturnRange(reg, "At program exit", domain.Range{Min: w.ret.Range.Min, Max: w.ret.Range.Max}, w.ret.Bits32)
	if err != nil && r.Kind == domain.ScalarValue && f.Subprog == 0 && w.ret.VoidHook {
		const note = "Note, BPF_LSM_CGROUP that attach to void LSM hooks can't modify return value!"
		w.note(note)
		return w.rejection(KindReturn, errEINVAL, note)
	}
	return err
}

// checkReturnRange requires a number in a range; where says what ends with it.
func (w *walker) checkReturnRange(reg uint8, where string, want domain.Range, bits32 bool) error {
	r := &w.regs()[reg]
	if r.Kind != domain.ScalarValue {
		return w.refuse(KindReturn, errEINVAL, int(reg), "%s the register R%d is not a known value (%s)", where, reg, kindName(r))
	}
	if err := w.markPrecise(reg); err != nil {
		return err
	}
	if within(r, want, bits32) {
		return nil
	}
	return w.badScalar(r, want, where, int(reg))
}

// tracedResult is what the hook that a program is attached to has returned so
// far: a value that the program might return.
func (w *walker) tracedResult() domain.Reg {
	r := w.unknownValue()
	if w.ret.Check {
		lo, hi := w.ret.Range.Min, w.ret.Range.Max
		r.Scalar = r.Scalar.ClampS32(lo, hi).ClampS(int64(lo), int64(hi)).Sync()
	}
	return r
}

// within reports whether all values of r lie in the range.
func within(r *domain.Reg, want domain.Range, bits32 bool) bool {
	if bits32 {
		return r.S32Min >= want.Min && r.S32Max <= want.Max
	}
	return r.SMin >= int64(want.Min) && r.SMax <= int64(want.Max)
}

// badScalar says what a value is and should have been.
func (w *walker) badScalar(r *domain.Reg, want domain.Range, where string, reg int) error {
	has := ""
	if r.SMin > -1<<63 {
		has += fmt.Sprintf(" smin=%d", r.SMin)
	}
	if r.SMax < 1<<63-1 {
		has += fmt.Sprintf(" smax=%d", r.SMax)
	}
	if has == "" {
		has = " unknown scalar value"
	}
	return w.refuse(KindReturn, errEINVAL, reg, "%s the register R%d has%s should have been in [%d, %d]", where, reg, has, want.Min, want.Max)
}
