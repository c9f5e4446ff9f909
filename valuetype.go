// This file defines ValueType: how values of maps are read and written by people.

package skep

import (
	"fmt"

	"github.com/skepbpf/skep/internal/btfval"
	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
)

// ValueType is the type of a map's keys or values, of a variable or of an
// event, as BTF has it. The zero ValueType is "unknown": values of 1, 2, 4 and
// 8 bytes are numbers then, others hexadecimal text.
//
// Decl tags in the object refine it: skep:ip, skep:mac and skep:prefix on a type
// or a member say that people write it as an address; skep:key:NAME on a map
// that its keys are of the enum or struct NAME; skep:event:NAME on a ring buffer
// that its records are of the struct NAME.
type ValueType struct{ t btfval.Type }

// Known reports whether there is a type.
func (t ValueType) Known() bool { return t.t.Known() }

// Size is the type's size in bytes, 0 when it is unknown.
func (t ValueType) Size() int { return t.t.Size() }

// JSON returns b, a value of the type, as JSON: numbers for integers, enums and
// pointers, strings for char arrays, objects for structs.
func (t ValueType) JSON(b []byte) []byte { return t.t.AppendJSON(nil, b) }

// Text returns b, a value of the type, as one line for people.
func (t ValueType) Text(b []byte) string { return string(t.t.AppendText(nil, b)) }

// Columns names the members of a struct that is shown as a row of a table; nil
// for types that are one cell.
func (t ValueType) Columns() []string { return t.t.Columns() }

// Cells returns b, a value of the type, as text: a cell for each of Columns, or
// one.
func (t ValueType) Cells(b []byte) []string { return t.t.AppendCells(nil, b) }

// IsNumber reports whether values of the type are one plain integer.
func (t ValueType) IsNumber() bool { return t.t.IsNumber() }

// Parse returns the bytes of a value that somebody typed: a number, a name of an
// enum, text for char arrays, JSON for arrays and structs. size is the value's
// size in bytes, which matters when the type is unknown.
func (t ValueType) Parse(size int, text string) ([]byte, error) { return t.t.Parse(size, text) }

// TypeNamed returns the object's struct, union, enum or typedef of a name.
func (c *Collection) TypeNamed(name string) (ValueType, error) {
	t, ok := btfval.Find(c.btf, name)
	if !ok {
		return ValueType{}, fmt.Errorf("type %q: %w in the object's BTF", name, ErrNotFound)
	}
	return ValueType{t}, nil
}

// MapShape says what a map holds and how people look at it.
type MapShape struct {
	Key, Value ValueType
	// Event is the type of a ring buffer's records: a ring buffer's definition
	// has none, so a decl tag skep:event:NAME says it.
	Event ValueType
	// EventName is the name in that tag, "" without one. Event is unknown all
	// the same when the object's BTF has no such struct.
	EventName string

	Variables bool // the map is a data section: its only value has the variables
	Array     bool // keys are indexes, all of which exist
	PerCPU    bool // a value for each CPU
	Ring      bool // a ring buffer
	Data      bool // entries are bytes: neither a ring buffer nor programs or maps
}

// MapShape describes the map of a name; unknown names give the zero MapShape.
func (c *Collection) MapShape(name string) MapShape {
	m := c.Maps[name]
	if m == nil {
		return MapShape{}
	}
	s := m.inner.Spec()
	shape := MapShape{
		Key:       ValueType{btfval.Type{Spec: s.BTF, ID: s.KeyTypeID}},
		Value:     ValueType{btfval.Type{Spec: s.BTF, ID: s.ValueTypeID}},
		Variables: s.Section != "" && len(variablesOf(s)) > 0,
		Array:     s.Type == bytecode.MapArray || s.Type == bytecode.MapPerCPUArray,
		PerCPU:    m.inner.PerCPU(),
		Ring:      s.Type == bytecode.MapRingbuf,
		Data:      !notData[s.Type],
	}
	tags := mapTags(c.btf, s)
	if t, ok := taggedType(c.btf, tags, "key"); ok && t.Size() == int(s.KeySize) {
		shape.Key = t
	}
	shape.Event, _ = taggedType(c.btf, tags, "event")
	shape.EventName, _ = btfval.Tag(tags, "event")
	return shape
}

// notData are the kinds whose entries mean nothing as bytes.
var notData = map[bytecode.MapType]bool{
	bytecode.MapRingbuf: true, bytecode.MapUserRingbuf: true, bytecode.MapProgArray: true,
	bytecode.MapPerfEventArray: true, bytecode.MapArrayOfMaps: true, bytecode.MapHashOfMaps: true,
	bytecode.MapStructOps: true, bytecode.MapArena: true, bytecode.MapBloomFilter: true,
}

// mapTags are the decl tags on a map's definition.
func mapTags(btf *btfx.Spec, s *bytecode.MapSpec) []string {
	if btf == nil {
		return nil
	}
	id, ok := btf.Find(s.Name, btfx.KindVar)
	if !ok {
		return nil
	}
	return btf.DeclTags(id, -1)
}

func taggedType(btf *btfx.Spec, tags []string, tag string) (ValueType, bool) {
	name, ok := btfval.Tag(tags, tag)
	if !ok {
		return ValueType{}, false
	}
	t, ok := btfval.Find(btf, name)
	return ValueType{t}, ok
}
