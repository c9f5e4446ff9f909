// This file defines Sync, which brings a scalar's five views into agreement,
// and Check, which says whether they contradict each other.

package domain

import (
	"fmt"
	"math"
)

// rounds is how often 6.18 lets the ranges tell each other what they know. It
// is no fixed point: a fourth round sometimes narrows further.
const rounds = 3

// Sync narrows each view by what the others know, keeping every value of the
// set, in the order and as often as Linux 6.18's reg_bounds_sync.
func (s Scalar) Sync() Scalar {
	s = s.clampByTnum()
	if s.IsConst() && s.Check() == "" {
		return s // nothing is left to learn
	}
	for range rounds {
		next := s.exchange()
		if next == s {
			break
		}
		s = next
	}
	s.Var = s.tnumByRanges()
	return s.clampByTnum()
}

// exchange is one round of the ranges telling each other what they know.
func (s Scalar) exchange() Scalar {
	s = s.withLow(s.lowByWide().agree())
	s = s.withWide(s.wide().agree())
	return s.withWide(s.wideByLow()).signExtended()
}

// clampByTnum narrows the ranges to what the bits allow.
func (s Scalar) clampByTnum() Scalar {
	v, m := s.Var.Value, s.Var.Mask
	s = s.withLow(s.low().clampTnum(uint32(v), uint32(m)))
	s = s.withWide(s.wide().clampTnum(v, m))
	if v, ok := s.lone(); ok {
		return Const(v)
	}
	return s
}

// lone finds the only value that the bits and the unsigned range have in
// common, when there is one.
func (s Scalar) lone() (uint64, bool) {
	next := s.Var.Next(s.UMin)
	switch {
	case s.Var.Has(s.UMin):
		return s.UMin, next > s.UMax
	case next == s.Var.Max():
		return next, true
	}
	return next, next <= s.UMax && s.Var.Next(next) > s.UMax
}

// tnumByRanges narrows the bits to what the unsigned ranges allow; the signed
// ones have nothing to add once they agree with those.
func (s Scalar) tnumByRanges() Tnum {
	t := s.Var.Intersect(TnumRange(s.UMin, s.UMax))
	half := TnumRange(uint64(s.U32Min), uint64(s.U32Max))
	return t.WithSubreg(t.Subreg().Intersect(half))
}

// lowByWide narrows the ranges of the low half by those of the whole value.
func (s Scalar) lowByWide() low {
	l := clampLow(s.low(), s.UMin, s.UMax)
	return clampLow(l, uint64(s.SMin), uint64(s.SMax))
}

// clampLow narrows l to the low halves of lo..hi, which say something when the
// high half is the same throughout, or steps once while the low half passes
// from -1 to 0:
//
//	high   7 ······ 7                7 | 8
//	low    [10 ··· 20]      [-16 ··· -1|0 ··· 16]
func clampLow(l low, lo, hi uint64) low {
	highs := uint32(hi>>32) - uint32(lo>>32)
	ulo, uhi := uint32(lo), uint32(hi)
	slo, shi := int32(lo), int32(hi)
	if highs == 0 && ulo <= uhi {
		l = l.clampU(ulo, uhi)
	}
	if highs == 0 && slo <= shi || highs == 1 && slo < 0 && shi >= 0 {
		l = l.clampS(slo, shi)
	}
	return l
}

// wideByLow narrows the ranges of the whole value by those of the low half.
func (s Scalar) wideByLow() wide {
	w := clampEnds(s.wide(), s.U32Min, s.U32Max)
	if uint32(s.S32Min) <= uint32(s.S32Max) {
		w = clampEnds(w, uint32(s.S32Min), uint32(s.S32Max))
	}
	return w
}

// clampEnds narrows w, all of whose values have a low half in lo..hi: no value
// with the least high half is below that half with lo, none with the greatest
// is above that half with hi.
func clampEnds(w wide, lo, hi uint32) wide {
	l, h := uint64(lo), uint64(hi)
	w = w.clampU(w.UMin&^lowHalf|l, w.UMax&^lowHalf|h)
	return w.clampS(int64(uint64(w.SMin)&^lowHalf|l), int64(uint64(w.SMax)&^lowHalf|h))
}

// signExtended finds the values that a sign extension left within int32 and
// whose low half is not negative: then neither is the whole. The ranges of the
// whole are replaced, not narrowed, so that an end that was closer is lost.
func (s Scalar) signExtended() Scalar {
	if s.S32Min < 0 || s.SMin < math.MinInt32 || s.SMax > math.MaxInt32 {
		return s
	}
	lo, hi := uint64(s.S32Min), uint64(s.S32Max)
	s.Var = s.Var.Intersect(TnumRange(lo, hi))
	return s.withWide(wide{int64(lo), int64(hi), lo, hi})
}

// Check returns "" when the views do not contradict each other, else the
// kernel's reason in its REG INVARIANTS VIOLATION line. Contradiction means
// that no value is left: the path cannot be taken, though nothing noticed.
func (s Scalar) Check() string {
	if s.wide().broken() || s.low().broken() {
		return "range bounds violation"
	}
	if s.IsConst() && s.wide() != only[int64](s.Value()) {
		return "const tnum out of sync with range bounds"
	}
	if v, ok := s.Const32(); ok && s.low() != only[int32](v) {
		return "const subreg tnum out of sync with range bounds"
	}
	return ""
}

// Violation returns the kernel's log line (without its newline) about a scalar
// whose Check fails in the given context ("alu", "true_reg1"), "" for others.
func (s Scalar) Violation(context string) string {
	reason := s.Check()
	if reason == "" {
		return ""
	}
	return fmt.Sprintf("verifier bug: REG INVARIANTS VIOLATION (%s): %s u64=[%#x, %#x] s64=[%#x, %#x] u32=[%#x, %#x] s32=[%#x, %#x] var_off=(%#x, %#x)",
		context, reason, s.UMin, s.UMax, uint64(s.SMin), uint64(s.SMax),
		s.U32Min, s.U32Max, uint32(s.S32Min), uint32(s.S32Max), s.Var.Value, s.Var.Mask)
}
