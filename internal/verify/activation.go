// This file defines which stack slots are alive: what the walk has seen each
// instruction read and overwrite, function by function and call by call.

package verify

import (
	"math"
	"math/bits"
	"slices"
	"strconv"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// An activation is a function as it is reached through one chain of calls. It
// knows what its instructions did, on all paths walked so far, to its own stack
// frame and to those of its callers:
//
//	main ── call at 6 ──▶ f          marks[0]: what f does to main's frame
//	     ── call at 9 ──▶ f          marks[1]: what f does to its own
//
// Reads only become more while the walk goes on, overwrites only fewer, so an
// answer is final for a state once all paths from it are walked; before that it
// must not be asked for (see walker.clean). The law that answers rest on: a
// slot is dead in a state only if every path walked from it overwrites the
// whole slot before it reads any byte of it, or never reads it.
//
// A nil activation knows nothing: every slot is alive, marks are dropped.
type activation struct {
	caller *activation // nil for a function that is verified by itself
	site   int         // call in caller, -1 without one
	start  int         // first instruction
	depth  int         // index of the function's own frame
	order  []int32     // instructions, those that others lead to first

	inner   map[callTo]*activation
	marks   [maxFrames][]slotMarks // by frame, by instruction from start; nil for none
	visited []bool                 // by instruction: written is of some visit
	news    bool                   // marks are new since the last update
	shrunk  bool                   // and one is that an overwrite was missing
}

// callTo names a call: where it is and what it leads to.
type callTo struct{ site, start int }

// slotMarks is what one instruction, and what follows it, does to the slots of
// one frame; bit n is the slot at fp-8(n+1).
type slotMarks struct {
	read    uint64 // some visit read part of the slot
	written uint64 // every visit overwrote the slot whole
	alive   uint64 // may be read from here on before it is overwritten
	gone    uint64 // overwritten from here on, on every way to the function's end
}

// into returns the activation of the function at start when it is called at
// site; site is -1 for a function that is verified by itself.
func (a *activation) into(site, start int, sh *shape) *activation {
	if a == nil {
		return nil
	}
	to := callTo{site, start}
	if b := a.inner[to]; b != nil {
		return b
	}
	b := &activation{site: site, start: start, order: sh.orderOf(start), inner: map[callTo]*activation{}}
	b.visited = make([]bool, sh.lengthOf(start))
	if site >= 0 {
		b.caller, b.depth = a, a.depth+1
	}
	a.inner[to] = b
	return b
}

// at returns what is known of a frame at an instruction, nil where nothing is.
func (a *activation) at(frame, pc int) *slotMarks {
	if a.marks[frame] == nil {
		return nil
	}
	return &a.marks[frame][pc-a.start]
}

// need is at with room made.
func (a *activation) need(frame, pc int) *slotMarks {
	if a.marks[frame] == nil {
		a.marks[frame] = make([]slotMarks, len(a.visited))
	}
	return a.at(frame, pc)
}

// reads marks slots of a frame as read at pc.
func (a *activation) reads(frame, pc int, slots uint64) {
	if a == nil || slots == 0 {
		return
	}
	m := a.need(frame, pc)
	m.read |= slots
	a.news = a.news || slots&^m.alive != 0
}

// wrote ends a visit of pc, which overwrote these slots, by frame.
func (a *activation) wrote(pc int, slots *[maxFrames]uint64) {
	if a == nil {
		return
	}
	first := !a.visited[pc-a.start]
	a.visited[pc-a.start] = true
	for frame := 0; frame <= a.depth; frame++ {
		if a.marks[frame] == nil && (slots[frame] == 0 || !first) {
			continue
		}
		m := a.need(frame, pc)
		now := slots[frame]
		if !first {
			now &= m.written
		}
		if now != m.written {
			a.news, a.shrunk = true, a.shrunk || m.written&^now != 0
			m.written = now
		}
	}
}

// alive is the set of slots of a frame that may be read before they are
// overwritten, from pc on and from where each caller goes on. After a callback
// that is the call itself: it may run again.
func (a *activation) alive(frame, pc int, sh *shape) uint64 {
	if a == nil {
		return math.MaxUint64
	}
	var set uint64
	for ; a != nil && a.depth >= frame; a = a.caller {
		if m := a.at(frame, pc); m != nil {
			set |= m.alive
		}
		if pc = a.site; pc >= 0 && !sh.callsSyncCallback[pc] {
			pc++
		}
	}
	return set
}

// update makes the answers of an activation and its callers include all marks.
func (a *activation) update(w *walker) {
	for ; a != nil; a = a.caller {
		if a.news {
			a.solve(w)
		}
	}
}

// solve finds the least alive and gone that satisfy, at every instruction,
//
//	alive = read | (alive of some successor) &^ written
//	gone  = written | (gone of every successor)
//
// and tells the caller, to whom all this happens at the call.
func (a *activation) solve(w *walker) {
	if a.shrunk {
		a.forgetGone()
	}
	rounds := 0
	for changed := true; changed; rounds++ {
		changed = false
		for frame := 0; frame <= a.depth; frame++ {
			if a.marks[frame] == nil {
				continue
			}
			for _, pc := range a.order {
				changed = a.flow(w, frame, int(pc)) || changed
			}
		}
	}
	a.news, a.shrunk = false, false
	w.log.stackLife(a, rounds)
	if a.caller != nil {
		a.tellCaller()
	}
}

// forgetGone starts the search for gone anew: it may have become smaller.
func (a *activation) forgetGone() {
	for frame := range a.marks {
		for i := range a.marks[frame] {
			a.marks[frame][i].gone = 0
		}
	}
}

// flow applies the equations to one instruction and reports a change.
func (a *activation) flow(w *walker, frame, pc int) bool {
	succ, n := bytecode.Successors(w.insns, pc)
	if n == 0 {
		return false
	}
	m := a.at(frame, pc)
	var alive uint64
	gone := uint64(math.MaxUint64)
	for _, s := range succ[:n] {
		next := a.at(frame, s)
		alive |= next.alive
		gone &= next.gone
	}
	if mayEndFunction(w.insns[pc]) {
		gone = 0
	}
	was := *m
	m.alive, m.gone = alive&^m.written|m.read, gone|m.written
	if *m == was {
		return false
	}
	if m.read != 0 || m.written != 0 || pc == a.start || w.shape.prune[pc] {
		w.log.slotChange(a, frame, pc, "live", was.alive, m.alive)
		w.log.slotChange(a, frame, pc, "written", was.gone, m.gone)
	}
	return true
}

// mayEndFunction reports instructions that fall through or go back to the
// caller: packet loads and tail calls.
func mayEndFunction(in bytecode.Insn) bool {
	return in.Class() == bytecode.ClassLD && !in.IsLdImm64() || in.IsHelperCall() && in.Imm == helperTailCall
}

// tellCaller counts what the function does to outer frames as the call's doing.
func (a *activation) tellCaller() {
	var gone [maxFrames]uint64
	for frame := 0; frame < a.depth; frame++ {
		if m := a.at(frame, a.start); m != nil {
			gone[frame] = m.gone
			a.caller.reads(frame, a.site, m.alive)
		}
	}
	a.caller.wrote(a.site, &gone)
}

// orderOf lists the instructions of the function at start in the order of the
// control flow's postorder.
func (s *shape) orderOf(start int) []int32 {
	end := start + s.lengthOf(start)
	inside := func(pc int32) bool { return start <= int(pc) && int(pc) < end }
	from := slices.IndexFunc(s.postorder, inside)
	to := from
	for to < len(s.postorder) && inside(s.postorder[to]) {
		to++
	}
	return s.postorder[from:to]
}

// lengthOf returns how many slots of instructions a function has.
func (s *shape) lengthOf(start int) int {
	sub := &s.subs[s.subs.containing(start)]
	return sub.End - sub.Start
}

// readsSlot notes that the instruction being checked reads part of a stack
// slot. Whatever looks at what a slot holds must say so here: a slot that is
// read and not marked counts as dead, and pruning ignores it.
func (w *walker) readsSlot(frame uint8, spi int) {
	if !w.replaying {
		w.cur.act.reads(int(frame), w.pc, 1<<spi)
	}
}

// overwritesSlot notes that the instruction being checked overwrites a whole
// stack slot.
func (w *walker) overwritesSlot(frame uint8, spi int) { w.overwritten[frame] |= 1 << spi }

// clean drops from a stored state what is dead in it. All paths from it must be
// walked: only then is it known what they read.
func (w *walker) clean(n *node) {
	n.cleaned = true
	for i, f := range n.Frames {
		live := w.liveRegsIn(n, i)
		for r := range bytecode.R10 {
			if live&(1<<r) == 0 {
				f.Regs[r] = domain.Reg{}
			}
		}
		alive := n.act.alive(i, n.pc, w.shape)
		for k := range f.Stack {
			if alive&(1<<k) == 0 {
				f.Stack[k] = domain.Slot{}
			}
		}
	}
}

// appendChain names an activation: the calls that led to it, and its start.
func (a *activation) appendChain(b []byte) []byte {
	var sites []int
	for c := a; c.caller != nil; c = c.caller {
		sites = append(sites, c.site)
	}
	b = append(b, '(')
	for i := len(sites) - 1; i >= 0; i-- {
		b = append(strconv.AppendInt(b, int64(sites[i]), 10), ',')
	}
	return append(strconv.AppendInt(b, int64(a.start), 10), ')')
}

// stackLife says that the answers of an activation are up to date.
func (l *logger) stackLife(a *activation, rounds int) {
	if l.full() {
		l.printf("%s live stack update done in %d iterations\n", a.appendChain(nil), rounds)
	}
}

// slotChange says how a set of slots of a frame has changed.
func (l *logger) slotChange(a *activation, frame, pc int, what string, was, now uint64) {
	if was == now || !l.full() {
		return
	}
	l.printf("%s frame %d insn %d ", a.appendChain(nil), frame, pc)
	l.slotSet('+', what, now&^was)
	l.slotSet('-', what, was&^now)
	l.printf("\n")
}

func (l *logger) slotSet(sign byte, what string, set uint64) {
	if set == 0 {
		return
	}
	l.printf("%c%s ", sign, what)
	sep := ""
	for ; set != 0; set &= set - 1 {
		l.printf("%s%d", sep, -domain.SlotSize*(bits.TrailingZeros64(set)+1))
		sep = ","
	}
	l.printf(" ")
}
