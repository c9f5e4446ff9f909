// This file defines linked scalars: registers and stack slots that are known
// to hold the same value, or the same value plus a constant.

package verify

import (
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// maxLinked bounds how many links one comparison keeps up (the kernel's
// LINKED_REGS_MAX); further ones lose their link.
const maxLinked = 6

// linkedReg is one register, or one stack slot of a frame.
type linkedReg struct {
	frame uint8
	slot  bool
	index uint8
}

// linkedRegs are the places that one comparison narrowed together.
type linkedRegs struct {
	n    int
	regs [maxLinked]linkedReg
}

// collectLinked lists the scalars of the running state that share an identity.
// Registers that nothing reads any more are left as they are.
func (w *walker) collectLinked(id uint32, l *linkedRegs) {
	st := w.cur
	add := func(r *domain.Reg, at linkedReg) {
		if r.Kind != domain.ScalarValue || r.ID != id {
			return
		}
		if l.n == maxLinked {
			r.ClearLink()
			return
		}
		l.regs[l.n] = at
		l.n++
	}
	for i := st.CurNo(); i >= 0; i-- {
		f := st.Frames[i]
		live := w.liveRegsIn(st, i)
		for r := range bytecode.R10 {
			if live&(1<<r) == 0 {
				continue
			}
			add(&f.Regs[r], linkedReg{frame: uint8(i), index: uint8(r)})
		}
		for k := range f.Stack {
			if f.Stack[k].IsSpill() {
				add(&f.Stack[k].Reg, linkedReg{frame: uint8(i), slot: true, index: uint8(k)})
			}
		}
	}
}

func (at linkedReg) in(st *domain.State) *domain.Reg {
	f := st.Frames[at.frame]
	if at.slot {
		return &f.Stack[at.index].Reg
	}
	return &f.Regs[at.index]
}

// syncLinked gives every linked scalar what became known of one of them.
func syncLinked(st *domain.State, known *domain.Reg, l *linkedRegs) {
	for _, at := range l.regs[:l.n] {
		r := at.in(st)
		if r.Kind != domain.ScalarValue || r == known || r.ID != known.ID {
			continue
		}
		if r.Link != known.Link && r.Link != domain.LinkEqual && known.Link != domain.LinkEqual {
			continue // sums of different widths say nothing about each other
		}
		if r.Link == domain.LinkEqual && known.Link == domain.LinkEqual || r.Off == known.Off {
			*r = *known
			continue
		}
		link, off := r.Link, r.Off
		*r = *known
		r.Scalar, r.Link, r.Off = linkedSum(known, link, int64(off)-int64(known.Off)), link, off
	}
}

// linkedSum is the value of a register that lies delta from a known one.
func linkedSum(known *domain.Reg, link domain.LinkKind, delta int64) domain.Scalar {
	width := 64
	if link == domain.LinkAdd32 || known.Link == domain.LinkAdd32 {
		width = 32
	}
	return domain.ALU(domain.Add, width, known.Scalar, domain.Const(uint64(delta)))
}

// syncLinked widens the set by the links that an instruction relied on.
func (b *backtracker) syncLinked(s *step) {
	if s == nil || s.linked == nil {
		return
	}
	l := s.linked.regs[:s.linked.n]
	for _, at := range l {
		if b.has(at) {
			for _, other := range l {
				b.add(other)
			}
			return
		}
	}
}

func (b *backtracker) has(at linkedReg) bool {
	if at.slot {
		return b.slots[at.frame]&(1<<at.index) != 0
	}
	return b.regs[at.frame]&(1<<at.index) != 0
}

func (b *backtracker) add(at linkedReg) {
	if at.slot {
		b.slots[at.frame] |= 1 << at.index
	} else {
		b.regs[at.frame] |= 1 << at.index
	}
}
