// This file defines how the contents of two maps become one.

package maps

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/errno"
)

// MergeMode says what becomes of a key that both maps have.
type MergeMode uint8

// Modes. Sum and Max work on the integers of a value: those that its BTF names,
// without BTF its 8-byte words (4-byte ones where 8 does not divide the size).
// Per-CPU values are merged CPU by CPU.
const (
	// MergeDefault is what fits the kind: Sum for arrays and per-CPU kinds,
	// Last for hash maps and tries, Union for programs and records.
	MergeDefault MergeMode = iota
	MergeSum
	MergeMax
	MergeUnion // keep what was there
	MergeLast  // take what comes
)

// Merge brings the entries of another map of the same kind and sizes into m.
// Records of a ring buffer move. Keys that do not fit any more are reported.
func (m *Map) Merge(from *Map, mode MergeMode) error {
	a, b := m.spec, from.spec
	if a.Type != b.Type || a.KeySize != b.KeySize || a.ValueSize != b.ValueSize || m.userSize != from.userSize {
		return fmt.Errorf("merge %s into %s: sizes differ: %w", TypeName(b.Type), TypeName(a.Type), errno.EINVAL)
	}
	if m == from {
		return fmt.Errorf("merge map %q into itself: %w", a.Name, errno.EINVAL)
	}
	if mode == MergeDefault {
		mode = m.defaultMode()
	}
	if done, e := m.merge(from.storage, mode); done {
		return e.Err()
	}
	return m.mergeEntries(from, mode)
}

func (m *Map) defaultMode() MergeMode {
	if m.kind.merge == MergeDefault || m.spec.Section != "" {
		return MergeLast // variables of a data section do not add up
	}
	return m.kind.merge
}

func (m *Map) mergeEntries(from *Map, mode MergeMode) error {
	c, e := from.Walk()
	if e != 0 {
		return e
	}
	combine := m.combiner(mode)
	have := make([]byte, m.userSize)
	for {
		key, value, ok := c.Next()
		if !ok {
			return nil
		}
		if m.Lookup(key, have, 0) == 0 {
			combine(have, value)
			value = have
		}
		if e := m.Update(key, value, FlagAny); e != 0 {
			return fmt.Errorf("merge key %x: %w", key, e)
		}
	}
}

// combiner returns the function that brings a value into another.
func (m *Map) combiner(mode MergeMode) func(to, from []byte) {
	switch mode {
	case MergeUnion:
		return func(to, from []byte) {}
	case MergeLast:
		return func(to, from []byte) { copy(to, from) }
	}
	ints := m.integers()
	stride := int(m.userSize)
	if m.kind.perCPU {
		stride = int(roundUp8(m.spec.ValueSize))
	}
	return func(to, from []byte) {
		for i := 0; i+stride <= len(to); i += stride {
			for _, f := range ints {
				f.combine(to[i:i+stride], from[i:i+stride], mode)
			}
		}
	}
}

// integer is a number in a value.
type integer struct {
	span
	signed bool
}

// integers lists the numbers of the map's values.
func (m *Map) integers() (list []integer) {
	s := m.spec
	if s.BTF != nil && s.ValueTypeID != 0 {
		if size, ok := s.BTF.SizeOf(s.ValueTypeID); ok && size == s.ValueSize {
			return appendIntegers(nil, s.BTF, s.ValueTypeID, 0, 0)
		}
	}
	width := uint32(1)
	for width < 8 && s.ValueSize%(2*width) == 0 {
		width *= 2
	}
	for off := uint32(0); off < s.ValueSize; off += width {
		list = append(list, integer{span: span{off, width}})
	}
	return list
}

func appendIntegers(list []integer, btf *btfx.Spec, id btfx.ID, off uint32, depth int) []integer {
	t := btf.Strip(id)
	if t == nil || depth > maxNesting {
		return list
	}
	switch t.Kind {
	case btfx.KindInt:
		const signed = 1
		if slices.Contains([]uint32{1, 2, 4, 8}, t.Size) {
			list = append(list, integer{span{off, t.Size}, t.IntEncoding&signed != 0})
		}
	case btfx.KindStruct:
		for _, m := range t.Members {
			if m.BitSize == 0 {
				list = appendIntegers(list, btf, m.Type, off+m.BitOffset/8, depth+1)
			}
		}
	case btfx.KindArray:
		size, _ := btf.SizeOf(t.Type)
		for i := range t.Nelems {
			list = appendIntegers(list, btf, t.Type, off+i*size, depth+1)
		}
	}
	return list
}

func (f integer) combine(to, from []byte, mode MergeMode) {
	a, b := f.load(to), f.load(from)
	switch {
	case mode == MergeSum:
		a += b
	case f.signed && int64(b) > int64(a), !f.signed && b > a:
		a = b
	}
	f.store(to, a)
}

func (f integer) load(p []byte) uint64 {
	p = p[f.off:]
	switch {
	case f.size == 1 && f.signed:
		return uint64(int8(p[0]))
	case f.size == 1:
		return uint64(p[0])
	case f.size == 2 && f.signed:
		return uint64(int16(binary.NativeEndian.Uint16(p)))
	case f.size == 2:
		return uint64(binary.NativeEndian.Uint16(p))
	case f.size == 4 && f.signed:
		return uint64(int32(binary.NativeEndian.Uint32(p)))
	case f.size == 4:
		return uint64(binary.NativeEndian.Uint32(p))
	}
	return binary.NativeEndian.Uint64(p)
}

func (f integer) store(p []byte, v uint64) {
	p = p[f.off:]
	switch f.size {
	case 1:
		p[0] = byte(v)
	case 2:
		binary.NativeEndian.PutUint16(p, uint16(v))
	case 4:
		binary.NativeEndian.PutUint32(p, uint32(v))
	default:
		binary.NativeEndian.PutUint64(p, v)
	}
}
