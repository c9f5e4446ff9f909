// This file defines how precision marks become complete inside loops that the
// walk leaves by "seen before, within range": marks found later on the way
// round must reach the states that the back edges came from.

package verify

import (
	"errors"

	"github.com/skepbpf/skep/internal/verify/domain"
)

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

// loopClass says which loops are meant. Linux completes marks in those of jumps
// and of iterators. A call that runs a callback is a loop as well: a callback
// that ends comes back to the call. By a mark that is missing there Linux can
// accept what is unsafe; so the walk first goes as in Linux, and keeps account of
// these loops besides. Where one turns out to have missed a mark, all is walked
// again, carefully: they are then loops like any other (errMissedMark).
type loopClass uint8

const (
	knownLoops    loopClass = iota
	callbackLoops           // those too
)

var (
	bothClasses   = []loopClass{knownLoops, callbackLoops}
	carefulClass  = bothClasses[callbackLoops:]
	errMissedMark = errors.New("a callback's turn missed a mark of precision")
)

// classes are those that account is kept of.
func (w *walker) classes() []loopClass {
	if w.careful {
		return carefulClass
	}
	return bothClasses
}

// loopOf returns the outermost loop that a state is inside of.
func (w *walker) loopOf(n *node, c loopClass) (key loopKey, ok bool) {
	return w.loopAround(n, n.pc, c)
}

func (w *walker) loopAround(n *node, at int, c loopClass) (key loopKey, ok bool) {
	for i := range n.Frames {
		pc := at
		if i < len(n.Frames)-1 {
			pc = n.Frames[i+1].CallSite
		}
		if key.scc = w.shape.loopAt(pc, c); key.scc != 0 {
			key.depth = uint8(i)
			return key, true
		}
		key.calls[i] = int32(pc)
	}
	return key, false
}

// loopAt numbers the loop that an instruction is in, 0 for none; callbacks'
// loops, where no other is around them, have negative numbers.
func (s *shape) loopAt(pc int, c loopClass) int32 {
	if s.scc[pc] == 0 && c == callbackLoops && s.callsSyncCallback[pc] {
		return -int32(pc) - 1
	}
	return s.scc[pc]
}

// inKnownLoop reports whether a state is inside of a loop that Linux knows.
func (w *walker) inKnownLoop(n *node) bool {
	_, ok := w.loopOf(n, knownLoops)
	return ok
}

// visitsOf calls fn for the visit of each class's loop that a state is in; a
// missing one is made where wanted.
func (w *walker) visitsOf(n *node, create bool, fn func(key loopKey, v *loopVisit) error) error {
	var last *loopVisit
	for _, c := range w.classes() {
		key, ok := w.loopOf(n, c)
		if !ok {
			continue
		}
		v := w.sccs[key]
		if v == nil && create {
			v = new(loopVisit)
			w.sccs[key] = v
		}
		if v == nil || v == last {
			continue
		}
		last = v
		if err := fn(key, v); err != nil {
			return err
		}
	}
	return nil
}

// enterLoop notes the first stored state of a visit.
func (w *walker) enterLoop(n *node) {
	_ = w.visitsOf(n, true, func(_ loopKey, v *loopVisit) error {
		if v.entry == nil {
			v.entry = n
		}
		return nil
	})
}

// incomplete reports whether marks of n may still be missing: it lies in a
// loop with back edges not yet followed up.
func (w *walker) incomplete(n *node) bool {
	c := knownLoops
	if w.careful {
		c = callbackLoops
	}
	key, ok := w.loopOf(n, c)
	if !ok {
		return false
	}
	v := w.sccs[key]
	return v != nil && len(v.backedges) > 0
}

// addBackedge keeps the current path's end, which equals the stored state old
// of a loop that is still being explored.
func (w *walker) addBackedge(old *node) {
	var end *node
	_ = w.visitsOf(old, true, func(_ loopKey, v *loopVisit) error {
		if end == nil {
			end = w.newNode()
			end.copyFrom(w.cur)
			end.pc, end.equal, end.stored = w.pc, old, true
		}
		v.backedges = append(v.backedges, end)
		return nil
	})
}

// maxPropagation bounds the search for a fixed point; past it every scalar on
// the back edges' paths counts as used.
const maxPropagation = 64

// exitLoop completes the marks of the visits that began with a state, when all
// its paths are finished.
func (w *walker) exitLoop(n *node) error {
	return w.visitsOf(n, false, func(key loopKey, v *loopVisit) error {
		if v.entry != n {
			return nil
		}
		v.entry = nil
		edges := v.backedges
		v.backedges = nil
		if key.scc > 0 {
			_, err := w.completeMarks(edges, true)
			return err
		}
		said := w.log.mute()
		missed, err := w.completeMarks(edges, false)
		w.log.unmute(said)
		if err == nil && missed && !w.careful {
			return errMissedMark
		}
		return err
	})
}

// completeMarks hands marks round until none is new, and reports whether one
// was.
func (w *walker) completeMarks(edges []*node, asKernel bool) (any bool, err error) {
	for range maxPropagation {
		changed := false
		for _, e := range edges {
			c, err := w.inheritMarks(e.equal, e, asKernel)
			if err != nil {
				return any, err
			}
			changed = changed || c
		}
		if !changed {
			return any, nil
		}
		any = true
	}
	for _, e := range edges {
		markAllPrecise(e)
		e.EachReg(func(r *domain.Reg) { markReg(r) })
	}
	return true, nil
}
