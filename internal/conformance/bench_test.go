// This file defines tests of how measurements are kept and printed.

package conformance

import (
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestBest(t *testing.T) {
	var d time.Duration
	for _, n := range []time.Duration{5, 3, 4} {
		d = best(d, n)
	}
	if d != 3 {
		t.Errorf("got %d", d)
	}
}

// The section is replaced, and what stands around it stays.
func TestInsertBench(t *testing.T) {
	row := BenchRow{Name: "f/p", Processed: 7, Kernel: 2 * time.Millisecond, Skep: 3 * time.Millisecond, Peak: 5 << 20}
	once := InsertBench("# Benchmarks\n", []BenchRow{row}, 9, "a machine")
	for _, w := range []string{"# Benchmarks\n\n<!--", "the best of 9, by turns on one machine (a machine)", "| `f/p` | 7 | 2.0 | 3.0 | 1.50 | 5 |\n<!-- end"} {
		if !strings.Contains(once, w) {
			t.Errorf("lacks %q:\n%s", w, once)
		}
	}
	row.Processed = 8
	twice := InsertBench(once+"\n## Runs\n", []BenchRow{row}, 9, "a machine")
	if want := strings.Replace(once, "| 7 |", "| 8 |", 1) + "\n## Runs\n"; twice != want {
		t.Errorf("got\n%s\nwant\n%s", twice, want)
	}
}

func TestMachine(t *testing.T) {
	got := Machine()
	if strings.Contains(got, "\n") || runtime.GOOS == "linux" && !strings.Contains(got, "load average ") {
		t.Errorf("got %q", got)
	}
}

func TestPeakMemory(t *testing.T) {
	const size = 64 << 20
	small := peakMemory(func() {})
	if small == 0 {
		t.Skip("the system does not keep a process's peak of memory")
	}
	large := peakMemory(func() {
		b := make([]byte, size)
		for i := range b {
			b[i] = 1
		}
	})
	if large < small+size/2 {
		t.Errorf("%d bytes with %d more in use, %d without", large, size, small)
	}
}
