// This file defines instructions as text, in the words of the kernel's log.

package bytecode

import (
	"strconv"
)

// Names resolve what a call's immediate names. A nil function, or an empty
// name, leaves the call anonymous as the kernel does.
type Names struct {
	// Helper names a helper by its number ("bpf_map_lookup_elem").
	Helper func(num int32) string
	// Kfunc names the kernel function of a call.
	Kfunc func(in Insn) string
}

// AppendInsn appends the instruction as the kernel's log prints it, without a
// line end: "(b7) r0 = 0". next is the following slot, of which only a 64-bit
// immediate load uses the immediate. Loads that name a map or a kernel variable
// print 0x0, as the kernel does where the address must not be seen.
func AppendInsn(b []byte, in, next Insn, names Names) []byte {
	p := printer{b: b, in: in, next: next, names: names}
	printers[in.Class()](&p)
	return p.b
}

// AppendInsn appends the instruction at pc as the kernel's log prints it.
func (p *Program) AppendInsn(b []byte, pc int, names Names) []byte {
	var next Insn
	if pc+1 < len(p.Insns) {
		next = p.Insns[pc+1]
	}
	return AppendInsn(b, p.Insns[pc], next, names)
}

// printers print an instruction, by class.
var printers = [8]func(*printer){
	ClassLD:    (*printer).ld,
	ClassLDX:   (*printer).ldx,
	ClassST:    (*printer).st,
	ClassSTX:   (*printer).stx,
	ClassALU:   (*printer).alu,
	ClassJMP:   (*printer).jmp,
	ClassJMP32: (*printer).jmp,
	ClassALU64: (*printer).alu,
}

// Operators by Op>>4.
var (
	aluText = [16]string{
		"+=", "-=", "*=", "/=", "|=", "&=", "<<=", ">>=", "neg", "%=", "^=", "=", "s>>=", "endian", "(null)", "(null)",
	}
	jmpText = [16]string{
		"jmp", "==", ">", ">=", "&", "!=", "s>", "s>=", "call", "exit", "<", "<=", "s<", "s<=", "(null)", "(null)",
	}
)

// Memory types by the size bits >> 3.
var (
	unsignedText = [4]string{"u32", "u16", "u8", "u64"}
	signedText   = [4]string{"s32", "s16", "s8", "(null)"}
)

// fetchText names the operations of atomic read-modify-write instructions.
var fetchText = map[int32]string{AtomicAdd: "add", AtomicAnd: "and", AtomicOr: "or", AtomicXor: "xor"}

// printer builds the text of one instruction.
type printer struct {
	b        []byte
	in, next Insn
	names    Names
}

// put appends words: a string as it is, an int in decimal, an offset with its
// sign, a hex in lower case with 0x.
func (p *printer) put(words ...any) {
	for _, w := range words {
		switch w := w.(type) {
		case string:
			p.b = append(p.b, w...)
		case int:
			p.b = strconv.AppendInt(p.b, int64(w), 10)
		case offset:
			if w >= 0 {
				p.b = append(p.b, '+')
			}
			p.b = strconv.AppendInt(p.b, int64(w), 10)
		case hex:
			p.b = append(p.b, "0x"...)
			p.b = strconv.AppendUint(p.b, uint64(w), 16)
		case reg:
			p.b = append(p.b, 'r')
			p.b = strconv.AppendUint(p.b, uint64(w), 10)
		case subreg:
			p.b = append(p.b, 'w')
			p.b = strconv.AppendUint(p.b, uint64(w), 10)
		}
	}
}

// Words of put.
type (
	offset int
	hex    uint64
	reg    uint8 // r0: 64 bits
	subreg uint8 // w0: the low 32 bits
)

// op opens every line: "(b7) ".
func (p *printer) op() {
	p.b = append(p.b, '(')
	p.b = appendHex2(p.b, p.in.Op)
	p.b = append(p.b, ") "...)
}

// bug is the text of an opcode that does not exist.
func (p *printer) bug(prefix string) {
	p.b = append(p.b, prefix...)
	p.b = appendHex2(p.b, p.in.Op)
}

