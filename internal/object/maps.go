// This file defines the maps of an object: which there are, in libbpf's order.

package object

import (
	"fmt"
	"math"
	"strings"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
)

// maxMapValue is the kernel's limit on a value's size, in bytes.
const maxMapValue = math.MaxInt32

// mapDef is a map before linking.
type mapDef struct {
	// spec is what BPF_MAP_CREATE takes as far as the object alone says;
	// linking copies it.
	spec  bytecode.MapSpec
	sec   int    // section that relocations against the map name
	off   uint32 // in that section
	size  uint32 // in that section
	inner *bytecode.MapSpec
	// valuesOff is where the declaration's "values" start, 0 without.
	valuesOff uint32
	slots     []mapSlot
	// internal maps are named after the object.
	internal bool

	structOps *structOpsDef // set for struct_ops maps
	// manual: "?.struct_ops": not created by default.
	manual bool
}

// mapSlot is a map or program that a declaration puts into a map.
type mapSlot struct {
	key  uint32
	m    *mapDef
	prog *function
}

// readMaps finds the maps.
func (o *elfObject) readMaps() error {
	for _, pass := range []func() error{o.readDeclaredMaps, o.readDataMaps, o.readKconfigMap, o.readStructOpsMaps} {
		if err := pass(); err != nil {
			return err
		}
	}
	return nil
}

// readDataMaps makes a map of each section of global variables.
func (o *elfObject) readDataMaps() error {
	for i := range o.file.sections {
		sec := &o.file.sections[i]
		r := o.roles[sec.index]
		if r != roleData && r != roleRodata && r != roleBSS || sec.Size == 0 {
			continue
		}
		if sec.Size > maxMapValue {
			return fmt.Errorf("ELF section %q: %d bytes, more than a map's value may have", sec.Name, sec.Size)
		}
		m := o.newDataMap(sec.Name, uint32(sec.Size))
		m.sec, m.spec.Contents = sec.index, sec.data
		if r == roleRodata {
			m.freeze()
		}
	}
	return nil
}

// readKconfigMap makes the map that .kconfig variables are in; its contents
// come with linking.
func (o *elfObject) readKconfigMap() error {
	size := uint32(0)
	for _, ext := range o.externs {
		if k := ext.kconfig; k != nil {
			size = k.off + k.size
		}
	}
	if size > 0 {
		o.kconfig = o.newDataMap(kconfigSection, size)
		o.kconfig.freeze()
	}
	return nil
}

// newDataMap adds an array map of one value that holds a data section.
func (o *elfObject) newDataMap(section string, size uint32) *mapDef {
	m := &mapDef{internal: true, sec: -1}
	m.spec = bytecode.MapSpec{
		Type: bytecode.MapArray, KeySize: 4, ValueSize: size, MaxEntries: 1, Section: section,
	}
	if sec := o.datasec(section); sec != nil {
		m.spec.BTF, m.spec.ValueTypeID = o.btf, sec.ID
		if o.hasGlobal(sec) {
			m.spec.Flags |= bytecode.MapMmapable
		}
	}
	o.maps = append(o.maps, m)
	return m
}

// freeze makes the map read-only on both sides.
func (m *mapDef) freeze() {
	m.spec.Flags |= bytecode.MapRdonlyProg
	m.spec.Frozen = true
}

// datasec returns the BTF data section of that name, nil when there is none.
func (o *elfObject) datasec(name string) *btfx.Type {
	if o.btf == nil {
		return nil
	}
	id, ok := o.btf.Find(name, btfx.KindDatasec)
	if !ok {
		return nil
	}
	return o.btf.Type(id)
}

// hasGlobal reports whether user space may want to map the section: some
// variable in it is not static.
func (o *elfObject) hasGlobal(sec *btfx.Type) bool {
	for _, v := range sec.Vars {
		if t := o.btf.Type(v.Type); t.Kind == btfx.KindVar && t.Linkage != linkageStatic {
			return true
		}
	}
	return false
}

// maxMapName is the length of the longest name that a kernel takes.
const maxMapName = 15

// dataMapName is libbpf's name for the map of a data section: as much of the
// object's name as fits before the section's, of which at least seven
// characters are kept free; sections with two dots go without.
//
//	my_object_name .rodata → my_objec.rodata
//	my_object_name .bss    → my_objec.bss
//	my_object_name .data.x → .data.x
func dataMapName(object, section string) string {
	suffix := min(max(7, len(section)), maxMapName)
	prefix := min(maxMapName-suffix, len(object))
	if strings.Contains(section[1:], ".") {
		prefix = 0
	}
	name := object[:prefix] + section[:min(suffix, len(section))]
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.':
			return r
		}
		return '_'
	}, name)
}
