// This file defines span: the signed and unsigned range of a value at one
// width. The 64-bit value and its low half are the two instances; the tests
// add the 8-bit one, small enough to be tried out whole.

package domain

type signed interface{ ~int8 | ~int32 | ~int64 }

type unsigned interface{ ~uint8 | ~uint32 | ~uint64 }

// span is a set of values: those whose signed reading is in SMin..SMax and
// whose unsigned reading is in UMin..UMax. S and U have one width.
type span[S signed, U unsigned] struct {
	SMin, SMax S
	UMin, UMax U
}

type (
	wide = span[int64, uint64]
	low  = span[int32, uint32]
)

// extremes returns the least and greatest signed value and the greatest
// unsigned one.
func extremes[S signed, U unsigned]() (smin, smax S, umax U) {
	umax = ^U(0)
	smax = S(umax >> 1)
	return ^smax, smax, umax
}

func full[S signed, U unsigned]() span[S, U] {
	smin, smax, umax := extremes[S, U]()
	return span[S, U]{smin, smax, 0, umax}
}

func only[S signed, U unsigned](v U) span[S, U] { return span[S, U]{S(v), S(v), v, v} }

// fromU returns umin..umax, with the signed range where that does not cross
// from the greatest signed value to the least.
func fromU[S signed, U unsigned](umin, umax U) span[S, U] {
	r := full[S, U]()
	r.UMin, r.UMax = umin, umax
	if S(umin) <= S(umax) {
		r.SMin, r.SMax = S(umin), S(umax)
	}
	return r
}

func (r span[S, U]) has(v U) bool {
	return r.SMin <= S(v) && S(v) <= r.SMax && r.UMin <= v && v <= r.UMax
}

func (r span[S, U]) includes(o span[S, U]) bool {
	return r.SMin <= o.SMin && o.SMax <= r.SMax && r.UMin <= o.UMin && o.UMax <= r.UMax
}

// broken reports whether a range is empty.
func (r span[S, U]) broken() bool { return r.SMin > r.SMax || r.UMin > r.UMax }

func (r span[S, U]) meet(o span[S, U]) span[S, U] {
	return r.clampS(o.SMin, o.SMax).clampU(o.UMin, o.UMax)
}

func (r span[S, U]) clampS(lo, hi S) span[S, U] {
	r.SMin, r.SMax = max(r.SMin, lo), min(r.SMax, hi)
	return r
}

func (r span[S, U]) clampU(lo, hi U) span[S, U] {
	r.UMin, r.UMax = max(r.UMin, lo), min(r.UMax, hi)
	return r
}

// clampTnum narrows to the least and greatest values with known bits v and
// unknown bits m: unsigned all unknown bits are 0 or 1, signed the sign bit is
// the other way round.
func (r span[S, U]) clampTnum(v, m U) span[S, U] {
	smin, _, _ := extremes[S, U]()
	sign := U(smin)
	return r.clampS(S(v|m&sign), S(v|m&^sign)).clampU(v, v|m)
}

// agree carries what one range knows to the other. On the circle of values,
// drawn from 0,
//
//	0         SMax SMin       UMax
//	|-----------|-----------|
//
// an unsigned range is one arc that does not pass 0 and a signed one an arc
// that does not pass SMin. An arc that passes neither is a range both ways.
// A signed arc that passes 0 leaves a gap in the middle: when the unsigned arc
// meets only one of its ends, both shrink to that end.
func (r span[S, U]) agree() span[S, U] {
	if S(r.UMin) <= S(r.UMax) {
		r = r.clampS(S(r.UMin), S(r.UMax))
	}
	switch {
	case U(r.SMin) <= U(r.SMax):
		return r.clampU(U(r.SMin), U(r.SMax))
	case r.UMax < U(r.SMin): // only the non-negative end
		r.SMin = S(r.UMin)
		r.UMax = min(r.UMax, U(r.SMax))
	case U(r.SMax) < r.UMin: // only the negative end
		r.SMax = S(r.UMax)
		r.UMin = max(r.UMin, U(r.SMin))
	}
	return r
}
