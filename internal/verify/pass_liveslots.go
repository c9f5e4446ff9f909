// This file defines the pass that computes which stack slots are live before
// each instruction, and the backward analysis that it shares with registers.

package verify

import "github.com/skepbpf/skep/internal/bytecode"

// liveSlots returns for each slot of the program the stack slots of its
// function that some path may read before overwriting them. What is given away
// by pointer counts as read by the call, so the answer at a call holds while
// the callee runs too. Nothing is lost: a slot is dead only if no path's
// verification depends on it.
func liveSlots(p *bytecode.Program, s *shape, env *passEnv) []uint64 {
	effects := slotEffects(p, s, env)
	return backward(p.Insns, s.postorder, func(pc int32, after uint64) uint64 {
		return after&^effects[pc].def | effects[pc].use
	})
}

// backward computes the least solution of
//
//	before(pc) = transfer(pc, union of before(successors of pc))
//
// over sets kept as bits. order is a postorder, so that most instructions are
// settled when they are first seen.
func backward[S ~uint16 | ~uint64](insns []bytecode.Insn, order []int32, transfer func(pc int32, after S) S) []S {
	before := make([]S, len(insns))
	for changed := true; changed; {
		changed = false
		for _, pc := range order {
			succ, n := bytecode.Successors(insns, int(pc))
			var after S
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
