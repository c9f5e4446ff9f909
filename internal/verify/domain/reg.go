// This file defines what the verifier knows about one register.

package domain

import "github.com/skepbpf/skep/internal/btfx"

// RegKind is the kind of value in a register (the kernel's bpf_reg_type
// without its flags).
type RegKind uint8

// Kinds of values.
const (
	NotInit RegKind = iota
	ScalarValue
	PtrToCtx
	ConstPtrToMap
	PtrToMapValue
	PtrToMapKey
	PtrToStack
	PtrToPacketMeta
	PtrToPacket
	PtrToPacketEnd
	PtrToFlowKeys
	PtrToSocket
	PtrToSockCommon
	PtrToTCPSock
	PtrToTPBuffer
	PtrToXDPSock
	PtrToBTFID
	PtrToMem
	PtrToArena
	PtrToBuf
	PtrToFunc
	ConstPtrToDynptr
)

// TypeFlags qualify a RegKind (the kernel's bpf_type_flag).
type TypeFlags uint32

// Flags of pointers.
const (
	MaybeNull TypeFlags = 1 << iota
	MemRdonly
	MemRingbuf
	MemUser
	MemPercpu
	PtrUntrusted
	MemAlloc
	PtrTrusted
	MemRCU
	NonOwnRef
	DynptrLocal
	DynptrRingbuf
	DynptrSKB
	DynptrXDP
	DynptrSKBMeta
)

// LinkKind says how a scalar relates to the value that its ID stands for.
type LinkKind uint8

// Kinds of links.
const (
	LinkEqual LinkKind = iota
	LinkAdd64          // value plus Off, as a 64-bit sum
	LinkAdd32          // the low halves' sum, zero-extended
	LinkNone           // no relation; never stored in a Reg
)

// Ranges of packet pointers past data_end: the kernel's AT_PKT_END and
// BEYOND_PKT_END, results of comparing with data_end the other way round.
const (
	AtPacketEnd     = -1
	BeyondPacketEnd = -2
)

// Reg is what is known of one register or of one spilled stack slot: a kind,
// and for scalars the value, for pointers the fixed offset (Off) plus a
// variable one (the embedded Scalar). It is a value: copies are independent.
type Reg struct {
	Scalar // value of a scalar; variable part of a pointer's offset

	Kind    RegKind
	Precise bool     // scalars: some check depended on the value
	Link    LinkKind // scalars with an ID: how the value relates to the ID's
	Frame   uint8    // PtrToStack: index of the frame it points into
	Flags   TypeFlags

	Off int32 // fixed offset of a pointer; what a linked scalar adds
	// ID ties values that are equal (scalars), NULL together (pointers that
	// may be NULL), or from one packet (packet pointers). 0 is none.
	ID    uint32
	RefID uint32 // reference that this pointer holds, 0 none

	Range   int32  // packet pointers: bytes proved readable from the pointer's base
	MapIdx  int32  // map pointers, values and keys: index of the map
	MapUID  uint32 // distinguishes inner maps of one outer map
	MemSize uint32 // PtrToMem, PtrToBuf: bytes
	Subprog int32  // PtrToFunc: subprogram number

	BTF   *btfx.Spec // PtrToBTFID, allocated memory, iterators on the stack
	BTFID btfx.ID

	IterState IterState // iterators on the stack
	IterDepth uint32    // how many elements were taken on this path

	Dynptr    DynptrKind // dynptrs on the stack, ConstPtrToDynptr; 0 otherwise
	FirstSlot bool       // dynptrs: the slot with the lower address
	DynptrID  uint32     // PtrToMem: ID of the dynptr that it points into, 0 none

	IRQClass IRQClass // saved interrupt flags on the stack
}

// IRQClass is the family of functions that saved interrupt flags: only the same
// family may restore them.
type IRQClass uint8

// Families of functions.
const (
	IRQNative IRQClass = iota // bpf_local_irq_save
	IRQLock                   // bpf_res_spin_lock_irqsave
)

// DynptrKind is what kind of memory a dynptr is of.
type DynptrKind uint8

// Kinds of dynptrs.
const (
	DynptrNone DynptrKind = iota
	LocalDynptr
	RingbufDynptr
	SKBDynptr
	XDPDynptr
	SKBMetaDynptr
)

// IterState is how far an open-coded iterator has come.
type IterState uint8

// States of iterators.
const (
	IterNone IterState = iota
	IterActive
	IterDrained
)

// ScalarReg returns an imprecise register that holds any of s's values.
func ScalarReg(s Scalar) Reg { return Reg{Kind: ScalarValue, Scalar: s} }

// Pointer returns a pointer without a variable offset.
func Pointer(k RegKind, f TypeFlags) Reg { return Reg{Kind: k, Flags: f, Scalar: Const(0)} }

// IsScalar reports whether r holds a scalar.
func (r *Reg) IsScalar() bool { return r.Kind == ScalarValue }

// IsPointer reports whether r holds anything but a scalar.
func (r *Reg) IsPointer() bool { return r.Kind != ScalarValue && r.Kind != NotInit }

// IsConstScalar reports whether r holds exactly one known value.
func (r *Reg) IsConstScalar() bool { return r.Kind == ScalarValue && r.IsConst() }

// IsNull reports whether r is the known scalar 0.
func (r *Reg) IsNull() bool { return r.IsConstScalar() && r.Value() == 0 }

// MayBeNull reports whether r is a pointer not yet compared with NULL.
func (r *Reg) MayBeNull() bool { return r.Flags&MaybeNull != 0 }

// Is reports whether r has exactly this kind and these flags.
func (r *Reg) Is(k RegKind, f TypeFlags) bool { return r.Kind == k && r.Flags == f }

// IsPacket reports whether r points into the packet or its metadata.
func (r *Reg) IsPacket() bool { return r.Kind == PtrToPacket || r.Kind == PtrToPacketMeta }

// IsAnyPacket adds the end-of-packet pointer to IsPacket.
func (r *Reg) IsAnyPacket() bool { return r.IsPacket() || r.Kind == PtrToPacketEnd }

// SetScalar makes r an imprecise scalar with these values and no identity.
func (r *Reg) SetScalar(s Scalar) { *r = Reg{Kind: ScalarValue, Scalar: s} }

// SetUnknown makes r an unknown scalar; precise says whether its (absent)
// bounds count as used, as they do for programs without CAP_BPF.
func (r *Reg) SetUnknown(precise bool) {
	*r = Reg{Kind: ScalarValue, Scalar: Unknown(), Precise: precise}
}

// ClearLink forgets the identity of a scalar and, with it, its add-constant.
func (r *Reg) ClearLink() {
	r.ID = 0
	if r.Link != LinkEqual {
		r.Link, r.Off = LinkEqual, 0
	}
}

// sameLayout reports whether two pointers agree in everything but offsets'
// variable part and identities.
func (r *Reg) sameLayout(o *Reg) bool {
	return r.Kind == o.Kind && r.Flags == o.Flags && r.Off == o.Off && r.Range == o.Range &&
		r.MapIdx == o.MapIdx && r.MapUID == o.MapUID && r.MemSize == o.MemSize &&
		r.Subprog == o.Subprog && r.BTF == o.BTF && r.BTFID == o.BTFID && r.IterState == o.IterState && r.Link == o.Link &&
		r.Dynptr == o.Dynptr && r.FirstSlot == o.FirstSlot && r.DynptrID == o.DynptrID && r.IRQClass == o.IRQClass
}
