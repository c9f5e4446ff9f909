// This file defines listings: a program's instructions beside its source.

package skep

import (
	"context"
	"fmt"
	"strings"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/helper"
	"github.com/skepbpf/skep/internal/ir"
	"github.com/skepbpf/skep/internal/lower"
	"github.com/skepbpf/skep/internal/object"
	"github.com/skepbpf/skep/internal/verify"
)

// Listing is a linked program in words.
type Listing struct {
	Program, Section, Type string
	Err                    error // why the program could not be linked; no lines then
	Lines                  []ListingLine
}

// ListingLine is one instruction.
type ListingLine struct {
	// Func is the name of the function that starts here, "" elsewhere.
	Func string
	// Source is the source line that starts here and File its place
	// ("file.c:31"); "" where the line is that of the instruction before.
	Source, File string
	Insn         int    // slot
	Text         string // "(b7) r0 = 0", in the words of the kernel's log
	Note         string // what a load names: "map flows"
	// Lowered is what runs in the instruction's place: nothing for code that no
	// path reaches, nor in programs that the verifier does not accept.
	Lowered []string
}

// Disassemble links an object's programs for a target and lists them: all that
// load by default, or those that are named. It verifies them, too, since only
// what is accepted is lowered; the error is ctx's or about the request.
func Disassemble(ctx context.Context, obj *Object, t Target, programs []string) ([]Listing, error) {
	linked, err := obj.link(t, &object.LinkOptions{Programs: programs})
	if err != nil {
		return nil, err
	}
	var out []Listing
	for _, info := range obj.obj.Programs() {
		l := Listing{Program: info.Name, Section: info.Section, Type: typeName(info.Type)}
		if err := linked.Errors[info.Name]; err != nil {
			l.Err = err
			out = append(out, l)
			continue
		}
		if p, err := linked.Program(info.Name); err == nil {
			l.Lines = listProgram(p)
			addLowered(ctx, p, t, l.Lines)
			out = append(out, l)
		}
	}
	return out, ctx.Err()
}

// addLowered adds what runs, for programs that are accepted and whose helpers
// have bodies.
func addLowered(ctx context.Context, p *bytecode.Program, t Target, lines []ListingLine) {
	v, err := verify.Program(ctx, p, &verify.Options{Target: t.get(), Caps: CapsAll.set()})
	if err != nil {
		return
	}
	funcs := helper.Bodies()
	code, err := lower.Program(v, &lower.Env{
		Maps: standIns(len(p.Maps)),
		Func: func(id catalog.FuncID) (int32, bool) { return funcs.Number(string(id)) },
	})
	if err != nil {
		return
	}
	at := map[int]*ListingLine{}
	for i := range lines {
		at[lines[i].Insn] = &lines[i]
	}
	for i, op := range code.Ops {
		if l := at[int(code.Slots[i])]; l != nil {
			l.Lowered = append(l.Lowered, op.String())
		}
	}
}

// standIns take the place of maps where there are none: map 2 is at 3, its value
// at 0x3000.
func standIns(n int) []ir.MapRef {
	refs := make([]ir.MapRef, n)
	for i := range refs {
		refs[i] = ir.MapRef{Handle: uint64(i + 1), Value: uint64(i+1) << 12}
	}
	return refs
}

func listProgram(p *bytecode.Program) []ListingLine {
	names := bytecode.Names{Helper: catalog.HelperName}
	funcs := map[int]string{}
	for _, f := range p.FuncInfos {
		if t := p.BTF.Type(f.TypeID); t != nil {
			funcs[int(f.Insn)] = t.Name
		}
	}
	var lines []ListingLine
	var last *bytecode.LineInfo
	for pc := 0; pc < len(p.Insns); pc++ {
		l := ListingLine{Func: funcs[pc], Insn: pc, Text: string(p.AppendInsn(nil, pc, names)), Note: noteOf(p, pc)}
		if at := p.LineAt(pc); at != nil && (last == nil || at.Line != last.Line || at.File != last.File) {
			l.Source, l.File = strings.TrimSpace(at.Text), sourceOf(p, pc)
			last = at
		}
		lines = append(lines, l)
		if p.Insns[pc].IsLdImm64() {
			pc++
		}
	}
	return lines
}

// noteOf says what a 64-bit load names.
func noteOf(p *bytecode.Program, pc int) string {
	in := p.Insns[pc]
	if !in.IsLdImm64() || in.Imm < 0 || int(in.Imm) >= len(p.Maps) || pc+1 >= len(p.Insns) {
		return ""
	}
	switch in.Src {
	case bytecode.PseudoMapIdx:
		return "map " + p.Maps[in.Imm].Name
	case bytecode.PseudoMapIdxValue:
		return noteOfValue(p.Maps[in.Imm], int(p.Insns[pc+1].Imm))
	}
	return ""
}

func noteOfValue(m *bytecode.MapSpec, off int) string {
	for _, v := range variablesOf(m) {
		if off >= v.off && off < v.off+v.size {
			return "variable " + v.name
		}
	}
	return fmt.Sprintf("map %s value+%d", m.Name, off)
}
