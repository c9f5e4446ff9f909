// This file defines the second way in: a CollectionSpec of cilium/ebpf.

package object

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
)

// FromCollectionSpec takes the programs and maps of a CollectionSpec, as
// changed by its owner; the spec must not be changed afterwards. What
// cilium/ebpf's loader drops from a file or keeps to itself is missing: BTF
// that it prunes, address-space casts, .kconfig, ksyms and struct_ops. The
// programs that need the last three get an error from Link; Read has them.
//
// On systems other than Linux cilium/ebpf does not apply CO-RE relocations, so
// that programs with some get an error there.
func FromCollectionSpec(spec *ebpf.CollectionSpec) (*Object, error) {
	if spec == nil {
		return nil, errors.New("collection: no spec")
	}
	if spec.ByteOrder != nil && spec.ByteOrder.String() != "LittleEndian" {
		return nil, fmt.Errorf("collection: %v programs are not supported", spec.ByteOrder)
	}
	return &Object{source: &collection{spec}}, nil
}

// collection is the source that a CollectionSpec is.
type collection struct{ spec *ebpf.CollectionSpec }

// Programs implements source.
func (c *collection) Programs() []ProgramInfo {
	var out []ProgramInfo
	for _, p := range c.programs() {
		out = append(out, ProgramInfo{
			Name: p.Name, Section: p.SectionName, Autoload: true,
			Type: bytecode.ProgType(p.Type), ExpectedAttach: bytecode.AttachType(p.AttachType),
			Insns: int(p.Instructions.Size() / bytecode.InsnSize),
		})
	}
	return out
}

// programs are the programs in the order of their sections.
func (c *collection) programs() []*ebpf.ProgramSpec {
	return slices.SortedFunc(maps.Values(c.spec.Programs), func(a, b *ebpf.ProgramSpec) int {
		return cmp.Or(cmp.Compare(a.SectionName, b.SectionName), cmp.Compare(a.Name, b.Name))
	})
}

// License implements source.
func (c *collection) License() string {
	for _, p := range c.programs() {
		if p.License != "" {
			return p.License
		}
	}
	return ""
}

// BTF implements source. A collection's is made by Link.
func (c *collection) BTF() *btfx.Spec { return nil }

// collectionLinker is one run of Link.
type collectionLinker struct {
	env   *Env
	opts  *LinkOptions
	types btf.Builder // of everything that is linked
	specs map[string]*bytecode.MapSpec
	progs []*collectionProgram
	out   *Linked
}

// link implements source: types come first, since BTF can only be encoded when
// all that is in it is known.
func (c *collection) link(objName string, env *Env, opts *LinkOptions) (*Linked, error) {
	l := &collectionLinker{
		env: env, opts: opts, specs: map[string]*bytecode.MapSpec{},
		out: &Linked{Errors: map[string]error{}, License: c.License()},
	}
	if err := l.makeMaps(c.spec, objName); err != nil {
		return nil, err
	}
	for _, p := range c.programs() {
		if !opts.selected(p.Name, true) {
			continue
		}
		if err := l.prepare(p); err != nil {
			l.out.Errors[p.Name] = fmt.Errorf("program %q: %w", p.Name, err)
		}
	}
	if err := l.encodeTypes(); err != nil {
		return nil, err
	}
	for _, p := range l.progs {
		p.finish(l.out.BTF)
		l.out.Programs = append(l.out.Programs, p.Program)
	}
	return l.out, nil
}

func (l *collectionLinker) encodeTypes() error {
	if l.types.Empty() {
		return nil
	}
	raw, err := l.types.Marshal(nil, nil)
	if err != nil {
		return fmt.Errorf("collection: encode BTF: %w", err)
	}
	if l.out.BTF, err = btfx.Parse(raw, nil); err != nil {
		return fmt.Errorf("collection: %w", err)
	}
	for _, m := range l.specs {
		if m.KeyTypeID != 0 || m.ValueTypeID != 0 {
			m.BTF = l.out.BTF
		}
	}
	return nil
}

