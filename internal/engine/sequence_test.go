// This file tests sequences: whatever runs in one go does what its operations
// do one by one.

package engine

import (
	"math/rand/v2"
	"testing"

	"github.com/skepbpf/skep/internal/ir"
)

// sequenceProgram is a program around ops: it begins with random registers and
// stack, and returns a digest of both, and of whether the last operation jumped.
func sequenceProgram(rnd *rand.Rand, ops []ir.Op) []ir.Op {
	var p []ir.Op
	for r := ir.R0; r <= ir.R5; r++ {
		p = append(p, mov(r, int64(rnd.Uint64()>>rnd.IntN(64))))
	}
	for off := int32(-64); off < 0; off += 8 {
		p = append(p, op(ir.Store64, ir.R10, ir.RZero, off, int64(rnd.Uint64())))
	}
	p = append(p, mov(ir.R6, 1))
	for _, o := range ops {
		if o.Code.Jumps() {
			o.Off = int32(len(p) + len(ops) + 1)
		}
		p = append(p, o)
	}
	p = append(p, mov(ir.R6, 2))
	for r := ir.R1; r <= ir.R6; r++ {
		p = append(p, op(ir.Mul, ir.R0, ir.RZero, 0, 31), op(ir.Add, ir.R0, r, 0, 0))
	}
	for off := int32(-64); off < 0; off += 8 {
		p = append(p, op(ir.Mul, ir.R0, ir.RZero, 0, 31), op(ir.Load64, ir.R1, ir.R10, off, 0), op(ir.Add, ir.R0, ir.R1, 0, 0))
	}
	return append(p, exit())
}

// randomOp gives an operation random operands: memory is the stack's.
func randomOp(rnd *rand.Rand, c ir.Opcode) ir.Op {
	reg := func() ir.Reg { return ir.Reg(rnd.IntN(6)) }
	o := ir.Op{Code: c, Dst: reg(), Src: reg()}
	switch {
	case c >= ir.Load8 && c <= ir.LoadS32:
		o.Src, o.Off = ir.R10, -64+int32(rnd.IntN(57))
	case c >= ir.Store8 && c <= ir.Store64:
		o.Dst, o.Off = ir.R10, -64+int32(rnd.IntN(57))
	case rnd.IntN(2) == 0:
		o.Src, o.Imm = ir.RZero, int64(int32(rnd.Uint32()))>>rnd.IntN(32)
	}
	return o
}

func TestSequences(t *testing.T) {
	s := newTestPool(t, 1).Lease()
	defer s.Release()
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, seq := range sequences {
		for range 60 {
			var ops []ir.Op
			for _, c := range seq.of {
				ops = append(ops, randomOp(rnd, c))
			}
			code := sequenceProgram(rnd, ops)
			fast, slow := testProgram(t, Interpreter{}, code...), testProgram(t, Checked{}, code...)
			if !contains(fast.ops, seq.code) {
				t.Fatalf("%v is not taken for a sequence", seq.of)
			}
			if got, want := mustRun(t, s, fast, 0), mustRun(t, s, slow, 0); got != want {
				t.Fatalf("%v: %#x at once, %#x one by one", ops, got, want)
			}
		}
	}
}

func contains(ops []ir.Op, c ir.Opcode) bool {
	for _, o := range ops {
		if o.Code == c {
			return true
		}
	}
	return false
}

// A jump may go to the middle of a sequence.
func TestJumpIntoSequence(t *testing.T) {
	s := newTestPool(t, 1).Lease()
	defer s.Release()
	p := testProgram(t, Interpreter{},
		mov(ir.R0, 1),
		op(ir.Jump, 0, 0, 3, 0),
		mov(ir.R0, 100), // begins the sequence
		op(ir.Add, ir.R0, ir.RZero, 0, 10),
		exit())
	if p.ops[2].Code != movAdd {
		t.Fatal("no sequence to jump into")
	}
	if got := mustRun(t, s, p, 0); got != 11 {
		t.Errorf("got %d, want 11", got)
	}
}

// A sequence that ends in a jump back counts, and goes on where it was polled.
func TestSequenceLoops(t *testing.T) {
	const rounds = 3*pollEvery + 7
	s := newTestPool(t, 1).Lease()
	defer s.Release()
	p := testProgram(t, Interpreter{},
		mov(ir.R0, 0),
		op(ir.Add, ir.R0, ir.RZero, 0, 1),
		op(ir.JNe, ir.R0, ir.RZero, 1, rounds),
		exit())
	if p.ops[1].Code != addJNe {
		t.Fatal("the loop is no sequence")
	}
	if got := mustRun(t, s, p, 0); got != rounds {
		t.Errorf("%d rounds, want %d", got, rounds)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, bad := range map[string]ir.Op{
		"register": op(ir.Mov, ir.NumRegs, ir.RZero, 0, 0),
		"source":   op(ir.Mov, ir.R0, ir.NumRegs, 0, 0),
		"jump":     op(ir.Jump, 0, 0, 2, 0),
		"negative": op(ir.Jump, 0, 0, -1, 0),
	} {
		if _, err := NewProgram(testCode(bad, exit()), nil, nil, nil); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
