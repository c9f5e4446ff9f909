// This file defines the printed form of operations.

package ir

import "fmt"

var opNames = [NumOpcodes]string{
	Add: "add", Sub: "sub", Mul: "mul", Div: "div", SDiv: "sdiv", Mod: "mod", SMod: "smod",
	Or: "or", And: "and", Xor: "xor", Lsh: "lsh", Rsh: "rsh", Arsh: "arsh", Neg: "neg", Mov: "mov",
	AddW: "addw", SubW: "subw", MulW: "mulw", DivW: "divw", SDivW: "sdivw", ModW: "modw", SModW: "smodw",
	OrW: "orw", AndW: "andw", XorW: "xorw", LshW: "lshw", RshW: "rshw", ArshW: "arshw", NegW: "negw", MovW: "movw",
	Sext8: "sext8", Sext16: "sext16", Sext32: "sext32", Sext8W: "sext8w", Sext16W: "sext16w",
	Zext16: "zext16", Swap16: "swap16", Swap32: "swap32", Swap64: "swap64",
	Load8: "load8", Load16: "load16", Load32: "load32", Load64: "load64",
	LoadS8: "loads8", LoadS16: "loads16", LoadS32: "loads32",
	Store8: "store8", Store16: "store16", Store32: "store32", Store64: "store64",
	Jump: "jump",
	JEq:  "jeq", JNe: "jne", JGt: "jgt", JGe: "jge", JLt: "jlt", JLe: "jle",
	JSGt: "jsgt", JSGe: "jsge", JSLt: "jslt", JSLe: "jsle", JSet: "jset",
	JEqW: "jeqw", JNeW: "jnew", JGtW: "jgtw", JGeW: "jgew", JLtW: "jltw", JLeW: "jlew",
	JSGtW: "jsgtw", JSGeW: "jsgew", JSLtW: "jsltw", JSLeW: "jslew", JSetW: "jsetw",
	CallHost: "callhost", CallFunc: "callfunc", TailCall: "tailcall", Exit: "exit",
	MayGoto: "maygoto", CPU: "cpu", PacketWord: "packetword", LoadProbe: "loadprobe",
	Atomic32: "atomic32", Atomic64: "atomic64",
	LoadAcq8: "loadacq8", LoadAcq16: "loadacq16", LoadAcq32: "loadacq32", LoadAcq64: "loadacq64",
	StoreRel8: "storerel8", StoreRel16: "storerel16", StoreRel32: "storerel32", StoreRel64: "storerel64",
}

// String returns the code's name.
func (c Opcode) String() string {
	if c < NumOpcodes {
		return opNames[c]
	}
	return fmt.Sprintf("opcode(%d)", uint16(c))
}

// String returns the register's name: "r0", "tmp", "zero".
func (r Reg) String() string {
	switch {
	case r <= R10:
		return fmt.Sprintf("r%d", uint8(r))
	case r == RTmp:
		return "tmp"
	case r == RZero:
		return "zero"
	}
	return fmt.Sprintf("reg(%d)", uint8(r))
}

// operand prints R[Src] + Imm without the part that is nothing.
func (o Op) operand() string {
	switch {
	case o.Src == RZero:
		return fmt.Sprint(o.Imm)
	case o.Imm == 0:
		return o.Src.String()
	}
	return fmt.Sprintf("%s%+d", o.Src, o.Imm)
}

// String prints the operation, as "load32 r0, [r1+8]" or "jgt r2, r3 -> 17".
func (o Op) String() string {
	switch c := o.Code; {
	case c >= Load8 && c <= LoadS32, c >= LoadAcq8 && c <= LoadAcq64, c == LoadProbe:
		return fmt.Sprintf("%s %s, [%s%+d]", c, o.Dst, o.Src, o.Off)
	case c >= Store8 && c <= Store64, c >= StoreRel8 && c <= StoreRel64:
		return fmt.Sprintf("%s [%s%+d], %s", c, o.Dst, o.Off, o.operand())
	case c == Atomic32, c == Atomic64:
		return fmt.Sprintf("%s [%s%+d], %s, %#x", c, o.Dst, o.Off, o.Src, o.Imm)
	case c.IsCondJump():
		return fmt.Sprintf("%s %s, %s -> %d", c, o.Dst, o.operand(), o.Off)
	case c == Jump, c == MayGoto:
		return fmt.Sprintf("%s -> %d", c, o.Off)
	case c == CallHost:
		return fmt.Sprintf("%s #%d", c, o.Imm)
	case c == CallFunc:
		return fmt.Sprintf("%s #%d -> %d", c, o.Imm, o.Off)
	case c == TailCall, c == Exit:
		return c.String()
	case c == CPU, c == Neg, c == NegW, c >= Zext16 && c <= Swap64:
		return fmt.Sprintf("%s %s", c, o.Dst)
	case c == PacketWord:
		return fmt.Sprintf("%s%d %s", c, o.Dst*8, o.operand())
	}
	return fmt.Sprintf("%s %s, %s", o.Code, o.Dst, o.operand())
}
