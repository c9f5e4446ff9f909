// This file defines the test of programs that must not load, and of those that
// must: Skep's reason is the live kernel's, line for line.

package conformance

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/catalog/vmlinux"
	"github.com/skepbpf/skep/internal/live"
	"github.com/skepbpf/skep/internal/object"
)

var update = flag.Bool("update", false, "write testdata/unsafe/expect.tsv from the live kernel's answers")

const (
	unsafeDir   = "../../testdata/unsafe"
	expectFile  = unsafeDir + "/expect.tsv"
	examplesDir = "../../examples"
	minUnsafe   = 60
)

// casesBelow lists the cases of all objects under dir.
func casesBelow(t *testing.T, dir string) []*Case {
	t.Helper()
	var cases []*Case
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".o" {
			return err
		}
		o := &CorpusObject{Name: strings.TrimSuffix(filepath.Base(path), ".o"), CPU: "v3", Path: path}
		f, err := ParseFilter("")
		if err != nil {
			return err
		}
		c, err := Cases(o, &object.Env{KernelVersion: 6<<16 | 18<<8}, f)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		cases = append(cases, c...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		if c.LinkErr != nil {
			t.Fatalf("%s: %v", c.Name(), c.LinkErr)
		}
	}
	return cases
}

func newVerifier(t *testing.T) *Verifier {
	t.Helper()
	target, err := catalog.Lookup("linux-6.18")
	if err != nil {
		t.Fatal(err)
	}
	types, err := vmlinux.Load()
	if err != nil {
		t.Fatal(err)
	}
	return &Verifier{Target: target.WithBTF(types), Limit: 20 * time.Second}
}

// readExpected reads expect.tsv: a case and the live kernel's line, a row each.
func readExpected(t *testing.T) map[string]string {
	t.Helper()
	f, err := os.Open(expectFile)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want := map[string]string{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, line, ok := strings.Cut(lines.Text(), "\t"); ok && !strings.HasPrefix(name, "#") {
			want[name] = line
		}
	}
	return want
}

// askLive asks the kernel about a case; the test is skipped where there is none.
func askLive(t *testing.T, c *Case) *Answer {
	t.Helper()
	a, err := ask(c)
	if err != nil {
		t.Fatalf("%s: %v", c.Name(), err)
	}
	return a
}

func needKernel(t *testing.T) {
	t.Helper()
	if err := live.Available(); err != nil {
		t.Skipf("needs a live kernel: %v", err)
	}
}

func TestUnsafe(t *testing.T) {
	cases := casesBelow(t, unsafeDir)
	if *update {
		writeExpected(t, cases)
	}
	want, v := readExpected(t), newVerifier(t)
	if len(cases) < minUnsafe || len(want) != len(cases) {
		t.Errorf("%d programs, %d expectations, want the same number and at least %d", len(cases), len(want), minUnsafe)
	}
	for _, c := range cases {
		t.Run(c.Name(), func(t *testing.T) {
			s := v.Ask(context.Background(), c)
			if s.Verdict != Reject || s.Line != want[c.Name()] {
				t.Errorf("\nkernel: %-11s %s\nskep:   %-11s %s", Reject, want[c.Name()], s.Verdict, s.Line)
			}
		})
	}
}

// TestUnsafeLive prints both lines of each program side by side.
func TestUnsafeLive(t *testing.T) {
	needKernel(t)
	want, v := readExpected(t), newVerifier(t)
	for _, c := range casesBelow(t, unsafeDir) {
		t.Run(c.Name(), func(t *testing.T) {
			k, s := askLive(t, c), v.Ask(context.Background(), c)
			t.Logf("\nkernel: %-11s %s\nskep:   %-11s %s", k.Verdict(), k.Line(), s.Verdict, s.Line)
			if k.Verdict() != Reject || k.Line() != want[c.Name()] {
				t.Errorf("%s says %q", expectFile, want[c.Name()])
			}
		})
	}
}

func TestExamplesLoad(t *testing.T) {
	cases := casesBelow(t, examplesDir)
	if len(cases) == 0 {
		t.Fatal("no examples")
	}
	v := newVerifier(t)
	for _, c := range cases {
		t.Run(c.Name(), func(t *testing.T) {
			if s := v.Ask(context.Background(), c); s.Verdict != Accept {
				t.Errorf("skep: %s %s\n%s", s.Verdict, s.Line, s.Log)
			}
		})
	}
}

func TestExamplesLoadLive(t *testing.T) {
	needKernel(t)
	for _, c := range casesBelow(t, examplesDir) {
		t.Run(c.Name(), func(t *testing.T) {
			if k := askLive(t, c); k.Verdict() != Accept {
				t.Errorf("kernel: %s %s\n%s", k.Verdict(), k.Line(), k.Log)
			}
		})
	}
}

func writeExpected(t *testing.T, cases []*Case) {
	t.Helper()
	needKernel(t)
	rows := make([]string, 0, len(cases))
	for _, c := range cases {
		k := askLive(t, c)
		if k.Verdict() != Reject {
			t.Errorf("%s: the kernel says %s: %s", c.Name(), k.Verdict(), k.Line())
		}
		rows = append(rows, c.Name()+"\t"+k.Line()+"\n")
	}
	slices.Sort(rows)
	text := "# What Linux 6.18 says of each program, written by \"go test ./internal/conformance -run Unsafe -update\".\n" + strings.Join(rows, "")
	if err := os.WriteFile(expectFile, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
