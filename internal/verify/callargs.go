// This file defines the checks of a call's arguments.

package verify

import (
	"slices"
	"strings"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// regType is a kind with its flags, as argument tables list them.
type regType struct {
	kind  domain.RegKind
	flags domain.TypeFlags
}

var (
	memTypes = []regType{
		{domain.PtrToStack, 0}, {domain.PtrToPacket, 0}, {domain.PtrToPacketMeta, 0},
		{domain.PtrToMapKey, 0}, {domain.PtrToMapValue, 0},
		{domain.PtrToMem, 0}, {domain.PtrToMem, domain.MemRingbuf}, {domain.PtrToBuf, 0},
		{domain.PtrToBTFID, domain.PtrTrusted},
	}
	sockTypes = []regType{
		{domain.PtrToSockCommon, 0}, {domain.PtrToSocket, 0}, {domain.PtrToTCPSock, 0}, {domain.PtrToXDPSock, 0},
	}
	scalarTypes = []regType{{domain.ScalarValue, 0}}
)

// argTypes says, by kind of parameter, what a register may hold. The order is
// the one that messages list them in.
var argTypes = map[catalog.ArgKind][]regType{
	catalog.ArgMapKey:          memTypes,
	catalog.ArgMapValue:        memTypes,
	catalog.ArgConstSize:       scalarTypes,
	catalog.ArgConstSizeOrZero: scalarTypes,
	catalog.ArgConstAllocSize:  scalarTypes,
	catalog.ArgScalar:          scalarTypes,
	catalog.ArgConstMapPtr:     {{domain.ConstPtrToMap, 0}},
	catalog.ArgCtx:             {{domain.PtrToCtx, 0}},
	catalog.ArgSockCommon:      sockTypes,
	catalog.ArgBTFIDSockCommon: append(sockTypes[:len(sockTypes):len(sockTypes)], regType{domain.PtrToBTFID, 0}, regType{domain.PtrToBTFID, domain.PtrTrusted}),
	catalog.ArgSocket:          {{domain.PtrToSocket, 0}},
	catalog.ArgBTFID:           {{domain.PtrToBTFID, 0}, {domain.PtrToBTFID, domain.PtrTrusted}, {domain.PtrToBTFID, domain.MemRCU}},
	catalog.ArgPercpuBTFID: {{domain.PtrToBTFID, domain.MemPercpu}, {domain.PtrToBTFID, domain.MemPercpu | domain.MemRCU},
		{domain.PtrToBTFID, domain.MemPercpu | domain.PtrTrusted}},
	catalog.ArgMem:        memTypes,
	catalog.ArgRingbufMem: {{domain.PtrToMem, domain.MemRingbuf}},
	catalog.ArgSpinLock:   {{domain.PtrToMapValue, 0}, {domain.PtrToBTFID, domain.MemAlloc}},
	catalog.ArgFunc:       {{domain.PtrToFunc, 0}},
	catalog.ArgStack:      {{domain.PtrToStack, 0}},
	catalog.ArgConstStr:   {{domain.PtrToMapValue, 0}},
	catalog.ArgTimer:      {{domain.PtrToMapValue, 0}},
	catalog.ArgKptr:       {{domain.PtrToMapValue, 0}, {domain.PtrToBTFID, domain.MemAlloc}},
	catalog.ArgDynptr:     {{domain.PtrToStack, 0}, {domain.ConstPtrToDynptr, 0}},
}

// checkArg checks one argument of a call.
func (w *walker) checkArg(i int, m *callMeta) error {
	arg := m.proto.Args[i]
	r := uint8(bytecode.R1 + i)
	if arg.Kind == catalog.ArgNone {
		return nil
	}
	if err := w.readReg(r); err != nil {
		return err
	}
	reg := &w.regs()[r]
	if arg.Kind == catalog.ArgAnything {
		if w.leaksPointer(reg) {
			return w.deny(KindLeak, int(r), "R%d leaks addr into helper function", r)
		}
		return nil
	}
	if reg.IsPacket() && !w.helperMayRead(m.proto) {
		return w.deny(KindAccess, int(r), "helper access to the packet is not allowed")
	}
	if arg.Kind == catalog.ArgMapValue && m.mapReg != nil {
		switch w.mapOf(m.mapReg).Spec().Type {
		case bytecode.MapSockmap, bytecode.MapSockhash:
			arg.Kind = catalog.ArgBTFIDSockCommon // the value is a socket
		}
	}
	if reg.IsNull() && arg.Flags&catalog.ArgMaybeNull != 0 {
		// Only NULL is allowed, not any number that a path could bring here.
		if err := w.markPrecise(r); err != nil {
			return err
		}
	} else {
		if err := w.checkArgType(r, arg, m); err != nil {
			return err
		}
		if err := w.checkArgOffset(r, arg); err != nil {
			return err
		}
	}
	if err := w.noteReference(r, arg, m); err != nil {
		return err
	}
	return w.checkArgValue(i, r, arg, m)
}

// checkArgType compares a register with what the parameter may be.
func (w *walker) checkArgType(r uint8, arg catalog.Arg, m *callMeta) error {
	reg := &w.regs()[r]
	flags := reg.Flags
	if arg.Flags&catalog.ArgRdonly != 0 {
		flags &^= domain.MemRdonly
	}
	if arg.Flags&catalog.ArgMaybeNull != 0 {
		flags &^= domain.MaybeNull
	}
	if arg.Kind == catalog.ArgMem {
		flags &^= dynptrMemory
	}
	if m.kptr != nil && flags&domain.MemAlloc != 0 {
		flags &^= domain.MemAlloc | domain.MemPercpu // the program's own objects may be exchanged too
	}
	types := argTypes[arg.Kind]
	for _, t := range types {
		if t.kind == reg.Kind && t.flags == flags {
			return w.checkObjectArg(r, arg, m)
		}
	}
	return w.deny(nullOrAccess(reg), int(r), "R%d type=%s expected=%s", r, kindName(reg), regTypeNames(types))
}

func regTypeNames(types []regType) string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = string(appendKind(nil, t.kind, t.flags))
	}
	return strings.Join(names, ", ")
}

