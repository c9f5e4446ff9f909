// This file defines how ELF relocations are read: what each instruction, map slot or callback is
// to refer to.

package object

import (
	"cmp"
	"debug/elf"
	"errors"
	"fmt"
	"slices"
	"sort"

	"github.com/skepbpf/skep/internal/bytecode"
)

// reloc is what an instruction refers to.
type reloc struct {
	slot int // in the function
	kind relocKind
	m    *mapDef // relocMap, relocData
	ext  *extern // relocExtern
	off  uint64  // offset of the symbol in its section: relocData, relocCall, relocFunc
}

// relocKind says what a relocation is against.
type relocKind uint8

const (
	relocMap    relocKind = iota + 1 // a map
	relocData                        // a global variable
	relocExtern                      // an extern: 64-bit load or call
	relocCall                        // a function that is called
	relocFunc                        // a function whose address is taken
)

// readRelocations reads the relocations of programs, maps and struct_ops.
func (o *elfObject) readRelocations() error {
	o.indexTargets()
	for i := range o.file.sections {
		sec := &o.file.sections[i]
		if o.roles[sec.index] != roleRel {
			continue
		}
		read := o.relocReader(elf.SectionIndex(sec.Info))
		if read == nil {
			continue
		}
		rels, err := o.file.relocations(sec)
		if err != nil {
			return err
		}
		for n, rel := range rels {
			if err := read(int(sec.Info), rel); err != nil {
				return fmt.Errorf("ELF section %q: relocation %d: %w", sec.Name, n, err)
			}
		}
	}
	o.sortRelocs()
	return nil
}

// relocReader says who reads the relocations of a section; nil: nobody.
func (o *elfObject) relocReader(target elf.SectionIndex) func(secIndex int, rel relocation) error {
	sec := o.file.section(target)
	switch {
	case sec == nil:
		return nil
	case sec == o.mapsSec:
		return o.readMapReloc
	case o.roles[sec.index] == roleStructOps:
		return o.readStructOpsReloc
	case o.roles[sec.index] == roleProgram:
		return o.readProgramReloc
	}
	return nil
}

// readProgramReloc records what one instruction refers to. Nonsense is kept
// with the function: other programs can still be linked.
func (o *elfObject) readProgramReloc(secIndex int, rel relocation) error {
	if rel.off%bytecode.InsnSize != 0 || rel.off >= o.file.sections[secIndex].Size {
		return fmt.Errorf("offset %#x is not that of an instruction", rel.off)
	}
	slot := int(rel.off / bytecode.InsnSize)
	fn := o.functionAt(secIndex, slot)
	if fn == nil {
		return nil // a weak function that another replaced
	}
	slot -= fn.start
	sym := &o.file.symbols[rel.sym]
	r, err := o.newReloc(fn.insns[slot], sym, rel.sym)
	if err != nil {
		if fn.err == nil {
			fn.err = fmt.Errorf("instruction %d: relocation against %q: %w", slot, o.file.label(sym), err)
		}
		return nil
	}
	r.slot = slot
	fn.relocs = append(fn.relocs, r)
	return nil
}

const opCall = bytecode.ClassJMP | bytecode.JmpCall

func (o *elfObject) newReloc(in bytecode.Insn, sym *symbol, index uint32) (reloc, error) {
	switch {
	case in.Op != opCall && !in.IsLdImm64():
		return reloc{}, fmt.Errorf("opcode %#x has no place for it", in.Op)
	case sym.isExtern():
		ext := o.targets.externs[index]
		if ext == nil {
			return reloc{}, errors.New("no such extern")
		}
		return reloc{kind: relocExtern, ext: ext}, nil
	case in.Op == opCall:
		return o.newCall(in, sym)
	}
	return o.newLoad(in, sym)
}

func (o *elfObject) newCall(in bytecode.Insn, sym *symbol) (reloc, error) {
	switch {
	case in.Src != bytecode.PseudoCall:
		return reloc{}, errors.New("not a call of a function")
	case int(sym.sec) != o.text:
		return reloc{}, errors.New("the function is not in .text")
	case sym.value%bytecode.InsnSize != 0:
		return reloc{}, fmt.Errorf("offset %#x is not that of an instruction", sym.value)
	}
	return reloc{kind: relocCall, off: sym.value}, nil
}

