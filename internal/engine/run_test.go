// This file tests control: functions, callbacks, tail calls, nesting, limits.

package engine

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/ir"
	"github.com/skepbpf/skep/internal/maps"
)

// both runs a test in both engines, each on a slot of its own.
func both(t *testing.T, f func(t *testing.T, s *Slot, exec Executable)) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			s := newTestPool(t, 1).Lease()
			defer s.Release()
			f(t, s, e.exec)
		})
	}
}

func mustRun(t *testing.T, s *Slot, p *Program, r1 uint64) uint64 {
	t.Helper()
	r0, err := p.Run(s, r1, 0)
	if err != nil {
		t.Fatal(err)
	}
	return r0
}

// withFuncs makes a program of several functions; entries are operations.
func withFuncs(t *testing.T, exec Executable, funcs *Funcs, calls []ir.Call, entries []int32, ops ...ir.Op) *Program {
	t.Helper()
	code := testCode(ops...)
	code.Calls, code.Funcs = calls, nil
	for _, e := range entries {
		code.Funcs = append(code.Funcs, ir.Func{Entry: e, Slot: e, Stack: 32})
	}
	p, err := NewProgram(code, funcs, nil, exec)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A callee has a stack of its own, zeroed, and R6 to R9 are the caller's again.
func TestFunctionCall(t *testing.T) {
	both(t, func(t *testing.T, s *Slot, exec Executable) {
		p := withFuncs(t, exec, nil, nil, []int32{0, 8},
			mov(ir.R6, 100),
			op(ir.Store64, ir.R10, ir.RZero, -8, 20),
			op(ir.Mov, ir.R1, ir.R10, 0, -8),
			op(ir.CallFunc, 0, 0, 8, 1),
			op(ir.Load64, ir.R1, ir.R10, -8, 0),
			op(ir.Add, ir.R0, ir.R1, 0, 0),
			op(ir.Add, ir.R0, ir.R6, 0, 0),
			exit(),                              // 100 + 21 + 3
			op(ir.Load64, ir.R0, ir.R10, -8, 0), // its own, 0
			op(ir.Store64, ir.R10, ir.RZero, -8, 77),
			op(ir.Load64, ir.R2, ir.R1, 0, 0),
			op(ir.Add, ir.R2, ir.RZero, 0, 1),
			op(ir.Store64, ir.R1, ir.R2, 0, 0),
			mov(ir.R6, 5),
			op(ir.Add, ir.R0, ir.RZero, 0, 3),
			exit())
		for range 2 {
			if got := mustRun(t, s, p, 0); got != 124 {
				t.Errorf("got %d, want 124", got)
			}
		}
	})
}

// Deep recursion that no verifier would let through still has frames: eight
// functions deep, as the target allows.
func TestEightFrames(t *testing.T) {
	both(t, func(t *testing.T, s *Slot, exec Executable) {
		var ops []ir.Op
		var entries []int32
		for i := range int64(8) {
			entries = append(entries, int32(len(ops)))
			ops = append(ops, op(ir.Store64, ir.R10, ir.RZero, -8, i+1))
			if i < 7 {
				ops = append(ops, op(ir.CallFunc, 0, 0, int32(len(ops)+4), i+1))
			} else {
				ops = append(ops, mov(ir.R0, 0))
			}
			ops = append(ops, op(ir.Load64, ir.R1, ir.R10, -8, 0), op(ir.Add, ir.R0, ir.R1, 0, 0), exit())
		}
		p := withFuncs(t, exec, nil, nil, entries, ops...)
		if got := mustRun(t, s, p, 0); got != 36 {
			t.Errorf("the frames sum up to %d, want 36", got)
		}
	})
}

// loopFuncs has a host function that calls its R2 as often as R1 says, with
// the index and R3, until it returns not 0: bpf_loop.
func loopFuncs() (*Funcs, []ir.Call) {
	funcs := new(Funcs)
	funcs.Add("loop", func(c *Call, n, fn, ctx, _, _ uint64) uint64 {
		for i := range n {
			if c.Callback(fn, i, ctx) != 0 {
				return i + 1
			}
		}
		return n
	})
	return funcs, []ir.Call{{Name: "loop", Map: -1, Callback: 1}}
}

// A callback sees the caller's stack through its argument and has its own.
func TestCallback(t *testing.T) {
	both(t, func(t *testing.T, s *Slot, exec Executable) {
		funcs, calls := loopFuncs()
		p := withFuncs(t, exec, funcs, calls, []int32{0, 8},
			op(ir.Store64, ir.R10, ir.RZero, -8, 0),
			mov(ir.R6, 1000),
			mov(ir.R2, int64(ir.FuncHandle(1))),
			op(ir.Mov, ir.R3, ir.R10, 0, -8),
			op(ir.CallHost, 0, 0, 0, 0),
			op(ir.Load64, ir.R0, ir.R10, -8, 0),
			op(ir.Add, ir.R0, ir.R6, 0, 0),
			exit(),
			op(ir.Load64, ir.R3, ir.R2, 0, 0), // the callback: *R2 += R1
			op(ir.Add, ir.R3, ir.R1, 0, 0),
			op(ir.Store64, ir.R2, ir.R3, 0, 0),
			op(ir.Store64, ir.R10, ir.RZero, -8, -1),
			mov(ir.R6, 7),
			mov(ir.R0, 0),
			exit())
		if got := mustRun(t, s, p, 10); got != 1045 {
			t.Errorf("got %d, want 1000 + 0 + 1 + … + 9", got)
		}
	})
}

func TestCallbackOfNothing(t *testing.T) {
	s := newTestPool(t, 1).Lease()
	defer s.Release()
	p := hostProgram(t, nil, func(c *Call, r1, _, _, _, _ uint64) uint64 { return c.Callback(r1) })
	for _, handle := range []uint64{0, 12345, ir.FuncHandle(99)} {
		if got := mustRun(t, s, p, handle); got != 1 {
			t.Errorf("calling back %#x gave %d, want 1", handle, got)
		}
	}
}

// spin is a program that never ends.
func spin(t *testing.T, exec Executable) *Program {
	return testProgram(t, exec, mov(ir.R0, 0), op(ir.Add, ir.R0, ir.RZero, 0, 1), op(ir.Jump, 0, 0, 1, 0))
}

// endless are the ways not to end.
func endless(t *testing.T, exec Executable) map[string]*Program {
	funcs, calls := loopFuncs()
	return map[string]*Program{
		"loop": spin(t, exec),
		"callbacks": withFuncs(t, exec, funcs, calls, []int32{0, 3},
			mov(ir.R2, int64(ir.FuncHandle(1))), op(ir.CallHost, 0, 0, 0, 0), op(ir.Jump, 0, 0, 0, 0),
			mov(ir.R0, 0), exit()),
	}
}

func TestRunTimeLimit(t *testing.T) {
	both(t, func(t *testing.T, s *Slot, exec Executable) {
		for name, p := range endless(t, exec) {
			start := time.Now()
			s.Limit(5 * time.Millisecond)
			if _, err := p.Run(s, 1<<60, 0); !errors.Is(err, ErrRunTime) {
				t.Errorf("%s: got %v, want %v", name, err, ErrRunTime)
			}
			if took := time.Since(start); took > 500*time.Millisecond {
				t.Errorf("%s: stopped after %v", name, took)
			}
		}
	})
}

func TestCancel(t *testing.T) {
	for _, e := range engines {
		for name, p := range endless(t, e.exec) {
			pool := newTestPool(t, 1)
			errWhy := errors.New("why")
			ctx, cancel := context.WithCancelCause(context.Background())
			s, err := pool.LeaseContext(ctx)
			if err != nil {
				t.Fatal(err)
			}
			time.AfterFunc(5*time.Millisecond, func() { cancel(errWhy) })
			if _, err := p.Run(s, 1<<60, 0); !errors.Is(err, errWhy) {
				t.Errorf("%s %s: got %v, want the cause", e.name, name, err)
			}
			s.Release()
			// The next lease of the slot is not concerned.
			s = pool.Lease()
			if r0 := mustRun(t, s, testProgram(t, e.exec, mov(ir.R0, 3), exit()), 0); r0 != 3 {
				t.Errorf("%s %s: the next run returned %d", e.name, name, r0)
			}
			s.Release()
		}
	}
}

func TestMayGoto(t *testing.T) {
	s := newTestPool(t, 1).Lease()
	defer s.Release()
	loop := []ir.Op{
		mov(ir.R0, 0),
		op(ir.MayGoto, 0, 0, 4, 0),
		op(ir.Add, ir.R0, ir.RZero, 0, 1),
		op(ir.Jump, 0, 0, 1, 0),
		exit(),
	}
	if got := mustRun(t, s, testProgram(t, Interpreter{}, loop...), 0); got != ir.MaxLoops {
		t.Errorf("%d loops, want %d", got, ir.MaxLoops)
	}
	// The checked interpreter is slower: it starts with few loops left.
	for _, e := range engines {
		p := hostProgram(t, e.exec, func(c *Call, _, _, _, _, _ uint64) uint64 { c.slot.hdr.Loops = 10; return 0 })
		p.code.Ops = append([]ir.Op{op(ir.CallHost, 0, 0, 0, 0)}, loop[1:]...)
		p.code.Slots = []int32{0, 1, 2, 3, 4}
		p.code.First = []int32{0, 1, 2, 3, 4}
		p.ops, _ = decode(p.code)
		if got := mustRun(t, s, p, 0); got != 10 {
			t.Errorf("%s: %d loops, want 10", e.name, got)
		}
	}
}

// Programs that run programs, on one slot: each has a context of its own.
func TestNestedRuns(t *testing.T) {
	both(t, func(t *testing.T, s *Slot, exec Executable) {
		var outer *Program
		outer = hostProgram(t, exec, func(c *Call, ctx, _, _, _, _ uint64) uint64 {
			depth := uint64(c.Bytes(ctx, 1)[0])
			image := c.Slot().Context([]byte{byte(depth + 1)})
			r0, err := c.Run(outer, c.Slot().ContextAddr())
			if got := uint64(c.Bytes(ctx, 1)[0]); got != depth {
				t.Errorf("the context of depth %d now says %d", depth, got)
			}
			if err != nil {
				if !errors.Is(err, ErrNested) {
					t.Errorf("at depth %d: %v", depth, err)
				}
				return uint64(image[0])
			}
			return r0
		})
		s.Context([]byte{0})
		if got := mustRun(t, s, outer, s.ContextAddr()); got != maxNested {
			t.Errorf("runs nested %d deep, want %d", got, maxNested)
		}
	})
}

func TestMissingBody(t *testing.T) {
	code := testCode(op(ir.CallHost, 0, 0, 0, 0), exit())
	code.Calls = []ir.Call{{Name: "bpf_x", Body: 3}}
	if _, err := NewProgram(code, nil, nil, nil); err == nil || err.Error() != "call of bpf_x: no body number 3" {
		t.Errorf("got %v", err)
	}
}

func TestFuncsAreNotReplaced(t *testing.T) {
	funcs := new(Funcs)
	first, ok := funcs.Add("f", func(*Call, uint64, uint64, uint64, uint64, uint64) uint64 { return 1 })
	again, ok2 := funcs.Add("f", nil)
	if !ok || ok2 || first != again || funcs.body(first) == nil {
		t.Errorf("added as %d (%v), then as %d (%v)", first, ok, again, ok2)
	}
	if _, ok := funcs.Number("g"); ok {
		t.Error("a name without a body has a number")
	}
}

// callee is a program in a prog array.
type callee struct{ p *Program }

func (callee) ID() uint32         { return 1 }
func (callee) TailCallClass() any { return 0 }
func (callee) Retain()            {}
func (callee) Release()           {}
func (c callee) Engine() *Program { return c.p }

func progArray(t *testing.T, n uint32) *maps.Map {
	t.Helper()
	m, err := maps.New(nil, &bytecode.MapSpec{Type: bytecode.MapProgArray, KeySize: 4, ValueSize: 4, MaxEntries: n})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// tailCaller counts in its context, calls index 0 of the array, and returns 7
// where that fails.
func tailCaller(t *testing.T, exec Executable, m *maps.Map) *Program {
	return testProgram(t, exec,
		op(ir.Load64, ir.R6, ir.R1, 0, 0),
		op(ir.Add, ir.R6, ir.RZero, 0, 1),
		op(ir.Store64, ir.R1, ir.R6, 0, 0),
		mov(ir.R2, int64(Handle(m))),
		mov(ir.R3, 0),
		op(ir.TailCall, 0, 0, 0, 0),
		mov(ir.R0, 7),
		exit())
}

func TestTailCall(t *testing.T) {
	both(t, func(t *testing.T, s *Slot, exec Executable) {
		m := progArray(t, 2)
		p := tailCaller(t, exec, m)
		ctx := s.Context(nil)
		if got := mustRun(t, s, p, s.ContextAddr()); got != 7 || ctx[0] != 1 {
			t.Errorf("with no callee: R0 = %d, %d programs ran", got, ctx[0])
		}
		m.SetProgram(0, callee{testProgram(t, exec, mov(ir.R0, 9), exit())})
		ctx = s.Context(nil)
		if got := mustRun(t, s, p, s.ContextAddr()); got != 9 || ctx[0] != 1 {
			t.Errorf("with a callee: R0 = %d, %d programs ran", got, ctx[0])
		}
		m.SetProgram(0, callee{p})
		for range 2 {
			ctx = s.Context(nil)
			if got := mustRun(t, s, p, s.ContextAddr()); got != 7 || ctx[0] != ir.MaxTailCalls+1 {
				t.Errorf("calling itself: R0 = %d, %d programs ran, want 7 and 34", got, ctx[0])
			}
		}
	})
}

// A tail call in a function replaces that function only.
func TestTailCallInFunction(t *testing.T) {
	both(t, func(t *testing.T, s *Slot, exec Executable) {
		m := progArray(t, 1)
		m.SetProgram(0, callee{testProgram(t, exec, op(ir.Store64, ir.R10, ir.RZero, -8, 1), mov(ir.R0, 9), exit())})
		p := withFuncs(t, exec, nil, nil, []int32{0, 5},
			mov(ir.R6, 30),
			op(ir.CallFunc, 0, 0, 5, 1),
			op(ir.Add, ir.R0, ir.R6, 0, 0),
			op(ir.Add, ir.R0, ir.RZero, 0, 1),
			exit(),
			mov(ir.R2, int64(Handle(m))),
			mov(ir.R3, 0),
			op(ir.TailCall, 0, 0, 0, 0),
			mov(ir.R0, 7),
			exit())
		if got := mustRun(t, s, p, 0); got != 40 {
			t.Errorf("got %d, want 30 + 9 + 1", got)
		}
	})
}

func TestCPU(t *testing.T) {
	pool := newTestPool(t, 3)
	p := testProgram(t, nil, op(ir.CPU, ir.R0, 0, 0, 0), exit())
	for want := range uint64(3) {
		s := pool.slots[want]
		if !s.take() {
			t.Fatal("the slot is taken")
		}
		if got := mustRun(t, s, p, 0); got != want {
			t.Errorf("CPU %d on slot %d", got, want)
		}
		s.Release()
	}
}
