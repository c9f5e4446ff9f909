// This file defines one instruction slot and the constants of its encoding.

// Package bytecode holds a linked program as bpf(2) takes it: instruction slots
// with nothing of their eight bytes lost, the maps they name, function and line
// information. internal/object makes one from an ELF file, root makes one from
// a CollectionSpec or a system call; internal/verify is the next to read it.
package bytecode

import "encoding/binary"

// Insn is one eight-byte slot. A 64-bit immediate load takes two of them, so
// indexes into []Insn are the indexes that the kernel's log prints.
type Insn struct {
	Op  uint8
	Dst uint8 // 4 bits in the encoding
	Src uint8 // 4 bits in the encoding
	Off int16
	Imm int32
}

// InsnSize is the size of an encoded slot in bytes.
const InsnSize = 8

// Encode writes the slot in little-endian form, as on amd64 and arm64.
func (in Insn) Encode(b []byte) {
	b[0] = in.Op
	b[1] = in.Dst&0xf | in.Src<<4
	binary.LittleEndian.PutUint16(b[2:], uint16(in.Off))
	binary.LittleEndian.PutUint32(b[4:], uint32(in.Imm))
}

// DecodeInsn reads one little-endian slot from the first eight bytes of b.
func DecodeInsn(b []byte) Insn {
	return Insn{
		Op:  b[0],
		Dst: b[1] & 0xf,
		Src: b[1] >> 4,
		Off: int16(binary.LittleEndian.Uint16(b[2:])),
		Imm: int32(binary.LittleEndian.Uint32(b[4:])),
	}
}

// Instruction classes: Op & 0x07.
const (
	ClassLD    = 0x00
	ClassLDX   = 0x01
	ClassST    = 0x02
	ClassSTX   = 0x03
	ClassALU   = 0x04
	ClassJMP   = 0x05
	ClassJMP32 = 0x06
	ClassALU64 = 0x07
)

// Sizes of loads and stores: Op & 0x18.
const (
	SizeW  = 0x00
	SizeH  = 0x08
	SizeB  = 0x10
	SizeDW = 0x18
)

// Modes of loads and stores: Op & 0xe0.
const (
	ModeIMM    = 0x00
	ModeABS    = 0x20
	ModeIND    = 0x40
	ModeMEM    = 0x60
	ModeMEMSX  = 0x80
	ModeATOMIC = 0xc0
)

// Operand source of ALU and jump instructions: Op & 0x08.
const (
	SrcK = 0x00
	SrcX = 0x08
)

// ALU operations: Op & 0xf0.
const (
	ALUAdd  = 0x00
	ALUSub  = 0x10
	ALUMul  = 0x20
	ALUDiv  = 0x30
	ALUOr   = 0x40
	ALUAnd  = 0x50
	ALULsh  = 0x60
	ALURsh  = 0x70
	ALUNeg  = 0x80
	ALUMod  = 0x90
	ALUXor  = 0xa0
	ALUMov  = 0xb0
	ALUArsh = 0xc0
	ALUEnd  = 0xd0
)

// Jump operations: Op & 0xf0.
const (
	JmpA     = 0x00
	JmpEq    = 0x10
	JmpGt    = 0x20
	JmpGe    = 0x30
	JmpSet   = 0x40
	JmpNe    = 0x50
	JmpSGt   = 0x60
	JmpSGe   = 0x70
	JmpCall  = 0x80
	JmpExit  = 0x90
	JmpLt    = 0xa0
	JmpLe    = 0xb0
	JmpSLt   = 0xc0
	JmpSLe   = 0xd0
	JmpJCOND = 0xe0 // may_goto
)

// Atomic operations: the immediate of a ModeATOMIC store.
const (
	AtomicFetch    = 0x01
	AtomicAdd      = 0x00
	AtomicOr       = 0x40
	AtomicAnd      = 0x50
	AtomicXor      = 0xa0
	AtomicXchg     = 0xe0 | AtomicFetch
	AtomicCmpXchg  = 0xf0 | AtomicFetch
	AtomicLoadAcq  = 0x100
	AtomicStoreRel = 0x110
)

// Src of a 64-bit immediate load: what the immediate names. A linked program
// has only the IDX forms for maps: Imm is an index into Program.Maps (the
// fd_array of bpf(2)), and the second slot's Imm is the offset into the value.
const (
	PseudoMapFD       = 1
	PseudoMapValue    = 2
	PseudoBTFID       = 3
	PseudoFunc        = 4
	PseudoMapIdx      = 5
	PseudoMapIdxValue = 6
)

// Src of a call: what the immediate names.
const (
	PseudoCall      = 1
	PseudoKfuncCall = 2
)

// PseudoAddrSpace is the Off of a MOV64 that casts between address spaces.
const PseudoAddrSpace = 1

// Registers.
const (
	R0 = iota
	R1
	R2
	R3
	R4
	R5
	R6
	R7
	R8
	R9
	R10
)

// OpLdImm64 is the opcode of the first slot of a 64-bit immediate load.
const OpLdImm64 = ClassLD | ModeIMM | SizeDW

// Class returns the instruction class.
func (in Insn) Class() uint8 { return in.Op & 0x07 }

// Mode returns the mode of a load or store.
func (in Insn) Mode() uint8 { return in.Op & 0xe0 }

// ALUOp returns the operation of an ALU instruction.
func (in Insn) ALUOp() uint8 { return in.Op & 0xf0 }

// JmpOp returns the operation of a jump.
func (in Insn) JmpOp() uint8 { return in.Op & 0xf0 }

// UsesSrc reports whether an ALU or jump instruction takes its second operand
// from a register.
func (in Insn) UsesSrc() bool { return in.Op&SrcX != 0 }

// IsLdImm64 reports whether the slot starts a two-slot 64-bit immediate load.
func (in Insn) IsLdImm64() bool { return in.Op == OpLdImm64 }

// IsJump reports whether the class is one of the two jump classes.
func (in Insn) IsJump() bool { c := in.Class(); return c == ClassJMP || c == ClassJMP32 }

// IsSubprogCall reports a call of another function of the same program.
func (in Insn) IsSubprogCall() bool { return in.Op == ClassJMP|JmpCall && in.Src == PseudoCall }

// IsHelperCall reports a call of a helper by its number.
func (in Insn) IsHelperCall() bool { return in.Op == ClassJMP|JmpCall && in.Src == 0 }

// IsKfuncCall reports a call of a kernel function by its BTF id.
func (in Insn) IsKfuncCall() bool { return in.Op == ClassJMP|JmpCall && in.Src == PseudoKfuncCall }

// IsFuncRef reports a load of the address of a function of the same program.
func (in Insn) IsFuncRef() bool { return in.IsLdImm64() && in.Src == PseudoFunc }

// IsExit reports the exit instruction.
func (in Insn) IsExit() bool { return in.Op == ClassJMP|JmpExit }

// IsMayGoto reports the may_goto form of JCOND.
func (in Insn) IsMayGoto() bool { return in.Op == ClassJMP|JmpJCOND && in.Src == 0 }

// MemSize returns how many bytes a load or store moves.
func (in Insn) MemSize() int {
	switch in.Op & 0x18 {
	case SizeW:
		return 4
	case SizeH:
		return 2
	case SizeB:
		return 1
	}
	return 8
}

// JumpTarget returns the index that a taken jump at pc goes to. The 32-bit
// jump (gotol) keeps its distance in Imm.
func (in Insn) JumpTarget(pc int) int {
	if in.Op == ClassJMP32|JmpA {
		return pc + 1 + int(in.Imm)
	}
	return pc + 1 + int(in.Off)
}
