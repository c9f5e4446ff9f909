// This file defines how keys are hashed and compared.

package maps

import (
	"math/bits"
	"unsafe"
)

// Odd constants with about half of their bits set, from the digits of pi.
const (
	mix1 = 0x243f6a8885a308d3
	mix2 = 0x13198a2e03707345
	mix3 = 0xa4093822299f31d1
)

// fold multiplies and mixes both halves of the product: every bit of the
// result depends on every bit of both factors.
func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// hashKey hashes n bytes. The seed is secret, so that nobody can choose keys
// that fall into one bucket.
func hashKey(key unsafe.Pointer, n uintptr, seed uint64) uint32 {
	switch n {
	case 4:
		return finish(uint64(*u32(key)), 4, seed)
	case 8:
		return finish(*u64(key), 8, seed)
	}
	return hashLong(key, n, seed)
}

func finish(last, n, seed uint64) uint32 {
	return uint32(fold(fold(last^mix1, seed^mix2), n^mix3))
}

// hashLong folds 8 bytes at a time into the seed.
func hashLong(key unsafe.Pointer, n uintptr, seed uint64) uint32 {
	i := uintptr(0)
	for ; n-i > 8; i += 8 {
		seed = fold(*u64(at(key, i))^mix1, seed^mix2)
	}
	return finish(tail(at(key, i), n-i), uint64(n), seed)
}

// tail reads 1 to 8 bytes.
func tail(p unsafe.Pointer, n uintptr) uint64 {
	switch {
	case n == 8:
		return *u64(p)
	case n >= 4:
		return uint64(*u32(p)) | uint64(*u32(at(p, n-4)))<<32
	}
	b := view(p, n)
	return uint64(b[0]) | uint64(b[n/2])<<8 | uint64(b[n-1])<<16
}

// equalKey compares n bytes.
func equalKey(a, b unsafe.Pointer, n uintptr) bool {
	switch n {
	case 4:
		return *u32(a) == *u32(b)
	case 8:
		return *u64(a) == *u64(b)
	}
	return string(view(a, n)) == string(view(b, n))
}
