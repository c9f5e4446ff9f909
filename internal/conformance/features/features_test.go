// This file defines the test of programs of our own, to accept and to reject,
// with the running kernel's word on each.

// Package features holds Skep to Linux 6.18 where the kernel's selftests, as
// the conformance harness compiles them, say little: on the features of 6.13 to
// 6.18, and on objects that programs allocate. testdata has a source a feature;
// expect.tsv what the kernel says of each program; floor.tsv how much of it
// Skep says too, which may only rise.
package features

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/catalog/vmlinux"
	"github.com/skepbpf/skep/internal/conformance"
	"github.com/skepbpf/skep/internal/live"
	"github.com/skepbpf/skep/internal/object"
)

var (
	update = flag.Bool("update", false, "write expect.tsv from the live kernel's answers")
	bless  = flag.Bool("bless", false, "raise floor.tsv to what Skep reaches")
)

const (
	expectFile = "testdata/expect.tsv"
	floorFile  = "testdata/floor.tsv"
	release    = "6.18"
	minEach    = 10 // programs to accept and to reject, a feature
)

// expectation is what Linux says of a program.
type expectation struct {
	verdict   conformance.Verdict
	processed int
	line      string
}

func (e expectation) String() string {
	return fmt.Sprintf("%s\t%d\t%s", e.verdict, e.processed, e.line)
}

// features are the objects' cases by the object's name.
func features(t *testing.T, env *object.Env) map[string][]*conformance.Case {
	t.Helper()
	files, err := filepath.Glob("testdata/*.o")
	if err != nil || len(files) == 0 {
		t.Fatal("no objects", err)
	}
	all, err := conformance.ParseFilter("")
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string][]*conformance.Case{}
	for _, f := range files {
		o := &conformance.CorpusObject{Name: strings.TrimSuffix(filepath.Base(f), ".o"), CPU: "v3", Path: f}
		if cases[o.Name], err = conformance.Cases(o, env, all); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		for _, c := range cases[o.Name] {
			if c.LinkErr != nil {
				t.Fatalf("%s: %v", c.Name(), c.LinkErr)
			}
		}
	}
	return cases
}

// storedTypes is the environment that needs no kernel.
func storedTypes(t *testing.T) *object.Env {
	t.Helper()
	types, err := vmlinux.Load()
	if err != nil {
		t.Fatal(err)
	}
	return &object.Env{BTF: types, KernelVersion: 6<<16 | 18<<8}
}

// rows reads a table of tab-separated columns.
func rows(t *testing.T, file string) [][]string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out [][]string
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		if !strings.HasPrefix(lines.Text(), "#") {
			out = append(out, strings.Split(lines.Text(), "\t"))
		}
	}
	return out
}

func expectations(t *testing.T) map[string]expectation {
	t.Helper()
	want := map[string]expectation{}
	for _, r := range rows(t, expectFile) {
		if len(r) != 4 {
			t.Fatalf("%s: %d columns: %q", expectFile, len(r), r)
		}
		want[r[0]] = expectation{conformance.Verdict(r[1]), number(t, r[2]), r[3]}
	}
	return want
}

