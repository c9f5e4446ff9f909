// This file defines Builder, which writes BTF.

package btfx

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Builder makes a BTF blob: from nothing, on top of a base, or as an edited
// copy of a Spec. It is not safe for concurrent use.
type Builder struct {
	base    *Spec
	firstID ID
	types   []*Type
	strs    []byte
	strBase uint32
	offs    map[string]uint32
}

// NewBuilder makes an empty Builder. With a base the result is split BTF whose
// ids continue base's.
func NewBuilder(base *Spec) *Builder {
	b := &Builder{base: base, firstID: 1, offs: map[string]uint32{"": 0}}
	if base == nil {
		b.strs = []byte{0}
		return b
	}
	b.firstID = base.NextID()
	b.strBase = base.strBase + uint32(len(base.strs))
	return b
}

// Edit makes a Builder that holds a copy of s. Ids and string offsets stay as
// they are, so that what refers to s by them refers to the result as well.
func Edit(s *Spec) *Builder {
	b := NewBuilder(s.base)
	b.strs = []byte(s.strs)
	for off := 0; off < len(s.strs); {
		str := s.String(s.strBase + uint32(off))
		if _, ok := b.offs[str]; !ok {
			b.offs[str] = s.strBase + uint32(off)
		}
		off += len(str) + 1
	}
	for i := range s.offs {
		b.types = append(b.types, s.decode(s.firstID+ID(i)))
	}
	return b
}

// String returns the offset of a string, which is added when it is new.
func (b *Builder) String(s string) uint32 {
	off, ok := b.offs[s]
	if !ok {
		off = b.strBase + uint32(len(b.strs))
		b.strs = append(append(b.strs, s...), 0)
		b.offs[s] = off
	}
	return off
}

// Add appends a type and returns its id; t.ID is ignored. t may refer to ids
// that are added later.
func (b *Builder) Add(t Type) ID {
	t.ID = b.NextID()
	b.types = append(b.types, &t)
	return t.ID
}

// NextID is the id that the next Add gives.
func (b *Builder) NextID() ID { return b.firstID + ID(len(b.types)) }

// Type returns a type for the caller to change in place; nil for void, an id
// of the base and one that does not exist.
func (b *Builder) Type(id ID) *Type {
	if id < b.firstID || id >= b.NextID() {
		return nil
	}
	return b.types[id-b.firstID]
}

// Bytes encodes the types, little-endian.
func (b *Builder) Bytes() ([]byte, error) {
	var e encoder
	for _, t := range b.types {
		if err := e.typ(b, t); err != nil {
			return nil, fmt.Errorf("BTF type %d: %w", t.ID, err)
		}
	}
	le := binary.LittleEndian
	out := le.AppendUint16(nil, magic)
	out = append(out, 1, 0)
	for _, v := range []int{headerLen, 0, len(e), len(e), len(b.strs)} {
		out = le.AppendUint32(out, uint32(v))
	}
	return append(append(out, e...), b.strs...), nil
}

// Spec encodes the types and parses the result, which checks it.
func (b *Builder) Spec() (*Spec, error) {
	raw, err := b.Bytes()
	if err != nil {
		return nil, err
	}
	return Parse(raw, b.base)
}

// encoder is the type section as it grows.
type encoder []byte

func (e *encoder) u32(vs ...uint32) {
	for _, v := range vs {
		*e = binary.LittleEndian.AppendUint32(*e, v)
	}
}

// typ appends one type: the common words, then what its kind adds.
func (e *encoder) typ(b *Builder, t *Type) error {
	vlen := t.vlen()
	if vlen > 0xffff {
		return errors.New("more than 65535 members, parameters or values")
	}
	info := uint32(vlen) | uint32(t.Kind)<<24
	if t.KindFlag {
		info |= 1 << 31
	}
	e.u32(b.String(t.Name), info, t.sizeOrType())
	switch t.Kind {
	case KindInt:
		e.u32(uint32(t.IntEncoding)<<24 | uint32(t.IntOffset)<<16 | uint32(t.IntBits))
	case KindArray:
		e.u32(t.Type, t.Index, t.Nelems)
	case KindVar:
		e.u32(t.Linkage)
	case KindDeclTag:
		e.u32(uint32(t.ComponentIdx))
	case KindStruct, KindUnion:
		e.members(b, t)
	case KindEnum, KindEnum64:
		e.enums(b, t)
	case KindFuncProto:
		for _, p := range t.Params {
			e.u32(b.String(p.Name), p.Type)
		}
	case KindDatasec:
		for _, v := range t.Vars {
			e.u32(v.Type, v.Offset, v.Size)
		}
	}
	return nil
}

func (e *encoder) members(b *Builder, t *Type) {
	for _, m := range t.Members {
		off := m.BitOffset
		if t.KindFlag {
			off |= m.BitSize << 24
		}
		e.u32(b.String(m.Name), m.Type, off)
	}
}

func (e *encoder) enums(b *Builder, t *Type) {
	for _, v := range t.Enums {
		e.u32(b.String(v.Name), uint32(v.Value))
		if t.Kind == KindEnum64 {
			e.u32(uint32(v.Value >> 32))
		}
	}
}

// vlen is what the vlen bits of the encoding hold.
func (t *Type) vlen() int {
	if t.Kind == KindFunc {
		return int(t.Linkage)
	}
	return len(t.Members) + len(t.Params) + len(t.Enums) + len(t.Vars)
}

// sizeOrType is the third common word.
func (t *Type) sizeOrType() uint32 {
	switch t.Kind {
	case KindInt, KindStruct, KindUnion, KindEnum, KindEnum64, KindFloat, KindDatasec:
		return t.Size
	case KindArray, KindFwd:
		return 0
	}
	return t.Type
}
