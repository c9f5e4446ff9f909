// This file defines the file as ELF has it: sections, symbols and relocations, checked and bounded.

package object

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// maxFile bounds the bytes that one object makes us read: sections of a
// hostile file may overlap.
const maxFile = 64 << 20

// file is a relocatable ELF file for BPF.
type file struct {
	sections []section           // by section index
	symbols  []symbol            // by symbol index; 0 is the null symbol
	byName   map[string]*section // the first of each name
	left     uint64              // bytes that may still be read
}

// section is an ELF section. data is nil for those that are not read.
type section struct {
	*elf.Section
	index int
	data  []byte
}

// symbol is an ELF symbol.
type symbol struct {
	name  string
	value uint64
	size  uint64
	sec   elf.SectionIndex
	bind  elf.SymBind
	typ   elf.SymType
	vis   elf.SymVis
}

// relocation is one entry of a SHT_REL section.
type relocation struct {
	off uint64
	sym uint32
}

// relocSize is the size of an encoded relocation.
const relocSize = 16

// openFile reads the parts that the rest of the package looks at.
func openFile(r io.ReaderAt) (*file, error) {
	f, err := elf.NewFile(r)
	if err != nil {
		return nil, fmt.Errorf("ELF header: %w", err)
	}
	if err := checkHeader(&f.FileHeader); err != nil {
		return nil, err
	}
	e := &file{left: maxFile, byName: map[string]*section{}}
	for i, s := range f.Sections {
		e.sections = append(e.sections, section{Section: s, index: i})
	}
	for i := range e.sections {
		if s := &e.sections[i]; e.byName[s.Name] == nil {
			e.byName[s.Name] = s
		}
	}
	if err := e.readSymbols(f); err != nil {
		return nil, err
	}
	return e, nil
}

func checkHeader(h *elf.FileHeader) error {
	switch {
	case h.Class != elf.ELFCLASS64:
		return fmt.Errorf("ELF header: %v, want a 64-bit file", h.Class)
	case h.Data != elf.ELFDATA2LSB:
		return errors.New("ELF header: big-endian objects are not supported, compile for bpfel")
	case h.Type != elf.ET_REL:
		return fmt.Errorf("ELF header: %v, want a relocatable object file", h.Type)
	case h.Machine != elf.EM_BPF && h.Machine != elf.EM_NONE:
		return fmt.Errorf("ELF header: machine %v, want BPF", h.Machine)
	}
	return nil
}

func (e *file) readSymbols(f *elf.File) error {
	tables := 0
	for _, s := range e.sections {
		if s.Type == elf.SHT_SYMTAB {
			tables++
			if err := e.charge(s.FileSize); err != nil {
				return fmt.Errorf("ELF symbols: %w", err)
			}
		}
	}
	if tables > 1 {
		return errors.New("ELF symbols: more than one table")
	}
	syms, err := f.Symbols()
	if errors.Is(err, elf.ErrNoSymbols) {
		return errors.New("ELF symbols: none, the file is stripped")
	}
	if err != nil {
		return fmt.Errorf("ELF symbols: %w", err)
	}
	e.symbols = make([]symbol, 1, len(syms)+1)
	for _, s := range syms {
		e.symbols = append(e.symbols, symbol{
			name: s.Name, value: s.Value, size: s.Size, sec: s.Section,
			bind: elf.ST_BIND(s.Info), typ: elf.ST_TYPE(s.Info), vis: elf.ST_VISIBILITY(s.Other),
		})
	}
	return nil
}

// charge counts n bytes against maxFile before they are read or copied.
func (e *file) charge(n uint64) error {
	if n > e.left {
		return fmt.Errorf("%d bytes, more than an object may have", n)
	}
	e.left -= n
	return nil
}

// read returns the contents of a section, nil for one that has none in the file.
func (e *file) read(s *section) ([]byte, error) {
	if s.data != nil || s.Type == elf.SHT_NOBITS || s.FileSize == 0 {
		return s.data, nil
	}
	if s.Flags&elf.SHF_COMPRESSED != 0 {
		return nil, fmt.Errorf("ELF section %q: compressed", s.Name)
	}
	if err := e.charge(s.FileSize); err != nil {
		return nil, fmt.Errorf("ELF section %q: %w", s.Name, err)
	}
	data, err := s.Data()
	if err != nil {
		return nil, fmt.Errorf("ELF section %q: %w", s.Name, err)
	}
	s.data = data
	return data, nil
}

// relocations reads a SHT_REL section.
func (e *file) relocations(s *section) ([]relocation, error) {
	if s.Entsize != relocSize {
		return nil, fmt.Errorf("ELF section %q: entries of %d bytes, want %d", s.Name, s.Entsize, relocSize)
	}
	data, err := e.read(s)
	if err != nil {
		return nil, err
	}
	rels := make([]relocation, len(data)/relocSize)
	for i := range rels {
		b := data[i*relocSize:]
		rels[i] = relocation{
			off: binary.LittleEndian.Uint64(b),
			sym: uint32(binary.LittleEndian.Uint64(b[8:]) >> 32),
		}
		if int(rels[i].sym) >= len(e.symbols) {
			return nil, fmt.Errorf("ELF section %q: relocation %d against symbol %d of %d",
				s.Name, i, rels[i].sym, len(e.symbols))
		}
	}
	return rels, nil
}

// section returns the section that a symbol is in, nil for special indexes.
func (e *file) section(i elf.SectionIndex) *section {
	if i == elf.SHN_UNDEF || i >= elf.SHN_LORESERVE || int(i) >= len(e.sections) {
		return nil
	}
	return &e.sections[i]
}

// isExtern reports whether a symbol is one that the loader has to find.
func (s *symbol) isExtern() bool {
	return s.sec == elf.SHN_UNDEF && s.isGlobal() && s.typ == elf.STT_NOTYPE && s.name != ""
}

func (s *symbol) isGlobal() bool { return s.bind == elf.STB_GLOBAL || s.bind == elf.STB_WEAK }

// isHidden: the linker may not give the symbol to other objects. libbpf treats
// hidden functions and variables as static ones.
func (s *symbol) isHidden() bool { return s.vis == elf.STV_HIDDEN || s.vis == elf.STV_INTERNAL }

// label names what a relocation is against, for people.
func (e *file) label(s *symbol) string {
	if s.name == "" && s.typ == elf.STT_SECTION {
		if sec := e.section(s.sec); sec != nil {
			return sec.Name
		}
	}
	return s.name
}
