// This file defines calls of helpers: the one call checker. A prototype says
// what each argument must be and what comes back; nothing else is asked.

package verify

import (
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// callMeta is what checking the arguments of one call has found out.
type callMeta struct {
	proto *catalog.Proto

	mapReg  *domain.Reg // the map argument, nil without one
	mapCopy domain.Reg
	percpu  domain.Reg // the per-CPU object argument
	raw     rawArea
	field   string // name of the field that an argument points to: "bpf_timer"
	rawMode bool   // the memory argument being checked need not be initialised

	memSize    uint32 // constant size of what is returned
	sizeMax    uint64 // largest value of the last size argument
	constKey   uint64
	hasKey     bool
	releaseReg int // register whose reference is released, 0 none
	refID      uint32
	callback   int32 // subprogram of the callback argument
	inlineLoop bool
	kptr       *field // where bpf_kptr_xchg puts its second argument

	changesPacket bool   // packet pointers are invalid after it
	dynptrID      uint32 // the dynptr that the result points into
}

// call checks a call instruction.
func (w *walker) call(in bytecode.Insn) error {
	if s := reservedFields(in); s != "" {
		return w.fail("%s", s)
	}
	if err := w.checkCallUnderLock(in); err != nil {
		return err
	}
	switch {
	case in.IsSubprogCall():
		return w.callSubprog(in)
	case in.IsKfuncCall():
		if err := w.callKfunc(in); err != nil {
			return err
		}
	default:
		if err := w.callHelper(in); err != nil {
			return err
		}
	}
	w.pc++
	return nil
}

// callHelper checks a helper call and applies its effect.
func (w *walker) callHelper(in bytecode.Insn) error {
	proto, err := w.grantedHelper(in.Imm)
	if err != nil {
		return err
	}
	m := callMeta{proto: proto, raw: rawArea{reg: -1}, callback: -1}
	for i := range proto.Args {
		if err := w.checkArg(i, &m); err != nil {
			return err
		}
	}
	if err := w.checkMapUse(&m); err != nil {
		return err
	}
	if err := w.fillRaw(&m); err != nil {
		return err
	}
	if err := w.releaseArg(&m); err != nil {
		return err
	}
	if err := w.callSpecials(in, &m); err != nil {
		return err
	}
	w.facts.call(w.pc, &m)
	w.clobberArgs()
	if err := w.callResult(&m); err != nil {
		return err
	}
	if err := w.checkMapCompat(&m); err != nil {
		return err
	}
	if in.Imm == helperTailCall {
		return w.afterTailCall()
	}
	if proto.ChangesPkt || m.changesPacket {
		w.forgetPackets()
	}
	return nil
}

// afterTailCall walks what follows a tail call: it may fail, then nothing has
// changed; from a subprogram it may also come back to the caller, with any
// result and another packet. From the main function it does not come back.
func (w *walker) afterTailCall() error {
	if len(w.cur.Frames) == 1 {
		return nil
	}
	other := w.clone()
	if err := w.fork(other, w.pc+1, w.pc, false); err != nil {
		return err
	}
	w.forgetPackets()
	w.setUnknown(&w.regs()[bytecode.R0])
	if err := w.leave(); err != nil {
		return err
	}
	w.pc-- // call steps over the instruction
	return nil
}

// grantedHelper looks up what may be called under this number.
func (w *walker) grantedHelper(num int32) (*catalog.Proto, error) {
	proto, grant := w.target.Helper(w.env, num)
	switch grant {
	case catalog.NoSuchHelper:
		return nil, w.refuse(KindCall, errEINVAL, -1, "invalid func %s#%d", catalog.HelperName(num), num)
	case catalog.NotGranted:
		return nil, w.refuse(KindCall, errEINVAL, -1, "program of this type cannot use helper %s#%d", proto.Name, num)
	}
	if proto.GPLOnly && !catalog.GPLCompatible(w.prog.License) {
		return nil, w.refuse(KindCall, errEINVAL, -1, "cannot call GPL-restricted function from non-GPL compatible program")
	}
	if grant == catalog.NotInProbe {
		return nil, w.refuse(KindCall, errEINVAL, -1, "helper call is not allowed in probe")
	}
	if !proto.MightSleep {
		return proto, nil
	}
	if !w.cur.InSleepable {
		return nil, w.refuse(KindCall, errEINVAL, -1, "helper call might sleep in a non-sleepable prog")
	}
	if region := w.atomicRegion(); region != "" {
		return nil, w.refuse(KindCall, errEINVAL, -1, "sleepable helper %s#%d in %s region", proto.Name, num, region)
	}
	return proto, nil
}

// atomicRegion names the section that the path is in and that forbids to
// sleep, "" when it is in none.
func (w *walker) atomicRegion() string {
	st := &w.cur.State
	switch {
	case st.ActiveRCU > 0:
		return "rcu_read_lock"
	case st.ActivePreempt > 0:
		return "non-preemptible"
	case st.ActiveIRQ != 0:
		return "IRQ-disabled"
	}
	return ""
}

// checkMapUse applies the rules about the map argument that hold before the
// call.
func (w *walker) checkMapUse(m *callMeta) error {
	if m.mapReg == nil {
		return nil
	}
	s := w.mapOf(m.mapReg).Spec()
	switch m.proto.Num {
	case helperMapUpdate, helperMapDelete, helperMapPush, helperMapPop:
		if s.Flags&bytecode.MapRdonlyProg != 0 {
			return w.deny(KindAccess, 1, "write into map forbidden")
		}
	case helperTailCall:
		if s.Type != bytecode.MapProgArray {
			return w.fail("expected prog array map for tail call")
		}
		if key := &w.regs()[bytecode.R3]; key.IsConstScalar() && key.Value() < uint64(s.MaxEntries) {
			return w.markPrecise(bytecode.R3)
		}
	}
	return nil
}

// Helpers with rules of their own, by number (UAPI, stable).
const (
	helperMapLookup       = 1
	helperMapUpdate       = 2
	helperMapDelete       = 3
	helperSmpProcessorID  = 8
	helperProbeReadStr    = 45
	helperGetStack        = 67
	helperGetLocalStorage = 81
	helperSKRelease       = 86
	helperMapPush         = 87
	helperMapPop          = 88
	helperProbeUserStr    = 114
	helperProbeKernelStr  = 115
	helperRingbufReserve  = 131
	helperGetTaskStack    = 141
	helperSnprintf        = 165
)

// fillRaw marks the stack that the helper fills as written.
func (w *walker) fillRaw(m *callMeta) error {
	for i := range m.raw.size {
		n := memNeed{reg: uint8(m.raw.reg), off: int32(i), size: 1, write: true, value: -1}
		if _, err := w.access(n); err != nil {
			return err
		}
	}
	return nil
}

// releaseArg gives up the reference that an argument held.
func (w *walker) releaseArg(m *callMeta) error {
	if m.releaseReg == 0 {
		return nil
	}
	if m.proto.Args[m.releaseReg-1].Kind == catalog.ArgDynptr {
		return w.releaseDynptr(&w.regs()[m.releaseReg])
	}
	if m.refID == 0 {
		if w.regs()[m.releaseReg].IsNull() {
			return nil // releasing NULL does nothing
		}
		return w.refuse(KindReference, errEINVAL, m.releaseReg, "reference has not been acquired before")
	}
	if m.kptr != nil {
		return w.giveAway(m.refID)
	}
	return w.release(m.refID)
}

// release drops a reference and everything that pointed into its object.
func (w *walker) release(id uint32) error {
	if !w.cur.DropRef(id) {
		return w.refuse(KindReference, errEINVAL, -1, "reference has not been acquired before")
	}
	w.cur.EachReg(func(r *domain.Reg) {
		if r.RefID == id {
			w.invalidate(r)
		}
	})
	return nil
}

// acquire notes a new reference.
func (w *walker) acquire() uint32 {
	id := w.newID()
	w.cur.Refs = append(w.cur.Refs, domain.Ref{Kind: domain.RefPtr, ID: id, Insn: w.pc})
	return id
}

// clobberArgs makes the registers that a call does not preserve unreadable.
func (w *walker) clobberArgs() {
	regs := w.regs()
	for r := bytecode.R0; r <= bytecode.R5; r++ {
		regs[r] = domain.Reg{}
		w.log.scratchReg(uint8(r))
	}
}

// callSpecials applies what a prototype cannot say.
func (w *walker) callSpecials(in bytecode.Insn, m *callMeta) error {
	switch in.Imm {
	case helperTailCall:
		w.facts.tailCall()
		return w.checkLeaks(leaveMain, "tail_call")
	case helperGetLocalStorage:
		if !w.regs()[bytecode.R2].IsNull() {
			return w.fail("get_local_storage() doesn't support non-zero flags")
		}
	case helperForEachMapElem:
		return w.enterCallback(m, w.forEachArgs)
	case helperLoop:
		return w.loopCall(m)
	case helperSnprintf:
		return w.checkSnprintf()
	case helperFindVMA:
		return w.findVMA(m)
	case helperTimerSetCallback:
		return w.setTimerCallback(m)
	case helperDynptrFromMem, helperDynptrWrite, helperDynptrData:
		return w.checkDynptrCall(m)
	case helperUserRingbufDrain:
		return w.enterCallback(m, w.drainArgs)
	}
	return nil
}

// callResult puts the result into R0.
func (w *walker) callResult(m *callMeta) error {
	r0 := &w.regs()[bytecode.R0]
	ret := m.proto.Ret
	flags := retFlags(ret.Flags)
	switch ret.Kind {
	case catalog.RetInteger:
		w.setUnknown(r0)
		w.refineInteger(r0, m)
	case catalog.RetVoid:
		return nil
	case catalog.RetMapValue:
		w.mapValueResult(r0, m, flags)
	case catalog.RetMem:
		*r0 = domain.Pointer(domain.PtrToMem, flags)
		r0.MemSize, r0.DynptrID = m.memSize, m.dynptrID
	case catalog.RetSocket:
		*r0 = domain.Pointer(domain.PtrToSocket, flags)
	case catalog.RetSockCommon:
		*r0 = domain.Pointer(domain.PtrToSockCommon, flags)
	case catalog.RetBTFID:
		obj, err := w.objectResult(m, flags)
		if err != nil {
			return err
		}
		*r0 = obj
	case catalog.RetMemOrBTFID:
		obj, err := w.percpuResult(m, flags)
		if err != nil {
			return err
		}
		*r0 = obj
	case catalog.RetTCPSock:
		*r0 = domain.Pointer(domain.PtrToTCPSock, flags)
	default:
		return w.unsupported("the result of %s", m.proto.Name)
	}
	if r0.MayBeNull() {
		r0.ID = w.newID()
	}
	switch {
	case castHelpers[m.proto.Num]:
		r0.RefID = m.refID // another view of the same object
	case w.acquires(m):
		id := w.acquire()
		r0.ID, r0.RefID = id, id
	}
	return nil
}

// castHelpers give their argument back as another type, or memory inside it:
// the result is held by the same reference. Numbers are stable UAPI.
var castHelpers = map[int32]bool{
	helperDynptrData: true,
	95:               true, 96: true, // sk_fullsock, tcp_sock
	136: true, 137: true, 138: true, 139: true, 140: true, 178: true, 196: true, // skc_to_*
}

// acquires reports whether the call gives a reference that must be released.
func (w *walker) acquires(m *callMeta) bool {
	switch m.proto.Num {
	case 84, 85, 99, helperRingbufReserve, helperKptrXchg: // sk_lookup_tcp, sk_lookup_udp, skc_lookup_tcp
		return true
	case helperMapLookup:
		t := w.mapOf(m.mapReg).Spec().Type
		return t == bytecode.MapSockmap || t == bytecode.MapSockhash
	}
	return false
}

func retFlags(f catalog.RetFlags) domain.TypeFlags {
	var t domain.TypeFlags
	for _, p := range [...]struct {
		ret  catalog.RetFlags
		flag domain.TypeFlags
	}{
		{catalog.RetMaybeNull, domain.MaybeNull}, {catalog.RetRingbuf, domain.MemRingbuf},
		{catalog.RetTrusted, domain.PtrTrusted}, {catalog.RetRdonly, domain.MemRdonly},
	} {
		if f&p.ret != 0 {
			t |= p.flag
		}
	}
	return t
}

// mapValueResult is a pointer to a map's value; the look-up of a constant key
// inside an array cannot fail.
func (w *walker) mapValueResult(r0 *domain.Reg, m *callMeta, flags domain.TypeFlags) {
	s := w.mapOf(m.mapReg).Spec()
	if m.proto.Num == helperMapLookup && m.hasKey && m.constKey < uint64(s.MaxEntries) && s.Flags&bytecode.MapInnerMap == 0 {
		flags &^= domain.MaybeNull
	}
	idx, uid := m.mapReg.MapIdx, m.mapReg.MapUID
	*r0 = domain.Pointer(domain.PtrToMapValue, flags)
	r0.MapIdx, r0.MapUID = idx, uid
	if flags&domain.MaybeNull == 0 && w.hasLock(r0) {
		r0.ID = w.newID()
	}
}

// maxErrno is the largest error number that kernel functions return.
const maxErrno = 4095

// maxCPUs is what a verdict assumes of the machine: CPU numbers lie below.
const maxCPUs = 8192

// refineInteger narrows results that are known to be small.
func (w *walker) refineInteger(r0 *domain.Reg, m *callMeta) {
	switch m.proto.Num {
	case helperGetStack, helperGetTaskStack, helperProbeReadStr, helperProbeKernelStr, helperProbeUserStr:
		hi := int64(m.sizeMax)
		r0.Scalar = r0.Scalar.ClampS(-maxErrno, hi).ClampS32(-maxErrno, int32(hi)).Sync()
	case helperSmpProcessorID:
		r0.Scalar = r0.Scalar.ClampU(0, maxCPUs-1).ClampU32(0, maxCPUs-1).ClampS(0, maxCPUs-1).ClampS32(0, maxCPUs-1).Sync()
	}
}

// checkMapCompat refuses helpers that cannot work on the map's kind.
func (w *walker) checkMapCompat(m *callMeta) error {
	if m.mapReg == nil {
		return nil
	}
	s := w.mapOf(m.mapReg).Spec()
	ok, why := w.target.HelperTakesMap(w.env, s.Type, m.proto.Num)
	if ok {
		return nil
	}
	if why != "" {
		w.note("%s", why)
	}
	return w.refuse(KindCall, errEINVAL, 1, "cannot pass map_type %d into func %s#%d", s.Type, m.proto.Name, m.proto.Num)
}

// forgetPackets makes all packet pointers unknown: the packet may have moved.
func (w *walker) forgetPackets() {
	w.facts.changesPacket()
	w.cur.EachReg(func(r *domain.Reg) {
		if r.IsAnyPacket() || r.Kind == domain.PtrToMem && r.Flags&packetMemory != 0 {
			w.invalidate(r)
		}
	})
}

// invalidate forgets a pointer that must not be used any more.
func (w *walker) invalidate(r *domain.Reg) {
	if w.priv.leaks {
		w.setUnknown(r)
		return
	}
	*r = domain.Reg{}
}
