// This file defines how Skep runs an accepted program as BPF_PROG_TEST_RUN
// does, through the library's front door.

package conformance

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/internal/bytecode"
)

// Runner runs programs for the running kernel's types.
type Runner struct {
	target skep.Target
	engine skep.Engine
}

// NewRunner fails where the running kernel does not show its types.
func NewRunner(engine skep.Engine) (*Runner, error) {
	t, err := skep.HostTarget()
	if err != nil {
		return nil, fmt.Errorf("target of runs: %w", err)
	}
	return &Runner{t, engine}, nil
}

// runLimit bounds one run.
const runLimit = 5 * time.Second

// Run loads a case's program anew, with all capabilities, and runs it on what
// the kernel ran it on. A fault or a panic is an error.
func (r *Runner) Run(ctx context.Context, c *Case) (ret uint32, err error) {
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
	coll, err := k.LoadContext(ctx, obj, &skep.LoadOptions{Programs: []string{c.Program}, Engine: r.engine})
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
