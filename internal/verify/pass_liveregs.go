// This file defines the pass that computes which registers are live before
// each instruction.

package verify

import (
	"strconv"

	"github.com/skepbpf/skep/internal/bytecode"
)

// regSet is a set of registers, bit n for Rn.
type regSet = uint16

const (
	// callerSaved are the registers that a call clobbers: R0 to R5.
	callerSaved  regSet = 0x3f
	argumentRegs regSet = 0x3e
	allRegs      regSet = 0xffff
)

// liveRegs returns for each slot the registers that some path from it may
// read before writing them. Parity matters: registers that are not live are
// not compared when the walk prunes, so the number of instructions processed
// depends on every bit (6.18).
func liveRegs(insns []bytecode.Insn, c *cfg, env *passEnv) []regSet {
	effects := make([]regEffect, len(insns))
	for _, pc := range c.postorder {
		effects[pc] = regEffectOf(insns[pc], env)
	}
	return backward(insns, c.postorder, func(pc int32, after regSet) regSet {
		return after&^effects[pc].def | effects[pc].use
	})
}

// backward computes the least solution of
//
//	before(pc) = transfer(pc, union of before(successors of pc))
//
// over sets kept as bits. order is a postorder, so that most instructions are
// settled when they are first seen.
func backward(insns []bytecode.Insn, order []int32, transfer func(pc int32, after regSet) regSet) []regSet {
	before := make([]regSet, len(insns))
	for changed := true; changed; {
		changed = false
		for _, pc := range order {
			succ, n := bytecode.Successors(insns, int(pc))
			var after regSet
			for _, s := range succ[:n] {
				after |= before[s]
			}
			if set := transfer(pc, after); set != before[pc] {
				before[pc], changed = set, true
			}
		}
	}
	return before
}

// regEffect says which registers an instruction reads and which it writes.
type regEffect struct{ use, def regSet }

// regEffectOf is cautious: an instruction that it does not know reads all.
func regEffectOf(in bytecode.Insn, env *passEnv) regEffect {
	dst, src := regSet(1)<<in.Dst, regSet(1)<<in.Src
	switch in.Class() {
	case bytecode.ClassLD:
		if in.IsLdImm64() {
			return regEffect{def: dst}
		}
	case bytecode.ClassLDX:
		if in.Mode() == bytecode.ModeMEM || in.Mode() == bytecode.ModeMEMSX {
			return regEffect{use: src, def: dst}
		}
	case bytecode.ClassST:
		if in.Mode() == bytecode.ModeMEM {
			return regEffect{use: dst}
		}
	case bytecode.ClassSTX:
		return storeEffect(in, dst, src)
	case bytecode.ClassALU, bytecode.ClassALU64:
		return aluEffect(in, dst, src)
	case bytecode.ClassJMP, bytecode.ClassJMP32:
		return jumpEffect(in, dst, src, env)
	}
	return regEffect{use: allRegs}
}

func storeEffect(in bytecode.Insn, dst, src regSet) regEffect {
	switch in.Mode() {
	case bytecode.ModeMEM:
		return regEffect{use: dst | src}
	case bytecode.ModeATOMIC:
		return atomicEffect(in, dst, src)
	}
	return regEffect{use: allRegs}
}

func atomicEffect(in bytecode.Insn, dst, src regSet) regEffect {
	const r0 = 1 << bytecode.R0
	switch {
	case in.Imm == bytecode.AtomicCmpXchg:
		return regEffect{use: r0 | dst | src, def: r0}
	case in.Imm == bytecode.AtomicLoadAcq:
		return regEffect{use: src, def: dst}
	case in.Imm != bytecode.AtomicStoreRel && in.Imm&bytecode.AtomicFetch != 0:
		return regEffect{use: dst | src, def: src}
	}
	return regEffect{use: dst | src}
}

func aluEffect(in bytecode.Insn, dst, src regSet) regEffect {
	use := dst
	switch {
	case in.ALUOp() == bytecode.ALUEnd: // the source bit is the byte order
		return regEffect{use: dst, def: dst}
	case in.ALUOp() == bytecode.ALUMov:
		use = 0
	}
	if in.UsesSrc() {
		use |= src
	}
	return regEffect{use: use, def: dst}
}

func jumpEffect(in bytecode.Insn, dst, src regSet, env *passEnv) regEffect {
	switch in.JmpOp() {
	case bytecode.JmpA, bytecode.JmpJCOND:
		return regEffect{}
	case bytecode.JmpExit:
		return regEffect{use: 1 << bytecode.R0}
	case bytecode.JmpCall:
		return callEffect(env.call(in))
	}
	if in.UsesSrc() {
		return regEffect{use: dst | src}
	}
	return regEffect{use: dst}
}

// callEffect: a subprogram, and a call that will be refused, may read all
// argument registers; a helper or kfunc reads its parameters'.
func callEffect(t callTraits) regEffect {
	if !t.Known {
		return regEffect{use: argumentRegs, def: callerSaved}
	}
	return regEffect{use: argMask(t.Params), def: callerSaved}
}

// argMask is the set of the first n argument registers.
func argMask(n int) regSet { return (1<<(n+1) - 1) & argumentRegs }

// appendLiveRegs appends the table that the log shows at level 2: the loop's
// number, the slot, the live registers, the instruction.
func appendLiveRegs(b []byte, p *bytecode.Program, c *cfg, live []regSet, names bytecode.Names) []byte {
	b = append(b, "Live regs before insn:\n"...)
	for pc := 0; pc < len(p.Insns); pc += p.Insns[pc].Width() {
		b = appendPadded(b, int(c.scc[pc]), c.scc[pc] != 0)
		b = append(b, ' ')
		b = appendPadded(b, pc, true)
		b = append(b, ": "...)
		for reg := range 10 {
			if live[pc]&(1<<reg) != 0 {
				b = append(b, '0'+byte(reg))
			} else {
				b = append(b, '.')
			}
		}
		b = append(b, ' ')
		b = p.AppendInsn(b, pc, names)
		b = append(b, '\n')
	}
	return b
}

// appendPadded appends n in three columns, blanks when show is false.
func appendPadded(b []byte, n int, show bool) []byte {
	if !show {
		return append(b, "   "...)
	}
	for limit := 100; limit > 1 && n < limit; limit /= 10 {
		b = append(b, ' ')
	}
	return strconv.AppendInt(b, int64(n), 10)
}
