// This file measures runs and the interpreter.

package engine

import (
	"testing"

	"github.com/skepbpf/skep/internal/ir"
)

func BenchmarkLease(b *testing.B) {
	p := newTestPool(b, 0)
	for b.Loop() {
		p.Lease().Release()
	}
}

func BenchmarkRunEmpty(b *testing.B) {
	pool := newTestPool(b, 0)
	p := emptyProgram(b)
	b.ReportAllocs()
	for b.Loop() {
		s := pool.Lease()
		if _, err := p.Run(s, 0, 0); err != nil {
			b.Fatal(err)
		}
		s.Release()
	}
}

func BenchmarkRunEmptyPacket(b *testing.B) {
	pool := newTestPool(b, 0)
	p := emptyProgram(b)
	pkt := make([]byte, 64)
	run := func() uint64 {
		s := pool.Lease()
		defer s.Release()
		s.XDP(p, pkt)
		r0, err := p.Run(s, s.ContextAddr(), 0)
		if err != nil {
			b.Fatal(err)
		}
		return r0
	}
	b.ReportAllocs()
	for b.Loop() {
		run()
	}
}

// BenchmarkInterp runs a loop of 12 operations a thousand times.
func BenchmarkInterp(b *testing.B) {
	for _, engine := range []struct {
		name string
		exec Executable
	}{{"interp", Interpreter{}}, {"checked", Checked{}}} {
		b.Run(engine.name, func(b *testing.B) {
			pool := newTestPool(b, 0)
			p := testProgram(b, engine.exec,
				mov(ir.R0, 0),
				mov(ir.R2, 1000),
				op(ir.Store64, ir.R10, ir.RZero, -8, 5),
				op(ir.Add, ir.R0, ir.R2, 0, 0),
				op(ir.Load64, ir.R3, ir.R10, -8, 0),
				op(ir.Xor, ir.R3, ir.R0, 0, 0),
				op(ir.Store64, ir.R10, ir.R3, -8, 0),
				op(ir.JEqW, ir.R3, ir.RZero, 11, 77),
				op(ir.RshW, ir.R3, ir.RZero, 0, 3),
				op(ir.And, ir.R3, ir.RZero, 0, 0xff),
				op(ir.Load8, ir.R4, ir.R10, -5, 0),
				op(ir.JGt, ir.R4, ir.R3, 13, 0),
				op(ir.Add, ir.R0, ir.R3, 0, 0),
				op(ir.Sub, ir.R2, ir.RZero, 0, 1),
				op(ir.JNe, ir.R2, ir.RZero, 3, 0),
				exit())
			s := pool.Lease()
			defer s.Release()
			for b.Loop() {
				if _, err := p.Run(s, 0, 0); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/12000, "ns/op-run")
		})
	}
}

// emptyProgram returns 2 and has no stack.
func emptyProgram(b *testing.B) *Program {
	p := testProgram(b, nil, mov(ir.R0, 2), exit())
	p.code.Funcs[0].Stack = 0
	return p
}
