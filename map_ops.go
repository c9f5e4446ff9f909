// This file defines reading and writing single entries of a Map.

package skep

import (
	"errors"
	"fmt"
)

// MapLookupFlags are flags of lookups.
type MapLookupFlags uint64

// LookupLock holds the value's bpf_spin_lock while it is copied.
const LookupLock MapLookupFlags = 4

// MapUpdateFlags are flags of updates.
type MapUpdateFlags uint64

// Flags of Update.
const (
	UpdateAny     MapUpdateFlags = 0 // create or replace
	UpdateNoExist MapUpdateFlags = 1 // only create
	UpdateExist   MapUpdateFlags = 2 // only replace
	UpdateLock    MapUpdateFlags = 4 // hold the value's bpf_spin_lock
)

// Lookup reads key's value into valueOut: a pointer, or for per-CPU maps a
// slice or a pointer to one. The error wraps ErrKeyNotExist when there is no
// such key.
func (m *Map) Lookup(key, valueOut any) error { return m.LookupWithFlags(key, valueOut, 0) }

// LookupWithFlags is Lookup with flags.
func (m *Map) LookupWithFlags(key, valueOut any, flags MapLookupFlags) error {
	return m.read("lookup", key, valueOut, func(k, v []byte) Errno { return m.inner.Lookup(k, v, uint64(flags)) })
}

// LookupBytes returns key's value, for per-CPU maps all CPUs' values, each
// rounded up to 8 bytes; nil without error when there is no such key.
func (m *Map) LookupBytes(key any) ([]byte, error) {
	var value []byte
	err := m.read("lookup", key, &value, func(k, v []byte) Errno { return m.inner.Lookup(k, v, 0) })
	if errors.Is(err, ErrKeyNotExist) {
		return nil, nil
	}
	return value, err
}

// LookupAndDelete reads key's value into valueOut and deletes the entry, in one
// step. The error wraps ErrKeyNotExist when there is no such key, and
// ErrNotSupported for kinds that have no such step.
func (m *Map) LookupAndDelete(key, valueOut any) error {
	return m.LookupAndDeleteWithFlags(key, valueOut, 0)
}

// LookupAndDeleteWithFlags is LookupAndDelete with flags.
func (m *Map) LookupAndDeleteWithFlags(key, valueOut any, flags MapLookupFlags) error {
	return m.read("lookup and delete", key, valueOut, func(k, v []byte) Errno {
		return m.inner.LookupAndDelete(k, v, uint64(flags))
	})
}

// read marshals a key, reads the value and unmarshals it.
func (m *Map) read(op string, key, valueOut any, read func(key, value []byte) Errno) error {
	if err := m.check(); err != nil {
		return err
	}
	k, err := m.marshalKey(key)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	v := make([]byte, m.inner.UserValueSize())
	if err := m.done(op, read(k, v)); err != nil {
		return err
	}
	if err := m.unmarshalValue(v, valueOut); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return nil
}

// Put is Update with UpdateAny.
func (m *Map) Put(key, value any) error { return m.Update(key, value, UpdateAny) }

// Update sets key's value. The error wraps ErrKeyExist or ErrKeyNotExist as the
// flags ask, and E2BIG when the map is full or the index too large. The value
// of a prog array is a *Program.
func (m *Map) Update(key, value any, flags MapUpdateFlags) error {
	if err := m.check(); err != nil {
		return err
	}
	k, err := m.marshalKey(key)
	if err != nil {
		return fmt.Errorf("update: %w", err)
	}
	if p, ok := value.(*Program); ok {
		return m.updateProgram(k, p, flags)
	}
	v, err := m.marshalValue(value)
	if err != nil {
		return fmt.Errorf("update: %w", err)
	}
	return m.done("update", m.inner.Update(k, v, uint64(flags)))
}

// Delete removes key. The error wraps ErrKeyNotExist when there is no such key;
// entries of arrays cannot be deleted (EINVAL).
func (m *Map) Delete(key any) error {
	if err := m.check(); err != nil {
		return err
	}
	k, err := m.marshalKey(key)
	if err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	return m.done("delete", m.inner.Delete(k))
}

// NextKey reads the key behind key into nextKeyOut, in the kernel's manner: nil,
// and a key that is not there, stand before the first. The error wraps
// ErrKeyNotExist behind the last. A walk by NextKey starts again when its key
// is deleted; Iterate does not.
func (m *Map) NextKey(key, nextKeyOut any) error {
	next, err := m.nextKey(key)
	if err != nil {
		return err
	}
	if err := unmarshal(next, nextKeyOut); err != nil {
		return fmt.Errorf("next key: %w", err)
	}
	return nil
}

// NextKeyBytes is NextKey that returns the key; nil without error at the end.
func (m *Map) NextKeyBytes(key any) ([]byte, error) {
	next, err := m.nextKey(key)
	if errors.Is(err, ErrKeyNotExist) {
		return nil, nil
	}
	return next, err
}

func (m *Map) nextKey(key any) ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	var k []byte
	if key != nil {
		var err error
		if k, err = m.marshalKey(key); err != nil {
			return nil, fmt.Errorf("next key: %w", err)
		}
	}
	next := make([]byte, m.KeySize())
	if err := m.done("next key", m.inner.NextKey(k, next)); err != nil {
		return nil, err
	}
	return next, nil
}