// checkArgOffset refuses pointers that moved where the callee takes the start
// of an object.
func (w *walker) checkArgOffset(r uint8, arg catalog.Arg) error {
	reg := &w.regs()[r]
	if arg.Kind == catalog.ArgDynptr && reg.Kind == domain.PtrToStack {
		return nil
	}
	if arg.Flags&catalog.ArgRelease != 0 && reg.Off != 0 {
		return w.refuse(KindReference, errEINVAL, int(r), "R%d must have zero offset when passed to release func or trusted arg to kfunc", r)
	}
	switch {
	case reg.Kind == domain.NotInit:
		return w.deny(KindUninit, int(r), "variable ? access var_off=%s disallowed", domain.Unknown().Var)
	case reg.Kind == domain.ScalarValue || slices.Contains(anyOffset[reg.Kind], reg.Flags):
		return nil
	case reg.Kind == domain.PtrToBTFID:
		return w.checkPlainOffset(reg, r, slices.Contains(knownOffset, reg.Flags))
	}
	return w.checkPlainOffset(reg, r, false)
}

// anyOffset are the pointers that a callee takes at any offset.
var anyOffset = map[domain.RegKind][]domain.TypeFlags{
	domain.PtrToStack: {0}, domain.PtrToPacket: {0}, domain.PtrToPacketMeta: {0}, domain.PtrToMapKey: {0}, domain.PtrToMapValue: {0},
	domain.PtrToMem: {0, domain.MemRdonly, domain.MemRingbuf}, domain.PtrToBuf: {0, domain.MemRdonly}, domain.PtrToArena: {0},
}

