// This file defines the way from a verified program to one that runs.

package skep

import (
	"fmt"

	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/engine"
	"github.com/skepbpf/skep/internal/lower"
	"github.com/skepbpf/skep/internal/maps"
	"github.com/skepbpf/skep/internal/verify"
)

// lower rewrites a verified program and binds it to host functions and maps.
func (k *Kernel) lower(v *verify.Verified, live []*maps.Map, exec engine.Executable) (*engine.Program, error) {
	env := &lower.Env{Func: func(id catalog.FuncID) (int32, bool) { return k.funcs.Number(string(id)) }}
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
var executables = map[Engine]func() engine.Executable{
	"":           func() engine.Executable { return engine.Interpreter{} },
	EngineAuto:   func() engine.Executable { return engine.Interpreter{} },
	EngineInterp: func() engine.Executable { return engine.Interpreter{} },
}

func newExecutable(e Engine) (engine.Executable, error) {
	if f := executables[e]; f != nil {
		return f(), nil
	}
	if e == EngineJIT || e == EngineChecked {
		return nil, fmt.Errorf("engine %s: not in this build: %w", e, EOPNOTSUPP)
	}
	return nil, fmt.Errorf("engine %q: want auto, interp, checked or jit: %w", e, EINVAL)
}
