// This file defines pruning: which states are stored, and when a path ends
// because a stored state covers it.

package verify

import (
	"slices"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// stateTable holds the stored states by instruction and by the call that led
// to the running function. Different ones may share a bucket, as they do in the
// reference, which counts its states by bucket.
type stateTable struct {
	buckets [][]*node // each with the latest state last
	count   int       // stored at present
	peak    int
}

func newStateTable(insns int) stateTable { return stateTable{buckets: make([][]*node, insns)} }

func (t *stateTable) index(pc int, n *node) int {
	return int(uint32(pc^n.Cur().CallSite) % uint32(len(t.buckets)))
}

// bucket returns the states that may have been stored at pc in the function
// that n is in, and perhaps others.
func (t *stateTable) bucket(pc int, n *node) []*node { return t.buckets[t.index(pc, n)] }

func (t *stateTable) add(n *node) {
	i := t.index(n.pc, n)
	t.buckets[i] = append(t.buckets[i], n)
	t.count++
	t.peak = max(t.peak, t.count)
}

// compact closes the gaps of a bucket.
func (t *stateTable) compact(i int) {
	full := len(t.buckets[i])
	t.buckets[i] = slices.DeleteFunc(t.buckets[i], func(n *node) bool { return n == nil })
	t.count -= full - len(t.buckets[i])
}

// clear drops all states.
func (t *stateTable) clear() { clear(t.buckets) }

// heuristics of storing, as measured by the reference: enough states to prune
// by, not one per iteration of a loop.
const (
	minJumpsBetween  = 2
	minInsnsBetween  = 8
	loopJumpsBetween = 20
	loopInsnsBetween = 100
	maxHistory       = 40
	unprivStates     = 64
)

// visit is called at a prune point. It reports whether a stored state covers
// the current one; if not, it may store the current one.
func (w *walker) visit() (covered bool, err error) {
	pc, cur := w.pc, w.cur
	force := w.prog.Flags&bytecode.FlagTestStateFreq != 0 || w.shape.force[pc] || len(cur.history) > maxHistory
	store := force || w.jumps-w.prevJumps >= minJumpsBetween && w.stats.Processed-w.prevInsns >= minInsnsBetween

	bucket := w.seen.bucket(pc, cur)
	w.cleanFinished(bucket)
	old, v := w.search(bucket, &store, force)
	switch {
	case v.err != nil:
		return false, v.err
	case v.covers:
		old.hits++
		if err := w.inherit(old, v.loop); err != nil {
			return false, err
		}
		w.log.safe(w)
		return true, nil
	}
	w.stats.MaxPerInsn = max(w.stats.MaxPerInsn, len(bucket))
	if !w.priv.bpf && len(bucket) > unprivStates || !store {
		return false, nil
	}
	return false, w.keepState()
}

// cleanFinished drops what is dead from states at the current instruction that
// nothing more will be learnt of.
func (w *walker) cleanFinished(bucket []*node) {
	for _, n := range bucket {
		if !n.cleaned && n.branches == 0 && n.pc == w.pc && sameCalls(n, w.cur) && !w.incomplete(n) {
			w.clean(n)
		}
	}
}

// search looks for a stored state that covers the current one, the latest
// first, and drops those that keep missing.
func (w *walker) search(bucket []*node, store *bool, force bool) (old *node, v comparison) {
	drop := false
	for i := len(bucket) - 1; i >= 0 && !v.covers && v.err == nil; i-- {
		if old = bucket[i]; old.pc != w.pc {
			continue
		}
		if v = w.compare(old, store, force); v.covers || v.err != nil {
			break
		}
		if *store {
			old.misses++
		}
		if !w.worthKeeping(old) {
			bucket[i], drop = nil, true
		}
	}
	if drop {
		w.seen.compact(w.seen.index(w.pc, w.cur))
	}
	return old, v
}

// verdict of comparing with one stored state.
type comparison struct {
	covers bool
	loop   bool // the stored state is still being explored
	err    error
}

func (w *walker) compare(old *node, store *bool, force bool) comparison {
	if old.branches == 0 {
		loop := w.incomplete(old)
		e := domain.NotExact
		if loop {
			e = domain.RangeWithin
		}
		return comparison{covers: w.covers(old, e), loop: loop}
	}
	c := w.compareOpen(old)
	if c.covers || c.err != nil {
		return c
	}
	// Inside a loop do not store too often: iterations differ anyway.
	if !force && w.jumps-w.prevJumps < loopJumpsBetween && w.stats.Processed-w.prevInsns < loopInsnsBetween {
		*store = false
	}
	return c
}

// iterNext reports whether the current instruction asks an iterator for more.
func (w *walker) iterNext() bool {
	in := w.insns[w.pc]
	return in.IsKfuncCall() && w.penv.call(in).IterNext
}

// goesRound reports whether Linux takes the current instruction for one of a
// loop when it gets there again, wherever it stands.
func (w *walker) goesRound() bool { return w.iterNext() || w.insns[w.pc].IsMayGoto() }

// compareOpen compares with a state on the current path, or one whose paths
// are not all finished: seeing it again means a loop.
func (w *walker) compareOpen(old *node) comparison {
	of, cf := old.Cur(), w.cur.Cur()
	if of.InAsync && of.AsyncEntry != cf.AsyncEntry {
		return comparison{} // another run of an asynchronous callback
	}
	in := w.insns[w.pc]
	switch {
	case w.iterNext():
		return comparison{covers: w.covers(old, domain.RangeWithin) && iterActive(&w.cur.State), loop: true}
	case in.IsMayGoto():
		if old.MayGotoDepth != w.cur.MayGotoDepth && w.covers(old, domain.RangeWithin) {
			return comparison{covers: true, loop: true}
		}
	case w.shape.callsSyncCallback[w.pc]:
		return comparison{covers: w.covers(old, domain.RangeWithin), loop: true}
	}
	if domain.MaybeLooping(&old.State, &w.cur.State) &&
		!iterDepthsDiffer(&old.State, &w.cur.State) && old.MayGotoDepth == w.cur.MayGotoDepth &&
		old.CallbackUnrollDepth == w.cur.CallbackUnrollDepth &&
		w.covers(old, domain.Exact) {
		return comparison{err: w.infiniteLoop(old)}
	}
	return comparison{}
}

func (w *walker) infiniteLoop(old *node) error {
	w.log.line(w, w.pc)
	w.note("infinite loop detected at insn %d", w.pc)
	w.log.stateAs(w, "cur state:", w.cur)
	w.log.stateAs(w, "old state:", old)
	return w.rejection(KindInfiniteLoop, errEINVAL, "infinite loop detected at insn %d", w.pc)
}

// covers compares two states at the current instruction.
func (w *walker) covers(old *node, e domain.Exactness) bool {
	w.ids.Reset(w.idGen)
	return domain.Covers(&old.State, &w.cur.State, func(i int) uint16 { return w.liveRegsIn(old, i) }, e, &w.ids)
}

// liveRegsIn says which registers of frame i are read after the point where st
// holds.
func (w *walker) liveRegsIn(st *node, i int) regSet {
	pc := st.pc
	if i < len(st.Frames)-1 {
		pc = st.Frames[i+1].CallSite
	}
	return w.shape.liveRegs[pc]
}

// worthKeeping drops states that keep missing. Those at forced checkpoints of
// unfinished loops are kept longer, for the loop to converge.
func (w *walker) worthKeeping(n *node) bool {
	k := 3
	if w.shape.force[n.pc] && n.branches > 0 {
		k = 64
	}
	return n.misses <= n.hits*k+k
}

// keepState keeps a copy of the current state; the path goes on as its child.
func (w *walker) keepState() error {
	cur := w.cur
	w.stats.TotalStates++
	w.prevJumps, w.prevInsns = w.jumps, w.stats.Processed
	if w.priv.bpf {
		forgetPrecise(&cur.State)
	}
	n := w.newNode()
	n.copyFrom(cur)
	n.stored, n.cleaned, n.pc, n.hits, n.misses = true, false, w.pc, 0, 0
	w.enterLoop(n)
	cur.parent, cur.first, cur.depth = n, w.pc, n.depth+1
	cur.history = cur.history[:0]
	w.seen.add(n)
	return nil
}

// inherit carries the precision marks of the covering state over to the
// current path's ancestors: what mattered after old matters here too.
func (w *walker) inherit(old *node, loop bool) error {
	if w.shape.jump[w.pc] {
		w.record(0, nil)
	}
	if _, err := w.inheritMarks(old, w.cur, true); err != nil {
		return err
	}
	if !loop {
		return nil
	}
	if w.goesRound() && !w.inKnownLoop(old) {
		return w.failErrno(errEFAULT, "verifier bug: add backedge: no SCC in verification path, insn_idx %d", w.pc)
	}
	w.addBackedge(old)
	return nil
}

// inheritMarks marks, back from st, everything that is precise in old; asKernel
// says that the kernel does so too.
func (w *walker) inheritMarks(old, st *node, asKernel bool) (changed bool, err error) {
	w.bt.reset(st.CurNo())
	w.bt.inherited = asKernel
	for i := range old.Frames {
		w.choosePrecise(old, i)
	}
	w.log.propagating(&w.bt)
	return w.backtrackFrom(st)
}

func (w *walker) choosePrecise(old *node, i int) {
	f := old.Frames[i]
	for r := range f.Regs {
		if reg := &f.Regs[r]; reg.Kind == domain.ScalarValue && reg.Precise {
			w.bt.regs[i] |= 1 << r
		}
	}
	for k := range f.Stack {
		if s := &f.Stack[k]; s.IsScalarSpill() && s.Reg.Precise {
			w.bt.slots[i] |= 1 << k
		}
	}
}

// endPath tells the current path's ancestors that it is finished.
func (w *walker) endPath(n *node) error {
	for ; n != nil; n = n.parent {
		n.branches--
		if n.branches != 0 {
			return nil
		}
		if err := w.exitLoop(n); err != nil {
			return err
		}
	}
	return nil
}