func appendHex2(b []byte, v uint8) []byte {
	const digits = "0123456789abcdef"
	return append(b, digits[v>>4], digits[v&15])
}

// width returns the operand's name in the instruction's width: r1 or w1.
func (p *printer) width(n uint8) any {
	if c := p.in.Class(); c == ClassALU || c == ClassJMP32 {
		return subreg(n)
	}
	return reg(n)
}

// memory is "*(u64 *)(r1 +8)" without the star in front.
func (p *printer) memory(types *[4]string, base uint8) {
	p.put("(", types[p.in.Op>>3&3], " *)(", reg(base), " ", offset(p.in.Off), ")")
}

func (p *printer) alu() {
	in := p.in
	dst, src := p.width(in.Dst), p.width(in.Src)
	switch {
	case in.ALUOp() == ALUEnd:
		p.swap()
	case in.ALUOp() == ALUNeg:
		p.op()
		p.put(dst, " = -", dst)
	case in.IsAddrSpaceCast():
		p.op()
		p.put(reg(in.Dst), " = addr_space_cast(", reg(in.Src), ", ", int(uint32(in.Imm)>>16), ", ", int(uint16(in.Imm)), ")")
	case in.UsesSrc():
		p.op()
		p.put(dst, " ", in.aluOperator(), " ", in.signExtension(), src)
	default:
		p.op()
		p.put(dst, " ", in.aluOperator(), " ", int(in.Imm))
	}
}

// swap prints the byte swaps: le and be in the 32-bit class, bswap in the other.
func (p *printer) swap() {
	kind := "le"
	switch {
	case p.in.Class() == ClassALU64:
		kind = "bswap"
	case p.in.UsesSrc():
		kind = "be"
	}
	p.op()
	p.put(reg(p.in.Dst), " = ", kind, int(p.in.Imm), " ", reg(p.in.Dst))
}

// IsAddrSpaceCast reports a move that casts between address spaces.
func (in Insn) IsAddrSpaceCast() bool {
	return in.Op == ClassALU64|ALUMov|SrcX && in.Off == PseudoAddrSpace
}

// aluOperator is the operator, "s/=" and "s%=" for signed division.
func (in Insn) aluOperator() string {
	text := aluText[in.Op>>4]
	if op := in.ALUOp(); in.Off == 1 && (op == ALUDiv || op == ALUMod) {
		return "s" + text
	}
	return text
}

// signExtension is the cast of a sign-extending move, "" for others.
func (in Insn) signExtension() string {
	if in.ALUOp() != ALUMov {
		return ""
	}
	switch in.Off {
	case 8:
		return "(s8)"
	case 16:
		return "(s16)"
	case 32:
		return "(s32)"
	}
	return ""
}

func (p *printer) ld() {
	switch {
	case p.in.IsLdImm64():
		p.op()
		p.put(reg(p.in.Dst), " = ", hex(p.imm64()))
	case p.in.Mode() == ModeABS:
		p.op()
		p.put("r0 = *(", unsignedText[p.in.Op>>3&3], " *)skb[", int(p.in.Imm), "]")
	case p.in.Mode() == ModeIND:
		p.op()
		p.put("r0 = *(", unsignedText[p.in.Op>>3&3], " *)skb[", reg(p.in.Src), " + ", int(p.in.Imm), "]")
	default:
		p.bug("BUG_ld_")
	}
}

// imm64 is the value of a 64-bit immediate load, 0 where it stands for an
// address.
func (p *printer) imm64() uint64 {
	switch p.in.Src {
	case PseudoMapFD, PseudoMapValue, PseudoMapIdx, PseudoMapIdxValue, PseudoBTFID:
		return 0
	}
	return p.in.Imm64(p.next)
}

// Imm64 is the value of a 64-bit immediate load whose second slot is next.
func (in Insn) Imm64(next Insn) uint64 {
	return uint64(uint32(next.Imm))<<32 | uint64(uint32(in.Imm))
}

