// This file defines the kernel functions that begin and end sections, and what
// may not be called inside or outside of one.

package verify

import (
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/verify/domain"
)

func kfuncChangesPacket(name string) bool { return name == "bpf_xdp_pull_data" }

// sectionRules are the functions that begin and end sections.
var sectionRules = map[string]kfuncRule{
	"bpf_rcu_read_lock":   {check: (*walker).beginRCU},
	"bpf_rcu_read_unlock": {check: (*walker).endRCU},
	"bpf_preempt_disable": {check: (*walker).disablePreemption},
	"bpf_preempt_enable":  {check: (*walker).enablePreemption},
}

func (w *walker) beginRCU(c *kfuncCall) error {
	if w.cur.ActiveRCU > 0 {
		return w.fail("nested rcu read lock (kernel function %s)", c.Name)
	}
	w.cur.ActiveRCU++
	return nil
}

func (w *walker) endRCU(c *kfuncCall) error {
	st := &w.cur.State
	if st.ActiveRCU == 0 {
		return w.fail("unmatched rcu read unlock (kernel function %s)", c.Name)
	}
	st.ActiveRCU--
	st.EachReg(unprotect)
	st.EachIter(unprotect)
	return nil
}

func (w *walker) disablePreemption(*kfuncCall) error {
	w.cur.ActivePreempt++
	return nil
}

func (w *walker) enablePreemption(c *kfuncCall) error {
	if w.cur.ActivePreempt == 0 {
		return w.fail("unmatched attempt to enable preemption (kernel function %s)", c.Name)
	}
	w.cur.ActivePreempt--
	return nil
}

// unprotect takes the protection of an RCU section from a pointer.
func unprotect(r *domain.Reg) {
	if r.Flags&domain.MemRCU != 0 {
		r.Flags = r.Flags&^(domain.MemRCU|domain.MaybeNull) | domain.PtrUntrusted
	}
}

// checkSections refuses what may not be called inside or outside of a section.
func (w *walker) checkSections(c *kfuncCall) error {
	if region := w.atomicRegion(); c.has(catalog.KfSleepable) && region != "" {
		return w.deny(KindCall, -1, "kernel func %s is sleepable within %s region", c.Name, region)
	}
	if c.has(catalog.KfRCUProtected) && !w.inRCU() {
		return w.deny(KindCall, -1, "kernel func %s requires RCU critical section protection", c.Name)
	}
	return nil
}
