// This file defines the form in which the interpreter has a program.

package engine

import (
	"fmt"
	"unsafe"

	"github.com/skepbpf/skep/internal/ir"
)

// opSize is an operation's size in bytes.
const opSize = unsafe.Sizeof(ir.Op{})

// Codes of the interpreter's own.
const (
	atomicAdd64 = ir.NumOpcodes + iota // Atomic64 that adds and fetches nothing
)

// decode gives a program's operations as the interpreter's loop takes them,
// each at its own index: jumps are relative, in bytes from the operation behind
// them. Behind the last one stands an Exit, so that the operation behind any
// other exists.
func decode(code *ir.Code) ([]ir.Op, error) {
	ops := append(append(make([]ir.Op, 0, len(code.Ops)+1), code.Ops...), ir.Op{Code: ir.Exit})
	for i := range ops {
		op := &ops[i]
		if op.Dst >= ir.NumRegs || op.Src >= ir.NumRegs {
			return nil, fmt.Errorf("operation %d: register out of range", i)
		}
		if op.Code >= ir.Jump && op.Code <= ir.JSetW {
			if op.Off < 0 || int(op.Off) >= len(code.Ops) {
				return nil, fmt.Errorf("operation %d: jump to %d", i, op.Off)
			}
			op.Off = (op.Off - int32(i) - 1) * int32(opSize)
		}
		if op.Code == ir.Atomic64 && op.Imm == atomicAdd {
			op.Code = atomicAdd64
		}
	}
	return ops, nil
}
