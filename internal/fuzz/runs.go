// This file defines how an accepted program is run, and what its runs are held
// against.

package fuzz

import (
	"context"
	"errors"
	"fmt"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/engine"
	"github.com/skepbpf/skep/internal/live"
	"github.com/skepbpf/skep/internal/shadow"
)

// inputs is how many inputs a program is run on.
const inputs = 3

// runs runs an accepted program in the engines and, where it can be, in the
// kernel, on random inputs.
func (w *worker) runs(s *Sample, o opinion, l *loaded) {
	r := random(^w.opts.Seed, s.Index)
	for range inputs {
		in := newInput(r, s.profile)
		seed := r.Uint64()
		err := w.run(s, o, l, in, seed)
		w.mu.Lock()
		w.report.Runs++
		w.mu.Unlock()
		if err != nil {
			w.recordRun(s, in, seed, err)
			return
		}
	}
}

// recordRun counts what was wrong with a run, and reports it.
func (w *worker) recordRun(s *Sample, in input, seed uint64, err error) {
	f := violation(s, in, err)
	if w.opts.Minimize && f.Class != Unsupported {
		f.Small = minimize(s.Prog, func(p *bytecode.Program) bool { return w.violates(p, s, in, seed, f) })
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.report.violate(f)
	w.tell(f)
}

// violates reports whether a run of p goes wrong as a finding did.
func (w *worker) violates(p *bytecode.Program, s *Sample, in input, seed uint64, f *Finding) bool {
	var l *loaded
	if w.asks {
		l = submit(p)
		defer l.close()
		if l.class != Accepted {
			return false
		}
	}
	o := w.opts.verify(context.Background(), p, 0)
	if o.verified == nil {
		return false
	}
	c := *s
	c.Prog = p
	err := w.run(&c, o, l, in, seed)
	return err != nil && violation(&c, in, err).Class == f.Class
}

// errDiffers is wrapped where two runs of the same program gave different
// results.
var errDiffers = errors.New("results differ")

// run does one run of each kind on one input. l is nil where there is no kernel.
func (w *worker) run(s *Sample, o opinion, l *loaded, in input, seed uint64) error {
	follow, err := shadow.Of(o.verified)
	if err != nil {
		return err
	}
	checked, err := w.machine.run(o.verified, engine.Checked{Shadow: follow}, s.profile, in, seed)
	if err != nil {
		return err
	}
	plain, err := w.machine.run(o.verified, engine.Interpreter{}, s.profile, in, seed)
	if err != nil {
		return fmt.Errorf("interpreter: %w", err)
	}
	if !plain.equal(checked) && !w.varies(s, o, in, seed, checked, engine.Checked{}) &&
		!w.varies(s, o, in, seed, plain, engine.Interpreter{}) {
		return fmt.Errorf("%w: checked interpreter %v, interpreter %v", errDiffers, checked, plain)
	}
	if l == nil || !s.comparable {
		return nil
	}
	return w.runKernel(s, l, in, checked, func() bool { return w.varies(s, o, in, seed, checked, engine.Checked{}) })
}

// varies reports whether a program's result depends on addresses or random
// numbers: then runs of the same engine differ.
func (w *worker) varies(s *Sample, o opinion, in input, seed uint64, first *outcome, exec engine.Executable) bool {
	again, err := newMachine()
	if err != nil {
		return true
	}
	defer again.close()
	for i := range uint64(5) {
		out, err := again.run(o.verified, exec, s.profile, in, seed+i)
		if err != nil || !out.equal(first) {
			return true
		}
	}
	return false
}

// runKernel compares with BPF_PROG_TEST_RUN.
func (w *worker) runKernel(s *Sample, l *loaded, in input, want *outcome, varies func() bool) error {
	got, err := testRun(s.profile, in, l.fresh())
	if err != nil {
		return fmt.Errorf("%w: %w", errCannotRun, err)
	}
	w.mu.Lock()
	w.report.KernelRuns++
	w.mu.Unlock()
	if got.equal(want) || varies() {
		return nil
	}
	return fmt.Errorf("%w: checked interpreter %v, kernel %v", errDiffers, want, got)
}

// testRun runs a loaded program in the kernel.
func testRun(p *profile, in input, fd int) (*outcome, error) {
	t := live.TestInput{Data: in.packet, Context: in.context, OutSize: len(in.packet) + 512}
	if p.context > 0 {
		t.Data, t.OutSize = nil, 0
	}
	out, err := live.TestRun(fd, t)
	if err != nil {
		return nil, err
	}
	o := &outcome{ret: out.Return}
	if p.context == 0 {
		o.packet = out.Data[min(p.offset, len(out.Data)):]
	}
	return o, nil
}
