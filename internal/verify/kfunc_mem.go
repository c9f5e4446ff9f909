// This file defines arguments of kernel functions that are memory: of the
// pointee's size, or of the size in the argument that follows.

package verify

import (
	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// checkKfuncMem requires memory: of the size in the next argument, or of the
// pointee's.
func (w *walker) checkKfuncMem(c *kfuncCall, a *kfuncArg) error {
	i, r, to := a.i, a.r, a.to
	sized := i+1 < len(c.params) && (suffixed(c.params[i+1], "__sz") || suffixed(c.params[i+1], "__szk")) &&
		w.regs()[r+1].Kind == domain.ScalarValue
	if !scalarType(c.spec, to.ID, 0) && !(sized && to.Kind == btfx.KindVoid) {
		void := ""
		if sized {
			void = "void, "
		}
		return w.fail("arg#%d pointer type %s %s must point to %sscalar, or struct with scalar", i, kindWord(to), to.Name, void)
	}
	if err := w.checkArgOffset(r, catalog.Arg{}); err != nil {
		return err
	}
	if sized {
		a.skip = 1
		return w.checkKfuncSized(c, i, r)
	}
	size, ok := c.spec.SizeOf(to.ID)
	if !ok {
		return w.fail("arg#%d reference type('%s %s') size cannot be determined: -22", i, kindWord(to), to.Name)
	}
	return w.checkMemReg(r, i, globalArg{kind: domain.PtrToMem, size: size, flags: domain.MaybeNull})
}

// scalarType reports whether a type consists of scalars alone.
func scalarType(spec *btfx.Spec, id btfx.ID, depth int) bool {
	t := spec.Strip(id)
	if t == nil {
		return false
	}
	switch t.Kind {
	case btfx.KindInt, btfx.KindEnum, btfx.KindEnum64:
		return true
	case btfx.KindStruct, btfx.KindUnion:
		if depth > maxScalarNesting {
			return false
		}
		for _, m := range t.Members {
			if !scalarMember(spec, m.Type, depth) {
				return false
			}
		}
		return true
	}
	return false
}

// maxScalarNesting is how deep structs of scalars may nest.
const maxScalarNesting = 3

// scalarMember allows arrays of plain scalars besides.
func scalarMember(spec *btfx.Spec, id btfx.ID, depth int) bool {
	t := spec.Strip(id)
	if t == nil || t.Kind != btfx.KindArray {
		return scalarType(spec, id, depth+1)
	}
	elem := spec.Strip(t.Type)
	return t.Nelems > 0 && elem != nil && elem.Kind != btfx.KindStruct && elem.Kind != btfx.KindUnion && scalarType(spec, t.Type, depth)
}

// checkKfuncSized checks a pointer and the size that follows it.
func (w *walker) checkKfuncSized(c *kfuncCall, i int, r uint8) error {
	size := r + 1
	if w.regs()[r].IsNull() && suffixed(c.params[i], "__opt") {
		// Only NULL, and only this size: the kernel forgets to say so.
		if err := w.markPrecise(r); err != nil {
			return err
		}
		if err := w.markPrecise(size); err != nil {
			return err
		}
	} else if err := w.checkMemAndSize(r, size); err != nil {
		if _, ok := err.(*Rejection); ok {
			return w.refuse(KindBounds, errEACCES, int(r), "arg#%d arg#%d memory, len pair leads to invalid memory access", i, i+1)
		}
		return err
	}
	if !suffixed(c.params[i+1], "__szk") {
		return nil
	}
	if !w.regs()[size].IsConst() {
		return w.fail("R%d must be a known constant", size)
	}
	c.constant, c.hasConst = w.regs()[size].Value(), true
	return nil
}

// checkMemAndSize requires memory that may be read and written; a pointer that
// may be NULL is checked as if it were not.
func (w *walker) checkMemAndSize(r, size uint8) error {
	saved := w.regs()[r]
	if saved.MayBeNull() {
		w.becomeNonNull(&w.regs()[r])
	}
	m := callMeta{proto: new(catalog.Proto), raw: rawArea{reg: -1}}
	for _, write := range []bool{false, true} {
		if err := w.checkSizeArg(size, write, true, &m); err != nil {
			return err
		}
	}
	w.regs()[r] = saved
	return nil
}
