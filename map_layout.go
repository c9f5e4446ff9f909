// This file defines how a Go type lies in memory, and whether that is how BTF
// says a key or value lies there.

package skep

import (
	"fmt"
	"reflect"
	"unsafe"

	"github.com/skepbpf/skep/internal/btfx"
)

// leaf is a number in a type's memory.
type leaf struct {
	off, size uint32
	name      string // path of fields, for messages
	opaque    bool   // any bytes: what BTF calls a union or bit fields
	kind      reflect.Kind
}

// layout is a type's memory: its numbers, ascending, and the bytes between.
type layout struct {
	size   uint32
	leaves []leaf
	pads   []leaf // bytes of no field, whose contents Go does not define
	bad    string // path of a field that cannot be in a map
}

// maxLeaves bounds layouts; what lies beyond is not compared.
const maxLeaves = 1 << 12

func layoutOf(t reflect.Type) *layout {
	l := &layout{size: uint32(t.Size())}
	l.add(t, 0, "")
	return l
}

func (l *layout) add(t reflect.Type, off uint32, name string) {
	switch k := t.Kind(); {
	case isNumber(k):
		if len(l.leaves) < maxLeaves {
			l.leaves = append(l.leaves, leaf{off: off, size: uint32(t.Size()), name: name, kind: k})
		}
	case k == reflect.Array:
		l.addArray(t, off, name)
	case k == reflect.Struct:
		l.addStruct(t, off, name)
	default:
		l.bad = fmt.Sprintf("%s (%s)", name, t)
	}
}

func (l *layout) addStruct(t reflect.Type, off uint32, name string) {
	end := off
	for i := range t.NumField() {
		f := t.Field(i)
		at := off + uint32(f.Offset)
		l.pad(end, at)
		l.add(f.Type, at, name+"."+f.Name)
		end = at + uint32(f.Type.Size())
	}
	l.pad(end, off+uint32(t.Size()))
}

func (l *layout) addArray(t reflect.Type, off uint32, name string) {
	elem := t.Elem()
	if elem.Kind() == reflect.Uint8 && t.Len() > 64 { // buffers: any bytes
		l.leaves = append(l.leaves, leaf{off: off, size: uint32(t.Len()), name: name, opaque: true})
		return
	}
	for i := range min(t.Len(), maxLeaves) {
		l.add(elem, off+uint32(i)*uint32(elem.Size()), fmt.Sprintf("%s[%d]", name, i))
	}
}

func (l *layout) pad(from, to uint32) {
	if from < to {
		l.pads = append(l.pads, leaf{off: from, size: to - from})
	}
}

// btfLayout lists the numbers of a BTF type.
func btfLayout(s *btfx.Spec, id btfx.ID) *layout {
	size, _ := s.SizeOf(id)
	l := &layout{size: size}
	l.addBTF(s, id, 0, "", 0)
	return l
}

func (l *layout) addBTF(s *btfx.Spec, id btfx.ID, off uint32, name string, depth int) {
	t := s.Strip(id)
	size, ok := s.SizeOf(id)
	if t == nil || !ok || depth > 16 || len(l.leaves) >= maxLeaves {
		return
	}
	switch t.Kind {
	case btfx.KindStruct:
		for _, m := range t.Members {
			if m.BitSize != 0 {
				l.leaves = append(l.leaves, leaf{off: off + m.BitOffset/8, size: 1, name: name + "." + m.Name, opaque: true})
				continue
			}
			l.addBTF(s, m.Type, off+m.BitOffset/8, name+"."+m.Name, depth+1)
		}
	case btfx.KindArray:
		elem, _ := s.SizeOf(t.Type)
		for i := uint32(0); elem != 0 && i < t.Nelems && len(l.leaves) < maxLeaves; i++ {
			l.addBTF(s, t.Type, off+i*elem, fmt.Sprintf("%s[%d]", name, i), depth+1)
		}
	default:
		l.leaves = append(l.leaves, leaf{off: off, size: size, name: name, opaque: t.Kind == btfx.KindUnion})
	}
}

// fits reports where two layouts disagree. A number must be the same number in
// both; but bytes may stand for any number (an address as [4]byte), and any
// number for bytes.
func (l *layout) fits(btf *layout) error {
	for i, j := 0, 0; i < len(l.leaves) && j < len(btf.leaves); {
		a, b := l.leaves[i], btf.leaves[j]
		aEnd, bEnd := a.off+a.size, b.off+b.size
		apart := aEnd <= b.off || bEnd <= a.off
		same := a.off == b.off && a.size == b.size
		if !apart && !same && a.size != 1 && b.size != 1 && !a.opaque && !b.opaque {
			return fmt.Errorf("field %s has bytes %d to %d, but %s of the map's BTF has %d to %d",
				a.name, a.off, aEnd, b.name, b.off, bEnd)
		}
		if aEnd <= bEnd {
			i++
		}
		if bEnd <= aEnd {
			j++
		}
	}
	return nil
}

// add adds the number in the value at v to the one in the value at sum.
func (l leaf) add(sum, v unsafe.Pointer) {
	sum, v = unsafe.Add(sum, l.off), unsafe.Add(v, l.off)
	switch l.kind {
	case reflect.Int8, reflect.Uint8:
		addTo[uint8](sum, v)
	case reflect.Int16, reflect.Uint16:
		addTo[uint16](sum, v)
	case reflect.Int32, reflect.Uint32:
		addTo[uint32](sum, v)
	case reflect.Int64, reflect.Uint64:
		addTo[uint64](sum, v)
	case reflect.Float32:
		addTo[float32](sum, v)
	case reflect.Float64:
		addTo[float64](sum, v)
	}
}

func addTo[T uint8 | uint16 | uint32 | uint64 | float32 | float64](sum, v unsafe.Pointer) {
	*(*T)(sum) += *(*T)(v)
}
