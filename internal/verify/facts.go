// This file defines what the verifier tells the rest of Skep about a program
// that it accepted.

package verify

import (
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// Verified is a program that passed. The only way to get one is Program, so a
// function that takes a *Verified cannot be given an unchecked program.
type Verified struct {
	prog  *bytecode.Program
	facts Facts
	log   string
	stats Stats
	tree  *explored // stored states, with Options.KeepStates
}

// Prog returns the program as it was verified; the verifier never edits it.
func (v *Verified) Prog() *bytecode.Program { return v.prog }

// Facts returns what holds on every path. It must not be changed.
func (v *Verified) Facts() *Facts { return &v.facts }

// Log returns the verifier's log at the level that was asked for.
func (v *Verified) Log() string { return v.log }

// Stats returns the counts that the log's last line prints.
func (v *Verified) Stats() Stats { return v.stats }

// Facts is everything that leaves the verifier. Each field is something that
// pruning preserves: a kind, an identity, a call target, an argument that was
// marked precise, joined over every visit. No range of an imprecise scalar is
// here, and none may be added (docs/verifier.md, "Facts").
type Facts struct {
	Insns    []InsnFact // one per slot of Program.Insns
	Subprogs []SubprogFact
	// ChangesPkt: some call in the program may move packet data.
	ChangesPkt bool
	// TailCalls: some tail call is reachable.
	TailCalls bool
}

// InsnFact is what holds at one instruction on every path that reaches it.
type InsnFact struct {
	// Seen is false for code that no path reaches; lower leaves it out.
	Seen bool
	// BranchTaken and BranchFallthrough say which ways of a conditional jump
	// were walked. A way that was not is impossible: the values that decided
	// it were marked precise.
	BranchTaken, BranchFallthrough bool

	Mem  *MemFact  // loads, stores, atomics
	Call *CallFact // helper, kfunc and subprogram calls
	Load *LoadFact // 64-bit immediate loads that name something
	// PtrALU: dst is a pointer of this kind after the instruction (add, sub);
	// NotInit for scalar arithmetic.
	PtrALU domain.RegKind
}

// MemFact describes a memory access. An instruction whose paths access memory
// in different ways is refused unless the ways are alike for lowering.
type MemFact struct {
	Kind  domain.RegKind   // what the base points to
	Flags domain.TypeFlags // MaybeNull never; MemUser, PtrUntrusted, MemPercpu ask for care
	// MapIdx is the map of PtrToMapValue accesses, -1 when several or none.
	MapIdx int32
	// CtxOff is the constant offset of a PtrToCtx access.
	CtxOff int32
	// MayFault: the read must go through the fault-safe path, where a miss
	// reads 0: the pointer is typed by BTF or untrusted, and nothing says that
	// what it points to exists here.
	MayFault bool
}

// CallFact describes a call.
type CallFact struct {
	Proto *catalog.Proto // nil for calls of subprograms
	// Subprog is the callee of a subprogram call, or the callback of a helper
	// that takes one (-1 when the callback differs between paths or there is none).
	Subprog int32
	// MapIdx is the map argument's index; -1 when there is none or it differs
	// between paths (then the map is taken from the register at run time).
	MapIdx int32
	// ConstKey is the key of a look-up in an array map that was a known,
	// precise constant on every path; valid when HasConstKey.
	ConstKey    uint64
	HasConstKey bool
	// InlineLoop: bpf_loop with no flags and one callback on every path, which a
	// compiler may turn into a loop (R4 was marked precise).
	InlineLoop bool
	// MemSize is the constant size that an allocation was asked for
	// (ArgConstAllocSize, marked precise).
	MemSize uint32
}

// LoadFact describes a 64-bit immediate load that names something.
type LoadFact struct {
	MapIdx   int32 // index into Program.Maps, -1
	ValueOff int64 // PseudoMapIdxValue: offset into the first value; -1 for the map itself
	Subprog  int32 // PseudoFunc: subprogram number, -1
	// KsymBTF is the BTF id of a typed ksym variable; 0.
	KsymBTF uint32
}

// SubprogFact describes one function of the program.
type SubprogFact struct {
	Start, End int // slots [Start, End)
	Name       string
	// StackDepth is how many bytes below its frame pointer the function touches
	// as it stands, rounded as the kernel rounds it. (The depths in the log
	// leave out what a kernel removes, and count what it adds.)
	StackDepth  int32
	HasTailCall bool
	IsCallback  bool // reached through a callback-calling helper
	IsAsync     bool // reached as an asynchronous callback
	IsGlobal    bool
}

// Stats are the counts of the log's last line.
type Stats struct {
	Processed      int // "processed N insns"
	MaxPerInsn     int
	TotalStates    int
	PeakStates     int
	MarkRead       int
	StackDepths    []int32 // one per subprogram
	LongestPruning int
}
