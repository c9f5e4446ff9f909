// This file defines short forms of instructions for the tests of the passes.

package verify

import "github.com/skepbpf/skep/internal/bytecode"

func insn(op uint8, dst, src uint8, off int16, imm int32) bytecode.Insn {
	return bytecode.Insn{Op: op, Dst: dst, Src: src, Off: off, Imm: imm}
}

func movK(dst uint8, imm int32) bytecode.Insn { return insn(0xb7, dst, 0, 0, imm) }
func movX(dst, src uint8) bytecode.Insn       { return insn(0xbf, dst, src, 0, 0) }
func addK(dst uint8, imm int32) bytecode.Insn { return insn(0x07, dst, 0, 0, imm) }
func exit() bytecode.Insn                     { return insn(0x95, 0, 0, 0, 0) }
func ja(off int16) bytecode.Insn              { return insn(0x05, 0, 0, off, 0) }
func gotol(imm int32) bytecode.Insn           { return insn(0x06, 0, 0, 0, imm) }
func jeqK(dst uint8, imm int32, off int16) bytecode.Insn {
	return insn(0x15, dst, 0, off, imm)
}
func mayGoto(off int16) bytecode.Insn       { return insn(0xe5, 0, 0, off, 0) }
func callHelper(num int32) bytecode.Insn    { return insn(0x85, 0, 0, 0, num) }
func callSubprog(delta int32) bytecode.Insn { return insn(0x85, 0, 1, 0, delta) }
func stDW(dst uint8, off int16, imm int32) bytecode.Insn {
	return insn(0x7a, dst, 0, off, imm)
}
func stxDW(dst uint8, off int16, src uint8) bytecode.Insn {
	return insn(0x7b, dst, src, off, 0)
}
func ldxDW(dst, src uint8, off int16) bytecode.Insn {
	return insn(0x79, dst, src, off, 0)
}
func ldAbs(imm int32) bytecode.Insn { return insn(0x30, 0, 0, 0, imm) }

// ldImm64 is the pair of slots of a 64-bit immediate load.
func ldImm64(dst, src uint8, lo, hi int32) []bytecode.Insn {
	return []bytecode.Insn{insn(0x18, dst, src, 0, lo), insn(0, 0, 0, 0, hi)}
}

// mapLoad loads the address of a map.
func mapLoad(dst uint8, idx int32) []bytecode.Insn {
	return ldImm64(dst, bytecode.PseudoMapIdx, idx, 0)
}

// funcRef loads the address of the function delta slots after the first.
func funcRef(dst uint8, delta int32) []bytecode.Insn {
	return ldImm64(dst, bytecode.PseudoFunc, delta, 0)
}

// code joins instructions and pairs of slots.
func code(parts ...any) []bytecode.Insn {
	var insns []bytecode.Insn
	for _, p := range parts {
		switch p := p.(type) {
		case bytecode.Insn:
			insns = append(insns, p)
		case []bytecode.Insn:
			insns = append(insns, p...)
		}
	}
	return insns
}
