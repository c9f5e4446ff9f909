// This file defines the shape of a prototype: what the call checker knows of a
// helper or kernel function.

package catalog

// FuncID names a helper or kfunc body: the function's name as in the kernel,
// with a variant after a dot where two program types have different
// prototypes under one number ("bpf_skb_load_bytes.flow_dissector").
type FuncID string

// ArgKind is what a helper's parameter takes, in the kernel's terms
// (enum bpf_arg_type without its flags).
type ArgKind uint8

// Kinds of parameters.
const (
	ArgNone ArgKind = iota
	ArgConstMapPtr
	ArgMapKey    // readable memory of the map's key size
	ArgMapValue  // readable (or, with ArgUninit, writable) memory of the map's value size
	ArgMem       // memory; its size is in the next argument or in FixedSize
	ArgConstSize // a size, not 0
	ArgConstSizeOrZero
	ArgConstAllocSize // a known size that the result has
	ArgCtx
	ArgAnything
	ArgSpinLock
	ArgSockCommon
	ArgSocket
	ArgBTFIDSockCommon
	ArgRingbufMem
	ArgBTFID // BTF names the struct
	ArgPercpuBTFID
	ArgFunc
	ArgStack
	ArgConstStr
	ArgTimer
	ArgKptr
	ArgDynptr
	ArgScalar // a scalar; pointers are refused (ArgAnything takes both)
)

// ArgFlags qualify a parameter.
type ArgFlags uint32

// Flags of parameters.
const (
	ArgMaybeNull ArgFlags = 1 << iota
	ArgUninit             // the callee writes the memory; it need not be initialised
	ArgWrite              // the callee writes the memory; it must be initialised
	ArgRdonly             // the callee only reads
	ArgRelease            // OBJ_RELEASE
	ArgFixedSize          // memory of Arg.Size bytes
	ArgAligned            // MEM_ALIGNED: fixed-size memory must be aligned to its size
	ArgDynptrLocal
	ArgDynptrRingbuf
	ArgDynptrSKB
	ArgDynptrXDP
)

// Arg is one parameter.
type Arg struct {
	Kind  ArgKind
	Flags ArgFlags
	Size  uint32 // with ArgFixedSize, bytes
	BTF   string // ArgBTFID: the struct's name in the target's BTF
}

// RetKind is what a helper returns (enum bpf_return_type without its flags).
type RetKind uint8

// Kinds of results.
const (
	RetInteger RetKind = iota
	RetVoid
	RetMapValue
	RetSocket
	RetTCPSock
	RetSockCommon
	RetMem // memory of the size that an ArgConstAllocSize parameter gave
	RetMemOrBTFID
	RetBTFID
)

// RetFlags qualify a result.
type RetFlags uint32

// Flags of results.
const (
	RetMaybeNull RetFlags = 1 << iota
	RetRingbuf            // MEM_RINGBUF
	RetTrusted
	RetRdonly
)

// Ret is a result.
type Ret struct {
	Kind  RetKind
	Flags RetFlags
	BTF   string // RetBTFID: the struct's name
}

// Proto is the prototype of a helper: what the call checker needs to know.
type Proto struct {
	ID   FuncID
	Num  int32  // helper number, or -1 for kfuncs
	Name string // "bpf_map_lookup_elem", as messages print it
	Args [5]Arg
	Ret  Ret

	GPLOnly    bool
	MightSleep bool
	PktAccess  bool // may be given packet memory
	ChangesPkt bool // packet pointers are invalid after it
	Fastcall   bool // clobbers only R0 where inlined (allow_fastcall)

	Since Version // first kernel that has it
	// VerifyOnly is why no body exists in user space, "" when one does.
	VerifyOnly string
}
