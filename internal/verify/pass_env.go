// This file defines what the static passes ask about a program's surroundings,
// and how they refuse.

package verify

import (
	"fmt"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
)

// passEnv is what the static passes need to know beyond the instructions.
type passEnv struct {
	// Privileged is CAP_BPF (or CAP_SYS_ADMIN): loops, subprograms and long
	// programs are allowed.
	Privileged bool
	// Perfmon is CAP_PERFMON besides: arenas are allowed.
	Perfmon bool
	// Quiet: findShape's log is not wanted. It costs a third of the passes' time.
	Quiet bool
	// Target is asked which maps the program may use; that is the same for all
	// versions so far, so nil will do.
	Target *catalog.Target
	Limits catalog.Limits
	// Helper returns the prototype of a helper that this program may call,
	// nil for every other number.
	Helper func(num int32) *catalog.Proto
	// Kfunc describes the kernel function that a call names, nil when it
	// cannot be resolved or this program may not call it. A nil Kfunc resolves
	// none.
	Kfunc func(in bytecode.Insn) *kfuncTraits
	// AddKfunc refuses a call of a kernel function that does not exist or that
	// this program may not call; nil refuses none.
	AddKfunc func(pc int) *Rejection
	// CheckAttach refuses what the program attaches to; the kernel does so
	// after the control flow. nil refuses nothing.
	CheckAttach func() *Rejection
	// KernelBTF has the variables that 64-bit loads may name; nil leaves these
	// unchecked.
	KernelBTF *btfx.Spec
}

// newPassEnv describes the surroundings of a program in e on the target. Which
// kernel functions exist is left open.
func newPassEnv(t *catalog.Target, e catalog.Env) *passEnv {
	return &passEnv{
		Privileged: e.Caps.Has(catalog.CapBPF),
		Perfmon:    e.Caps.Has(catalog.CapPerfmon),
		Target:     t,
		Limits:     t.Limits,
		KernelBTF:  t.BTF,
		Helper: func(num int32) *catalog.Proto {
			if proto, grant := t.Helper(e, num); grant == catalog.Granted {
				return proto
			}
			return nil
		},
	}
}

// kfuncTraits is what the static passes need to know of a kernel function.
type kfuncTraits struct {
	Params        int
	Void          bool
	IterNext      bool // an iterator's next: its loop converges at this call
	Sleepable     bool
	ChangesPkt    bool
	SyncCallback  bool // runs a callback before it returns
	AsyncCallback bool // arranges for a callback to run later
	Throws        bool // bpf_throw
	Fastcall      bool // clobbers only R0 and its parameters' registers
}

// Helpers that take a callback, by number (UAPI, stable).
const (
	helperTailCall         = 12
	helperForEachMapElem   = 164
	helperTimerSetCallback = 170
	helperFindVMA          = 180
	helperLoop             = 181
	helperUserRingbufDrain = 209
)

// syncCallbackHelpers run their callback before they return, any number of
// times; the asynchronous one arranges for a later run.
var syncCallbackHelpers = map[int32]bool{
	helperForEachMapElem:   true,
	helperFindVMA:          true,
	helperLoop:             true,
	helperUserRingbufDrain: true,
}

// callTraits is what the static passes need to know of any call.
type callTraits struct {
	Known         bool // a helper or kernel function that the program may call
	Params        int
	Void          bool
	MightSleep    bool
	ChangesPkt    bool
	SyncCallback  bool
	AsyncCallback bool
	IterNext      bool
	Throws        bool
	Fastcall      bool
	TailCall      bool
}

// call describes a call instruction. Calls of subprograms are not Known.
func (e *passEnv) call(in bytecode.Insn) callTraits {
	switch {
	case in.IsHelperCall():
		return e.helperCall(in.Imm)
	case in.IsKfuncCall():
		return e.kfuncCall(in)
	}
	return callTraits{}
}

func (e *passEnv) helperCall(num int32) callTraits {
	t := callTraits{
		SyncCallback:  syncCallbackHelpers[num],
		AsyncCallback: num == helperTimerSetCallback,
		TailCall:      num == helperTailCall,
	}
	proto := e.Helper(num)
	if proto == nil {
		return t
	}
	t.Known = true
	t.Void = proto.Ret.Kind == catalog.RetVoid
	t.MightSleep = proto.MightSleep
	t.ChangesPkt = proto.ChangesPkt
	t.Fastcall = proto.Fastcall
	for t.Params < len(proto.Args) && proto.Args[t.Params].Kind != catalog.ArgNone {
		t.Params++
	}
	return t
}

func (e *passEnv) kfuncCall(in bytecode.Insn) callTraits {
	if e.Kfunc == nil {
		return callTraits{}
	}
	k := e.Kfunc(in)
	if k == nil {
		return callTraits{}
	}
	return callTraits{
		Known: true, Params: k.Params, Void: k.Void,
		MightSleep: k.Sleepable, ChangesPkt: k.ChangesPkt,
		SyncCallback: k.SyncCallback, AsyncCallback: k.AsyncCallback,
		IterNext: k.IterNext, Throws: k.Throws, Fastcall: k.Fastcall,
	}
}

// Linux error numbers that the passes give. They are bpf(2)'s on every
// operating system that Skep runs on.
const (
	errEPERM      = 1
	errENOENT     = 2
	errE2BIG      = 7
	errEBADF      = 9
	errEACCES     = 13
	errEFAULT     = 14
	errEBUSY      = 16
	errEEXIST     = 17
	errEINVAL     = 22
	errESRCH      = 3
	errERANGE     = 34
	errEOPNOTSUPP = 95
	errEPROTO     = 71
	errENOTSUPP   = 524 // the kernel's own, that bpf(2) lets through
)

// Kinds of mistakes that the static passes find.
const (
	KindEncoding  Kind = "malformed instruction" // it does not exist, or its fields are wrong
	KindStructure Kind = "structure"             // jumps, calls and subprograms
	KindUnreached Kind = "unreachable code"
	KindBackEdge  Kind = "loop"              // without the privilege for it
	KindDebugInfo Kind = "debug information" // function or line records that do not fit
	KindLimit     Kind = "limit"             // too many instructions, maps, subprograms
	KindPrivilege Kind = "missing privilege"
	KindStack     Kind = "stack depth" // of nested calls
	KindMap       Kind = "map use"     // a map that this program or instruction cannot use
)

// refuse makes the rejection of a static pass; pc is -1 when no instruction is
// to blame.
func refuse(kind Kind, errno, pc int, format string, args ...any) *Rejection {
	return &Rejection{
		Line:  fmt.Sprintf(format, args...),
		Insn:  pc,
		Kind:  kind,
		Reg:   -1,
		Errno: errno,
	}
}
