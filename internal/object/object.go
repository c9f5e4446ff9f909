// This file defines Object, the entry to the package, and what linking it needs and gives.

// Package object turns a compiled object file into the programs and maps that
// bpf(2) takes, with libbpf's meaning.
//
// It takes an ELF file (Read, Open) or a cilium/ebpf CollectionSpec
// (FromCollectionSpec), and gives, after Link, bytecode.Programs: raw
// instructions with map, kfunc and BTF references resolved, CO-RE applied
// against a target, functions appended, line information in place. Reading is
// pure: nothing of the machine that reads enters an Object. Everything that
// depends on a kernel comes in through Env.
//
//	ELF ── Read ──▶ Object ── Link(Env) ──▶ Linked{Programs, Maps, Errors}
//
// internal/verify is the next to read a program. An import of
// internal/catalog or internal/verify would be wrong here: this package
// decides what a file says, not whether it may run.
package object

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
)

// Object is what a file says before anything is known of a kernel. It is
// immutable and safe for concurrent use; Link may be called many times.
type Object struct {
	// Name prefixes the names of data-section maps, as libbpf does with the
	// file's base name up to its first dot ("count" gives "count.rodata").
	// Open sets it; with "" such maps are named after their section alone.
	Name string

	source
}

// source is one way in: an ELF file or a CollectionSpec.
type source interface {
	// Programs lists the entry programs in the order of their sections.
	Programs() []ProgramInfo
	// License is the object's licence, "" when it names none.
	License() string
	// BTF is the object's own BTF as it would be loaded, nil without any.
	BTF() *btfx.Spec

	link(objName string, env *Env, opts *LinkOptions) (*Linked, error)
}

// ProgramInfo describes an entry program before linking.
type ProgramInfo struct {
	Name    string
	Section string // without the "?" that turns off automatic loading
	// Type is what the section names; ProgUnspec when it names none.
	Type bytecode.ProgType
	// ExpectedAttach is what the section names; 0 also when it names none.
	ExpectedAttach bytecode.AttachType
	Autoload       bool
	Insns          int // slots, without the functions that it calls
}

// Env is what linking takes from a target kernel. A nil Env has nothing.
type Env struct {
	// BTF is the kernel's; nil refuses what needs it (CO-RE, kfuncs, typed
	// ksyms, BTF attach targets, struct_ops), program by program. A split Spec
	// adds host functions to a kernel's.
	BTF *btfx.Spec
	// Modules are the names of what a split BTF adds, as sections name them:
	// "fentry/MODULE:function".
	Modules []string
	// Kconfig holds CONFIG_ values as a .config writes them: y, n, m, numbers,
	// quoted strings. A missing one is an error unless it is weak.
	Kconfig map[string]string
	// KernelVersion is LINUX_VERSION_CODE: major<<16 | minor<<8 | patch.
	KernelVersion uint32
	// Syms gives addresses of untyped ksyms; Kallsyms.Lookup is one. When it
	// is nil strong ones get a made-up kernel address and weak ones 0, so that
	// a verdict does not depend on the machine.
	Syms func(name string) (addr uint64, err error)
}

// LinkOptions choose what to link. The zero value links all programs that
// load by default.
type LinkOptions struct {
	// Programs are the names to link, nil for all whose section does not start
	// with "?".
	Programs []string
	// TypeOverride is the type of programs whose section names none; without
	// it they get an error.
	TypeOverride bytecode.ProgType
	// Targets say what programs attach to where the section does not or
	// cannot: by program name.
	Targets map[string]Target
}

// Target is what a tracing, LSM or freplace program attaches to.
type Target struct {
	Prog *bytecode.Program // nil: the kernel
	Func string            // "": what the section says
}

// Linked is the outcome of Link.
type Linked struct {
	// Programs are those that could be linked, in the object's order. All
	// share the *MapSpec of Maps.
	Programs []*bytecode.Program
	// Maps are all that loading the object creates, used or not, in libbpf's
	// order: declared ones, data sections, .kconfig, struct_ops.
	Maps []*bytecode.MapSpec
	// Errors say, by program name, why one is not in Programs.
	Errors map[string]error

	License string
	BTF     *btfx.Spec // the object's own, nil without any
	// BTFError is why a kernel would refuse BTF. Programs and maps then have
	// none, as libbpf loads them; programs that cannot do without get an error.
	BTFError error
}

// Program returns the linked program of that name, or why there is none.
func (l *Linked) Program(name string) (*bytecode.Program, error) {
	for _, p := range l.Programs {
		if p.Name == name {
			return p, nil
		}
	}
	if err := l.Errors[name]; err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("program %q: %w", name, ErrNoProgram)
}

// Errors that callers branch on.
var (
	// ErrNoProgram: the object has no program of that name.
	ErrNoProgram = errors.New("not in the object")
	// ErrNoType: the section names no program type and none was given.
	ErrNoType = errors.New("section names no program type")
	// ErrUnresolved: a strong extern is not in the target.
	ErrUnresolved = errors.New("not in the target")
	// ErrNoBTF: the program needs the target's BTF and there is none.
	ErrNoBTF = errors.New("needs the target's BTF, which is not given")
)

// Open reads an object file from disk. See Read.
func Open(path string) (*Object, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	o, err := Read(f)
	if err != nil {
		return nil, fmt.Errorf("object %s: %w", path, err)
	}
	o.Name, _, _ = strings.Cut(filepath.Base(path), ".")
	return o, nil
}

// Read reads a relocatable little-endian ELF file for BPF. It fails for what
// libbpf refuses to open: another format or machine, no symbols, malformed or
// missing BTF where maps or externs need it, legacy map definitions. Trouble
// inside one program (a relocation that makes no sense) is kept for Link.
func Read(r io.ReaderAt) (*Object, error) {
	e, err := readELF(r)
	if err != nil {
		return nil, err
	}
	return &Object{source: e}, nil
}

// Link makes the object's programs ready for a target. The error is about the
// request (a program that the object does not have); what is wrong with a
// program is in Linked.Errors.
func (o *Object) Link(env *Env, opts *LinkOptions) (*Linked, error) {
	if env == nil {
		env = &Env{}
	}
	if opts == nil {
		opts = &LinkOptions{}
	}
	have := map[string]bool{}
	for _, p := range o.Programs() {
		have[p.Name] = true
	}
	for _, name := range opts.Programs {
		if !have[name] {
			return nil, fmt.Errorf("program %q: %w", name, ErrNoProgram)
		}
	}
	return o.link(o.Name, env, opts)
}

// selected reports whether Link is to link the program.
func (opts *LinkOptions) selected(name string, autoload bool) bool {
	if opts.Programs == nil {
		return autoload
	}
	for _, n := range opts.Programs {
		if n == name {
			return true
		}
	}
	return false
}
