// This file defines mutation: the second source of programs, made from ones
// that people wrote.

package fuzz

import (
	"math/rand/v2"
	"slices"

	"github.com/skepbpf/skep/internal/bytecode"
)

// mutator changes a program. Programs are never changed in place.
type mutator struct {
	*rand.Rand
	corpus []*bytecode.Program
	prog   *bytecode.Program
}

// mutated takes a program of the corpus and changes it in one to three places.
func mutated(r *rand.Rand, corpus []*bytecode.Program) *Sample {
	m := &mutator{Rand: r, corpus: corpus}
	origin := corpus[r.IntN(len(corpus))]
	m.prog = origin
	for n := []int{1, 1, 1, 2, 3}[r.IntN(5)]; n > 0; {
		if mutations[r.IntN(len(mutations))](m) {
			n--
		}
	}
	c := *m.prog
	c.LineInfos = nil // they no longer fit
	if r.IntN(2) == 0 {
		c.Flags ^= bytecode.FlagTestStateFreq
	}
	return &Sample{Prog: &c, Origin: origin.Section + "/" + origin.Name, profile: profileOf(c.Type)}
}

// profileOf is how programs of a type are run, nil where they are not.
func profileOf(t bytecode.ProgType) *profile {
	for _, p := range profiles {
		if p.typ == t {
			return p
		}
	}
	return nil
}

// mutations change a program; false is for those that changed nothing.
var mutations = []func(*mutator) bool{
	(*mutator).drop, (*mutator).repeat, (*mutator).swap, (*mutator).graft, (*mutator).insert,
	(*mutator).immediate, (*mutator).immediate, (*mutator).offset, (*mutator).register, (*mutator).register,
	(*mutator).operation, (*mutator).operation, (*mutator).size, (*mutator).class, (*mutator).target,
}

// pick picks an instruction that want accepts.
func (m *mutator) pick(want func(insn) bool) (pc int, ok bool) {
	at := slices.DeleteFunc(starts(m.prog), func(pc int) bool { return !want(m.prog.Insns[pc]) })
	if len(at) == 0 {
		return 0, false
	}
	return at[m.IntN(len(at))], true
}

func anyInsn(insn) bool { return true }

// narrow are the instructions of one slot.
func narrow(in insn) bool { return !in.IsLdImm64() }

// edit changes one field of an instruction that want accepts.
func (m *mutator) edit(want func(insn) bool, change func(*insn)) bool {
	pc, ok := m.pick(want)
	if !ok {
		return false
	}
	c := *m.prog
	c.Insns = slices.Clone(c.Insns)
	change(&c.Insns[pc])
	m.prog = &c
	return true
}

func (m *mutator) replace(from, to int, with []insn) bool {
	q, ok := splice(m.prog, from, to, with)
	if !ok || len(q.Insns) == 0 {
		return false
	}
	m.prog = q
	return true
}

func (m *mutator) drop() bool {
	pc, _ := m.pick(anyInsn)
	return m.replace(pc, pc+m.prog.Insns[pc].Width(), nil)
}

// repeat writes an instruction a second time.
func (m *mutator) repeat() bool {
	pc, ok := m.pick(func(in insn) bool { return narrow(in) && !in.IsJump() })
	return ok && m.replace(pc, pc, []insn{m.prog.Insns[pc]})
}

// swap exchanges two neighbours.
func (m *mutator) swap() bool {
	pc, ok := m.pick(func(in insn) bool { return narrow(in) && !in.IsJump() })
	if !ok || pc+1 >= len(m.prog.Insns) {
		return false
	}
	next := m.prog.Insns[pc+1]
	if next.IsJump() || next.IsLdImm64() {
		return false
	}
	return m.replace(pc, pc+2, []insn{next, m.prog.Insns[pc]})
}

