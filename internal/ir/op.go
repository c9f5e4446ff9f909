// This file defines a lowered operation and the registers it works on.

package ir

// Reg is a register of the lowered machine.
type Reg uint8

// Registers. R0 to R10 are BPF's; RTmp belongs to lowering and lives no longer
// than the operations of one instruction; RZero always reads 0 and is never a
// destination.
const (
	R0 Reg = iota
	R1
	R2
	R3
	R4
	R5
	R6
	R7
	R8
	R9
	R10 // frame pointer
	RTmp
	RZero

	NumRegs = 16 // size of a register file; a power of two, so that Reg&15 needs no bounds check
)

// Op is one operation, sixteen bytes. Its second operand is always the sum
//
//	B = R[Src] + Imm
//
// where an immediate operand is RZero + Imm and a register operand is Src + 0.
// So one code does for both forms of an instruction.
//
//	+------+-----+-----+-------------+---------------------+
//	| Code | Dst | Src | Off         | Imm                 |
//	+------+-----+-----+-------------+---------------------+
//	   16     8     8       32                 64            bits
type Op struct {
	Code Opcode
	Dst  Reg
	Src  Reg
	// Off is the byte offset of a memory access, and the absolute index of
	// the operation that a jump or a call goes to.
	Off int32
	Imm int64
}

// Opcode says what an operation does. A is R[Dst], B is R[Src]+Imm; codes with
// the suffix W work on the low 32 bits and clear the high ones.
type Opcode uint16

// Arithmetic: R[Dst] = A op B. Division by zero gives 0, a remainder by zero
// leaves the dividend, MinInt / -1 is MinInt with remainder 0; shift counts
// are taken modulo the width.
const (
	Add Opcode = iota
	Sub
	Mul
	Div
	SDiv
	Mod
	SMod
	Or
	And
	Xor
	Lsh
	Rsh
	Arsh
	Neg // -A
	Mov // B
	AddW
	SubW
	MulW
	DivW
	SDivW
	ModW
	SModW
	OrW
	AndW
	XorW
	LshW
	RshW
	ArshW
	NegW
	MovW
	Sext8   // B's low 8 bits, sign-extended to 64
	Sext16  // … 16 bits
	Sext32  // … 32 bits
	Sext8W  // B's low 8 bits, sign-extended to 32
	Sext16W // … 16 bits
	Zext16  // A's low 16 bits
	Swap16  // A's low 16 bits with their bytes in reverse order
	Swap32
	Swap64

	// Memory. Loads: R[Dst] = *(R[Src] + Off), zero- or sign-extended.
	// Stores: *(R[Dst] + Off) = B.
	Load8
	Load16
	Load32
	Load64
	LoadS8
	LoadS16
	LoadS32
	Store8
	Store16
	Store32
	Store64

	// CPU gives R[Dst] the index of the run's slot.
	CPU
	// LoadProbe is a load that may fault: of Imm's low byte in bytes (with
	// ProbeSigned, sign-extended) from R[Src] + Off; a miss reads 0.
	LoadProbe

	// Atomics on *(R[Dst] + Off). Imm is the BPF operation (atomic add, or,
	// and, xor with or without fetch, exchange, compare-exchange with R0).
	Atomic32
	Atomic64
	LoadAcq8 // R[Dst] = *(R[Src] + Off), with acquire order
	LoadAcq16
	LoadAcq32
	LoadAcq64
	StoreRel8 // *(R[Dst] + Off) = R[Src], with release order
	StoreRel16
	StoreRel32
	StoreRel64

	// Jump always. Codes before it go straight on, codes from it on may not.
	Jump
	// Conditional jumps, on 64 bits: to Off when A cond B.
	JEq
	JNe
	JGt
	JGe
	JLt
	JLe
	JSGt
	JSGe
	JSLt
	JSLe
	JSet // A & B != 0
	// The same on the low 32 bits.
	JEqW
	JNeW
	JGtW
	JGeW
	JLtW
	JLeW
	JSGtW
	JSGeW
	JSLtW
	JSLeW
	JSetW

	// Control. CallHost calls site Imm of Code.Calls. CallFunc calls function
	// Imm of Code.Funcs, Off being its entry. TailCall continues in the program
	// at index R3 of the map R2, or goes on with the next operation where there
	// is none. Exit leaves a function.
	CallHost
	CallFunc
	TailCall
	Exit
	// MayGoto jumps to Off once the run has used up its MaxLoops.
	MayGoto
	// PacketWord is the legacy load of Dst bytes from the packet of the socket
	// buffer R6 at offset B, in network order, into R0; out of bounds it exits
	// the function with 0.
	PacketWord

	NumOpcodes
)

// ProbeSigned is the bit of LoadProbe's Imm that asks for sign extension.
const ProbeSigned = 0x100

// IsStraight reports whether the next operation in order always comes next.
func (c Opcode) IsStraight() bool { return c < Jump }

// IsCondJump reports whether the operation may jump, and may not.
func (c Opcode) IsCondJump() bool { return c >= JEq && c <= JSetW }

// Jumps reports whether Off is the index of an operation.
func (c Opcode) Jumps() bool { return c >= Jump && c <= JSetW || c == MayGoto || c == CallFunc }
