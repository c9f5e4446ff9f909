// This file defines walking over a Map.

package skep

import (
	"fmt"

	"github.com/skepbpf/skep/internal/maps"
)

// MapIterator walks over a map. A key that is in the map from beginning to end
// is seen exactly once, and entries may be written and deleted meanwhile, also
// by the loop itself. It belongs to one goroutine.
type MapIterator struct {
	m      *Map
	cursor *maps.Cursor
	err    error
}

// Iterate returns an iterator before the first entry:
//
//	it := m.Iterate()
//	for it.Next(&key, &value) {
//	}
//	if err := it.Err(); err != nil {
func (m *Map) Iterate() *MapIterator {
	it := &MapIterator{m: m}
	var e Errno
	if it.err = m.check(); it.err == nil {
		it.cursor, e = m.inner.Walk()
		it.err = mapErr("iterate", e)
	}
	return it
}

// Next reads the next entry; for per-CPU maps valueOut is a slice or a pointer
// to one. It returns false at the end and after an error.
func (it *MapIterator) Next(keyOut, valueOut any) bool {
	if it.err != nil {
		return false
	}
	if it.err = it.m.check(); it.err != nil {
		return false
	}
	key, value, ok := it.cursor.Next()
	if !ok {
		return false
	}
	if err := unmarshal(key, keyOut); err != nil {
		it.err = fmt.Errorf("iterate: key: %w", err)
	} else if err := it.m.unmarshalValue(value, valueOut); err != nil {
		it.err = fmt.Errorf("iterate: value: %w", err)
	}
	return it.err == nil
}

// Err is what ended the walk before its end, nil otherwise.
func (it *MapIterator) Err() error { return it.err }
