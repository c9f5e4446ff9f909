// This file defines the words that the helper tables are written in, and how
// the tables become prototypes.

package catalog

import "strings"

// protoRow is one line of a helper table. Rows of one number differ in the
// part of the id after the dot.
type protoRow struct {
	num   int32
	id    FuncID
	since Version
	args  args
	ret   Ret
	flags protoFlags
}

type args []Arg

type protoFlags uint8

const (
	gpl protoFlags = 1 << iota
	sleeps
	pkt      // may be given packet memory
	moves    // moves packet data
	fastcall // clobbers only R0
)

var (
	ctx         = Arg{Kind: ArgCtx}
	ctxOrNull   = Arg{Kind: ArgCtx, Flags: ArgMaybeNull}
	any_        = Arg{Kind: ArgAnything}
	constStr    = Arg{Kind: ArgConstStr}
	size        = Arg{Kind: ArgConstSize}
	size0       = Arg{Kind: ArgConstSizeOrZero}
	allocSize   = Arg{Kind: ArgConstAllocSize}
	mem         = Arg{Kind: ArgMem}
	wrMem       = Arg{Kind: ArgMem, Flags: ArgWrite}
	wrMemOrNull = Arg{Kind: ArgMem, Flags: ArgWrite | ArgMaybeNull}
	outMem      = Arg{Kind: ArgMem, Flags: ArgUninit | ArgWrite}
	rdMem       = Arg{Kind: ArgMem, Flags: ArgRdonly}
	rdMemOrNull = Arg{Kind: ArgMem, Flags: ArgRdonly | ArgMaybeNull}

	mapPtr         = Arg{Kind: ArgConstMapPtr}
	mapKey         = Arg{Kind: ArgMapKey}
	mapValue       = Arg{Kind: ArgMapValue}
	mapValueOrNull = Arg{Kind: ArgMapValue, Flags: ArgMaybeNull}
	outMapValue    = Arg{Kind: ArgMapValue, Flags: ArgUninit | ArgWrite}
	spinLock       = Arg{Kind: ArgSpinLock}
	timer          = Arg{Kind: ArgTimer}
	kptr           = Arg{Kind: ArgKptr}
	callback       = Arg{Kind: ArgFunc}
	stackOrNull    = Arg{Kind: ArgStack, Flags: ArgMaybeNull}

	dynptr           = Arg{Kind: ArgDynptr, Flags: ArgRdonly}
	newLocalDynptr   = Arg{Kind: ArgDynptr, Flags: ArgDynptrLocal | ArgUninit | ArgWrite}
	newRingbufDynptr = Arg{Kind: ArgDynptr, Flags: ArgDynptrRingbuf | ArgUninit | ArgWrite}
	releaseDynptr    = Arg{Kind: ArgDynptr, Flags: ArgDynptrRingbuf | ArgRelease}
	releaseRecord    = Arg{Kind: ArgRingbufMem, Flags: ArgRelease}

	sockCommon          = Arg{Kind: ArgSockCommon}
	socketOrNull        = Arg{Kind: ArgSocket, Flags: ArgMaybeNull}
	btfSockCommon       = Arg{Kind: ArgBTFIDSockCommon}
	btfSockCommonOrNull = Arg{Kind: ArgBTFIDSockCommon, Flags: ArgMaybeNull}
	releaseSock         = Arg{Kind: ArgBTFIDSockCommon, Flags: ArgRelease}
	releaseBTFOrNull    = Arg{Kind: ArgBTFID, Flags: ArgMaybeNull | ArgRelease}
	percpuBTF           = Arg{Kind: ArgPercpuBTFID}
)

func btfPtr(name string) Arg    { return Arg{Kind: ArgBTFID, BTF: name} }
func btfOrNull(name string) Arg { return Arg{Kind: ArgBTFID, BTF: name, Flags: ArgMaybeNull} }

// fixedMem is memory of n bytes that the helper reads; outVar an aligned
// variable that it sets; inoutVar one that it reads and sets.
func fixedMem(n uint32) Arg { return Arg{Kind: ArgMem, Size: n, Flags: ArgFixedSize} }
func inoutVar(n uint32) Arg {
	return Arg{Kind: ArgMem, Size: n, Flags: ArgFixedSize | ArgWrite | ArgAligned}
}
func outVar(n uint32) Arg {
	return Arg{Kind: ArgMem, Size: n, Flags: ArgFixedSize | ArgUninit | ArgWrite | ArgAligned}
}

var (
	integer       = Ret{Kind: RetInteger}
	void          = Ret{Kind: RetVoid}
	value         = Ret{Kind: RetMapValue}
	valueOrNull   = Ret{Kind: RetMapValue, Flags: RetMaybeNull}
	socketRet     = Ret{Kind: RetSocket, Flags: RetMaybeNull}
	tcpSockRet    = Ret{Kind: RetTCPSock, Flags: RetMaybeNull}
	sockCommonRet = Ret{Kind: RetSockCommon, Flags: RetMaybeNull}
	recordOrNull  = Ret{Kind: RetMem, Flags: RetMaybeNull | RetRingbuf}
	memOrNullRet  = Ret{Kind: RetMem, Flags: RetMaybeNull}
	percpu        = Ret{Kind: RetMemOrBTFID, Flags: RetRdonly}
	percpuOrNull  = Ret{Kind: RetMemOrBTFID, Flags: RetRdonly | RetMaybeNull}
)

func btfRet(name string) Ret       { return Ret{Kind: RetBTFID, BTF: name} }
func btfRetOrNull(name string) Ret { return Ret{Kind: RetBTFID, BTF: name, Flags: RetMaybeNull} }
func trustedRet(name string) Ret   { return Ret{Kind: RetBTFID, BTF: name, Flags: RetTrusted} }

// NumHelpers is one past the highest helper number of Linux 6.18 (and of every
// version before it).
const NumHelpers = 212

// helpers are all prototypes by id; variants holds those of each number.
var helpers, variants = indexProtos(coreHelpers, traceHelpers, packetHelpers, sockHelpers)

func indexProtos(tables ...[]protoRow) (map[FuncID]*Proto, [NumHelpers][]*Proto) {
	byID := map[FuncID]*Proto{}
	byNum := [NumHelpers][]*Proto{0: {{Name: "bpf_unspec"}}} // a number that has a name and no grant
	for _, rows := range tables {
		for i := range rows {
			p := rows[i].proto()
			byID[p.ID] = p
			byNum[p.Num] = append(byNum[p.Num], p)
		}
	}
	return byID, byNum
}

func (r *protoRow) proto() *Proto {
	name, _, _ := strings.Cut(string(r.id), ".")
	p := &Proto{
		ID: r.id, Num: r.num, Name: name, Ret: r.ret, Since: r.since,
		GPLOnly:    r.flags&gpl != 0,
		MightSleep: r.flags&sleeps != 0,
		PktAccess:  r.flags&pkt != 0,
		ChangesPkt: r.flags&moves != 0,
		Fastcall:   r.flags&fastcall != 0,
	}
	copy(p.Args[:], r.args)
	return p
}
