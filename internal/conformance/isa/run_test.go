// This file defines the test that runs the vectors: verified, lowered, and in
// both interpreters.

package isa

import (
	"context"
	"errors"
	"testing"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/engine"
	"github.com/skepbpf/skep/internal/helper"
	"github.com/skepbpf/skep/internal/lower"
	"github.com/skepbpf/skep/internal/verify"
)

// engines are the executors that must agree.
var engines = map[string]engine.Executable{
	"interpreter":         engine.Interpreter{},
	"checked interpreter": engine.Checked{},
}

func check(v Vector) (*verify.Verified, error) {
	p := &bytecode.Program{Name: "vector", Type: bytecode.ProgMemory, License: "GPL", Insns: v.Insns}
	return verify.Program(context.Background(), p, &verify.Options{
		Target: catalog.Linux6_18, Caps: catalog.CapsAll, MemorySize: uint32(len(v.Memory)),
	})
}

// runIn runs a verified vector and returns R0.
func runIn(t *testing.T, pool *engine.Pool, e engine.Executable, v Vector, ok *verify.Verified) uint64 {
	t.Helper()
	funcs := helper.Bodies()
	number := func(id catalog.FuncID) (int32, bool) { return funcs.Number(string(id)) }
	code, err := lower.Program(ok, &lower.Env{Func: number})
	if err != nil {
		t.Fatal(err)
	}
	p, err := engine.NewProgram(code, funcs, nil, e)
	if err != nil {
		t.Fatal(err)
	}
	s := pool.Lease()
	defer s.Release()
	mem := append([]byte(nil), v.Memory...)
	r0, err := p.Run(s, s.Memory(mem), uint64(len(mem)))
	if err != nil {
		t.Fatal(err)
	}
	return r0
}

// TestRun checks the verdict and the result of every vector.
func TestRun(t *testing.T) {
	pool, err := engine.NewPool(engine.Host{})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	passed, refused, notApplicable := 0, 0, 0
	for _, v := range load(t) {
		switch v.Role {
		case Assembler, Runner:
			notApplicable++
			continue
		case Refused:
			var r *verify.Rejection
			if _, err := check(v); !errors.As(err, &r) || r.Line != v.Reason {
				t.Errorf("%s: %v, want %q", v.Name, err, v.Reason)
				continue
			}
			refused++
			continue
		}
		t.Run(v.Name, func(t *testing.T) {
			ok, err := check(v)
			if err != nil {
				t.Fatalf("%v", err)
			}
			for name, e := range engines {
				if got := runIn(t, pool, e, v, ok); got != v.Result {
					t.Errorf("%s: R0 = %#x, want %#x", name, got, v.Result)
				}
			}
			passed++
		})
	}
	t.Logf("%d run in both interpreters, %d refused with the kernel's line, %d not applicable", passed, refused, notApplicable)
}
