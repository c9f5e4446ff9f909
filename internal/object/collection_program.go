// This file defines how a program of a CollectionSpec is linked.

package object

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
)

// collectionProgram is a program whose records wait for the BTF that they
// refer to.
type collectionProgram struct {
	*bytecode.Program
	funcInfo, lineInfo extRecord
}

// prepare does everything that can be done before the BTF is encoded.
func (l *collectionLinker) prepare(spec *ebpf.ProgramSpec) error {
	p := &collectionProgram{Program: &bytecode.Program{
		Name: spec.Name, Section: spec.SectionName, Type: bytecode.ProgType(spec.Type),
		ExpectedAttach: bytecode.AttachType(spec.AttachType), Flags: spec.Flags,
		License: spec.License, KernVersion: cmp.Or(spec.KernelVersion, l.env.KernelVersion),
		AttachTo: spec.AttachTo,
	}}
	if p.Type == bytecode.ProgUnspec {
		p.Type = l.opts.TypeOverride
	}
	if p.Type == bytecode.ProgUnspec {
		return fmt.Errorf("section %q: %w", p.Section, ErrNoType)
	}
	insns := inCallOrder(spec.Instructions)
	var err error
	// Before CO-RE, which drops the records of instructions that it poisons.
	if p.funcInfo, p.lineInfo, err = btf.MarshalExtInfos(insns, &l.types); err != nil {
		return fmt.Errorf("encode line info: %w", err)
	}
	if err := l.relocate(insns); err != nil {
		return err
	}
	if err := p.encode(insns, l); err != nil {
		return err
	}
	if err := l.attach(p.Program); err != nil {
		return err
	}
	l.progs = append(l.progs, p)
	return nil
}

// inCallOrder copies a program's instructions with its functions in the order
// in which a walk over calls first meets them, as Read has them; cilium/ebpf
// has all that a function calls before what those call.
func inCallOrder(insns asm.Instructions) asm.Instructions {
	starts := map[string]int{}
	bodies := functionBodies(insns, starts)
	if len(bodies) > maxFunctions {
		return slices.Clone(insns) // the verifier refuses it in any order
	}
	out := make(asm.Instructions, 0, len(insns))
	seen := make([]bool, len(bodies))
	var add func(i int)
	add = func(i int) {
		seen[i] = true
		out = append(out, bodies[i]...)
		for j := range bodies[i] {
			in := &bodies[i][j]
			if to, ok := starts[in.Reference()]; ok && in.IsFunctionReference() && !seen[to] {
				add(to)
			}
		}
	}
	for i := range bodies {
		if !seen[i] {
			add(i)
		}
	}
	return out
}

// functionBodies cuts a program at the instructions that functions start at,
// and says which body has which name.
func functionBodies(insns asm.Instructions, starts map[string]int) []asm.Instructions {
	var bodies []asm.Instructions
	first := 0
	for i := range insns {
		if i > first && btf.FuncMetadata(&insns[i]) != nil {
			bodies = append(bodies, insns[first:i])
			first = i
		}
		if i == first && insns[i].Symbol() != "" {
			starts[insns[i].Symbol()] = len(bodies)
		}
	}
	return append(bodies, insns[first:])
}

// relocate applies the CO-RE relocations and finds the kfuncs.
func (l *collectionLinker) relocate(insns asm.Instructions) error {
	var relocs []*btf.CORERelocation
	var at []*asm.Instruction
	for i := range insns {
		in := &insns[i]
		if r := btf.CORERelocationMetadata(in); r != nil {
			relocs, at = append(relocs, r), append(at, in)
		}
		if err := l.extern(in); err != nil {
			return fmt.Errorf("instruction %d: %w", i, err)
		}
	}
	if len(relocs) == 0 {
		return nil
	}
	if l.env.BTF == nil {
		return fmt.Errorf("CO-RE: %w", ErrNoBTF)
	}
	target, err := l.env.BTF.Typed()
	if err != nil {
		return err
	}
	fixups, err := btf.CORERelocate(relocs, []*btf.Spec{target}, binary.LittleEndian, l.types.Add)
	if err != nil {
		return fmt.Errorf("CO-RE: %w", err)
	}
	for i := range fixups {
		if err := fixups[i].Apply(at[i]); err != nil {
			return fmt.Errorf("CO-RE %v: %w", relocs[i], err)
		}
	}
	return nil
}

