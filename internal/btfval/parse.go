// This file defines how a value that somebody typed becomes bytes.

package btfval

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/skepbpf/skep/internal/btfx"
)

// Parse gives the bytes of a value of type t, size bytes long, that is written
// as text: numbers in Go's notation (10, -1, 0x1f), true and false, names of an
// enum, text for char arrays, JSON for arrays and structs (members that are left
// out are 0), and what the formats take. size matters for unknown types only.
func (t Type) Parse(size int, text string) ([]byte, error) {
	if !t.Known() {
		return parseUntyped(size, text)
	}
	b := make([]byte, t.Size())
	if len(b) == 0 {
		return nil, errors.New("type has no size")
	}
	return b, parser{}.text(t, text, b, nil)
}

type parser struct{ depth int }

// text parses a value as it stands on a command line.
func (p parser) text(t Type, s string, b []byte, f *format) error {
	r, ok := t.resolve()
	if !ok {
		return errors.New("unknown type")
	}
	if f = cmpFormat(f, r.format); f != nil && !strings.HasPrefix(s, "{") && !strings.HasPrefix(s, "[") {
		return f.parse(s, b)
	}
	if t.isText(r) && !strings.HasPrefix(s, `"`) {
		return putString(s, b)
	}
	if !isAggregate(r.Kind) && r.Kind != btfx.KindArray {
		return p.scalar(r, s, b)
	}
	dec := json.NewDecoder(bytes.NewReader([]byte(s)))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return fmt.Errorf("%s wants JSON: %w", describe(r), err)
	}
	switch v := v.(type) {
	case []any, map[string]any:
		return p.json(t, v, b, f)
	case string:
		if t.isText(r) {
			return putString(v, b)
		}
	}
	return fmt.Errorf("%s is not %s", s, describe(r))
}

// json stores a decoded JSON value.
func (p parser) json(t Type, v any, b []byte, f *format) error {
	if p.depth++; p.depth > maxDepth {
		return errors.New("nested too deeply")
	}
	switch v := v.(type) {
	case string:
		return p.text(t, v, b, f)
	case json.Number:
		return p.text(t, v.String(), b, f)
	case bool:
		return p.text(t, strconv.FormatBool(v), b, f)
	case []any:
		return p.array(t, v, b)
	case map[string]any:
		return p.object(t, v, b)
	}
	return fmt.Errorf("unexpected %v", v)
}

func (p parser) array(t Type, vs []any, b []byte) error {
	r, ok := t.resolve()
	if !ok || r.Kind != btfx.KindArray {
		return fmt.Errorf("%s is not an array", describe(r))
	}
	if len(vs) > int(r.Nelems) {
		return fmt.Errorf("%d elements for an array of %d", len(vs), r.Nelems)
	}
	elem := Type{t.Spec, r.Type.Type}
	size := elem.Size()
	for i, v := range vs {
		if err := p.json(elem, v, b[i*size:][:size], nil); err != nil {
			return fmt.Errorf("[%d]: %w", i, err)
		}
	}
	return nil
}

