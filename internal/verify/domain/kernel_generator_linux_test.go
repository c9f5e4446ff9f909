// This file defines the generator of programs whose scalars are worth
// comparing.

package domain_test

import (
	"math/rand/v2"

	"github.com/skepbpf/skep/internal/bytecode"
)

// generator writes random programs over R6 and R7; R8 takes results that
// nothing depends on, so that linked registers do not change ours.
type generator struct {
	*rand.Rand
	prog []bytecode.Insn
	near uint64 // constants of an experiment keep close to it, so that ranges meet
}

// savedCtx is where on the stack programs keep their context.
const savedCtx = -16

func newGenerator(seed uint64) *generator {
	return &generator{Rand: rand.New(rand.NewPCG(seed, 0x5ce9))}
}

func (g *generator) emit(in ...bytecode.Insn) { g.prog = append(g.prog, in...) }

// program returns a program of so many experiments.
func (g *generator) program(experiments int) []bytecode.Insn {
	g.emit(bytecode.Insn{Op: 0x7b, Dst: 10, Src: 1, Off: savedCtx})
	for range experiments {
		g.near = g.any()
		g.fresh(6)
		g.fresh(7)
		for range 1 + g.IntN(4) {
			g.experiment()
		}
	}
	g.emit(bytecode.Insn{Op: 0xb7}, bytecode.Insn{Op: 0x95})
	return g.prog
}

// fresh gives reg a new value and narrows it.
func (g *generator) fresh(reg uint8) {
	if g.IntN(8) == 0 {
		v := g.value()
		g.emit(bytecode.Insn{Op: 0x18, Dst: reg, Imm: int32(v)}, bytecode.Insn{Imm: int32(v >> 32)})
		return
	}
	call := bytecode.Insn{Op: 0x85, Imm: 7}
	g.emit(call, bytecode.Insn{Op: 0xbf, Dst: reg}, call)
	for range g.IntN(7) {
		g.narrow(reg)
	}
}

// value returns a number close to the experiment's, or any.
func (g *generator) value() uint64 {
	switch g.IntN(4) {
	case 0:
		return g.any()
	case 1:
		return g.near ^ 1<<g.IntN(64)
	}
	return g.near + uint64(int64(g.IntN(9)-4))
}

// any returns a number that is small, near a power of two, or arbitrary.
func (g *generator) any() uint64 {
	switch g.IntN(4) {
	case 0:
		return uint64(int64(g.IntN(33) - 16))
	case 1:
		return g.Uint64()
	}
	v := uint64(1)<<g.IntN(64) + uint64(int64(g.IntN(3)-1))
	if g.IntN(2) == 0 {
		return -v
	}
	return v
}

var (
	arithmetic = []uint8{0x00, 0x10, 0x20, 0x40, 0x50, 0xa0}
	shifts     = []uint8{0x60, 0x70, 0xc0}
	jumps      = []uint8{0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0xa0, 0xb0, 0xc0, 0xd0}
	sextBits   = []int16{8, 16, 32}
)

func pick[T any](g *generator, from []T) T { return from[g.IntN(len(from))] }

// narrow changes reg by a constant.
func (g *generator) narrow(reg uint8) {
	wide := g.IntN(2) == 0
	switch g.IntN(10) {
	case 7, 8:
		g.jumpByConst(reg)
	case 9:
		g.mask(reg, wide)
	case 0, 1:
		g.constALU(pick(g, arithmetic), reg, wide)
	case 2:
		g.emit(bytecode.Insn{Op: 0x50 | aluClass(wide), Dst: reg, Imm: int32(g.value())})
	case 3:
		g.emit(bytecode.Insn{Op: pick(g, shifts) | aluClass(wide), Dst: reg, Imm: g.amount(wide)})
	case 4, 5:
		g.jump(bytecode.Insn{Op: pick(g, jumps) | jumpClass(wide), Dst: reg, Imm: int32(g.value())})
	case 6:
		g.signExtend(reg, reg, wide)
	}
}

// mask spreads the sign and takes a constant where it is set, as compiled
// conditional moves do.
func (g *generator) mask(reg uint8, wide bool) {
	sign := int32(31)
	if wide {
		sign = 63
	}
	g.emit(bytecode.Insn{Op: bytecode.ALUArsh | aluClass(wide), Dst: reg, Imm: sign})
	g.constALU(pick(g, []uint8{bytecode.ALUAnd, bytecode.ALUOr}), reg, g.IntN(4) > 0)
}

// jumpByConst bounds reg by 64 bits of constant, in R9.
func (g *generator) jumpByConst(reg uint8) {
	v := g.value()
	g.emit(bytecode.Insn{Op: 0x18, Dst: 9, Imm: int32(v)}, bytecode.Insn{Imm: int32(v >> 32)})
	g.jump(bytecode.Insn{Op: pick(g, jumps) | bytecode.SrcX | jumpClass(g.IntN(4) > 0), Dst: reg, Src: 9})
}

