// This file defines what kernel functions return.

package verify

import (
	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// kfuncResult puts the result into R0.
func (w *walker) kfuncResult(c *kfuncCall) error {
	r0 := &w.regs()[bytecode.R0]
	if c.rule.result != nil {
		return c.rule.result(w, c, r0)
	}
	t := c.spec.Strip(c.result)
	switch {
	case t == nil || t.Kind == btfx.KindVoid:
		return nil
	case t.Kind != btfx.KindPtr:
		w.setUnknown(r0)
		return nil
	}
	to := c.spec.Strip(t.Type)
	if to == nil || to.Kind == btfx.KindVoid {
		w.setUnknown(r0) // an address in an arena
		return nil
	}
	if to.Kind != btfx.KindStruct && to.Kind != btfx.KindUnion {
		if err := w.kfuncMemory(c, r0, to); err != nil {
			return err
		}
	} else {
		*r0 = w.objectPointer(c.spec, to.ID, w.resultTrust(c))
	}
	if c.has(catalog.KfRCUProtected) && !c.has(iterFlags) {
		r0.Flags |= domain.MemRCU
	}
	w.ownResult(c, r0)
	return nil
}

// resultTrust: what an iterator gives is as good as the iterator.
func (w *walker) resultTrust(c *kfuncCall) domain.TypeFlags {
	switch {
	case !c.has(catalog.KfIterNext):
		return 0
	case c.iter.main(&w.cur.State).Flags&domain.MemRCU != 0:
		return domain.MemRCU
	}
	return domain.PtrTrusted
}

// kfuncMemory is a result that points to plain memory.
func (w *walker) kfuncMemory(c *kfuncCall, r0 *domain.Reg, to *btfx.Type) error {
	size, write := c.retSize, c.retWrite
	if size == 0 && to != nil {
		size, _ = c.spec.SizeOf(to.ID)
		write = false
	}
	if size == 0 {
		name := ""
		if to != nil {
			name = to.Name
		}
		return w.fail("kernel function %s returns pointer type %s %s is not supported", c.Name, kindWord(to), name)
	}
	*r0 = domain.Pointer(domain.PtrToMem, 0)
	if !write {
		r0.Flags = domain.MemRdonly
	}
	r0.MemSize, r0.RefID = size, c.refID
	return nil
}
