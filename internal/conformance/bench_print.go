// This file defines how measurements are printed, and how they get into a
// document with other sections.

package conformance

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
)

// WriteBench writes rows as a table in Markdown.
func WriteBench(w io.Writer, rows []BenchRow) {
	fmt.Fprintf(w, "| program | instructions | Linux, ms | Skep, ms | ratio | peak, MiB |\n|---|---:|---:|---:|---:|---:|\n")
	for _, r := range rows {
		fmt.Fprintf(w, "| `%s` | %d | %.1f | %.1f | %.2f | %d |\n", r.Name, r.Processed,
			1e3*r.Kernel.Seconds(), 1e3*r.Skep.Seconds(), r.Ratio(), r.Peak>>20)
	}
}

const (
	benchBegin = "<!-- make bench-verify -->\n"
	benchEnd   = "<!-- end of make bench-verify -->\n"
)

// benchHead opens the section. Its arguments are the rounds and the machine.
const benchHead = `## Verification

What Linux 6.18's verifier takes ("verification time" in its log at level 4: checks and rewriting, no JIT) and what Skep's takes
for the ten heaviest programs of the kernel's selftests, each the best of %d, by turns on one machine (%s). The last column is
the process's peak memory while Skep verifies, with the kernel's types. The command is ` + "`make bench-verify`" + `.

`

// InsertBench puts the section into a document: in place of the one that is
// there, or at its end.
func InsertBench(doc string, rows []BenchRow, rounds int, machine string) string {
	var b bytes.Buffer
	b.WriteString(benchBegin)
	fmt.Fprintf(&b, benchHead, rounds, machine)
	WriteBench(&b, rows)
	b.WriteString(benchEnd)
	before, rest, ok := strings.Cut(doc, benchBegin)
	if !ok {
		return doc + "\n" + b.String()
	}
	_, after, _ := strings.Cut(rest, benchEnd)
	return before + b.String() + after
}

// Machine names the processor and how busy it is, as far as the system tells:
// times on a busy machine are worth less.
func Machine() string {
	name := "unknown processor"
	text, _ := os.ReadFile("/proc/cpuinfo")
	if m := cpuModel.FindSubmatch(text); m != nil {
		name = string(m[1])
	}
	text, _ = os.ReadFile("/proc/loadavg")
	if load, _, ok := strings.Cut(string(text), " "); ok {
		name += fmt.Sprintf(", %d of them, load average %s", runtime.NumCPU(), load)
	}
	return name
}

var (
	cpuModel = regexp.MustCompile(`(?m)^model name\s*: (.*)$`)
	peakLine = regexp.MustCompile(`(?m)^VmHWM:\s*(\d+) kB$`)
)

// peakMemory is the most memory that the process has while f runs.
func peakMemory(f func()) uint64 {
	debug.FreeOSMemory()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		return 0 // not Linux: nothing keeps the peak
	}
	f()
	text, _ := os.ReadFile("/proc/self/status")
	m := peakLine.FindSubmatch(text)
	if m == nil {
		return 0
	}
	kb, _ := strconv.ParseUint(string(m[1]), 10, 64)
	return kb << 10
}
