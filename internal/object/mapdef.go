// This file defines how a declaration in .maps is read from its BTF type.

package object

import (
	"errors"
	"fmt"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
)

const mapsSection = ".maps"

// readDeclaredMaps reads .maps. Each variable is a struct whose members are
// attributes, with the values in the members' types:
//
//	struct {
//	        int (*type)[BPF_MAP_TYPE_HASH];   // __uint(type, …)
//	        struct key *key;                  // __type(key, …)
//	        struct inner *values[];           // __array(values, …)
//	} name SEC(".maps");
func (o *elfObject) readDeclaredMaps() error {
	if o.mapsSec == nil {
		return nil
	}
	sec := o.datasec(mapsSection)
	if sec == nil {
		return fmt.Errorf("BTF data section %q: %w", mapsSection, btfx.ErrNotFound)
	}
	for _, v := range sec.Vars {
		name := o.btf.Type(v.Type).Name
		if err := o.readDeclaredMap(name, v); err != nil {
			return fmt.Errorf("map %q: %w", name, err)
		}
	}
	return o.readArena()
}

func (o *elfObject) readDeclaredMap(name string, v btfx.VarSecinfo) error {
	t := o.btf.Type(v.Type)
	switch {
	case t.Kind != btfx.KindVar || name == "":
		return errors.New("not a variable with a name")
	case uint64(v.Offset)+uint64(v.Size) > o.mapsSec.Size:
		return fmt.Errorf("bytes %d to %d lie outside the section", v.Offset, uint64(v.Offset)+uint64(v.Size))
	case t.Linkage != linkageGlobal:
		return fmt.Errorf("linkage %d, want global", t.Linkage)
	}
	def := o.btf.Strip(t.Type)
	if def == nil || def.Kind != btfx.KindStruct || def.Size > v.Size {
		return errors.New("not a struct of the variable's size")
	}
	d := declReader{btf: o.btf, spec: &bytecode.MapSpec{Name: name, BTF: o.btf}}
	if err := d.read(def); err != nil {
		return err
	}
	o.maps = append(o.maps, &mapDef{
		spec: *d.spec, inner: d.inner, valuesOff: d.valuesOff,
		sec: o.mapsSec.index, off: v.Offset, size: v.Size,
	})
	return nil
}

// readArena finds the arena that global variables of address space 1 are in.
func (o *elfObject) readArena() error {
	for _, m := range o.maps {
		if m.spec.Type != bytecode.MapArena {
			continue
		}
		if o.arenaTo != nil {
			return fmt.Errorf("map %q: a second arena, after %q", m.spec.Name, o.arenaTo.spec.Name)
		}
		o.arenaTo = m
	}
	if o.arena == nil {
		return nil
	}
	if o.arenaTo == nil {
		return fmt.Errorf("ELF section %q: global variables in an arena, but no arena in .maps", o.arena.Name)
	}
	spec := &o.arenaTo.spec
	if pages := (o.arena.Size + pageSize - 1) / pageSize; pages > uint64(spec.MaxEntries) {
		return fmt.Errorf("map %q: %d pages, its global variables need %d", spec.Name, spec.MaxEntries, pages)
	}
	spec.Contents = o.arena.data
	return nil
}

// pageSize is that of the targets, which are amd64 and arm64 with 4 KiB pages.
const pageSize = 4096

// declReader reads one declaration.
type declReader struct {
	btf   *btfx.Spec
	spec  *bytecode.MapSpec
	inner *bytecode.MapSpec // template in "values"
	isIn  bool              // spec is itself such a template
	// valuesOff is where "values" starts, 0 without.
	valuesOff uint32
}

// attributes are the members that a declaration may have, besides values.
var attributes = map[string]func(*declReader, btfx.Member, bool) error{
	"type":        (*declReader).kind,
	"max_entries": uintAttribute(func(s *bytecode.MapSpec) *uint32 { return &s.MaxEntries }),
	"map_flags":   uintAttribute(func(s *bytecode.MapSpec) *uint32 { return &s.Flags }),
	"numa_node":   uintAttribute(func(s *bytecode.MapSpec) *uint32 { return &s.NumaNode }),
	"key_size":    sizeAttribute(func(s *bytecode.MapSpec) *uint32 { return &s.KeySize }),
	"value_size":  sizeAttribute(func(s *bytecode.MapSpec) *uint32 { return &s.ValueSize }),
	"key": typeAttribute(func(s *bytecode.MapSpec) (size, id *uint32) {
		return &s.KeySize, &s.KeyTypeID
	}),
	"value": typeAttribute(func(s *bytecode.MapSpec) (size, id *uint32) {
		return &s.ValueSize, &s.ValueTypeID
	}),
	"pinning":   (*declReader).pinning,
	"map_extra": (*declReader).extra,
}

func (d *declReader) read(def *btfx.Type) error {
	for i, m := range def.Members {
		attr := attributes[m.Name]
		if m.Name == "values" {
			attr = (*declReader).values
		}
		if attr == nil {
			return fmt.Errorf("unknown field %q", m.Name)
		}
		if err := attr(d, m, i == len(def.Members)-1); err != nil {
			return fmt.Errorf("field %q: %w", m.Name, err)
		}
	}
	if d.spec.Type == bytecode.MapUnspec {
		return errors.New("no type")
	}
	if t := d.spec.Type; t == bytecode.MapRingbuf || t == bytecode.MapUserRingbuf {
		d.spec.MaxEntries = ringSize(d.spec.MaxEntries)
	}
	return nil
}

