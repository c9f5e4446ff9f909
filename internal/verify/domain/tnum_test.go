// This file defines the tests of tnums: exhaustive over all tnums of a few
// bits, placed at the bottom and at the top of the 64.

package domain

import (
	"math/bits"
	"math/rand/v2"
	"testing"
)

const tnumBits = 4

// smallTnums returns all 81 tnums of tnumBits bits, shifted left.
func smallTnums(shift uint) []Tnum {
	var all []Tnum
	for mask := range uint64(1 << tnumBits) {
		for value := range uint64(1 << tnumBits) {
			if value&mask == 0 {
				all = append(all, Tnum{value << shift, mask << shift})
			}
		}
	}
	return all
}

// members returns the values of a tnum with few unknown bits.
func (t Tnum) members() []uint64 {
	var all []uint64
	for sub := t.Mask; ; sub = (sub - 1) & t.Mask {
		all = append(all, t.Value|sub)
		if sub == 0 {
			return all
		}
	}
}

// best returns the smallest tnum that contains all values.
func best(values []uint64) Tnum {
	t := TnumConst(values[0])
	for _, v := range values[1:] {
		t = t.Union(TnumConst(v))
	}
	return t
}

func TestTnumBinary(t *testing.T) {
	for _, op := range []struct {
		name     string
		abstract func(a, b Tnum) Tnum
		concrete func(x, y uint64) uint64
		optimal  bool
	}{
		{"add", Tnum.Add, func(x, y uint64) uint64 { return x + y }, true},
		{"sub", Tnum.Sub, func(x, y uint64) uint64 { return x - y }, true},
		{"and", Tnum.And, func(x, y uint64) uint64 { return x & y }, true},
		{"or", Tnum.Or, func(x, y uint64) uint64 { return x | y }, true},
		{"xor", Tnum.Xor, func(x, y uint64) uint64 { return x ^ y }, true},
		{"mul", Tnum.Mul, func(x, y uint64) uint64 { return x * y }, false},
	} {
		t.Run(op.name, func(t *testing.T) {
			for _, shift := range []uint{0, 64 - tnumBits} {
				for _, a := range smallTnums(shift) {
					for _, b := range smallTnums(shift) {
						checkResults(t, a, b, op.abstract(a, b), op.optimal, op.concrete)
					}
				}
			}
		})
	}
}

func checkResults(t *testing.T, a, b, got Tnum, optimal bool, concrete func(x, y uint64) uint64) {
	t.Helper()
	var results []uint64
	for _, x := range a.members() {
		for _, y := range b.members() {
			results = append(results, concrete(x, y))
		}
	}
	want := best(results)
	if !got.Contains(want) || got.Value&got.Mask != 0 {
		t.Fatalf("%v, %v: %v does not contain %v", a, b, got, want)
	}
	if optimal && got != want {
		t.Fatalf("%v, %v: %v is not the optimal %v", a, b, got, want)
	}
}

func TestTnumUnary(t *testing.T) {
	for _, op := range []struct {
		name     string
		abstract func(a Tnum) Tnum
		concrete func(x uint64) uint64
	}{
		{"neg", Tnum.Neg, func(x uint64) uint64 { return -x }},
		{"lsh 3", func(a Tnum) Tnum { return a.Lsh(3) }, func(x uint64) uint64 { return x << 3 }},
		{"rsh 2", func(a Tnum) Tnum { return a.Rsh(2) }, func(x uint64) uint64 { return x >> 2 }},
		{"arsh 2", func(a Tnum) Tnum { return a.Arsh(2, 64) }, func(x uint64) uint64 { return uint64(int64(x) >> 2) }},
		{"arsh32 2", func(a Tnum) Tnum { return a.Arsh(2, 32) }, func(x uint64) uint64 { return uint64(uint32(int32(x) >> 2)) }},
		{"cast 1", func(a Tnum) Tnum { return a.Cast(1) }, func(x uint64) uint64 { return x & 0xff }},
		{"cast 8", func(a Tnum) Tnum { return a.Cast(8) }, func(x uint64) uint64 { return x }},
		{"subreg", Tnum.Subreg, func(x uint64) uint64 { return uint64(uint32(x)) }},
		{"clear subreg", Tnum.ClearSubreg, func(x uint64) uint64 { return x >> 32 << 32 }},
		{"const subreg", func(a Tnum) Tnum { return a.WithConstSubreg(7) }, func(x uint64) uint64 { return x>>32<<32 | 7 }},
		{"swap 2", func(a Tnum) Tnum { return a.Swap(2) }, func(x uint64) uint64 { return uint64(bits.ReverseBytes16(uint16(x))) }},
		{"swap 4", func(a Tnum) Tnum { return a.Swap(4) }, func(x uint64) uint64 { return uint64(bits.ReverseBytes32(uint32(x))) }},
		{"swap 8", func(a Tnum) Tnum { return a.Swap(8) }, bits.ReverseBytes64},
	} {
		t.Run(op.name, func(t *testing.T) {
			for _, shift := range []uint{0, 6, 28, 30, 64 - tnumBits} {
				for _, a := range smallTnums(shift) {
					checkResults(t, a, a, op.abstract(a), true, func(x, y uint64) uint64 { return op.concrete(x) })
				}
			}
		})
	}
}

