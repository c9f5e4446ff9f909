// This file defines Refine: what a comparison that held says about its
// operands.

package domain

import "math/bits"

// Refine returns what is left of a and b on the branch where a c b holds, for
// the low halves when is32 is set; the other branch is Refine with c.Negate().
// Both are synced. Every pair that satisfies c stays inside, though less is
// learnt than could be, as in Linux 6.18:
//
//	Eq         both get the meet of the bits and of the ranges, at this width
//	Ne         a constant at an end of the other's range cuts that end
//	Set        a single constant bit is set in the other
//	NSet       the bits of a constant are clear in the other; its ranges are forgotten
//	orders     bound one by the other's end, in the ranges of that sign and width
//
// A branch that cannot be taken may give scalars whose Check fails.
func Refine(a, b Scalar, c Cmp, is32 bool) (Scalar, Scalar) {
	a, b = refine(a, b, c, is32)
	return a.Sync(), b.Sync()
}

// RefineSelf is Refine for a register that is compared with itself: 6.18 does
// not see that the outcome is known, and narrows the one register twice.
func RefineSelf(a Scalar, c Cmp, is32 bool) Scalar {
	l, r := refine(a, a, c, is32)
	return l.Intersect(r).Sync().Sync()
}

// refine does not Sync.
func refine(a, b Scalar, c Cmp, is32 bool) (Scalar, Scalar) {
	switch c {
	case Gt, Ge, SGt, SGe:
		b, a = refineOrder(b, a, c.Flip(), is32)
		return a, b
	case Eq:
		return refineEqual(a, b, is32)
	case Ne, Set, NSet:
		return refineByConst(a, b, c, is32)
	}
	return refineOrder(a, b, c, is32)
}

func refineEqual(a, b Scalar, is32 bool) (Scalar, Scalar) {
	if is32 {
		l := a.low().meet(b.low())
		t := a.Var.Subreg().Intersect(b.Var.Subreg())
		a.Var, b.Var = a.Var.WithSubreg(t), b.Var.WithSubreg(t)
		return a.withLow(l), b.withLow(l)
	}
	w := a.wide().meet(b.wide())
	t := a.Var.Intersect(b.Var)
	a.Var, b.Var = t, t
	return a.withWide(w), b.withWide(w)
}

// refineByConst applies the conditions that teach only when one operand is a
// constant; b is it when both are.
func refineByConst(a, b Scalar, c Cmp, is32 bool) (Scalar, Scalar) {
	switch {
	case b.bits(is32).IsConst():
		return a.without(b.bits(is32).Value, c, is32), b
	case a.bits(is32).IsConst():
		return a, b.without(a.bits(is32).Value, c, is32)
	}
	return a, b
}

// without returns what is left of s when s c v holds, c one of Ne, Set, NSet.
func (s Scalar) without(v uint64, c Cmp, is32 bool) Scalar {
	switch {
	case c == Ne && is32:
		return s.withLow(s.low().trim(uint32(v)))
	case c == Ne:
		return s.withWide(s.wide().trim(v))
	case c == NSet:
		s = s.ForgetRanges()
		return s.withBits(s.bits(is32).And(TnumConst(^v)), is32)
	case bits.OnesCount64(v) == 1:
		return s.withBits(s.bits(is32).Or(TnumConst(v)), is32)
	}
	return s
}

// withBits replaces the bits that a comparison looks at.
func (s Scalar) withBits(t Tnum, is32 bool) Scalar {
	if is32 {
		t = s.Var.WithSubreg(t)
	}
	s.Var = t
	return s
}

// trim cuts v off the ends.
func (r span[S, U]) trim(v U) span[S, U] {
	if r.UMin == v {
		r.UMin++
	}
	if r.UMax == v {
		r.UMax--
	}
	if r.SMin == S(v) {
		r.SMin++
	}
	if r.SMax == S(v) {
		r.SMax--
	}
	return r
}

func refineOrder(a, b Scalar, c Cmp, is32 bool) (Scalar, Scalar) {
	if is32 {
		la, lb := order(a.low(), b.low(), c)
		return a.withLow(la), b.withLow(lb)
	}
	wa, wb := order(a.wide(), b.wide(), c)
	return a.withWide(wa), b.withWide(wb)
}

// order applies c, one of Lt, Le, SLt, SLe.
func order[S signed, U unsigned](a, b span[S, U], c Cmp) (span[S, U], span[S, U]) {
	switch c {
	case Lt:
		a.UMax, b.UMin = below(a.UMin, a.UMax, b.UMin, b.UMax, 1)
	case Le:
		a.UMax, b.UMin = below(a.UMin, a.UMax, b.UMin, b.UMax, 0)
	case SLt:
		a.SMax, b.SMin = below(a.SMin, a.SMax, b.SMin, b.SMax, 1)
	case SLe:
		a.SMax, b.SMin = below(a.SMin, a.SMax, b.SMin, b.SMax, 0)
	}
	return a, b
}

// below returns the new maximum of a and minimum of b when a+gap <= b.
func below[T signed | unsigned](amin, amax, bmin, bmax, gap T) (newMax, newMin T) {
	return min(amax, bmax-gap), max(amin+gap, bmin)
}
