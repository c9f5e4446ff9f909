// This file defines the first pass of printing: the format is judged as a
// whole, and what its arguments point to is read.

package helper

import (
	"encoding/binary"

	"github.com/skepbpf/skep/internal/engine"
	"github.com/skepbpf/skep/internal/errno"
)

const (
	maxValues = 12  // MAX_BPRINTF_VARARGS
	maxBinary = 512 // MAX_BPRINTF_BIN_ARGS: bytes that all arguments take together
)

// argument is one value to print: a number, or text that was read, which is a
// part of arguments.text.
type argument struct {
	value    uint64
	from, to int
}

// arguments are the values of one format. Texts lie in memory of maxBinary
// bytes, which the kernel keeps all arguments in: when it is used up, strings
// are cut and then ENOSPC is the answer.
type arguments struct {
	list [maxValues]argument
	n    int
	text [maxBinary]byte
	used int
}

// gather checks a format, whose NUL has been taken off, and reads the arguments
// of its conversions from values.
func (a *arguments) gather(c *engine.Call, format []byte, values []uint64) errno.Errno {
	for i := 0; i < len(format); i++ {
		if isControl(format[i]) {
			return errno.EINVAL
		}
		if format[i] != '%' {
			continue
		}
		if i+1 < len(format) && format[i+1] == '%' {
			i++
			continue
		}
		conv, n := scan(format[i+1:])
		if n == 0 || a.n >= len(values) {
			return errno.EINVAL
		}
		if err := a.add(c, conv, values[a.n]); err != 0 {
			return err
		}
		i += n
	}
	return 0
}

// add reads the argument of one conversion.
func (a *arguments) add(c *engine.Call, conv conversion, value uint64) errno.Errno {
	arg := &a.list[a.n]
	arg.value = value
	a.n++
	switch conv.verb {
	case verbString:
		return a.addString(c, arg)
	case verbIP:
		return a.addIP(c, conv, arg)
	case verbTrace:
		a.keep(arg, symbol(value))
		return 0
	case verbChar:
		return a.take(1, 1)
	}
	if conv.wide {
		return a.take(4, 8)
	}
	return a.take(4, 4)
}

// take accounts for bytes.
func (a *arguments) take(align, size int) errno.Errno {
	a.used = (a.used + align - 1) &^ (align - 1)
	if a.used+size > maxBinary {
		return errno.ENOSPC
	}
	a.used += size
	return 0
}

// keep stores a text, as far as there is room, and a NUL.
func (a *arguments) keep(arg *argument, text []byte) {
	arg.from = min(a.used, maxBinary)
	arg.to = arg.from + copy(a.text[arg.from:], text)
	a.used += len(text) + 1
}

// textOf gives the text of an argument.
func (a *arguments) textOf(arg *argument) []byte { return a.text[arg.from:arg.to] }

// addString reads a string; an address that is not readable gives "".
func (a *arguments) addString(c *engine.Call, arg *argument) errno.Errno {
	if a.used >= maxBinary {
		return errno.ENOSPC
	}
	n := max(peekString(c, a.text[a.used:], arg.value), 1)
	arg.from, arg.to = a.used, a.used+n-1
	a.used += n
	return 0
}

// addIP reads an address; one that is not readable is all zeros.
func (a *arguments) addIP(c *engine.Call, conv conversion, arg *argument) errno.Errno {
	var ip [16]byte
	size := 4
	if conv.v6 {
		size = len(ip)
	}
	if a.used+size > maxBinary {
		return errno.ENOSPC
	}
	peek(c, ip[:size], arg.value)
	a.keep(arg, conv.formatIP(ip[:size]))
	return 0
}

// valuesAt reads the values that a program has in memory.
func valuesAt(c *engine.Call, addr, size uint64, to *[maxValues]uint64) ([]uint64, errno.Errno) {
	n := uint32(size)
	if n%8 != 0 || n > maxValues*8 || n != 0 && addr == 0 {
		return nil, errno.EINVAL
	}
	for i, p := 0, c.Bytes(addr, int(n)); len(p) > 0; i, p = i+1, p[8:] {
		to[i] = binary.NativeEndian.Uint64(p)
	}
	return to[:n/8], 0
}
