// This file defines the shapes that the tables of this package fill.

// Package catalog says what a program may see, as data per kernel version:
// program types, their contexts, helpers, return ranges, limits. It holds
// facts about Linux and decides nothing: internal/verify reads it and judges.
package catalog

import (
	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
)

// Version is a kernel version, major<<8 | minor: 6.18 is 0x612.
type Version uint16

// V makes a Version.
func V(major, minor uint8) Version { return Version(major)<<8 | Version(minor) }

// Caps is a set of capabilities of whoever loads.
type Caps uint32

// Capabilities that bpf(2) asks for.
const (
	CapBPF Caps = 1 << iota
	CapPerfmon
	CapNetAdmin
	CapSysAdmin
	CapSysBoot

	CapsAll = CapBPF | CapPerfmon | CapNetAdmin | CapSysAdmin | CapSysBoot
)

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

// Grant says whether a program may call a helper, and what is missing if not.
type Grant uint8

// Outcomes of Target.Helper.
const (
	Granted      Grant = iota
	NoSuchHelper       // "invalid func unknown#N"
	NotGranted         // "program of this type cannot use helper NAME#N"
)

// ValueKind is what a context load gives.
type ValueKind uint8

// Kinds of context values.
const (
	ValueScalar ValueKind = iota
	ValuePacket
	ValuePacketMeta
	ValuePacketEnd
	ValueFlowKeys
	ValueSocket     // PTR_TO_SOCKET
	ValueSockCommon // PTR_TO_SOCK_COMMON
	ValueSockCommonOrNull
	ValueSocketOrNull
	ValueBTF // a kernel object: CtxField.BTF names the struct
	ValueBTFOrNull
	ValueMem // read-only buffer, e.g. bpf_sockopt
)

// CtxField is one accessible byte range of a context.
type CtxField struct {
	Name string // UAPI field name; lowering finds its storage by it
	Off  uint16
	Size uint16
	Kind ValueKind
	BTF  string
	// Read and Write say which accesses are allowed; Narrow allows aligned
	// loads of fewer bytes (bpf_ctx_narrow_access_ok); Wide allows an 8-byte
	// aligned load or store over two neighbouring 4-byte fields.
	Read, Write, Narrow, Wide bool
	NarrowWrite               bool
	SignExtend                bool // loads may be sign-extending (never for pointers)
	Privileged                bool // needs CAP_PERFMON / CAP_BPF, as the type's rule says
	// OnlyAttach limits the field to these expected attach types; nil is all.
	OnlyAttach []bytecode.AttachType
	// SeparateSize is true where the access must be exactly Size bytes wide
	// from Off although Narrow is false and the field is longer (arrays of u32).
	Elem uint16 // element size of an array field; an access may not straddle elements. 0 = Size
}

// Ctx describes a program type's context. When Fields is nil and BTFArgs is
// true the context is an array of 8-byte BTF-typed arguments (tracing, LSM,
// struct_ops).
type Ctx struct {
	Name    string // struct name in UAPI: "__sk_buff"
	KernCtx string // struct behind it in the kernel's BTF: "sk_buff"
	Size    uint32
	Fields  []CtxField
	BTFArgs bool
	// RawSize > 0 is a context readable at any aligned offset below it
	// (pt_regs for kprobes, the record of a tracepoint, u64 args of raw_tp).
	RawSize    uint32
	RawAligned bool
	// MaxOff is MAX_CTX_OFF-like cap that the kernel checks first; 0 = none.
}

// ProgType is everything that hangs on a program type.
type ProgType struct {
	Type              bytecode.ProgType
	Name              string // "xdp", "socket_filter", as libbpf and bpftool print it
	Ctx               *Ctx
	Since             Version
	PktRead, PktWrite bool // direct packet access (may_access_direct_pkt_data)
	// DirectPktAttach limits PktWrite by attach type where the kernel does.
}

// Range is an inclusive range of return values, as signed 32- or 64-bit.
type Range struct{ Min, Max int32 }

// Limits of the verifier.
type Limits struct {
	Insns         int // processed instructions: 1,000,000
	UnprivInsns   int // program length when unprivileged: 4096
	MaxInsns      int // program length when privileged
	JumpSequence  int // pending branches: 8192
	Frames        int // 8
	Stack         int // 512
	Subprogs      int // 256
	Maps          int // 64
	Kfuncs        int // 256
	KfuncBTFs     int // 256
	TailCallStack int // 256
	TailCalls     int // 33
}

// Target is a kernel to verify for: a version's tables and its BTF. Values are
// immutable and shared.
type Target struct {
	Name    string // "linux-6.18"
	Version Version
	// BTF is the kernel's (vmlinux) BTF; nil when the target has none loaded,
	// in which case programs that need kernel types are unsupported.
	BTF    *btfx.Spec
	Limits Limits
	// Kconfig are CONFIG_ values, as kconfig externs read them ("y", "m", "1000", `"str"`).
	Kconfig map[string]string
}
