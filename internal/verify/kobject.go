// This file defines kernel objects: pointers typed by BTF, what they may be
// used for, and what loads through them give.

package verify

import (
	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// argFlags are the pointer flags of arguments in the verifier's terms.
var argFlags = []struct {
	arg  catalog.PtrFlags
	flag domain.TypeFlags
}{
	{catalog.PtrTrusted, domain.PtrTrusted}, {catalog.PtrMaybeNull, domain.MaybeNull}, {catalog.PtrRdonly, domain.MemRdonly},
	{catalog.PtrUser, domain.MemUser}, {catalog.PtrPercpu, domain.MemPercpu},
}

// accessArgs reads an argument from a BTF-typed context.
func (w *walker) accessArgs(n memNeed) (domain.Reg, error) {
	refuse := func() (domain.Reg, error) {
		w.log.line(w, w.pc)
		return domain.Reg{}, w.deny(KindAccess, int(n.reg), "invalid bpf_context access off=%d size=%d", n.off, n.size)
	}
	if n.write {
		return refuse()
	}
	arg, ok := w.target.ArgAccess(w.env, w.attach, int(n.off), n.size)
	for _, line := range arg.Lines {
		w.note("%s", line)
	}
	if !ok {
		return refuse()
	}
	if arg.Retval {
		return w.tracedResult(), nil
	}
	v, err := w.argValue(arg)
	if err == nil && arg.Flags&catalog.PtrRef != 0 {
		return w.refArg(n, v)
	}
	return v, err
}

// unsupportedValue is unsupported where a value is wanted.
func (w *walker) unsupportedValue(what string) (domain.Reg, error) {
	return domain.Reg{}, w.unsupported("%s", what)
}

func (w *walker) argValue(arg catalog.ArgType) (domain.Reg, error) {
	var flags domain.TypeFlags
	for _, f := range argFlags {
		if arg.Flags&f.arg != 0 {
			flags |= f.flag
		}
	}
	switch arg.Kind {
	case catalog.ValueScalar:
		return w.unknownValue(), nil
	case catalog.ValueBuf:
		r := domain.Pointer(domain.PtrToBuf, flags)
		if flags&domain.MaybeNull != 0 {
			r.ID = w.newID()
		}
		return r, nil
	}
	if w.host != nil && arg.Spec == w.host.w.prog.BTF {
		return w.hostContext(arg.ID)
	}
	return w.objectPointer(arg.Spec, arg.ID, flags), nil
}

// objectPointer is a pointer to a kernel object.
func (w *walker) objectPointer(spec *btfx.Spec, id btfx.ID, flags domain.TypeFlags) domain.Reg {
	r := objectOfType(spec, id, flags)
	if flags&domain.MaybeNull != 0 {
		r.ID = w.newID()
	}
	return r
}

// objectOfType is a pointer to a kernel object that has no identity yet.
func objectOfType(spec *btfx.Spec, id btfx.ID, flags domain.TypeFlags) domain.Reg {
	r := domain.Pointer(domain.PtrToBTFID, flags)
	r.BTF, r.BTFID = spec, id
	return r
}

const perfmonOnly = "'struct %s' access is allowed only to CAP_PERFMON and CAP_SYS_ADMIN"

// accessBTF reads or writes a field of a kernel object.
func (w *walker) accessBTF(n memNeed) (domain.Reg, error) {
	none := domain.Reg{}
	base := w.regs()[n.reg]
	name := base.BTF.Type(base.BTFID).Name
	reg := int(n.reg)
	switch {
	case !w.priv.leaks:
		return none, w.refuse(KindAccess, errEPERM, reg, perfmonOnly, name)
	case !catalog.GPLCompatible(w.prog.License) && base.BTF == w.target.BTF:
		return none, w.refuse(KindAccess, errEINVAL, reg, "Cannot access kernel 'struct %s' from non-GPL compatible program", name)
	case n.off < 0:
		return none, w.deny(KindAccess, reg, "R%d is ptr_%s invalid negative access: off=%d", n.reg, name, n.off)
	case !base.IsConst() || base.Value() != 0:
		return none, w.deny(KindAccess, reg, "R%d is ptr_%s invalid variable offset: off=%d, var_off=%s", n.reg, name, n.off, base.Var)
	case base.Flags&domain.MemUser != 0:
		return none, w.deny(KindAccess, reg, "R%d is ptr_%s access user memory: off=%d", n.reg, name, n.off)
	case base.Flags&domain.MemPercpu != 0:
		return none, w.deny(KindAccess, reg, "R%d is ptr_%s access percpu memory: off=%d", n.reg, name, n.off)
	case base.Flags&domain.MemAlloc != 0:
		return w.accessObject(&base, n)
	case n.write && (base.Flags&domain.PtrUntrusted != 0 || base.BTF != w.target.BTF):
		return none, w.deny(KindAccess, reg, "only read is supported")
	case n.write:
		return w.unknownValue(), w.writeObject(&base, n)
	}
	return w.objectLoad(&base, n)
}

// writeObject decides a store into an object of the kernel's.
func (w *walker) writeObject(base *domain.Reg, n memNeed) error {
	why, known := w.target.ObjectWrite(w.env, base.BTFID, int(n.off), n.size)
	switch {
	case !known:
		return w.unsupported("writes to kernel objects by members of %s", w.prog.AttachTo)
	case why != "":
		return w.deny(KindAccess, int(n.reg), "%s", why)
	}
	return nil
}

// objectLoad types the value that a load from an object gives.
func (w *walker) objectLoad(base *domain.Reg, n memNeed) (domain.Reg, error) {
	s := structWalk{spec: base.BTF}
	switch s.access(base.BTFID, uint32(n.off), uint32(n.size)) {
	case memberForbidden:
		return domain.Reg{}, w.refuse(KindAccess, s.errno, int(n.reg), "%s", s.why)
	case memberScalar:
		return w.unknownValue(), nil
	case memberUntyped:
		return domain.Pointer(domain.PtrToMem, domain.MemRdonly|domain.PtrUntrusted), nil
	}
	return w.objectPointer(base.BTF, s.id, w.inheritTrust(base, &s)), nil
}

// inheritTrust decides what a pointer read from an object is good for.
func (w *walker) inheritTrust(base *domain.Reg, s *structWalk) domain.TypeFlags {
	const trusts = domain.PtrTrusted | domain.MemRCU
	switch {
	case base.Flags&domain.PtrUntrusted != 0:
		return domain.PtrUntrusted
	case !trusted(base) && base.Flags&domain.MemRCU == 0:
		return s.flags &^ trusts
	}
	trust := w.target.FieldTrust(base.BTF.Strip(base.BTFID).Name, s.field)
	switch {
	case trust == catalog.TrustFull:
		return s.flags | domain.PtrTrusted
	case trust == catalog.TrustFullOrNull:
		return s.flags | domain.PtrTrusted | domain.MaybeNull
	case !w.inRCU() || base.MayBeNull():
		return domain.PtrUntrusted
	case trust == catalog.TrustRCU:
		return s.flags | domain.MemRCU
	case trust == catalog.TrustRCUOrNull:
		return s.flags&^domain.PtrUntrusted | domain.MemRCU | domain.MaybeNull
	case s.flags&domain.MemRCU != 0:
		return s.flags | domain.MaybeNull
	case s.flags&(domain.MemPercpu|domain.MemUser) != 0:
		return s.flags
	}
	return s.flags &^ trusts
}

// trustFlags are the flags that a trusted pointer may have.
const trustFlags = domain.MemAlloc | domain.PtrTrusted | domain.NonOwnRef

// trusted reports whether an object is known to be valid: it is referenced, or
// was given to the program as such.
func trusted(r *domain.Reg) bool {
	if r.RefID != 0 || objectOf[r.Kind] != "" {
		return true
	}
	return r.Flags&trustFlags != 0 && !unsafePointer(r)
}

// unsafePointer reports flags that keep a pointer from being trusted.
func unsafePointer(r *domain.Reg) bool { return r.Flags&^trustFlags != 0 }

// objectOf names the kernel's struct behind pointers of other kinds.
var objectOf = map[domain.RegKind]string{
	domain.PtrToSocket: "sock", domain.PtrToSockCommon: "sock_common", domain.PtrToTCPSock: "tcp_sock", domain.ConstPtrToMap: "bpf_map",
}

// inRCU reports whether objects cannot go away meanwhile.
func (w *walker) inRCU() bool {
	return w.cur.ActiveRCU > 0 || w.cur.ActiveLocks > 0 || !w.cur.InSleepable
}

// mapStructs are the kernel's structs behind maps, by kind.
var mapStructs = map[bytecode.MapType]string{
	bytecode.MapHash: "bpf_htab", bytecode.MapPerCPUHash: "bpf_htab", bytecode.MapLRUHash: "bpf_htab",
	bytecode.MapLRUPerCPUHash: "bpf_htab", bytecode.MapHashOfMaps: "bpf_htab",
	bytecode.MapArray: "bpf_array", bytecode.MapProgArray: "bpf_array", bytecode.MapPerfEventArray: "bpf_array",
	bytecode.MapPerCPUArray: "bpf_array", bytecode.MapCgroupArray: "bpf_array", bytecode.MapArrayOfMaps: "bpf_array",
	bytecode.MapStackTrace: "bpf_stack_map", bytecode.MapLPMTrie: "lpm_trie", bytecode.MapDevmap: "bpf_dtab",
	bytecode.MapDevmapHash: "bpf_dtab", bytecode.MapSockmap: "bpf_stab", bytecode.MapSockhash: "bpf_shtab",
	bytecode.MapCPUMap: "bpf_cpu_map", bytecode.MapXSKMap: "xsk_map", bytecode.MapCgroupStorage: "bpf_cgroup_storage_map",
	bytecode.MapPerCPUCgroupStorage: "bpf_cgroup_storage_map", bytecode.MapReuseportSockarray: "reuseport_array",
	bytecode.MapQueue: "bpf_queue_stack", bytecode.MapStack: "bpf_queue_stack", bytecode.MapSKStorage: "bpf_local_storage_map",
	bytecode.MapStructOps: "bpf_struct_ops_map", bytecode.MapRingbuf: "bpf_ringbuf_map", bytecode.MapUserRingbuf: "bpf_ringbuf_map",
	bytecode.MapInodeStorage: "bpf_local_storage_map", bytecode.MapTaskStorage: "bpf_local_storage_map",
	bytecode.MapCgrpStorage: "bpf_local_storage_map", bytecode.MapBloomFilter: "bpf_bloom_filter", bytecode.MapArena: "bpf_arena",
}

// accessMapPtr reads a field of the kernel's struct behind a map.
func (w *walker) accessMapPtr(n memNeed) (domain.Reg, error) {
	none := domain.Reg{}
	kind := w.mapOf(&w.regs()[n.reg]).Spec().Type
	name := mapStructs[kind]
	if w.target.BTF == nil {
		return none, w.unsupported("access to struct %s: the target has no BTF", name)
	}
	id, ok := w.target.BTF.Find(name, btfx.KindStruct)
	switch {
	case !ok:
		return none, w.failErrno(errENOTSUPP, "map_ptr access not supported for map type %d", kind)
	case !w.priv.leaks:
		return none, w.refuse(KindAccess, errEPERM, int(n.reg), perfmonOnly, name)
	case n.off < 0:
		return none, w.deny(KindAccess, int(n.reg), "R%d is %s invalid negative access: off=%d", n.reg, name, n.off)
	case n.write:
		return none, w.deny(KindAccess, int(n.reg), "only read from %s is supported", name)
	}
	base := w.objectPointer(w.target.BTF, id, 0)
	return w.objectLoad(&base, n)
}

// checkObjectArg requires a kernel object of the parameter's type.
func (w *walker) checkObjectArg(r uint8, arg catalog.Arg, m *callMeta) error {
	reg := &w.regs()[r]
	if reg.Kind != domain.PtrToBTFID {
		return nil
	}
	if arg.Kind == catalog.ArgMem {
		if arg.Flags&catalog.ArgRdonly == 0 {
			return w.deny(KindAccess, int(r), "%s() may write into memory pointed by R%d type=%s", m.proto.Name, r, kindName(reg))
		}
		return nil
	}
	if isPercpuArg(arg) {
		return nil
	}
	if reg.Flags&domain.MemAlloc != 0 {
		return w.checkAllocatedArg(r, m)
	}
	release := arg.Flags&catalog.ArgRelease != 0
	if reg.MayBeNull() && (arg.Flags&catalog.ArgMaybeNull == 0 || release) {
		return w.deny(KindNull, int(r), "Possibly NULL pointer passed to helper arg%d", r)
	}
	if m.kptr != nil {
		return w.matchKptr(m.kptr, r)
	}
	want := arg.BTF
	if want == "" {
		want = "sock_common"
	}
	id, ok := w.target.BTF.Find(want, btfx.KindStruct)
	if !ok {
		return w.unsupported("struct %s is not in the target", want)
	}
	if w.structIs(reg.BTF, reg.BTFID, reg.Off, w.target.BTF, id, release && m.proto.Num != helperSKRelease) {
		return nil
	}
	return w.deny(KindCall, int(r), "R%d is of type %s but %s is expected", r, reg.BTF.Type(reg.BTFID).Name, want)
}

// objectResult is a kernel object that a helper returns.
func (w *walker) objectResult(m *callMeta, flags domain.TypeFlags) (domain.Reg, error) {
	if m.kptr != nil {
		return w.exchanged(m.kptr, flags), nil
	}
	if w.target.BTF == nil {
		return w.unsupportedValue("kernel objects: the target has no BTF")
	}
	id, ok := w.target.BTF.Find(m.proto.Ret.BTF, btfx.KindStruct)
	if !ok {
		return domain.Reg{}, w.unsupported("struct %s is not in the target", m.proto.Ret.BTF)
	}
	return objectOfType(w.target.BTF, id, flags), nil
}
