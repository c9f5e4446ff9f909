// This file defines Scalar: what is known of a 64-bit value.

// Package domain is the verifier's mathematics: tristate numbers, ranges kept
// in agreement with them, registers, stack slots and states, and the order
// between them. It knows no instruction and no program; internal/verify
// applies it.
package domain

// Tnum is a tristate number: a bit set in Mask is unknown, a bit not set in
// Mask is as in Value. Value&Mask is 0.
type Tnum struct{ Value, Mask uint64 }

// Scalar is a set of 64-bit values: those that the tnum and all four ranges
// contain. The ranges are kept in agreement by Sync.
type Scalar struct {
	Var        Tnum
	SMin, SMax int64
	UMin, UMax uint64
	S32Min     int32
	S32Max     int32
	U32Min     uint32
	U32Max     uint32
}
