// This file defines Tnum: what is known of each bit of a value.

package domain

import (
	"math/bits"
	"strconv"
)

// Tnum is a tristate number: a bit set in Mask is unknown, a bit not set in
// Mask is as in Value. Value&Mask is 0.
//
// As a set: {v : v &^ Mask == Value}. Contains is its order (reflexive,
// transitive), Union its join (Union(t, t) = t), Intersect its meet where the
// two overlap.
type Tnum struct{ Value, Mask uint64 }

// TnumUnknown contains every value.
var TnumUnknown = Tnum{Mask: ^uint64(0)}

const lowHalf = 1<<32 - 1

// TnumConst returns the tnum that contains v alone.
func TnumConst(v uint64) Tnum { return Tnum{Value: v} }

// TnumRange returns the smallest tnum that contains min..max: the bits above
// the highest one in which the ends differ are known, the others are not.
func TnumRange(min, max uint64) Tnum {
	unknown := uint64(1)<<bits.Len64(min^max) - 1
	return Tnum{min &^ unknown, unknown}
}

// known makes a tnum of v and of the bits in which v may be wrong.
func known(v, mask uint64) Tnum { return Tnum{v &^ mask, mask} }

// Add returns the sums. A carry is unknown where the smallest and the largest
// sum carry differently (arXiv:2105.05398).
func (t Tnum) Add(o Tnum) Tnum {
	least := t.Value + o.Value
	most := least + t.Mask + o.Mask
	return known(least, least^most|t.Mask|o.Mask)
}

// Sub returns the differences t-o.
func (t Tnum) Sub(o Tnum) Tnum {
	base := t.Value - o.Value
	most, least := base+t.Mask, base-o.Mask
	return known(base, most^least|t.Mask|o.Mask)
}

// Neg returns the negated values.
func (t Tnum) Neg() Tnum { return TnumConst(0).Sub(t) }

// And returns the bitwise conjunctions.
func (t Tnum) And(o Tnum) Tnum {
	ones := t.Value & o.Value
	return known(ones, (t.Value|t.Mask)&(o.Value|o.Mask)&^ones)
}

// Or returns the bitwise disjunctions.
func (t Tnum) Or(o Tnum) Tnum {
	ones := t.Value | o.Value
	return Tnum{ones, (t.Mask | o.Mask) &^ ones}
}

// Xor returns the bitwise exclusive disjunctions.
func (t Tnum) Xor(o Tnum) Tnum {
	return known(t.Value^o.Value, t.Mask|o.Mask)
}

// Mul returns the products, by long multiplication over t's bits: a known 1
// adds the shifted o, an unknown bit joins the cases of adding it and not.
// It is not commutative: the bits of the receiver decide where joins happen
// (Linux 6.18's rule; older kernels lose more).
func (t Tnum) Mul(o Tnum) Tnum {
	var sum Tnum
	for t != (Tnum{}) {
		switch {
		case t.Value&1 != 0:
			sum = sum.Add(o)
		case t.Mask&1 != 0:
			sum = sum.Union(sum.Add(o))
		}
		t, o = t.Rsh(1), o.Lsh(1)
	}
	return sum
}

// Lsh returns the values shifted left by n bits.
func (t Tnum) Lsh(n uint) Tnum { return Tnum{t.Value << n, t.Mask << n} }

// Rsh returns the values shifted right by n bits, filled with zeros.
func (t Tnum) Rsh(n uint) Tnum { return Tnum{t.Value >> n, t.Mask >> n} }

// Arsh returns the values shifted right by n bits, filled with the sign bit of
// the given width; width 32 looks at the low half and clears the high one.
func (t Tnum) Arsh(n uint, width int) Tnum {
	if width == 32 {
		return Tnum{uint64(uint32(int32(t.Value) >> n)), uint64(uint32(int32(t.Mask) >> n))}
	}
	return Tnum{uint64(int64(t.Value) >> n), uint64(int64(t.Mask) >> n)}
}

// Intersect returns the values in both. When they share none the result is
// meaningless (a bit that one knows as 1 and the other as 0 becomes 1): ask
// Overlaps first.
func (t Tnum) Intersect(o Tnum) Tnum {
	return known(t.Value|o.Value, t.Mask&o.Mask)
}

