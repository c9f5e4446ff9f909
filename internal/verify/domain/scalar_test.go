// This file defines the tests of scalars: concrete values must stay inside,
// tried out whole at 8 bits and at random at 64.

package domain

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"testing"
)

const samples = 100_000

// tiny is a span small enough for all of its values to be looked at.
type tiny = span[int8, uint8]

func members(r tiny) []uint8 {
	var all []uint8
	for v := range 256 {
		if r.has(uint8(v)) {
			all = append(all, uint8(v))
		}
	}
	return all
}

// tinySpans returns all spans whose ends are on a grid of corner values.
func tinySpans() []tiny {
	grid := []uint8{0, 1, 2, 3, 7, 63, 64, 100, 126, 127, 128, 129, 130, 192, 200, 254, 255}
	var all []tiny
	for _, ulo := range grid {
		for _, uhi := range grid {
			for _, slo := range grid {
				for _, shi := range grid {
					if r := (tiny{int8(slo), int8(shi), ulo, uhi}); !r.broken() {
						all = append(all, r)
					}
				}
			}
		}
	}
	return all
}

func TestSpanAgree(t *testing.T) {
	for _, r := range tinySpans() {
		got := r.agree()
		values := members(r)
		if len(values) > 0 && !r.includes(got) {
			t.Fatalf("%v grew to %v", r, got)
		}
		for _, v := range values {
			if !got.has(v) {
				t.Fatalf("%v lost %d in %v", r, v, got)
			}
		}
	}
}

func TestSpanArithmetic(t *testing.T) {
	shift := func(f func(tiny, uint) tiny, n uint) func(a, b tiny, _ Tnum) tiny {
		return func(a, _ tiny, _ Tnum) tiny { return f(a, n) }
	}
	for _, op := range []struct {
		name     string
		abstract func(a, b tiny, result Tnum) tiny
		concrete func(x, y uint8) uint8
	}{
		{"add", tiny.add, func(x, y uint8) uint8 { return x + y }},
		{"sub", tiny.sub, func(x, y uint8) uint8 { return x - y }},
		{"mul", tiny.mul, func(x, y uint8) uint8 { return x * y }},
		{"and", tiny.and, func(x, y uint8) uint8 { return x & y }},
		{"or", tiny.or, func(x, y uint8) uint8 { return x | y }},
		{"xor", tiny.xor, func(x, y uint8) uint8 { return x ^ y }},
		{"shl 3", shift(tiny.shl, 3), func(x, _ uint8) uint8 { return x << 3 }},
		{"shr 3", shift(tiny.shr, 3), func(x, _ uint8) uint8 { return x >> 3 }},
		{"sar 3", shift(tiny.sar, 3), func(x, _ uint8) uint8 { return uint8(int8(x) >> 3) }},
	} {
		t.Run(op.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 8))
			all := tinySpans()
			for range 2000 {
				a, b := all[r.IntN(len(all))], all[r.IntN(len(all))]
				checkSpans(t, a, b, op.abstract, op.concrete)
			}
		})
	}
}

// checkSpans tries every pair of members; the bits of the result are the best
// that could be known of it.
func checkSpans(t *testing.T, a, b tiny, abstract func(a, b tiny, result Tnum) tiny, concrete func(x, y uint8) uint8) {
	t.Helper()
	var results []uint64
	for _, x := range members(a) {
		for _, y := range members(b) {
			results = append(results, uint64(concrete(x, y)))
		}
	}
	if len(results) == 0 {
		return
	}
	got := abstract(a, b, best(results))
	for _, v := range results {
		if !got.has(uint8(v)) {
			t.Fatalf("%v, %v: %v does not contain %d", a, b, got, v)
		}
	}
}

// gen makes random scalars around known values.
type gen struct{ *rand.Rand }

func newGen(seed uint64) gen { return gen{rand.New(rand.NewPCG(seed, 64))} }

// value returns a number that is small, near a power of two, or any.
func (g gen) value() uint64 {
	switch g.IntN(4) {
	case 0:
		return uint64(g.Int64N(65) - 32)
	case 1:
		return g.Uint64()
	}
	v := uint64(1)<<g.IntN(64) + uint64(g.Int64N(5)-2)
	if g.IntN(2) == 0 {
		return -v
	}
	return v
}

