// This file defines the assembler of the generator: instructions by name, and
// labels that become jump offsets.

package fuzz

import (
	"math"
	"slices"

	"github.com/skepbpf/skep/internal/bytecode"
)

type insn = bytecode.Insn

// reg is a register's number.
type reg = uint8

const (
	r0  reg = bytecode.R0
	r1  reg = bytecode.R1
	r5  reg = bytecode.R5
	r6  reg = bytecode.R6
	r9  reg = bytecode.R9
	r10 reg = bytecode.R10
)

// width is the class of arithmetic and jumps: of 64 or of 32 bits.
type width struct{ alu, jmp uint8 }

var (
	w64 = width{bytecode.ClassALU64, bytecode.ClassJMP}
	w32 = width{bytecode.ClassALU, bytecode.ClassJMP32}
)

func aluK(w width, op uint8, dst reg, imm int32) insn {
	return insn{Op: w.alu | op, Dst: dst, Imm: imm}
}

func aluX(w width, op uint8, dst, src reg) insn {
	return insn{Op: w.alu | op | bytecode.SrcX, Dst: dst, Src: src}
}

func mov(dst, src reg) insn        { return aluX(w64, bytecode.ALUMov, dst, src) }
func movK(dst reg, imm int32) insn { return aluK(w64, bytecode.ALUMov, dst, imm) }
func addK(dst reg, imm int32) insn { return aluK(w64, bytecode.ALUAdd, dst, imm) }
func jmpK(w width, op uint8, dst reg, imm int32) insn {
	return insn{Op: w.jmp | op, Dst: dst, Imm: imm}
}

func jmpX(w width, op uint8, dst, src reg) insn {
	return insn{Op: w.jmp | op | bytecode.SrcX, Dst: dst, Src: src}
}

// sizeBits encodes an access of n bytes.
var sizeBits = map[int]uint8{1: bytecode.SizeB, 2: bytecode.SizeH, 4: bytecode.SizeW, 8: bytecode.SizeDW}

func load(n int, dst, src reg, off int) insn {
	return insn{Op: bytecode.ClassLDX | bytecode.ModeMEM | sizeBits[n], Dst: dst, Src: src, Off: int16(off)}
}

// loadSigned sign-extends; n is below 8.
func loadSigned(n int, dst, src reg, off int) insn {
	return insn{Op: bytecode.ClassLDX | bytecode.ModeMEMSX | sizeBits[n], Dst: dst, Src: src, Off: int16(off)}
}

func storeX(n int, dst reg, off int, src reg) insn {
	return insn{Op: bytecode.ClassSTX | bytecode.ModeMEM | sizeBits[n], Dst: dst, Src: src, Off: int16(off)}
}

func storeK(n int, dst reg, off int, imm int32) insn {
	return insn{Op: bytecode.ClassST | bytecode.ModeMEM | sizeBits[n], Dst: dst, Off: int16(off), Imm: imm}
}

func rmw(n int, op int32, dst reg, off int, src reg) insn {
	return insn{Op: bytecode.ClassSTX | bytecode.ModeATOMIC | sizeBits[n], Dst: dst, Src: src, Off: int16(off), Imm: op}
}

func call(helper int32) insn { return insn{Op: bytecode.ClassJMP | bytecode.JmpCall, Imm: helper} }
func exit() insn             { return insn{Op: bytecode.ClassJMP | bytecode.JmpExit} }

// label is a place in the code, known or not yet.
type label int

// refKind says which field of an instruction names a label, and how.
type refKind uint8

const (
	refOff  refKind = iota // Off of a jump
	refImm                 // Imm of gotol and of calls
	refFunc                // Imm of a load of a function's address
)

type ref struct {
	at   int
	to   label
	kind refKind
}

// asm collects instructions.
type asm struct {
	insns []insn
	at    []int // by label, -1 until placed
	refs  []ref
}

func (a *asm) emit(ins ...insn) { a.insns = append(a.insns, ins...) }

func (a *asm) newLabel() label {
	a.at = append(a.at, -1)
	return label(len(a.at) - 1)
}

func (a *asm) place(l label) { a.at[l] = len(a.insns) }

// jump emits a jump (or may_goto) to a label.
func (a *asm) jump(in insn, to label) {
	a.refs = append(a.refs, ref{len(a.insns), to, refOff})
	a.emit(in)
}

func (a *asm) goTo(to label) { a.jump(insn{Op: bytecode.ClassJMP | bytecode.JmpA}, to) }

// goToLong is gotol: the distance stands in Imm.
func (a *asm) goToLong(to label) {
	a.refs = append(a.refs, ref{len(a.insns), to, refImm})
	a.emit(insn{Op: bytecode.ClassJMP32 | bytecode.JmpA})
}

func (a *asm) mayGoto(to label) { a.jump(insn{Op: bytecode.ClassJMP | bytecode.JmpJCOND}, to) }

func (a *asm) callFunc(to label) {
	a.refs = append(a.refs, ref{len(a.insns), to, refImm})
	a.emit(insn{Op: bytecode.ClassJMP | bytecode.JmpCall, Src: bytecode.PseudoCall})
}

// loadFunc loads the address of a function.
func (a *asm) loadFunc(dst reg, to label) {
	a.refs = append(a.refs, ref{len(a.insns), to, refFunc})
	a.load64(dst, bytecode.PseudoFunc, 0)
}

// load64 is a 64-bit immediate load; src says what v names.
func (a *asm) load64(dst, src reg, v uint64) {
	a.emit(insn{Op: bytecode.OpLdImm64, Dst: dst, Src: src, Imm: int32(v)}, insn{Imm: int32(v >> 32)})
}

func (a *asm) loadMap(dst reg, m int) { a.load64(dst, bytecode.PseudoMapIdx, uint64(m)) }

// loadValue loads the address of byte off of a map's only value.
func (a *asm) loadValue(dst reg, m, off int) {
	a.load64(dst, bytecode.PseudoMapIdxValue, uint64(m)|uint64(off)<<32)
}

// used reports whether anything jumps to a label.
func (a *asm) used(l label) bool {
	return slices.ContainsFunc(a.refs, func(r ref) bool { return r.to == l })
}

// finish fills in the distances. ok is false when one does not fit.
func (a *asm) finish() (ins []insn, ok bool) {
	for _, r := range a.refs {
		in, d := &a.insns[r.at], a.at[r.to]-r.at-1
		switch {
		case a.at[r.to] < 0:
			return nil, false
		case r.kind != refOff:
			in.Imm = int32(d)
		case d < math.MinInt16 || d > math.MaxInt16:
			return nil, false
		default:
			in.Off = int16(d)
		}
	}
	return a.insns, true
}
