// This file defines open-coded iterators: their state on the stack, and the two
// ways on from each call of next.

package verify

import (
	"strings"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// iterSite is where an iterator lies: slots [spi-n+1, spi] of a frame, of which
// spi, at the lowest address, holds what is known of it.
type iterSite struct {
	frame uint8
	spi   int
	n     int
}

// iterFlags are the functions of an iterator.
const iterFlags = catalog.KfIterNew | catalog.KfIterNext | catalog.KfIterDestroy

// main is the slot that holds what is known of the iterator.
func (at iterSite) main(st *domain.State) *domain.Reg { return &st.Frames[at.frame].Stack[at.spi].Reg }

func iterName(t *btfx.Type) string { return strings.TrimPrefix(t.Name, "bpf_iter_") }

// checkIterArg checks the iterator that a function is given.
func (w *walker) checkIterArg(c *kfuncCall, a *kfuncArg) error {
	i, r, t := a.i, a.r, a.to
	reg := &w.regs()[r]
	if c.Name == "bpf_iter_css_task_new" && !w.allowsCSSTask() {
		return w.fail("css_task_iter is only allowed in bpf_lsm, bpf_iter and sleepable progs")
	}
	if reg.Kind != domain.PtrToStack {
		return w.fail("arg#%d expected pointer to an iterator on stack", i)
	}
	at, err := w.iterAt(reg, int(t.Size)/domain.SlotSize)
	switch {
	case err != nil && c.has(catalog.KfIterNew):
		return w.fail("expected uninitialized iter_%s as arg #%d", iterName(t), i)
	case err != nil:
		return w.fail("expected an initialized iter_%s as arg #%d", iterName(t), i)
	}
	if c.has(catalog.KfIterNew) {
		return w.newIter(c, i, r, t, at)
	}
	switch w.iterFault(at, c.spec, t.ID) {
	case iterAbsent:
		return w.fail("expected an initialized iter_%s as arg #%d", iterName(t), i)
	case iterUnprotected:
		return w.fail("expected an RCU CS when using %s", c.Name)
	}
	c.iter = at
	c.refID = at.main(&w.cur.State).RefID
	if c.has(catalog.KfIterDestroy) {
		return w.destroyIter(at)
	}
	return nil
}

// allowsCSSTask: that iterator takes a lock which other programs may hold.
func (w *walker) allowsCSSTask() bool {
	return w.env.Type == bytecode.ProgLSM ||
		w.env.Type == bytecode.ProgTracing && w.env.Attach == catalog.AttachTraceIter || w.cur.InSleepable
}

// iterAt finds the slots that a pointer to an iterator of n slots names. The
// one above the frame has index -1: an access there is refused.
func (w *walker) iterAt(r *domain.Reg, n int) (iterSite, error) {
	if !r.IsConst() {
		return iterSite{}, w.fail("iter has to be at a constant offset")
	}
	off := int(r.Off) + int(int64(r.Value()))
	spi := -off/domain.SlotSize - 1
	if off%domain.SlotSize != 0 || off > 0 || spi+1 < n && (off < 0 || n > 1) {
		return iterSite{}, w.fail("cannot pass in iter at an offset=%d", off)
	}
	return iterSite{frame: r.Frame, spi: spi, n: n}, nil
}

// newIter makes an iterator of slots that hold none.
func (w *walker) newIter(c *kfuncCall, i int, r uint8, t *btfx.Type, at iterSite) error {
	f := w.cur.Frames[at.frame]
	for k := range at.n {
		// One that begins below all that the function has used may cover another,
		// which is then lost.
		if s := f.Slot(at.spi - k); f.Slot(at.spi) != nil && s != nil && s.Bytes[0] == domain.ByteIter {
			return w.fail("expected uninitialized iter_%s as arg #%d", iterName(t), i)
		}
	}
	for k := range at.n {
		n := memNeed{reg: r, off: int32(k * domain.SlotSize), size: domain.SlotSize, write: true, value: -1}
		if _, err := w.access(n); err != nil {
			return err
		}
	}
	id := w.acquire()
	for k := range at.n {
		s := &f.Stack[at.spi-k]
		s.Reg = domain.Pointer(domain.PtrToStack, w.iterTrust(c))
		s.Reg.BTF, s.Reg.BTFID, s.Reg.IterState = c.spec, t.ID, domain.IterActive
		if k == 0 {
			s.Reg.RefID = id
		}
		for b := range s.Bytes {
			s.Bytes[b] = domain.ByteIter
		}
		w.overwritesSlot(at.frame, at.spi-k)
		w.log.scratchSlot(at.spi - k)
	}
	return nil
}

// iterTrust: what some iterators give is only valid inside an RCU section.
func (w *walker) iterTrust(c *kfuncCall) domain.TypeFlags {
	switch {
	case !c.has(catalog.KfRCUProtected):
		return 0
	case w.inRCU():
		return domain.MemRCU
	}
	return domain.PtrUntrusted
}

// iterFault is what is wrong with an iterator that should be there.
type iterFault uint8

const (
	iterFine iterFault = iota
	iterAbsent
	iterUnprotected
)

func (w *walker) iterFault(at iterSite, spec *btfx.Spec, id btfx.ID) iterFault {
	f := w.cur.Frames[at.frame]
	for k := range at.n {
		s := f.Slot(at.spi - k)
		if s == nil {
			return iterAbsent
		}
		w.readsSlot(at.frame, at.spi-k)
		switch {
		case s.Bytes[0] == domain.ByteIter && s.Reg.Flags&domain.PtrUntrusted != 0:
			return iterUnprotected
		case (s.Reg.RefID != 0) != (k == 0), s.Reg.BTF != spec, s.Reg.BTFID != id:
			return iterAbsent
		}
		for _, b := range s.Bytes {
			if b != domain.ByteIter {
				return iterAbsent
			}
		}
	}
	return iterFine
}

func (w *walker) destroyIter(at iterSite) error {
	if err := w.release(at.main(&w.cur.State).RefID); err != nil {
		return err
	}
	f := w.cur.Frames[at.frame]
	for k := range at.n {
		f.Stack[at.spi-k] = domain.Slot{}
		w.overwritesSlot(at.frame, at.spi-k)
		w.log.scratchSlot(at.spi - k)
	}
	return nil
}

// nextIter walks both ways on from a call of next: another element, and the
// end. The loop's round is kept for later; its imprecise scalars that changed
// are forgotten, so that the next round is like the one before.
func (w *walker) nextIter(c *kfuncCall) error {
	cur := c.iter.main(&w.cur.State)
	if cur.IterState == domain.IterActive {
		other := w.clone()
		it := c.iter.main(&other.State)
		it.IterDepth++
		if prev := w.previousVisit(w.cur.parent, w.pc); prev != nil {
			w.widenIn(&prev.State, &other.State)
		}
		w.becomeNonNull(&other.Regs()[bytecode.R0])
		other.Regs()[bytecode.R0].ID = 0
		if err := w.fork(other, w.pc+1, w.pc, false); err != nil {
			return err
		}
	}
	cur.IterState = domain.IterDrained
	w.log.scratchSlot(c.iter.spi)
	w.regs()[bytecode.R0] = domain.ScalarReg(domain.Const(0))
	return nil
}

// iterActive reports whether the iterator that R1 points to has elements left.
func iterActive(st *domain.State) bool {
	r1 := &st.Regs()[bytecode.R1]
	if r1.Kind != domain.PtrToStack || !r1.IsConst() {
		return false
	}
	spi, _ := slotOf(int(r1.Off) + int(int64(r1.Value())))
	s := st.Frames[r1.Frame].Slot(spi)
	return s != nil && s.Bytes[0] == domain.ByteIter && s.Reg.IterState == domain.IterActive
}

// iterDepthsDiffer reports whether some iterator moved on between two states.
func iterDepthsDiffer(old, cur *domain.State) bool {
	for i, f := range old.Frames {
		for k := range f.Stack {
			o := &f.Stack[k]
			if o.Bytes[0] != domain.ByteIter || o.Reg.IterState != domain.IterActive {
				continue
			}
			if c := cur.Frames[i].Slot(k); c != nil && c.Reg.IterDepth != o.Reg.IterDepth {
				return true
			}
		}
	}
	return false
}
