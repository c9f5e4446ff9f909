// This file defines replay: the abstract step repeated along a path that a run
// really takes, with the concrete state held against the abstract one after
// each instruction. It is the oracle of the verifier's soundness.

package verify

import (
	"errors"
	"fmt"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// Place is where an address lies, in the verifier's terms.
type Place struct {
	// Kind is PtrToCtx, PtrToPacket (packet and metadata), PtrToMapValue,
	// PtrToMem; NotInit where nothing is known.
	Kind   domain.RegKind
	MapIdx int32  // PtrToMapValue
	Base   uint64 // first byte of the object
	Size   uint64 // bytes
}

// Memory is what a replay asks of the run.
type Memory interface {
	Place(addr uint64) Place
	// FrameTop is R10 in the i-th function of the run, the first being 0.
	FrameTop(i int) (uint64, bool)
	Read(addr uint64, p []byte) bool
}

// Mismatch is a concrete state outside the abstract one, or a step that the
// abstract machine refuses: the verifier was wrong about the program.
type Mismatch struct {
	Insn int
	What string
}

func (m *Mismatch) Error() string {
	return fmt.Sprintf("verifier unsound at insn %d: %s", m.Insn, m.What)
}

// ErrNoStates is given for programs that were verified without KeepStates.
var ErrNoStates = errors.New("stored states: not kept")

// Replayer follows one run. It is told of every instruction in turn; the first
// mismatch is returned and ends it.
type Replayer struct {
	w     *walker
	forks []fork
	calls []suspended // calls of global functions that are going on
	base  int         // concrete frames below the function being followed
}

// fork is one way on from an instruction.
type fork struct {
	st *node
	pc int
}

// suspended is a caller that waits for a global function.
type suspended struct {
	st   *node
	pc   int
	base int
}

// Replay starts following a run of the program.
func (v *Verified) Replay() (*Replayer, error) {
	if v.tree == nil {
		return nil, ErrNoStates
	}
	r := new(Replayer)
	w := *v.tree.walker // a copy: several runs may be followed at once
	w.opt = &Options{Target: w.opt.Target, Maps: w.opt.Maps, Caps: w.opt.Caps, MemorySize: w.opt.MemorySize}
	w.log = logger{max: 1 << 20}
	w.facts = newFactRecorder(w.prog)
	w.records = newRecordCache()
	w.masks = map[int]aluMask{}
	w.called = map[int]bool{}
	w.uses = append([]frameUse(nil), w.uses...)
	w.ids = domain.IDMap{AllowUninit: w.ids.AllowUninit, ExactScalars: w.ids.ExactScalars}
	w.free, w.pending = nil, nil
	w.replaying, w.activations = true, nil
	w.fork = func(st *node, pc, _ int, _ bool) error {
		r.forks = append(r.forks, fork{st, pc})
		return nil
	}
	r.w = &w
	st, err := w.mainEntry()
	if err != nil {
		return nil, err
	}
	w.cur, w.pc, w.prev = st, 0, -1
	return r, nil
}

// Step is told that the instruction at pc ran and that next follows.
func (r *Replayer) Step(pc int, regs *[11]uint64, next int, m Memory) error {
	if err := r.advance(pc, next, regs, m); err != nil {
		return err
	}
	return r.settle(regs, m)
}

// Enter is told that function sub begins, called from pc.
func (r *Replayer) Enter(pc, sub int, callback bool, regs *[11]uint64, m Memory) error {
	w := r.w
	if !callback && w.shape.subs[sub].IsGlobal {
		r.calls = append(r.calls, suspended{w.cur, pc, r.base})
		r.base += len(w.cur.Frames)
		st, err := w.globalEntry(sub)
		if err != nil {
			return &Mismatch{pc, err.Error()}
		}
		w.cur, w.pc, w.prev = st, w.shape.subs[sub].Start, -1
		return r.settle(regs, m)
	}
	if err := r.advance(pc, w.shape.subs[sub].Start, regs, m); err != nil {
		return err
	}
	return r.settle(regs, m)
}

// Leave is told that the function which pc is in has ended.
func (r *Replayer) Leave(pc int, regs *[11]uint64, next int, m Memory) error {
	w := r.w
	frames := len(w.cur.Frames)
	if frames == 1 && next < 0 && len(r.calls) == 0 && r.w.insns[pc].Class() == bytecode.ClassLD {
		return nil // a packet load that missed ends the program
	}
	if frames == 1 && len(r.calls) > 0 {
		return r.leaveGlobal(pc, regs, next, m)
	}
	if frames == 1 {
		return r.advance(pc, -1, regs, m)
	}
	site := w.cur.Cur().CallSite
	if w.cur.Cur().InCallback {
		return r.advance(pc, site, nil, m) // the helper goes on; nothing to compare yet
	}
	if err := r.advance(pc, site+1, regs, m); err != nil {
		return err
	}
	return r.settle(regs, m)
}

func (r *Replayer) leaveGlobal(pc int, regs *[11]uint64, next int, m Memory) error {
	if err := r.advance(pc, -1, nil, m); err != nil {
		return err
	}
	k := len(r.calls) - 1
	c := r.calls[k]
	r.calls = r.calls[:k]
	r.base = c.base
	r.w.cur, r.w.pc = c.st, c.pc
	return r.Step(c.pc, regs, next, m)
}

// advance applies the instruction at pc and takes the way that leads to next
// and has the concrete state inside; next is -1 for the end of the function.
func (r *Replayer) advance(pc, next int, regs *[11]uint64, m Memory) error {
	w := r.w
	if w.pc != pc {
		return &Mismatch{pc, fmt.Sprintf("the abstract run is at insn %d", w.pc)}
	}
	todo := []fork{{w.cur, pc}}
	why := "no way leads to insn " + fmt.Sprint(next)
	for rounds := 0; len(todo) > 0 && rounds < 16; rounds++ {
		at := todo[0]
		todo = todo[1:]
		waiting := todo
		ways, done, err := r.apply(at)
		if err != nil {
			return err
		}
		if done && next < 0 {
			return nil
		}
		for _, way := range ways {
			switch {
			case way.pc == pc && next != pc:
				todo = append(todo, way) // the same instruction again, on one of two values
			case way.pc == next:
				w.cur, w.pc = way.st, way.pc
				if regs != nil {
					why = r.outside(regs, m)
				}
				if regs == nil || why == "" {
					r.keepOnly(way.st, ways, waiting)
					return nil
				}
			}
		}
	}
	return &Mismatch{pc, why}
}

// keepOnly recycles the states of the ways that were not taken.
func (r *Replayer) keepOnly(st *node, lists ...[]fork) {
	for _, list := range lists {
		for _, f := range list {
			if f.st != st {
				r.w.recycle(f.st)
			}
		}
	}
}

// apply runs the abstract step and returns all ways on.
func (r *Replayer) apply(at fork) (ways []fork, done bool, err error) {
	w := r.w
	r.forks = r.forks[:0]
	w.cur, w.pc = at.st, at.pc
	w.cur.pc = at.pc
	in := w.insns[at.pc]
	w.noted = -1
	done, err = w.insn(in)
	if err != nil {
		return nil, false, &Mismatch{at.pc, "the abstract step refuses: " + err.Error()}
	}
	if !done {
		r.forks = append(r.forks, fork{w.cur, w.pc})
	}
	w.prev = at.pc
	return r.forks, done, nil
}

// settle goes on from a stored state that covers the current one, as the walk
// did when it pruned: what it did not mark precise may be anything, and what
// is dead must not be read.
func (r *Replayer) settle(regs *[11]uint64, m Memory) error {
	w := r.w
	if !w.shape.prune[w.pc] {
		return nil
	}
	w.cur.pc = w.pc
	for _, old := range w.seen.bucket(w.pc, w.cur) {
		if old.pc != w.pc || old == w.cur || !w.covers(old, domain.NotExact) {
			continue
		}
		st := w.newNode()
		st.copyFrom(old)
		st.parent, st.history, st.stored = nil, st.history[:0], false
		w.forget(st)
		st.act = nil
		w.recycle(w.cur)
		w.cur = st
		if why := r.outside(regs, m); why != "" {
			return &Mismatch{w.pc, "pruned: " + why}
		}
		return nil
	}
	return nil
}

// forget drops from a stored state what pruning does not preserve.
func (w *walker) forget(st *node) {
	w.clean(st)
	st.EachReg(func(r *domain.Reg) {
		if r.Kind == domain.ScalarValue && !r.Precise {
			r.Scalar = domain.Unknown()
			r.ClearLink()
		}
	})
}

// outside says in which way the concrete state is not in the abstract one, ""
// when it is.
func (r *Replayer) outside(regs *[11]uint64, m Memory) string {
	f := r.w.cur.Cur()
	for i := range f.Regs {
		if why := r.regOutside(&f.Regs[i], regs[i], m); why != "" {
			return fmt.Sprintf("R%d=%#x is not %s: %s", i, regs[i], r.w.appendReg(nil, &f.Regs[i], int(f.No)), why)
		}
	}
	for i := range f.Stack {
		if why := r.slotOutside(&f.Stack[i], regs[bytecode.R10]-uint64(8*(i+1)), m); why != "" {
			return fmt.Sprintf("fp%d: %s", -8*(i+1), why)
		}
	}
	return ""
}

func (r *Replayer) slotOutside(s *domain.Slot, addr uint64, m Memory) string {
	var b [8]byte
	if !m.Read(addr, b[:]) {
		return ""
	}
	for j, k := range s.Bytes {
		if k == domain.ByteZero && b[7-j] != 0 {
			return fmt.Sprintf("byte %d is %#x, not 0", 7-j, b[7-j])
		}
	}
	n := s.SpillWidth()
	if n == 0 {
		return ""
	}
	var v uint64
	for i := n - 1; i >= 0; i-- {
		v = v<<8 | uint64(b[i])
	}
	reg := s.Reg
	if n < 8 && reg.Kind == domain.ScalarValue {
		reg.Scalar = reg.Scalar.Truncate(n)
	}
	if why := r.regOutside(&reg, v, m); why != "" {
		return fmt.Sprintf("%#x is not %s: %s", v, r.w.appendReg(nil, &reg, 0), why)
	}
	return ""
}

// regOutside compares one value with what is known of it.
func (r *Replayer) regOutside(reg *domain.Reg, v uint64, m Memory) string {
	if reg.Kind == domain.NotInit {
		return ""
	}
	if reg.Kind == domain.ScalarValue {
		if !reg.Contains(v) {
			return "value"
		}
		return ""
	}
	switch {
	case v == 0 && reg.MayBeNull():
		return ""
	case v == 0 && neverNull[reg.Kind] && reg.Flags&domain.PtrUntrusted == 0:
		return "NULL"
	}
	off := v - uint64(int64(reg.Off))
	switch reg.Kind {
	case domain.PtrToStack:
		top, ok := m.FrameTop(r.base + int(reg.Frame))
		if ok && !reg.Contains(off-top) {
			return "stack offset"
		}
	case domain.PtrToCtx:
		if p := m.Place(v); p.Kind != domain.NotInit && (p.Kind != domain.PtrToCtx || !reg.Contains(off-p.Base)) {
			return "context offset"
		}
	case domain.PtrToMapValue:
		return r.valueOutside(reg, off, v, m)
	case domain.PtrToPacket:
		return r.packetOutside(reg, off, m)
	}
	return ""
}

// neverNull are pointers to memory that a program may access without asking
// more: other objects may be NULL all the same, reads of them go through.
var neverNull = map[domain.RegKind]bool{
	domain.PtrToMapValue: true, domain.PtrToMapKey: true, domain.PtrToMem: true,
}

func (r *Replayer) valueOutside(reg *domain.Reg, off, v uint64, m Memory) string {
	p := m.Place(v)
	if p.Kind != domain.PtrToMapValue || innerMap(reg) {
		return "" // one past the end, or of a map that the run cannot name
	}
	if lo, hi := int64(reg.Off)+reg.SMin, int64(reg.Off)+reg.SMax; lo < 0 || hi < lo || hi >= int64(r.w.mapOf(reg).Spec().ValueSize) {
		return "" // it may point into a neighbour; no access is allowed there
	}
	if p.MapIdx != reg.MapIdx {
		return fmt.Sprintf("value of map %d", p.MapIdx)
	}
	if !reg.Contains(off - p.Base) {
		return "offset in map value"
	}
	return ""
}

// packetOutside checks that the bytes proved readable are there.
func (r *Replayer) packetOutside(reg *domain.Reg, off uint64, m Memory) string {
	if reg.Range <= 0 {
		return ""
	}
	base := off // the pointer without its fixed offset: what Range counts from
	if p := m.Place(base); p.Kind != domain.PtrToPacket || base+uint64(reg.Range) > p.Base+p.Size {
		return "packet range"
	}
	return ""
}