// around returns a scalar that contains v, synced half of the time.
func (g gen) around(v uint64) Scalar {
	s := Unknown()
	if g.IntN(2) == 0 {
		s.Var = randomTnum(g.Rand, v)
	}
	if x := g.value(); g.IntN(2) == 0 {
		s = s.ClampU(min(v, x), max(v, x))
	}
	if x := int64(g.value()); g.IntN(2) == 0 {
		s = s.ClampS(min(int64(v), x), max(int64(v), x))
	}
	if x := uint32(g.value()); g.IntN(2) == 0 {
		s = s.ClampU32(min(uint32(v), x), max(uint32(v), x))
	}
	if x := int32(g.value()); g.IntN(2) == 0 {
		s = s.ClampS32(min(int32(v), x), max(int32(v), x))
	}
	if g.IntN(16) == 0 {
		return Const(v)
	}
	if g.IntN(4) > 0 {
		return s.Sync()
	}
	return s
}

func TestSync(t *testing.T) {
	g := newGen(1)
	for range samples {
		v := g.value()
		s := g.around(v)
		got := s.Sync()
		if !got.Contains(v) || got.Check() != "" {
			t.Fatalf("%v lost %#x in %v: %s", s, v, got, got.Check())
		}
		if !s.Var.Contains(got.Var) || !s.low().includes(got.low()) {
			t.Fatalf("%v grew to %v", s, got)
		}
	}
	for _, s := range []Scalar{Unknown(), Const(0), Const(1 << 63), Const(math.MaxUint64)} {
		if s.Sync() != s {
			t.Errorf("%v syncs to %v", s, s.Sync())
		}
	}
}

func TestIncludes(t *testing.T) {
	g := newGen(2)
	for range samples {
		v := g.value()
		a, b := g.around(v), g.around(g.value())
		c := a.Intersect(g.around(v))
		d := c.Intersect(g.around(v))
		if !a.Includes(a) || !a.Includes(c) || !c.Includes(d) || !a.Includes(d) {
			t.Fatalf("not an order: %v, %v, %v", a, c, d)
		}
		if !d.Contains(v) {
			t.Fatalf("the meets with %v lost %#x: %v", a, v, d)
		}
		if w := g.value(); a.Includes(b) && b.Contains(w) && !a.Contains(w) {
			t.Fatalf("%v includes %v but not its %#x", a, b, w)
		}
	}
}

// concrete says what each operation does to values, at width 64.
var concrete = [...]func(x, y uint64) uint64{
	Add: func(x, y uint64) uint64 { return x + y },
	Sub: func(x, y uint64) uint64 { return x - y },
	Mul: func(x, y uint64) uint64 { return x * y },
	And: func(x, y uint64) uint64 { return x & y },
	Or:  func(x, y uint64) uint64 { return x | y },
	Xor: func(x, y uint64) uint64 { return x ^ y },
	Neg: func(x, _ uint64) uint64 { return -x },
	Mov: func(_, y uint64) uint64 { return y },
	Lsh: func(x, y uint64) uint64 { return x << (y & 63) },
	Rsh: func(x, y uint64) uint64 { return x >> (y & 63) },
	Arsh: func(x, y uint64) uint64 {
		return uint64(int64(x) >> (y & 63))
	},
}

// concrete32 does it at width 32. Only shifts look at more than the low half.
func concrete32(op Op, x, y uint64) uint64 {
	switch op {
	case Lsh:
		return uint64(uint32(x) << (y & 31))
	case Rsh:
		return uint64(uint32(x) >> (y & 31))
	case Arsh:
		return uint64(uint32(int32(x) >> (y & 31)))
	}
	return uint64(uint32(concrete[op](x, y)))
}

