// This file defines objects that programs allocate: how they are made, read,
// written, counted and given back.

package verify

import (
	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// allocRules are the functions that make and free objects.
var allocRules = map[string]kfuncRule{
	"bpf_obj_new_impl":          {result: (*walker).newObject},
	"bpf_percpu_obj_new_impl":   {result: (*walker).newPercpuObject},
	"bpf_obj_drop_impl":         {},
	"bpf_percpu_obj_drop_impl":  {},
	"bpf_refcount_acquire_impl": {result: (*walker).sharedObject},
}

// dropped are the flags of objects that each function frees.
var dropped = map[domain.TypeFlags]string{
	domain.MemAlloc:                    "bpf_obj_drop_impl",
	domain.MemAlloc | domain.MemPercpu: "bpf_percpu_obj_drop_impl",
}

// allocated reports whether a register points to an object that a program
// allocated, and that is known to be there.
func allocated(r *domain.Reg) bool {
	return r.Kind == domain.PtrToBTFID && r.Flags&domain.MemAlloc != 0 && r.Flags&domain.PtrUntrusted == 0
}

// nonOwning reports whether a register points to a node of a list or tree that
// owns it.
func nonOwning(r *domain.Reg) bool { return allocated(r) && r.Flags&domain.NonOwnRef != 0 }

// newObject is the result of bpf_obj_new: an object of a struct of the
// program, by its BTF id.
func (w *walker) newObject(c *kfuncCall, r0 *domain.Reg) error {
	t, err := w.newType(c)
	if err != nil {
		return err
	}
	*r0 = w.objectPointer(w.prog.BTF, t.ID, domain.MemAlloc)
	w.ownResult(c, r0)
	return nil
}

// newType finds the struct that an allocation names.
func (w *walker) newType(c *kfuncCall) (*btfx.Type, error) {
	switch {
	case c.constant > 1<<32-1:
		return nil, w.fail("local type ID argument must be in range [0, U32_MAX]")
	case w.prog.BTF == nil:
		return nil, w.fail("bpf_obj_new/bpf_percpu_obj_new requires prog BTF")
	}
	if w.objectsOf(w.prog.BTF).err != nil {
		return nil, w.fail("bpf_obj_new/bpf_percpu_obj_new requires prog BTF")
	}
	t := w.prog.BTF.Type(btfx.ID(c.constant))
	if t == nil || t.Kind != btfx.KindStruct {
		return nil, w.fail("bpf_obj_new/bpf_percpu_obj_new type ID argument must be of a struct")
	}
	return t, nil
}

// maxPercpuObject is the largest object that each CPU can have one of, bytes.
const maxPercpuObject = 512

func (w *walker) newPercpuObject(c *kfuncCall, r0 *domain.Reg) error {
	t, err := w.newType(c)
	switch {
	case err != nil:
		return err
	case t.Size > maxPercpuObject:
		return w.fail("bpf_percpu_obj_new type size (%d) is greater than %d", t.Size, maxPercpuObject)
	case !scalarType(w.prog.BTF, t.ID, 0):
		return w.fail("bpf_percpu_obj_new type ID argument must be of a struct of scalars")
	case w.objectRecord(typeID{w.prog.BTF, t.ID}) != nil:
		return w.fail("bpf_percpu_obj_new type ID argument must not contain special fields")
	}
	*r0 = w.objectPointer(w.prog.BTF, t.ID, domain.MemAlloc|domain.MemPercpu)
	w.ownResult(c, r0)
	return nil
}

// sharedObject is the result of bpf_refcount_acquire: it cannot fail for an
// object that the program owns.
func (w *walker) sharedObject(c *kfuncCall, r0 *domain.Reg) error {
	*r0 = w.objectPointer(c.object.spec, c.object.id, domain.MemAlloc)
	w.ownResult(c, r0)
	return nil
}

// checkAllocArg requires an object that the program owns, of the flavour that
// the function frees.
func (w *walker) checkAllocArg(c *kfuncCall, a *kfuncArg) error {
	reg := &w.regs()[a.r]
	if err := w.checkTrust(c, a); err != nil {
		return err
	}
	if err := w.checkKfuncOffset(c, a); err != nil {
		return err
	}
	owner, ok := dropped[reg.Flags]
	switch {
	case reg.Kind != domain.PtrToBTFID || !ok:
		return w.fail("arg#%d expected pointer to allocated object", a.i)
	case c.Name != owner:
		return w.fail("arg#%d expected for %s()", a.i, owner)
	}
	return w.checkOwned(reg)
}

func (w *walker) checkOwned(reg *domain.Reg) error {
	if reg.RefID == 0 {
		return w.fail("allocated object must be referenced")
	}
	return nil
}

// checkRefcountedArg requires an object that counts its references.
func (w *walker) checkRefcountedArg(c *kfuncCall, a *kfuncArg) error {
	if err := w.checkKfuncOffset(c, a); err != nil {
		return err
	}
	reg := &w.regs()[a.r]
	if !allocated(reg) {
		return w.fail("arg#%d is neither owning or non-owning ref", a.i)
	}
	rec := w.regRecord(reg)
	if rec == nil {
		return w.failErrno(errEFAULT, "verifier bug: Couldn't find btf_record")
	}
	if !rec.has(fieldRefcount) {
		return w.fail("arg#%d doesn't point to a type with bpf_refcount field", a.i)
	}
	c.owned = !nonOwning(reg) && reg.RefID != 0
	c.object = typeID{reg.BTF, reg.BTFID}
	return nil
}

// checkAllocatedArg requires of a helper's argument an object as it was
// allocated: one with a lock or kptr in it, or one to be stored.
func (w *walker) checkAllocatedArg(r uint8, m *callMeta) error {
	if _, ok := dropped[w.regs()[r].Flags]; !ok {
		return w.failErrno(errEFAULT, "verifier bug: invalid PTR_TO_BTF_ID register for type match")
	}
	if m.kptr != nil {
		return w.matchKptr(m.kptr, r)
	}
	return nil
}

// accessObject reads or writes an object that a program allocated. Its pointers
// to structs are numbers once they were stored there.
func (w *walker) accessObject(base *domain.Reg, n memNeed) (domain.Reg, error) {
	none := domain.Reg{}
	if n.write && !allocated(base) {
		return none, w.deny(KindAccess, int(n.reg), "only read is supported")
	}
	if base.Flags&(domain.NonOwnRef|domain.MemRCU) == 0 && base.RefID == 0 {
		return none, w.failErrno(errEFAULT, "verifier bug: ref_obj_id for allocated object must be non-zero")
	}
	for _, f := range w.objectRecord(typeID{base.BTF, base.BTFID}) {
		if int64(n.off) < int64(f.off)+int64(f.size) && int64(f.off) < int64(n.off)+int64(n.size) {
			return none, w.deny(KindAccess, int(n.reg), "direct access to %s is disallowed", f.name)
		}
	}
	s := structWalk{spec: base.BTF, fixedSize: true}
	switch s.access(base.BTFID, uint32(n.off), uint32(n.size)) {
	case memberForbidden:
		return none, w.refuse(KindAccess, s.errno, int(n.reg), "%s", s.why)
	case memberUntyped:
		return domain.Pointer(domain.PtrToMem, domain.MemRdonly|domain.PtrUntrusted), nil
	}
	return w.unknownValue(), nil
}

// ownResult gives R0, which points to an object, the identity and the reference
// that the function's flags promise.
func (w *walker) ownResult(c *kfuncCall, r0 *domain.Reg) {
	mayFail := c.mayReturnNull()
	if mayFail {
		r0.Flags |= domain.MaybeNull
		r0.ID = w.newID()
	}
	if c.acquires() {
		r0.RefID = w.acquire()
		if mayFail {
			r0.ID = r0.RefID
		}
	}
	if r0.ID == 0 && w.hasLock(r0) {
		r0.ID = w.newID()
	}
}
