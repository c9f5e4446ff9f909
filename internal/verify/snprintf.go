// This file defines the check of bpf_snprintf's format.

package verify

import "github.com/skepbpf/skep/internal/bytecode"

// checkSnprintf requires a format that fits the number of values.
func (w *walker) checkSnprintf() error {
	regs := w.regs()
	fmtReg, size := &regs[bytecode.R3], &regs[bytecode.R5]
	if size.Value()%8 != 0 {
		return w.fail("Invalid format string")
	}
	format, _ := constString(w.mapOf(fmtReg), uint32(int64(fmtReg.Off)+int64(fmtReg.Value())))
	if !validFormat(format, int(size.Value()/8)) {
		return w.fail("Invalid format string")
	}
	return nil
}

// validFormat reports whether the kernel's printing understands the format
// and finds no more conversions than values (bpf_bprintf_prepare).
func validFormat(s string, values int) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c < ' ' || c == 0x7f) && !isSpace(c) {
			return false
		}
		if s[i] != '%' {
			continue
		}
		n, counts := conversion(s[i+1:])
		if n == 0 {
			return false
		}
		if counts {
			if values--; values < 0 {
				return false
			}
		}
		i += n
	}
	return true
}

// The kernel's classes of characters: ASCII and Latin-1.

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' || c == 0xa0 }

func isAlnum(c byte) bool {
	lower := c | 0x20
	return c >= '0' && c <= '9' || lower >= 'a' && lower <= 'z' || c >= 0xc0 && c != 0xd7 && c != 0xf7
}

func isPunct(c byte) bool { return (c > ' ' && c < 0x7f || c > 0xa0) && !isAlnum(c) }

// ended reports whether a conversion may end before c: at the end of the
// format, a blank or punctuation.
func ended(c byte) bool { return c == 0 || isSpace(c) || isPunct(c) }

// conversion returns how long the conversion behind a percent sign is, 0 when
// it is not allowed; counts is false for "%%".
func conversion(s string) (n int, counts bool) {
	if s == "" {
		return 0, false
	}
	if s[0] == '%' {
		return 1, false
	}
	i := 0
	at := func(k int) byte {
		if k < len(s) {
			return s[k]
		}
		return 0
	}
	for c := at(i); c == '0' || c == '+' || c == '-' || c == ' '; c = at(i) {
		i++
	}
	if c := at(i); c >= '1' && c <= '9' {
		for c = at(i); c >= '0' && c <= '9'; c = at(i) {
			i++
		}
	}
	switch at(i) {
	case 'p':
		return pointerConversion(i, at)
	case 's':
		if !ended(at(i + 1)) {
			return 0, false
		}
		return i + 1, true
	case 'c':
		return i + 1, true
	case 'l':
		if i++; at(i) == 'l' {
			i++
		}
	}
	switch at(i) {
	case 'i', 'd', 'u', 'x', 'X':
		return i + 1, true
	}
	return 0, false
}

// pointerConversion handles %p and its extensions.
func pointerConversion(i int, at func(int) byte) (int, bool) {
	next := at(i + 1)
	switch {
	case ended(next):
		return i + 1, true
	case (next == 'k' || next == 'u') && at(i+2) == 's':
		if !ended(at(i + 3)) {
			return 0, false
		}
		return i + 3, true
	case next == 'K' || next == 'x' || next == 's' || next == 'S' || next == 'B':
		return i + 2, true
	case (next == 'i' || next == 'I') && (at(i+2) == '4' || at(i+2) == '6'):
		return i + 3, true
	}
	return 0, false
}
