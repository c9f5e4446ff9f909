// This file tests that programs keep their meaning when their length changes.

package fuzz

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/internal/bytecode"
)

// jumpy jumps forth and back, calls, and loads a function's address.
func jumpy() *bytecode.Program {
	a := &asm{}
	top, out, fn := a.newLabel(), a.newLabel(), a.newLabel()
	a.emit(movK(r0, 0))
	a.place(top)
	a.loadFunc(r2, fn)
	a.jump(jmpK(w64, bytecode.JmpEq, r0, 1), out)
	a.callFunc(fn)
	a.goToLong(top)
	a.place(out)
	a.emit(exit())
	a.place(fn)
	a.emit(movK(r0, 1), exit())
	code, _ := a.finish()
	return &bytecode.Program{Insns: code, FuncInfos: []bytecode.FuncInfo{{Insn: 0}, {Insn: uint32(a.at[fn]), TypeID: 2}}}
}

func TestSpliceKeepsTargets(t *testing.T) {
	p := jumpy()
	for _, row := range []struct {
		name     string
		from, to int
		with     []insn
	}{
		{"nothing", 1, 1, nil},
		{"insert at the beginning", 0, 0, []insn{movK(r3, 3)}},
		{"insert inside", 3, 3, []insn{movK(r3, 3), movK(r3, 4)}},
		{"insert at the end", 9, 9, []insn{exit()}},
		{"make longer", 0, 1, []insn{movK(r3, 3), movK(r0, 0)}},
	} {
		q, ok := splice(p, row.from, row.to, row.with)
		if !ok {
			t.Errorf("%s: a jump is too long", row.name)
			continue
		}
		back, ok := splice(q, row.from, row.from+len(row.with), p.Insns[row.from:row.to])
		if !ok {
			t.Errorf("%s: no way back", row.name)
			continue
		}
		if diff := cmp.Diff(Disassemble(p), Disassemble(back)); diff != "" && row.from != row.to {
			t.Errorf("%s:\n%s", row.name, diff)
		}
		if got := targetsOf(q); !slices.Equal(got, targetsOf(p)) {
			t.Errorf("%s: goes to %v, want %v", row.name, got, targetsOf(p))
		}
	}
}

// targetsOf lists what each reference leads to, as the instruction there.
func targetsOf(p *bytecode.Program) (list []insn) {
	for pc, in := range p.Insns {
		switch {
		case in.IsSubprogCall(), in.IsFuncRef():
			list = append(list, p.Insns[pc+1+int(in.Imm)])
		case in.Jumps() && in.JumpTarget(pc) > pc:
			list = append(list, p.Insns[in.JumpTarget(pc)])
		}
	}
	return list
}

func TestSpliceRefusesLongJumps(t *testing.T) {
	p := jumpy()
	if _, ok := splice(p, 4, 4, make([]insn, 40_000)); ok {
		t.Error("a jump over 40,000 instructions has no room in 16 bits")
	}
}

func TestSpliceFuncInfos(t *testing.T) {
	p := jumpy()
	fn := int(p.FuncInfos[1].Insn)
	q, _ := splice(p, 1, 3, nil)
	if got := int(q.FuncInfos[1].Insn); got != fn-2 {
		t.Errorf("the function begins at %d, want %d", got, fn-2)
	}
	if q, _ := splice(p, fn, len(p.Insns), nil); len(q.FuncInfos) != 1 {
		t.Errorf("%d functions are left, want 1", len(q.FuncInfos))
	}
	if int(p.FuncInfos[1].Insn) != fn {
		t.Error("the program itself was changed")
	}
}

// The smallest program that still has what shows it.
func TestMinimize(t *testing.T) {
	o := Options{Seed: 1}
	for i := range 20 {
		p := o.Sample(i).Prog
		shows := func(p *bytecode.Program) bool {
			return slices.ContainsFunc(p.Insns, func(in insn) bool { return in.IsExit() })
		}
		if q := minimize(p, shows); len(q.Insns) != 1 || !q.Insns[0].IsExit() {
			t.Errorf("program %d: left are\n%s", i, Disassemble(q))
		}
	}
}
