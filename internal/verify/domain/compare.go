// This file defines comparisons and what is known of their outcome.

package domain

// Cmp is the condition of a jump: a Cmp b.
type Cmp uint8

// Conditions. Set holds when a&b is not 0; NSet, its negation, is no
// instruction's.
const (
	Eq Cmp = iota
	Ne
	Gt
	Ge
	Lt
	Le
	SGt
	SGe
	SLt
	SLe
	Set
	NSet
)

// algebra has, for each condition, its negation and the condition that holds
// with the operands exchanged.
var algebra = [...]struct{ negated, flipped Cmp }{
	Eq:   {Ne, Eq},
	Ne:   {Eq, Ne},
	Gt:   {Le, Lt},
	Ge:   {Lt, Le},
	Lt:   {Ge, Gt},
	Le:   {Gt, Ge},
	SGt:  {SLe, SLt},
	SGe:  {SLt, SLe},
	SLt:  {SGe, SGt},
	SLe:  {SGt, SGe},
	Set:  {NSet, Set},
	NSet: {Set, NSet},
}

// Negate returns the condition that holds when c does not.
func (c Cmp) Negate() Cmp { return algebra[c].negated }

// Flip returns the condition that b, a satisfy when a, b satisfy c.
func (c Cmp) Flip() Cmp { return algebra[c].flipped }

// Tri is an answer that may be unknown.
type Tri uint8

// Answers.
const (
	Maybe Tri = iota
	Never
	Always
)

// Not returns the answer to the opposite question.
func (t Tri) Not() Tri {
	switch t {
	case Never:
		return Always
	case Always:
		return Never
	}
	return Maybe
}

// BranchTaken reports whether a c b holds, for the low halves when is32 is
// set, as far as Linux 6.18 sees: it is Maybe for some comparisons that a
// better analysis would decide.
func BranchTaken(a, b Scalar, c Cmp, is32 bool) Tri {
	switch c {
	case Eq:
		return equal(a, b, is32)
	case Ne:
		return equal(a, b, is32).Not()
	case Set:
		return shareBit(a, b, is32)
	case NSet:
		return shareBit(a, b, is32).Not()
	}
	if is32 {
		return ordered(a.low(), b.low(), c)
	}
	return ordered(a.wide(), b.wide(), c)
}

// bits returns the tnum that a comparison looks at.
func (s Scalar) bits(is32 bool) Tnum {
	if is32 {
		return s.Var.Subreg()
	}
	return s.Var
}

// equal decides a == b: always for two equal constants, never when one of the
// views has them apart.
func equal(a, b Scalar, is32 bool) Tri {
	ta, tb := a.bits(is32), b.bits(is32)
	switch {
	case ta.IsConst() && tb.IsConst():
		if ta == tb {
			return Always
		}
		return Never
	case !ta.Overlaps(tb), a.low().apart(b.low()):
		return Never
	case !is32 && a.wide().apart(b.wide()):
		return Never
	}
	return Maybe
}

// apart reports whether some range of r and the same of o share no value.
func (r span[S, U]) apart(o span[S, U]) bool {
	return r.UMin > o.UMax || r.UMax < o.UMin || r.SMin > o.SMax || r.SMax < o.SMin
}

// shareBit decides a&b != 0 when one of them is a constant.
func shareBit(a, b Scalar, is32 bool) Tri {
	ta, tb := a.bits(is32), b.bits(is32)
	if !tb.IsConst() {
		ta, tb = tb, ta
	}
	switch {
	case !tb.IsConst():
		return Maybe
	case ta.Value&tb.Value != 0:
		return Always
	case (ta.Value|ta.Mask)&tb.Value == 0:
		return Never
	}
	return Maybe
}

// ordered decides the comparisons of order.
func ordered[S signed, U unsigned](a, b span[S, U], c Cmp) Tri {
	switch c {
	case Gt:
		return greater(a.UMin, a.UMax, b.UMin, b.UMax)
	case Lt:
		return greater(b.UMin, b.UMax, a.UMin, a.UMax)
	case SGt:
		return greater(a.SMin, a.SMax, b.SMin, b.SMax)
	case SLt:
		return greater(b.SMin, b.SMax, a.SMin, a.SMax)
	}
	return ordered(a, b, c.Negate()).Not()
}

// greater decides a > b by their ranges.
func greater[T signed | unsigned](amin, amax, bmin, bmax T) Tri {
	switch {
	case amin > bmax:
		return Always
	case amax <= bmin:
		return Never
	}
	return Maybe
}
