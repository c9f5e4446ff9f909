// This file defines what calls do to stack slots.

package verify

import (
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
)

// call reads what it is given pointers to and clobbers registers.
func (t *frameTracker) call(st *frameState, pc int, in bytecode.Insn) slotEffect {
	var use uint64
	switch traits := t.env.call(in); {
	case in.IsSubprogCall():
		use = t.handOver(st, t.subprogArgs(calleeOf(in, pc)))
	case traits.SyncCallback || traits.AsyncCallback:
		use = t.handOver(st, argumentRegs)
	case traits.Known && in.IsHelperCall():
		use = t.helperReads(st, t.env.Helper(in.Imm))
	default:
		use = upwardReads(st)
	}
	st.clobber()
	return slotEffect{use: use}
}

// subprogArgs is the set of arguments that the function looks at. A global
// function's are checked against its prototype whether it does or not.
func (t *frameTracker) subprogArgs(start int) regSet {
	if i := t.shape.subs.at(start); i < 0 || t.shape.subs[i].IsGlobal {
		return argumentRegs
	}
	return t.shape.liveRegs[start] & argumentRegs
}

// handOver gives pointers to a function of the program. With one pointer to
// the frame it may go up and down, so it may read and write every slot. It
// returns the slots read.
func (t *frameTracker) handOver(st *frameState, args regSet) uint64 {
	given := false
	for r := bytecode.R1; r <= bytecode.R5; r++ {
		given = given || args&(1<<r) != 0 && st.regs[r].mayBeHere()
	}
	if !given {
		return 0
	}
	left := frameValue{kind: holdsOther}
	if t.leaks {
		left.kind = holdsAny
	}
	st.weaken(left)
	return allSlots
}

// upwardReads is what a function outside the program may read: it cannot go
// below a pointer that it was given.
func upwardReads(st *frameState) uint64 {
	var use uint64
	for r := bytecode.R1; r <= bytecode.R5; r++ {
		use |= upward(st.regs[r])
	}
	return use
}

// upward is the set of slots from a pointer to the top of the frame.
func upward(v frameValue) uint64 {
	switch v.kind {
	case holdsFrame:
		return slotRange(int(v.off), -int(v.off))
	case holdsAny:
		return allSlots
	}
	return 0
}

// helperReads is what a helper reads of the frame, argument by argument.
func (t *frameTracker) helperReads(st *frameState, proto *catalog.Proto) uint64 {
	var use uint64
	for i, arg := range proto.Args {
		v := st.regs[bytecode.R1+i]
		if !v.mayBeHere() || !readsMemory(arg) {
			continue
		}
		size, known := t.argSize(st, proto, i)
		if known && v.kind == holdsFrame {
			use |= slotRange(int(v.off), size)
		} else {
			use |= upward(v)
		}
	}
	return use
}

// readsMemory reports whether a helper reads what the argument points to.
func readsMemory(arg catalog.Arg) bool {
	switch arg.Kind {
	case catalog.ArgNone, catalog.ArgAnything, catalog.ArgConstSize, catalog.ArgConstSizeOrZero:
		return false
	}
	return arg.Flags&catalog.ArgUninit == 0
}

// argSize returns how many bytes an argument points to, where that is known
// without the walk.
func (t *frameTracker) argSize(st *frameState, proto *catalog.Proto, i int) (size int, known bool) {
	arg := proto.Args[i]
	switch {
	case arg.Flags&catalog.ArgFixedSize != 0:
		return int(arg.Size), true
	case arg.Kind == catalog.ArgDynptr:
		return dynptrSlots * slotSize, true
	case arg.Kind == catalog.ArgMapKey:
		if m := t.mapArg(st, proto); m != nil {
			return int(m.KeySize), true
		}
	case arg.Kind == catalog.ArgMapValue:
		if m := t.mapArg(st, proto); m != nil {
			return int(m.ValueSize), true
		}
	case arg.Kind == catalog.ArgMem && i+1 < len(proto.Args):
		next := st.regs[bytecode.R1+i+1]
		return int(next.off), next.kind == holdsConst && next.off >= 0
	}
	return 0, false
}

// mapArg returns the map that a helper is called with, nil when it is not known.
func (t *frameTracker) mapArg(st *frameState, proto *catalog.Proto) *bytecode.MapSpec {
	for i, arg := range proto.Args {
		v := st.regs[bytecode.R1+i]
		if arg.Kind == catalog.ArgConstMapPtr && v.kind == holdsMap && int(v.off) < len(t.prog.Maps) {
			return t.prog.Maps[v.off]
		}
	}
	return nil
}
