// This file defines how Skep runs an accepted program as BPF_PROG_TEST_RUN
// does, through the library's front door, in several engines.

package conformance

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/maps"
)

// EngineRun is what came of a run in one engine.
type EngineRun struct {
	Engine  skep.Engine
	Return  uint32
	Err     string // why there is no value, "" when there is one
	Missing bool   // Err names something that Skep does not have
}

// returned is the value of a run for people.
func (r *EngineRun) returned() string {
	if r.Err != "" {
		return "did not run it: " + r.Err
	}
	return fmt.Sprint("returned ", r.Return)
}

// Runner runs programs for the running kernel's types.
type Runner struct {
	target  skep.Target
	engines []skep.Engine
}

// NewRunner fails where the running kernel does not show its types, and for
// engines that have no column.
func NewRunner(engines []skep.Engine) (*Runner, error) {
	for _, e := range engines {
		if _, ok := returnColumns[e]; !ok {
			return nil, fmt.Errorf("engine %s: its values are not compared", e)
		}
	}
	t, err := skep.HostTarget()
	if err != nil {
		return nil, fmt.Errorf("target of runs: %w", err)
	}
	return &Runner{t, engines}, nil
}

// runLimit bounds one run.
const runLimit = 5 * time.Second

// Run runs a case's program in every engine, or says for each why v keeps it
// from running.
func (r *Runner) Run(ctx context.Context, c *Case, v Verdict) []*EngineRun {
	runs := make([]*EngineRun, len(r.engines))
	for i, e := range r.engines {
		runs[i] = &EngineRun{Engine: e, Err: "not accepted"}
		if v != Accept {
			continue
		}
		ret, err := r.run(ctx, c, e)
		runs[i].Return, runs[i].Err = ret, ""
		if err != nil {
			runs[i].Err, runs[i].Missing = err.Error(), isMissing(err)
		}
	}
	return runs
}

// isMissing reports whether a program does not run because Skep has no map of a
// kind, or no body of a helper, that it needs.
func isMissing(err error) bool {
	var kind *maps.KindError
	return errors.As(err, &kind) || strings.HasSuffix(err.Error(), "no body to run")
}

// run loads a case's program anew, with all capabilities and the programs that
// its prog arrays name, and runs it on what the kernel ran it on. A fault or a
// panic is an error.
func (r *Runner) run(ctx context.Context, c *Case, engine skep.Engine) (ret uint32, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	k, err := r.kernel(c)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, k.Close()) }()
	obj, err := skep.OpenObject(c.Object.Path)
	if err != nil {
		return 0, err
	}
	coll, err := k.LoadContext(ctx, obj, &skep.LoadOptions{Programs: c.companions(), Engine: engine})
	if err != nil {
		return 0, fmt.Errorf("load: %w", err)
	}
	if m := coll.Maps[prefilled[c.Object.Name]]; m != nil {
		value := make([]byte, m.ValueSize())
		copy(value, prefilledValue)
		if err := m.Put(uint32(0), value); err != nil {
			return 0, fmt.Errorf("map %s: %w", prefilled[c.Object.Name], err)
		}
	}
	opts := &skep.RunOptions{TestRun: true, Data: testData.Data}
	if c.prog.Type == bytecode.ProgSyscall {
		opts.Data = nil
	}
	return coll.Programs[c.Program].RunContext(ctx, opts)
}

// companions are the program and those that it may reach by tail calls: as with
// libbpf, a prog array's slot is filled when its program is loaded.
func (c *Case) companions() []string {
	names, seen := []string{c.Program}, map[string]bool{c.Program: true}
	for i := 0; i < len(names); i++ {
		p := c.program(names[i])
		if p == nil {
			continue
		}
		for _, m := range p.Maps {
			for _, s := range m.Slots {
				if s.Program != "" && !seen[s.Program] {
					seen[s.Program] = true
					names = append(names, s.Program)
				}
			}
		}
	}
	return names
}

func (r *Runner) kernel(c *Case) (*skep.Kernel, error) {
	t := r.target
	if c.types != nil {
		var err error
		if t, err = t.WithBTF(c.types.Raw()); err != nil {
			return nil, err
		}
	}
	return skep.NewKernel(&skep.KernelOptions{Target: t, Limits: skep.Limits{RunTime: runLimit}})
}
