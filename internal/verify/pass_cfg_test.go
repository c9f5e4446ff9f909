// This file defines tests of prune points, side effects of functions, and
// spills around calls that do not need them.

package verify

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
)

// marksOf lists an instruction's marks: p(rune), j(ump), f(orce), c(allback).
func (c *cfg) marksOf(pc int) string {
	marks := ""
	for _, m := range []struct {
		set  []bool
		name string
	}{{c.prune, "p"}, {c.jump, "j"}, {c.force, "f"}, {c.callsSyncCallback, "c"}} {
		if m.set[pc] {
			marks += m.name
		}
	}
	return marks
}

func TestMarks(t *testing.T) {
	for _, tt := range []struct {
		name  string
		insns []bytecode.Insn
		want  []string // by slot
	}{
		{"straight", code(movK(0, 0), movK(0, 0), exit()), []string{"", "", ""}},
		{"branch", code(movK(0, 0), jeqK(0, 0, 1), movK(0, 1), exit()), []string{"", "p", "", "pj"}},
		{"goto", code(movK(0, 0), ja(0), exit()), []string{"", "", "pj"}},
		{"may_goto", code(movK(0, 0), mayGoto(1), movK(0, 1), exit()), []string{"", "pf", "", "pj"}},
		{"helper", code(callHelper(7), exit()), []string{"", "pj"}},
		{"function", code(callSubprog(1), exit(), movK(0, 0), exit()), []string{"p", "pj", "pj", ""}},
		{"callback", code(funcRef(2, 4), callHelper(helperLoop), movK(0, 0), exit(), movK(0, 0), exit()),
			[]string{"p", "", "pjfc", "pj", "", "pj", ""}},
		{"timer", code(funcRef(2, 4), callHelper(helperTimerSetCallback), movK(0, 0), exit(), movK(0, 0), exit()),
			[]string{"p", "", "pj", "pj", "", "pj", ""}},
	} {
		s, _, r := findShape(&bytecode.Program{Insns: tt.insns}, testEnv(), testNames)
		if r != nil {
			t.Fatalf("%s: %v", tt.name, r)
		}
		var got []string
		for pc := range tt.insns {
			got = append(got, s.marksOf(pc))
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
	}
}

// TestEffects: what a function may do includes what those that it calls do, in
// whatever order they stand.
func TestEffects(t *testing.T) {
	const changes, sleeps = 101, 102
	env := testEnv()
	env.Helper = func(num int32) *catalog.Proto {
		return &catalog.Proto{ChangesPkt: num == changes, MightSleep: num == sleeps}
	}
	insns := code(
		callSubprog(1), exit(), // 0: calls 2
		callSubprog(1), exit(), // 2: calls 4
		callHelper(changes), callSubprog(1), exit(), // 4: calls 7
		callHelper(sleeps), exit(), // 7
	)
	s, _, r := findShape(&bytecode.Program{Insns: insns}, env, testNames)
	if r != nil {
		t.Fatal(r)
	}
	got := ""
	for _, sub := range s.subs {
		got += fmt.Sprintf("%d:%t,%t ", sub.Start, sub.ChangesPkt, sub.MightSleep)
	}
	if want := "0:true,true 2:true,true 4:true,true 7:false,true "; got != want {
		t.Errorf("effects %s, want %s", got, want)
	}
}

func TestFastcalls(t *testing.T) {
	const fp = bytecode.R10
	spill := func(reg uint8, off int16) bytecode.Insn { return stxDW(fp, off, reg) }
	fill := func(reg uint8, off int16) bytecode.Insn { return ldxDW(reg, fp, off) }
	env := testEnv()
	env.Helper = func(num int32) *catalog.Proto {
		return &catalog.Proto{Fastcall: num == 8}
	}
	for _, tt := range []struct {
		name    string
		insns   []bytecode.Insn
		pattern string // an x for each slot that is part of a pattern
		off     int16
		depth   int32 // of 16 bytes
	}{
		{"one register", code(spill(1, -16), callHelper(8), fill(1, -16), exit()), "x.x.", -8, 8},
		{"two registers", code(spill(2, -8), spill(1, -16), callHelper(8), fill(1, -16), fill(2, -8), exit()), "xx.xx.", 0, 0},
		{"call that is not inlined", code(spill(1, -16), callHelper(7), fill(1, -16), exit()), "x.x.", -8, 16},
		{"another slot", code(spill(1, -16), callHelper(8), fill(1, -8), exit()), "....", 0, 16},
		{"another register", code(spill(1, -16), callHelper(8), fill(2, -16), exit()), "....", 0, 16},
		{"the result", code(spill(0, -16), callHelper(8), fill(0, -16), exit()), "....", 0, 16},
		{"not the lowest slot", code(stxDW(fp, -24, 9), spill(1, -16), callHelper(8), fill(1, -16), exit()), ".....", 0, 16},
		{"entered in the middle", code(movK(0, 0), jeqK(0, 0, 1), spill(1, -16), callHelper(8), fill(1, -16), exit()), "......", 0, 16},
	} {
		s, _, r := findShape(&bytecode.Program{Insns: tt.insns}, env, testNames)
		if r != nil {
			t.Fatalf("%s: %v", tt.name, r)
		}
		got := ""
		for pc := range tt.insns {
			if s.fastcallPattern[pc] {
				got += "x"
			} else {
				got += "."
			}
		}
		if depth := s.trimmedDepth(0, s.subs[0], 16); got != tt.pattern || s.fastcallOff[0] != tt.off || depth != tt.depth {
			t.Errorf("%s: pattern %s, offset %d, depth %d; want %s, %d, %d", tt.name, got, s.fastcallOff[0], depth, tt.pattern, tt.off, tt.depth)
		}
	}
}
