// This file defines the differential test against the running kernel: random
// programs are loaded with a full log, replayed with this package, and every
// scalar that the log prints must be ours, byte for byte.

package domain_test

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/live"
)

// loadLog loads a socket filter and returns the log of its verification.
func loadLog(insns []bytecode.Insn) (string, error) {
	set := live.NewSet()
	defer set.Close()
	p := &bytecode.Program{Type: bytecode.ProgSocketFilter, License: "GPL", Insns: insns}
	res, err := set.Load(p, live.LoadOptions{LogLevel: 2})
	if err != nil {
		return "", err
	}
	if !res.Accepted() {
		return res.Log, res.Errno
	}
	return res.Log, nil
}

var programs = flag.Int("programs", 250, "random programs that TestKernel loads")

var record = flag.Bool("record", false, "write steps of TestKernel to "+goldenFile)

// TestKernel compares tens of thousands of steps with the kernel's.
func TestKernel(t *testing.T) {
	if err := live.Available(); err != nil {
		t.Skip(err)
	}
	seen := make(map[string]int)
	var rows []row
	for seed := range *programs {
		g := newGenerator(uint64(seed))
		prog := g.program(40)
		log, err := loadLog(prog)
		if err != nil {
			t.Fatalf("seed %d: load: %v\n%s", seed, err, tail(log))
		}
		steps, err := replay(prog, log, seen)
		if err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
		rows = append(rows, steps...)
	}
	total := 0
	for _, n := range seen {
		total += n
	}
	if *record && !t.Failed() {
		recordRows(t, rows)
	}
	t.Logf("%d programs, %d scalars equal: %v", *programs, total, seen)
}

// recordRows writes a few rows of each step whose outcome says something.
func recordRows(t *testing.T, rows []row) {
	const each = 12
	var out []string
	count := make(map[string]int)
	for _, w := range rows {
		line := strings.Join([]string{w.step, w.a, w.b, w.outcome}, "\t")
		dull := strings.Contains(line, "scalar()") || !strings.Contains(line, "scalar(")
		if dull || count[w.step] == each || slices.Contains(out, line) {
			continue
		}
		count[w.step]++
		out = append(out, line)
	}
	slices.Sort(out)
	if err := os.WriteFile(goldenFile, []byte(strings.Join(out, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

func tail(s string) string { return s[max(0, len(s)-2000):] }
