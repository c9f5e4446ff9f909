// This file defines numbers and strings: bpf_strtol, bpf_strtoul, bpf_strncmp.

package helper

import (
	"encoding/binary"
	"math"

	"github.com/skepbpf/skep/internal/engine"
	"github.com/skepbpf/skep/internal/errno"
)

// strtol reads a signed number; the result is how many bytes it took.
func strtol(c *engine.Call, buf, size, flags, to, _ uint64) uint64 {
	out := c.Bytes(to, 8)
	clear(out)
	v, negative, n, err := parseInteger(c.Bytes(buf, int(size)), flags)
	limit := uint64(math.MaxInt64)
	if negative {
		limit++
	}
	if err == 0 && v > limit {
		err = errno.ERANGE
	}
	if err != 0 {
		return result(err)
	}
	if negative {
		v = -v
	}
	binary.NativeEndian.PutUint64(out, v)
	return uint64(n)
}

// strtoul reads an unsigned number.
func strtoul(c *engine.Call, buf, size, flags, to, _ uint64) uint64 {
	out := c.Bytes(to, 8)
	clear(out)
	v, negative, n, err := parseInteger(c.Bytes(buf, int(size)), flags)
	if err == 0 && negative {
		err = errno.EINVAL
	}
	if err != 0 {
		return result(err)
	}
	binary.NativeEndian.PutUint64(out, v)
	return uint64(n)
}

const (
	baseMask  = 0x1f // BPF_STRTOX_BASE_MASK
	maxNumber = 63   // bytes that are looked at behind the sign
)

// parseInteger reads blanks, a sign and digits. flags is the base: 8, 10, 16,
// or 0 for what the prefix says. n is the number of bytes read.
func parseInteger(s []byte, flags uint64) (v uint64, negative bool, n int, err errno.Errno) {
	base := flags & baseMask
	if flags&^baseMask != 0 || base != 0 && base != 8 && base != 10 && base != 16 {
		return 0, false, 0, errno.EINVAL
	}
	for n < len(s) && isSpace(s[n]) {
		n++
	}
	if n < len(s) && s[n] == '-' {
		negative = true
		n++
	}
	digits := s[n:]
	digits = digits[:min(len(digits), maxNumber)]
	prefix, base := prefixOf(digits, base)
	v, used, ok := parseDigits(digits[prefix:], base)
	switch {
	case !ok:
		err = errno.ERANGE
	case used == 0:
		err = errno.EINVAL
	}
	return v, negative, n + prefix + used, err
}

// prefixOf gives the length of a prefix that is no digits, and the base. "0x"
// decides for base 16 only before a hexadecimal digit, but is skipped wherever
// the base is given as 16.
func prefixOf(s []byte, base uint64) (int, uint64) {
	hex := len(s) >= 2 && s[0] == '0' && s[1]|0x20 == 'x'
	if base == 0 {
		switch {
		case hex && len(s) >= 3 && digit(s[2]) < 16:
			base = 16
		case len(s) >= 1 && s[0] == '0':
			base = 8
		default:
			base = 10
		}
	}
	if base == 16 && hex {
		return 2, base
	}
	return 0, base
}

// parseDigits reads digits of a base; ok is false when they do not fit.
func parseDigits(s []byte, base uint64) (v uint64, n int, ok bool) {
	ok = true
	for n < len(s) && uint64(digit(s[n])) < base {
		d := uint64(digit(s[n]))
		if v > (math.MaxUint64-d)/base {
			ok = false
		}
		v = v*base + d
		n++
	}
	return v, n, ok
}

// digit gives a digit's value, 255 for what is none.
func digit(c byte) uint8 {
	switch lower := c | 0x20; {
	case c >= '0' && c <= '9':
		return c - '0'
	case lower >= 'a' && lower <= 'f':
		return lower - 'a' + 10
	}
	return 255
}

// strncmp compares at most n bytes of s1 with the NUL-terminated s2: -1, 0, 1.
func strncmp(c *engine.Call, s1, n, s2, _, _ uint64) uint64 {
	for i, a := range bytesAt(c, s1, n) {
		b := c.Bytes(s2+uint64(i), 1)[0]
		switch {
		case a < b:
			return math.MaxUint64
		case a > b:
			return 1
		case a == 0:
			return 0
		}
	}
	return 0
}

// cstring gives the string at an address without its NUL.
func cstring(c *engine.Call, addr uint64) []byte {
	n := 0
	for c.Bytes(addr+uint64(n), 1)[0] != 0 {
		n++
	}
	return c.Bytes(addr, n)
}
