// This file defines a node of the walk: a state, how the path came to it, and
// what still depends on it.

package verify

import "github.com/skepbpf/skep/internal/verify/domain"

// node is a state with its place in the tree of paths. Nodes that were stored
// at prune points are the inner ones; the path being walked is a leaf.
type node struct {
	domain.State

	parent *node
	pc     int // where the state holds
	first  int // first slot of the stretch since parent
	last   int // last slot of it
	depth  int // distance from the root

	// branches counts the paths through this node that are not finished. Only
	// when it is 0 are the precision marks of the state complete.
	branches int
	// history is how the stretch since parent was walked, jump by jump.
	history []step

	act *activation // the running function, as it was called

	hits, misses int
	stored       bool
	cleaned      bool // what is dead is gone
	// equal is the stored state that ended this path inside a loop.
	equal *node
}

// step is one entry of a node's history: an instruction whose predecessor, or
// whose effect, cannot be seen from the program text alone.
type step struct {
	pc, prev int
	flags    stepFlags
	spi      uint8 // stack slot accessed
	frame    uint8 // and the frame that it is in
	linked   *linkedRegs
}

// stepFlags say what a step records.
type stepFlags uint8

const (
	stepStack    stepFlags = 1 << iota // the instruction accessed slot spi of frame
	stepDstStack                       // conditional jump: dst was a stack pointer
	stepSrcStack
)

// record notes something about the instruction being checked; several notes
// about one instruction become one entry.
func (w *walker) record(f stepFlags, linked *linkedRegs) *step {
	n := w.cur
	if w.noted < 0 {
		w.noted = len(n.history)
		n.history = append(n.history, step{pc: w.pc, prev: w.prev})
	}
	s := &n.history[w.noted]
	s.flags |= f
	if linked != nil {
		s.linked = linked
	}
	return s
}

// recordStack notes that the instruction being checked accessed a stack slot.
func (w *walker) recordStack(frame, spi int) {
	s := w.record(stepStack, nil)
	s.frame, s.spi = uint8(frame), uint8(spi)
}

// stepAt is the note about the instruction at pc, given how many of the
// history's entries lie before the point that backtracking has come to.
func (n *node) stepAt(pc, end int) *step {
	if end > 0 && n.history[end-1].pc == pc {
		return &n.history[end-1]
	}
	return nil
}

// before returns the slot walked before pc in the stretch since the parent;
// ok is false at its beginning. end is advanced backwards.
func (n *node) before(pc int, end *int) (prev int, ok bool) {
	if pc == n.first && (*end == 0 || *end == 1 && n.history[0].pc == pc) {
		return 0, false
	}
	if s := n.stepAt(pc, *end); s != nil {
		*end--
		return s.prev, true
	}
	return pc - 1, true
}

func (n *node) copyFrom(o *node) {
	st, hist := n.State, n.history
	*n = *o
	n.State = st
	n.State.CopyFrom(&o.State)
	n.history = append(hist[:0], o.history...)
}

func (w *walker) newNode() *node {
	if k := len(w.free); k > 0 {
		n := w.free[k-1]
		w.free = w.free[:k-1]
		return n
	}
	return new(node)
}

// recycle keeps the memory of a path that ended.
func (w *walker) recycle(n *node) {
	if !n.stored {
		w.free = append(w.free, n)
	}
}
