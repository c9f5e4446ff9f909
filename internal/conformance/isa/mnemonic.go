// This file defines the table of mnemonics.

package isa

import (
	"fmt"

	"github.com/skepbpf/skep/internal/bytecode"
)

// mnemonic is an instruction without its operands, and what these are.
type mnemonic struct {
	insn  bytecode.Insn
	shape []operand
}

// Shapes of instructions.
var (
	shapeBinary   = []operand{dstReg, srcAny}
	shapeUnary    = []operand{dstReg}
	shapeMove     = []operand{dstReg, srcReg}
	shapeCompare  = []operand{dstReg, srcAny, target16}
	shapeLoad     = []operand{dstReg, srcMem}
	shapeStore    = []operand{dstMem, srcReg}
	shapeStoreImm = []operand{dstMem, imm32}
)

var mnemonics = makeMnemonics()

// makeMnemonics spells out the families of instructions.
func makeMnemonics() map[string]mnemonic {
	t := table{
		"ja":         {op(bytecode.ClassJMP | bytecode.JmpA), []operand{target16}},
		"ja32":       {op(bytecode.ClassJMP32 | bytecode.JmpA), []operand{target32}},
		"exit":       {op(bytecode.ClassJMP | bytecode.JmpExit), nil},
		"call":       {op(bytecode.ClassJMP | bytecode.JmpCall), []operand{callee}},
		"call local": {bytecode.Insn{Op: bytecode.ClassJMP | bytecode.JmpCall, Src: bytecode.PseudoCall}, []operand{target32}},
		"lddw":       {op(bytecode.OpLdImm64), []operand{dstReg, imm64}},
	}
	t.arithmetic()
	t.conversions()
	t.compares()
	t.memory()
	t.atomics()
	return t
}

func op(code uint8) bytecode.Insn { return bytecode.Insn{Op: code} }

type table map[string]mnemonic

// widths are the two classes of arithmetic, with the mnemonic's suffix.
var widths = []struct {
	suffix string
	alu    uint8
	jump   uint8
	size   uint8
}{
	{"", bytecode.ClassALU64, bytecode.ClassJMP, bytecode.SizeDW},
	{"32", bytecode.ClassALU, bytecode.ClassJMP32, bytecode.SizeW},
}

func (t table) arithmetic() {
	unsigned := map[string]uint8{
		"add": bytecode.ALUAdd, "sub": bytecode.ALUSub, "mul": bytecode.ALUMul, "div": bytecode.ALUDiv,
		"or": bytecode.ALUOr, "and": bytecode.ALUAnd, "lsh": bytecode.ALULsh, "rsh": bytecode.ALURsh,
		"mod": bytecode.ALUMod, "xor": bytecode.ALUXor, "mov": bytecode.ALUMov, "arsh": bytecode.ALUArsh,
	}
	signed := map[string]uint8{"sdiv": bytecode.ALUDiv, "smod": bytecode.ALUMod}
	for _, w := range widths {
		for name, code := range unsigned {
			t[name+w.suffix] = mnemonic{op(code | w.alu), shapeBinary}
		}
		for name, code := range signed {
			t[name+w.suffix] = mnemonic{bytecode.Insn{Op: code | w.alu, Off: 1}, shapeBinary}
		}
		t["neg"+w.suffix] = mnemonic{op(bytecode.ALUNeg | w.alu), shapeUnary}
	}
}

// conversions are byte orders and sign extensions: le16, be16, swap16 (also
// bswap16), movsx832 (from 8 bits to 32).
func (t table) conversions() {
	orders := map[string]uint8{
		"le": bytecode.ClassALU, "be": bytecode.ClassALU | bytecode.SrcX,
		"swap": bytecode.ClassALU64, "bswap": bytecode.ClassALU64,
	}
	for _, bits := range []int32{16, 32, 64} {
		for name, code := range orders {
			in := bytecode.Insn{Op: bytecode.ALUEnd | code, Imm: bits}
			t[fmt.Sprintf("%s%d", name, bits)] = mnemonic{in, shapeUnary}
		}
	}
	for _, from := range []int16{8, 16, 32} {
		in := bytecode.Insn{Op: bytecode.ALUMov | bytecode.SrcX | bytecode.ClassALU64, Off: from}
		t[fmt.Sprintf("movsx%d64", from)] = mnemonic{in, shapeMove}
		in.Op = bytecode.ALUMov | bytecode.SrcX | bytecode.ClassALU
		t[fmt.Sprintf("movsx%d32", from)] = mnemonic{in, shapeMove}
	}
	delete(t, "movsx3232")
}

func (t table) compares() {
	for name, code := range map[string]uint8{
		"jeq": bytecode.JmpEq, "jne": bytecode.JmpNe, "jset": bytecode.JmpSet,
		"jgt": bytecode.JmpGt, "jge": bytecode.JmpGe, "jlt": bytecode.JmpLt, "jle": bytecode.JmpLe,
		"jsgt": bytecode.JmpSGt, "jsge": bytecode.JmpSGe, "jslt": bytecode.JmpSLt, "jsle": bytecode.JmpSLe,
	} {
		for _, w := range widths {
			t[name+w.suffix] = mnemonic{op(code | w.jump), shapeCompare}
		}
	}
}

func (t table) memory() {
	for name, size := range map[string]uint8{
		"b": bytecode.SizeB, "h": bytecode.SizeH, "w": bytecode.SizeW, "dw": bytecode.SizeDW,
	} {
		t["ldx"+name] = mnemonic{op(bytecode.ClassLDX | bytecode.ModeMEM | size), shapeLoad}
		t["ldxs"+name] = mnemonic{op(bytecode.ClassLDX | bytecode.ModeMEMSX | size), shapeLoad}
		t["stx"+name] = mnemonic{op(bytecode.ClassSTX | bytecode.ModeMEM | size), shapeStore}
		t["st"+name] = mnemonic{op(bytecode.ClassST | bytecode.ModeMEM | size), shapeStoreImm}
	}
	delete(t, "ldxsdw")
}

// atomics are "lock add", "lock fetch add32", "lock xchg" and so on.
func (t table) atomics() {
	plain := map[string]int32{
		"add": bytecode.AtomicAdd, "or": bytecode.AtomicOr, "and": bytecode.AtomicAnd, "xor": bytecode.AtomicXor,
	}
	for _, w := range widths {
		code := bytecode.ClassSTX | bytecode.ModeATOMIC | w.size
		put := func(name string, imm int32) {
			t["lock "+name+w.suffix] = mnemonic{bytecode.Insn{Op: code, Imm: imm}, shapeStore}
		}
		for name, imm := range plain {
			put(name, imm)
			put("fetch "+name, imm|bytecode.AtomicFetch)
		}
		put("xchg", bytecode.AtomicXchg)
		put("cmpxchg", bytecode.AtomicCmpXchg)
	}
}