// knownOffset are the pointers to objects that it takes at a known offset.
var knownOffset = []domain.TypeFlags{
	0, domain.MemAlloc, domain.PtrTrusted, domain.MemRCU, domain.MemAlloc | domain.NonOwnRef, domain.MemAlloc | domain.NonOwnRef | domain.MemRCU,
}

// noteReference remembers the reference that an argument holds or gives up.
func (w *walker) noteReference(r uint8, arg catalog.Arg, m *callMeta) error {
	reg := &w.regs()[r]
	switch {
	case arg.Flags&catalog.ArgRelease == 0:
	case arg.Kind == catalog.ArgDynptr:
		if err := w.checkDynptrRelease(r); err != nil {
			return err
		}
		m.releaseReg = int(r)
	default:
		if reg.RefID == 0 && !reg.IsNull() {
			return w.refuse(KindReference, errEINVAL, int(r), "R%d must be referenced when passed to release function", r)
		}
		m.releaseReg = int(r)
	}
	if reg.RefID == 0 || arg.Kind == catalog.ArgKptr || reg.Flags&domain.DynptrRingbuf != 0 {
		return nil
	}
	if m.refID != 0 {
		return w.deny(KindReference, int(r), "more than one arg with ref_obj_id R%d %d %d", r, reg.RefID, m.refID)
	}
	m.refID = reg.RefID
	return nil
}

// checkArgValue checks what an argument points to, or its value.
func (w *walker) checkArgValue(i int, r uint8, arg catalog.Arg, m *callMeta) error {
	reg := &w.regs()[r]
	write := arg.Flags&(catalog.ArgWrite|catalog.ArgUninit) != 0
	switch arg.Kind {
	case catalog.ArgConstMapPtr:
		if err := w.checkFieldMap(reg, m); err != nil {
			return err
		}
		m.mapCopy = *reg
		m.mapReg = &m.mapCopy
	case catalog.ArgMapKey:
		return w.checkKeyArg(r, m)
	case catalog.ArgMapValue:
		if arg.Flags&catalog.ArgMaybeNull != 0 && reg.IsNull() {
			return nil
		}
		if m.mapReg == nil {
			return w.deny(KindCall, int(r), "invalid map_ptr to access map->value")
		}
		m.rawMode = arg.Flags&catalog.ArgUninit != 0
		return w.checkHelperMem(r, int(w.mapOf(m.mapReg).Spec().ValueSize), write, false, m)
	case catalog.ArgMem:
		return w.checkMemArg(r, arg, write, m)
	case catalog.ArgConstSize, catalog.ArgConstSizeOrZero:
		prev := m.proto.Args[i-1].Flags
		return w.checkSizeArg(r, prev&(catalog.ArgWrite|catalog.ArgUninit) != 0, arg.Kind == catalog.ArgConstSizeOrZero, m)
	case catalog.ArgConstAllocSize:
		if !reg.IsConst() {
			return w.deny(KindCall, int(r), "R%d is not a known constant'", r)
		}
		m.memSize = uint32(reg.Value())
		return w.markPrecise(r)
	case catalog.ArgSpinLock:
		return w.checkLockArg(r, m)
	case catalog.ArgFunc:
		m.callback = reg.Subprog
	case catalog.ArgConstStr:
		return w.checkConstStr(r)
	case catalog.ArgCtx, catalog.ArgScalar, catalog.ArgRingbufMem, catalog.ArgStack,
		catalog.ArgSocket, catalog.ArgSockCommon, catalog.ArgBTFIDSockCommon, catalog.ArgBTFID:
		return nil
	case catalog.ArgPercpuBTFID:
		return w.checkPercpuArg(r, m)
	case catalog.ArgDynptr:
		return w.checkDynptrArg(r, arg, m)
	case catalog.ArgKptr:
		return w.checkKptrArg(r, arg, m)
	case catalog.ArgTimer:
		return w.checkTimerArg(r, arg, m)
	default:
		return w.unsupported("arguments of %s", m.proto.Name)
	}
	return nil
}

