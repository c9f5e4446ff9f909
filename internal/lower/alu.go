// This file defines the lowering of arithmetic.

package lower

import (
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/ir"
)

// aluOps gives the 64-bit and 32-bit codes of an operation, by Op >> 4.
var aluOps = [16]struct{ wide, word ir.Opcode }{
	bytecode.ALUAdd >> 4:  {ir.Add, ir.AddW},
	bytecode.ALUSub >> 4:  {ir.Sub, ir.SubW},
	bytecode.ALUMul >> 4:  {ir.Mul, ir.MulW},
	bytecode.ALUDiv >> 4:  {ir.Div, ir.DivW},
	bytecode.ALUOr >> 4:   {ir.Or, ir.OrW},
	bytecode.ALUAnd >> 4:  {ir.And, ir.AndW},
	bytecode.ALULsh >> 4:  {ir.Lsh, ir.LshW},
	bytecode.ALURsh >> 4:  {ir.Rsh, ir.RshW},
	bytecode.ALUNeg >> 4:  {ir.Neg, ir.NegW},
	bytecode.ALUMod >> 4:  {ir.Mod, ir.ModW},
	bytecode.ALUXor >> 4:  {ir.Xor, ir.XorW},
	bytecode.ALUMov >> 4:  {ir.Mov, ir.MovW},
	bytecode.ALUArsh >> 4: {ir.Arsh, ir.ArshW},
}

// none is what the tables have where there is no operation; addition itself
// needs no looking up.
const none = ir.Add

// offForm is an operation that a non-zero Off turns into another one.
type offForm struct {
	alu uint8
	off int16
}

var offOps = map[offForm]struct{ wide, word ir.Opcode }{
	{bytecode.ALUDiv, 1}:  {ir.SDiv, ir.SDivW},
	{bytecode.ALUMod, 1}:  {ir.SMod, ir.SModW},
	{bytecode.ALUMov, 8}:  {ir.Sext8, ir.Sext8W},
	{bytecode.ALUMov, 16}: {ir.Sext16, ir.Sext16W},
	{bytecode.ALUMov, 32}: {wide: ir.Sext32},
	// A cast between address spaces keeps the address: user space has one.
	{bytecode.ALUMov, bytecode.PseudoAddrSpace}: {wide: ir.Mov},
}

// swapOps gives the code of a byte-order conversion by its width. Skep runs on
// little-endian machines: "to little" only cuts off, the others reverse.
var (
	toLittleOps = map[int32]ir.Opcode{16: ir.Zext16, 32: ir.MovW, 64: ir.Mov}
	reverseOps  = map[int32]ir.Opcode{16: ir.Swap16, 32: ir.Swap32, 64: ir.Swap64}
)

func (l *lowering) alu(in bytecode.Insn) error {
	if in.ALUOp() == bytecode.ALUEnd {
		return l.byteOrder(in)
	}
	codes := aluOps[in.ALUOp()>>4]
	if in.Off != 0 {
		codes = offOps[offForm{in.ALUOp(), in.Off}]
	}
	code := codes.word
	if in.Class() == bytecode.ClassALU64 {
		code = codes.wide
	}
	if code == none && in.ALUOp() != bytecode.ALUAdd {
		return l.errorf("unknown arithmetic %#x with offset %d", in.Op, in.Off)
	}
	src, imm := operand(in)
	if in.Off == bytecode.PseudoAddrSpace && in.ALUOp() == bytecode.ALUMov {
		imm = 0
	}
	l.emit(ir.Op{Code: code, Dst: ir.Reg(in.Dst), Src: src, Imm: imm})
	return nil
}

func (l *lowering) byteOrder(in bytecode.Insn) error {
	ops := reverseOps
	if in.Class() == bytecode.ClassALU && !in.UsesSrc() {
		ops = toLittleOps
	}
	code, ok := ops[in.Imm]
	if !ok {
		return l.errorf("byte order of %d bits", in.Imm)
	}
	l.emit(ir.Op{Code: code, Dst: ir.Reg(in.Dst), Src: ir.Reg(in.Dst)})
	return nil
}
