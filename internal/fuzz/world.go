// This file defines what generated programs live in: program types with the
// context fields that they use, maps, and helpers.

package fuzz

import (
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
)

// family is a set of program types, as bits of profile.family.
type family uint8

const (
	socket family = 1 << iota
	tc
	cgroup
	xdp
	trace
	syscalls

	skbs    = socket | tc | cgroup
	packets = skbs | xdp
	all     = packets | trace | syscalls
)

// field is a field of a context.
type field struct {
	off, size int
	write     bool
	same      bool // the kernel's test run and Skep's give it the same value
}

// profile is a program type and what its programs do.
type profile struct {
	name     string
	family   family
	typ      bytecode.ProgType
	weight   int
	fields   []field
	data     [2]int // offsets of data and data_end; none when equal
	ret      int32  // mask of the return value, 0 for any
	testRun  bool   // the kernel has BPF_PROG_TEST_RUN for it
	legacy   bool   // LD_ABS and LD_IND are allowed
	context  int    // bytes of a context that is given as such, 0 for packets
	offset   int    // of the first byte of the packet that the program sees
	readOnly bool   // the packet
	attach   bytecode.AttachType
	attachTo string
	flags    uint32 // of loading
	object   string // the struct that the first word of the context points to
}

// skbFields are those that every program which sees a socket buffer reads.
var skbFields = []field{
	{0, 4, false, true},                                                                                     // len
	{4, 4, false, false},                                                                                    // pkt_type
	{12, 4, false, false},                                                                                   // queue_mapping
	{16, 4, false, true},                                                                                    // protocol
	{32, 4, false, true},                                                                                    // priority
	{48, 4, true, true}, {52, 4, true, true}, {56, 4, true, true}, {60, 4, true, true}, {64, 4, true, true}, // cb
	{68, 4, false, false},                                                                 // hash
	{0, 2, false, true}, {17, 1, false, true}, {48, 1, false, true}, {50, 2, false, true}, // narrow
	{48, 8, true, true}, // two words of cb
}

var profiles = []*profile{
	{
		name: "socket filter", family: socket, typ: bytecode.ProgSocketFilter, weight: 3,
		fields: skbFields, testRun: true, legacy: true, offset: etherLen,
	},
	{
		name: "sched_cls", family: tc, typ: bytecode.ProgSchedCLS, weight: 4,
		fields: append([]field{{8, 4, true, true}, {32, 4, true, true}}, skbFields...), data: [2]int{76, 80}, testRun: true, legacy: true,
	},
	{
		name: "cgroup_skb", family: cgroup, typ: bytecode.ProgCgroupSKB, weight: 2,
		fields: append([]field{{8, 4, true, true}}, skbFields...), data: [2]int{76, 80}, ret: 1, testRun: true, offset: etherLen, readOnly: true,
	},
	{
		name: "xdp", family: xdp, typ: bytecode.ProgXDP, weight: 4,
		fields: []field{{12, 4, false, true}, {16, 4, false, false}}, data: [2]int{0, 4}, testRun: true,
	},
	{
		name: "raw_tracepoint", family: trace, typ: bytecode.ProgRawTracepoint, weight: 2,
		fields: []field{{0, 8, false, true}, {8, 8, false, true}, {40, 8, false, true}, {88, 8, false, true}}, testRun: true, context: 96,
	},
	{
		name: "tracepoint", family: trace, typ: bytecode.ProgTracepoint, weight: 1,
		fields: []field{{0, 8, false, true}, {8, 4, false, true}, {14, 2, false, true}, {33, 1, false, true}, {256, 8, false, true}}, context: 512,
	},
}

// typedProfiles are those that only programs with the kernel's types use.
var typedProfiles = []*profile{
	{
		name: "tp_btf", family: trace, typ: bytecode.ProgTracing, weight: 6, attach: catalog.AttachTraceRawTP, attachTo: "task_newtask",
		fields: []field{{8, 8, false, true}}, context: 16, object: "task_struct",
	},
	{
		name: "syscall", family: syscalls, typ: bytecode.ProgSyscall, weight: 4, flags: bytecode.FlagSleepable,
		fields: []field{{0, 8, true, true}, {8, 4, true, true}, {20, 2, true, true}}, context: 64,
	},
}

// etherLen is the length of an Ethernet header.
const etherLen = 14