// ringSize rounds the size of a ring buffer up to a power of two of pages, as
// libbpf does; 0 stays, for the kernel to refuse.
func ringSize(size uint32) uint32 {
	if size == 0 || size%pageSize == 0 && size&(size-1) == 0 {
		return size
	}
	for n := uint64(pageSize); n <= 1<<31; n *= 2 {
		if n > uint64(size) {
			return uint32(n)
		}
	}
	return size
}

// uint reads a number that is the length of a pointed-to array.
func (d *declReader) uint(m btfx.Member) (uint32, error) {
	if t := d.btf.Strip(m.Type); t != nil && t.Kind == btfx.KindPtr {
		if arr := d.btf.Type(t.Type); arr.Kind == btfx.KindArray {
			return arr.Nelems, nil
		}
	}
	return 0, errors.New("not a pointer to an array")
}

func uintAttribute(field func(*bytecode.MapSpec) *uint32) func(*declReader, btfx.Member, bool) error {
	return func(d *declReader, m btfx.Member, _ bool) (err error) {
		*field(d.spec), err = d.uint(m)
		return err
	}
}

func (d *declReader) kind(m btfx.Member, _ bool) error {
	n, err := d.uint(m)
	d.spec.Type = bytecode.MapType(n)
	return err
}

func sizeAttribute(field func(*bytecode.MapSpec) *uint32) func(*declReader, btfx.Member, bool) error {
	return func(d *declReader, m btfx.Member, _ bool) error {
		n, err := d.uint(m)
		if err != nil {
			return err
		}
		return setSize(field(d.spec), n)
	}
}

// setSize sets a size that the type and the size attribute may both give.
func setSize(field *uint32, size uint32) error {
	if *field != 0 && *field != size {
		return fmt.Errorf("size %d, but %d before", size, *field)
	}
	*field = size
	return nil
}

func typeAttribute(fields func(*bytecode.MapSpec) (size, id *uint32)) func(*declReader, btfx.Member, bool) error {
	return func(d *declReader, m btfx.Member, _ bool) error {
		t := d.btf.Type(m.Type)
		if t.Kind != btfx.KindPtr {
			return errors.New("not a pointer to the type")
		}
		n, ok := d.btf.SizeOf(t.Type)
		if !ok {
			return errors.New("a type without a size")
		}
		size, id := fields(d.spec)
		*id = t.Type
		return setSize(size, n)
	}
}

// values reads what a map of maps or a prog array holds at first.
func (d *declReader) values(m btfx.Member, last bool) error {
	switch {
	case d.isIn:
		return errors.New("maps of maps of maps are not supported")
	case !last:
		return errors.New("not the last field")
	case !isMapInMap(d.spec.Type) && d.spec.Type != bytecode.MapProgArray:
		return errors.New("only for maps of maps and prog arrays")
	}
	if err := setSize(&d.spec.ValueSize, 4); err != nil {
		return err
	}
	d.valuesOff = m.BitOffset / 8
	arr := d.btf.Type(m.Type)
	if arr.Kind != btfx.KindArray || arr.Nelems != 0 {
		return errors.New("not an array without a length")
	}
	ptr := d.btf.Strip(arr.Type)
	if ptr == nil || ptr.Kind != btfx.KindPtr {
		return errors.New("not an array of pointers")
	}
	elem := d.btf.Strip(ptr.Type)
	switch {
	case elem == nil:
		return errors.New("a type that leads nowhere")
	case d.spec.Type == bytecode.MapProgArray && elem.Kind == btfx.KindFuncProto:
		return nil
	case d.spec.Type != bytecode.MapProgArray && elem.Kind == btfx.KindStruct:
		return d.innerMap(elem)
	}
	return errors.New("an array of pointers to something else than maps or programs")
}

func isMapInMap(t bytecode.MapType) bool {
	return t == bytecode.MapArrayOfMaps || t == bytecode.MapHashOfMaps
}

func (d *declReader) innerMap(def *btfx.Type) error {
	in := declReader{btf: d.btf, isIn: true, spec: &bytecode.MapSpec{Name: d.spec.Name + ".inner", BTF: d.btf}}
	d.inner = in.spec
	return in.read(def)
}

func (d *declReader) pinning(m btfx.Member, _ bool) error {
	n, err := d.uint(m)
	switch {
	case err != nil:
		return err
	case d.isIn:
		return errors.New("a template cannot be pinned")
	case n > 1:
		return fmt.Errorf("value %d, want 0 (none) or 1 (by name)", n)
	}
	d.spec.PinByName = n == 1
	return nil
}

// extra reads a 64-bit number: like the others, or the value of an enum with
// one enumerator (__ulong).
func (d *declReader) extra(m btfx.Member, _ bool) error {
	if t := d.btf.Strip(m.Type); t != nil && (t.Kind == btfx.KindEnum || t.Kind == btfx.KindEnum64) && len(t.Enums) == 1 {
		d.spec.Extra = t.Enums[0].Value
		if t.Kind == btfx.KindEnum { // libbpf extends the sign of all
			d.spec.Extra = uint64(int64(int32(d.spec.Extra)))
		}
		return nil
	}
	n, err := d.uint(m)
	d.spec.Extra = uint64(n)
	return err
}
