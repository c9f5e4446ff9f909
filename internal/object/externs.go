// This file defines externs: what the object leaves to the loader to find.

package object

import (
	"cmp"
	"debug/elf"
	"fmt"
	"slices"

	"github.com/skepbpf/skep/internal/btfx"
)

// extern is a variable or function of .ksyms or .kconfig.
type extern struct {
	name  string
	index int    // in libbpf's order
	sym   uint32 // symbol index
	weak  bool
	isVar bool // not a function
	// kconfig is set for a .kconfig variable.
	kconfig *kconfigVar
	// typeID is the type of a ksym without names and qualifiers; 0 (void) for
	// an untyped one, whose address comes from the symbol table.
	typeID btfx.ID
}

// Sections of BTF that externs are in.
const (
	kconfigSection = ".kconfig"
	ksymsSection   = ".ksyms"
)

// BTF linkages of variables; of functions too, but for linkageExtern.
const (
	linkageStatic = 0
	linkageGlobal = 1
	linkageExtern = 2
)

// readExterns finds the externs and makes variables of their BTF that the
// kernel can accept: it knows neither extern linkage nor .ksyms of functions.
func (o *elfObject) readExterns() error {
	if o.btf != nil {
		o.indexSections()
	}
	sections := externSections{}
	for i := range o.file.symbols {
		sym := &o.file.symbols[i]
		if !sym.isExtern() {
			continue
		}
		ext, err := o.newExtern(sym, uint32(i), sections)
		if err != nil {
			return fmt.Errorf("extern %q: %w", sym.name, err)
		}
		o.externs = append(o.externs, ext)
		o.externsByName[ext.name] = ext
	}
	slices.SortStableFunc(o.externs, compareExterns)
	for i, ext := range o.externs {
		ext.index = i
	}
	if id := sections[ksymsSection]; id != 0 {
		if err := o.fixKsyms(o.edit.Type(id)); err != nil {
			return err
		}
	}
	if id := sections[kconfigSection]; id != 0 {
		return o.fixKconfig(o.edit.Type(id))
	}
	return nil
}

// externSections are the BTF data sections that externs were found in, by name.
type externSections map[string]btfx.ID

func (o *elfObject) newExtern(sym *symbol, index uint32, sections externSections) (*extern, error) {
	t, err := o.externType(sym.name)
	if err != nil {
		return nil, err
	}
	sec := o.sectionOf[t.ID]
	if sec == nil {
		return nil, fmt.Errorf("BTF variable: in no data section")
	}
	ext := &extern{name: sym.name, sym: index, weak: sym.bind == elf.STB_WEAK, isVar: t.Kind == btfx.KindVar}
	switch {
	case sec.Name == ksymsSection:
		ext.typeID = o.btf.Strip(t.Type).ID
	case sec.Name == kconfigSection && ext.isVar:
		ext.kconfig, err = newKconfigVar(o.btf, t.Type)
	case sec.Name == kconfigSection:
		err = fmt.Errorf("a function in %s", kconfigSection)
	default:
		err = fmt.Errorf("unknown extern section %q", sec.Name)
	}
	sections[sec.Name] = sec.ID
	return ext, err
}

// externType returns the BTF variable or function of an extern.
func (o *elfObject) externType(name string) (*btfx.Type, error) {
	if o.btf == nil {
		return nil, fmt.Errorf("BTF: none, and externs need it")
	}
	for _, id := range o.btf.Named(name) {
		t := o.btf.Type(id)
		if t.Kind != btfx.KindVar && t.Kind != btfx.KindFunc {
			continue
		}
		if t.Linkage != linkageExtern {
			return nil, fmt.Errorf("BTF linkage: %d, want extern", t.Linkage)
		}
		return t, nil
	}
	return nil, fmt.Errorf("BTF variable: %w", btfx.ErrNotFound)
}

// indexSections finds the data section of each variable and function.
func (o *elfObject) indexSections() {
	o.sectionOf = map[btfx.ID]*btfx.Type{}
	for id := o.btf.FirstID(); id < o.btf.NextID(); id++ {
		t := o.btf.Type(id)
		for _, v := range t.Vars {
			if o.sectionOf[v.Type] == nil {
				o.sectionOf[v.Type] = t
			}
		}
	}
}

// compareExterns gives libbpf's order: .kconfig before .ksyms, by alignment
// downwards, size upwards, name.
func compareExterns(a, b *extern) int {
	if c := cmp.Compare(boolInt(a.kconfig == nil), boolInt(b.kconfig == nil)); c != 0 {
		return c
	}
	if a.kconfig != nil {
		if c := cmp.Or(-cmp.Compare(a.kconfig.align, b.kconfig.align), cmp.Compare(a.kconfig.size, b.kconfig.size)); c != 0 {
			return c
		}
	}
	return cmp.Compare(a.name, b.name)
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// dummyKsym is the variable that stands for functions in .ksyms.
const dummyKsym = "dummy_ksym"

// fixKsyms makes each ksym a 4-byte global variable, as libbpf does: the kernel
// only wants a valid data section, the addresses come through instructions.
func (o *elfObject) fixKsyms(sec *btfx.Type) error {
	intID := o.findInt32()
	dummy := btfx.ID(0)
	for i := range sec.Vars {
		v := &sec.Vars[i]
		t := o.edit.Type(v.Type)
		if o.externsByName[t.Name] == nil {
			return fmt.Errorf("extern %q: in BTF only", t.Name)
		}
		if t.Kind == btfx.KindFunc {
			if dummy == 0 {
				dummy = o.edit.Add(btfx.Type{Kind: btfx.KindVar, Name: dummyKsym, Type: intID, Linkage: linkageGlobal})
			}
			o.nameParams(t)
			t.Linkage, v.Type = linkageGlobal, dummy
		} else {
			t.Linkage, t.Type = linkageGlobal, intID
		}
		v.Offset, v.Size = uint32(i)*4, 4
	}
	sec.Size = uint32(len(sec.Vars)) * 4
	return nil
}

// nameParams names the parameters of an extern function, which the kernel
// wants of functions that are not extern.
func (o *elfObject) nameParams(fn *btfx.Type) {
	proto := o.edit.Type(fn.Type)
	for i := range proto.Params {
		if p := &proto.Params[i]; p.Type != 0 && p.Name == "" {
			p.Name = dummyKsym
		}
	}
}

func (o *elfObject) findInt32() btfx.ID {
	for id := btfx.ID(1); id < o.edit.NextID(); id++ {
		if t := o.edit.Type(id); t.Kind == btfx.KindInt && t.IntBits == 32 {
			return id
		}
	}
	return 0
}

// maxKconfig bounds the .kconfig map: its contents are made, not read.
const maxKconfig = 1 << 20

// fixKconfig lays the .kconfig variables out one after the other.
func (o *elfObject) fixKconfig(sec *btfx.Type) error {
	sec.Size = 0
	for _, ext := range o.externs {
		if k := ext.kconfig; k != nil {
			k.off = (sec.Size + k.align - 1) / k.align * k.align
			sec.Size = k.off + k.size
			if sec.Size > maxKconfig {
				return fmt.Errorf("extern %q: more than %d bytes of .kconfig", ext.name, maxKconfig)
			}
		}
	}
	for i := range sec.Vars {
		v := &sec.Vars[i]
		t := o.edit.Type(v.Type)
		ext := o.externsByName[t.Name]
		if ext == nil || ext.kconfig == nil {
			return fmt.Errorf("extern %q: in BTF only", t.Name)
		}
		t.Linkage, v.Offset = linkageGlobal, ext.kconfig.off
	}
	return nil
}