func TestALU(t *testing.T) {
	g := newGen(3)
	for range samples {
		x, y := g.value(), g.value()
		op := Op(g.IntN(len(concrete)))
		if op >= Lsh && op <= Arsh && g.IntN(2) == 0 {
			y = uint64(g.IntN(70))
		}
		a, b := g.around(x), g.around(y)
		if got, want := ALU(op, 64, a, b), concrete[op](x, y); !got.Contains(want) {
			t.Fatalf("op %d: %v, %v: %v does not contain %#x", op, a, b, got, want)
		}
		if got, want := ALU(op, 32, a, b), concrete32(op, x, y); !got.Contains(want) {
			t.Fatalf("op %d at 32: %v, %v: %v does not contain %#x", op, a, b, got, want)
		}
	}
}

func TestALUUntracked(t *testing.T) {
	for _, op := range []Op{Div, Mod, SDiv, SMod} {
		for _, width := range []int{32, 64} {
			if got := ALU(op, width, Const(7), Const(2)); !got.IsUnknown() {
				t.Errorf("op %d at %d: %v", op, width, got)
			}
		}
	}
}

func TestOffset(t *testing.T) {
	g := newGen(4)
	for range samples {
		x, y := g.value(), g.value()
		a, b := g.around(x), g.around(y)
		if got := Offset(Add, a, b).Sync(); !got.Contains(x + y) {
			t.Fatalf("%v + %v: %v does not contain %#x", a, b, got, x+y)
		}
		if got := Offset(Sub, a, b).Sync(); !got.Contains(x - y) {
			t.Fatalf("%v - %v: %v does not contain %#x", a, b, got, x-y)
		}
	}
}

func TestCast(t *testing.T) {
	extend := func(v uint64, bytes int) uint64 {
		unused := 64 - 8*bytes
		return uint64(int64(v) << unused >> unused)
	}
	swap := map[int]func(uint64) uint64{
		2: func(v uint64) uint64 { return uint64(bits.ReverseBytes16(uint16(v))) },
		4: func(v uint64) uint64 { return uint64(bits.ReverseBytes32(uint32(v))) },
		8: bits.ReverseBytes64,
	}
	for _, row := range []struct {
		name     string
		bytes    []int
		abstract func(s Scalar, bytes int) Scalar
		concrete func(v uint64, bytes int) uint64
	}{
		{"truncate", []int{1, 2, 4}, Scalar.Truncate,
			func(v uint64, bytes int) uint64 { return v & (1<<(8*bytes) - 1) }},
		{"sign extend", []int{1, 2, 4},
			func(s Scalar, bytes int) Scalar { return s.SignExtend(bytes, 64) }, extend},
		{"sign extend 32", []int{1, 2},
			func(s Scalar, bytes int) Scalar { return s.SignExtend(bytes, 32) },
			func(v uint64, bytes int) uint64 { return uint64(uint32(extend(v, bytes))) }},
		{"byte order", []int{2, 4, 8},
			func(s Scalar, bytes int) Scalar { return s.ByteOrder(bytes, false) },
			func(v uint64, bytes int) uint64 { return v << (64 - 8*bytes) >> (64 - 8*bytes) }},
		{"byte swap", []int{2, 4, 8},
			func(s Scalar, bytes int) Scalar { return s.ByteOrder(bytes, true) },
			func(v uint64, bytes int) uint64 { return swap[bytes](v) }},
	} {
		t.Run(row.name, func(t *testing.T) {
			g := newGen(5)
			for range samples / 5 {
				v, n := g.value(), row.bytes[g.IntN(len(row.bytes))]
				s := g.around(v)
				if got, want := row.abstract(s, n), row.concrete(v, n); !got.Contains(want) {
					t.Fatalf("%v, %d bytes: %v does not contain %#x", s, n, got, want)
				}
			}
		})
	}
}