func (o *elfObject) newLoad(in bytecode.Insn, sym *symbol) (reloc, error) {
	sec := o.file.section(sym.sec)
	switch {
	case sec == nil:
		return reloc{}, errors.New("the symbol is in no section, a variable without a value?")
	case sec.index == o.text && (sym.typ == elf.STT_SECTION || sym.isGlobal() && sym.typ == elf.STT_FUNC):
		if sym.value%bytecode.InsnSize != 0 || in.Imm%bytecode.InsnSize != 0 {
			return reloc{}, fmt.Errorf("offset %#x%+d is not that of an instruction", sym.value, in.Imm)
		}
		return reloc{kind: relocFunc, off: sym.value}, nil
	case sec == o.arena && o.arenaTo != nil:
		return reloc{kind: relocData, m: o.arenaTo, off: sym.value}, nil
	case sec == o.mapsSec:
		if m := o.targets.mapAt(sec.index, sym.value); m != nil {
			return reloc{kind: relocMap, m: m}, nil
		}
	case o.targets.data[sec.index] != nil:
		return reloc{kind: relocData, m: o.targets.data[sec.index], off: sym.value}, nil
	}
	return reloc{}, fmt.Errorf("no map at offset %d of section %q", sym.value, sec.Name)
}

// targets makes what relocations refer to easy to find.
type targets struct {
	data    map[int]*mapDef    // by section
	placed  []*mapDef          // declared maps and struct_ops, by section and offset
	named   map[string]*mapDef // declared maps
	externs map[uint32]*extern // by symbol
	// Functions by name: programs, and those that they call.
	entries, subprogs map[string]*function
}

func (o *elfObject) indexTargets() {
	t := &o.targets
	t.data, t.named = map[int]*mapDef{}, map[string]*mapDef{}
	for _, m := range o.maps {
		switch {
		case !m.internal:
			t.placed = append(t.placed, m)
			t.named[m.spec.Name] = m
		case m.sec >= 0:
			t.data[m.sec] = m
		}
	}
	slices.SortStableFunc(t.placed, func(a, b *mapDef) int {
		return cmp.Or(cmp.Compare(a.sec, b.sec), cmp.Compare(a.off, b.off))
	})
	t.externs = map[uint32]*extern{}
	for _, ext := range o.externs {
		t.externs[ext.sym] = ext
	}
	t.entries, t.subprogs = map[string]*function{}, map[string]*function{}
	for _, fn := range o.funcs {
		if o.isSubprog(fn) {
			t.subprogs[fn.name] = fn
		} else {
			t.entries[fn.name] = fn
		}
	}
}

// mapAround returns the map that an offset of a section lies in.
func (t *targets) mapAround(sec int, off uint64) *mapDef {
	i := sort.Search(len(t.placed), func(i int) bool {
		m := t.placed[i]
		return m.sec > sec || m.sec == sec && uint64(m.off) > off
	})
	if i == 0 {
		return nil
	}
	m := t.placed[i-1]
	if m.sec != sec || off-uint64(m.off) >= uint64(m.size) {
		return nil
	}
	return m
}

// mapAt returns the map that starts at an offset of a section.
func (t *targets) mapAt(sec int, off uint64) *mapDef {
	if m := t.mapAround(sec, off); m != nil && uint64(m.off) == off {
		return m
	}
	return nil
}

// readMapReloc puts a map or program into the slot that a "values" member
// initialises.
func (o *elfObject) readMapReloc(secIndex int, rel relocation) error {
	sym := &o.file.symbols[rel.sym]
	m := o.targets.mapAround(secIndex, rel.off)
	if m == nil {
		return fmt.Errorf("offset %#x lies in no map", rel.off)
	}
	slot, err := o.newSlot(m, sym)
	if err != nil {
		return fmt.Errorf("map %q: value %q: %w", m.spec.Name, sym.name, err)
	}
	// values has no length, so it starts where the struct ends.
	first := uint64(m.off) + uint64(m.valuesOff)
	if rel.off < first || (rel.off-first)%8 != 0 {
		return fmt.Errorf("map %q: offset %#x is not in its values", m.spec.Name, rel.off)
	}
	slot.key = uint32((rel.off - first) / 8)
	m.slots = append(m.slots, slot)
	return nil
}

func (o *elfObject) newSlot(m *mapDef, sym *symbol) (mapSlot, error) {
	switch {
	case m.valuesOff == 0:
		return mapSlot{}, errors.New("the map declares no values")
	case m.spec.Type == bytecode.MapHashOfMaps && m.spec.KeySize != 4:
		return mapSlot{}, fmt.Errorf("keys of %d bytes, want 4 for a map with first values", m.spec.KeySize)
	case isMapInMap(m.spec.Type):
		in := o.targets.named[sym.name]
		if in == nil || o.file.section(sym.sec) != o.mapsSec {
			return mapSlot{}, errors.New("not a map")
		}
		return mapSlot{m: in}, nil
	}
	fn := o.targets.entries[sym.name]
	if fn == nil || fn.secIndex != int(sym.sec) || uint64(fn.start)*bytecode.InsnSize != sym.value {
		return mapSlot{}, errors.New("not a program")
	}
	return mapSlot{prog: fn}, nil
}

func (o *elfObject) sortRelocs() {
	for _, fn := range o.funcs {
		slices.SortStableFunc(fn.relocs, func(a, b reloc) int { return cmp.Compare(a.slot, b.slot) })
	}
}
