// This file defines the harness's options and its stages in their order.

// Package conformance compares Skep with Linux: it compiles the kernel's own
// BPF selftests, asks Skep's verifier and the running kernel's about every
// program, and counts where they agree. It takes a machine with the kernel's
// source package, clang and bpftool; it gives a Report; cmd/conformance prints
// it and holds it against the committed floor. Nothing imports it: it stands
// above the whole library.
package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/live"
	"github.com/skepbpf/skep/internal/object"
)

// Options say what to compare. The zero value compares everything with the
// default cache, silently.
type Options struct {
	Cache   string        // directory; "" is DefaultCacheDir
	Run     string        // FILE/PROGRAM, regular expressions; "" is all
	CPU     string        // "v3" or "v4" for one of them
	Workers int           // 0 is 2
	Limit   time.Duration // for Skep to verify one program; 0 is a minute, ample on a busy machine
	// Unprivileged lets the harness set kernel.unprivileged_bpf_disabled to 0
	// while it runs, so that the kernel can be asked about programs of callers
	// without capabilities. Without it annotations decide those.
	Unprivileged bool
	// Engines run accepted programs; nil is all that are compared.
	Engines []skep.Engine
	// KeepLog is how many bytes of each log a report keeps, from its end; 0 is
	// 64 KiB.
	KeepLog  int
	Progress *Progress
}

// Run compiles the corpus and asks both verifiers about it.
func Run(ctx context.Context, opts Options) (*Report, error) {
	filter, err := opts.settle()
	if err != nil {
		return nil, err
	}
	objs, err := opts.corpus(ctx, filter)
	if err != nil {
		return nil, err
	}
	return Compare(ctx, objs, opts)
}

// Compare asks both verifiers about objects that stand ready, of which those
// are taken that the options name.
func Compare(ctx context.Context, objs []*CorpusObject, opts Options) (_ *Report, err error) {
	filter, err := opts.settle()
	if err != nil {
		return nil, err
	}
	objs = slices.DeleteFunc(slices.Clone(objs), func(o *CorpusObject) bool { return !filter.file.MatchString(o.Name) })
	env, err := RunningEnv()
	if err != nil {
		return nil, err
	}
	target, err := catalog.Lookup("linux-6.18")
	if err != nil {
		return nil, err
	}
	target = target.WithBTF(env.BTF)
	modEnv, modTarget, err := withModule(env, target)
	if err != nil {
		return nil, err
	}
	runs, err := NewRunner(opts.Engines)
	if err != nil {
		return nil, err
	}
	restore, err := opts.allowUnprivileged()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, restore()) }()
	r := &runner{
		env: env, module: modEnv, filter: filter, keepLog: opts.KeepLog,
		oracle:   NewOracle(opts.Cache),
		verifier: &Verifier{Target: target, Module: modTarget, Limit: opts.Limit},
		runs:     runs,
		report:   &Report{Unread: map[string]string{}},
	}
	if err := r.all(ctx, objs, opts); err != nil {
		return nil, err
	}
	slices.SortFunc(r.report.Outcomes, compareOutcomes)
	return r.report, nil
}

// settle fills in defaults.
func (o *Options) settle() (Filter, error) {
	if o.Workers == 0 {
		o.Workers = 2
	}
	if o.KeepLog == 0 {
		o.KeepLog = 64 << 10
	}
	if o.Engines == nil {
		o.Engines = []skep.Engine{skep.EngineChecked, skep.EngineInterp}
	}
	if o.Limit == 0 {
		o.Limit = time.Minute
	}
	if o.Cache == "" {
		dir, err := DefaultCacheDir()
		if err != nil {
			return Filter{}, err
		}
		o.Cache = dir
	}
	return ParseFilter(o.Run)
}

// corpus makes the objects that are asked for.
func (o *Options) corpus(ctx context.Context, f Filter) ([]*CorpusObject, error) {
	tools, err := FindTools()
	if err != nil {
		return nil, err
	}
	src, err := PrepareSource(ctx, tools, o.Cache)
	if err != nil {
		return nil, err
	}
	objs, err := src.Compile(ctx, o.Cache, f.file.MatchString, o.Workers, func(n int) func() { return o.Progress.Start("compile", n) })
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(objs, func(c *CorpusObject) bool { return o.CPU != "" && c.CPU != o.CPU }), nil
}

func (o *Options) allowUnprivileged() (restore func() error, err error) {
	if !o.Unprivileged || live.Available() != nil {
		return func() error { return nil }, nil
	}
	return live.AllowUnprivileged()
}

// runner asks about objects, several at a time.
type runner struct {
	env      *object.Env
	module   *object.Env // env with bpf_testmod
	filter   Filter
	oracle   *Oracle
	verifier *Verifier
	runs     *Runner
	keepLog  int

	mu     sync.Mutex
	report *Report
}

func (r *runner) all(ctx context.Context, objs []*CorpusObject, opts Options) error {
	tick := opts.Progress.Start("verify", len(objs))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(opts.Workers)
	for _, o := range objs {
		g.Go(func() error {
			defer tick()
			if err := r.object(ctx, o); err != nil {
				return fmt.Errorf("%s: %w", o.Name, err)
			}
			return ctx.Err()
		})
	}
	return g.Wait()
}

// object asks about the programs of one object.
func (r *runner) object(ctx context.Context, o *CorpusObject) error {
	if o.Failed != "" {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.report.Uncompiled = append(r.report.Uncompiled, o)
		return nil
	}
	cases, err := casesFor(o, r.env, r.module, r.filter)
	if err != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.report.Unread[o.Path] = err.Error()
		return nil
	}
	for _, c := range cases {
		if err := r.ask(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// ask puts one case to both verifiers.
func (r *runner) ask(ctx context.Context, c *Case) error {
	var out *Outcome
	if c.LinkErr == nil {
		k, err := r.oracle.Ask(c)
		if err != nil {
			return fmt.Errorf("%s: %w", c.Name(), err)
		}
		if k.NoBTF {
			c.prog = withoutBTF(&object.Linked{Programs: []*bytecode.Program{c.prog}}).Programs[0]
		}
		out = Judge(c, k, r.skep(ctx, c, k))
		out.release(r.keepLog)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if out == nil {
		r.report.Unlinked = append(r.report.Unlinked, c)
	} else {
		r.report.Outcomes = append(r.report.Outcomes, out)
	}
	return nil
}

// skep verifies, and runs what it accepted where the kernel did.
func (r *runner) skep(ctx context.Context, c *Case, k *Answer) *SkepAnswer {
	a := r.verifier.Ask(ctx, c)
	if c.comparesReturn(k) {
		a.Runs = r.runs.Run(ctx, c, a.Verdict)
	}
	return a
}

// release lets go of what is large once it was compared.
func (o *Outcome) release(keepLog int) {
	o.prog, o.program, o.types = nil, nil, nil
	o.Kernel.Log, o.Skep.Log = tail(o.Kernel.Log, keepLog), tail(o.Skep.Log, keepLog)
}

// tail cuts a log to whole lines at its end.
func tail(log string, n int) string {
	if len(log) <= n {
		return log
	}
	_, after, _ := strings.Cut(log[len(log)-n:], "\n")
	return "[...]\n" + after
}
