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
)

// Reg is what is known of one register or of one spilled stack slot: a kind,
// and for scalars the value, for pointers the fixed offset (Off) plus a
// variable one (the embedded Scalar). It is a value: copies are independent.
type Reg struct {
	Scalar // value of a scalar; variable part of a pointer's offset

	Kind    RegKind
	Precise bool // scalars: some check depended on the value
	// LinkAdd marks a scalar as "its ID's value plus Off" (add-constant link).
	LinkAdd bool
	Frame   uint8 // PtrToStack: index of the frame it points into
	Flags   TypeFlags

	Off int32 // fixed offset of a pointer; Off of a LinkAdd scalar
	// ID ties values that are equal (scalars), NULL together (pointers that
	// may be NULL), or from one packet (packet pointers). 0 is none.
	ID    uint32
	RefID uint32 // reference that this pointer holds, 0 none

	Range   int32  // packet pointers: bytes proved readable from the pointer's base
	MapIdx  int32  // map pointers, values and keys: index of the map; -1 none
	MapUID  uint32 // distinguishes inner maps of one outer map
	MemSize uint32 // PtrToMem, PtrToBuf: bytes
	Subprog int32  // PtrToFunc: subprogram number

	BTF   *btfx.Spec // PtrToBTFID, allocated memory
	BTFID btfx.ID
}