// checkKeyArg checks the key of a look-up, and whether it is a known constant.
func (w *walker) checkKeyArg(r uint8, m *callMeta) error {
	if m.mapReg == nil {
		return w.deny(KindCall, int(r), "invalid map_ptr to access map->key")
	}
	s := w.mapOf(m.mapReg).Spec()
	if err := w.checkHelperMem(r, int(s.KeySize), false, false, nil); err != nil {
		return err
	}
	if s.Type != bytecode.MapArray && s.Type != bytecode.MapPerCPUArray {
		return nil
	}
	return w.constantKey(&w.regs()[r], int(s.KeySize), m)
}

// constantKey finds out whether the stack holds a known key.
func (w *walker) constantKey(key *domain.Reg, size int, m *callMeta) error {
	if key.Kind != domain.PtrToStack || !key.IsConst() {
		return nil
	}
	f := w.stackOf(key)
	spi, at := slotOf(int(key.Off) + int(int64(key.Value())))
	s := f.Slot(spi)
	if s == nil {
		return nil
	}
	run := func(kind domain.SlotByte) int {
		n := 0
		for i := at; i >= 0 && s.Bytes[i] == kind; i-- {
			n++
		}
		return n
	}
	if run(domain.ByteZero) >= size {
		m.constKey, m.hasKey = 0, true
		return nil
	}
	if !s.IsScalarSpill() || run(domain.ByteSpill) != size || !s.Reg.IsConst() {
		return nil
	}
	if size < 8 && s.Reg.Value()>>(8*size) != 0 {
		return nil // only part of what was spilled
	}
	m.constKey, m.hasKey = s.Reg.Value(), true
	return w.backtrack(w.cur, func(b *backtracker) { b.slots[f.No] |= 1 << spi })
}

func (w *walker) checkMemArg(r uint8, arg catalog.Arg, write bool, m *callMeta) error {
	m.rawMode = arg.Flags&catalog.ArgUninit != 0
	if arg.Flags&catalog.ArgFixedSize == 0 {
		return nil // checked with the size that follows
	}
	if err := w.checkHelperMem(r, int(arg.Size), write, false, m); err != nil {
		return err
	}
	if arg.Flags&catalog.ArgAligned != 0 {
		return w.checkAlignment(&w.regs()[r], memNeed{reg: r, size: int(arg.Size), aligned: true})
	}
	return nil
}

// checkSizeArg checks a size and the memory in the argument before it.
func (w *walker) checkSizeArg(r uint8, write, zeroOK bool, m *callMeta) error {
	reg := &w.regs()[r]
	m.sizeMax = reg.UMax
	mem := m
	if !reg.IsConst() {
		mem = nil // the helper may fill less: all of it must be initialised
	}
	if reg.SMin < 0 {
		return w.deny(KindBounds, int(r), "R%d min value is negative, either use unsigned or 'var &= const'", r)
	}
	if reg.UMin == 0 && !zeroOK {
		return w.deny(KindBounds, int(r), "R%d invalid zero-sized read: u64=[%d,%d]", r, int64(reg.UMin), int64(reg.UMax))
	}
	if reg.UMax >= maxVarOff {
		return w.deny(KindBounds, int(r), "R%d unbounded memory access, use 'var &= const' or 'if (var < const)'", r)
	}
	if err := w.checkHelperMem(r-1, int(reg.UMax), write, zeroOK, mem); err != nil {
		return err
	}
	return w.markPrecise(r)
}

