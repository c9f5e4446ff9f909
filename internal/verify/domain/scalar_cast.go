// This file defines conversions: truncation, zero and sign extension, byte
// swaps.

package domain

import "math"

// ZeroExtend32 returns the low half as a 64-bit value: the last step of every
// 32-bit instruction. It does not Sync.
func (s Scalar) ZeroExtend32() Scalar {
	s.Var = s.Var.Subreg()
	w := wide{0, math.MaxUint32, uint64(s.U32Min), uint64(s.U32Max)}
	if s.S32Min >= 0 && s.S32Max >= 0 {
		w.SMin, w.SMax = int64(s.S32Min), int64(s.S32Max)
	}
	return s.withWide(w)
}

// Truncate returns the low 1, 2 or 4 bytes, the rest 0: narrow loads and
// stores.
func (s Scalar) Truncate(bytes int) Scalar {
	s.Var = s.Var.Cast(bytes)
	mask := uint64(1)<<(8*uint(bytes)) - 1
	lo, hi := uint64(0), mask
	if s.UMin&^mask == s.UMax&^mask {
		lo, hi = s.UMin&mask, s.UMax&mask
	}
	s = s.withWide(wide{int64(lo), int64(hi), lo, hi})
	if bytes < 4 {
		s = s.withLow(full[int32, uint32]())
	}
	return s.Sync()
}

// SignExtend returns the low 1, 2 or 4 bytes read as a signed number, at
// width 64 (sign-extending loads, moves of the 64-bit class) or 32 (moves of
// the 32-bit class; the high half is 0 and 4 bytes are all there is).
func (s Scalar) SignExtend(bytes, width int) Scalar {
	if width == 32 {
		return s.signExtend32(bytes).ZeroExtend32().Sync()
	}
	return s.signExtend64(bytes)
}

func (s Scalar) signExtend64(bytes int) Scalar {
	unused := 64 - 8*uint(bytes)
	extend := func(v int64) int64 { return v << unused >> unused }
	if s.IsConst() {
		return Const(uint64(extend(int64(s.Value()))))
	}
	lo, hi := extend(s.SMin), extend(s.SMax)
	if s.SMin>>(8*bytes) != s.SMax>>(8*bytes) || lo < 0 != (hi < 0) {
		return sextDefault64(bytes)
	}
	lo, hi = min(lo, hi), max(lo, hi)
	return scalarOf(TnumRange(uint64(lo), uint64(hi)),
		wide{lo, hi, uint64(lo), uint64(hi)},
		low{int32(lo), int32(hi), uint32(lo), uint32(hi)})
}

// sextDefault64 is what is known of any sign-extended value; not in agreement,
// as the kernel leaves it.
func sextDefault64(bytes int) Scalar {
	greatest := int64(1)<<(8*bytes-1) - 1
	return Unknown().ClampS(^greatest, greatest).ClampS32(int32(^greatest), int32(greatest))
}

// signExtend32 sign-extends into the low half, the high half still undefined.
func (s Scalar) signExtend32(bytes int) Scalar {
	unused := 32 - 8*uint(bytes)
	extend := func(v int32) int32 { return v << unused >> unused }
	if s.IsConst() {
		v := uint32(extend(int32(s.Value())))
		return scalarOf(TnumConst(uint64(v)), s.wide(), only[int32](v))
	}
	lo, hi := extend(s.S32Min), extend(s.S32Max)
	if s.S32Min>>(8*bytes) != s.S32Max>>(8*bytes) || lo < 0 != (hi < 0) {
		greatest := int32(1)<<(8*bytes-1) - 1
		s.Var = TnumUnknown.Subreg()
		return s.withLow(full[int32, uint32]().clampS(^greatest, greatest))
	}
	lo, hi = min(lo, hi), max(lo, hi)
	s.Var = TnumRange(uint64(int64(lo)), uint64(int64(hi))).Subreg()
	return s.withLow(low{lo, hi, uint32(lo), uint32(hi)})
}

// ByteOrder returns the low 2, 4 or 8 bytes, the rest 0, with their order
// turned round when swap is set. On a little-endian target the le16/32/64
// instructions do not swap, be16/32/64 and bswap16/32/64 do. A swap keeps the
// bits and forgets the ranges.
func (s Scalar) ByteOrder(bytes int, swap bool) Scalar {
	if swap {
		s.Var = s.Var.Swap(bytes)
		s = s.ForgetRanges()
	}
	if bytes < 8 {
		return s.Truncate(bytes).Sync()
	}
	return s.Sync()
}
