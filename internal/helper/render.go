// This file defines the second pass of printing: text.

package helper

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"strconv"
)

// output is memory of fixed size that text is written to. What does not fit is
// counted and dropped.
type output struct {
	p []byte
	n int // length of the text, had it fit
}

func (o *output) write(text []byte) {
	if o.n < len(o.p) {
		copy(o.p[o.n:], text)
	}
	o.n += len(text)
}

// pad writes n times the same byte; n < 1 is none.
func (o *output) pad(b byte, n int) {
	if n < 1 {
		return
	}
	for i := o.n; i < min(o.n+n, len(o.p)); i++ {
		o.p[i] = b
	}
	o.n += n
}

// finish puts the NUL behind the text, or in the last byte when the text is
// too long, and gives the text without it.
func (o *output) finish() []byte {
	if len(o.p) == 0 {
		return nil
	}
	end := min(o.n, len(o.p)-1)
	o.p[end] = 0
	return o.p[:end]
}

// render writes a format that gather has accepted.
func (o *output) render(format []byte, args *arguments) {
	r := &reader{args: args}
	for {
		i := bytes.IndexByte(format, '%')
		if i < 0 {
			o.write(format)
			return
		}
		o.write(format[:i])
		format = format[i+1:]
		if format[0] == '%' {
			o.write(format[:1])
			format = format[1:]
			continue
		}
		conv, n := scan(format)
		format = format[n:]
		o.convert(conv, r)
		for conv.kptr && len(format) > 0 && isAlnum(format[0]) {
			format = format[1:]
		}
	}
}

// convert writes one argument.
func (o *output) convert(c conversion, r *reader) {
	switch {
	case c.verb == verbString && !c.kptr:
		o.widen(c, r.text())
	case c.verb == verbString, c.verb == verbIP, c.verb == verbTrace:
		o.formatted(r)
	default:
		o.value(c, r.number(c))
	}
}

// formatted writes what gather has formatted for an extension of %p. It has no
// width any more. When the buffer is full already the kernel neither counts it
// nor takes it from the arguments, so that the next conversion gets it.
func (o *output) formatted(r *reader) {
	if o.n < len(o.p) {
		o.write(r.text())
	}
}

// value writes a number in the way of its conversion.
func (o *output) value(c conversion, v uint64) {
	var digits [20]byte
	switch c.verb {
	case verbChar:
		o.widen(c, []byte{byte(v)})
	case verbSymbol:
		o.widen(c, symbol(v))
	case verbPointer:
		o.address(c, hidePointer(v))
	case verbAddress:
		o.address(c, v)
	case verbInt:
		o.number(c, sign(c, c.signed(v)), strconv.AppendUint(digits[:0], abs(c.signed(v)), 10))
	case verbUint:
		o.number(c, "", strconv.AppendUint(digits[:0], v, 10))
	case verbHex:
		hex := strconv.AppendUint(digits[:0], v, 16)
		if c.upper {
			hex = bytes.ToUpper(hex)
		}
		o.number(c, "", hex)
	}
}

// widen writes text with blanks on one side.
func (o *output) widen(c conversion, text []byte) {
	blanks := c.width - len(text)
	if !c.left {
		o.pad(' ', blanks)
	}
	o.write(text)
	if c.left {
		o.pad(' ', blanks)
	}
}

// number writes a sign and digits: "  -7", "-  7" never, "-007", "-7  ".
func (o *output) number(c conversion, sign string, digits []byte) {
	fill := c.width - len(sign) - len(digits)
	if !c.left && !c.zero {
		o.pad(' ', fill)
	}
	o.write([]byte(sign))
	if !c.left && c.zero {
		o.pad('0', fill)
	}
	o.write(digits)
	if c.left {
		o.pad(' ', fill)
	}
}

// address writes a pointer, of full length unless a width is given.
func (o *output) address(c conversion, v uint64) {
	if c.width == -1 {
		c.width, c.zero = 16, true
	}
	o.number(c, "", strconv.AppendUint(nil, v, 16))
}

func (c conversion) signed(v uint64) int64 {
	if c.wide {
		return int64(v)
	}
	return int64(int32(v))
}

func sign(c conversion, v int64) string {
	switch {
	case v < 0:
		return "-"
	case c.plus:
		return "+"
	case c.space:
		return " "
	}
	return ""
}

func abs(v int64) uint64 {
	if v < 0 {
		return -uint64(v)
	}
	return uint64(v)
}

// formatIP prints an address: upper is with separators.
func (c conversion) formatIP(ip []byte) []byte {
	switch {
	case c.v6 && c.upper:
		return fmt.Appendf(nil, "%x:%x:%x:%x:%x:%x:%x:%x",
			ip[0:2], ip[2:4], ip[4:6], ip[6:8], ip[8:10], ip[10:12], ip[12:14], ip[14:16])
	case c.v6:
		return fmt.Appendf(nil, "%x", ip)
	case c.upper:
		return fmt.Appendf(nil, "%d.%d.%d.%d", ip[0], ip[1], ip[2], ip[3])
	}
	return fmt.Appendf(nil, "%03d.%03d.%03d.%03d", ip[0], ip[1], ip[2], ip[3])
}

// symbol prints an address as the kernel prints one that it has no name for:
// nothing in user space has a name in the kernel's table.
func symbol(v uint64) []byte { return fmt.Appendf(nil, "0x%x", v) }

var pointerSeed = maphash.MakeSeed()

// maxErrno is MAX_ERRNO: pointers this near to the end are error numbers.
const maxErrno = 4095

// hidePointer gives the 32 bits that stand for a pointer in what is printed:
// the same for the same pointer until the process ends. NULL and error numbers
// stay as they are.
func hidePointer(v uint64) uint64 {
	if v == 0 || -v <= maxErrno {
		return v
	}
	return uint64(uint32(maphash.Comparable(pointerSeed, v)))
}
