// This file defines what a run has found, and how it is counted.

package fuzz

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/engine"
	"github.com/skepbpf/skep/internal/verify"
)

// Violation classes.
const (
	BadAccess Class = "access outside of memory"
	BadState  Class = "state outside of the verifier's"
	BadResult Class = "results differ"
	BadRun    Class = "panic in a run"
	BadLog    Class = "logs differ"
	BadWork   Class = "counts differ"
)

// Finding is what is wrong about a sample.
type Finding struct {
	Class  Class
	Sample *Sample
	Small  *bytecode.Program // the sample with what does not matter removed; may be nil
	Kernel string            // the kernel's last line
	Skep   string            // Skep's
	Packet []byte            // of a run
}

// isNews reports whether people want to read about it at once.
func (f *Finding) isNews() bool {
	return f.Class != Accepted && f.Class != Rejected && f.Class != NoVerdict && f.Class != Unasked
}

// Key is the same for findings that are probably one mistake: the class and
// both reasons, without numbers.
func (f *Finding) Key() string {
	return fmt.Sprintf("%s: kernel %q, skep %q", f.Class, classOf(f.Kernel), classOf(f.Skep))
}

// Report is the outcome of a run.
type Report struct {
	Seed    uint64
	Time    time.Duration
	Asked   bool // a kernel was asked
	Total   int
	Kernel  int // accepted by the kernel
	Classes map[Class]int
	// By reason: Skep's, with numbers taken out.
	FalseRejects, Unsupported, NoRun, NoVerdict map[string]int
	Runs, KernelRuns                            int
	Violations                                  map[Class]int
	LogsAlike, LogsCompared                     int
	LinesAlike, LinesCompared                   int
	WorkAlike, WorkCompared                     int
	Reasons                                     map[string]int // the kernel's
	Kfuncs                                      map[string]int // programs that call each, by name
}

func newReport(seed uint64) *Report {
	return &Report{
		Seed: seed, Classes: map[Class]int{}, FalseRejects: map[string]int{}, Unsupported: map[string]int{},
		Reasons: map[string]int{}, Kfuncs: map[string]int{}, NoRun: map[string]int{}, NoVerdict: map[string]int{}, Violations: map[Class]int{},
	}
}

// Sound reports whether nothing was found that must never be.
func (r *Report) Sound() bool {
	n := 0
	for c, k := range r.Violations {
		if c != BadLog {
			n += k
		}
	}
	return r.Classes[FalseAccept] == 0 && r.Classes[Broken] == 0 && n == 0
}

func (r *Report) count(f *Finding, k *answer) {
	r.Total++
	r.Classes[f.Class]++
	if k != nil && k.class == Accepted {
		r.Kernel++
	}
	switch f.Class {
	case FalseReject:
		r.FalseRejects[classOf(f.Skep)]++
	case Unsupported:
		r.Unsupported[classOf(f.Skep)]++
	case NoVerdict:
		r.NoVerdict[classOf(f.Kernel)]++
	}
}

// violate counts what went wrong in a run; what Skep cannot run is no violation.
func (r *Report) violate(f *Finding) {
	if f.Class == Unsupported {
		r.NoRun[classOf(f.Skep)]++
		return
	}
	r.Violations[f.Class]++
}

// violation classifies the error of a run.
func violation(s *Sample, in input, err error) *Finding {
	f := &Finding{Class: BadRun, Sample: s, Skep: err.Error(), Packet: in.packet}
	var access *engine.AccessError
	var mismatch *verify.Mismatch
	switch {
	case errors.Is(err, errCannotRun), errors.Is(err, engine.ErrRunTime):
		f.Class = Unsupported
	case errors.As(err, &access):
		f.Class = BadAccess
	case errors.As(err, &mismatch):
		f.Class = BadState
	case errors.Is(err, errDiffers):
		f.Class = BadResult
	}
	return f
}

var digits = regexp.MustCompile(`-?(0x[0-9a-f]+|[0-9]+)`)

// classOf takes the numbers out of a message.
func classOf(line string) string {
	line = digits.ReplaceAllString(line, "N")
	if len(line) > 100 {
		line = line[:100]
	}
	return line
}

// byCount lists the reasons of a count, the most frequent first.
func byCount(counts map[string]int) []string {
	return slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
}

// countKfuncs counts the kfuncs that a program calls, each once.
func (r *Report) countKfuncs(p *bytecode.Program, types *btfx.Spec) {
	seen := map[int32]bool{}
	for _, in := range p.Insns {
		if !in.IsKfuncCall() || seen[in.Imm] {
			continue
		}
		seen[in.Imm] = true
		if t := types.Type(btfx.ID(in.Imm)); t != nil {
			r.Kfuncs[t.Name]++
		}
	}
}
