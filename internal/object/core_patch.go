// This file defines how the answer to a CO-RE relocation enters an instruction.

package object

import (
	"errors"
	"fmt"
	"math"

	"github.com/skepbpf/skep/internal/bytecode"
)

// poisonCore is the helper number that libbpf puts where a relocation has no
// answer: 0xbad2310. The verifier refuses it when the instruction is reached.
const poisonCore = 195896080

// poison turns an instruction, of one or two slots, into calls of a helper
// that does not exist.
func poison(insns []bytecode.Insn, slot int, helper int32) {
	n := 1
	if insns[slot].IsLdImm64() {
		n = 2
	}
	for i := range insns[slot : slot+n] {
		insns[slot+i] = bytecode.Insn{Op: opCall, Imm: helper}
	}
}

// patchCore puts a value into the instruction at slot.
func patchCore(insns []bytecode.Insn, slot int, v coreValue) error {
	in := &insns[slot]
	switch in.Class() {
	case bytecode.ClassALU, bytecode.ClassALU64:
		if in.UsesSrc() {
			break
		}
		return patchALU(insns, slot, v)
	case bytecode.ClassLDX, bytecode.ClassST, bytecode.ClassSTX:
		return patchMem(insns, slot, v)
	case bytecode.ClassLD:
		return patchLd(insns, slot, v)
	}
	return fmt.Errorf("opcode %#x has no place for it", in.Op)
}

func errUnexpected(got any, want uint64) error {
	return fmt.Errorf("the instruction has %d, the compiler's types give %d", got, want)
}

func patchALU(insns []bytecode.Insn, slot int, v coreValue) error {
	in := &insns[slot]
	switch {
	case v.poison:
		poison(insns, slot, poisonCore)
		return nil
	case !v.unchecked && uint64(int64(in.Imm)) != v.local:
		return errUnexpected(in.Imm, v.local)
	}
	in.Imm = int32(v.target)
	return nil
}

func patchMem(insns []bytecode.Insn, slot int, v coreValue) error {
	in := &insns[slot]
	switch {
	case v.poison:
		poison(insns, slot, poisonCore)
		return nil
	case !v.unchecked && uint64(int64(in.Off)) != v.local:
		return errUnexpected(in.Off, v.local)
	case v.target > math.MaxInt16:
		return fmt.Errorf("offset %d does not fit the instruction", v.target)
	case v.badSize:
		poison(insns, slot, poisonCore)
		return nil
	}
	in.Off = int16(v.target)
	if v.localSize != v.targetSize {
		return resize(in, v)
	}
	return nil
}

// memSizes are the size bits of loads and stores, by bytes.
var memSizes = map[uint32]uint8{
	1: bytecode.SizeB, 2: bytecode.SizeH, 4: bytecode.SizeW, 8: bytecode.SizeDW,
}

func resize(in *bytecode.Insn, v coreValue) error {
	if uint32(in.MemSize()) != v.localSize {
		return fmt.Errorf("the instruction moves %d bytes, the field has %d", in.MemSize(), v.localSize)
	}
	size, ok := memSizes[v.targetSize]
	if !ok {
		return fmt.Errorf("no load of %d bytes", v.targetSize)
	}
	in.Op = in.Mode() | size | in.Class()
	return nil
}

func patchLd(insns []bytecode.Insn, slot int, v coreValue) error {
	if !insns[slot].IsLdImm64() || slot+1 >= len(insns) {
		return errors.New("not a whole 64-bit load")
	}
	lo, hi := &insns[slot], &insns[slot+1]
	if lo.Src != 0 || lo.Off != 0 || *hi != (bytecode.Insn{Imm: hi.Imm}) {
		return errors.New("not a 64-bit load of a number")
	}
	imm := uint64(uint32(lo.Imm)) | uint64(uint32(hi.Imm))<<32
	switch {
	case v.poison:
		poison(insns, slot, poisonCore)
		return nil
	case !v.unchecked && imm != v.local:
		return errUnexpected(imm, v.local)
	}
	lo.Imm, hi.Imm = int32(v.target), int32(v.target>>32)
	return nil
}
