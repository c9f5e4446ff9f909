// This file defines the way from a verified program to one that runs.

package skep

import (
	"fmt"

	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/engine"
	"github.com/skepbpf/skep/internal/helper"
	"github.com/skepbpf/skep/internal/lower"
	"github.com/skepbpf/skep/internal/maps"
	"github.com/skepbpf/skep/internal/shadow"
	"github.com/skepbpf/skep/internal/verify"
)

// lower rewrites a verified program and binds it to host functions and maps.
func (k *Kernel) lower(v *verify.Verified, live []*maps.Map, e Engine) (*engine.Program, error) {
	exec, err := executables[e](v)
	if err != nil {
		return nil, err
	}
	env := &lower.Env{
		Func:   func(id catalog.FuncID) (int32, bool) { return k.funcs.Number(string(id)) },
		Reason: helper.Reason,
	}
	for _, m := range live {
		env.Maps = append(env.Maps, engine.Ref(m))
	}
	code, err := lower.Program(v, env)
	if err != nil {
		return nil, err
	}
	return engine.NewProgram(code, k.funcs, live, exec)
}

// executables are the engines of this build.
var executables = map[Engine]func(*verify.Verified) (engine.Executable, error){
	"":            interpreter,
	EngineAuto:    interpreter,
	EngineInterp:  interpreter,
	EngineChecked: checked,
}

func interpreter(*verify.Verified) (engine.Executable, error) { return engine.Interpreter{}, nil }

// checked follows the verifier's states, which it must have kept.
func checked(v *verify.Verified) (engine.Executable, error) {
	follow, err := shadow.Of(v)
	if err != nil {
		return nil, err
	}
	return engine.Checked{Shadow: follow}, nil
}

// check refuses engines that this build does not have.
func (e Engine) check() error {
	switch {
	case executables[e] != nil:
		return nil
	case e == EngineJIT:
		return fmt.Errorf("engine %s: not in this build: %w", e, EOPNOTSUPP)
	}
	return fmt.Errorf("engine %q: want auto, interp, checked or jit: %w", e, EINVAL)
}
