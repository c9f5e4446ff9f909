// This file defines spin locks: where a lock is, which one is held, what may
// be called meanwhile.

package verify

import (
	"strings"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// Helpers of locks, by number (UAPI, stable).
const (
	helperSpinLock   = 93
	helperSpinUnlock = 94
	helperKptrXchg   = 194
)

// checkLockArg takes or gives back the lock that an argument points to.
func (w *walker) checkLockArg(r uint8, m *callMeta) error {
	reg := &w.regs()[r]
	if reg.Kind != domain.PtrToMapValue {
		return w.unsupported("locks in allocated objects")
	}
	if !reg.IsConst() {
		return w.fail("R%d doesn't have constant offset. bpf_spin_lock has to be at the constant offset", r)
	}
	s := w.mapOf(reg).Spec()
	if s.BTF == nil || s.ValueTypeID == 0 {
		return w.fail("map '%s' has to have BTF in order to use bpf_spin_lock", kernelName(s.Name))
	}
	lock, ok := w.lockIn(reg)
	if !ok {
		return w.fail("map '%s' has no valid bpf_spin_lock", kernelName(s.Name))
	}
	if at := int64(reg.Off) + int64(reg.Value()); at != int64(lock.off) {
		return w.fail("off %d doesn't point to 'struct bpf_spin_lock' that is at %d", at, lock.off)
	}
	if m.proto.Num == helperSpinLock {
		return w.takeLock(reg)
	}
	return w.dropLock(reg)
}

func (w *walker) lockIn(r *domain.Reg) (field, bool) {
	for _, f := range w.mapRecord(w.mapOf(r)) {
		if f.name == "bpf_spin_lock" {
			return f, true
		}
	}
	return field{}, false
}

func (w *walker) takeLock(r *domain.Reg) error {
	if w.cur.ActiveLocks > 0 {
		return w.fail("Locking two bpf_spin_locks are not allowed")
	}
	w.cur.ActiveLocks++
	w.cur.Refs = append(w.cur.Refs, domain.Ref{Kind: domain.RefLock, ID: r.ID, Insn: w.pc, MapIdx: r.MapIdx})
	return nil
}

func (w *walker) dropLock(r *domain.Reg) error {
	st := &w.cur.State
	if st.ActiveLocks == 0 {
		return w.fail("bpf_spin_unlock without taking a lock")
	}
	for i := range st.Refs {
		if l := &st.Refs[i]; l.Kind == domain.RefLock && l.ID == r.ID && l.MapIdx == r.MapIdx {
			st.Refs = append(st.Refs[:i], st.Refs[i+1:]...)
			st.ActiveLocks--
			return nil
		}
	}
	return w.fail("bpf_spin_unlock of different lock")
}

// graphKfunc reports the functions that a lock is for.
func graphKfunc(name string) bool {
	for _, p := range []string{"bpf_list_", "bpf_rbtree_", "bpf_iter_num_", "bpf_res_spin_"} {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

// checkCallUnderLock refuses calls while a lock is held, but for the unlock.
func (w *walker) checkCallUnderLock(in bytecode.Insn) error {
	if w.cur.ActiveLocks == 0 || in.IsSubprogCall() {
		return nil
	}
	if in.IsHelperCall() && (in.Imm == helperSpinUnlock || in.Imm == helperKptrXchg) {
		return nil
	}
	if in.IsKfuncCall() && graphKfunc(w.kfuncName(in)) {
		return nil
	}
	return w.fail("function calls are not allowed while holding a lock")
}