func number(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// reached is how many of a feature's programs Skep judges as Linux does, and of
// those how many with the same line and the same number of processed
// instructions.
type reached struct{ programs, verdicts, exact int }

// TestSkep holds Skep to the table: no program that Linux rejects is accepted,
// and agreement does not fall below the floor.
func TestSkep(t *testing.T) {
	target, err := catalog.Lookup("linux-" + release)
	if err != nil {
		t.Fatal(err)
	}
	env, want := storedTypes(t), expectations(t)
	v := &conformance.Verifier{Target: target.WithBTF(env.BTF), Limit: 20 * time.Second}
	got := map[string]reached{}
	for name, cases := range features(t, env) {
		r := reached{programs: len(cases)}
		for _, c := range cases {
			w, known := want[c.Name()]
			if !known {
				t.Errorf("%s: not in %s", c.Name(), expectFile)
			}
			s := v.Ask(context.Background(), c)
			switch same := s.Verdict == w.verdict; {
			case same && s.Line == w.line && s.Processed == w.processed:
				r.verdicts++
				r.exact++
			case same:
				r.verdicts++
				t.Logf("%s:\n  linux %s, %d: %s\n  skep  %s, %d: %s", c.Name(), w.verdict, w.processed, w.line, s.Verdict, s.Processed, s.Line)
			case s.Verdict == conformance.Accept:
				t.Errorf("%s: accepted; Linux: %s", c.Name(), w.line)
			default:
				t.Logf("%s:\n  linux %s: %s\n  skep  %s: %s", c.Name(), w.verdict, w.line, s.Verdict, s.Line)
			}
		}
		got[name] = r
	}
	if *bless {
		writeFloor(t, got)
	}
	compareFloor(t, got)
}

func compareFloor(t *testing.T, got map[string]reached) {
	t.Helper()
	sum := reached{}
	for _, r := range rows(t, floorFile) {
		if len(r) != 4 {
			t.Fatalf("%s: %d columns: %q", floorFile, len(r), r)
		}
		g := got[r[0]]
		sum = reached{sum.programs + g.programs, sum.verdicts + g.verdicts, sum.exact + g.exact}
		if g.verdicts < number(t, r[2]) || g.exact < number(t, r[3]) {
			t.Errorf("%s: %d verdicts, %d exact; the floor is %s and %s", r[0], g.verdicts, g.exact, r[2], r[3])
		}
	}
	t.Logf("%d programs: %d verdicts as Linux's, %d with its line and number of instructions", sum.programs, sum.verdicts, sum.exact)
}

// TestEnough checks that each feature has its programs.
func TestEnough(t *testing.T) {
	count := map[string]map[conformance.Verdict]int{}
	for name, e := range expectations(t) {
		feature, _, _ := strings.Cut(name, "/")
		if count[feature] == nil {
			count[feature] = map[conformance.Verdict]int{}
		}
		count[feature][e.verdict]++
	}
	for feature, n := range count {
		if n[conformance.Accept] < minEach || n[conformance.Reject] < minEach {
			t.Errorf("%s: %d programs to accept, %d to reject, want %d at least of each",
				feature, n[conformance.Accept], n[conformance.Reject], minEach)
		}
	}
}

// TestLive holds the table to the running kernel, or writes it anew.
func TestLive(t *testing.T) {
	if err := live.Available(); err != nil {
		t.Skipf("needs a live kernel: %v", err)
	}
	if r := live.Release(); !strings.HasPrefix(r, release+".") {
		t.Skipf("needs Linux %s, this is %s", release, r)
	}
	env, err := conformance.RunningEnv()
	if err != nil {
		t.Skipf("needs a live kernel's types: %v", err)
	}
	said := askAll(t, features(t, env))
	if *update {
		writeExpectations(t, said)
	}
	for name, want := range expectations(t) {
		if got := said[name]; got != want {
			t.Errorf("%s: the kernel says %q, %s says %q", name, got, expectFile, want)
		}
		delete(said, name)
	}
	for name := range said {
		t.Errorf("%s: not in %s", name, expectFile)
	}
}

func askAll(t *testing.T, all map[string][]*conformance.Case) map[string]expectation {
	t.Helper()
	oracle, said := conformance.NewOracle(t.TempDir()), map[string]expectation{}
	for _, cases := range all {
		for _, c := range cases {
			k, err := oracle.Ask(c)
			if err != nil {
				t.Fatalf("%s: %v", c.Name(), err)
			}
			if k.Verdict() == conformance.NoVerdict {
				t.Errorf("%s: no verdict: %s", c.Name(), k.Line())
			}
			n, _ := k.Processed()
			said[c.Name()] = expectation{k.Verdict(), n, k.Line()}
		}
	}
	return said
}

func writeExpectations(t *testing.T, said map[string]expectation) {
	t.Helper()
	writeTable(t, expectFile, "# What Linux "+release+" says: program, verdict, processed instructions, reason.\n"+
		"# Written by \"go test ./internal/conformance/features -run Live -update\".\n", said)
}

func writeFloor(t *testing.T, got map[string]reached) {
	t.Helper()
	cells := map[string]string{}
	for name, r := range got {
		cells[name] = fmt.Sprintf("%d\t%d\t%d", r.programs, r.verdicts, r.exact)
	}
	writeTable(t, floorFile, "# What Skep reached: feature, programs, verdicts, exact ones.\n"+
		"# Written by \"go test ./internal/conformance/features -run Skep -bless\".\n", cells)
}

func writeTable[T any](t *testing.T, file, head string, cells map[string]T) {
	t.Helper()
	lines := make([]string, 0, len(cells))
	for name, c := range cells {
		lines = append(lines, fmt.Sprintf("%s\t%v\n", name, c))
	}
	slices.Sort(lines)
	if err := os.WriteFile(file, []byte(head+strings.Join(lines, "")), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestOlder: until Linux 6.15 only nodes that the tree owns could be removed.
func TestOlder(t *testing.T) {
	target, err := catalog.Lookup("linux-6.12")
	if err != nil {
		t.Fatal(err)
	}
	env := storedTypes(t)
	v := &conformance.Verifier{Target: target.WithBTF(env.BTF), Limit: 20 * time.Second}
	for _, c := range features(t, env)["trees"] {
		if c.Name() != "trees/remove_owned" {
			continue
		}
		const want = "rbtree_remove node input must be non-owning ref"
		if s := v.Ask(context.Background(), c); s.Line != want {
			t.Errorf("%s %q, want %q", s.Verdict, s.Line, want)
		}
		return
	}
	t.Error("no trees/remove_owned")
}
