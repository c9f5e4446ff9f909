// This file defines how a program is put together with the functions that it calls.

package object

import (
	"errors"
	"fmt"
	"strings"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
)

// assembly is a program as it grows. Functions come behind the program in the
// order in which a walk over calls first meets them:
//
//	┌─────────┬──────┬──────┬──────┐   main calls subA and subC,
//	│  main   │ subA │ subB │ subC │   subA calls subB
//	└─────────┴──────┴──────┴──────┘
type assembly struct {
	l     *linker
	insns []bytecode.Insn
	funcs []bytecode.FuncInfo
	lines []bytecode.LineInfo
	at    map[*function]int // first slot of each function

	maps   []*bytecode.MapSpec
	mapIdx map[*mapDef]int32
}

// assemble puts main and everything that it needs together.
func (a *assembly) assemble(main *function) error {
	if err := a.add(main); err != nil {
		return err
	}
	cb, err := a.l.o.exceptionCallback(main)
	if err != nil || cb == nil {
		return err
	}
	return a.need(cb)
}

// need adds a function unless it is there already.
func (a *assembly) need(fn *function) error {
	if _, ok := a.at[fn]; ok {
		return nil
	}
	if err := a.add(fn); err != nil {
		return fmt.Errorf("function %q: %w", fn.name, err)
	}
	return nil
}

// add appends a function, and, while it is at it, those that it calls.
func (a *assembly) add(fn *function) error {
	insns, err := a.l.code(fn)
	if err != nil {
		return err
	}
	if a.l.left -= len(insns); a.l.left < 0 || len(a.at) >= maxFunctions {
		return errTooLarge
	}
	base := len(a.insns)
	a.at[fn] = base
	a.insns = append(a.insns, insns...)
	if err := a.addInfo(fn, uint32(base)); err != nil {
		return err
	}
	refs := relocCursor{relocs: fn.relocs}
	for slot := range insns {
		if err := a.relocate(fn, base, slot, refs.at(slot)); err != nil {
			return fmt.Errorf("instruction %d: %w", slot, err)
		}
	}
	return nil
}

// relocCursor finds relocations for ascending slots.
type relocCursor struct{ relocs []reloc }

// at returns the relocation of a slot, nil when it has none.
func (c *relocCursor) at(slot int) *reloc {
	for len(c.relocs) > 0 && c.relocs[0].slot < slot {
		c.relocs = c.relocs[1:]
	}
	if len(c.relocs) > 0 && c.relocs[0].slot == slot {
		return &c.relocs[0]
	}
	return nil
}

// addInfo appends a function's records. A program without them goes without;
// one that has them needs them of all its functions.
func (a *assembly) addInfo(fn *function, base uint32) error {
	first := base == 0
	if (first || len(a.funcs) > 0) && !a.addFuncs(fn, base) && !first {
		return errors.New("no function info, but the program has it")
	}
	if (first || len(a.lines) > 0) && !a.addLines(fn, base) && !first {
		return errors.New("no line info, but the program has it")
	}
	return nil
}

func (a *assembly) addFuncs(fn *function, base uint32) bool {
	for _, f := range fn.funcs {
		f.Insn += base
		a.funcs = append(a.funcs, f)
	}
	return len(fn.funcs) > 0
}

func (a *assembly) addLines(fn *function, base uint32) bool {
	for _, line := range fn.lines {
		line.Insn += base
		a.lines = append(a.lines, line)
	}
	return len(fn.lines) > 0
}

// relocate makes the instruction at a slot of fn refer to what it should.
func (a *assembly) relocate(fn *function, base, slot int, r *reloc) error {
	in := &a.insns[base+slot]
	switch {
	case r == nil && in.IsSubprogCall():
		return a.call(base+slot, fn.start+slot+int(in.Imm)+1)
	case r == nil && in.IsFuncRef():
		return errors.New("address of a function without a relocation")
	case r == nil:
		return nil
	case r.kind == relocCall:
		return a.call(base+slot, int(r.off/bytecode.InsnSize)+int(in.Imm)+1)
	case r.kind == relocExtern && !in.IsLdImm64():
		return a.callExtern(in, r.ext)
	case slot+1 >= len(fn.insns):
		return errors.New("half of a 64-bit load")
	case r.kind == relocFunc:
		in.Src = bytecode.PseudoFunc
		return a.call(base+slot, (int(r.off)+int(in.Imm))/bytecode.InsnSize)
	case r.kind == relocMap:
		in.Src, in.Imm = bytecode.PseudoMapIdx, a.mapIndex(r.m)
		return nil
	case r.kind == relocData:
		a.loadValue(base+slot, r.m, uint32(in.Imm)+uint32(r.off))
		return nil
	}
	return a.loadExtern(base+slot, r.ext)
}

// call makes a call, or a load of an address, go to the function at a slot of
// .text.
func (a *assembly) call(at, target int) error {
	o := a.l.o
	var fn *function
	if o.text >= 0 {
		fn = o.functionAt(o.text, target)
	}
	if fn == nil || fn.start != target {
		return fmt.Errorf("no function at slot %d of .text", target)
	}
	if err := a.need(fn); err != nil {
		return err
	}
	a.insns[at].Imm = int32(a.at[fn] - at - 1)
	return nil
}

// mapIndex returns the index of a map in the program's list.
func (a *assembly) mapIndex(m *mapDef) int32 {
	i, ok := a.mapIdx[m]
	if !ok {
		i = int32(len(a.maps))
		a.maps = append(a.maps, a.l.specs[m])
		a.mapIdx[m] = i
	}
	return i
}

// loadValue makes a 64-bit load that of an address in a map's value.
func (a *assembly) loadValue(at int, m *mapDef, off uint32) {
	a.insns[at].Src, a.insns[at].Imm = bytecode.PseudoMapIdxValue, a.mapIndex(m)
	a.insns[at+1].Imm = int32(off)
}

const exceptionTag = "exception_callback:"

// exceptionCallback returns the function that a program's decl tag names, nil
// without one. Of several tags none counts: the verifier refuses them.
func (o *elfObject) exceptionCallback(main *function) (*function, error) {
	var names []string
	for _, tag := range o.globalFuncTags(main.name) {
		if name, ok := strings.CutPrefix(tag, exceptionTag); ok {
			names = append(names, name)
		}
	}
	if len(names) != 1 {
		return nil, nil
	}
	switch fn := o.targets.subprogs[names[0]]; {
	case fn == nil:
		return nil, fmt.Errorf("exception callback %q: no such function", names[0])
	case !fn.global || fn.hidden:
		return nil, fmt.Errorf("exception callback %q: not a global function", names[0])
	default:
		return fn, nil
	}
}

// globalFuncTags are the decl tags of a global function.
func (o *elfObject) globalFuncTags(name string) []string {
	if o.btf == nil {
		return nil
	}
	for _, id := range o.btf.Named(name) {
		if t := o.btf.Type(id); t.Kind == btfx.KindFunc && t.Linkage == linkageGlobal {
			return o.btf.DeclTags(id, -1)
		}
	}
	return nil
}