func TestFork(t *testing.T) {
	mask := Unknown().ClampS(-1, 0).Sync()
	half := Unknown().ClampS32(-1, 0).Sync()
	for _, row := range []struct {
		name       string
		op         Op
		dst, src   Scalar
		ones, zero string // "" for no fork
	}{
		{"and of a mask", And, mask, Const(5), "-1", "0"},
		{"or of a mask", Or, mask, Const(5), "-1", "0"},
		{"xor does not fork", Xor, mask, Const(5), "", ""},
		{"unknown operand", And, mask, Unknown(), "", ""},
		{"not a mask", And, Unknown(), Const(5), "", ""},
		{"half a mask", And, half, Const(5),
			"scalar(smin=0x80000000ffffffff,umin=0xffffffff,smin32=-1,smax32=-1)", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			ones, zero, ok := Fork(row.op, row.dst, row.src)
			if ok != (row.ones != "") {
				t.Fatalf("forks: %v", ok)
			}
			if ok && row.zero != "" && (ones.String() != row.ones || zero.String() != row.zero) {
				t.Errorf("forks to %v and %v", ones, zero)
			}
			if l, _ := ones.Const32(); ok && l != math.MaxUint32 {
				t.Errorf("ones: %v", ones)
			}
			if l, known := zero.Const32(); ok && (l != 0 || !known) {
				t.Errorf("zero: %v", zero)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	for _, row := range []struct {
		name string
		s    Scalar
		want string
	}{
		{"unknown", Unknown(), ""},
		{"constant", Const(1 << 40), ""},
		{"empty range", Unknown().ClampU(5, 4), "range bounds violation"},
		{"empty half", Unknown().ClampS32(5, 4), "range bounds violation"},
		{"loose ranges", scalarOf(TnumConst(5), Unknown().wide(), Const(5).low()), "const tnum out of sync with range bounds"},
		{"loose half", scalarOf(TnumUnknown.WithConstSubreg(5), Unknown().wide(), Unknown().low()), "const subreg tnum out of sync with range bounds"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := row.s.Check(); got != row.want {
				t.Errorf("check says %q, not %q", got, row.want)
			}
			if got := row.s.Violation("alu"); (got == "") != (row.want == "") {
				t.Errorf("violation: %q", got)
			}
			if got := row.s.ForgetRanges(); row.s.wide().broken() && got.Check() != "" {
				t.Errorf("forgotten: %v", got)
			}
		})
	}
}

func TestScalarString(t *testing.T) {
	for _, row := range []struct {
		s    Scalar
		want string
	}{
		{Unknown(), "scalar()"},
		{Const(0), "0"},
		{Const(math.MaxUint64), "-1"},
		{Const(32767), "32767"},
		{Const(32768), "0x8000"},
		{Const(1<<64 - 32769), "0xffffffffffff7fff"},
		{Unknown().Truncate(1), "scalar(smin=smin32=0,smax=umax=smax32=umax32=255,var_off=(0x0; 0xff))"},
		{Unknown().Truncate(4), "scalar(smin=0,smax=umax=0xffffffff,var_off=(0x0; 0xffffffff))"},
		{Unknown().SignExtend(1, 64), "scalar(smin=smin32=-128,smax=smax32=127)"},
		{Unknown().SignExtend(4, 64), "scalar(smin=0xffffffff80000000,smax=0x7fffffff)"},
		{Unknown().ClampS(-5, -2).Sync(), "scalar(smin=smin32=-5,smax=smax32=-2,umin=0xfffffffffffffffb,umax=0xfffffffffffffffe,umin32=0xfffffffb,umax32=0xfffffffe,var_off=(0xfffffffffffffff8; 0x7))"},
	} {
		if got := row.s.String(); got != row.want {
			t.Errorf("%#v prints\n%s, not\n%s", row.s, got, row.want)
		}
	}
}

func TestAllocations(t *testing.T) {
	a, b := Unknown().Truncate(2), Unknown().SignExtend(4, 64)
	got := testing.AllocsPerRun(100, func() {
		sink = ALU(Mul, 64, a, b)
		sink, _ = Refine(sink, b, SGt, true)
	})
	if got != 0 {
		t.Errorf("%v allocations", got)
	}
}

var sink Scalar

func BenchmarkALU(b *testing.B) {
	x, y := Unknown().Truncate(2), Unknown().SignExtend(4, 64)
	for b.Loop() {
		sink = ALU(Add, 64, x, y)
	}
}

func BenchmarkRefine(b *testing.B) {
	x, y := Unknown().Truncate(2), Unknown().SignExtend(4, 64)
	for b.Loop() {
		sink, _ = Refine(x, y, SGt, false)
	}
}
