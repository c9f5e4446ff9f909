// This file defines how a value is written, as JSON and as text for people.

package btfval

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"github.com/skepbpf/skep/internal/btfx"
)

// AppendJSON appends b, a value of type t, as JSON: numbers for integers,
// enums and pointers, true and false for _Bool, strings for char arrays,
// arrays, objects for structs, unions and data sections. Bytes that are too few
// for the type give null.
func (t Type) AppendJSON(dst, b []byte) []byte {
	return newPrinter(true).value(dst, t, b, nil, 0)
}

// AppendText appends b for people: enums by name, pointers in hexadecimal,
// structs as {name: value, …}. The text is one line and shows unprintable bytes
// of strings escaped.
func (t Type) AppendText(dst, b []byte) []byte {
	return newPrinter(false).value(dst, t, b, nil, 0)
}

type printer struct {
	json bool
	left *budget
}

func newPrinter(json bool) printer {
	left := budget(maxNodes)
	return printer{json, &left}
}

func (p printer) value(dst []byte, t Type, b []byte, f *format, depth int) []byte {
	if !t.Known() {
		return p.untyped(dst, b)
	}
	r, ok := t.resolve()
	size := t.Size()
	if !ok || depth > maxDepth || size > len(b) || !p.left.spend() {
		return append(dst, "null"...)
	}
	if f == nil {
		f = r.format
	}
	if f != nil {
		if s, ok := f.print(b[:size]); ok {
			return p.plainString(dst, s)
		}
	}
	switch r.Kind {
	case btfx.KindStruct, btfx.KindUnion, btfx.KindDatasec:
		return p.object(dst, t, r, b, depth)
	case btfx.KindArray:
		return p.array(dst, t, r, b, depth)
	}
	return p.scalar(dst, r, b)
}

func (p printer) object(dst []byte, t Type, r resolved, b []byte, depth int) []byte {
	dst = append(dst, '{')
	for i, f := range t.fields(r, p.left) {
		if i > 0 {
			dst = append(dst, p.comma()...)
		}
		dst = append(p.key(dst, f.name), p.colon()...)
		dst = f.append(dst, p, b, depth+1)
	}
	return append(dst, '}')
}

// append appends a part of b, the whole value.
func (f *field) append(dst []byte, p printer, b []byte, depth int) []byte {
	switch {
	case f.off > len(b):
		return append(dst, "null"...)
	case f.bitSize > 0:
		return p.bitField(dst, *f, b)
	}
	return p.value(dst, f.typ, b[f.off:], f.override, depth)
}

func (p printer) array(dst []byte, t Type, r resolved, b []byte, depth int) []byte {
	elem := Type{t.Spec, r.Type.Type}
	if er, ok := elem.resolve(); ok && er.isChar {
		s, _, _ := strings.Cut(string(b[:r.Nelems]), "\x00")
		return p.quoted(dst, s)
	}
	size := elem.Size()
	dst = append(dst, '[')
	for i := 0; size > 0 && i < int(r.Nelems) && *p.left > 0; i++ {
		if i > 0 {
			dst = append(dst, p.comma()...)
		}
		dst = p.value(dst, elem, b[i*size:], nil, depth+1)
	}
	return append(dst, ']')
}

func (p printer) scalar(dst []byte, r resolved, b []byte) []byte {
	v, ok := load(b, int(r.scalarSize()))
	if !ok {
		return append(dst, "null"...)
	}
	switch r.Kind {
	case btfx.KindInt:
		return p.integer(dst, r, v, r.scalarSize()*8)
	case btfx.KindPtr:
		return p.pointer(dst, v)
	case btfx.KindEnum, btfx.KindEnum64:
		return p.enum(dst, r, v)
	case btfx.KindFloat:
		return p.float(dst, r, v)
	}
	return append(dst, "null"...)
}

// scalarSize is the size of a type that value() sees as one number.
func (r resolved) scalarSize() uint32 {
	if r.Kind == btfx.KindPtr {
		return 8
	}
	return r.Size
}

func (p printer) integer(dst []byte, r resolved, v uint64, bits uint32) []byte {
	const signed, boolean = 1, 4
	switch {
	case r.IntEncoding&boolean != 0:
		return strconv.AppendBool(dst, v != 0)
	case r.IntEncoding&signed != 0:
		return strconv.AppendInt(dst, signExtend(v, bits), 10)
	}
	return strconv.AppendUint(dst, v, 10)
}

func (p printer) enum(dst []byte, r resolved, v uint64) []byte {
	if r.KindFlag {
		v = uint64(signExtend(v, r.Size*8))
	}
	for _, e := range r.Enums {
		if e.Value == v && !p.json {
			return append(dst, e.Name...)
		}
	}
	if r.KindFlag {
		return strconv.AppendInt(dst, int64(v), 10)
	}
	return strconv.AppendUint(dst, v, 10)
}

func (p printer) pointer(dst []byte, v uint64) []byte {
	if p.json {
		return strconv.AppendUint(dst, v, 10)
	}
	return strconv.AppendUint(append(dst, "0x"...), v, 16)
}

func (p printer) float(dst []byte, r resolved, v uint64) []byte {
	f := math.Float64frombits(v)
	if r.Size == 4 {
		f = float64(math.Float32frombits(uint32(v)))
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(dst, "null"...)
	}
	return strconv.AppendFloat(dst, f, 'g', -1, int(r.Size)*8)
}

// bitField reads bits little-endian, as BTF counts them.
func (p printer) bitField(dst []byte, f field, b []byte) []byte {
	r, ok := f.typ.resolve()
	last := int(f.bitOff+f.bitSize-1) / 8
	if !ok || last >= len(b) || f.bitSize > 64 {
		return append(dst, "null"...)
	}
	var v uint64
	for i := uint32(0); i < f.bitSize; i++ {
		bit := f.bitOff + i
		v |= uint64(b[bit/8]>>(bit%8)&1) << i
	}
	switch r.Kind {
	case btfx.KindEnum, btfx.KindEnum64:
		return p.enum(dst, r, v)
	}
	return p.integer(dst, r, v, f.bitSize)
}

func (p printer) untyped(dst []byte, b []byte) []byte {
	if v, ok := load(b, len(b)); ok {
		return strconv.AppendUint(dst, v, 10)
	}
	return p.plainString(dst, hex.EncodeToString(b))
}

func (p printer) key(dst []byte, name string) []byte { return p.plainString(dst, name) }

func (p printer) comma() string {
	if p.json {
		return ","
	}
	return ", "
}

func (p printer) colon() string {
	if p.json {
		return ":"
	}
	return ": "
}

// plainString appends a string that needs no quotes in text.
func (p printer) plainString(dst []byte, s string) []byte {
	if !p.json {
		return append(dst, s...)
	}
	return p.quoted(dst, s)
}

func (p printer) quoted(dst []byte, s string) []byte {
	if !p.json {
		return strconv.AppendQuote(dst, s)
	}
	q, _ := json.Marshal(s) // a string always marshals
	return append(dst, q...)
}

// load reads an unsigned little-endian number of 1, 2, 4 or 8 bytes.
func load(b []byte, size int) (uint64, bool) {
	if len(b) < size {
		return 0, false
	}
	switch size {
	case 1:
		return uint64(b[0]), true
	case 2:
		return uint64(binary.LittleEndian.Uint16(b)), true
	case 4:
		return uint64(binary.LittleEndian.Uint32(b)), true
	case 8:
		return binary.LittleEndian.Uint64(b), true
	}
	return 0, false
}

func signExtend(v uint64, bits uint32) int64 {
	shift := 64 - bits
	return int64(v<<shift) >> shift
}
