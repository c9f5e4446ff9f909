// This file defines the kernel's rules for each kind of type.

package btfx

import "fmt"

// intMask are the bits of an integer's word that mean something.
const intMask = 0x0fffffff

func (v validation) integer() error {
	t := v.t
	bits := uint32(t.IntBits) + uint32(t.IntOffset)
	switch {
	case v.rec.u32(12)&^intMask != 0:
		return reason("Invalid int_data")
	case bits > 128:
		return reason("nr_bits exceeds 128")
	case (bits+7)/8 > t.Size:
		return reason("nr_bits exceeds type_size")
	case t.IntEncoding&(t.IntEncoding-1) != 0 || t.IntEncoding > 4:
		return reason("Unsupported encoding")
	}
	return nil
}

// isRegular: a whole number of bytes that C has an integer of.
func (t *Type) isRegular() bool {
	switch t.IntBits {
	case 8, 16, 32, 64, 128:
		return t.IntOffset == 0
	}
	return false
}

// reference is the rule of pointers, names and qualifiers.
func (v validation) reference() error {
	switch v.t.Kind {
	case KindTypedef:
		if !isIdentifier(v.t.Name) {
			return errInvalidName
		}
	case KindTypeTag:
		if v.t.Name == "" {
			return errInvalidName
		}
	default:
		if v.rec.u32(0) != 0 {
			return errInvalidName
		}
	}
	end, ok := v.ends(v.t.Type)
	if !ok {
		return errInvalidType
	}
	if _, sized := v.s.SizeOf(end.ID); !sized && end.Kind == KindArray {
		return errInvalidType
	}
	if v.t.Kind.IsModifier() && v.t.Kind != KindTypeTag && v.s.Type(v.t.Type).Kind == KindTypeTag {
		return reason("Type tags don't precede modifiers")
	}
	return nil
}

func (v validation) array() error {
	if v.rec.u32(0) != 0 {
		return errInvalidName
	}
	if v.rec.u32(8) != 0 {
		return reason("size != 0")
	}
	index, _, ok := v.sized(v.t.Index)
	if !ok || index.Kind != KindInt || !index.isRegular() {
		return reason("Invalid index")
	}
	elem, size, ok := v.sized(v.t.Type)
	switch {
	case !ok:
		return reason("Invalid elem")
	case elem.Kind == KindInt && !elem.isRegular():
		return reason("Invalid array of int")
	case uint64(size)*uint64(v.t.Nelems) > 1<<32-1:
		return reason("Array size overflows U32_MAX")
	}
	return nil
}

func (v validation) composite() error {
	if v.rec.u32(0) != 0 && !isIdentifier(v.t.Name) {
		return errInvalidName
	}
	last := uint32(0)
	for i, m := range v.t.Members {
		if v.rec.u32(12+i*12) != 0 && !isIdentifier(m.Name) {
			return fmt.Errorf("member %d: %w", i, errInvalidName)
		}
		if m.Type == 0 {
			return fmt.Errorf("member %q: %w", m.Name, errInvalidType)
		}
		if v.t.Kind == KindUnion && m.BitOffset != 0 || m.BitOffset < last {
			return fmt.Errorf("member %q: %w", m.Name, reason("Invalid member bits_offset"))
		}
		last = m.BitOffset
		if err := v.member(m); err != nil {
			return fmt.Errorf("member %q: %w", m.Name, err)
		}
	}
	return nil
}

// member checks that a member lies inside its struct.
func (v validation) member(m Member) error {
	t, size, ok := v.sized(m.Type)
	if !ok {
		return reason("Invalid member")
	}
	bits := uint64(size) * 8
	switch t.Kind {
	case KindInt:
		bits = uint64(t.IntBits) + uint64(t.IntOffset)
		if v.t.KindFlag && !t.isRegular() {
			return reason("Invalid member base type")
		}
		if m.BitOffset%8+uint32(bits) > 128 {
			return reason("nr_copy_bits exceeds 128")
		}
	case KindEnum, KindEnum64:
		if v.t.KindFlag {
			bits = 32
		}
	}
	bitsAllowed := t.Kind == KindInt || t.Kind == KindEnum || t.Kind == KindEnum64
	switch {
	case m.BitSize != 0 && (!bitsAllowed || uint64(m.BitSize) > bits):
		return reason("Invalid member bitfield_size")
	case m.BitSize != 0:
		bits = uint64(m.BitSize)
	case m.BitOffset%8 != 0 && (t.Kind != KindInt || v.t.KindFlag):
		return reason("Member is not byte aligned")
	case t.Kind == KindFloat && size > 0 && m.BitOffset%(min(8, size)*8) != 0:
		return reason("Member is not properly aligned")
	}
	if (uint64(m.BitOffset)+bits+7)/8 > uint64(v.t.Size) {
		return reason("Member exceeds struct_size")
	}
	return nil
}

