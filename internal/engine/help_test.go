// This file defines what the package's tests share.

package engine

import (
	"testing"

	"github.com/skepbpf/skep/internal/ir"
	"github.com/skepbpf/skep/world"
)

// newTestPool makes a pool of n slots in a fake world; 0 is as many as the
// machine would get.
func newTestPool(t testing.TB, n int) *Pool {
	t.Helper()
	fake := world.NewFake()
	fake.SetCPUs(n)
	if n == 0 {
		fake.SetCPUs(world.Real().CPUs.Count())
	}
	p, err := NewPool(Host{World: fake.World()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func op(c ir.Opcode, dst, src ir.Reg, off int32, imm int64) ir.Op {
	return ir.Op{Code: c, Dst: dst, Src: src, Off: off, Imm: imm}
}

func mov(dst ir.Reg, imm int64) ir.Op { return op(ir.Mov, dst, ir.RZero, 0, imm) }
func exit() ir.Op                     { return ir.Op{Code: ir.Exit} }

// testCode makes code of one function, each operation an instruction of its own.
func testCode(ops ...ir.Op) *ir.Code {
	c := &ir.Code{Name: "test", Ops: ops, Funcs: []ir.Func{{Name: "test", Stack: 64}}}
	for i := range ops {
		c.Slots = append(c.Slots, int32(i))
		c.First = append(c.First, int32(i))
	}
	return c
}

func testProgram(t testing.TB, exec Executable, ops ...ir.Op) *Program {
	t.Helper()
	p, err := NewProgram(testCode(ops...), nil, nil, exec)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// engines are what every program of the tests runs in.
var engines = []struct {
	name string
	exec Executable
}{{"interpreter", Interpreter{}}, {"checked", Checked{}}}
