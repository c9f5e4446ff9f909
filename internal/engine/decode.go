// This file defines the form in which the interpreter has a program.

package engine

import (
	"fmt"
	"slices"
	"unsafe"

	"github.com/skepbpf/skep/internal/ir"
)

// opSize is an operation's size in bytes.
const opSize = unsafe.Sizeof(ir.Op{})

// Codes of the interpreter's own.
const (
	atomicAdd32 = ir.NumOpcodes + iota // Atomic32 that adds and fetches nothing
	atomicAdd64
	firstSequence
)

// sequence is several operations that the loop runs in one go.
type sequence struct {
	code ir.Opcode
	of   []ir.Opcode
}

// decode gives a program's operations as the loop takes them, each at its own
// index: jumps are relative, in bytes from the operation behind them, and the
// first operation of a sequence has the sequence's code. The others stay what
// they are, for jumps to them. Behind the last operation stands an Exit, so that
// there is one behind any other.
func decode(code *ir.Code) ([]ir.Op, error) {
	ops := append(slices.Clone(code.Ops), ir.Op{Code: ir.Exit})
	for i := range ops {
		op := &ops[i]
		if op.Dst >= ir.NumRegs || op.Src >= ir.NumRegs {
			return nil, fmt.Errorf("operation %d: register out of range", i)
		}
		if op.Code >= ir.Jump && op.Code <= ir.JSetW {
			if op.Off < 0 || int(op.Off) >= len(code.Ops) {
				return nil, fmt.Errorf("operation %d: jump to %d of %d", i, op.Off, len(code.Ops))
			}
			op.Off = (op.Off - int32(i) - 1) * int32(opSize)
		}
		if op.Imm == atomicAdd {
			op.Code = plainAdd(op.Code)
		}
	}
	for i := range ops {
		ops[i].Code = sequenceAt(ops[i:])
	}
	return ops, nil
}

// plainAdd gives an atomic addition the code that has no choice in it.
func plainAdd(c ir.Opcode) ir.Opcode {
	switch c {
	case ir.Atomic32:
		return atomicAdd32
	case ir.Atomic64:
		return atomicAdd64
	}
	return c
}

// sequenceAt gives the code of the first sequence that ops begin with, or else
// of their first operation.
func sequenceAt(ops []ir.Op) ir.Opcode {
	for _, s := range sequences {
		if s.begins(ops) {
			return s.code
		}
	}
	return ops[0].Code
}

func (s *sequence) begins(ops []ir.Op) bool {
	if len(ops) < len(s.of) {
		return false
	}
	for i, c := range s.of {
		if ops[i].Code != c {
			return false
		}
	}
	return true
}
