// This file defines typed views of per-CPU maps.

package skep

import (
	"fmt"
	"iter"
	"unsafe"

	"github.com/skepbpf/skep/internal/maps"
)

// PerCPUMap is a per-CPU map with keys of type K and a value of type V for each
// CPU. It is safe for concurrent use.
type PerCPUMap[K, V any] struct {
	m       *Map
	keyPads []leaf
	stride  int
	numbers []leaf // of V
}

// PerCPUMapOf gives a typed view of m, which is checked as by MapOf.
func PerCPUMapOf[K, V any](m *Map) (*PerCPUMap[K, V], error) {
	if !m.inner.PerCPU() {
		return nil, fmt.Errorf("map %q: %s: use MapOf: %w", m.Name(), maps.TypeName(m.Type()), ErrNotSupported)
	}
	key, value, err := checkTypes[K, V](m)
	if err != nil {
		return nil, err
	}
	return &PerCPUMap[K, V]{
		m: m, keyPads: key.pads, stride: int(m.inner.UserValueSize()) / m.inner.CPUs(), numbers: value.leaves,
	}, nil
}

// Map is the map that the view is of.
func (t *PerCPUMap[K, V]) Map() *Map { return t.m }

// Get returns key's values by CPU, nil when there are none.
func (t *PerCPUMap[K, V]) Get(key K) []V {
	b := t.lookup(key)
	if b == nil {
		return nil
	}
	return t.values(b)
}

// Sum adds key's values up, number by number; zero when there are none.
func (t *PerCPUMap[K, V]) Sum(key K) (sum V) {
	b := t.lookup(key)
	for off := 0; off < len(b); off += t.stride {
		for _, l := range t.numbers {
			l.add(unsafe.Pointer(&sum), unsafe.Pointer(&b[off]))
		}
	}
	return sum
}

// Set sets key's values, by CPU; CPUs beyond the slice get zeros.
func (t *PerCPUMap[K, V]) Set(key K, values []V) error {
	if err := t.m.check(); err != nil {
		return err
	}
	if len(values) > t.m.inner.CPUs() {
		return fmt.Errorf("update: values for %d CPUs of %d: %w", len(values), t.m.inner.CPUs(), EINVAL)
	}
	b := make([]byte, t.m.inner.UserValueSize())
	for i := range values {
		copy(b[i*t.stride:], unsafe.Slice((*byte)(unsafe.Pointer(&values[i])), unsafe.Sizeof(values[i])))
	}
	return t.m.done("update", t.m.inner.Update(t.keyBytes(&key), b, 0))
}

// Delete removes key. The error wraps ErrKeyNotExist when there is none.
func (t *PerCPUMap[K, V]) Delete(key K) error {
	if err := t.m.check(); err != nil {
		return err
	}
	return t.m.done("delete", t.m.inner.Delete(t.keyBytes(&key)))
}

// All walks over the entries, as TypedMap.All does. Every step has a slice of
// its own.
func (t *PerCPUMap[K, V]) All() iter.Seq2[K, []V] {
	return func(yield func(K, []V) bool) {
		for key, b := range entries(t.m) {
			if !yield(*(*K)(unsafe.Pointer(&key[0])), t.values(b)) {
				return
			}
		}
	}
}

func (t *PerCPUMap[K, V]) lookup(key K) []byte {
	b := make([]byte, t.m.inner.UserValueSize())
	if e := t.m.inner.Lookup(t.keyBytes(&key), b, 0); e != 0 || t.m.closed.Load() {
		return nil
	}
	return b
}

// keyBytes is a key's memory, with nothing but zeros between its fields.
func (t *PerCPUMap[K, V]) keyBytes(key *K) []byte {
	clearPads(unsafe.Pointer(key), t.keyPads)
	return unsafe.Slice((*byte)(unsafe.Pointer(key)), unsafe.Sizeof(*key))
}

// values reads user space's layout, in which values are 8 bytes apart at least.
func (t *PerCPUMap[K, V]) values(b []byte) []V {
	out := make([]V, t.m.inner.CPUs())
	for i := range out {
		out[i] = *(*V)(unsafe.Pointer(&b[i*t.stride]))
	}
	return out
}
