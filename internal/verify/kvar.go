// This file defines the kernel's variables: what a load of an address gives,
// and the copy of a per-CPU one that helpers find.

package verify

import (
	"slices"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// percpuSection is the data section of the variables that every CPU has a copy
// of.
const percpuSection = ".data..percpu"

// loadKernelVar gives the address of a variable or function of the kernel.
func (w *walker) loadKernelVar(in bytecode.Insn) (domain.Reg, error) {
	spec := w.target.BTF
	if spec == nil {
		return w.unsupportedValue("kernel variables: the target has no BTF")
	}
	v := spec.Type(btfx.ID(in.Imm)) // the static pass has seen what it is
	if v.Kind == btfx.KindFunc {
		return domain.Pointer(domain.PtrToMem, domain.MemRdonly), nil
	}
	if isPercpu(spec, v.ID) {
		r := domain.Pointer(domain.PtrToBTFID, domain.MemPercpu)
		r.BTF, r.BTFID = spec, v.Type
		return r, nil
	}
	return w.memoryOf(spec, v.Type, 0, "ldimm64 unable to resolve the size of type '%s': -22")
}

// isPercpu reports whether a variable has a copy for each CPU. The kernel and
// each of its modules have a section of their own.
func isPercpu(spec *btfx.Spec, v btfx.ID) bool {
	for v < spec.FirstID() && spec.Base() != nil {
		spec = spec.Base()
	}
	id, ok := spec.Find(percpuSection, btfx.KindDatasec)
	return ok && slices.ContainsFunc(spec.Type(id).Vars, func(at btfx.VarSecinfo) bool { return at.Type == v })
}

// memoryOf is a pointer to a value of a type: an object, or memory of its size
// that is only read. message is the refusal where the size is not known.
func (w *walker) memoryOf(spec *btfx.Spec, id btfx.ID, flags domain.TypeFlags, message string) (domain.Reg, error) {
	t := spec.Strip(id)
	if t != nil && (t.Kind == btfx.KindStruct || t.Kind == btfx.KindUnion) {
		r := domain.Pointer(domain.PtrToBTFID, flags)
		r.BTF, r.BTFID = spec, id
		return r, nil
	}
	size, ok := spec.SizeOf(id)
	if !ok {
		return domain.Reg{}, w.fail(message, nameOf(t))
	}
	r := domain.Pointer(domain.PtrToMem, flags|domain.MemRdonly)
	r.MemSize = size
	return r, nil
}

// checkPercpuArg keeps the per-CPU object that a helper is asked about.
func (w *walker) checkPercpuArg(r uint8, m *callMeta) error {
	reg := &w.regs()[r]
	if reg.BTFID == 0 {
		return w.deny(KindCall, int(r), "Helper has invalid btf_id in R%d", r)
	}
	m.percpu = *reg
	return nil
}

// percpuResult is one CPU's copy. A per-CPU object that the program allocated
// is its own to write.
func (w *walker) percpuResult(m *callMeta, flags domain.TypeFlags) (domain.Reg, error) {
	obj := &m.percpu
	flags &^= domain.MemRdonly // memory is only read, objects are anyway
	if obj.Flags&domain.MemRCU != 0 {
		t := obj.BTF.Type(obj.BTFID)
		if t.Kind != btfx.KindStruct && t.Kind != btfx.KindUnion {
			return domain.Reg{}, w.failErrno(errEFAULT, "Helper has invalid btf/btf_id in R1")
		}
		flags |= domain.MemAlloc | domain.MemRCU // NULL where there is no such CPU
	}
	return w.memoryOf(obj.BTF, obj.BTFID, flags, "unable to resolve the size of type '%s': -22")
}

// isPercpuArg reports whether an argument is any per-CPU object, of whatever
// type.
func isPercpuArg(arg catalog.Arg) bool { return arg.Kind == catalog.ArgPercpuBTFID }