func (p parser) object(t Type, vs map[string]any, b []byte) error {
	r, ok := t.resolve()
	if !ok || !isAggregate(r.Kind) {
		return fmt.Errorf("%s is not a struct", describe(r))
	}
	left := budget(maxNodes)
	fields := t.fields(r, &left)
	for name, v := range vs {
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
		if i < 0 {
			return fmt.Errorf("no member %q", name)
		}
		if err := p.member(fields[i], v, b); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func (p parser) member(f field, v any, b []byte) error {
	if f.bitSize > 0 {
		return errors.New("bit fields cannot be set")
	}
	size := f.typ.Size()
	if f.off+size > len(b) {
		return errors.New("lies outside its struct")
	}
	return p.json(f.typ, v, b[f.off:][:size], f.override)
}

func (p parser) scalar(r resolved, s string, b []byte) error {
	switch r.Kind {
	case btfx.KindInt, btfx.KindPtr:
		return putInteger(r, s, b)
	case btfx.KindEnum, btfx.KindEnum64:
		for _, e := range r.Enums {
			if e.Name == s {
				return store(b, e.Value)
			}
		}
		return putInteger(r, s, b)
	case btfx.KindFloat:
		return putFloat(s, b)
	}
	return fmt.Errorf("%s cannot be set", describe(r))
}

func putInteger(r resolved, s string, b []byte) error {
	const boolean = 4
	if r.Kind == btfx.KindInt && r.IntEncoding&boolean != 0 {
		v, err := strconv.ParseBool(s)
		if err != nil {
			return fmt.Errorf("%q is neither true nor false", s)
		}
		if v {
			return store(b, 1)
		}
		return store(b, 0)
	}
	return putNumber(s, b, r.isSigned())
}

// putNumber stores s in all of b; a negative number is welcome in signed types
// only, so that nobody sets a limit to 2^64-1 by accident.
func putNumber(s string, b []byte, signed bool) error {
	bits := len(b) * 8
	if signed {
		v, err := strconv.ParseInt(s, 0, bits)
		if err != nil {
			return numberError(s, "signed", bits, err)
		}
		return store(b, uint64(v))
	}
	v, err := strconv.ParseUint(s, 0, bits)
	if err != nil {
		return numberError(s, "unsigned", bits, err)
	}
	return store(b, v)
}

func numberError(s, sign string, bits int, err error) error {
	if errors.Is(err, strconv.ErrRange) {
		return fmt.Errorf("%s does not fit in %d bits %s", s, bits, sign)
	}
	return fmt.Errorf("%q is not an %s number", s, sign)
}

func (r resolved) isSigned() bool {
	if r.Kind == btfx.KindInt {
		return r.IntEncoding&1 != 0
	}
	return r.KindFlag && r.Kind != btfx.KindPtr
}

func putFloat(s string, b []byte) error {
	v, err := strconv.ParseFloat(s, len(b)*8)
	if err != nil {
		return fmt.Errorf("%q is not a number", s)
	}
	if len(b) == 4 {
		return store(b, uint64(math.Float32bits(float32(v))))
	}
	return store(b, math.Float64bits(v))
}

func putString(s string, b []byte) error {
	if len(s) > len(b) {
		return fmt.Errorf("text of %d bytes for a char array of %d", len(s), len(b))
	}
	clear(b[copy(b, s):])
	return nil
}

// parseUntyped takes a number for a value without a type.
func parseUntyped(size int, s string) ([]byte, error) {
	b := make([]byte, size)
	switch size {
	case 1, 2, 4, 8:
		return b, putNumber(s, b, strings.HasPrefix(s, "-"))
	}
	return nil, fmt.Errorf("%d bytes without a type", size)
}

func store(b []byte, v uint64) error {
	switch len(b) {
	case 1:
		b[0] = byte(v)
	case 2:
		binary.LittleEndian.PutUint16(b, uint16(v))
	case 4:
		binary.LittleEndian.PutUint32(b, uint32(v))
	case 8:
		binary.LittleEndian.PutUint64(b, v)
	default:
		return fmt.Errorf("number of %d bytes", len(b))
	}
	return nil
}

// isText reports whether the type is an array of char.
func (t Type) isText(r resolved) bool {
	if r.Kind != btfx.KindArray {
		return false
	}
	er, ok := Type{t.Spec, r.Type.Type}.resolve()
	return ok && er.isChar
}

func cmpFormat(f, g *format) *format {
	if f != nil {
		return f
	}
	return g
}

var kindNames = map[btfx.Kind]string{
	btfx.KindStruct: "a struct", btfx.KindUnion: "a union", btfx.KindDatasec: "a data section",
	btfx.KindArray: "an array", btfx.KindInt: "an integer", btfx.KindPtr: "a pointer",
}

func describe(r resolved) string {
	if r.Type != nil {
		if s := kindNames[r.Kind]; s != "" {
			return s
		}
	}
	return "this type"
}
