// This file defines the pass that finds spills around calls that do not need
// them.

package verify

import (
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// fastcalls says which spills and fills exist only for kernels that clobber
// R1 to R5 in calls that this one inlines. The compiler gives them stack slots
// of their own, the lowest of the function; the kernel removes them, and the
// stack that they take with them:
//
//	*(u64 *)(r10 -16) = r1
//	call bpf_get_smp_processor_id#8
//	r1 = *(u64 *)(r10 -16)
type fastcalls struct {
	// fastcallPattern: by slot, a spill or fill of a pattern.
	fastcallPattern []bool
	// fastcallSpills: by slot of a call, how many spills before it (and fills
	// after it) can be removed.
	fastcallSpills []uint8
	// fastcallOff: by function, the offset below which only patterns may
	// access the stack; 0 without patterns. An access that breaks the rule
	// (the walk finds it) makes the whole function's patterns void.
	fastcallOff []int16
	// keepFastcallStack: by function, some pattern must stay, so the stack is
	// not made smaller.
	keepFastcallStack []bool
}

// maxSpills is how many registers a call may clobber: R0 to R5.
const maxSpills = 6

// findFastcalls marks the patterns.
func findFastcalls(insns []bytecode.Insn, s *shape, env *passEnv) fastcalls {
	f := fastcalls{
		fastcallPattern:   make([]bool, len(insns)),
		fastcallSpills:    make([]uint8, len(insns)),
		fastcallOff:       make([]int16, len(s.subs)),
		keepFastcallStack: make([]bool, len(s.subs)),
	}
	for i, sub := range s.subs {
		lowest := lowestSpill(insns[sub.Start:sub.End])
		for pc := sub.Start; pc < sub.End; pc++ {
			if in := insns[pc]; in.IsHelperCall() || in.IsKfuncCall() {
				f.match(insns, s, i, pc, lowest, env.call(in))
			}
		}
	}
	return f
}

// lowestSpill is the lowest offset that a function spills a register to.
func lowestSpill(insns []bytecode.Insn) int16 {
	lowest := int16(0)
	for _, in := range insns {
		if isSpill(in) {
			lowest = min(lowest, in.Off)
		}
	}
	return lowest
}

func isSpill(in bytecode.Insn) bool {
	return in.Op == bytecode.ClassSTX|bytecode.ModeMEM|bytecode.SizeDW && in.Dst == bytecode.R10
}

func isFill(in bytecode.Insn) bool {
	return in.Op == bytecode.ClassLDX|bytecode.ModeMEM|bytecode.SizeDW && in.Src == bytecode.R10
}

// match marks the pairs of a spill before and a fill after the call, from the
// innermost on, which uses the lowest slot. A pattern is entered at its first
// spill: it ends where a jump leads inside.
func (f *fastcalls) match(insns []bytecode.Insn, s *shape, sub, call int, lowest int16, t callTraits) {
	if !t.Known {
		return
	}
	expected := callerSaved &^ clobbered(t)
	off, pairs := lowest, 0
	for i := 1; i <= maxSpills; i++ {
		before, after := call-i, call+i
		if before < 0 || after >= len(insns) || s.target[before+1] || s.target[after] {
			break
		}
		spill, fill := insns[before], insns[after]
		if !isSpill(spill) || !isFill(fill) || spill.Src != fill.Dst ||
			spill.Off != off || fill.Off != off || expected&(1<<spill.Src) == 0 {
			break
		}
		expected &^= 1 << spill.Src
		f.fastcallPattern[before], f.fastcallPattern[after] = true, true
		off += domain.SlotSize
		pairs = i
	}
	if pairs == 0 {
		return
	}
	if t.Fastcall {
		f.fastcallSpills[call] = uint8(pairs)
	} else {
		f.keepFastcallStack[sub] = true
	}
	f.fastcallOff[sub] = min(f.fastcallOff[sub], off)
}

// clobbered is the set of registers that an inlined call changes: its
// parameters' and the result's.
func clobbered(t callTraits) regSet {
	set := argMask(t.Params)
	if !t.Void {
		set |= 1 << bytecode.R0
	}
	return set
}

// voidPatterns takes back the marks of a function that accesses its patterns'
// stack from elsewhere.
func (f *fastcalls) voidPatterns(sub int, s subprog) {
	f.fastcallOff[sub] = -1 << 15
	for pc := s.Start; pc < s.End; pc++ {
		f.fastcallPattern[pc], f.fastcallSpills[pc] = false, 0
	}
}

// trimmedDepth is a function's stack depth when its patterns are gone.
func (f *fastcalls) trimmedDepth(sub int, s subprog, depth int32) int32 {
	if f.keepFastcallStack[sub] {
		return depth
	}
	for pc := s.Start; pc < s.End; pc++ {
		if f.fastcallSpills[pc] > 0 {
			return -int32(f.fastcallOff[sub])
		}
	}
	return depth
}
