// This file defines how an ELF file is read: the passes, and which section means what.

package object

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"github.com/skepbpf/skep/internal/btfx"
)

// elfObject is what an ELF file says.
type elfObject struct {
	file *file

	license string
	version uint32 // "version" section; 0 without

	roles   map[int]role // section index → what it is
	text    int          // index of .text, where functions that programs call are; -1
	mapsSec *section     // .maps
	arena   *section     // globals in an arena

	btfRaw, extRaw []byte
	btf            *btfx.Spec    // as it would be loaded, once fixBTF has run; nil without any
	edit           *btfx.Builder // what fixBTF makes btf of; nil before and after
	refused        error         // why a kernel does not take btf; nil when it does

	funcs   []*function // programs and functions, by section and offset
	externs []*extern   // libbpf's order
	maps    []*mapDef   // libbpf's order
	kconfig *mapDef     // the .kconfig map, nil without externs that need it
	arenaTo *mapDef     // the arena that the globals are in

	targets       targets
	externsByName map[string]*extern
	sectionOf     map[btfx.ID]*btfx.Type // BTF variable → its data section
}

// role is what a section is for.
type role uint8

const (
	roleData role = iota + 1
	roleRodata
	roleBSS
	roleStructOps
	roleProgram
	roleRel
)

// readELF reads an object in libbpf's order, since each pass looks at what the
// ones before it found.
func readELF(r io.ReaderAt) (*elfObject, error) {
	f, err := openFile(r)
	if err != nil {
		return nil, err
	}
	o := &elfObject{file: f, roles: map[int]role{}, text: -1, externsByName: map[string]*extern{}}
	for _, pass := range []func() error{
		o.readSections,
		o.readFunctions,
		o.readBTF,
		o.readExterns,
		o.fixBTF,
		o.readMaps,
		o.readRelocations,
		o.readExtInfo,
	} {
		if err := pass(); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// License implements source.
func (o *elfObject) License() string { return o.license }

// BTF implements source.
func (o *elfObject) BTF() *btfx.Spec { return o.btf }

// namedSections are those that a name alone makes special.
var namedSections = map[string]func(*elfObject, *section, []byte) error{
	"license": (*elfObject).readLicense,
	"version": (*elfObject).readVersion,
	"maps": func(*elfObject, *section, []byte) error {
		return fmt.Errorf(`ELF section "maps": legacy map definitions are not supported, use ".maps" with BTF`)
	},
	".maps":    func(o *elfObject, s *section, _ []byte) error { o.mapsSec = s; return nil },
	".BTF":     func(o *elfObject, _ *section, b []byte) error { o.btfRaw = b; return nil },
	".BTF.ext": func(o *elfObject, _ *section, b []byte) error { o.extRaw = b; return nil },
}

// readSections finds out what each section is for and reads those that matter.
func (o *elfObject) readSections() error {
	for i := range o.file.sections {
		s := &o.file.sections[i]
		if s.ignored() {
			continue
		}
		if read := namedSections[s.Name]; read != nil && s.Type != elf.SHT_REL {
			data, err := o.file.read(s)
			if err == nil {
				err = read(o, s, data)
			}
			if err != nil {
				return err
			}
			continue
		}
		if err := o.classify(s); err != nil {
			return err
		}
	}
	return nil
}

// ignored are sections that hold nothing for us, whatever their names.
func (s *section) ignored() bool {
	name := strings.TrimPrefix(s.Name, ".rel")
	return s.Type == elf.SHT_STRTAB || s.Type == elf.SHT_SYMTAB || strings.HasPrefix(name, ".debug_") ||
		name != s.Name && (name == ".BTF" || name == ".BTF.ext")
}

// classify records the role of a section that its type and name give.
func (o *elfObject) classify(s *section) error {
	var r role
	switch {
	case s.Type == elf.SHT_PROGBITS && s.Size > 0:
		r = o.progbits(s)
	case s.Type == elf.SHT_NOBITS && isKindOf(s.Name, ".bss"):
		r = roleBSS
	case s.Type == elf.SHT_REL:
		r = roleRel
	}
	if r == 0 && s != o.arena {
		return nil
	}
	o.roles[s.index] = r
	_, err := o.file.read(s)
	return err
}

// arenaSection is where clang puts globals of address space 1.
const arenaSection = ".addr_space.1"

func (o *elfObject) progbits(s *section) role {
	switch name := strings.TrimPrefix(s.Name, "?"); {
	case s.Flags&elf.SHF_EXECINSTR != 0:
		if s.Name == ".text" {
			o.text = s.index
		}
		return roleProgram
	case isKindOf(s.Name, ".data"):
		return roleData
	case isKindOf(s.Name, ".rodata"):
		return roleRodata
	case name == ".struct_ops" || name == ".struct_ops.link":
		return roleStructOps
	case s.Name == arenaSection:
		o.arena = s
	}
	return 0
}

// isKindOf reports whether a section is base or "base.something".
func isKindOf(name, base string) bool {
	rest, ok := strings.CutPrefix(name, base)
	return ok && (rest == "" || rest[0] == '.')
}

// maxLicense is libbpf's limit, with the terminator.
const maxLicense = 64

func (o *elfObject) readLicense(_ *section, data []byte) error {
	data, _, _ = bytes.Cut(data, []byte{0})
	o.license = string(data[:min(len(data), maxLicense-1)])
	return nil
}

func (o *elfObject) readVersion(_ *section, data []byte) error {
	if len(data) != 4 {
		return fmt.Errorf(`ELF section "version": %d bytes, want 4`, len(data))
	}
	o.version = binary.LittleEndian.Uint32(data)
	return nil
}

// readBTF parses the object's BTF. Without maps and externs an object can do
// without, so that a damaged blob is then left out, as libbpf does.
func (o *elfObject) readBTF() error {
	if len(o.btfRaw) == 0 {
		return nil
	}
	spec, err := btfx.Parse(o.btfRaw, nil)
	if err == nil {
		o.btf, o.edit = spec, btfx.Edit(spec)
		return nil
	}
	if o.needsBTF() {
		return fmt.Errorf("ELF section %q: %w", ".BTF", err)
	}
	return nil
}

// needsBTF reports whether something in the object is described by BTF only.
func (o *elfObject) needsBTF() bool {
	if o.mapsSec != nil {
		return true
	}
	for _, r := range o.roles {
		if r == roleStructOps {
			return true
		}
	}
	for i := range o.file.symbols {
		if o.file.symbols[i].isExtern() {
			return true
		}
	}
	return false
}
