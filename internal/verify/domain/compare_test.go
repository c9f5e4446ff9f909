// This file defines the tests of comparisons.

package domain

import "testing"

// holds compares values; the operands of 32-bit comparisons are extended by
// the caller.
var holds = [...]func(x, y uint64) bool{
	Eq:   func(x, y uint64) bool { return x == y },
	Ne:   func(x, y uint64) bool { return x != y },
	Gt:   func(x, y uint64) bool { return x > y },
	Ge:   func(x, y uint64) bool { return x >= y },
	Lt:   func(x, y uint64) bool { return x < y },
	Le:   func(x, y uint64) bool { return x <= y },
	SGt:  func(x, y uint64) bool { return int64(x) > int64(y) },
	SGe:  func(x, y uint64) bool { return int64(x) >= int64(y) },
	SLt:  func(x, y uint64) bool { return int64(x) < int64(y) },
	SLe:  func(x, y uint64) bool { return int64(x) <= int64(y) },
	Set:  func(x, y uint64) bool { return x&y != 0 },
	NSet: func(x, y uint64) bool { return x&y == 0 },
}

func holds32(c Cmp, x, y uint64) bool {
	// Sign extension keeps both orders, equality, and which low bits are shared.
	if c == Set || c == NSet {
		return holds[c](uint64(uint32(x)), uint64(uint32(y)))
	}
	return holds[c](uint64(int64(int32(x))), uint64(int64(int32(y))))
}

func TestCmpAlgebra(t *testing.T) {
	g := newGen(6)
	for range samples {
		x, y, c := g.value(), g.value(), Cmp(g.IntN(len(holds)))
		if holds[c](x, y) == holds[c.Negate()](x, y) {
			t.Fatalf("the negation of %d is %d", c, c.Negate())
		}
		if holds[c](x, y) != holds[c.Flip()](y, x) {
			t.Fatalf("the flip of %d is %d", c, c.Flip())
		}
	}
}

func TestBranchTaken(t *testing.T) {
	decided := 0
	g := newGen(7)
	for range samples {
		x, y, c, is32 := g.value(), g.value(), Cmp(g.IntN(len(holds))), g.IntN(2) == 0
		a, b := g.around(x), g.around(y)
		want := Never
		if is32 && holds32(c, x, y) || !is32 && holds[c](x, y) {
			want = Always
		}
		got := BranchTaken(a, b, c, is32)
		if got == want.Not() {
			t.Fatalf("cmp %d (is32 %v) of %v, %v: %d though %#x, %#x", c, is32, a, b, got, x, y)
		}
		if got != Maybe {
			decided++
		}
		if flipped := BranchTaken(b, a, c.Flip(), is32); flipped != got {
			t.Fatalf("cmp %d (is32 %v) of %v, %v: %d, flipped %d", c, is32, a, b, got, flipped)
		}
	}
	if decided < samples/10 {
		t.Errorf("only %d of %d comparisons decided", decided, samples)
	}
}

func TestRefine(t *testing.T) {
	g := newGen(8)
	for range samples {
		x, y, c, is32 := g.value(), g.value(), Cmp(g.IntN(len(holds))), g.IntN(2) == 0
		if g.IntN(4) == 0 {
			y = x
		}
		a, b := g.around(x), g.around(y)
		if is32 && !holds32(c, x, y) || !is32 && !holds[c](x, y) {
			c = c.Negate()
		}
		ra, rb := Refine(a, b, c, is32)
		if !ra.Contains(x) || !rb.Contains(y) {
			t.Fatalf("cmp %d (is32 %v) of %v, %v lost %#x, %#x: %v, %v", c, is32, a, b, x, y, ra, rb)
		}
		if BranchTaken(ra, rb, c, is32) == Never {
			t.Fatalf("cmp %d (is32 %v) cannot hold after it did: %v, %v", c, is32, ra, rb)
		}
	}
}

func TestRefineSelf(t *testing.T) {
	g := newGen(9)
	for range samples {
		x, is32 := g.value(), g.IntN(2) == 0
		a := g.around(x)
		for _, c := range []Cmp{Eq, Le, Ge, SLe, SGe} {
			if got := RefineSelf(a, c, is32); !got.Contains(x) {
				t.Fatalf("cmp %d (is32 %v) of %v with itself lost %#x: %v", c, is32, a, x, got)
			}
		}
	}
}

// TestRefineRules has one row a rule of Refine's documentation, as the kernel
// prints the outcome.
func TestRefineRules(t *testing.T) {
	bytes := Unknown().Truncate(1)
	for _, row := range []struct {
		name  string
		a, b  Scalar
		c     Cmp
		is32  bool
		wantA string
		wantB string
	}{
		{"eq meets ranges and bits", bytes, Unknown().ClampS(-3, 20).Sync(), Eq, false,
			"scalar(smin=smin32=0,smax=umax=smax32=umax32=20,var_off=(0x0; 0x1f))",
			"scalar(smin=smin32=0,smax=umax=smax32=umax32=20,var_off=(0x0; 0x1f))"},
		{"ne cuts an end", bytes, Const(0), Ne, false,
			"scalar(smin=umin=smin32=umin32=1,smax=umax=smax32=umax32=255,var_off=(0x0; 0xff))", "0"},
		{"ne keeps the middle", bytes, Const(7), Ne, false,
			"scalar(smin=smin32=0,smax=umax=smax32=umax32=255,var_off=(0x0; 0xff))", "7"},
		{"ne by a constant on the left", Const(255), bytes, Ne, false,
			"255", "scalar(smin=smin32=0,smax=umax=smax32=umax32=254,var_off=(0x0; 0xff))"},
		{"set of one bit", bytes, Const(8), Set, false,
			"scalar(smin=umin=smin32=umin32=8,smax=umax=smax32=umax32=255,var_off=(0x8; 0xf7))", "8"},
		{"set of two bits", bytes, Const(12), Set, false,
			"scalar(smin=smin32=0,smax=umax=smax32=umax32=255,var_off=(0x0; 0xff))", "12"},
		{"no bit set", bytes, Const(0xf0), NSet, false,
			"scalar(smin=smin32=0,smax=umax=smax32=umax32=15,var_off=(0x0; 0xf))", "240"},
		{"less", bytes, bytes, Lt, false,
			"scalar(smin=smin32=0,smax=umax=smax32=umax32=254,var_off=(0x0; 0xff))",
			"scalar(smin=umin=smin32=umin32=1,smax=umax=smax32=umax32=255,var_off=(0x0; 0xff))"},
		{"signed greater at 32 bits", Unknown(), Const(5), SGt, true,
			"scalar(smin=0x8000000000000006,smax=0x7fffffff7fffffff,umin=smin32=umin32=6,umax=0xffffffff7fffffff,umax32=0x7fffffff,var_off=(0x0; 0xffffffff7fffffff))", "5"},
	} {
		t.Run(row.name, func(t *testing.T) {
			a, b := Refine(row.a, row.b, row.c, row.is32)
			if a.String() != row.wantA {
				t.Errorf("a is  %v\nnot   %s", a, row.wantA)
			}
			if b.String() != row.wantB {
				t.Errorf("b is  %v\nnot   %s", b, row.wantB)
			}
		})
	}
}
