// This file defines what CO-RE relocations ask of fields: offsets, sizes, signs and shifts.

package object

import (
	"errors"

	"github.com/skepbpf/skep/internal/btfx"
)

// field is where a field lies and how it is loaded.
type field struct {
	typ      *btfx.Type // nil for a bit field, which is loaded and shifted
	byteOff  uint32
	byteSize uint32 // of the load
	bitOff   uint32
	bitSize  uint32
	isBits   bool
	signed   bool
}

func calculateField(kind coreKind, local, target *coreSpec) (coreValue, error) {
	if kind == coreFieldExists {
		return coreValue{local: 1, target: uint64(boolInt(target != nil))}, nil
	}
	if target == nil {
		return coreValue{poison: true}, nil
	}
	lf, err := local.field(kind)
	if err != nil {
		return coreValue{}, err
	}
	tf, err := target.field(kind)
	if err != nil {
		return coreValue{}, err
	}
	v := coreValue{local: lf.value(kind), target: tf.value(kind)}
	// Only the sign and the right shift of a bit field are beyond doubt.
	v.unchecked = lf.isBits && kind != coreFieldSigned && kind != coreFieldRShift
	if kind == coreFieldOffset {
		v.localSize, v.targetSize = lf.loadSize(), tf.loadSize()
		v.badSize = v.localSize != v.targetSize && !resizable(lf.typ, tf.typ)
	}
	return v, nil
}

// field describes what the last step leads to.
func (s *coreSpec) field(kind coreKind) (field, error) {
	last := s.steps[len(s.steps)-1]
	if last.name == "" {
		if kind != coreFieldOffset && kind != coreFieldSize {
			return field{}, errors.New("not possible for an element of an array")
		}
		return s.wholeBytes(last.typ)
	}
	m := last.typ.Members[last.index]
	t := s.btf.Strip(m.Type)
	if t == nil {
		return field{}, errAccess
	}
	if m.BitSize > 0 {
		return s.bitField(t, m.BitSize)
	}
	return s.wholeBytes(t)
}

func (s *coreSpec) wholeBytes(t *btfx.Type) (field, error) {
	size, ok := s.btf.SizeOf(t.ID)
	if !ok {
		return field{}, errors.New("a field without a size")
	}
	return field{
		typ: t, byteOff: s.bits / 8, byteSize: size,
		bitOff: s.bits, bitSize: size * 8, signed: isSigned(t),
	}, nil
}

// bitField finds the smallest aligned load that has all bits of the field.
func (s *coreSpec) bitField(t *btfx.Type, bits uint32) (field, error) {
	f := field{bitOff: s.bits, bitSize: bits, isBits: true, signed: isSigned(t)}
	for size := t.Size; size > 0 && size <= 8; size *= 2 {
		f.byteSize, f.byteOff = size, s.bits/8/size*size
		if f.bitOff+f.bitSize-f.byteOff*8 <= size*8 {
			return f, nil
		}
	}
	return field{}, errors.New("a bit field that no load of up to 8 bytes covers")
}

func isSigned(t *btfx.Type) bool {
	switch t.Kind {
	case btfx.KindInt:
		return t.IntEncoding&btfIntSigned != 0
	case btfx.KindEnum, btfx.KindEnum64:
		return t.KindFlag
	}
	return false
}

// value is what a relocation of that kind puts into the instruction. The
// shifts bring a bit field that was loaded into 64 bits to the top and down
// again.
func (f *field) value(kind coreKind) uint64 {
	switch kind {
	case coreFieldOffset:
		return uint64(f.byteOff)
	case coreFieldSize:
		return uint64(f.byteSize)
	case coreFieldSigned:
		return uint64(boolInt(f.signed))
	case coreFieldLShift:
		return uint64(64 - (f.bitOff + f.bitSize - f.byteOff*8))
	}
	return uint64(64 - f.bitSize)
}

// loadSize is the size of a load of the field, 0 when loads stay as they are.
func (f *field) loadSize() uint32 {
	if f.isBits {
		return 0
	}
	return f.byteSize
}

// resizable reports whether a load of one type may become a load of another
// size of the other: pointers, which 64 bits hold whatever their size, and
// unsigned numbers, which are extended with zeros.
func resizable(local, target *btfx.Type) bool {
	if local == nil || target == nil {
		return false
	}
	unsigned := func(t *btfx.Type) bool { return t.Kind == btfx.KindInt && t.IntEncoding != btfIntSigned }
	return local.Kind == btfx.KindPtr && target.Kind == btfx.KindPtr || unsigned(local) && unsigned(target)
}
