// This file defines how an encoded type is decoded, the reverse of encoder.

package btfx

// decode decodes a type that s itself has. Each call gives a fresh one.
func (s *Spec) decode(id ID) *Type {
	d := decoder{record: s.record(id), s: s}
	t := &Type{ID: id, Kind: d.kind(), KindFlag: d.u32(4)>>31 != 0, Name: s.String(d.u32(0))}
	switch t.Kind {
	case KindInt, KindStruct, KindUnion, KindEnum, KindEnum64, KindFloat, KindDatasec:
		t.Size = d.u32(8)
	case KindArray:
		t.Type, t.Index, t.Nelems = d.u32(12), d.u32(16), d.u32(20)
	case KindFwd:
	default:
		t.Type = d.u32(8)
	}
	switch t.Kind {
	case KindInt:
		bits := d.u32(12)
		t.IntEncoding, t.IntOffset, t.IntBits = uint8(bits>>24&0xf), uint8(bits>>16), uint8(bits)
	case KindStruct, KindUnion:
		t.Members = d.members(t.KindFlag)
	case KindEnum, KindEnum64:
		t.Enums = d.enums(t.Kind, t.KindFlag)
	case KindFuncProto:
		t.Params = d.params()
	case KindFunc:
		t.Linkage = uint32(d.vlen())
	case KindVar:
		t.Linkage = d.u32(12)
	case KindDatasec:
		t.Vars = d.vars()
	case KindDeclTag:
		t.ComponentIdx = int32(d.u32(12))
	}
	return t
}

// decoder is a record whose names can be looked up.
type decoder struct {
	record
	s *Spec
}

func (d decoder) name(at int) string { return d.s.String(d.u32(at)) }

// members decodes those of structs and unions. With the kind flag the upper
// eight bits of an offset are the size of a bit field.
func (d decoder) members(flag bool) []Member {
	out := make([]Member, d.vlen())
	for i := range out {
		at := 12 + i*12
		m := Member{Name: d.name(at), Type: d.u32(at + 4), BitOffset: d.u32(at + 8)}
		if flag {
			m.BitSize, m.BitOffset = m.BitOffset>>24, m.BitOffset&0xffffff
		}
		out[i] = m
	}
	return out
}

// enums decodes enumerators. With the kind flag values are signed.
func (d decoder) enums(k Kind, flag bool) []EnumValue {
	out := make([]EnumValue, d.vlen())
	for i := range out {
		at := 12 + i*elems[k].size
		v := uint64(d.u32(at + 4))
		switch {
		case k == KindEnum64:
			v |= uint64(d.u32(at+8)) << 32
		case flag:
			v = uint64(int64(int32(v)))
		}
		out[i] = EnumValue{Name: d.name(at), Value: v}
	}
	return out
}

func (d decoder) params() []Param {
	out := make([]Param, d.vlen())
	for i := range out {
		at := 12 + i*8
		out[i] = Param{Name: d.name(at), Type: d.u32(at + 4)}
	}
	return out
}

func (d decoder) vars() []VarSecinfo {
	out := make([]VarSecinfo, d.vlen())
	for i := range out {
		at := 12 + i*12
		out[i] = VarSecinfo{Type: d.u32(at), Offset: d.u32(at + 4), Size: d.u32(at + 8)}
	}
	return out
}
