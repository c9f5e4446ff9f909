// This file defines operations on many entries of a Map.

package skep

import (
	"fmt"
	"reflect"

	"github.com/skepbpf/skep/internal/maps"
)

// MapBatchCursor remembers how far a batch lookup has got. The zero value
// stands before the first entry; it belongs to one map.
type MapBatchCursor struct {
	m      *Map
	opaque []byte
}

// BatchOptions are flags of batch operations; nil is none.
type BatchOptions struct {
	ElemFlags uint64 // LookupLock or UpdateLock
	Flags     uint64
}

// BatchLookup reads entries into keysOut and valuesOut, which are slices or
// pointers to slices of the same length, and returns how many. The error wraps
// ErrKeyNotExist when the end was reached: what was read by then is right. It
// wraps ENOSPC when the next bucket alone has more entries than there is room
// for. For per-CPU maps valuesOut has an element for each key and CPU.
func (m *Map) BatchLookup(cursor *MapBatchCursor, keysOut, valuesOut any, opts *BatchOptions) (int, error) {
	return m.batchLookup("batch lookup", m.inner.LookupBatch, cursor, keysOut, valuesOut, opts)
}

// BatchLookupAndDelete is BatchLookup that deletes what it reads.
func (m *Map) BatchLookupAndDelete(cursor *MapBatchCursor, keysOut, valuesOut any, opts *BatchOptions) (int, error) {
	return m.batchLookup("batch lookup and delete", m.inner.LookupAndDeleteBatch, cursor, keysOut, valuesOut, opts)
}

func (m *Map) batchLookup(op string, run func(*maps.Batch) (int, Errno), cursor *MapBatchCursor,
	keysOut, valuesOut any, opts *BatchOptions) (int, error) {
	if err := m.check(); err != nil {
		return 0, err
	}
	if cursor.m != nil && cursor.m.inner != m.inner {
		return 0, fmt.Errorf("%s: cursor of another map: %w", op, EINVAL)
	}
	keys, err := sliceOf(keysOut)
	if err != nil {
		return 0, fmt.Errorf("%s: keys: %w", op, err)
	}
	b := m.newBatch(keys.Len(), opts)
	b.In, b.Out = cursor.opaque, make([]byte, m.inner.CursorSize())
	n, e := run(b)
	if e == 0 || e == ENOENT && n > 0 {
		cursor.m, cursor.opaque = m, b.Out
	}
	if err := m.readBatch(b, n, keys, valuesOut); err != nil {
		return 0, fmt.Errorf("%s: %w", op, err)
	}
	return n, m.done(op, e)
}

// newBatch makes room for count entries.
func (m *Map) newBatch(count int, opts *BatchOptions) *maps.Batch {
	b := &maps.Batch{
		Keys:   make([]byte, count*int(m.KeySize())),
		Values: make([]byte, count*int(m.inner.UserValueSize())),
		Count:  count,
	}
	if opts != nil {
		b.ElemFlags, b.Flags = opts.ElemFlags, opts.Flags
	}
	return b
}

// readBatch unmarshals the first n entries of a batch.
func (m *Map) readBatch(b *maps.Batch, n int, keys reflect.Value, valuesOut any) error {
	values, err := sliceOf(valuesOut)
	if err != nil {
		return fmt.Errorf("values: %w", err)
	}
	each := 1
	if m.inner.PerCPU() {
		each = m.inner.CPUs()
	}
	if values.Len() < n*each {
		return fmt.Errorf("values: %d of %d: %w", values.Len(), n*each, EINVAL)
	}
	key, stride := int(m.KeySize()), int(m.inner.UserValueSize())/each
	for i := range n {
		if err := unmarshal(b.Keys[i*key:][:key], keys.Index(i).Addr().Interface()); err != nil {
			return fmt.Errorf("key: %w", err)
		}
	}
	for i := range n * each {
		if err := unmarshal(b.Values[i*stride:][:m.ValueSize()], values.Index(i).Addr().Interface()); err != nil {
			return fmt.Errorf("value: %w", err)
		}
	}
	return nil
}

// BatchUpdate sets keys to values, slices of the same length, in order, until
// one fails; it returns how many were set. For per-CPU maps values has an
// element for each key and CPU.
func (m *Map) BatchUpdate(keys, values any, opts *BatchOptions) (int, error) {
	k, err := sliceOf(keys)
	if err != nil {
		return 0, fmt.Errorf("batch update: keys: %w", err)
	}
	v, err := sliceOf(values)
	if err != nil {
		return 0, fmt.Errorf("batch update: values: %w", err)
	}
	each := 1
	if m.inner.PerCPU() {
		each = m.inner.CPUs()
	}
	if v.Len() != k.Len()*each {
		return 0, fmt.Errorf("batch update: %d keys and %d values: %w", k.Len(), v.Len(), EINVAL)
	}
	b := m.newBatch(k.Len(), opts)
	if err := marshalSlice(b.Keys, k, int(m.KeySize()), int(m.KeySize())); err != nil {
		return 0, fmt.Errorf("batch update: key: %w", err)
	}
	if err := marshalSlice(b.Values, v, int(m.ValueSize()), int(m.inner.UserValueSize())/each); err != nil {
		return 0, fmt.Errorf("batch update: value: %w", err)
	}
	return m.batchWrite("batch update", b, m.inner.UpdateBatch)
}

// BatchDelete deletes keys, a slice, in order, until one fails; it returns how
// many were deleted.
func (m *Map) BatchDelete(keys any, opts *BatchOptions) (int, error) {
	k, err := sliceOf(keys)
	if err != nil {
		return 0, fmt.Errorf("batch delete: keys: %w", err)
	}
	b := m.newBatch(k.Len(), opts)
	if err := marshalSlice(b.Keys, k, int(m.KeySize()), int(m.KeySize())); err != nil {
		return 0, fmt.Errorf("batch delete: key: %w", err)
	}
	return m.batchWrite("batch delete", b, m.inner.DeleteBatch)
}

func (m *Map) batchWrite(op string, b *maps.Batch, run func(*maps.Batch) (int, Errno)) (int, error) {
	if err := m.check(); err != nil {
		return 0, err
	}
	n, e := run(b)
	return n, m.done(op, e)
}

// sliceOf returns the slice that v is or points to.
func sliceOf(v any) (reflect.Value, error) {
	s := reflect.ValueOf(v)
	if s.Kind() == reflect.Pointer {
		s = s.Elem()
	}
	if s.Kind() != reflect.Slice {
		return s, fmt.Errorf("%T is no slice: %w", v, EINVAL)
	}
	return s, nil
}

// marshalSlice writes the elements of s, of size bytes each, stride bytes apart.
func marshalSlice(to []byte, s reflect.Value, size, stride int) error {
	for i := range s.Len() {
		b, err := marshal(s.Index(i).Interface(), size)
		if err != nil {
			return err
		}
		copy(to[i*stride:], b)
	}
	return nil
}
