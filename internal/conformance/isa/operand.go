// This file defines the kinds of operands.

package isa

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/skepbpf/skep/internal/bytecode"
)

// operand puts one operand's text into the instruction at a slot.
type operand func(a *assembler, at int, text string) error

// dstReg is a register that is written, or a store's base's sibling.
func dstReg(a *assembler, at int, text string) (err error) {
	a.insns[at].Dst, err = register(text)
	return err
}

// srcReg is a register that is read.
func srcReg(a *assembler, at int, text string) (err error) {
	a.insns[at].Src, err = register(text)
	return err
}

// srcAny is a register or an immediate.
func srcAny(a *assembler, at int, text string) error {
	if strings.HasPrefix(text, "%") {
		a.insns[at].Op |= bytecode.SrcX
		return srcReg(a, at, text)
	}
	return imm32(a, at, text)
}

// imm32 is a number that fits the immediate: decimal as signed, hex as bits.
func imm32(a *assembler, at int, text string) error {
	v, err := number(text)
	if err != nil {
		return err
	}
	hex := strings.Contains(text, "0x")
	if v < math.MinInt32 || v > math.MaxUint32 || v > math.MaxInt32 && !hex {
		return fmt.Errorf("immediate %s does not fit 32 bits", text)
	}
	a.insns[at].Imm = int32(v)
	return nil
}

// imm64 is a number of 64 bits, the high half of which is in a second slot.
func imm64(a *assembler, at int, text string) error {
	v, err := number(text)
	if u, uerr := strconv.ParseUint(text, 0, 64); uerr == nil {
		v, err = int64(u), nil
	}
	a.insns[at].Imm = int32(v)
	a.insns = append(a.insns, bytecode.Insn{Imm: int32(v >> 32)})
	return err
}

// dstMem is the memory that a store writes; srcMem the one that a load reads.
func dstMem(a *assembler, at int, text string) (err error) {
	in := &a.insns[at]
	in.Dst, err = memory(in, text)
	return err
}

func srcMem(a *assembler, at int, text string) (err error) {
	in := &a.insns[at]
	in.Src, err = memory(in, text)
	return err
}

// memory reads "[%r1+8]": the offset goes to in, the base is returned.
func memory(in *bytecode.Insn, text string) (base uint8, err error) {
	inner, ok := strings.CutPrefix(text, "[")
	inner, ok2 := strings.CutSuffix(inner, "]")
	if !ok || !ok2 {
		return 0, fmt.Errorf("%q is no memory operand", text)
	}
	cut := strings.IndexAny(inner, "+-")
	if cut < 0 {
		return register(inner)
	}
	off, err := number(inner[cut:])
	if err != nil {
		return 0, err
	}
	if err := putOff(in, int(off)); err != nil {
		return 0, err
	}
	return register(inner[:cut])
}

// target16 is where a jump goes: "+2" slots on, or a label.
func target16(a *assembler, at int, text string) error { return a.target(at, text, putOff) }

// target32 is the same in the immediate.
func target32(a *assembler, at int, text string) error { return a.target(at, text, putImm) }

func (a *assembler) target(at int, text string, put func(*bytecode.Insn, int) error) error {
	if strings.HasPrefix(text, "+") || strings.HasPrefix(text, "-") {
		v, err := number(text)
		if err != nil {
			return err
		}
		return put(&a.insns[at], int(v))
	}
	a.jumps = append(a.jumps, fixup{at, text, put})
	return nil
}

// callee is a helper's number, or a register for the indirect call that only
// some compilers emit (no kernel takes it).
func callee(a *assembler, at int, text string) error {
	if strings.HasPrefix(text, "%") {
		a.insns[at].Op |= bytecode.SrcX
		return dstReg(a, at, text)
	}
	return imm32(a, at, text)
}

func register(text string) (uint8, error) {
	num, ok := strings.CutPrefix(text, "%r")
	n, err := strconv.ParseUint(num, 10, 8)
	if !ok || err != nil || n > bytecode.R10 {
		return 0, fmt.Errorf("invalid register %q", text)
	}
	return uint8(n), nil
}

func number(text string) (int64, error) {
	v, err := strconv.ParseInt(text, 0, 64)
	if err != nil {
		return 0, fmt.Errorf("invalid number %q", text)
	}
	return v, nil
}
