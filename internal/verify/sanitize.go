// This file defines what pointer arithmetic must promise in programs loaded
// without CAP_PERFMON: a processor that speculates past a bounds check may not
// reach memory outside the object, so the kernel masks offsets, and refuses
// what it cannot mask.

package verify

import (
	"github.com/skepbpf/skep/internal/verify/domain"
)

// aluMask is how one instruction's offset is masked; it must be the same on
// every path. The zero value is "not seen yet".
type aluMask struct {
	kind  maskKind
	limit int64
}

type maskKind uint8

const (
	maskScalar maskKind = 1 << iota // no pointer: nothing to mask
	maskPointer
	maskNegative
	maskConstant
	maskOffsetFirst // the offset is in dst, the pointer in src
)

const noRoot = "pointer arithmetic with it prohibited for !root"

// masked reports whether an instruction is subject to masking at all.
func (w *walker) masked(n aluNeed) bool {
	return !w.priv.bypassSpec && n.useSrc && (n.op == domain.Add || n.op == domain.Sub)
}

// maskScalars notes that an instruction adds scalars.
func (w *walker) maskScalars(n aluNeed) error {
	if !w.masked(n) {
		return nil
	}
	return w.agreeOnMask(n, aluMask{kind: maskScalar})
}

// agreeOnMask compares with what other paths found.
func (w *walker) agreeOnMask(n aluNeed, m aluMask) error {
	if was, ok := w.masks[w.pc]; ok && was != m {
		dst := n.in.Dst
		return w.deny(KindPointer, int(dst), "R%d tried to %s from different maps, paths or scalars, %s", dst, opWord(n.op), noRoot)
	}
	w.masks[w.pc] = m
	return nil
}

func opWord(op domain.Op) string {
	if op == domain.Sub {
		return "sub"
	}
	return "add"
}

// pointerMove is an addition to a pointer, as masking sees it.
type pointerMove struct {
	n        aluNeed
	ptrFirst bool // the pointer is in dst
	left     bool // towards lower addresses
	before   int64
}

// beginMove checks a move before it is applied.
func (w *walker) beginMove(n aluNeed, ptr, off *domain.Reg) (m pointerMove, err error) {
	m.n = n
	if !w.masked(n) {
		return m, nil
	}
	m = pointerMove{n: n, ptrFirst: w.regs()[n.in.Dst].Kind != domain.ScalarValue}
	if !off.IsConst() && (off.SMin < 0) != (off.SMax < 0) {
		r := n.in.Src
		if !m.ptrFirst {
			r = n.in.Dst
		}
		return m, w.deny(KindPointer, int(r), "R%d has unknown scalar with mixed signed bounds, %s", r, noRoot)
	}
	m.left = (n.op == domain.Add) == (off.SMin < 0)
	m.before, err = w.roomLeft(m, ptr)
	if !off.IsConst() {
		w.ids.ExactScalars = true // other paths may mask differently: do not prune them
	}
	return m, err
}

// roomLeft is how far a pointer may still move in its direction.
func (w *walker) roomLeft(m pointerMove, ptr *domain.Reg) (int64, error) {
	dst := m.n.in.Dst
	var room, size int64
	switch ptr.Kind {
	case domain.PtrToStack:
		size = maxStack
		if m.left {
			size++
		}
		room = -(int64(ptr.Value()) + int64(ptr.Off))
	case domain.PtrToMapValue:
		size = int64(w.mapOf(ptr).Spec().ValueSize)
		room = int64(ptr.UMax) + int64(ptr.Off)
		if m.left {
			room = ptr.SMin + int64(ptr.Off)
		}
	default:
		r := dst
		if !m.ptrFirst {
			r = m.n.in.Src
		}
		return 0, w.deny(KindPointer, int(r), "R%d has pointer with unsupported alu operation, %s", r, noRoot)
	}
	if uint32(room) >= uint32(size) {
		return 0, w.deny(KindPointer, int(dst), "R%d tried to %s beyond pointer bounds, %s", dst, opWord(m.n.op), noRoot)
	}
	return room, nil
}

// endMove checks the moved pointer, and that every path moves alike.
func (w *walker) endMove(m pointerMove, off *domain.Reg) error {
	if w.priv.bypassSpec {
		return nil
	}
	dst := m.n.in.Dst
	r := &w.regs()[dst]
	if err := w.checkStillInside(dst, r); err != nil {
		return err
	}
	if !w.masked(m.n) {
		return nil
	}
	after, err := w.roomLeft(m, r)
	if err != nil {
		return err
	}
	kind := maskPointer
	if off.SMin < 0 {
		kind |= maskNegative
	}
	if off.IsConst() {
		kind |= maskConstant
	}
	if !m.ptrFirst {
		kind |= maskOffsetFirst
	}
	moved := m.before - after
	if moved < 0 {
		moved = -moved
	}
	return w.agreeOnMask(m.n, aluMask{kind: kind, limit: moved})
}

// checkStillInside keeps computed pointers inside their object.
func (w *walker) checkStillInside(dst uint8, r *domain.Reg) error {
	switch r.Kind {
	case domain.PtrToStack:
		if !r.IsConst() {
			return w.deny(KindPointer, int(dst), "R%d variable stack access prohibited for !root, var_off=%s off=%d", dst, r.Var, int64(r.Off)+int64(r.Value()))
		}
		if off := int64(r.Off) + int64(r.Value()); off >= 0 || off < -maxStack {
			return w.deny(KindPointer, int(dst), "R%d stack pointer arithmetic goes out of range, prohibited for !root; off=%d", dst, off)
		}
	case domain.PtrToMapValue:
		if err := w.checkMapAccess(dst, r.Off, 1, false, true, accessHelper); err != nil {
			return w.deny(KindPointer, int(dst), "R%d pointer arithmetic of map value goes out of range, prohibited for !root", dst)
		}
	}
	return nil
}

// checkTailCalls refuses tail calls through different maps, which cannot be
// masked.
func (w *walker) checkTailCalls() error {
	if w.priv.bypassSpec {
		return nil
	}
	for pc := range w.insns {
		if c := w.facts.facts.Insns[pc].Call; c != nil && c.Proto != nil && c.Proto.Num == helperTailCall && c.MapIdx < 0 {
			return w.fail("tail_call abusing map_ptr")
		}
	}
	return nil
}
