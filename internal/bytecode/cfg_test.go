// This file defines tests of the control flow inside a function.

package bytecode

import (
	"math/rand/v2"
	"slices"
	"testing"
)

var (
	nop     = Insn{Op: ClassALU64 | ALUMov}
	exitOp  = Insn{Op: ClassJMP | JmpExit}
	callOp  = Insn{Op: ClassJMP | JmpCall, Imm: 7}
	loadOp  = Insn{Op: OpLdImm64}
	gotolOp = func(imm int32) Insn { return Insn{Op: ClassJMP32 | JmpA, Imm: imm} }
	gotoOp  = func(off int16) Insn { return Insn{Op: ClassJMP | JmpA, Off: off} }
	ifOp    = func(off int16) Insn { return Insn{Op: ClassJMP | JmpEq, Off: off} }
)

func TestSuccessors(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   Insn
		want []int
	}{
		{"straight", nop, []int{3}},
		{"call", callOp, []int{3}},
		{"64-bit load", loadOp, []int{4}},
		{"exit", exitOp, nil},
		{"goto", gotoOp(-1), []int{2}},
		{"gotol", gotolOp(2), []int{5}},
		{"branch", ifOp(2), []int{3, 5}},
		{"branch to the next", ifOp(0), []int{3}},
		{"branch out of the program", ifOp(100), []int{3}},
		{"goto before the program", gotoOp(-100), nil},
		{"may_goto", Insn{Op: ClassJMP | JmpJCOND, Off: -2}, []int{3, 1}},
	} {
		insns := []Insn{nop, nop, tt.in, nop, nop, exitOp}
		if succ, n := Successors(insns, 2); !slices.Equal(succ[:n], tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, succ[:n], tt.want)
		}
	}
	if _, n := Successors([]Insn{nop}, 0); n != 0 {
		t.Error("the last instruction leads on")
	}
}

func TestSCC(t *testing.T) {
	for _, tt := range []struct {
		name  string
		insns []Insn
		want  []int32
	}{
		{"none", []Insn{nop, ifOp(1), nop, exitOp}, []int32{0, 0, 0, 0}},
		{"loop", []Insn{nop, nop, ifOp(-2), exitOp}, []int32{0, 1, 1, 0}},
		{"onto itself", []Insn{nop, ifOp(-1), exitOp}, []int32{0, 1, 0}},
		{"two", []Insn{ifOp(-1), nop, ifOp(-2), exitOp}, []int32{2, 1, 1, 0}},
		{"nested", []Insn{nop, nop, ifOp(-2), ifOp(-4), exitOp}, []int32{1, 1, 1, 1, 0}},
		{"around a 64-bit load", []Insn{loadOp, {}, ifOp(-3), exitOp}, []int32{1, 0, 1, 0}},
	} {
		if got := SCC(tt.insns); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestGraphLaws: two instructions have one loop's number exactly if each leads
// to the other; in a postorder every instruction but the first stands before
// one that leads to it.
func TestGraphLaws(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		insns := randomFlow(rng)
		reach := reachability(insns)
		scc := SCC(insns)
		place := map[int]int{}
		for i, pc := range Postorder(insns, 0) {
			place[int(pc)] = i
		}
		for a := range insns {
			if _, ok := place[a]; ok != (a == 0 || reach[0][a]) {
				t.Fatalf("insn %d in the postorder: %v", a, ok)
			}
			for b := range insns {
				if same, cycle := scc[a] != 0 && scc[a] == scc[b], reach[a][b] && reach[b][a]; same != cycle {
					t.Fatalf("insns %d and %d: one loop %v, on a cycle %v", a, b, same, cycle)
				}
			}
			if _, reached := place[a]; reached && a != 0 && !beforeSome(insns, place, a) {
				t.Fatalf("insn %d stands behind all that lead to it", a)
			}
		}
	}
}

// beforeSome reports whether pc has a place before one that leads to it.
func beforeSome(insns []Insn, place map[int]int, pc int) bool {
	for from, at := range place {
		succ, n := Successors(insns, from)
		if slices.Contains(succ[:n], pc) && place[pc] < at {
			return true
		}
	}
	return false
}

func randomFlow(rng *rand.Rand) []Insn {
	insns := make([]Insn, 12)
	for pc := range insns {
		switch target := int16(rng.IntN(len(insns)) - pc - 1); rng.IntN(4) {
		case 0:
			insns[pc] = ifOp(target)
		case 1:
			insns[pc] = gotoOp(target)
		case 2:
			insns[pc] = exitOp
		default:
			insns[pc] = nop
		}
	}
	return insns
}

// reachability says for each pair whether a path of at least one edge leads
// from the first to the second.
func reachability(insns []Insn) [][]bool {
	reach := make([][]bool, len(insns))
	for pc := range insns {
		reach[pc] = make([]bool, len(insns))
		succ, n := Successors(insns, pc)
		for _, s := range succ[:n] {
			reach[pc][s] = true
		}
	}
	for k := range insns {
		for i := range insns {
			for j := range insns {
				reach[i][j] = reach[i][j] || reach[i][k] && reach[k][j]
			}
		}
	}
	return reach
}
