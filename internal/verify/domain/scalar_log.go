// This file defines how the verifier's log prints numbers and scalars.

package domain

import (
	"math"
	"strconv"
)

// AppendUnsigned appends v as the log does: decimal up to 65535, else hex.
func AppendUnsigned(b []byte, v uint64) []byte {
	if v <= math.MaxUint16 {
		return strconv.AppendUint(b, v, 10)
	}
	return appendHex(b, v)
}

// AppendSigned appends v as the log does: decimal from -32768 to 32767, else
// its 64 bits in hex.
func AppendSigned(b []byte, v int64) []byte {
	if int64(int16(v)) == v {
		return strconv.AppendInt(b, v, 10)
	}
	return appendHex(b, uint64(v))
}

// String returns s as the log prints a scalar register: a known value as a
// number, else "scalar(…)" with what is known.
func (s Scalar) String() string {
	if s.IsConst() {
		return string(AppendSigned(nil, int64(s.Value())))
	}
	b := s.AppendLog([]byte("scalar("), true)
	return string(append(b, ')'))
}

// bound is one end of a range on its way into the log.
type bound struct {
	name   string
	value  uint64
	signed bool
	omit   bool // says nothing, or was printed with an equal one
}

// negative: printed with a minus sign, so not to be merged with an unsigned
// number of the same bits.
func (e bound) negative() bool { return e.signed && int64(e.value) < 0 }

// bounds returns the ends of all ranges in the log's order: a minimum at even
// places, a maximum at odd ones.
func (s Scalar) bounds() [8]bound {
	return [8]bound{
		{"smin", uint64(s.SMin), true, s.SMin == math.MinInt64},
		{"smax", uint64(s.SMax), true, s.SMax == math.MaxInt64},
		{"umin", s.UMin, false, s.UMin == 0},
		{"umax", s.UMax, false, s.UMax == math.MaxUint64},
		{"smin32", logged32(s.S32Min), true, s.S32Min == math.MinInt32},
		{"smax32", logged32(s.S32Max), true, s.S32Max == math.MaxInt32},
		{"umin32", uint64(s.U32Min), false, s.U32Min == 0},
		{"umax32", uint64(s.U32Max), false, s.U32Max == math.MaxUint32},
	}
}

// logged32 widens a 32-bit bound so that it prints as itself: with its sign as
// a decimal, without it in hex.
func logged32(v int32) uint64 {
	if int32(int16(v)) == v {
		return uint64(int64(v))
	}
	return uint64(uint32(v))
}

// AppendLog appends what is known beyond the type, "smin=0,smax=umax=255,
// var_off=(0x0; 0xff)", to b: ends that say nothing are left out, equal ends
// are chained. A comma comes before each item, save before the very first one
// when first is set.
func (s Scalar) AppendLog(b []byte, first bool) []byte {
	sep := func() {
		if !first {
			b = append(b, ',')
		}
		first = false
	}
	ends := s.bounds()
	for i := range ends {
		if ends[i].omit {
			continue
		}
		sep()
		b = appendChain(b, ends[i:])
	}
	if !s.Var.IsUnknown() {
		sep()
		b = s.Var.AppendLog(append(b, "var_off="...))
	}
	return b
}

// appendChain appends the first end and the names of the later minima (or
// maxima) that equal it, and marks those as printed.
func appendChain(b []byte, ends []bound) []byte {
	e := ends[0]
	b = append(append(b, e.name...), '=')
	for i := 2; i < len(ends); i += 2 {
		o := &ends[i]
		if o.omit || o.value != e.value || o.negative() != e.negative() {
			continue
		}
		o.omit = true
		b = append(append(b, o.name...), '=')
	}
	if e.signed {
		return AppendSigned(b, int64(e.value))
	}
	return AppendUnsigned(b, e.value)
}
