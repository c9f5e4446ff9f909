// This file defines what the interpreter's loop does: the table to edit.

package main

// row is an operation: its code, a name of package ir or, in lower case, of the
// engine's own, and what it does, in Go. For jumps that is the condition.
//
//	d   points to the destination register
//	b   is the second operand
//	op  is the operation
type row struct{ code, does string }

// straight are the operations after which the next one comes.
var straight = []row{
	{"Add", "*d += b"},
	{"Sub", "*d -= b"},
	{"Mul", "*d *= b"},
	{"Or", "*d |= b"},
	{"And", "*d &= b"},
	{"Xor", "*d ^= b"},
	{"Lsh", "*d <<= b & 63"},
	{"Rsh", "*d >>= b & 63"},
	{"Arsh", "*d = uint64(int64(*d) >> (b & 63))"},
	{"Neg", "*d = -*d"},
	{"Mov", "*d = b"},
	{"AddW", "*d = uint64(uint32(*d + b))"},
	{"SubW", "*d = uint64(uint32(*d - b))"},
	{"MulW", "*d = uint64(uint32(*d * b))"},
	{"OrW", "*d = uint64(uint32(*d | b))"},
	{"AndW", "*d = uint64(uint32(*d & b))"},
	{"XorW", "*d = uint64(uint32(*d ^ b))"},
	{"LshW", "*d = uint64(uint32(*d) << (b & 31))"},
	{"RshW", "*d = uint64(uint32(*d) >> (b & 31))"},
	{"ArshW", "*d = uint64(uint32(int32(*d) >> (b & 31)))"},
	{"NegW", "*d = uint64(uint32(-*d))"},
	{"MovW", "*d = uint64(uint32(b))"},
	{"Sext8", "*d = uint64(int8(b))"},
	{"Sext16", "*d = uint64(int16(b))"},
	{"Sext32", "*d = uint64(int32(b))"},
	{"Zext16", "*d = uint64(uint16(*d))"},
	{"Swap16", "*d = uint64(bits.ReverseBytes16(uint16(*d)))"},
	{"Swap32", "*d = uint64(bits.ReverseBytes32(uint32(*d)))"},
	{"Swap64", "*d = bits.ReverseBytes64(*d)"},
	{"Load8", "*d = uint64(*at[uint8](b + uint64(op.Off)))"},
	{"Load16", "*d = uint64(*at[uint16](b + uint64(op.Off)))"},
	{"Load32", "*d = uint64(*at[uint32](b + uint64(op.Off)))"},
	{"Load64", "*d = *at[uint64](b + uint64(op.Off))"},
	{"LoadS8", "*d = uint64(*at[int8](b + uint64(op.Off)))"},
	{"LoadS16", "*d = uint64(*at[int16](b + uint64(op.Off)))"},
	{"LoadS32", "*d = uint64(*at[int32](b + uint64(op.Off)))"},
	{"Store8", "*at[uint8](*d + uint64(op.Off)) = uint8(b)"},
	{"Store16", "*at[uint16](*d + uint64(op.Off)) = uint16(b)"},
	{"Store32", "*at[uint32](*d + uint64(op.Off)) = uint32(b)"},
	{"Store64", "*at[uint64](*d + uint64(op.Off)) = b"},
	{"CPU", "*d = uint64(s.hdr.CPU)"},
	{"atomicAdd32", "atomic.AddUint32(at[uint32](*d+uint64(op.Off)), uint32(b))"},
	{"atomicAdd64", "atomic.AddUint64(at[uint64](*d+uint64(op.Off)), b)"},
}

// jumps are taken where the condition holds.
var jumps = []row{
	{"Jump", ""},
	{"JEq", "*d == b"},
	{"JNe", "*d != b"},
	{"JGt", "*d > b"},
	{"JGe", "*d >= b"},
	{"JLt", "*d < b"},
	{"JLe", "*d <= b"},
	{"JSGt", "int64(*d) > int64(b)"},
	{"JSGe", "int64(*d) >= int64(b)"},
	{"JSLt", "int64(*d) < int64(b)"},
	{"JSLe", "int64(*d) <= int64(b)"},
	{"JSet", "*d&b != 0"},
	{"JEqW", "uint32(*d) == uint32(b)"},
	{"JNeW", "uint32(*d) != uint32(b)"},
	{"JGtW", "uint32(*d) > uint32(b)"},
	{"JGeW", "uint32(*d) >= uint32(b)"},
	{"JLtW", "uint32(*d) < uint32(b)"},
	{"JLeW", "uint32(*d) <= uint32(b)"},
	{"JSGtW", "int32(*d) > int32(b)"},
	{"JSGeW", "int32(*d) >= int32(b)"},
	{"JSLtW", "int32(*d) < int32(b)"},
	{"JSLeW", "int32(*d) <= int32(b)"},
	{"JSetW", "uint32(*d&b) != 0"},
}

// sequences are operations that compilers often put one behind the other: one
// dispatch does for all of them. A jump may only stand at the end. They are
// tried in this order, so a sequence stands before those that it begins with.
var sequences = []string{
	"Mov Add JGt", // is there as much of the packet?
	"Mov Add",
	"Load32 Store32 Load32 Store32", // a structure is copied
	"Load32 Store32",
	"Load64 Store64",
	"Store64 Store64 Store64 Store64", // a structure is cleared
	"Store64 Store64",
	"MovW Exit", // a result
	"Mov Exit",
	"MovW Store32 MovW Store32",
	"MovW Store32",
	"MovW JNeW", // a condition becomes 0 or 1
	"MovW JEqW",
	"MovW MovW",
	"AndW JNeW",
	"AndW JEqW",
	"Load16 Swap16 Store16",
	"Load16 Swap16",
	"Load16 AndW",
	"Load8 JEqW",
	"Load8 JNeW",
	"Load16 JEqW",
	"Load16 JNeW",
	"LshW AndW",
	"Add JGt",
	"Add JNe",
	"Mov Mov",
	"Lsh Rsh",
	"Lsh Arsh",
}
