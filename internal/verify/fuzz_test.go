package verify

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
)

// FuzzVerify verifies arbitrary bytes as instructions: the verifier answers,
// with a verdict or by naming what it does not know, and does not panic.
func FuzzVerify(f *testing.F) {
	seed := func(insns []bytecode.Insn) {
		b := make([]byte, len(insns)*bytecode.InsnSize)
		for i, in := range insns {
			in.Encode(b[i*bytecode.InsnSize:])
		}
		f.Add(b, uint8(bytecode.ProgSocketFilter), true)
	}
	seed(prunedProgram)
	seed(code(mapLoad(1, 0), stDW(10, -8, 0), movX(2, 10), addK(2, -8), callHelper(1), jeqK(0, 0, 1), ldxDW(0, 0, 0), exit()))
	seed(code(movK(0, 0), callSubprog(1), exit(), mayGoto(1), ja(-2), exit()))
	maps := []*bytecode.MapSpec{
		{Name: "array", Type: bytecode.MapArray, KeySize: 4, ValueSize: 16, MaxEntries: 4},
		{Name: "ring", Type: bytecode.MapRingbuf, MaxEntries: 4096},
	}
	f.Fuzz(func(t *testing.T, b []byte, typ uint8, privileged bool) {
		p := &bytecode.Program{Type: bytecode.ProgType(typ % 33), License: "GPL", Maps: maps}
		for ; len(b) >= bytecode.InsnSize && len(p.Insns) < 256; b = b[bytecode.InsnSize:] {
			p.Insns = append(p.Insns, bytecode.DecodeInsn(b))
		}
		o := &Options{Target: catalog.Linux6_18, LogLevel: LogBranch | LogAll | LogStats, MaxLog: 1 << 16}
		if privileged {
			o.Caps = catalog.CapsAll
		}
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		_, err := Program(ctx, p, o)
		var r *Rejection
		var u *Unsupported
		if err != nil && !errors.As(err, &r) && !errors.As(err, &u) && !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("%T: %v", err, err)
		}
		if r != nil && r.Line == "" {
			t.Fatal("a rejection without a reason")
		}
	})
}
