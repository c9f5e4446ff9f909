// This file defines resilient spin locks, which may fail to be taken.

package verify

import (
	"slices"
	"strings"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/verify/domain"
)

const resLockName = "bpf_res_spin_lock"

// resLockRules: taking a lock succeeds with 0, or fails with an error.
var resLockRules = map[string]kfuncRule{
	resLockName:              {before: (*walker).failToLock, result: (*walker).lockTaken},
	resLockName + "_irqsave": {before: (*walker).failToLock, result: (*walker).lockTaken},
}

// failToLock keeps the way on from a lock that was not taken.
func (w *walker) failToLock(*kfuncCall) error {
	other := w.clone()
	clobber(other.Cur())
	r0 := &other.Regs()[bytecode.R0]
	w.setUnknown(r0)
	r0.Scalar = r0.Scalar.ClampS32(-maxErrno, -1).ClampS(-maxErrno, -1).Sync()
	return w.fork(other, w.pc+1, w.pc, false)
}

func (w *walker) lockTaken(_ *kfuncCall, r0 *domain.Reg) error {
	*r0 = domain.ScalarReg(domain.Const(0))
	return nil
}

// resLocks are the two classes of such locks: one also disables interrupts.
var resLocks = map[bool]lockClass{
	false: {fieldResSpinLock, "bpf_res_spin", domain.RefResLock},
	true:  {fieldResSpinLock, "bpf_res_spin", domain.RefResLockIRQ},
}

// checkResLockArg takes or gives back the lock that an argument points to.
func (w *walker) checkResLockArg(c *kfuncCall, a *kfuncArg) error {
	reg := &w.regs()[a.r]
	if !reg.Is(domain.PtrToMapValue, 0) && !reg.Is(domain.PtrToBTFID, domain.MemAlloc) {
		return w.fail("arg#%d doesn't point to map value or allocated object", a.i)
	}
	class := resLocks[strings.Contains(c.Name, "_irq")]
	if err := w.checkLock(a.r, class); err != nil {
		return err
	}
	if !strings.HasPrefix(c.Name, resLockName) {
		return w.dropLock(reg, class)
	}
	want := lockRef(reg, class.held)
	if slices.ContainsFunc(w.cur.Refs, func(l domain.Ref) bool { return isLock(&l) && l.Kind != domain.RefLock && sameLock(&l, &want) }) {
		return w.fail("Acquiring the same lock again, AA deadlock detected")
	}
	w.takeLock(reg, class)
	return nil
}