// extern resolves a call of a kernel function, whose name is all that a
// collection shows of externs.
func (l *collectionLinker) extern(in *asm.Instruction) error {
	name := in.Reference()
	switch {
	case in.IsKfuncCall() && in.Constant == -1:
		if l.env.BTF == nil {
			return fmt.Errorf("extern %q: %w", name, ErrNoBTF)
		}
		id, ok := l.env.BTF.Find(btfx.EssentialName(name), btfx.KindFunc)
		if !ok {
			return fmt.Errorf("extern %q: %w", name, ErrUnresolved)
		}
		in.Constant = int64(id)
	case in.OpCode.IsDWordLoad() && in.Src == 0 && name != "":
		return fmt.Errorf("extern %q: ksyms of a collection are not supported, use Read", name)
	case in.IsLoadFromMap() && l.specs[name] == nil:
		return fmt.Errorf("map %q: not in the collection (.kconfig is not supported, use Read)", name)
	}
	return nil
}

// encode makes bytecode of the instructions, with maps by index.
func (p *collectionProgram) encode(insns asm.Instructions, l *collectionLinker) error {
	var buf bytes.Buffer
	if err := insns.Marshal(&buf, binary.LittleEndian); err != nil {
		return fmt.Errorf("encode instructions: %w", err)
	}
	p.Insns = decodeInsns(buf.Bytes())
	index := map[string]int32{}
	for iter := insns.Iterate(); iter.Next(); {
		if iter.Ins.IsLoadOfFunctionPointer() {
			p.Insns[iter.Offset+1].Imm = 0 // not the upper half of a distance
		}
		if !iter.Ins.IsLoadFromMap() {
			continue
		}
		name := iter.Ins.Reference()
		i, ok := index[name]
		if !ok {
			i = int32(len(p.Maps))
			index[name] = i
			p.Maps = append(p.Maps, l.specs[name])
		}
		in := &p.Insns[iter.Offset]
		if in.Src == bytecode.PseudoMapFD {
			in.Src, p.Insns[iter.Offset+1].Imm = bytecode.PseudoMapIdx, 0
		} else {
			in.Src = bytecode.PseudoMapIdxValue
		}
		in.Imm = i
	}
	return nil
}

// finish decodes the function and line records, now that the BTF exists.
func (p *collectionProgram) finish(spec *btfx.Spec) {
	p.BTF = spec
	for r := p.funcInfo; len(r) >= int(btf.FuncInfoSize); r = r[btf.FuncInfoSize:] {
		p.FuncInfos = append(p.FuncInfos, bytecode.FuncInfo{Insn: r.u32(0), TypeID: r.u32(1)})
	}
	for r := p.lineInfo; len(r) >= int(btf.LineInfoSize); r = r[btf.LineInfoSize:] {
		p.LineInfos = append(p.LineInfos, newLineInfo(spec, r.u32(0), r.u32(1), r.u32(2), r.u32(3)))
	}
}

// attach finds what the program attaches to.
func (l *collectionLinker) attach(p *bytecode.Program) error {
	if t, ok := l.opts.Targets[p.Name]; ok {
		p.AttachProg = t.Prog
		if t.Func != "" {
			p.AttachTo = t.Func
		}
	}
	switch p.Type {
	case bytecode.ProgStructOps:
		return errors.New("struct_ops of a collection are not supported, use Read")
	case bytecode.ProgTracing, bytecode.ProgLSM, bytecode.ProgExt:
	default:
		return nil
	}
	var err error
	if p.AttachBTFID, err = attachID(l.env, p); err != nil {
		return fmt.Errorf("attach target %q: %w", p.AttachTo, err)
	}
	return nil
}
