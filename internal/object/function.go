// This file defines the programs and functions of an object.

package object

import (
	"cmp"
	"debug/elf"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
)

// function is a run of instructions under one symbol: an entry program, or,
// in .text, a function that programs call.
type function struct {
	name     string
	section  string // without "?"
	secIndex int
	start    int // slot in the section
	insns    []bytecode.Insn

	def      *sectionDef
	autoload bool
	global   bool
	hidden   bool

	relocs []reloc     // by slot
	cores  []coreReloc // in the order of the file
	funcs  []bytecode.FuncInfo
	lines  []bytecode.LineInfo

	// err is why no program with this function can be linked.
	err error
}

// end is the slot behind the function in its section.
func (fn *function) end() int { return fn.start + len(fn.insns) }

// readFunctions makes a function of each function symbol.
func (o *elfObject) readFunctions() error {
	for i := range o.file.symbols {
		sym := &o.file.symbols[i]
		sec := o.file.section(sym.sec)
		if sec == nil || o.roles[sec.index] != roleProgram || sym.typ != elf.STT_FUNC {
			continue
		}
		fn, err := o.newFunction(sym, sec)
		if err != nil {
			return fmt.Errorf("ELF section %q: function %q: %w", sec.Name, sym.name, err)
		}
		o.funcs = append(o.funcs, fn)
	}
	slices.SortStableFunc(o.funcs, func(a, b *function) int {
		return cmp.Or(cmp.Compare(a.secIndex, b.secIndex), cmp.Compare(a.start, b.start))
	})
	return nil
}

func (o *elfObject) newFunction(sym *symbol, sec *section) (*function, error) {
	size := uint64(len(sec.data))
	if sym.size == 0 || sym.size%bytecode.InsnSize != 0 || sym.value%bytecode.InsnSize != 0 ||
		sym.value > size || sym.size > size-sym.value {
		return nil, fmt.Errorf("bytes %d to %d of %d are not instructions", sym.value, sym.value+sym.size, size)
	}
	if sec.index != o.text && sym.bind == elf.STB_LOCAL {
		return nil, fmt.Errorf("a static function cannot be a program")
	}
	if err := o.file.charge(sym.size); err != nil { // functions may overlap
		return nil, err
	}
	name, manual := strings.CutPrefix(sec.Name, "?")
	return &function{
		name: sym.name, section: name, secIndex: sec.index,
		start:    int(sym.value / bytecode.InsnSize),
		insns:    decodeInsns(sec.data[sym.value : sym.value+sym.size]),
		def:      findSection(name),
		autoload: !manual,
		global:   sym.bind != elf.STB_LOCAL,
		hidden:   sym.bind != elf.STB_LOCAL && sym.isHidden(),
	}, nil
}

func decodeInsns(data []byte) []bytecode.Insn {
	insns := make([]bytecode.Insn, len(data)/bytecode.InsnSize)
	for i := range insns {
		insns[i] = bytecode.DecodeInsn(data[i*bytecode.InsnSize:])
	}
	return insns
}

// isSubprog reports whether a function is one that programs call.
func (o *elfObject) isSubprog(fn *function) bool { return fn.secIndex == o.text }

// functionAt returns the function that has a slot of a section, nil for slots
// between functions (a weak function that another replaced).
func (o *elfObject) functionAt(secIndex, slot int) *function {
	i := sort.Search(len(o.funcs), func(i int) bool {
		fn := o.funcs[i]
		return fn.secIndex > secIndex || fn.secIndex == secIndex && fn.start > slot
	})
	if i == 0 {
		return nil
	}
	if fn := o.funcs[i-1]; fn.secIndex == secIndex && slot < fn.end() {
		return fn
	}
	return nil
}

// entries are the functions that are programs.
func (o *elfObject) entries() []*function {
	var out []*function
	for _, fn := range o.funcs {
		if !o.isSubprog(fn) {
			out = append(out, fn)
		}
	}
	return out
}

// Programs implements source.
func (o *elfObject) Programs() []ProgramInfo {
	var out []ProgramInfo
	for _, fn := range o.entries() {
		out = append(out, ProgramInfo{
			Name: fn.name, Section: fn.section, Insns: len(fn.insns), Autoload: fn.autoload,
			Type: fn.def.typ, ExpectedAttach: fn.def.attach,
		})
	}
	return out
}

// btfFuncs calls visit for each BTF function of the object.
func btfFuncs(b *btfx.Builder, visit func(*btfx.Type)) {
	for id := btfx.ID(1); id < b.NextID(); id++ {
		if t := b.Type(id); t.Kind == btfx.KindFunc {
			visit(t)
		}
	}
}