// graft inserts a few instructions without control flow from another program.
func (m *mutator) graft() bool {
	from := m.corpus[m.IntN(len(m.corpus))]
	start := m.IntN(len(from.Insns))
	end := start
	for end < len(from.Insns) && end-start < 8 {
		if in := from.Insns[end]; in.IsJump() || in.Class() == bytecode.ClassLD || in.Op == 0 {
			break
		}
		end++
	}
	pc, _ := m.pick(anyInsn)
	return end > start && m.replace(pc, pc, from.Insns[start:end])
}

// insert puts a random instruction on numbers somewhere.
func (m *mutator) insert() bool {
	g := &generator{Rand: m.Rand}
	dst, src, w := reg(m.IntN(10)), reg(m.IntN(10)), g.width()
	slot := -8 * (1 + m.IntN(8))
	list := one(g,
		[]insn{aluX(w, aluOps[m.IntN(len(aluOps))], dst, src)},
		[]insn{aluK(w, aluOps[m.IntN(len(aluOps))], dst, g.imm()&31)},
		[]insn{aluX(w, bytecode.ALUMov, dst, src)},
		[]insn{storeX(8, r10, slot, src), load(8, dst, r10, slot)},
		[]insn{storeX(4, r10, slot, src), load(4, dst, r10, slot)},
		[]insn{jmpK(w, comparisons[m.IntN(len(comparisons))], dst, g.imm())},
	)
	pc, _ := m.pick(anyInsn)
	return m.replace(pc, pc, list)
}

func (m *mutator) immediate() bool {
	g := &generator{Rand: m.Rand}
	return m.edit(func(in insn) bool {
		return !in.UsesSrc() && !in.IsExit() && in.Class() != bytecode.ClassLDX && !(in.IsLdImm64() && in.Src != 0)
	}, func(in *insn) {
		switch m.IntN(4) {
		case 0:
			in.Imm = g.imm()
		case 1:
			in.Imm ^= 1 << m.IntN(32)
		default:
			in.Imm += one(g, int32(-8), -1, 1, 8)
		}
	})
}

func (m *mutator) offset() bool {
	g := &generator{Rand: m.Rand}
	return m.edit(isMemory, func(in *insn) { in.Off += one(g, int16(-8), -4, -1, 1, 4, 8) })
}

func isMemory(in insn) bool {
	return in.Class() == bytecode.ClassLDX || in.Class() == bytecode.ClassST || in.Class() == bytecode.ClassSTX
}

func (m *mutator) register() bool {
	return m.edit(anyInsn, func(in *insn) {
		r := reg(m.IntN(11))
		if in.UsesSrc() || in.Class() == bytecode.ClassSTX || in.Class() == bytecode.ClassLDX {
			if m.IntN(2) == 0 {
				in.Src = r
				return
			}
		}
		in.Dst = r
	})
}

// operation changes what an arithmetic instruction or a jump does.
func (m *mutator) operation() bool {
	return m.edit(func(in insn) bool {
		return in.Class() >= bytecode.ClassALU && !in.IsExit() && in.JmpOp() != bytecode.JmpCall
	},
		func(in *insn) {
			ops := aluOps
			if in.IsJump() {
				ops = comparisons
			}
			in.Op = in.Op&0x0f | ops[m.IntN(len(ops))]
		})
}

func (m *mutator) size() bool {
	return m.edit(isMemory, func(in *insn) { in.Op = in.Op&^0x18 | uint8(m.IntN(4))<<3 })
}

// class changes between 64 and 32 bits.
func (m *mutator) class() bool {
	return m.edit(func(in insn) bool {
		return in.Class() >= bytecode.ClassALU && !in.IsExit() && in.JmpOp() != bytecode.JmpCall
	},
		func(in *insn) { in.Op ^= 0x03 })
}

// target makes a jump go elsewhere nearby.
func (m *mutator) target() bool {
	return m.edit(func(in insn) bool { return in.Jumps() }, func(in *insn) { in.Off += int16(m.IntN(9)) - 4 })
}
