// This file defines the pass that refuses instructions that do not exist, and
// the fields that an instruction must leave zero.

package verify

import (
	"fmt"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
)

// checkLength refuses programs that bpf(2) does not take at all. The kernel
// writes no log for them, so the words are ours.
func checkLength(p *bytecode.Program, env *passEnv) *Rejection {
	limit := env.Limits.UnprivInsns
	if env.Privileged {
		limit = env.Limits.MaxInsns
	}
	if n := len(p.Insns); n == 0 || n > limit {
		return refuse(KindLimit, errE2BIG, -1, "program has %d instructions, must have 1 to %d", n, limit)
	}
	return nil
}

// checkEncoding checks each instruction on its own and the maps and kernel
// variables that 64-bit loads name. What it lets pass may still use reserved
// fields: the kernel judges those where the walk comes by (reservedFields).
func checkEncoding(p *bytecode.Program, env *passEnv) *Rejection {
	used := usedMaps{prog: p, env: env, seen: make([]bool, len(p.Maps))}
	for pc := 0; pc < len(p.Insns); pc += p.Insns[pc].Width() {
		in := p.Insns[pc]
		switch {
		case in.Class() == bytecode.ClassLDX && !plainLoad(in):
			return refuse(KindEncoding, errEINVAL, pc, "BPF_LDX uses reserved fields")
		case in.IsLdImm64():
			if r := used.checkLoad(pc); r != nil {
				return r
			}
		case !opcodeExists[in.Op]:
			return refuse(KindEncoding, errEINVAL, pc, "unknown opcode %02x", in.Op)
		}
	}
	return nil
}

// plainLoad reports a register load without stray bits.
func plainLoad(in bytecode.Insn) bool {
	return (in.Mode() == bytecode.ModeMEM || in.Mode() == bytecode.ModeMEMSX) && in.Imm == 0
}

// usedMaps collects the maps that a program's loads name.
type usedMaps struct {
	prog  *bytecode.Program
	env   *passEnv
	seen  []bool // by index of Program.Maps
	count int
	kinds [bytecode.MapArena + 1]bool // map kinds of which a program may use one
}

// checkLoad checks a 64-bit immediate load.
func (u *usedMaps) checkLoad(pc int) *Rejection {
	insns := u.prog.Insns
	if pc+1 >= len(insns) || insns[pc+1] != (bytecode.Insn{Imm: insns[pc+1].Imm}) {
		return refuse(KindEncoding, errEINVAL, pc, "invalid bpf_ld_imm64 insn")
	}
	switch in, next := insns[pc], insns[pc+1]; in.Src {
	case 0, bytecode.PseudoFunc:
		return nil
	case bytecode.PseudoBTFID:
		return u.env.checkKernelVar(pc, in, next)
	case bytecode.PseudoMapFD, bytecode.PseudoMapIdx:
		if next.Imm == 0 {
			return u.checkMapLoad(pc, in)
		}
	case bytecode.PseudoMapValue, bytecode.PseudoMapIdxValue:
		if r := u.checkMapLoad(pc, in); r != nil {
			return r
		}
		return checkMapValue(pc, u.prog.Maps[in.Imm], uint32(next.Imm))
	}
	return refuse(KindEncoding, errEINVAL, pc, "unrecognized bpf_ld_imm64 insn")
}

// checkKernelVar checks that a load names a variable or function of the kernel.
func (e *passEnv) checkKernelVar(pc int, in, next bytecode.Insn) *Rejection {
	if next.Imm != 0 {
		return refuse(KindEncoding, errEINVAL, pc, "invalid module BTF object FD specified.")
	}
	if e.KernelBTF == nil {
		return nil
	}
	t := e.KernelBTF.Type(btfx.ID(in.Imm))
	switch {
	case t == nil:
		return refuse(KindEncoding, errENOENT, pc, "ldimm64 insn specifies invalid btf_id %d.", in.Imm)
	case t.Kind != btfx.KindVar && t.Kind != btfx.KindFunc:
		return refuse(KindEncoding, errEINVAL, pc, "pseudo btf_id %d in ldimm64 isn't KIND_VAR or KIND_FUNC", in.Imm)
	}
	return nil
}

// opcodeExists is 6.18's set of opcodes.
var opcodeExists = func() (set [256]bool) {
	for _, op := range opcodes() {
		set[op] = true
	}
	return set
}()

