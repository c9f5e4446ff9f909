// This file defines kernel pointers in map values and allocated objects: what
// loads of them give, what may be stored, and their exchange.

package verify

import (
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// kptrAt is the kptr in a map's value that an access is to, nil for none.
func (w *walker) kptrAt(r *domain.Reg, n memNeed) *field {
	if !r.IsConst() {
		return nil
	}
	return w.mapRecord(w.mapOf(r)).at(int64(n.off)+int64(r.Value()), fieldPointers)
}

// accessKptr loads or stores a kptr of a map's value.
func (w *walker) accessKptr(f *field, n memNeed) (domain.Reg, error) {
	none := domain.Reg{}
	in := w.insns[w.pc]
	switch {
	case in.Mode() != bytecode.ModeMEM:
		return none, w.deny(KindAccess, int(n.reg), "kptr in map can only be accessed using BPF_MEM instruction mode")
	case !n.write:
		return w.loadKptr(f), nil
	case f.kind&fieldRefs != 0:
		return none, w.deny(KindAccess, int(n.reg), "store to referenced kptr disallowed")
	case f.kind == fieldUptr:
		return none, w.deny(KindAccess, int(n.reg), "store to uptr disallowed")
	case n.imm && in.Imm != 0:
		return none, w.deny(KindAccess, int(n.reg), "BPF_ST imm must be 0 when storing to kptr at off=%d", f.off)
	case n.value < 0:
		return none, nil
	case w.regs()[n.value].IsNull():
		return none, w.markPrecise(uint8(n.value)) // only NULL is allowed, not any number
	}
	return none, w.matchKptr(f, uint8(n.value))
}

// loadKptr is the pointer that a load gives: protected where the object cannot
// go away meanwhile.
func (w *walker) loadKptr(f *field) domain.Reg {
	if f.kind == fieldUptr {
		r := domain.Pointer(domain.PtrToMem, domain.MaybeNull)
		r.MemSize, _ = f.spec.SizeOf(f.id)
		r.ID = w.newID()
		return r
	}
	return w.objectPointer(f.spec, f.id, w.kptrTrust(f)|domain.MaybeNull)
}

func (w *walker) kptrTrust(f *field) domain.TypeFlags {
	own := f.spec != w.target.BTF
	protected := f.kind == fieldPercpuKptr || f.kind == fieldKptr && (own || w.target.RCUProtected(f.spec.Type(f.id).Name))
	if !protected || !w.inRCU() {
		return domain.PtrUntrusted
	}
	flags := domain.MemRCU
	switch {
	case f.kind == fieldPercpuKptr:
		flags |= domain.MemPercpu
	case own:
		flags |= domain.MemAlloc
	}
	if own && w.objectRecord(typeID{f.spec, f.id}).has(fieldNodes) {
		flags |= domain.NonOwnRef
	}
	return flags
}

// matchKptr requires a pointer that may be stored in a kptr.
func (w *walker) matchKptr(f *field, r uint8) error {
	reg := &w.regs()[r]
	if reg.Kind != domain.PtrToBTFID {
		return w.badKptr(f, r, "")
	}
	allowed := domain.MaybeNull | domain.PtrTrusted | domain.MemRCU
	if f.kind == fieldKptrUntrusted {
		allowed |= domain.PtrUntrusted
	}
	if reg.BTF != w.target.BTF {
		allowed = domain.MaybeNull | domain.MemAlloc
		if f.kind == fieldPercpuKptr {
			allowed |= domain.MemPercpu
		}
	}
	name := reg.BTF.Type(reg.BTFID).Name
	if reg.Flags&^allowed != 0 || (f.kind == fieldPercpuKptr) != (reg.Flags&domain.MemPercpu != 0) {
		return w.badKptr(f, r, "")
	}
	if err := w.checkPlainOffset(reg, r, true); err != nil {
		return err
	}
	if !w.structIs(reg.BTF, reg.BTFID, reg.Off, f.spec, f.id, f.kind != fieldKptrUntrusted) {
		return w.badKptr(f, r, name)
	}
	return nil
}

func (w *walker) badKptr(f *field, r uint8, name string) error {
	target := f.spec.Type(f.id).Name
	or := ""
	if f.kind == fieldKptrUntrusted {
		or = " or untrusted_ptr_" + target
	}
	return w.deny(KindAccess, int(r), "invalid kptr access, R%d type=%s%s expected=ptr_%s%s", r, kindName(&w.regs()[r]), name, target, or)
}

// checkKptrArg checks the place whose pointer is exchanged.
func (w *walker) checkKptrArg(r uint8, _ catalog.Arg, m *callMeta) error {
	reg := &w.regs()[r]
	if reg.Kind == domain.PtrToMapValue {
		if s := w.mapOf(reg).Spec(); !w.typedMap(s) {
			return w.fail("map '%s' has to have BTF in order to use bpf_kptr_xchg", kernelName(s.Name))
		}
	}
	rec := w.regRecord(reg)
	switch {
	case !reg.IsConst():
		return w.fail("R%d doesn't have constant offset. kptr has to be at the constant offset", r)
	case !rec.has(fieldKptrs):
		return w.fail("R%d has no valid kptr", r)
	}
	f := rec.at(offsetIn(reg), fieldKptrs)
	switch {
	case f == nil:
		return w.deny(KindAccess, int(r), "off=%d doesn't point to kptr", offsetIn(reg))
	case f.kind == fieldKptrUntrusted:
		return w.deny(KindAccess, int(r), "off=%d kptr isn't referenced kptr", f.off)
	}
	m.kptr = f
	return nil
}

// exchanged is the pointer that bpf_kptr_xchg gives back.
func (w *walker) exchanged(f *field, flags domain.TypeFlags) domain.Reg {
	if f.spec != w.target.BTF {
		flags |= domain.MemAlloc
		if f.kind == fieldPercpuKptr {
			flags |= domain.MemPercpu
		}
	}
	return objectOfType(f.spec, f.id, flags)
}

// giveAway releases a reference that went into a map: a per-CPU object can
// still be read while its section lasts.
func (w *walker) giveAway(id uint32) error {
	const percpu = domain.MemAlloc | domain.MemPercpu
	if w.inRCU() {
		w.cur.EachReg(func(r *domain.Reg) {
			if r.RefID == id && r.Flags&percpu == percpu {
				r.RefID, r.Flags = 0, r.Flags&^domain.MemAlloc|domain.MemRCU
			}
		})
	}
	return w.release(id)
}
