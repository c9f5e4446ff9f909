// This file defines Object, what an object file says before it is loaded.

package skep

import (
	"fmt"
	"io"

	"github.com/cilium/ebpf"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/object"
)

// Object is a compiled object file, or a CollectionSpec, before anything is
// known of a kernel. It is immutable and safe for concurrent use; it may be
// verified and loaded many times.
type Object struct {
	obj  *object.Object
	path string
}

// ObjectProgram describes a program of an object before it is loaded.
type ObjectProgram struct {
	Name    string
	Section string // ELF section, "xdp"
	Type    string // "xdp"; "unspec" when the section names none
	// Autoload is false for sections that start with "?": such a program is
	// verified and loaded only when it is asked for by name.
	Autoload bool
	Insns    int // instruction slots, without the functions that it calls
}

// OpenObject reads an object file: ELF for little-endian BPF, with libbpf's
// meaning of sections, maps, externs and relocations. What is wrong with a
// single program is told when it is verified or loaded.
func OpenObject(path string) (*Object, error) {
	o, err := object.Open(path)
	if err != nil {
		return nil, err
	}
	return &Object{obj: o, path: path}, nil
}

// ReadObject reads an object file from r. Its maps for data sections are named
// after their sections alone (".bss").
func ReadObject(r io.ReaderAt) (*Object, error) {
	o, err := object.Read(r)
	if err != nil {
		return nil, err
	}
	return &Object{obj: o}, nil
}

// FromCollectionSpec takes what cilium/ebpf has read or a program has built.
// The spec is not kept and not changed.
func FromCollectionSpec(spec *ebpf.CollectionSpec) (*Object, error) {
	o, err := object.FromCollectionSpec(spec)
	if err != nil {
		return nil, err
	}
	return &Object{obj: o}, nil
}

// Path is the name of the file that the object was opened from, else "".
func (o *Object) Path() string { return o.path }

// License is the object's licence, "" when it has none.
func (o *Object) License() string { return o.obj.License() }

// Programs lists the object's programs in the order of their sections.
func (o *Object) Programs() []ObjectProgram {
	infos := o.obj.Programs()
	out := make([]ObjectProgram, len(infos))
	for i, p := range infos {
		out[i] = ObjectProgram{Name: p.Name, Section: p.Section, Type: typeName(p.Type), Autoload: p.Autoload, Insns: p.Insns}
	}
	return out
}

// linkOptions turns what callers choose by name into what linking takes.
func linkOptions(programs []string, typ string) (*object.LinkOptions, error) {
	opts := &object.LinkOptions{Programs: programs}
	if typ != "" {
		t, ok := catalog.ProgTypeByName(typ)
		if !ok {
			return nil, fmt.Errorf("program type %q: %w", typ, ErrNotFound)
		}
		opts.TypeOverride = t.Type
	}
	return opts, nil
}

// link resolves the object against a target.
func (o *Object) link(t Target, opts *object.LinkOptions) (*object.Linked, error) {
	if err := o.checkNames(opts.Programs); err != nil {
		return nil, err
	}
	return o.obj.Link(t.linkEnv(), opts)
}

// checkNames refuses names of programs that the object does not have, and says
// which it has.
func (o *Object) checkNames(names []string) error {
	have := map[string]bool{}
	for _, p := range o.obj.Programs() {
		have[p.Name] = true
	}
	for _, n := range names {
		if !have[n] {
			return unknownName("program", n, have)
		}
	}
	return nil
}

// typeName is a program type's name, as libbpf and bpftool print it.
func typeName(t bytecode.ProgType) string {
	if info := catalog.ProgTypeInfo(t); info != nil {
		return info.Name
	}
	if t == bytecode.ProgUnspec {
		return "unspec"
	}
	return fmt.Sprintf("type %d", uint32(t))
}