// opcodes lists what opcodeExists holds. Shapes of one class differ in
// operation and operand; holes are listed as such.
func opcodes() []uint8 {
	ops := []uint8{
		bytecode.OpLdImm64,
		bytecode.ClassJMP | bytecode.JmpA, bytecode.ClassJMP32 | bytecode.JmpA,
		bytecode.ClassJMP | bytecode.JmpCall, bytecode.ClassJMP | bytecode.JmpExit, bytecode.ClassJMP | bytecode.JmpJCOND,
		bytecode.ClassALU | bytecode.ALUEnd, bytecode.ClassALU | bytecode.ALUEnd | bytecode.SrcX,
		bytecode.ClassALU64 | bytecode.ALUEnd,
	}
	for op := uint8(bytecode.ALUAdd); op <= bytecode.ALUArsh; op += 0x10 {
		ops = append(ops, bytecode.ClassALU|op, bytecode.ClassALU64|op)
		if op != bytecode.ALUNeg {
			ops = append(ops, bytecode.ClassALU|op|bytecode.SrcX, bytecode.ClassALU64|op|bytecode.SrcX)
		}
	}
	for op := uint8(bytecode.JmpEq); op <= bytecode.JmpSLe; op += 0x10 {
		if op != bytecode.JmpCall && op != bytecode.JmpExit {
			ops = append(ops, bytecode.ClassJMP|op, bytecode.ClassJMP|op|bytecode.SrcX,
				bytecode.ClassJMP32|op, bytecode.ClassJMP32|op|bytecode.SrcX)
		}
	}
	for _, size := range []uint8{bytecode.SizeB, bytecode.SizeH, bytecode.SizeW, bytecode.SizeDW} {
		ops = append(ops, bytecode.ClassLDX|bytecode.ModeMEM|size, bytecode.ClassST|bytecode.ModeMEM|size,
			bytecode.ClassSTX|bytecode.ModeMEM|size, bytecode.ClassSTX|bytecode.ModeATOMIC|size)
		if size != bytecode.SizeDW {
			ops = append(ops, bytecode.ClassLDX|bytecode.ModeMEMSX|size,
				bytecode.ClassLD|bytecode.ModeABS|size, bytecode.ClassLD|bytecode.ModeIND|size)
		}
	}
	return ops
}

// reservedFields returns the kernel's complaint about fields that the
// instruction must leave zero, "" when it has none. The opcode is known to
// exist.
func reservedFields(in bytecode.Insn) string {
	switch in.Class() {
	case bytecode.ClassALU, bytecode.ClassALU64:
		return reservedALU(in)
	case bytecode.ClassJMP, bytecode.ClassJMP32:
		return reservedJump(in)
	case bytecode.ClassST:
		if in.Src != 0 {
			return "BPF_ST uses reserved fields"
		}
	case bytecode.ClassSTX:
		if in.Mode() == bytecode.ModeMEM && in.Imm != 0 {
			return "BPF_STX uses reserved fields"
		}
	case bytecode.ClassLD:
		return reservedLD(in)
	}
	return ""
}

func reservedALU(in bytecode.Insn) string {
	switch op := in.ALUOp(); {
	case op == bytecode.ALUNeg:
		if in.Src != 0 || in.Off != 0 || in.Imm != 0 {
			return "BPF_NEG uses reserved fields"
		}
	case op == bytecode.ALUEnd:
		if in.Src != 0 || in.Off != 0 || in.Imm != 16 && in.Imm != 32 && in.Imm != 64 {
			return "BPF_END uses reserved fields"
		}
	case in.IsAddrSpaceCast():
		if in.Imm != 1 && in.Imm != 1<<16 {
			return "addr_space_cast insn can only convert between address space 1 and 0"
		}
	case op == bytecode.ALUMov:
		if strayOperand(in) || !moveOffset(in) {
			return "BPF_MOV uses reserved fields"
		}
	default:
		signed := in.Off == 1 && (op == bytecode.ALUDiv || op == bytecode.ALUMod)
		if strayOperand(in) || in.Off != 0 && !signed {
			return "BPF_ALU uses reserved fields"
		}
	}
	return ""
}

// strayOperand reports that the operand that the instruction does not use is
// not zero.
func strayOperand(in bytecode.Insn) bool {
	if in.UsesSrc() {
		return in.Imm != 0
	}
	return in.Src != 0
}

// moveOffset reports whether a move's offset is 0 or a width to extend from.
func moveOffset(in bytecode.Insn) bool {
	switch in.Off {
	case 0:
		return true
	case 8, 16:
		return in.UsesSrc()
	case 32:
		return in.UsesSrc() && in.Class() == bytecode.ClassALU64
	}
	return false
}

func reservedJump(in bytecode.Insn) string {
	switch in.JmpOp() {
	case bytecode.JmpCall:
		if in.Dst != 0 || in.Src > bytecode.PseudoKfuncCall || in.Off != 0 && !in.IsKfuncCall() {
			return "BPF_CALL uses reserved fields"
		}
	case bytecode.JmpExit:
		if in.Dst != 0 || in.Src != 0 || in.Imm != 0 {
			return "BPF_EXIT uses reserved fields"
		}
	case bytecode.JmpA:
		distance := in.Op == bytecode.ClassJMP|bytecode.JmpA && in.Imm != 0 ||
			in.Op == bytecode.ClassJMP32|bytecode.JmpA && in.Off != 0
		if in.Dst != 0 || in.Src != 0 || distance {
			return "BPF_JA uses reserved fields"
		}
	case bytecode.JmpJCOND:
		if in.Src != 0 || in.Dst != 0 || in.Imm != 0 {
			return fmt.Sprintf("invalid may_goto imm %d", in.Imm)
		}
	default:
		if strayOperand(in) {
			return "BPF_JMP/JMP32 uses reserved fields"
		}
	}
	return ""
}

func reservedLD(in bytecode.Insn) string {
	switch {
	case in.IsLdImm64():
		if in.Off != 0 {
			return "BPF_LD_IMM64 uses reserved fields"
		}
	case in.Dst != 0 || in.Off != 0 || in.Mode() == bytecode.ModeABS && in.Src != 0:
		return "BPF_LD_[ABS|IND] uses reserved fields"
	}
	return ""
}
