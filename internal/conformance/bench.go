// This file defines the comparison of how long both verifiers take for the
// heaviest of the selftests.

package conformance

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/live"
	"github.com/skepbpf/skep/internal/verify"
)

// heaviest are the programs that take Linux longest, as FILE/PROGRAM.
var heaviest = []string{
	"test_verif_scale1/balancer_ingress",
	"test_verif_scale2/balancer_ingress",
	"test_verif_scale3/balancer_ingress",
	"core_kern/balancer_ingress",
	"pyperf600_nounroll/on_event",
	"loop1/nested_loops",
	"strobemeta/on_event",
	"pyperf180/on_event",
	"pyperf600/on_event",
	"test_cls_redirect/cls_redirect",
}

// BenchRow is what one program took.
type BenchRow struct {
	Name         string
	Processed    int           // instructions, by Skep
	Kernel, Skep time.Duration // the best of all rounds
	// Peak is the most memory in bytes that the process had while Skep verified
	// the program, types and objects included; 0 where the system does not say.
	Peak uint64
}

// Ratio is Skep's time as a multiple of the kernel's.
func (r *BenchRow) Ratio() float64 { return float64(r.Skep) / float64(r.Kernel) }

// Bench verifies each of the heaviest programs rounds times by turns: in the
// running kernel, which says how long it took ("verification time"), and in
// Skep. It takes a kernel to ask and the corpus.
func Bench(ctx context.Context, opts Options, rounds int) ([]BenchRow, error) {
	cases, v, err := benchCases(ctx, opts)
	if err != nil {
		return nil, err
	}
	rows := make([]BenchRow, len(cases))
	tick := opts.Progress.Start("measure", rounds*len(cases))
	for i, c := range cases {
		rows[i].Name = c.Name()
		for range rounds {
			if err := rows[i].measure(ctx, c, v); err != nil {
				return nil, fmt.Errorf("%s: %w", c.Name(), err)
			}
			tick()
		}
		rows[i].Peak = peakMemory(func() { v.Ask(ctx, c) })
	}
	return rows, nil
}

// benchCases are the heaviest programs and who verifies them.
func benchCases(ctx context.Context, opts Options) ([]*Case, *Verifier, error) {
	opts.Run = "^(" + strings.Join(filesOf(heaviest), "|") + ")$"
	filter, err := opts.settle()
	if err != nil {
		return nil, nil, err
	}
	if err := live.Available(); err != nil {
		return nil, nil, err
	}
	objs, err := opts.corpus(ctx, filter)
	if err != nil {
		return nil, nil, err
	}
	env, err := RunningEnv()
	if err != nil {
		return nil, nil, err
	}
	byName := map[string]*Case{}
	for _, o := range objs {
		cases, err := Cases(o, env, filter)
		if err != nil {
			return nil, nil, err
		}
		for _, c := range cases {
			byName[c.Name()] = c
		}
	}
	out := make([]*Case, len(heaviest))
	for i, n := range heaviest {
		if out[i] = byName[n]; out[i] == nil || out[i].LinkErr != nil {
			return nil, nil, fmt.Errorf("%s: not in the corpus, or does not link", n)
		}
		out[i].LogLevel = uint32(verify.LogStats)
	}
	return out, &Verifier{Target: catalog.Linux6_18.WithBTF(env.BTF), Limit: opts.Limit}, nil
}

// filesOf cuts the programs off.
func filesOf(names []string) []string {
	files := make([]string, len(names))
	for i, n := range names {
		files[i], _, _ = strings.Cut(n, "/")
	}
	return slices.Compact(files)
}

// measure is one round. Both must come to the same end.
func (r *BenchRow) measure(ctx context.Context, c *Case, v *Verifier) error {
	kernel, line, err := kernelTime(c)
	if err != nil {
		return err
	}
	runtime.GC() // what others left behind is not this program's
	a := v.Ask(ctx, c)
	if a.Line != line {
		return fmt.Errorf("the kernel says %q, Skep (%s) %q", line, a.Verdict, a.Line)
	}
	r.Processed = a.Processed
	r.Kernel, r.Skep = best(r.Kernel, kernel), best(r.Skep, a.Time)
	return nil
}

// best is the shorter time; 0 is none yet.
func best(a, b time.Duration) time.Duration {
	if a == 0 {
		return b
	}
	return min(a, b)
}

var verificationTime = regexp.MustCompile(`(?m)^verification time (\d+) usec`)

// kernelTime asks the kernel, which also gives its reason for a rejection.
func kernelTime(c *Case) (d time.Duration, line string, err error) {
	set := live.NewSet()
	defer set.Close()
	set.OptionalBTF = true
	r, err := set.Load(c.prog, live.LoadOptions{LogLevel: c.LogLevel, Flags: c.Flags})
	if err != nil {
		return 0, "", err
	}
	m := verificationTime.FindStringSubmatch(r.Log)
	if m == nil {
		return 0, "", errors.New("the kernel does not say how long it took")
	}
	usec, err := strconv.Atoi(m[1])
	return time.Duration(usec) * time.Microsecond, r.Line(), err
}