func (v validation) enum() error {
	if n := v.t.Size; n == 0 || n > 8 || n&(n-1) != 0 {
		return reason("Unexpected size")
	}
	if v.rec.u32(0) != 0 && !isIdentifier(v.t.Name) {
		return errInvalidName
	}
	for _, e := range v.t.Enums {
		if !isIdentifier(e.Name) {
			return errInvalidName
		}
	}
	return nil
}

func (v validation) forward() error {
	if v.rec.u32(8) != 0 {
		return reason("type != 0")
	}
	if !isIdentifier(v.t.Name) {
		return errInvalidName
	}
	return nil
}

func (v validation) float() error {
	switch v.t.Size {
	case 2, 4, 8, 12, 16:
		return nil
	}
	return reason("Invalid type_size")
}

func (v validation) variable() error {
	if !isIdentifier(v.t.Name) {
		return errInvalidName
	}
	if _, _, ok := v.sized(v.t.Type); !ok {
		return errInvalidType
	}
	if v.t.Linkage > 1 {
		return reason("Linkage not supported")
	}
	return nil
}

func (v validation) datasec() error {
	if v.t.Size == 0 {
		return reason("size == 0")
	}
	if !isSectionName(v.t.Name) {
		return errInvalidName
	}
	end := uint64(0)
	for _, info := range v.t.Vars {
		if err := v.secinfo(info, end); err != nil {
			return fmt.Errorf("variable of type %d: %w", info.Type, err)
		}
		end = uint64(info.Offset) + uint64(info.Size)
	}
	return nil
}

// secinfo checks a variable that must start at end or behind it.
func (v validation) secinfo(info VarSecinfo, end uint64) error {
	t := v.s.Type(info.Type)
	size, ok := uint32(0), false
	if t.Kind == KindVar {
		size, ok = v.s.SizeOf(t.Type)
	}
	switch {
	case uint64(info.Offset) < end || info.Offset >= v.t.Size:
		return reason("Invalid offset")
	case info.Size == 0 || info.Size > v.t.Size:
		return reason("Invalid size")
	case uint64(info.Offset)+uint64(info.Size) > uint64(v.t.Size):
		return reason("Invalid offset+size")
	case t.Kind != KindVar:
		return reason("Not a VAR kind member")
	case !ok:
		return reason("Invalid type")
	case info.Size < size:
		return reason("Invalid size")
	}
	return nil
}

func (v validation) prototype() error {
	if v.rec.u32(0) != 0 {
		return errInvalidName
	}
	if v.t.Type != 0 {
		if _, _, ok := v.sized(v.t.Type); !ok {
			return reason("Invalid return type")
		}
	}
	params := v.t.Params
	if n := len(params); n > 0 && params[n-1].Type == 0 {
		if v.rec.u32(12+(n-1)*8) != 0 {
			return invalidArg(n)
		}
		params = params[:n-1]
	}
	for i, p := range params {
		_, _, ok := v.sized(p.Type)
		if !ok || v.rec.u32(12+i*8) != 0 && !isIdentifier(p.Name) {
			return invalidArg(i + 1)
		}
	}
	return nil
}

func invalidArg(n int) error { return reason(fmt.Sprintf("Invalid arg#%d", n)) }

func (v validation) function() error {
	if !isIdentifier(v.t.Name) {
		return errInvalidName
	}
	if v.t.Linkage > 1 {
		return reason("Invalid func linkage")
	}
	for i, p := range v.s.Type(v.t.Type).Params {
		if p.Name == "" && p.Type != 0 {
			return invalidArg(i + 1)
		}
	}
	return nil
}

var taggedKinds = kinds(KindFunc, KindStruct, KindUnion, KindVar, KindTypedef)

func (v validation) declTag() error {
	t := v.s.Type(v.t.Type)
	switch {
	case v.t.Name == "":
		return reason("Invalid value")
	case v.t.ComponentIdx < -1:
		return reason("Invalid component_idx")
	case !taggedKinds.has(t.Kind):
		return errInvalidType
	case v.t.ComponentIdx == -1:
		return nil
	}
	n := len(t.Members)
	if t.Kind == KindFunc {
		n = len(v.s.Type(t.Type).Params)
	}
	if int(v.t.ComponentIdx) >= n {
		return reason("Invalid component_idx")
	}
	return nil
}