// checkHelperMem decides whether a helper may access size bytes at a register.
// m is nil where uninitialised memory is not allowed.
func (w *walker) checkHelperMem(r uint8, size int, write, zeroOK bool, m *callMeta) error {
	reg := &w.regs()[r]
	cannotWrite := func() error {
		return w.deny(KindAccess, int(r), "R%d cannot write into %s", r, kindName(reg))
	}
	rdonly := reg.Flags&domain.MemRdonly != 0
	switch reg.Kind {
	case domain.PtrToPacket, domain.PtrToPacketMeta:
		return w.checkPacket(r, reg.Off, size, zeroOK)
	case domain.PtrToMapKey:
		if write {
			return cannotWrite()
		}
		return w.checkRegion(r, reg.Off, size, w.mapOf(reg).Spec().KeySize, false)
	case domain.PtrToMapValue:
		if err := w.checkMapRights(r, reg.Off, size, write); err != nil {
			return err
		}
		return w.checkMapAccess(r, reg.Off, size, zeroOK, !write, accessHelper)
	case domain.PtrToMem:
		if rdonly && write {
			return cannotWrite()
		}
		return w.checkRegion(r, reg.Off, size, reg.MemSize, zeroOK)
	case domain.PtrToBuf:
		if rdonly && write {
			return cannotWrite()
		}
		_, err := w.accessBuf(memNeed{reg: r, off: reg.Off, size: size, write: write, value: -1})
		return err
	case domain.PtrToStack:
		use := stackUse{src: accessHelper, write: write, zeroOK: zeroOK}
		if m != nil && m.rawMode {
			use.raw = &m.raw
		}
		return w.stackReadable(r, int(reg.Off), size, use)
	case domain.PtrToCtx:
		return w.checkHelperCtx(r, size, write, zeroOK)
	case domain.PtrToBTFID:
		_, err := w.accessBTF(memNeed{reg: r, off: reg.Off, size: size, value: -1})
		return err
	}
	return w.notMemory(r, size, zeroOK)
}

// notMemory refuses what is no pointer to memory, except NULL of no size.
func (w *walker) notMemory(r uint8, size int, zeroOK bool) error {
	reg := &w.regs()[r]
	if zeroOK && size == 0 && reg.IsNull() {
		return w.markPrecise(r)
	}
	return w.deny(nullOrAccess(reg), int(r), "R%d type=%s expected=fp", r, kindName(reg))
}

// checkHelperCtx allows a context as memory only where its layout is real,
// not a view that loads are converted for.
func (w *walker) checkHelperCtx(r uint8, size int, write, zeroOK bool) error {
	if w.ctxIsView() {
		return w.notMemory(r, size, zeroOK)
	}
	if size == 0 {
		if zeroOK {
			return nil
		}
		return w.deny(KindBounds, int(r), "R%d invalid zero-sized read", r)
	}
	_, err := w.access(memNeed{reg: r, off: int32(size - 1), size: 1, write: write, value: -1})
	return err
}

// checkConstStr requires a NUL-terminated string in a read-only map.
func (w *walker) checkConstStr(r uint8) error {
	reg := &w.regs()[r]
	m := w.mapOf(reg)
	s := m.Spec()
	if !m.Frozen() || s.Flags&bytecode.MapRdonlyProg == 0 {
		return w.deny(KindCall, int(r), "R%d does not point to a readonly map'", r)
	}
	if !reg.IsConst() {
		return w.deny(KindCall, int(r), "R%d is not a constant address'", r)
	}
	if s.Type != bytecode.MapArray || s.MaxEntries != 1 {
		return w.deny(KindCall, int(r), "no direct value access support for this map type")
	}
	off := int(reg.Off) + int(int64(reg.Value()))
	if err := w.checkMapAccess(r, reg.Off, int(s.ValueSize)-off, false, true, accessHelper); err != nil {
		return err
	}
	if _, ok := constString(m, uint32(off)); !ok {
		return w.fail("string is not zero-terminated")
	}
	return nil
}

// constString reads a NUL-terminated string at off in a read-only map.
func constString(m MapView, off uint32) (string, bool) {
	var b []byte
	for ; off < m.Spec().ValueSize; off++ {
		var c [1]byte
		if !m.ReadConst(off, c[:]) {
			return "", false
		}
		if c[0] == 0 {
			return string(b), true
		}
		b = append(b, c[0])
	}
	return "", false
}
