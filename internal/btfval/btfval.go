// This file defines the walk from a value's bytes to its parts, by its type.

// Package btfval reads and writes values by their BTF types: what a map holds
// or a ring buffer brings, as JSON and as text for people, and back from what
// somebody typed. It takes bytes and a btfx.Spec; the command and test helpers
// come next. It must not import a map or the engine: it knows bytes only.
//
// Decl tags on a type or a struct member say how people write it:
//
//	skep:ip      4 or 16 bytes in network order: 192.0.2.1, 2001:db8::1
//	skep:prefix  a longest-prefix-match key {u32 length; address}: 192.0.2.0/24
//	skep:mac     6 bytes: 02:00:00:00:00:01
//
// An IPv4 address in 16 bytes is ::ffff:a.b.c.d, its prefix 96 bits longer.
package btfval

import (
	"github.com/skepbpf/skep/internal/btfx"
)

// maxDepth bounds the nesting that is followed: no useful value is deeper, and
// BTF from an object file may be circular.
const maxDepth = 32

// maxNodes bounds the parts of one value that are looked at: hostile BTF may say
// that a few bytes are a great many overlapping parts. What is beyond is null.
const maxNodes = 1 << 18

// budget counts down from maxNodes.
type budget int

func (b *budget) spend() (ok bool) {
	*b--
	return *b >= 0
}

// Type is a type and the BTF that it lives in. The zero Type is "unknown":
// values of 1, 2, 4 and 8 bytes are numbers then, others hexadecimal text.
type Type struct {
	Spec *btfx.Spec
	ID   btfx.ID
}

// Known reports whether there is a type to decode by.
func (t Type) Known() bool { return t.Spec != nil && t.ID != 0 }

// Size returns the type's size in bytes, 0 when it has none.
func (t Type) Size() int {
	if !t.Known() {
		return 0
	}
	n, _ := t.Spec.SizeOf(t.ID)
	return int(n)
}

// Find returns the first struct, union, typedef or enum with the given name;
// "struct flow" and "flow" are the same.
func Find(spec *btfx.Spec, name string) (Type, bool) {
	if spec == nil {
		return Type{}, false
	}
	for _, k := range namedKinds {
		if id, ok := spec.Find(trimKeyword(name), k); ok {
			return Type{spec, id}, true
		}
	}
	return Type{}, false
}

var namedKinds = []btfx.Kind{
	btfx.KindStruct, btfx.KindUnion, btfx.KindTypedef, btfx.KindEnum, btfx.KindEnum64, btfx.KindInt,
}

// resolved is a type without its names and qualifiers, and how they say that
// it is written.
type resolved struct {
	*btfx.Type
	format *format
	isChar bool
}

// resolve strips modifiers from t. The outermost format tag wins. ok is false
// for ids that lead nowhere.
func (t Type) resolve() (r resolved, ok bool) {
	id := t.ID
	for range maxDepth {
		typ := t.Spec.Type(id)
		if typ == nil {
			return r, false
		}
		if r.format == nil {
			r.format = findFormat(t.Spec.DeclTags(id, -1))
		}
		if !typ.Kind.IsModifier() {
			r.Type = typ
			r.isChar = typ.Kind == btfx.KindInt && typ.Size == 1 && typ.Name == "char"
			return r, true
		}
		id = typ.Type
	}
	return r, false
}

// field is one named part of a struct, union or data section.
type field struct {
	name     string
	typ      Type
	off      int // bytes
	bitOff   uint32
	bitSize  uint32 // 0 unless a bit field
	override *format
}

// fields lists the parts of a struct, union or data section; parts of
// anonymous members count as the outer struct's, as in C.
func (t Type) fields(r resolved, b *budget) []field { return t.appendFields(nil, r, 0, 0, b) }

func (t Type) appendFields(out []field, r resolved, base uint32, depth int, b *budget) []field {
	if depth > maxDepth {
		return out
	}
	for i, m := range r.Members {
		if !b.spend() {
			return out
		}
		inner := Type{t.Spec, m.Type}
		if m.Name == "" {
			if ir, ok := inner.resolve(); ok && isAggregate(ir.Kind) {
				out = t.appendFields(out, ir, base+m.BitOffset, depth+1, b)
			}
			continue
		}
		bit := base + m.BitOffset
		out = append(out, field{
			name: m.Name, typ: inner, off: int(bit / 8), bitOff: bit, bitSize: m.BitSize,
			override: findFormat(t.Spec.DeclTags(r.ID, int32(i))),
		})
	}
	for _, v := range r.Vars {
		if !b.spend() {
			return out
		}
		if vt := t.Spec.Type(v.Type); vt != nil {
			out = append(out, field{name: vt.Name, typ: Type{t.Spec, vt.Type}, off: int(v.Offset), bitOff: v.Offset * 8})
		}
	}
	return out
}

func isAggregate(k btfx.Kind) bool {
	return k == btfx.KindStruct || k == btfx.KindUnion || k == btfx.KindDatasec
}
