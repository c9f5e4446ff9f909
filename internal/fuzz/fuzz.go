// This file defines the options of a run and its course.

// Package fuzz holds Skep's verifier against the running kernel's on programs
// that nobody wrote: it generates nearly valid ones, and mutates the kernel's
// selftests. It takes a seed and gives a Report: verdicts that differ, runs in
// which the checked interpreter found an access outside of memory or a state
// outside of the verifier's, results that differ between engines and kernel.
// cmd/fuzz prints it. Nothing imports it: it stands above the whole library.
package fuzz

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/live"
)

// Options say what to do. The same seed gives the same programs and inputs, in
// any number of workers.
type Options struct {
	N       int // programs; 0 is no bound but Time
	Seed    uint64
	First   int           // index of the first program
	Time    time.Duration // 0 is no bound but N
	Workers int           // 0 is 2
	// Mutate is the share, of 1, of programs that are mutated from Corpus.
	Mutate float64
	Corpus []*bytecode.Program // see the function Corpus
	Target *catalog.Target     // nil: Linux 6.18 without types
	// Topics are what generated programs are about; 0 is a mix, which is Core
	// only where Target has no types.
	Topics Topics
	// NoKernel asks no kernel even where there is one.
	NoKernel bool
	// Limit bounds Skep's verification of one program; 0 is 20 s.
	Limit time.Duration
	// Logs compares the logs of every so-manieth program; 0 is none.
	Logs int
	// Minimize makes the programs of findings small.
	Minimize bool
	// Found is told of every finding as it comes, by one goroutine at a time.
	Found func(*Finding)
	// Tick is called after every program, by many goroutines.
	Tick func()
}

// Run fuzzes until N, Time or ctx ends it.
func Run(ctx context.Context, opts Options) (*Report, error) {
	if opts.Workers == 0 {
		opts.Workers = 2
	}
	if opts.Mutate > 0 && len(opts.Corpus) == 0 {
		return nil, errors.New("mutate: no corpus")
	}
	if opts.Time > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, opts.Time)
		defer cancel()
	}
	f := &fuzzer{opts: opts, report: newReport(opts.Seed), asks: !opts.NoKernel && live.Available() == nil}
	f.report.Asked = f.asks
	f.next.Store(int64(opts.First))
	start := time.Now()
	err := f.work(ctx)
	f.report.Time = time.Since(start)
	return f.report, err
}

// fuzzer is a run.
type fuzzer struct {
	opts Options
	asks bool // there is a kernel to ask
	next atomic.Int64

	mu     sync.Mutex
	report *Report
}

// work starts the workers and waits for them.
func (f *fuzzer) work(ctx context.Context) error {
	errs := make([]error, f.opts.Workers)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = f.worker(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (f *fuzzer) worker(ctx context.Context) error {
	m, err := newMachine()
	if err != nil {
		return err
	}
	defer m.close()
	w := &worker{f, m}
	for ctx.Err() == nil {
		i := int(f.next.Add(1)) - 1
		if f.opts.N > 0 && i >= f.opts.First+f.opts.N {
			break
		}
		w.sample(ctx, i)
		if f.opts.Tick != nil {
			f.opts.Tick()
		}
	}
	return nil
}

// worker does one sample after the other.
type worker struct {
	*fuzzer
	machine *machine
}

func (w *worker) sample(ctx context.Context, i int) {
	s := w.opts.Sample(i)
	var l *loaded
	var k *answer
	if w.asks {
		l = submit(s.Prog)
		defer l.close()
		k = &l.answer
	}
	o := w.opts.verify(ctx, s.Prog, 0)
	if ctx.Err() != nil {
		return // what was stopped says nothing
	}
	class := compare(o, k, s.Prog)
	w.record(s, class, o, k)
	if s.profile != nil && o.verified != nil && class != FalseAccept && class != NoVerdict {
		w.runs(s, o, l)
	}
	if w.asks && w.opts.Logs > 0 && i%w.opts.Logs == 0 && class != NoVerdict {
		w.logs(ctx, s)
	}
}

// record counts a verdict and reports what is wrong with it.
func (w *worker) record(s *Sample, class Class, o opinion, k *answer) {
	f := &Finding{Class: class, Sample: s, Skep: o.line}
	if k != nil {
		f.Kernel = k.line
	}
	if w.opts.Minimize && (class == FalseAccept || class == FalseReject || class == Broken) {
		f.Small = minimize(s.Prog, func(p *bytecode.Program) bool { return w.shows(p, f) })
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.report.count(f, k)
	if w.opts.Target != nil && w.opts.Target.BTF != nil {
		w.report.countKfuncs(s.Prog, w.opts.Target.BTF)
	}
	w.tell(f)
	if k != nil && (class == Accepted || class == Rejected) {
		w.agreement(s, class, o, k)
	}
}

// agreement counts how far two equal verdicts have the same grounds. Where the
// counts differ one verifier stopped a path that the other walked on: perhaps
// too early. The caller holds mu.
func (w *worker) agreement(s *Sample, class Class, o opinion, k *answer) {
	r, n := w.report, k.work()
	if class == Rejected {
		r.LinesCompared++
		r.Reasons[classOf(k.line)]++
		if k.line == o.line {
			r.LinesAlike++
		}
	}
	if n == 0 || walksOn(s.Prog) {
		return
	}
	r.WorkCompared++
	if n == o.work {
		r.WorkAlike++
		return
	}
	w.tell(&Finding{Class: BadWork, Sample: s, Kernel: fmt.Sprintf("processed %d instructions", n), Skep: fmt.Sprintf("processed %d instructions", o.work)})
}

// shows reports whether both verifiers say of p what they said of a finding.
func (w *worker) shows(p *bytecode.Program, f *Finding) bool {
	if f.tooComplex() && w.asks {
		return w.opts.diverges(p)
	}
	o := w.opts.verify(context.Background(), p, 0)
	if o.class == Broken && f.Class != Broken || classOf(o.line) != classOf(f.Skep) {
		return false
	}
	if !w.asks {
		return true
	}
	k := ask(p, 1)
	return compare(o, &k, p) == f.Class && classOf(k.line) == classOf(f.Kernel)
}

// walksOn reports a program of which Skep may walk more than the kernel does, on
// purpose (docs/differences.md): one with callbacks, or atomics that fetch.
func walksOn(p *bytecode.Program) bool {
	return slices.ContainsFunc(p.Insns, func(in bytecode.Insn) bool {
		return in.IsFuncRef() || in.Class() == bytecode.ClassSTX && in.Mode() == bytecode.ModeATOMIC && in.Imm&bytecode.AtomicFetch != 0
	})
}

// tell passes a finding on; the caller holds mu.
func (w *worker) tell(f *Finding) {
	if w.opts.Found != nil && f.isNews() {
		w.opts.Found(f)
	}
}