// dataMaps are the maps that programs look things up in.
func dataMaps() []*bytecode.MapSpec {
	return []*bytecode.MapSpec{
		{Name: "array_48", Type: bytecode.MapArray, KeySize: 4, ValueSize: 48, MaxEntries: 4},
		{Name: "array_one", Type: bytecode.MapArray, KeySize: 4, ValueSize: 64, MaxEntries: 1},
		{Name: "hash_16", Type: bytecode.MapHash, KeySize: 8, ValueSize: 16, MaxEntries: 4},
		{Name: "hash_256", Type: bytecode.MapHash, KeySize: 4, ValueSize: 256, MaxEntries: 2},
		{Name: "percpu_24", Type: bytecode.MapPerCPUArray, KeySize: 4, ValueSize: 24, MaxEntries: 2},
		{Name: "percpu_hash", Type: bytecode.MapPerCPUHash, KeySize: 4, ValueSize: 8, MaxEntries: 2},
		{Name: "lru", Type: bytecode.MapLRUHash, KeySize: 4, ValueSize: 32, MaxEntries: 8},
		{
			Name: "consts", Type: bytecode.MapArray, KeySize: 4, ValueSize: 32, MaxEntries: 1, Flags: bytecode.MapRdonlyProg, Frozen: true,
			Contents: []byte{1, 0, 0, 0, 7, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x10, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0x80},
		},
	}
}

// isReadOnly reports whether programs may not write a map's values.
func isReadOnly(m *bytecode.MapSpec) bool { return m.Flags&bytecode.MapRdonlyProg != 0 }

// hasDirectValue reports whether a load may name a byte of the map's value.
func hasDirectValue(m *bytecode.MapSpec) bool {
	return m.Type == bytecode.MapArray && m.MaxEntries == 1
}

// arg is what a helper's argument must be.
type arg uint8

const (
	argContext arg = iota
	argMap         // any data map; it decides key and value
	argKey
	argValue
	argBuffer // memory that is written; argSize follows
	argBytes  // memory that is read; argSize follows
	argSize
	argSmall  // a number
	argNumber // any number
	argZero
)

// result is what a helper returns.
type result uint8

const (
	gives       result = iota // a number
	givesErrno                // 0 or a small negative number
	givesValue                // a map value or NULL
	givesRandom               // a number that no two runs agree about
)

// hostFunc is a function that generated programs call.
type hostFunc struct {
	num     int32
	name    string
	family  family
	args    []arg
	result  result
	size    int  // largest size to ask for
	changes bool // invalidates packet pointers
	weight  int
}

var hostFuncs = []hostFunc{
	{num: 1, name: "map_lookup_elem", family: all, args: []arg{argMap, argKey}, result: givesValue, weight: 8},
	{num: 2, name: "map_update_elem", family: all, args: []arg{argMap, argKey, argValue, argZero}, result: givesErrno, weight: 2},
	{num: 3, name: "map_delete_elem", family: all, args: []arg{argMap, argKey}, result: givesErrno, weight: 1},
	{num: 5, name: "ktime_get_ns", family: all, result: givesRandom, weight: 1},
	{num: 7, name: "get_prandom_u32", family: all, result: givesRandom, weight: 1},
	{num: 26, name: "skb_load_bytes", family: skbs, args: []arg{argContext, argSmall, argBuffer, argSize}, size: 64, result: givesErrno, weight: 3},
	{num: 9, name: "skb_store_bytes", family: tc, args: []arg{argContext, argSmall, argBytes, argSize, argZero}, size: 32, result: givesErrno, changes: true, weight: 2},
	{num: 28, name: "csum_diff", family: tc | xdp, args: []arg{argBytes, argSize, argBytes, argSize, argNumber}, size: 64, result: gives, weight: 1},
	{num: 39, name: "skb_pull_data", family: tc, args: []arg{argContext, argZero}, result: givesErrno, changes: true, weight: 1},
	{num: 44, name: "xdp_adjust_head", family: xdp, args: []arg{argContext, argSmall}, result: givesErrno, changes: true, weight: 1},
	{num: 65, name: "xdp_adjust_tail", family: xdp, args: []arg{argContext, argSmall}, result: givesErrno, changes: true, weight: 1},
	{num: 189, name: "xdp_load_bytes", family: xdp, args: []arg{argContext, argSmall, argBuffer, argSize}, size: 64, result: givesErrno, weight: 3},
	{num: 190, name: "xdp_store_bytes", family: xdp, args: []arg{argContext, argSmall, argBytes, argSize}, size: 64, result: givesErrno, weight: 1},
	{num: 113, name: "probe_read_kernel", family: trace, args: []arg{argBuffer, argSize, argNumber}, size: 64, result: givesErrno, weight: 3},
	{num: 16, name: "get_current_comm", family: trace, args: []arg{argBuffer, argSize}, size: 16, result: givesRandom, weight: 1},
	{num: 14, name: "get_current_pid_tgid", family: trace, result: givesRandom, weight: 1},
}

const (
	helperTailCall   = 12
	helperLoop       = 181
	helperForEachMap = 164
)