// Union returns the smallest tnum that contains both.
func (t Tnum) Union(o Tnum) Tnum {
	return known(t.Value&o.Value, t.Value^o.Value|t.Mask|o.Mask)
}

// Contains reports whether every value of o is in t.
func (t Tnum) Contains(o Tnum) bool {
	return o.Mask&^t.Mask == 0 && o.Value&^t.Mask == t.Value
}

// Has reports whether v is in t.
func (t Tnum) Has(v uint64) bool { return v&^t.Mask == t.Value }

// Max returns the greatest value of t; its least is Value.
func (t Tnum) Max() uint64 { return t.Value | t.Mask }

// Next returns the least value of t above v, or the greatest of all when there
// is none.
func (t Tnum) Next(v uint64) uint64 {
	switch {
	case v >= t.Max():
		return t.Max()
	case v < t.Value:
		return t.Value
	}
	wrong := v&^t.Mask ^ t.Value            // known bits in which v leaves t
	low := uint64(1)<<bits.Len64(wrong) - 1 // the highest of them and all below
	if top := low &^ (low >> 1); top != 0 && v&top == 0 {
		return v&^low | t.Value&low // t's 1 at that bit already puts it above v
	}
	up := (v | low | ^t.Mask) + 1 // count up in the unknown bits above
	return up&t.Mask | t.Value
}

// Overlaps reports whether some value is in both.
func (t Tnum) Overlaps(o Tnum) bool {
	return (t.Value^o.Value)&^(t.Mask|o.Mask) == 0
}

// IsConst reports whether t contains one value, which is then t.Value.
func (t Tnum) IsConst() bool { return t.Mask == 0 }

// IsUnknown reports whether t contains every value.
func (t Tnum) IsUnknown() bool { return t == TnumUnknown }

// IsAligned reports whether every value is a multiple of size, a power of two;
// of size 0 everything is.
func (t Tnum) IsAligned(size uint64) bool {
	return size == 0 || (t.Value|t.Mask)&(size-1) == 0
}

// Cast keeps the low bytes (1 to 8) and clears the others.
func (t Tnum) Cast(bytes int) Tnum {
	keep := uint64(1)<<(8*uint(bytes)) - 1
	return Tnum{t.Value & keep, t.Mask & keep}
}

// Swap turns the order of the low 2, 4 or 8 bytes round and clears the others.
func (t Tnum) Swap(bytes int) Tnum {
	unused := 64 - 8*uint(bytes)
	return Tnum{bits.ReverseBytes64(t.Value << unused), bits.ReverseBytes64(t.Mask << unused)}
}

// Subreg keeps the low half.
func (t Tnum) Subreg() Tnum { return t.Cast(4) }

// ClearSubreg keeps the high half.
func (t Tnum) ClearSubreg() Tnum { return Tnum{t.Value &^ lowHalf, t.Mask &^ lowHalf} }

// WithSubreg replaces the low half by o's.
func (t Tnum) WithSubreg(o Tnum) Tnum { return t.ClearSubreg().Or(o.Subreg()) }

// WithConstSubreg replaces the low half by v.
func (t Tnum) WithConstSubreg(v uint32) Tnum { return t.WithSubreg(TnumConst(uint64(v))) }

// String returns t as the kernel's log prints it: "(0x0; 0xff)", or the number
// alone when it is known.
func (t Tnum) String() string { return string(t.AppendLog(nil)) }

// AppendLog appends String to b.
func (t Tnum) AppendLog(b []byte) []byte {
	if t.IsConst() {
		return AppendUnsigned(b, t.Value)
	}
	b = append(b, '(')
	b = appendHex(b, t.Value)
	b = append(b, "; "...)
	b = appendHex(b, t.Mask)
	return append(b, ')')
}

// appendHex appends v as C's %#llx does: zero is "0x0" in the kernel's printf.
func appendHex(b []byte, v uint64) []byte {
	return strconv.AppendUint(append(b, "0x"...), v, 16)
}