// makeMaps describes the maps, in the order of their names.
func (l *collectionLinker) makeMaps(spec *ebpf.CollectionSpec, objName string) error {
	names := slices.Sorted(maps.Keys(spec.Maps))
	names = slices.DeleteFunc(names, func(name string) bool {
		return spec.Maps[name].Type == ebpf.StructOpsMap // its programs get an error
	})
	for _, name := range names {
		m, err := l.makeMap(spec.Maps[name], objName)
		if err != nil {
			return fmt.Errorf("map %q: %w", name, err)
		}
		l.specs[name] = m
		l.out.Maps = append(l.out.Maps, m)
	}
	for _, name := range names {
		if err := l.fill(l.specs[name], spec.Maps[name]); err != nil {
			return fmt.Errorf("map %q: %w", name, err)
		}
	}
	return nil
}

func (l *collectionLinker) makeMap(m *ebpf.MapSpec, objName string) (*bytecode.MapSpec, error) {
	out := &bytecode.MapSpec{
		Name: m.Name, Type: bytecode.MapType(m.Type),
		KeySize: m.KeySize, ValueSize: m.ValueSize, MaxEntries: m.MaxEntries,
		Flags: m.Flags, Extra: m.MapExtra, NumaNode: m.NumaNode,
		PinByName: m.Pinning == ebpf.PinByName,
	}
	if isDataSection(m.Name) {
		out.Section, out.Name = m.Name, dataMapName(objName, m.Name)
		out.Frozen = m.Flags&bytecode.MapRdonlyProg != 0
		if hasGlobal(m.Value) {
			out.Flags |= bytecode.MapMmapable
		}
	}
	switch {
	case out.Type == bytecode.MapPerfEventArray:
		out.KeySize, out.ValueSize = 4, 4
	case isMapInMap(out.Type):
		out.ValueSize = 4
	}
	var err error
	if m.InnerMap != nil && m.InnerMap != m {
		if out.Inner, err = l.makeMap(m.InnerMap, objName); err != nil {
			return nil, err
		}
	}
	if out.KeyTypeID, err = l.typeID(m.Key); err == nil {
		out.ValueTypeID, err = l.typeID(m.Value)
	}
	return out, err
}

func isDataSection(name string) bool {
	return isKindOf(name, ".data") || isKindOf(name, ".rodata") || isKindOf(name, ".bss")
}

// hasGlobal reports whether a data section has a variable that is not static.
func hasGlobal(t btf.Type) bool {
	sec, ok := t.(*btf.Datasec)
	return ok && slices.ContainsFunc(sec.Vars, func(info btf.VarSecinfo) bool {
		v, ok := info.Type.(*btf.Var)
		return ok && v.Linkage != btf.StaticVar
	})
}

// typeID adds a type to the BTF; nil has the id of void.
func (l *collectionLinker) typeID(t btf.Type) (btfx.ID, error) {
	if t == nil {
		return 0, nil
	}
	id, err := l.types.Add(t)
	return btfx.ID(id), err
}

// fill gives a map its first contents.
func (l *collectionLinker) fill(out *bytecode.MapSpec, m *ebpf.MapSpec) error {
	for _, kv := range m.Contents {
		value, ok := kv.Value.([]byte)
		if key, isKey := kv.Key.(uint32); ok && isKey && key == 0 && out.Type == bytecode.MapArray {
			out.Contents = slices.Clone(value)
			continue
		}
		slot, err := l.slot(out, kv)
		if err != nil {
			return err
		}
		out.Slots = append(out.Slots, slot)
	}
	return nil
}

// slot is a program or map that a collection puts into a map by name.
func (l *collectionLinker) slot(out *bytecode.MapSpec, kv ebpf.MapKV) (bytecode.MapSlot, error) {
	key, isKey := kv.Key.(uint32)
	name, isName := kv.Value.(string)
	switch {
	case !isKey || !isName:
	case out.Type == bytecode.MapProgArray:
		return bytecode.MapSlot{Key: key, Program: name}, nil
	case isMapInMap(out.Type) && l.specs[name] != nil:
		return bytecode.MapSlot{Key: key, Map: l.specs[name]}, nil
	}
	return bytecode.MapSlot{}, fmt.Errorf("first value of key %v is neither bytes nor a name", kv.Key)
}
