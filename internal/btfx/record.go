// This file defines one encoded type, read in place.

package btfx

import "encoding/binary"

// record is the encoding of one type: three words that all kinds have, then
// what the kind adds.
//
//	0        4                       8            12
//	name_off info(kflag kind vlen)   size or type  …
type record struct {
	order binary.ByteOrder
	b     []byte
}

// record returns the encoding of a type that s or its base has.
func (s *Spec) record(id ID) record {
	for s.base != nil && id < s.firstID {
		s = s.base
	}
	return record{s.order, s.types[s.offs[id-s.firstID]:]}
}

func (r record) u32(i int) uint32 { return r.order.Uint32(r.b[i:]) }
func (r record) kind() Kind       { return Kind(r.u32(4) >> 24 & 0x1f) }
func (r record) vlen() int        { return int(r.u32(4) & 0xffff) }

// elems says, by kind, how the list behind the common words is laid out: the
// size of an element, and where in it a name and a reference are (-1: nowhere).
var elems = [32]struct{ size, name, ref int }{
	KindStruct:    {12, 0, 4},
	KindUnion:     {12, 0, 4},
	KindEnum:      {8, 0, -1},
	KindEnum64:    {12, 0, -1},
	KindFuncProto: {8, 0, 4},
	KindDatasec:   {12, -1, 0},
}

// names visits the string offsets of members, parameters and enumerators.
func (r record) names(visit func(off uint32)) {
	if e := elems[r.kind()]; e.size > 0 && e.name >= 0 {
		for i := range r.vlen() {
			visit(r.u32(12 + i*e.size + e.name))
		}
	}
}

// refs visits the ids that the type refers to, void included.
func (r record) refs(visit func(ID)) {
	k := r.kind()
	switch k {
	case KindInt, KindStruct, KindUnion, KindEnum, KindEnum64, KindFloat, KindFwd, KindDatasec:
	case KindArray:
		visit(r.u32(12))
		visit(r.u32(16))
	default:
		visit(r.u32(8))
	}
	if e := elems[k]; e.size > 0 && e.ref >= 0 {
		for i := range r.vlen() {
			visit(r.u32(12 + i*e.size + e.ref))
		}
	}
}
