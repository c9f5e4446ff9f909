// This file defines a linked program and the descriptions of its maps.

package bytecode

import "github.com/skepbpf/skep/internal/btfx"

// ProgType is a program type, with bpf(2)'s numbers.
type ProgType uint32

// Program types of Linux 6.18.
const (
	ProgUnspec ProgType = iota
	ProgSocketFilter
	ProgKprobe
	ProgSchedCLS
	ProgSchedACT
	ProgTracepoint
	ProgXDP
	ProgPerfEvent
	ProgCgroupSKB
	ProgCgroupSock
	ProgLWTIn
	ProgLWTOut
	ProgLWTXmit
	ProgSockOps
	ProgSKSKB
	ProgCgroupDevice
	ProgSKMsg
	ProgRawTracepoint
	ProgCgroupSockAddr
	ProgLWTSeg6local
	ProgLircMode2
	ProgSKReuseport
	ProgFlowDissector
	ProgCgroupSysctl
	ProgRawTracepointWritable
	ProgCgroupSockopt
	ProgTracing
	ProgStructOps
	ProgExt
	ProgLSM
	ProgSKLookup
	ProgSyscall
	ProgNetfilter

	// ProgMemory is Skep's own type "skep/memory": R1 points to readable and
	// writable memory of known size, R2 is its length. No kernel has it.
	ProgMemory ProgType = 0xffff
)

// AttachType is an expected attach type, with bpf(2)'s numbers.
type AttachType uint32

// Program flags of BPF_PROG_LOAD.
const (
	FlagStrictAlignment   = 1 << 0
	FlagAnyAlignment      = 1 << 1
	FlagTestRndHi32       = 1 << 2
	FlagTestStateFreq     = 1 << 3
	FlagSleepable         = 1 << 4
	FlagXDPHasFrags       = 1 << 5
	FlagXDPDevBoundOnly   = 1 << 6
	FlagTestRegInvariants = 1 << 7
	FlagTokenFD           = 1 << 16
)

// FuncInfo ties a function's first instruction to its BTF type.
type FuncInfo struct {
	Insn   uint32
	TypeID btfx.ID
}

// LineInfo ties an instruction to a source line. File and Line are taken from
// BTF string offsets and the packed line/column word when the program is made.
type LineInfo struct {
	Insn    uint32
	File    string
	Text    string // the source line, trimmed as the compiler recorded it
	Line    uint32
	Column  uint32
	FileOff uint32 // raw string offsets, for bpf(2) and for BTF checks
	TextOff uint32
}

// Program is what BPF_PROG_LOAD takes: everything is resolved, nothing is
// rewritten. It is immutable once made.
type Program struct {
	Name           string
	Section        string // ELF section or "", for people only
	Type           ProgType
	ExpectedAttach AttachType
	Flags          uint32
	License        string
	KernVersion    uint32

	// AttachTo names what a tracing, LSM, freplace or struct_ops program is
	// for, as written in the section ("task_newtask", "bpf_prog_ops.init").
	// AttachBTFID is its id in the target's BTF, 0 when it has none.
	AttachTo    string
	AttachBTFID btfx.ID
	// AttachProg is set for freplace and for tracing of another program.
	AttachProg *Program

	Insns []Insn
	Maps  []*MapSpec // indexed by the Imm of PseudoMapIdx loads

	BTF       *btfx.Spec // the object's own BTF, nil when it has none
	FuncInfos []FuncInfo
	LineInfos []LineInfo
}

// MapType is a map kind, with bpf(2)'s numbers.
type MapType uint32

// Map kinds of Linux 6.18.
const (
	MapUnspec MapType = iota
	MapHash
	MapArray
	MapProgArray
	MapPerfEventArray
	MapPerCPUHash
	MapPerCPUArray
	MapStackTrace
	MapCgroupArray
	MapLRUHash
	MapLRUPerCPUHash
	MapLPMTrie
	MapArrayOfMaps
	MapHashOfMaps
	MapDevmap
	MapSockmap
	MapCPUMap
	MapXSKMap
	MapSockhash
	MapCgroupStorage
	MapReuseportSockarray
	MapPerCPUCgroupStorage
	MapQueue
	MapStack
	MapSKStorage
	MapDevmapHash
	MapStructOps
	MapRingbuf
	MapInodeStorage
	MapTaskStorage
	MapBloomFilter
	MapUserRingbuf
	MapCgrpStorage
	MapArena
)

// Map creation flags.
const (
	MapNoPrealloc    = 1 << 0
	MapNoCommonLRU   = 1 << 1
	MapNumaNode      = 1 << 2
	MapRdonly        = 1 << 3
	MapWronly        = 1 << 4
	MapStackBuildID  = 1 << 5
	MapZeroSeed      = 1 << 6
	MapRdonlyProg    = 1 << 7
	MapWronlyProg    = 1 << 8
	MapClone         = 1 << 9
	MapMmapable      = 1 << 10
	MapPreserveElems = 1 << 11
	MapInnerMap      = 1 << 12
	MapLink          = 1 << 13
	MapPathFD        = 1 << 14
	MapVtypoBTFObjFD = 1 << 15
	MapTokenFD       = 1 << 16
	MapSegvOnFault   = 1 << 17
	MapNoUserConv    = 1 << 18
)

// MapSpec describes a map: what BPF_MAP_CREATE takes, and its first contents.
type MapSpec struct {
	Name       string
	Type       MapType
	KeySize    uint32 // bytes
	ValueSize  uint32 // bytes
	MaxEntries uint32 // entries; bytes for ring buffers, pages for arenas
	Flags      uint32
	Extra      uint64
	NumaNode   uint32
	IfIndex    uint32

	BTF         *btfx.Spec // where KeyTypeID and ValueTypeID live; nil without BTF
	KeyTypeID   btfx.ID
	ValueTypeID btfx.ID
	// StructOpsType names the struct of a MapStructOps (ValueTypeID's inner type).
	StructOpsType string

	Inner *MapSpec // template of array_of_maps and hash_of_maps

	// Section is the data section that the map was made of (".rodata",
	// ".bss.foo"), "" for declared maps. Contents is its first (and, with
	// Frozen, only) value.
	Section  string
	Contents []byte
	Frozen   bool

	// PinByName asks for LIBBPF_PIN_BY_NAME.
	PinByName bool

	// Slots are the first contents of a prog array or map of maps, by key.
	Slots []MapSlot
}

// MapSlot puts a map or a program of the same object into a map at loading.
type MapSlot struct {
	Key     uint32
	Map     *MapSpec // for maps of maps
	Program string   // for prog arrays and struct_ops: the program's name
	Offset  uint32   // for struct_ops: byte offset of the member
}
