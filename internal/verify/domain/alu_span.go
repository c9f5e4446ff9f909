// This file defines arithmetic on the ranges of one width.

package domain

// addU returns a+b and whether it wrapped.
func addU[U unsigned](a, b U) (U, bool) { return a + b, a+b < a }

// subU returns a-b and whether it wrapped.
func subU[U unsigned](a, b U) (U, bool) { return a - b, a < b }

// addS returns a+b and whether it overflowed: when the result's sign differs
// from both operands'.
func addS[S signed](a, b S) (S, bool) { return a + b, (a^(a+b))&(b^(a+b)) < 0 }

// subS returns a-b and whether it overflowed.
func subS[S signed](a, b S) (S, bool) { return a - b, (a^b)&(a^(a-b)) < 0 }

// mulU returns a*b and whether it wrapped.
func mulU[U unsigned](a, b U) (U, bool) { return a * b, a != 0 && a*b/a != b }

// mulS returns a*b and whether it overflowed. The product with -1 is looked at
// apart: negating the least value overflows unseen by the division.
func mulS[S signed](a, b S) (S, bool) {
	switch {
	case a == -1:
		return -b, b != 0 && -b == b
	case a == 0:
		return 0, false
	}
	return a * b, a*b/a != b
}

// add returns the sums. Signed, an overflow at either end loses everything;
// unsigned, the result is one arc as long as all sums wrap or none does.
func (r span[S, U]) add(o span[S, U], _ Tnum) span[S, U] {
	smin, over1 := addS(r.SMin, o.SMin)
	smax, over2 := addS(r.SMax, o.SMax)
	umin, wrap1 := addU(r.UMin, o.UMin)
	umax, wrap2 := addU(r.UMax, o.UMax)
	return join(span[S, U]{smin, smax, umin, umax}, !over1 && !over2, wrap1 == wrap2)
}

// sub returns the differences r-o, by the same rules.
func (r span[S, U]) sub(o span[S, U], _ Tnum) span[S, U] {
	smin, over1 := subS(r.SMin, o.SMax)
	smax, over2 := subS(r.SMax, o.SMin)
	umin, wrap1 := subU(r.UMin, o.UMax)
	umax, wrap2 := subU(r.UMax, o.UMin)
	return join(span[S, U]{smin, smax, umin, umax}, !over1 && !over2, wrap1 == wrap2)
}

// mul returns the products: the extremes are at the corners, unless one of
// them overflows.
func (r span[S, U]) mul(o span[S, U], _ Tnum) span[S, U] {
	umin, wrap1 := mulU(r.UMin, o.UMin)
	umax, wrap2 := mulU(r.UMax, o.UMax)
	a, over1 := mulS(r.SMin, o.SMin)
	b, over2 := mulS(r.SMin, o.SMax)
	c, over3 := mulS(r.SMax, o.SMin)
	d, over4 := mulS(r.SMax, o.SMax)
	return join(span[S, U]{min(a, b, c, d), max(a, b, c, d), umin, umax},
		!over1 && !over2 && !over3 && !over4, !wrap1 && !wrap2)
}

// join returns r with the ranges that are not valid forgotten.
func join[S signed, U unsigned](r span[S, U], validS, validU bool) span[S, U] {
	all := full[S, U]()
	if !validS {
		r.SMin, r.SMax = all.SMin, all.SMax
	}
	if !validU {
		r.UMin, r.UMax = all.UMin, all.UMax
	}
	return r
}

// The bitwise operations read a bound of the result off its bits, which their
// tnum operation has found, or off the operands' bounds.

// and returns the conjunctions, whose bits are t.
func (r span[S, U]) and(o span[S, U], t Tnum) span[S, U] {
	return fromU[S](U(t.Value), min(r.UMax, o.UMax))
}

// or returns the disjunctions, whose bits are t.
func (r span[S, U]) or(o span[S, U], t Tnum) span[S, U] {
	return fromU[S](max(r.UMin, o.UMin), U(t.Value|t.Mask))
}

// xor returns the exclusive disjunctions, whose bits are t.
func (r span[S, U]) xor(_ span[S, U], t Tnum) span[S, U] {
	return fromU[S](U(t.Value), U(t.Value|t.Mask))
}

// shl returns the values shifted left by n, below the width. The sign is lost;
// the unsigned range too, when the top bit may be shifted out.
func (r span[S, U]) shl(n uint) span[S, U] {
	_, _, umax := extremes[S, U]()
	res := full[S, U]()
	if r.UMax <= (umax>>1+1)>>n {
		res.UMin, res.UMax = r.UMin<<n, r.UMax<<n
	}
	return res
}

// shr returns the values shifted right by n, filled with zeros.
func (r span[S, U]) shr(n uint) span[S, U] {
	res := full[S, U]()
	res.UMin, res.UMax = r.UMin>>n, r.UMax>>n
	return res
}

// sar returns the values shifted right by n, filled with the sign.
func (r span[S, U]) sar(n uint) span[S, U] {
	res := full[S, U]()
	res.SMin, res.SMax = r.SMin>>n, r.SMax>>n
	return res
}
