// This file defines typed views of maps.

package skep

import (
	"fmt"
	"iter"
	"reflect"
	"runtime"
	"unsafe"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/maps"
)

// TypedMap is a Map with keys of type K and values of type V, which lie in the
// map as they lie in memory. Its methods allocate nothing. It is safe for
// concurrent use.
type TypedMap[K, V any] struct {
	m        *Map
	inner    *maps.Map
	keyPads  []leaf // bytes between fields, which must be the same in all keys
	valuePad []leaf
}

// MapOf gives a typed view of m. It fails when a type is not of fixed size and
// free of pointers, when sizes differ from the map's, or when fields lie
// elsewhere than the map's BTF says. Bytes between fields are written as zeros.
func MapOf[K, V any](m *Map) (*TypedMap[K, V], error) {
	if m.inner.PerCPU() {
		return nil, fmt.Errorf("map %q: %s: use PerCPUMapOf: %w", m.Name(), maps.TypeName(m.Type()), ErrNotSupported)
	}
	key, value, err := checkTypes[K, V](m)
	if err != nil {
		return nil, err
	}
	return &TypedMap[K, V]{m: m, inner: m.inner, keyPads: key.pads, valuePad: value.pads}, nil
}

// checkTypes compares Go types with what a map holds.
func checkTypes[K, V any](m *Map) (key, value *layout, err error) {
	if err := m.check(); err != nil {
		return nil, nil, err
	}
	s := m.inner.Spec()
	key, err = checkType[K](s.KeySize, s.BTF, s.KeyTypeID)
	if err != nil {
		return nil, nil, fmt.Errorf("map %q: key: %w", m.Name(), err)
	}
	value, err = checkType[V](s.ValueSize, s.BTF, s.ValueTypeID)
	if err != nil {
		return nil, nil, fmt.Errorf("map %q: value: %w", m.Name(), err)
	}
	return key, value, nil
}

func checkType[T any](size uint32, btf *btfx.Spec, id btfx.ID) (*layout, error) {
	t := reflect.TypeFor[T]()
	l := layoutOf(t)
	switch {
	case l.bad != "":
		return nil, fmt.Errorf("type %s: field %s cannot be in a map", t, l.bad)
	case l.size != size:
		return nil, fmt.Errorf("type %s has %d bytes, want %d", t, l.size, size)
	case btf == nil || id == 0:
		return l, nil
	}
	if err := l.fits(btfLayout(btf, id)); err != nil {
		return nil, fmt.Errorf("type %s: %w", t, err)
	}
	return l, nil
}

// Map is the map that the view is of.
func (t *TypedMap[K, V]) Map() *Map { return t.m }

// Get returns key's value; ok is false when there is none, or the map is closed
// or may not be read.
func (t *TypedMap[K, V]) Get(key K) (value V, ok bool) {
	if t.keyPads != nil {
		clearPads(unsafe.Pointer(&key), t.keyPads)
	}
	e := t.inner.LookupAt(maps.NoEscape(unsafe.Pointer(&key)), maps.NoEscape(unsafe.Pointer(&value)), 0)
	if e != 0 || t.m.closed.Load() {
		var none V
		return none, false
	}
	return value, true
}

// Set sets key's value, as Update with UpdateAny.
func (t *TypedMap[K, V]) Set(key K, value V) error { return t.Update(key, value, UpdateAny) }

// Update sets key's value as the flags ask.
func (t *TypedMap[K, V]) Update(key K, value V, flags MapUpdateFlags) error {
	if err := t.m.check(); err != nil {
		return err
	}
	if t.keyPads != nil {
		clearPads(unsafe.Pointer(&key), t.keyPads)
	}
	if t.valuePad != nil {
		clearPads(unsafe.Pointer(&value), t.valuePad)
	}
	e := t.inner.UpdateAt(maps.NoEscape(unsafe.Pointer(&key)), maps.NoEscape(unsafe.Pointer(&value)), uint64(flags))
	if e == 0 {
		return nil
	}
	return mapErr("update", e)
}

// Delete removes key. The error wraps ErrKeyNotExist when there is none.
func (t *TypedMap[K, V]) Delete(key K) error {
	if err := t.m.check(); err != nil {
		return err
	}
	clearPads(unsafe.Pointer(&key), t.keyPads)
	return t.m.done("delete", t.inner.DeleteAt(maps.NoEscape(unsafe.Pointer(&key))))
}

// All walks over the entries. A key that is in the map from beginning to end is
// seen exactly once; entries may be written and deleted in the loop. A closed
// map has none.
func (t *TypedMap[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		for key, value := range entries(t.m) {
			if !yield(*(*K)(unsafe.Pointer(&key[0])), *(*V)(unsafe.Pointer(&value[0]))) {
				return
			}
		}
		runtime.KeepAlive(t)
	}
}

// entries walks over a map's entries in the layout of bpf(2).
func entries(m *Map) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		c, e := m.inner.Walk()
		if e != 0 {
			return
		}
		for !m.closed.Load() {
			key, value, ok := c.Next()
			if !ok || !yield(key, value) {
				return
			}
		}
	}
}

// clearPads zeroes the bytes between the fields of the value at p.
func clearPads(p unsafe.Pointer, pads []leaf) {
	for _, pad := range pads {
		clear(unsafe.Slice((*byte)(unsafe.Add(p, pad.off)), pad.size))
	}
}
