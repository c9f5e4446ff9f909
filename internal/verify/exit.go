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
	if err := w.checkLeaks(!inner, "BPF_EXIT instruction in main prog"); err != nil {
		return false, err
	}
	if inner {
		err := w.leave()
		w.log.newPath = true
		return false, err
	}
	return true, w.checkReturn()
}

// checkLeaks requires that nothing is held that would be lost.
func (w *walker) checkLeaks(locks bool, what string) error {
	c := w.cur
	if locks && c.ActiveLocks > 0 {
		return w.fail("%s cannot be used inside bpf_spin_lock-ed region", what)
	}
	if err := w.checkReferences(what); err != nil {
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

func (w *walker) checkReferences(what string) error {
	if len(w.cur.Frames) > 1 {
		return nil // the caller may still release them
	}
	leaked := false
	for i := range w.cur.Refs {
		if r := &w.cur.Refs[i]; r.Kind == domain.RefPtr {
			w.note("Unreleased reference id=%d alloc_insn=%d", r.ID, r.Insn)
			leaked = true
		}
	}
	if leaked {
		return w.refuse(KindReference, errEINVAL, -1, "%s would lead to reference leak", what)
	}
	return nil
}

// checkReturn requires of R0 what the program's type returns.
func (w *walker) checkReturn() error {
	if w.ret.NoRet && !w.inSubprog {
		return nil
	}
	if err := w.readReg(bytecode.R0); err != nil {
		return err
	}
	r0 := &w.regs()[bytecode.R0]
	if w.leaksPointer(r0) {
		return w.deny(KindLeak, 0, "R0 leaks addr as return value")
	}
	if w.inSubprog {
		if r0.Kind != domain.ScalarValue {
			return w.refuse(KindReturn, errEINVAL, 0, "At subprogram exit the register R0 is not a scalar value (%s)", kindName(r0))
		}
		return nil
	}
	if !w.ret.Check {
		return nil
	}
	const where = "At program exit"
	if r0.Kind != domain.ScalarValue {
		return w.refuse(KindReturn, errEINVAL, 0, "%s the register R0 is not a known value (%s)", where, kindName(r0))
	}
	if err := w.markPrecise(bytecode.R0); err != nil {
		return err
	}
	want := domain.Range{Min: w.ret.Range.Min, Max: w.ret.Range.Max}
	if within(r0, want, w.ret.Bits32) {
		return nil
	}
	err := w.badScalar(r0, want, where, 0)
	if w.ret.VoidHook {
		const note = "Note, BPF_LSM_CGROUP that attach to void LSM hooks can't modify return value!"
		w.note(note)
		return w.rejection(KindReturn, errEINVAL, note)
	}
	return err
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
