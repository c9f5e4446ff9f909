// This file defines how precision marks become complete inside loops that the
// walk leaves by "seen before, within range": marks found later on the way
// round must reach the states that the back edges came from.

package verify

import "github.com/skepbpf/skep/internal/verify/domain"

// loopKey names one visit of a strongly connected component: the component and
// the calls that led to the function it is in.
type loopKey struct {
	scc   int32
	depth uint8
	calls [maxFrames]int32
}

// loopVisit is what is known of one visit.
type loopVisit struct {
	entry     *node // first stored state inside; nil when the visit is over
	backedges []*node
}

type sccVisits map[loopKey]*loopVisit

// loopOf returns the outermost loop that a state is inside of.
func (w *walker) loopOf(n *node) (key loopKey, ok bool) { return w.loopAround(n, n.pc) }

func (w *walker) loopAround(n *node, at int) (key loopKey, ok bool) {
	for i := range n.Frames {
		pc := at
		if i < len(n.Frames)-1 {
			pc = n.Frames[i+1].CallSite
		}
		if key.scc = w.shape.loopAt(pc); key.scc != 0 {
			key.depth = uint8(i)
			return key, true
		}
		key.calls[i] = int32(pc)
	}
	return key, false
}

// inKnownLoop reports whether a state is inside of a loop that Linux knows:
// not only of the calls of a callback.
func (w *walker) inKnownLoop(n *node) bool {
	for _, f := range n.Frames[1:] {
		if w.shape.scc[f.CallSite] != 0 {
			return true
		}
	}
	return w.shape.scc[n.pc] != 0
}

// loopAt numbers the loop that an instruction is in, 0 for none. A call that
// runs a callback is a loop of its own, where no other is around it: a callback
// that ends comes back to the call.
func (s *shape) loopAt(pc int) int32 {
	if s.scc[pc] == 0 && s.callsSyncCallback[pc] {
		return -int32(pc) - 1
	}
	return s.scc[pc]
}

// enterLoop notes the first stored state of a visit.
func (w *walker) enterLoop(n *node) {
	key, ok := w.loopOf(n)
	if !ok {
		return
	}
	v := w.sccs[key]
	if v == nil {
		v = new(loopVisit)
		w.sccs[key] = v
	}
	if v.entry == nil {
		v.entry = n
	}
}

// incomplete reports whether marks of n may still be missing: it lies in a
// loop with back edges not yet followed up.
func (w *walker) incomplete(n *node) bool {
	key, ok := w.loopOf(n)
	if !ok {
		return false
	}
	v := w.sccs[key]
	return v != nil && len(v.backedges) > 0
}

// addBackedge keeps the current path's end, which equals the stored state old
// of a loop that is still being explored.
func (w *walker) addBackedge(old *node) {
	key, ok := w.loopOf(old)
	if !ok {
		return
	}
	v := w.sccs[key]
	if v == nil {
		v = new(loopVisit)
		w.sccs[key] = v
	}
	end := w.newNode()
	end.copyFrom(w.cur)
	end.pc, end.equal, end.stored = w.pc, old, true
	v.backedges = append(v.backedges, end)
}

// maxPropagation bounds the search for a fixed point; past it every scalar on
// the back edges' paths counts as used.
const maxPropagation = 64

// exitLoop completes the marks of a visit when all its paths are finished.
func (w *walker) exitLoop(n *node) error {
	key, ok := w.loopOf(n)
	if !ok {
		return nil
	}
	v := w.sccs[key]
	if v == nil || v.entry != n {
		return nil
	}
	v.entry = nil
	edges := v.backedges
	for round := 0; ; round++ {
		if round == maxPropagation {
			for _, e := range edges {
				markAllPrecise(e)
				e.EachReg(func(r *domain.Reg) { markReg(r) })
			}
			break
		}
		changed := false
		for _, e := range edges {
			c, err := w.inheritMarks(e.equal, e, key.scc > 0)
			if err != nil {
				return err
			}
			changed = changed || c
		}
		if !changed {
			break
		}
	}
	v.backedges = nil
	return nil
}
