// This file defines loads and stores: what an instruction needs of memory,
// whether a state grants it, and what the access changes.

package verify

import (
	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// memNeed is an access that an instruction makes: size bytes at reg+off.
type memNeed struct {
	reg     uint8
	off     int32
	size    int
	write   bool
	value   int  // register that is stored; -1 for constants and for reads
	imm     bool // a constant is stored: the instruction's Imm
	want    bool // a read whose value is used
	signExt bool
	aligned bool // must be aligned whatever the program's flags (atomics)
}

// load is LDX: dst = *(size *)(src + off).
func (w *walker) load(in bytecode.Insn) error {
	if s := reservedFields(in); s != "" {
		return w.fail("%s", s)
	}
	if err := w.readReg(in.Src); err != nil {
		return err
	}
	if err := w.writableReg(in.Dst); err != nil {
		return err
	}
	n := memNeed{reg: in.Src, off: int32(in.Off), size: in.MemSize(), value: -1, want: true, signExt: in.Mode() == bytecode.ModeMEMSX}
	base := w.regs()[in.Src]
	if err := w.loadInto(n, in.Dst); err != nil {
		return err
	}
	if err := w.facts.access(w, base, n); err != nil {
		return err
	}
	return w.checkInvariants(in.Dst, "ldx")
}

// loadInto checks a read and puts its value into a register.
func (w *walker) loadInto(n memNeed, dst uint8) error {
	v, err := w.access(n)
	if err != nil {
		return err
	}
	if n.size < 8 && v.Kind == domain.ScalarValue {
		if n.signExt {
			v.Scalar = v.Scalar.SignExtend(n.size, 64)
		} else {
			v.Scalar = v.Scalar.Truncate(n.size)
		}
	}
	w.regs()[dst] = v
	return nil
}

// storeReg is STX: *(size *)(dst + off) = src.
func (w *walker) storeReg(in bytecode.Insn) error {
	if s := reservedFields(in); s != "" {
		return w.fail("%s", s)
	}
	if err := w.readReg(in.Src); err != nil {
		return err
	}
	if err := w.readReg(in.Dst); err != nil {
		return err
	}
	return w.store(memNeed{reg: in.Dst, off: int32(in.Off), size: in.MemSize(), write: true, value: int(in.Src)})
}

// storeImm is ST: *(size *)(dst + off) = imm.
func (w *walker) storeImm(in bytecode.Insn) error {
	if s := reservedFields(in); s != "" {
		return w.fail("%s", s)
	}
	if err := w.readReg(in.Dst); err != nil {
		return err
	}
	return w.store(memNeed{reg: in.Dst, off: int32(in.Off), size: in.MemSize(), write: true, value: -1, imm: true})
}

func (w *walker) store(n memNeed) error {
	base := w.regs()[n.reg]
	if _, err := w.access(n); err != nil {
		return err
	}
	return w.facts.access(w, base, n)
}

// access checks an access by what the base register points to and applies its
// effect on memory. It gives the value that a read yields.
func (w *walker) access(n memNeed) (domain.Reg, error) {
	base := &w.regs()[n.reg]
	if err := w.checkAlignment(base, n); err != nil {
		return domain.Reg{}, err
	}
	n.off += base.Off
	switch base.Kind {
	case domain.PtrToStack:
		return w.accessStack(n)
	case domain.PtrToMapValue, domain.PtrToMapKey, domain.PtrToMem, domain.PtrToCtx, domain.PtrToPacket, domain.PtrToPacketMeta,
		domain.PtrToFlowKeys, domain.PtrToSocket, domain.PtrToSockCommon, domain.PtrToTCPSock, domain.PtrToXDPSock,
		domain.PtrToTPBuffer, domain.ConstPtrToMap, domain.PtrToBTFID, domain.PtrToBuf:
		if base.MayBeNull() {
			break
		}
		return w.accessors(base.Kind)(n)
	case domain.PtrToArena:
		return w.accessArena(n)
	}
	return domain.Reg{}, w.deny(nullOrAccess(base), int(n.reg), "R%d invalid mem access '%s'", n.reg, kindName(base))
}

func nullOrAccess(r *domain.Reg) Kind {
	if r.MayBeNull() {
		return KindNull
	}
	return KindAccess
}

// accessors is the table of what checks an access, by the kind of the base.
func (w *walker) accessors(k domain.RegKind) func(memNeed) (domain.Reg, error) {
	switch k {
	case domain.PtrToMapValue:
		return w.accessMapValue
	case domain.PtrToMapKey:
		return w.accessMapKey
	case domain.PtrToMem:
		return w.accessMem
	case domain.PtrToCtx:
		return w.accessCtx
	case domain.PtrToPacket, domain.PtrToPacketMeta:
		return w.accessPacket
	case domain.PtrToFlowKeys:
		return w.accessFlowKeys
	case domain.PtrToTPBuffer:
		return w.accessTPBuffer
	case domain.ConstPtrToMap:
		return w.accessMapPtr
	case domain.PtrToBTFID:
		return w.accessBTF
	case domain.PtrToBuf:
		return w.accessBuf
	}
	return w.accessSock
}

// unknownValue is what most reads yield.
func (w *walker) unknownValue() domain.Reg {
	var r domain.Reg
	w.setUnknown(&r)
	return r
}

// leakInto refuses to store a pointer where user space could read it.
func (w *walker) leakInto(n memNeed, where string) error {
	if n.write && n.value >= 0 && w.leaksPointer(&w.regs()[n.value]) {
		return w.deny(KindLeak, n.value, "R%d leaks addr into %s", n.value, where)
	}
	return nil
}

func (w *walker) accessMapKey(n memNeed) (domain.Reg, error) {
	if n.write {
		return domain.Reg{}, w.deny(KindAccess, int(n.reg), "write to change key R%d not allowed", n.reg)
	}
	size := w.mapOf(&w.regs()[n.reg]).Spec().KeySize
	return w.unknownValue(), w.checkRegion(n.reg, n.off, n.size, size, false)
}

func (w *walker) accessMapValue(n memNeed) (domain.Reg, error) {
	none := domain.Reg{}
	base := &w.regs()[n.reg]
	m := w.mapOf(base)
	if err := w.leakInto(n, "map"); err != nil {
		return none, err
	}
	if err := w.checkMapRights(n.reg, n.off, n.size, n.write); err != nil {
		return none, err
	}
	if err := w.checkMapAccess(n.reg, n.off, n.size, false, !n.write, accessDirect); err != nil {
		return none, err
	}
	if f := w.kptrAt(base, n); f != nil {
		return w.accessKptr(f, n)
	}
	if n.write || !n.want {
		return w.unknownValue(), nil
	}
	if v, ok := constantOf(m, base, n); ok {
		return domain.ScalarReg(domain.Const(v)), nil
	}
	return w.unknownValue(), nil
}

// constantOf reads the value of a map that neither the program nor user space
// can write.
func constantOf(m MapView, base *domain.Reg, n memNeed) (uint64, bool) {
	s := m.Spec()
	if !base.IsConst() || !m.Frozen() || s.Flags&bytecode.MapRdonlyProg == 0 || s.Type != bytecode.MapArray || s.MaxEntries != 1 {
		return 0, false
	}
	var b [8]byte
	off := int64(n.off) + int64(base.Value())
	if !m.ReadConst(uint32(off), b[:n.size]) {
		return 0, false
	}
	var v uint64
	for i := n.size - 1; i >= 0; i-- {
		v = v<<8 | uint64(b[i])
	}
	if n.signExt {
		shift := 64 - 8*n.size
		v = uint64(int64(v<<shift) >> shift)
	}
	return v, true
}

func (w *walker) accessMem(n memNeed) (domain.Reg, error) {
	base := &w.regs()[n.reg]
	rdonly := base.Flags&domain.MemRdonly != 0
	if n.write && rdonly {
		return domain.Reg{}, w.deny(KindAccess, int(n.reg), "R%d cannot write into %s", n.reg, kindName(base))
	}
	if err := w.leakInto(n, "mem"); err != nil {
		return domain.Reg{}, err
	}
	if rdonly && base.Flags&domain.PtrUntrusted != 0 {
		return w.unknownValue(), nil
	}
	return w.unknownValue(), w.checkRegion(n.reg, n.off, n.size, base.MemSize, false)
}

func (w *walker) accessPacket(n memNeed) (domain.Reg, error) {
	if n.write && !w.mayWritePacket() {
		return domain.Reg{}, w.deny(KindAccess, int(n.reg), "cannot write into packet")
	}
	if err := w.leakInto(n, "packet"); err != nil {
		return domain.Reg{}, err
	}
	return w.unknownValue(), w.checkPacket(n.reg, n.off, n.size, false)
}

// accessCtx reads or writes a field of the program's context.
func (w *walker) accessCtx(n memNeed) (domain.Reg, error) {
	if err := w.leakInto(n, "ctx"); err != nil {
		return domain.Reg{}, err
	}
	base := &w.regs()[n.reg]
	if err := w.checkPlainOffset(base, n.reg, false); err != nil {
		return domain.Reg{}, err
	}
	if w.pt.Ctx.BTFArgs {
		return w.accessArgs(n)
	}
	res, ok := w.target.CtxAccess(catalog.CtxQuery{Env: w.env, Off: int(n.off), Size: n.size, Write: n.write, SignExtend: n.signExt})
	if !ok {
		w.log.line(w, w.pc)
		return domain.Reg{}, w.deny(KindAccess, int(n.reg), "invalid bpf_context access off=%d size=%d", n.off, n.size)
	}
	if n.write || !n.want {
		return w.unknownValue(), nil
	}
	return w.ctxValue(res)
}

// ctxKinds are the pointers that context loads give.
var ctxKinds = map[catalog.ValueKind]struct {
	kind  domain.RegKind
	flags domain.TypeFlags
}{
	catalog.ValuePacket:           {domain.PtrToPacket, 0},
	catalog.ValuePacketMeta:       {domain.PtrToPacketMeta, 0},
	catalog.ValuePacketEnd:        {domain.PtrToPacketEnd, 0},
	catalog.ValueFlowKeys:         {domain.PtrToFlowKeys, 0},
	catalog.ValueSocket:           {domain.PtrToSocket, 0},
	catalog.ValueSocketOrNull:     {domain.PtrToSocket, domain.MaybeNull},
	catalog.ValueSockCommon:       {domain.PtrToSockCommon, 0},
	catalog.ValueSockCommonOrNull: {domain.PtrToSockCommon, domain.MaybeNull},
}

// ctxValue is what a context load gives.
func (w *walker) ctxValue(res catalog.CtxResult) (domain.Reg, error) {
	if res.Kind == catalog.ValueScalar {
		return w.unknownValue(), nil
	}
	k, ok := ctxKinds[res.Kind]
	if !ok {
		return w.ctxObject(res)
	}
	v := domain.Pointer(k.kind, k.flags)
	if k.flags&domain.MaybeNull != 0 {
		v.ID = w.newID()
	}
	return v, nil
}

// ctxObject is a kernel object that a context field leads to.
func (w *walker) ctxObject(res catalog.CtxResult) (domain.Reg, error) {
	flags := domain.PtrTrusted
	switch res.Kind {
	case catalog.ValueBTF:
	case catalog.ValueBTFOrNull:
		flags |= domain.MaybeNull
	case catalog.ValueTPBuffer:
		return domain.Pointer(domain.PtrToTPBuffer, 0), nil
	default:
		return domain.Reg{}, w.unsupported("context field of kind %d", res.Kind)
	}
	if w.target.BTF == nil {
		return w.unsupportedValue("kernel objects: the target has no BTF")
	}
	id, ok := w.target.BTF.Find(res.BTF, btfx.KindStruct)
	if !ok {
		return domain.Reg{}, w.unsupported("struct %s is not in the target", res.BTF)
	}
	return w.objectPointer(w.target.BTF, id, flags), nil
}

// checkPlainOffset requires a pointer as it was got: no variable offset, and
// no fixed one unless allowed.
func (w *walker) checkPlainOffset(r *domain.Reg, reg uint8, fixedOK bool) error {
	if r.Off < 0 {
		return w.deny(KindAccess, int(reg), "negative offset %s ptr R%d off=%d disallowed", kindName(r), reg, r.Off)
	}
	if !fixedOK && r.Off != 0 {
		return w.deny(KindAccess, int(reg), "dereference of modified %s ptr R%d off=%d disallowed", kindName(r), reg, r.Off)
	}
	if !r.IsConst() || r.Value() != 0 {
		return w.deny(KindAccess, int(reg), "variable %s access var_off=%s disallowed", kindName(r), r.Var)
	}
	return nil
}

func (w *walker) accessFlowKeys(n memNeed) (domain.Reg, error) {
	if err := w.leakInto(n, "flow keys"); err != nil {
		return domain.Reg{}, err
	}
	if n.off < 0 || int(n.off)+n.size > catalog.FlowKeysSize {
		return domain.Reg{}, w.deny(KindBounds, int(n.reg), "invalid access to flow keys off=%d size=%d", n.off, n.size)
	}
	return w.unknownValue(), nil
}

// sockObjects are the socket pointers' tables.
var sockObjects = map[domain.RegKind]catalog.Object{
	domain.PtrToSockCommon: catalog.ObjectSockCommon, domain.PtrToSocket: catalog.ObjectSocket,
	domain.PtrToTCPSock: catalog.ObjectTCPSock, domain.PtrToXDPSock: catalog.ObjectXDPSock,
}

func (w *walker) accessSock(n memNeed) (domain.Reg, error) {
	base := &w.regs()[n.reg]
	if n.write {
		return domain.Reg{}, w.deny(KindAccess, int(n.reg), "R%d cannot write into %s", n.reg, kindName(base))
	}
	if base.SMin < 0 {
		return domain.Reg{}, w.deny(KindBounds, int(n.reg), "R%d min value is negative, either use unsigned index or do a if (index >=0) check.", n.reg)
	}
	if _, ok := w.target.ObjectAccess(sockObjects[base.Kind], int(n.off), n.size); !ok || !base.IsConst() {
		return domain.Reg{}, w.deny(KindAccess, int(n.reg), "R%d invalid %s access off=%d size=%d", n.reg, kindName(base), n.off, n.size)
	}
	return w.unknownValue(), nil
}

func (w *walker) accessTPBuffer(n memNeed) (domain.Reg, error) {
	base := &w.regs()[n.reg]
	if err := w.checkBufferOffset(base, n, "tracepoint"); err != nil {
		return domain.Reg{}, err
	}
	return w.unknownValue(), nil
}

func (w *walker) accessBuf(n memNeed) (domain.Reg, error) {
	base := &w.regs()[n.reg]
	what := "rdwr"
	if base.Flags&domain.MemRdonly != 0 {
		what = "rdonly"
		if n.write {
			return domain.Reg{}, w.deny(KindAccess, int(n.reg), "R%d cannot write into %s", n.reg, kindName(base))
		}
	}
	if err := w.checkBufferOffset(base, n, what); err != nil {
		return domain.Reg{}, err
	}
	return w.unknownValue(), nil
}

// checkBufferOffset requires a known offset that is not negative; the end is
// checked when the program is attached.
func (w *walker) checkBufferOffset(r *domain.Reg, n memNeed, what string) error {
	if n.off < 0 {
		return w.deny(KindBounds, int(n.reg), "R%d invalid %s buffer access: off=%d, size=%d", n.reg, what, n.off, n.size)
	}
	if !r.IsConst() || r.Value() != 0 {
		return w.deny(KindBounds, int(n.reg), "R%d invalid variable buffer offset: off=%d, var_off=%s", n.reg, n.off, r.Var)
	}
	return nil
}
