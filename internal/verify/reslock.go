// This file defines resilient spin locks, which may fail to be taken.

package verify

var resLockRules = unknownKfuncs("bpf_res_spin_lock", "bpf_res_spin_unlock", "bpf_res_spin_lock_irqsave", "bpf_res_spin_unlock_irqrestore")

func (w *walker) checkResLockArg(*kfuncCall, *kfuncArg) error {
	return w.unsupported("lock arguments of kfuncs")
}