func (p *printer) ldx() {
	types := &unsignedText
	switch p.in.Mode() {
	case ModeMEM:
	case ModeMEMSX:
		types = &signedText
	default:
		p.bug("BUG_ldx_")
		return
	}
	p.op()
	p.put(reg(p.in.Dst), " = *")
	p.memory(types, p.in.Src)
}

func (p *printer) st() {
	switch p.in.Mode() {
	case ModeMEM:
		p.op()
		p.put("*")
		p.memory(&unsignedText, p.in.Dst)
		p.put(" = ", int(p.in.Imm))
	case ModeATOMIC: // the kernel's own speculation barrier
		p.op()
		p.put("nospec")
	default:
		p.bug("BUG_st_")
	}
}

func (p *printer) stx() {
	switch p.in.Mode() {
	case ModeMEM:
		p.op()
		p.put("*")
		p.memory(&unsignedText, p.in.Dst)
		p.put(" = ", reg(p.in.Src))
	case ModeATOMIC:
		p.atomic()
	default:
		p.bug("BUG_")
	}
}

func (p *printer) atomic() {
	in := p.in
	name := "atomic"
	if in.MemSize() == 8 {
		name = "atomic64"
	}
	fetch, isFetch := fetchText[in.Imm&^AtomicFetch]
	switch {
	case isFetch && in.Imm&AtomicFetch == 0:
		p.op()
		p.put("lock *")
		p.memory(&unsignedText, in.Dst)
		p.put(" ", aluText[in.Imm>>4], " ", reg(in.Src))
	case isFetch:
		p.exchange(reg(in.Src), name+"_fetch_"+fetch, "")
	case in.Imm == AtomicXchg:
		p.exchange(reg(in.Src), name+"_xchg", "")
	case in.Imm == AtomicCmpXchg:
		p.exchange(reg(R0), name+"_cmpxchg", "r0, ")
	case in.Imm == AtomicLoadAcq:
		p.op()
		p.put(reg(in.Dst), " = load_acquire(")
		p.memory(&unsignedText, in.Src)
		p.put(")")
	case in.Imm == AtomicStoreRel:
		p.op()
		p.put("store_release(")
		p.memory(&unsignedText, in.Dst)
		p.put(", ", reg(in.Src), ")")
	default:
		p.bug("BUG_")
	}
}

// exchange prints "r1 = atomic64_xchg((u64 *)(r2 +0), r1)".
func (p *printer) exchange(result reg, name, expected string) {
	p.op()
	p.put(result, " = ", name, "(")
	p.memory(&unsignedText, p.in.Dst)
	p.put(", ", expected, reg(p.in.Src), ")")
}

func (p *printer) jmp() {
	in := p.in
	p.op()
	switch {
	case in.JmpOp() == JmpCall:
		p.call()
	case in.Op == ClassJMP|JmpA:
		p.put("goto pc", offset(in.Off))
	case in.IsMayGoto():
		p.put("may_goto pc", offset(in.Off))
	case in.Op == ClassJMP32|JmpA:
		p.put("gotol pc", offset(in.Imm))
	case in.IsExit():
		p.put("exit")
	case in.UsesSrc():
		p.put("if ", p.width(in.Dst), " ", jmpText[in.Op>>4], " ", p.width(in.Src), " goto pc", offset(in.Off))
	default:
		p.put("if ", p.width(in.Dst), " ", jmpText[in.Op>>4], " ", hex(uint32(in.Imm)), " goto pc", offset(in.Off))
	}
}

func (p *printer) call() {
	in := p.in
	if in.Src == PseudoCall {
		p.put("call pc", offset(in.Imm))
		return
	}
	name := "unknown"
	switch {
	case in.Src == 0:
		name = orElse(p.names.Helper, in.Imm, name)
	case in.Src == PseudoKfuncCall:
		name = orElse(p.names.Kfunc, in, "kernel-function")
	}
	p.put("call ", name, "#", int(in.Imm))
}

// orElse asks a resolver that may be missing or not know.
func orElse[T any](resolve func(T) string, what T, fallback string) string {
	if resolve == nil {
		return fallback
	}
	if name := resolve(what); name != "" {
		return name
	}
	return fallback
}
