// This file defines Scalar: what is known of a 64-bit value.

package domain

// Scalar is a set of 64-bit values: those that the tnum and all four ranges
// contain. The ranges are kept in agreement by Sync.
type Scalar struct {
	Var        Tnum
	SMin, SMax int64
	UMin, UMax uint64
	S32Min     int32
	S32Max     int32
	U32Min     uint32
	U32Max     uint32
}

// Unknown returns the set of all values.
func Unknown() Scalar {
	return scalarOf(TnumUnknown, full[int64, uint64](), full[int32, uint32]())
}

// Const returns the set of v alone.
func Const(v uint64) Scalar {
	return scalarOf(TnumConst(v), only[int64](v), only[int32](uint32(v)))
}

// scalarOf puts a scalar together from its tnum and its two views.
func scalarOf(t Tnum, w wide, l low) Scalar {
	return Scalar{Var: t}.withWide(w).withLow(l)
}

// wide returns the ranges of the whole value.
func (s Scalar) wide() wide { return wide{s.SMin, s.SMax, s.UMin, s.UMax} }

// low returns the ranges of the low half.
func (s Scalar) low() low { return low{s.S32Min, s.S32Max, s.U32Min, s.U32Max} }

func (s Scalar) withWide(w wide) Scalar {
	s.SMin, s.SMax, s.UMin, s.UMax = w.SMin, w.SMax, w.UMin, w.UMax
	return s
}

func (s Scalar) withLow(l low) Scalar {
	s.S32Min, s.S32Max, s.U32Min, s.U32Max = l.SMin, l.SMax, l.UMin, l.UMax
	return s
}

// IsConst reports whether the value is known. As in the kernel the tnum alone
// decides: ranges that meet have made it constant in Sync.
func (s Scalar) IsConst() bool { return s.Var.IsConst() }

// Value returns the value of a scalar that IsConst.
func (s Scalar) Value() uint64 { return s.Var.Value }

// Const32 returns the low half when it is known.
func (s Scalar) Const32() (v uint32, ok bool) {
	t := s.Var.Subreg()
	return uint32(t.Value), t.IsConst()
}

// IsUnknown reports whether nothing is known.
func (s Scalar) IsUnknown() bool { return s == Unknown() }

// Contains reports whether v is in the set.
func (s Scalar) Contains(v uint64) bool {
	return s.Var.Has(v) && s.wide().has(v) && s.low().has(uint32(v))
}

// Includes reports whether each of s's views contains o's, which is how the
// kernel's pruning compares scalars. It is reflexive and transitive, and
// stronger than "every value of o is in s": views that Sync left loose may
// hide an inclusion.
func (s Scalar) Includes(o Scalar) bool {
	return s.Var.Contains(o.Var) && s.wide().includes(o.wide()) && s.low().includes(o.low())
}

// Intersect returns the values in both, without Sync. Sets that share no value
// give one whose Check fails, or a constant that only one of them had.
func (s Scalar) Intersect(o Scalar) Scalar {
	return scalarOf(s.Var.Intersect(o.Var), s.wide().meet(o.wide()), s.low().meet(o.low()))
}

// ForgetRanges keeps the tnum alone: what the kernel does to a register whose
// Check fails.
func (s Scalar) ForgetRanges() Scalar {
	return scalarOf(s.Var, full[int64, uint64](), full[int32, uint32]())
}

// ClampU narrows the unsigned range to min..max, without Sync.
func (s Scalar) ClampU(min, max uint64) Scalar {
	return s.withWide(s.wide().clampU(min, max))
}

// ClampS narrows the signed range to min..max, without Sync.
func (s Scalar) ClampS(min, max int64) Scalar {
	return s.withWide(s.wide().clampS(min, max))
}

// ClampU32 narrows the low half's unsigned range to min..max, without Sync.
func (s Scalar) ClampU32(min, max uint32) Scalar {
	return s.withLow(s.low().clampU(min, max))
}

// ClampS32 narrows the low half's signed range to min..max, without Sync.
func (s Scalar) ClampS32(min, max int32) Scalar {
	return s.withLow(s.low().clampS(min, max))
}
