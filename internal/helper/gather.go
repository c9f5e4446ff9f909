// This file defines the first pass of printing: the format is judged as a
// whole, and what its arguments point to is read.

package helper

import (
	"bytes"
	"encoding/binary"

	"github.com/skepbpf/skep/internal/engine"
	"github.com/skepbpf/skep/internal/errno"
)

const (
	maxValues = 12  // MAX_BPRINTF_VARARGS
	maxBinary = 512 // MAX_BPRINTF_BIN_ARGS: bytes that all arguments take together
)

// arguments are the values of one format in the form in which they wait for the
// second pass: characters as bytes, texts with their NUL, numbers in 4 or 8
// bytes, aligned to 4. When the room is used up strings are cut, and then ENOSPC
// is the answer.
type arguments struct {
	binary [maxBinary]byte
	used   int
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
		if n == 0 || len(values) == 0 {
			return errno.EINVAL
		}
		if err := a.add(c, conv, values[0]); err != 0 {
			return err
		}
		values = values[1:]
		i += n
	}
	return 0
}

// add stores the argument of one conversion.
func (a *arguments) add(c *engine.Call, conv conversion, value uint64) errno.Errno {
	switch conv.verb {
	case verbString:
		return a.addString(c, value)
	case verbIP:
		return a.addIP(c, conv, value)
	case verbTrace:
		a.addText(symbol(value))
		return 0
	}
	var word [8]byte
	binary.LittleEndian.PutUint64(word[:], value)
	align, size := conv.layout()
	a.used = (a.used + align - 1) &^ (align - 1)
	if a.used+size > maxBinary {
		return errno.ENOSPC
	}
	a.used += copy(a.binary[a.used:], word[:size])
	return 0
}

// layout gives how a number is stored, in bytes.
func (c conversion) layout() (align, size int) {
	switch {
	case c.verb == verbChar:
		return 1, 1
	case c.wide:
		return 4, 8
	}
	return 4, 4
}

// addText stores a text, as far as there is room, and a NUL.
func (a *arguments) addText(text []byte) {
	room := a.binary[min(a.used, maxBinary):]
	if n := copy(room, text); n > 0 && n == len(room) {
		room[n-1] = 0
	}
	a.used += len(text) + 1
}

// addString reads a string; an address that is not readable gives "".
func (a *arguments) addString(c *engine.Call, addr uint64) errno.Errno {
	if a.used >= maxBinary {
		return errno.ENOSPC
	}
	a.used += max(peekString(c, a.binary[a.used:], addr), 1)
	return 0
}

// addIP reads an address; one that is not readable is all zeros.
func (a *arguments) addIP(c *engine.Call, conv conversion, addr uint64) errno.Errno {
	var ip [16]byte
	size := 4
	if conv.v6 {
		size = len(ip)
	}
	if a.used+size > maxBinary {
		return errno.ENOSPC
	}
	peek(c, ip[:size], addr)
	a.addText(conv.formatIP(ip[:size]))
	return 0
}

// reader takes arguments in the order in which they were stored. What is not
// there is 0.
type reader struct {
	args *arguments
	at   int
}

// number takes the value of a conversion.
func (r *reader) number(c conversion) uint64 {
	var word [8]byte
	align, size := c.layout()
	r.at = (r.at + align - 1) &^ (align - 1)
	copy(word[:size], r.args.binary[min(r.at, maxBinary):])
	r.at += size
	return binary.LittleEndian.Uint64(word[:])
}

// text takes a text.
func (r *reader) text() []byte {
	text := r.args.binary[min(r.at, maxBinary):]
	if end := bytes.IndexByte(text, 0); end >= 0 {
		text = text[:end]
	}
	r.at += len(text) + 1
	return text
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
