// This file defines tests of the figures.

package conformance

import (
	"bytes"
	"errors"
	"strings"
	"syscall"
	"testing"
)

// figureOf counts one figure over outcomes.
func figureOf(t *testing.T, key string, outcomes ...*Outcome) *Figure {
	t.Helper()
	for _, f := range (&Report{Outcomes: outcomes}).Figures() {
		if f.Key == key {
			return &f
		}
	}
	t.Fatalf("no figure %q", key)
	return nil
}

// outcomeIn judges a program of a file.
func outcomeIn(file string, k *Answer, s *SkepAnswer) *Outcome {
	return Judge(&Case{Object: &CorpusObject{Name: file, CPU: "v3"}}, k, s)
}

func TestFigures(t *testing.T) {
	var (
		yes     = func(work int) *SkepAnswer { return &SkepAnswer{Verdict: Accept, Processed: work} }
		no      = func(line string) *SkepAnswer { return &SkepAnswer{Verdict: Reject, Line: line, Processed: 7} }
		unknown = &SkepAnswer{Verdict: Unsupported, Line: "kfunc x"}
		refused = &Answer{Asked: true, Errno: syscall.EPERM}
		large   = "BPF program is too large. Processed 1000001 insn"
	)
	for _, tt := range []struct {
		name, key string
		o         *Outcome
		want      string // "agree/total" of what is as wished
	}{
		{"accepted", "other accepted", outcomeIn("f", accepted(), yes(7)), "1/1"},
		{"not accepted", "other accepted", outcomeIn("f", accepted(), unknown), "0/1"},
		{"other group", "other accepted", outcomeIn("verifier_f", accepted(), yes(7)), "0/0"},
		{"rejected", "other rejected", outcomeIn("f", rejected("a"), no("b")), "1/1"},
		{"unsupported is not rejected", "other rejected", outcomeIn("f", rejected("a"), unknown), "0/1"},
		{"another line", "other message", outcomeIn("f", rejected("a"), no("b")), "0/1"},
		{"lines of what both reject only", "other message", outcomeIn("f", rejected("a"), unknown), "0/0"},
		{"false accept", "other false accepts", outcomeIn("f", rejected("a"), yes(7)), "0/1"},
		{"no false accept", "verifier false accepts", outcomeIn("verifier_f", rejected("a"), unknown), "1/1"},
		{"complexity", "verifier complexity", outcomeIn("verifier_f", rejected(large), no(large)), "1/1"},
		{"complexity of another kind", "verifier complexity", outcomeIn("verifier_f", rejected(large), no("The sequence of 8193 jumps is too complex.")), "0/1"},
		{"annotated", "other annotated", Judge(annotated(true), refused, no("a")), "1/1"},
		{"against the annotation", "other annotated", Judge(annotated(true), refused, yes(7)), "0/1"},
		{"the kernel's word is not an annotation's", "other annotated", Judge(annotated(true), rejected("a"), no("a")), "0/0"},
		{"crash", "other unjudged", outcomeIn("f", refused, &SkepAnswer{Verdict: Failed}), "0/1"},
		{"unsupported", "other unsupported", outcomeIn("f", refused, unknown), "0/1"},
		{"same work", "work", outcomeIn("f", accepted(), yes(7)), "1/1"},
		{"more work", "work", outcomeIn("f", accepted(), yes(9)), "0/1"},
		{"work on the way to a rejection", "work", outcomeIn("f", rejected("a"), no("a")), "0/0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := figureOf(t, tt.key, tt.o).counts(); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestFigureGoals(t *testing.T) {
	for _, tt := range []struct {
		name string
		f    Figure
		met  bool
		want string // share, goal
	}{
		{"just reached", Figure{Goal: 98, Count: Count{Agree: 98, Total: 100}}, true, "98.0 %, ≥ 98 %"},
		{"cut, not rounded", Figure{Goal: 100, Count: Count{Agree: 9999, Total: 10000}}, false, "99.9 %, all"},
		{"at most", Figure{Goal: 1, Inverse: true, Count: Count{Agree: 98, Total: 100}}, false, "2.0 %, ≤ 1 %"},
		{"none", Figure{Inverse: true, Count: Count{Agree: 5, Total: 5}}, true, "0.0 %, none"},
		{"one of many", Figure{Inverse: true, Count: Count{Agree: 9999, Total: 10000}}, false, "0.0 %, none"},
		{"nothing counted", Figure{Goal: 95}, true, "-, ≥ 95 %"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.f.shown().share() + ", " + tt.f.goal(); got != tt.want || tt.f.Met() != tt.met {
				t.Errorf("got %s, reached %v", got, tt.f.Met())
			}
		})
	}
}

// Programs that do not link are listed, and agree with no annotation.
func TestFiguresUnlinked(t *testing.T) {
	r := sampleReport()
	wanted := annotated(true)
	wanted.LinkErr = errors.New(`extern "f": not in the target`)
	r.Unlinked = []*Case{wanted, {Object: wanted.Object, LinkErr: errors.New(`section "x": names no program type`)}}
	var b bytes.Buffer
	r.PrintFigures(&b)
	for _, w := range []string{
		"--  others: verdict as annotated, where the kernel does not look      0.0 %  0/1 ",
		"1  not linked: the section names no program type",
		"others, unsupported: 1\n      1  other kfuncs\n",
	} {
		if !strings.Contains(b.String(), w) {
			t.Errorf("lacks %q:\n%s", w, b.String())
		}
	}
}

// A floor holds figures, those to be kept low too.
func TestFloorOfFigures(t *testing.T) {
	good := &Report{Outcomes: []*Outcome{outcomeIn("f", rejected("a"), &SkepAnswer{Verdict: Reject, Line: "a"})}}
	bad := &Report{Outcomes: []*Outcome{outcomeIn("f", rejected("a"), &SkepAnswer{Verdict: Unsupported})}}
	if below := good.Floor().Below(bad.Floor()); len(below) > 0 {
		t.Errorf("better, but below: %q", below)
	}
	below := strings.Join(bad.Floor().Below(good.Floor()), "\n")
	for _, w := range []string{"figures other rejected: 0/1", "figures other unsupported: 0/1", "other verdict: 0/1"} {
		if !strings.Contains(below, w) {
			t.Errorf("lacks %q:\n%s", w, below)
		}
	}
}
