// This file defines the package's documentation.

// Package domain is the verifier's mathematics: tristate numbers, ranges kept
// in agreement with them, registers, stack slots and states, and the order
// between them. It knows no instruction and no program; internal/verify
// applies it, and must never be imported from here.
//
// # Scalars
//
// A Scalar is a set of 64-bit values seen five ways at once:
//
//	Var             which bits are known          {v : v &^ Mask == Value}
//	UMin  .. UMax   the value as uint64
//	SMin  .. SMax   the value as int64
//	U32Min.. U32Max its low half as uint32
//	S32Min.. S32Max its low half as int32
//
// A value is in the set when all five contain it. Each view says what the
// others cannot: the tnum knows alignment, the unsigned range knows lengths,
// the signed one knows error returns, the 32-bit ones know what a compiler that
// computes in half registers meant. Sync carries what one view learnt to the
// others; it is the only place where views talk to each other.
//
// # Parity before precision
//
// Operations give exactly what Linux 6.18 computes (as of 6.18.44: stable
// releases have changed some of it), neither more nor less:
// the log prints these sets, and a set that is smaller than the kernel's
// accepts a program that the kernel refuses. So where the best abstraction is
// known and the kernel does not use it, neither do we:
//
//	operation        optimal                    here, as in 6.18
//	tnum + - & | ^   optimal                    the same
//	tnum * (2^n)²    exponential                sum of partial products, joined at
//	                                            unknown bits; not commutative
//	ranges + -       two pieces on wrap         one piece unless all or no results wrap
//	ranges *         exact corners              corners, unknown if any corner overflows
//	ranges & | ^     bit by bit                 from the result's tnum and the
//	                                            operands' nearest bound
//	<< >> s>>        any amount                 constant amounts below the width, else unknown
//	/ %              any divisor                unknown
//	byte swap        permuted bits              the same; ranges from the bits alone
//	== on tnums      intersection               intersection, and of all ranges
//	!=               trims either end           trims ends of ranges by a constant only
//	& as condition   bits                       a single known bit when true, all when false
//	bits with range  any shared values          one shared value is found, two are not
//	Sync             a fixed point              a fixed number of rounds: not always idempotent
//
// TestKernel compares every row with the running kernel (go test -run TestKernel
// -v -programs 20000), TestGolden with what it recorded, and the tests of
// soundness check that every concrete result lies inside the abstract one.
package domain
