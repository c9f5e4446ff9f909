// This file tests short runs: that they find nothing, and that they look.

package fuzz

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/live"
)

// checkRun runs and reports every finding.
func checkRun(t *testing.T, o Options) *Report {
	t.Helper()
	o.Found = func(f *Finding) {
		var b strings.Builder
		f.Print(&b, o.Seed)
		if f.Class == FalseReject || f.Class == Unsupported || f.Class == BadWork {
			t.Log(b.String())
		} else {
			t.Error(b.String())
		}
	}
	o.Limit = 2 * time.Minute // other tests may run meanwhile
	r, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Sound() {
		t.Error("the report is not sound")
	}
	return r
}

// Without a kernel: what Skep accepts runs in both interpreters, and the
// checked one follows the verifier.
func TestRuns(t *testing.T) {
	const n = 300
	r := checkRun(t, Options{N: n, Seed: 1, NoKernel: true})
	if r.Total != n || r.Runs < n {
		t.Errorf("%d programs, %d runs: too few to say anything", r.Total, r.Runs)
	}
}

// With a kernel: the same verdicts and results.
func TestKernel(t *testing.T) {
	if err := live.Available(); err != nil {
		t.Skipf("needs a live kernel: %v", err)
	}
	const n = 300
	r := checkRun(t, Options{N: n, Seed: 2, Minimize: true})
	if r.Kernel < n/5 || r.Kernel > 4*n/5 {
		t.Errorf("the kernel accepts %d of %d: want between 20 and 80 %%", r.Kernel, n)
	}
	if r.KernelRuns < n/5 {
		t.Errorf("%d runs compared with the kernel's: too few to say anything", r.KernelRuns)
	}
	if r.WorkAlike < r.WorkCompared*99/100 || r.WorkCompared < n/5 || r.LinesAlike < r.LinesCompared*9/10 {
		t.Errorf("equal counts: %d of %d; equal reasons: %d of %d", r.WorkAlike, r.WorkCompared, r.LinesAlike, r.LinesCompared)
	}
	if r.Classes[FalseReject] > n/50 {
		t.Errorf("%d false rejects", r.Classes[FalseReject])
	}
}

func TestSameSeedSameProgram(t *testing.T) {
	a, b, c := Options{Seed: 1}, Options{Seed: 1}, Options{Seed: 2}
	for i := range 50 {
		if diff := cmp.Diff(a.Sample(i).Text(), b.Sample(i).Text()); diff != "" {
			t.Fatalf("program %d:\n%s", i, diff)
		}
		if a.Sample(i).Text() == c.Sample(i).Text() {
			t.Errorf("program %d is the same for another seed", i)
		}
	}
}

func TestRunEnds(t *testing.T) {
	start := time.Now()
	r := checkRun(t, Options{Time: 100 * time.Millisecond, NoKernel: true})
	if r.Total == 0 || time.Since(start) > 5*time.Second {
		t.Errorf("%d programs in %v", r.Total, time.Since(start))
	}
}

// corpusForTest are programs to mutate that need no selftests.
func corpusForTest() (list []*bytecode.Program) {
	o := Options{Seed: 3}
	for i := range 40 {
		list = append(list, o.Sample(i).Prog)
	}
	return list
}

func TestMutated(t *testing.T) {
	corpus := corpusForTest()
	before := make([]string, len(corpus))
	for i, p := range corpus {
		before[i] = Disassemble(p)
	}
	changed := 0
	for i := range 200 {
		s := mutated(rand.New(rand.NewPCG(4, uint64(i))), corpus)
		if len(s.Prog.Insns) == 0 {
			t.Fatal("nothing is left")
		}
		changed++
		for _, text := range before {
			if Disassemble(s.Prog) == text {
				changed--
			}
		}
	}
	if changed < 150 {
		t.Errorf("only %d of 200 mutated programs differ from all others", changed)
	}
	for i, p := range corpus {
		if diff := cmp.Diff(before[i], Disassemble(p)); diff != "" {
			t.Errorf("program %d of the corpus was changed:\n%s", i, diff)
		}
	}
	checkRun(t, Options{N: 100, Seed: 5, Mutate: 1, Corpus: corpus, NoKernel: true})
}

func TestMutateNeedsCorpus(t *testing.T) {
	if _, err := Run(context.Background(), Options{N: 1, Mutate: 0.5}); err == nil {
		t.Error("no error")
	}
}

func TestReport(t *testing.T) {
	r := newReport(7)
	s := &Sample{Prog: &bytecode.Program{}}
	r.count(&Finding{Class: Accepted, Sample: s}, &answer{class: Accepted})
	r.count(&Finding{Class: FalseReject, Sample: s, Skep: "R3 is bad at 12"}, &answer{class: Accepted})
	r.count(&Finding{Class: FalseReject, Sample: s, Skep: "R4 is bad at -0x1f"}, &answer{class: Accepted})
	r.violate(&Finding{Class: Unsupported, Sample: s, Skep: "cannot run: no body"})
	if r.Kernel != 3 || r.FalseRejects["RN is bad at N"] != 2 || !r.Sound() {
		t.Errorf("%+v", r)
	}
	var b strings.Builder
	r.Print(&b, "the command")
	for _, want := range []string{"RN is bad at N", "the command", "seed 7", "cannot run: no body"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not printed:\n%s", want, b.String())
		}
	}
	for _, c := range []Class{FalseAccept, Broken} {
		bad := newReport(1)
		bad.count(&Finding{Class: c, Sample: s}, nil)
		if bad.Sound() {
			t.Errorf("sound with: %s", c)
		}
	}
	for _, c := range []Class{BadAccess, BadState, BadResult, BadRun} {
		bad := newReport(1)
		bad.violate(&Finding{Class: c, Sample: s})
		if bad.Sound() {
			t.Errorf("sound with: %s", c)
		}
	}
}
