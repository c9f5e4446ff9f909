// This file defines changes to a program's length that keep its jumps, calls
// and function records where they pointed.

package fuzz

import (
	"math"

	"github.com/skepbpf/skep/internal/bytecode"
)

// splice gives a copy of p in which the slots [from, to) are replaced. What
// pointed into them points to their beginning; line records are dropped, and so
// are function records of what is gone. ok is false when a jump becomes too long.
//
//	before  … from ──── to …
//	after   … from ─ with ─ …
func splice(p *bytecode.Program, from, to int, with []insn) (q *bytecode.Program, ok bool) {
	delta := len(with) - (to - from)
	move := func(slot int) int {
		switch {
		case slot >= to:
			return slot + delta
		case slot > from:
			return from
		}
		return slot
	}
	c := *p
	c.LineInfos, c.FuncInfos = nil, nil
	c.Insns = make([]insn, 0, len(p.Insns)+delta)
	for pc := range p.Insns {
		if pc == from {
			c.Insns = append(c.Insns, with...)
		}
		if pc >= from && pc < to {
			continue
		}
		in, fits := moved(p.Insns, pc, move)
		if !fits {
			return nil, false
		}
		c.Insns = append(c.Insns, in)
	}
	if from == len(p.Insns) {
		c.Insns = append(c.Insns, with...)
	}
	for _, f := range p.FuncInfos {
		if at := int(f.Insn); at < from || at >= to || at == from && len(with) > 0 {
			c.FuncInfos = append(c.FuncInfos, bytecode.FuncInfo{Insn: uint32(move(at)), TypeID: f.TypeID})
		}
	}
	return &c, true
}

// moved is the instruction at pc with its distance as it will be.
func moved(ins []insn, pc int, move func(int) int) (in insn, fits bool) {
	in = ins[pc]
	if pc > 0 && ins[pc-1].IsLdImm64() {
		return in, true // the second half of a load
	}
	distance := func(to int) int { return move(to) - move(pc) - 1 }
	switch {
	case in.IsSubprogCall() || in.IsFuncRef() || in.Op == bytecode.ClassJMP32|bytecode.JmpA:
		in.Imm = int32(distance(pc + 1 + int(in.Imm)))
	case in.Jumps():
		d := distance(pc + 1 + int(in.Off))
		if d < math.MinInt16 || d > math.MaxInt16 {
			return in, false
		}
		in.Off = int16(d)
	}
	return in, true
}

// starts lists the slots that begin an instruction.
func starts(p *bytecode.Program) []int {
	var list []int
	for pc := 0; pc < len(p.Insns); pc += p.Insns[pc].Width() {
		list = append(list, pc)
	}
	return list
}
