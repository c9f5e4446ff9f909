// This file defines what the compiler leaves open in BTF and the ELF file knows: section sizes,
// variable offsets, hidden symbols.

package object

import (
	"cmp"
	"debug/elf"
	"fmt"
	"slices"

	"github.com/skepbpf/skep/internal/btfx"
)

// fixBTF finishes the BTF that is loaded with the programs. Ids stay.
func (o *elfObject) fixBTF() error {
	if o.btf == nil {
		return nil
	}
	fix := datasecFix{o: o, vars: o.globalVars()}
	for id := btfx.ID(1); id < o.edit.NextID(); id++ {
		if t := o.edit.Type(id); t.Kind == btfx.KindDatasec {
			if err := fix.datasec(t); err != nil {
				return fmt.Errorf("BTF data section %q: %w", t.Name, err)
			}
		}
	}
	o.hideFunctions()
	spec, err := o.edit.Spec()
	if err != nil {
		return fmt.Errorf("BTF as loaded: %w", err)
	}
	o.btf, o.edit, o.refused = spec, nil, spec.Validate()
	return nil
}

// globalVars are the global variables of the symbol table, by name.
func (o *elfObject) globalVars() map[string]*symbol {
	vars := map[string]*symbol{}
	for i := range o.file.symbols {
		sym := &o.file.symbols[i]
		if sym.typ == elf.STT_OBJECT && sym.isGlobal() && vars[sym.name] == nil {
			vars[sym.name] = sym
		}
	}
	return vars
}

type datasecFix struct {
	o    *elfObject
	vars map[string]*symbol
}

// datasec gives a data section its size and its variables their offsets, which
// clang leaves 0 and linked objects have, and orders the variables by offset.
func (f *datasecFix) datasec(t *btfx.Type) error {
	if t.Name != kconfigSection && t.Name != ksymsSection {
		if err := f.variables(t); err != nil {
			return err
		}
	}
	slices.SortStableFunc(t.Vars, func(a, b btfx.VarSecinfo) int { return cmp.Compare(a.Offset, b.Offset) })
	return nil
}

func (f *datasecFix) variables(t *btfx.Type) error {
	unlinked := t.Size == 0
	if unlinked {
		if t.Size = f.o.sectionSize(t.Name); t.Size == 0 {
			return fmt.Errorf("no ELF section of that name with contents")
		}
	}
	for i := range t.Vars {
		v := f.o.edit.Type(t.Vars[i].Type)
		if v.Kind != btfx.KindVar {
			return fmt.Errorf("type %d is not a variable", v.ID)
		}
		if v.Linkage != linkageGlobal {
			continue
		}
		sym := f.vars[v.Name]
		if sym == nil {
			return fmt.Errorf("variable %q: no such symbol", v.Name)
		}
		if unlinked {
			t.Vars[i].Offset = uint32(sym.value)
		}
		if sym.isHidden() {
			v.Linkage = linkageStatic
		}
	}
	return nil
}

// sectionSize is the size of a section, 0 when it is missing or too large.
func (o *elfObject) sectionSize(name string) uint32 {
	if s := o.file.byName[name]; s != nil && s.Size <= maxMapValue {
		return uint32(s.Size)
	}
	return 0
}

// hideFunctions makes hidden functions static, which lets the verifier look
// into them from their callers instead of taking them alone.
func (o *elfObject) hideFunctions() {
	hidden := map[string]bool{}
	for _, fn := range o.funcs {
		if fn.hidden && o.isSubprog(fn) {
			hidden[fn.name] = true
		}
	}
	btfFuncs(o.edit, func(t *btfx.Type) {
		if t.Linkage == linkageGlobal && hidden[t.Name] {
			t.Linkage = linkageStatic
			delete(hidden, t.Name)
		}
	})
}
