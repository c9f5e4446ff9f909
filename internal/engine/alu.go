// This file defines arithmetic and comparison, one operation at a time. The
// checked interpreter uses all of it, the fast one only what it does not do
// in its loop.

package engine

import (
	"math"
	"math/bits"

	"github.com/skepbpf/skep/internal/ir"
)

// arithmetic gives A op B for the codes Add to Swap64.
func arithmetic(c ir.Opcode, a, b uint64) uint64 {
	switch {
	case c < ir.AddW:
		return arithmetic64(c, a, b)
	case c < ir.Sext8:
		return uint64(arithmetic32(c, uint32(a), uint32(b)))
	}
	return convert(c, a, b)
}

func arithmetic64(c ir.Opcode, a, b uint64) uint64 {
	switch c {
	case ir.Add:
		return a + b
	case ir.Sub:
		return a - b
	case ir.Mul:
		return a * b
	case ir.Div:
		return divide(a, b)
	case ir.SDiv:
		return uint64(divideSigned(int64(a), int64(b)))
	case ir.Mod:
		return remainder(a, b)
	case ir.SMod:
		return uint64(remainderSigned(int64(a), int64(b)))
	case ir.Or:
		return a | b
	case ir.And:
		return a & b
	case ir.Xor:
		return a ^ b
	case ir.Lsh:
		return a << (b & 63)
	case ir.Rsh:
		return a >> (b & 63)
	case ir.Arsh:
		return uint64(int64(a) >> (b & 63))
	case ir.Neg:
		return -a
	}
	return b // Mov
}

func arithmetic32(c ir.Opcode, a, b uint32) uint32 {
	switch c {
	case ir.AddW:
		return a + b
	case ir.SubW:
		return a - b
	case ir.MulW:
		return a * b
	case ir.DivW:
		return divide(a, b)
	case ir.SDivW:
		return uint32(divideSigned(int32(a), int32(b)))
	case ir.ModW:
		return remainder(a, b)
	case ir.SModW:
		return uint32(remainderSigned(int32(a), int32(b)))
	case ir.OrW:
		return a | b
	case ir.AndW:
		return a & b
	case ir.XorW:
		return a ^ b
	case ir.LshW:
		return a << (b & 31)
	case ir.RshW:
		return a >> (b & 31)
	case ir.ArshW:
		return uint32(int32(a) >> (b & 31))
	case ir.NegW:
		return -a
	}
	return b // MovW
}

// convert gives the sign extensions of B and the byte swaps of A.
func convert(c ir.Opcode, a, b uint64) uint64 {
	switch c {
	case ir.Sext8:
		return uint64(int8(b))
	case ir.Sext16:
		return uint64(int16(b))
	case ir.Sext32:
		return uint64(int32(b))
	case ir.Sext8W:
		return uint64(uint32(int8(b)))
	case ir.Sext16W:
		return uint64(uint32(int16(b)))
	case ir.Zext16:
		return uint64(uint16(a))
	case ir.Swap16:
		return uint64(bits.ReverseBytes16(uint16(a)))
	case ir.Swap32:
		return uint64(bits.ReverseBytes32(uint32(a)))
	}
	return bits.ReverseBytes64(a) // Swap64
}

func divide[T uint32 | uint64](a, b T) T {
	if b == 0 {
		return 0
	}
	return a / b
}

func remainder[T uint32 | uint64](a, b T) T {
	if b == 0 {
		return a
	}
	return a % b
}

// Go defines MinInt / -1 as MinInt and MinInt % -1 as 0, as BPF does.
func divideSigned[T int32 | int64](a, b T) T {
	if b == 0 {
		return 0
	}
	return a / b
}

func remainderSigned[T int32 | int64](a, b T) T {
	if b == 0 {
		return a
	}
	return a % b
}

// holds decides a conditional jump.
func holds(c ir.Opcode, a, b uint64) bool {
	if c >= ir.JEqW {
		c -= ir.JEqW - ir.JEq
		if c >= ir.JSGt && c <= ir.JSLe {
			a, b = uint64(int32(a)), uint64(int32(b))
		} else {
			a, b = a&math.MaxUint32, b&math.MaxUint32
		}
	}
	switch c {
	case ir.JEq:
		return a == b
	case ir.JNe:
		return a != b
	case ir.JGt:
		return a > b
	case ir.JGe:
		return a >= b
	case ir.JLt:
		return a < b
	case ir.JLe:
		return a <= b
	case ir.JSGt:
		return int64(a) > int64(b)
	case ir.JSGe:
		return int64(a) >= int64(b)
	case ir.JSLt:
		return int64(a) < int64(b)
	case ir.JSLe:
		return int64(a) <= int64(b)
	}
	return a&b != 0 // JSet
}
