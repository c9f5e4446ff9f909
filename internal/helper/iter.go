// This file defines open-coded iterators over numbers and over set bits. Their
// state lies on the program's stack.

package helper

import (
	"encoding/binary"
	"math/bits"
	"unsafe"

	"github.com/skepbpf/skep/internal/engine"
	"github.com/skepbpf/skep/internal/errno"
	"github.com/skepbpf/skep/internal/ir"
)

// An iterator over numbers (struct bpf_iter_num):
//
//	0   the number given last
//	4   the first number that is not given
//
// Both are 0 when there is nothing more.
const iterNumLen = 8

func iterNumNew(c *engine.Call, it, start, end, _, _ uint64) uint64 {
	state := c.Bytes(it, iterNumLen)
	clear(state)
	from, to := int32(start), int32(end)
	switch {
	case from > to:
		return result(errno.EINVAL)
	case int64(to)-int64(from) > ir.MaxLoops:
		return result(errno.E2BIG)
	}
	binary.NativeEndian.PutUint32(state, uint32(from-1))
	binary.NativeEndian.PutUint32(state[4:], uint32(to))
	return 0
}

// iterNumNext gives the address of the next number, 0 at the end.
func iterNumNext(c *engine.Call, it, _, _, _, _ uint64) uint64 {
	state := c.Bytes(it, iterNumLen)
	next := int64(int32(binary.NativeEndian.Uint32(state))) + 1
	if next >= int64(int32(binary.NativeEndian.Uint32(state[4:]))) {
		clear(state)
		return 0
	}
	binary.NativeEndian.PutUint32(state, uint32(next))
	return it
}

func iterNumDestroy(c *engine.Call, it, _, _, _, _ uint64) uint64 {
	clear(c.Bytes(it, iterNumLen))
	return 0
}

// An iterator over set bits (struct bpf_iter_bits):
//
//	0   the words, copied: one here, more at an address that is here
//	8   how many bits there are
//	12  the bit given last
const (
	iterBitsLen  = 16
	maxIterWords = 511
	wordBits     = 64
)

func iterBitsNew(c *engine.Call, it, from, words, _, _ uint64) uint64 {
	state, n := c.Bytes(it, iterBitsLen), uint32(words)
	clear(state)
	switch {
	case from == 0 || n == 0:
		return result(errno.EINVAL)
	case n > maxIterWords:
		return result(errno.E2BIG)
	}
	copied := make([]uint64, n)
	for i := range copied {
		if !peek(c, c.Bytes(addressOfWord(copied, i), 8), from+8*uint64(i)) {
			return result(errno.EFAULT)
		}
	}
	if n == 1 {
		binary.NativeEndian.PutUint64(state, copied[0])
	} else {
		c.Slot().Root(unsafe.Pointer(&copied[0]))
		binary.NativeEndian.PutUint64(state, addressOfWord(copied, 0))
	}
	binary.NativeEndian.PutUint32(state[8:], wordBits*n)
	binary.NativeEndian.PutUint32(state[12:], ^uint32(0))
	return 0
}

func addressOfWord(words []uint64, i int) uint64 { return uint64(uintptr(unsafe.Pointer(&words[i]))) }

// iterBitsNext gives the address of the next set bit's number, 0 at the end.
func iterBitsNext(c *engine.Call, it, _, _, _, _ uint64) uint64 {
	state := c.Bytes(it, iterBitsLen)
	n, bit := binary.NativeEndian.Uint32(state[8:]), binary.NativeEndian.Uint32(state[12:])+1
	words := state[:8]
	if n > wordBits {
		words = c.Bytes(binary.NativeEndian.Uint64(state), int(n/8))
	}
	for ; bit < n; bit = (bit/wordBits + 1) * wordBits {
		rest := binary.NativeEndian.Uint64(words[bit/wordBits*8:]) >> (bit % wordBits)
		if rest != 0 {
			binary.NativeEndian.PutUint32(state[12:], bit+uint32(bits.TrailingZeros64(rest)))
			return it + 12
		}
	}
	binary.NativeEndian.PutUint32(state[8:], 0)
	return 0
}

func iterBitsDestroy(c *engine.Call, it, _, _, _, _ uint64) uint64 {
	clear(c.Bytes(it, iterBitsLen))
	return 0
}
