// This file defines how the verifier is called and how it refuses.

// Package verify decides whether a program is safe to run, as Linux's
// in-kernel verifier does, message for message. It takes a linked
// bytecode.Program, a catalog.Target and the maps' descriptions, and gives a
// *Verified or a *Rejection. It is pure: no I/O, no clock, no globals; the
// same input gives the same output. internal/lower is the next to read the
// result. It must not import internal/maps or internal/engine.
package verify

import (
	"fmt"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
)

// MapView is what the verifier needs of a live map beyond its description.
// A map that does not exist yet is viewed through SpecView.
type MapView interface {
	Spec() *bytecode.MapSpec
	// Frozen: user space can no longer write (BPF_MAP_FREEZE), so that reads
	// of a read-only map's value are constants.
	Frozen() bool
	// ReadConst copies len(p) bytes at off of the single value of a frozen,
	// program-read-only array; ok is false when they cannot be known.
	ReadConst(off uint32, p []byte) (ok bool)
	// Inner is the template of a map of maps, nil otherwise.
	Inner() MapView
}

// SpecView is the MapView of a map that is not created yet.
type SpecView struct{ S *bytecode.MapSpec }

// Spec implements MapView.
func (v SpecView) Spec() *bytecode.MapSpec { return v.S }

// Frozen implements MapView.
func (v SpecView) Frozen() bool { return v.S.Frozen }

// ReadConst implements MapView.
func (v SpecView) ReadConst(off uint32, p []byte) bool {
	if uint64(off)+uint64(len(p)) > uint64(v.S.ValueSize) {
		return false
	}
	clear(p)
	if int(off) < len(v.S.Contents) {
		copy(p, v.S.Contents[off:])
	}
	return true
}

// Inner implements MapView.
func (v SpecView) Inner() MapView {
	if v.S.Inner == nil {
		return nil
	}
	return SpecView{v.S.Inner}
}

// LogLevel selects what the log contains, as bpf(2)'s log_level does.
type LogLevel uint32

// Bits of LogLevel.
const (
	LogBranch LogLevel = 1 << iota // the path being walked
	LogAll                         // every state
	LogStats                       // the counts at the end
)

// Options say what to verify for. The zero value of everything but Target is
// usable: no capabilities (unprivileged), no log.
type Options struct {
	Target   *catalog.Target
	Maps     []MapView // by index of Program.Maps; nil means SpecView of each
	Caps     catalog.Caps
	LogLevel LogLevel
	// KeepStates keeps the stored states for replay by the checked interpreter.
	KeepStates bool
	// MaxLog bounds the log in bytes; 0 is 64 MiB. Past it the log keeps its end.
	MaxLog int
	// MemorySize is the size of the memory that a ProgMemory program gets, bytes.
	MemorySize uint32
}

// Kind is the class of mistake behind a rejection.
type Kind string

// Rejection says that a program is not safe, or breaks a rule of its target.
type Rejection struct {
	Line  string // the kernel's one-line reason
	Insn  int    // slot that it was found at; -1 when it is none's
	Kind  Kind
	Reg   int    // register concerned, -1
	Errno int    // Linux errno that BPF_PROG_LOAD gives
	Log   string // at the level asked for; ends with the counts
	Stats Stats
}

// Error returns the one-line reason.
func (r *Rejection) Error() string { return r.Line }

// Format prints the line under %v and the log under %+v.
func (r *Rejection) Format(f fmt.State, verb rune) {
	if verb == 'v' && f.Flag('+') && r.Log != "" {
		fmt.Fprint(f, r.Log)
		return
	}
	fmt.Fprint(f, r.Line)
}

// Unsupported says that Skep itself does not know something yet that the
// program needs; it is no verdict about the program.
type Unsupported struct {
	What string
	Insn int
}

func (u *Unsupported) Error() string {
	return fmt.Sprintf("unsupported: %s (insn %d)", u.What, u.Insn)
}
