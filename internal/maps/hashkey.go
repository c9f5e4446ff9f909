// This file defines how keys are hashed and compared.

package maps

import (
	"math/bits"
	"unsafe"
)

// keying is how a table treats its keys. Keys of up to 8 bytes are one word
// each: the bytes, and zeros behind them, which is also how an element has them.
type keying struct {
	size  uintptr
	short bool // up to 8 bytes
	a, b  uint64
}

// Odd constants with about half of their bits set, from the digits of pi.
const (
	mix1 = 0x243f6a8885a308d3
	mix2 = 0x13198a2e03707345
	mix3 = 0xa4093822299f31d1
)

// newKeying derives the two secrets of the hash function from a seed: nobody
// shall be able to choose keys that fall into one bucket.
func newKeying(size uintptr, seed uint64) keying {
	return keying{size: size, short: size <= 8, a: seed ^ mix1, b: fold(seed^mix2, mix3) | 1}
}

// fold multiplies and mixes both halves of the product: every bit of the
// result depends on every bit of both factors.
func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// hashWord hashes a short key.
func (k *keying) hashWord(word uint64) uint32 { return uint32(fold(word^k.a, k.b)) }

// hash hashes any key.
func (k *keying) hash(key unsafe.Pointer) uint32 {
	if k.short {
		return k.hashWord(word(key, k.size))
	}
	h := uint64(k.size)
	i := uintptr(0)
	for ; k.size-i > 8; i += 8 {
		h = fold(*u64(at(key, i))^k.a, h^k.b)
	}
	return uint32(fold(word(at(key, i), k.size-i)^k.a, h^k.b))
}

// word reads 1 to 8 bytes.
func word(p unsafe.Pointer, n uintptr) uint64 {
	switch {
	case n == 8:
		return *u64(p)
	case n == 4:
		return uint64(*u32(p))
	}
	w := uint64(0)
	for i := n; i > 0; i-- {
		w = w<<8 | uint64(*(*byte)(at(p, i-1)))
	}
	return w
}

// equal compares an element's key with another.
func (k *keying) equal(stored, key unsafe.Pointer) bool {
	for i := uintptr(0); i < k.size; i += 8 {
		if *u64(at(stored, i)) != word(at(key, i), min(8, k.size-i)) {
			return false
		}
	}
	return true
}