func (g *generator) constALU(op, reg uint8, wide bool) {
	g.emit(bytecode.Insn{Op: op | aluClass(wide), Dst: reg, Imm: int32(g.value())})
}

func (g *generator) amount(wide bool) int32 {
	if wide {
		return g.Int32N(64)
	}
	return g.Int32N(32)
}

// signExtend moves src's low bytes to dst; a move within a register goes over
// R8 and loses its link by a call.
func (g *generator) signExtend(dst, src uint8, wide bool) {
	bits := sextBits[g.IntN(2)]
	if wide {
		bits = pick(g, sextBits)
	}
	g.emit(bytecode.Insn{Op: 0xb0 | bytecode.SrcX | aluClass(wide), Dst: dst, Src: src, Off: bits})
}

func aluClass(wide bool) uint8 {
	if wide {
		return bytecode.ClassALU64
	}
	return bytecode.ClassALU
}

func jumpClass(wide bool) uint8 {
	if wide {
		return bytecode.ClassJMP
	}
	return bytecode.ClassJMP32
}

// jump goes on either on the branch or behind it; the other way ends.
func (g *generator) jump(in bytecode.Insn) {
	end := []bytecode.Insn{{Op: 0xb7}, {Op: 0x95}}
	if g.IntN(2) == 0 {
		in.Off = 2
		g.emit(in)
	} else {
		in.Off = 1
		g.emit(in, bytecode.Insn{Op: 0x05, Off: 2})
	}
	g.emit(end...)
}

// experiment applies an operation or a comparison to R6 and R7.
func (g *generator) experiment() {
	wide := g.IntN(2) == 0
	pair := bytecode.Insn{Dst: 6, Src: 7}
	if g.IntN(16) == 0 {
		pair.Src = 6
	}
	switch g.IntN(12) {
	case 0, 1, 2:
		pair.Op = pick(g, arithmetic) | bytecode.SrcX | aluClass(wide)
		g.emit(pair)
	case 3:
		pair.Op = pick(g, shifts) | bytecode.SrcX | aluClass(wide)
		g.emit(pair)
	case 4:
		g.emit(bytecode.Insn{Op: 0x80 | aluClass(wide), Dst: 6})
	case 5:
		g.signExtend(8, 6, wide)
	case 6:
		g.emit(bytecode.Insn{Op: 0xb0 | bytecode.SrcX | aluClass(wide), Dst: 8, Src: 6})
	case 7:
		g.odd(wide)
	case 8:
		g.load()
	case 9:
		g.pointer()
	default:
		pair.Op = pick(g, jumps) | bytecode.SrcX | jumpClass(wide)
		g.jump(pair)
	}
}

// load reads unknown bytes off the stack, zero or sign extended.
func (g *generator) load() {
	g.emit(bytecode.Insn{Op: 0x85, Imm: 7})
	for i := range int16(8) {
		g.emit(bytecode.Insn{Op: 0x73, Dst: 10, Src: 0, Off: i - 8})
	}
	mode := pick(g, []uint8{bytecode.ModeMEM, bytecode.ModeMEMSX})
	size := pick(g, []uint8{bytecode.SizeB, bytecode.SizeH, bytecode.SizeW})
	g.emit(bytecode.Insn{Op: bytecode.ClassLDX | mode | size, Dst: 8, Src: 10, Off: -8})
}

// pointer moves the context pointer, which the program has saved, by numbers
// small enough for a pointer.
func (g *generator) pointer() {
	g.emit(bytecode.Insn{Op: 0x79, Dst: 8, Src: 10, Off: savedCtx})
	for range 1 + g.IntN(3) {
		reg := pick(g, []uint8{6, 7})
		if g.IntN(2) == 0 {
			g.signExtend(reg, reg, true)
		}
		g.emit(bytecode.Insn{Op: 0x57, Dst: reg, Imm: int32(g.value() & 0xffffff)})
		op := pick(g, []uint8{bytecode.ALUAdd, bytecode.ALUSub})
		g.emit(bytecode.Insn{Op: op | bytecode.SrcX | bytecode.ClassALU64, Dst: 8, Src: reg})
	}
	g.emit(bytecode.Insn{Op: 0xb7, Dst: 8})
}

// odd does what the verifier does not track.
func (g *generator) odd(wide bool) {
	in := bytecode.Insn{Op: pick(g, []uint8{0x30, 0x90}) | aluClass(wide), Dst: 6, Off: int16(g.IntN(2))}
	switch g.IntN(3) {
	case 0:
		in.Imm = int32(g.value()) | 1
	case 1:
		in.Op, in.Src = in.Op|bytecode.SrcX, 7
	case 2:
		in = bytecode.Insn{Op: 0xd4 | uint8(g.IntN(2))<<3, Dst: 6, Imm: 16 << g.IntN(3)}
	}
	g.emit(in)
}
