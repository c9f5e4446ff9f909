// This file defines ALU: arithmetic on scalars, as instructions do it.

package domain

// Op is an arithmetic operation.
type Op uint8

// Operations. Div and Mod are unsigned.
const (
	Add Op = iota
	Sub
	Mul
	And
	Or
	Xor
	Lsh
	Rsh
	Arsh
	Neg // of dst; src is ignored
	Mov // of src; dst is ignored
	Div
	Mod
	SDiv
	SMod
)

// tracked says how an operation acts on each view. The views are computed
// apart, at both widths whatever the instruction's; the ranges see the bits of
// the result.
type tracked struct {
	bits func(a, b Tnum) Tnum
	wide func(a, b wide, result Tnum) wide
	low  func(a, b low, result Tnum) low
}

// arithmetic has the operations whose every operand gives a result worth
// keeping.
var arithmetic = [...]tracked{
	Add: {Tnum.Add, wide.add, low.add},
	Sub: {Tnum.Sub, wide.sub, low.sub},
	Mul: {Tnum.Mul, wide.mul, low.mul},
	And: {Tnum.And, wide.and, low.and},
	Or:  {Tnum.Or, wide.or, low.or},
	Xor: {Tnum.Xor, wide.xor, low.xor},
}

// ALU returns the results of dst op src at width 32 or 64 (32-bit results are
// zero extended), as Linux 6.18's adjust_scalar_min_max_vals computes them.
// Division, remainders and shifts by anything but a constant below the width
// give Unknown: all 64 bits of it, even at width 32.
func ALU(op Op, width int, dst, src Scalar) Scalar {
	switch {
	case op == Mov && width == 64:
		return src
	case op == Mov:
		return src.ZeroExtend32().Sync()
	case op == Neg:
		return compute(Sub, width, Const(0), dst)
	case op < Lsh:
		return compute(op, width, dst, src)
	case op <= Arsh:
		return shift(op, width, dst, src)
	}
	return Unknown()
}

func compute(op Op, width int, dst, src Scalar) Scalar {
	f := &arithmetic[op]
	t := f.bits(dst.Var, src.Var)
	w := f.wide(dst.wide(), src.wide(), t)
	l := f.low(dst.low(), src.low(), t)
	res := scalarOf(t, w, l)
	if op == And || op == Or || op == Xor {
		res = res.clampByTnum()
	}
	return finish(res, width)
}

// finish zero extends the result of a 32-bit instruction and syncs it.
func finish(res Scalar, width int) Scalar {
	if width == 32 {
		res = res.ZeroExtend32()
	}
	return res.Sync()
}

// shift returns dst shifted by a constant below the width. Each width shifts
// its own view; the other is read off the bits of the result.
func shift(op Op, width int, dst, src Scalar) Scalar {
	n, ok := shiftAmount(width, src)
	if !ok {
		return Unknown()
	}
	if width == 32 {
		return finish(shift32(op, dst, n).clampByTnum(), width)
	}
	return finish(shift64(op, dst, n).clampByTnum(), width)
}

// shiftAmount returns src as an amount below the width, if it is one.
func shiftAmount(width int, src Scalar) (n uint, ok bool) {
	known := src.IsConst()
	if width == 32 {
		_, known = src.Const32()
	}
	return uint(src.UMax), known && src.UMax < uint64(width)
}

func shift32(op Op, s Scalar, n uint) Scalar {
	t, l := s.Var.Subreg(), s.low()
	switch op {
	case Lsh:
		t, l = t.Lsh(n).Subreg(), l.shl(n)
	case Rsh:
		t, l = t.Rsh(n), l.shr(n)
	case Arsh:
		t, l = t.Arsh(n, 32), l.sar(n)
	}
	return scalarOf(t, full[int64, uint64](), l)
}

func shift64(op Op, s Scalar, n uint) Scalar {
	t, w, l := s.Var, s.wide(), full[int32, uint32]()
	switch op {
	case Lsh:
		t, w, l = t.Lsh(n), w.shl(n), s.low().shl(n)
		if n == 32 { // half of a sign extension: the low half's sign is the result's
			w.SMin, w.SMax = int64(s.S32Min)<<32, int64(s.S32Max)<<32
		}
	case Rsh:
		t, w = t.Rsh(n), w.shr(n)
	case Arsh:
		t, w = t.Arsh(n, 64), w.sar(n)
	}
	return scalarOf(t, w, l)
}

// Offset returns the variable part of a pointer's offset after adding val to it
// or subtracting val from it (op is Add or Sub). Pointers carry no knowledge of
// their low half of their own: it is read off the whole by Sync, which the
// kernel does after it has checked that the offset is sane, and so leaves to
// the caller.
func Offset(op Op, ptr, val Scalar) Scalar {
	f := &arithmetic[op]
	t := f.bits(ptr.Var, val.Var)
	return scalarOf(t, f.wide(ptr.wide(), val.wide(), t), full[int32, uint32]())
}

// Fork splits the operand of a conjunction or disjunction with a constant when
// it is a mask, 0 or all ones: the walk then follows both values, each of which
// makes the result a constant (compilers turn branches into such masks). The
// kernel walks ones first and comes back to zero; ok is false for everything
// else.
func Fork(op Op, dst, src Scalar) (ones, zero Scalar, ok bool) {
	if (op != And && op != Or) || !src.IsConst() {
		return dst, dst, false
	}
	switch {
	case dst.SMin == -1 && dst.SMax == 0:
		return Const(^uint64(0)), Const(0), true
	case dst.S32Min == -1 && dst.S32Max == 0:
		return dst.withConst32(^uint32(0)), dst.withConst32(0), true
	}
	return dst, dst, false
}

// withConst32 replaces the low half by v and keeps the wide ranges, which may
// then be loose.
func (s Scalar) withConst32(v uint32) Scalar {
	return scalarOf(s.Var.WithConstSubreg(v), s.wide(), only[int32](v))
}