func TestTnumOrder(t *testing.T) {
	all := smallTnums(0)
	for _, a := range all {
		if a.Union(a) != a || !a.Contains(a) {
			t.Fatalf("%v: union with itself, or reflexivity", a)
		}
		for _, b := range all {
			checkPair(t, a, b)
		}
	}
}

// checkPair compares the relations of a and b with those of their members.
func checkPair(t *testing.T, a, b Tnum) {
	t.Helper()
	in, shared := true, []uint64(nil)
	for _, y := range b.members() {
		if a.Has(y) {
			shared = append(shared, y)
		} else {
			in = false
		}
	}
	if a.Contains(b) != in {
		t.Fatalf("%v contains %v: %v", a, b, !in)
	}
	if a.Overlaps(b) != (len(shared) > 0) {
		t.Fatalf("%v overlaps %v: %v", a, b, len(shared) == 0)
	}
	if len(shared) > 0 && a.Intersect(b) != best(shared) {
		t.Fatalf("%v meets %v in %v, not %v", a, b, best(shared), a.Intersect(b))
	}
	if want := best(append(a.members(), b.members()...)); a.Union(b) != want {
		t.Fatalf("%v joins %v to %v, not %v", a, b, want, a.Union(b))
	}
}

func TestTnumRange(t *testing.T) {
	for lo := range uint64(64) {
		var values []uint64
		for hi := lo; hi < 64; hi++ {
			values = append(values, hi)
			if got := TnumRange(lo, hi); !got.Contains(best(values)) {
				t.Fatalf("range %d..%d: %v", lo, hi, got)
			}
		}
	}
	if got := TnumRange(0, 1<<63); got != TnumUnknown {
		t.Errorf("a range over the top bit: %v", got)
	}
}

func TestTnumNext(t *testing.T) {
	for _, shift := range []uint{0, 64 - tnumBits} {
		for _, a := range smallTnums(shift) {
			for v := range uint64(1 << tnumBits) {
				checkNext(t, a, v<<shift)
				checkNext(t, a, v<<shift-1)
			}
		}
	}
}

func checkNext(t *testing.T, a Tnum, v uint64) {
	t.Helper()
	want := a.Max()
	for _, m := range a.members() {
		if m > v {
			want = min(want, m)
		}
	}
	if got := a.Next(v); got != want {
		t.Fatalf("%v after %#x: %#x, not %#x", a, v, got, want)
	}
}

func TestTnumAligned(t *testing.T) {
	for _, a := range smallTnums(0) {
		for _, size := range []uint64{0, 1, 2, 4, 8} {
			want := true
			for _, v := range a.members() {
				want = want && (size == 0 || v%size == 0)
			}
			if a.IsAligned(size) != want {
				t.Fatalf("%v aligned to %d: %v", a, size, !want)
			}
		}
	}
}

func TestTnumString(t *testing.T) {
	for _, row := range []struct {
		tnum Tnum
		want string
	}{
		{TnumConst(0), "0"},
		{TnumConst(65535), "65535"},
		{TnumConst(65536), "0x10000"},
		{Tnum{0, 0xff}, "(0x0; 0xff)"},
		{TnumUnknown, "(0x0; 0xffffffffffffffff)"},
	} {
		if got := row.tnum.String(); got != row.want {
			t.Errorf("%#v prints %q, not %q", row.tnum, got, row.want)
		}
	}
}

// randomTnum returns a tnum that contains v.
func randomTnum(r *rand.Rand, v uint64) Tnum {
	mask := r.Uint64()
	switch r.IntN(4) {
	case 0:
		mask &= r.Uint64() & r.Uint64()
	case 1:
		mask |= r.Uint64() | r.Uint64()
	case 2:
		mask = ^uint64(0)
	}
	return Tnum{v &^ mask, mask}
}
