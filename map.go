// This file defines Map, the user's handle of a live map.

package skep

import (
	"fmt"
	"sync/atomic"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/maps"
)

// MapType is a kind of map, with bpf(2)'s numbers.
type MapType = bytecode.MapType

// mapOwner is what a Map needs of the Kernel that it lives in.
type mapOwner interface {
	releaseMap(*maps.Map)
}

// Map is a live map: what programs and Go share. Keys and values are given as
// []byte, string, encoding.BinaryMarshaler, or anything of fixed size without
// pointers, laid out as in memory; they are read into pointers to the same, and
// into *[]byte. Values of per-CPU maps are slices with an element for each CPU.
// MapOf gives a typed view, which checks sizes once and allocates nothing.
//
// A Map is safe for concurrent use. Values that programs change in place are
// read 8 bytes at a time: such a value may be half old and half new, as with
// bpf(2). After Close every method answers ErrClosed.
type Map struct {
	inner  *maps.Map
	owner  mapOwner
	closed atomic.Bool
}

// newMap makes a handle, which takes over a reference to inner.
func newMap(owner mapOwner, inner *maps.Map) *Map { return &Map{inner: inner, owner: owner} }

// Storage gives Skep's own packages what is behind the handle. Its type cannot
// be used outside of Skep.
func (m *Map) Storage() *maps.Map { return m.inner }

// share returns the map with a reference of its own, for a program that was
// written for a map like spec.
func (m *Map) share(spec *bytecode.MapSpec) (*maps.Map, error) {
	s := m.inner.Spec()
	for _, f := range []struct {
		what       string
		have, want uint32
	}{
		{"type", uint32(s.Type), uint32(spec.Type)},
		{"key size", s.KeySize, spec.KeySize},
		{"value size", s.ValueSize, spec.ValueSize},
		{"max_entries", s.MaxEntries, spec.MaxEntries},
		{"flags", s.Flags, spec.Flags},
	} {
		if f.have != f.want {
			return nil, fmt.Errorf("map %q for %q: %s %d, want %d: %w", s.Name, spec.Name, f.what, f.have, f.want, ErrMapIncompatible)
		}
	}
	if m.closed.Load() || !m.inner.TryRetain() {
		return nil, fmt.Errorf("map %q: %w", s.Name, ErrClosed)
	}
	return m.inner, nil
}

// Close gives the handle back. The map lives on while programs, pins or other
// handles use it. A second Close does nothing.
func (m *Map) Close() error {
	if m != nil && !m.closed.Swap(true) {
		m.owner.releaseMap(m.inner)
	}
	return nil
}

// Clone returns another handle of the same map.
func (m *Map) Clone() (*Map, error) {
	if m.closed.Load() || !m.inner.TryRetain() {
		return nil, fmt.Errorf("map %q: %w", m.Name(), ErrClosed)
	}
	return newMap(m.owner, m.inner), nil
}

// Name is the map's name, as the object gave it.
func (m *Map) Name() string { return m.inner.Spec().Name }

// Type is the map's kind.
func (m *Map) Type() MapType { return m.inner.Spec().Type }

// KeySize is the length of a key in bytes.
func (m *Map) KeySize() uint32 { return m.inner.Spec().KeySize }

// ValueSize is the length of a value in bytes; of one CPU's value for per-CPU
// maps.
func (m *Map) ValueSize() uint32 { return m.inner.Spec().ValueSize }

// MaxEntries is the number of entries that fit; for ring buffers, bytes.
func (m *Map) MaxEntries() uint32 { return m.inner.Spec().MaxEntries }

// Flags are BPF_F_… flags of the map's creation.
func (m *Map) Flags() uint32 { return m.inner.Spec().Flags }

// String names the map and its kind.
func (m *Map) String() string {
	return fmt.Sprintf("%s(%s)#%d", maps.TypeName(m.Type()), m.Name(), m.inner.ID)
}

// MapInfo describes a map as BPF_OBJ_GET_INFO_BY_FD does.
type MapInfo struct {
	Type       MapType
	ID         uint32
	Name       string
	KeySize    uint32 // bytes
	ValueSize  uint32 // bytes
	MaxEntries uint32
	Flags      uint32
	Frozen     bool
	CPUs       int    // values that a key of a per-CPU map has
	Memory     uint64 // bytes reserved, touched or not
}

// Info describes the map.
func (m *Map) Info() (*MapInfo, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	s := m.inner.Spec()
	return &MapInfo{
		Type: s.Type, ID: m.inner.ID, Name: s.Name, KeySize: s.KeySize, ValueSize: s.ValueSize,
		MaxEntries: s.MaxEntries, Flags: s.Flags, Frozen: m.inner.Frozen(), CPUs: m.inner.CPUs(), Memory: m.inner.Usage(),
	}, nil
}

// Freeze ends writes from Go and bpf(2), for ever; programs go on writing. It
// fails with EBUSY when the map is frozen or has a writable Memory.
func (m *Map) Freeze() error {
	if err := m.check(); err != nil {
		return err
	}
	return mapErr("freeze", m.inner.Freeze())
}

// check answers for closed maps.
func (m *Map) check() error {
	if m.closed.Load() {
		return m.errClosed()
	}
	return nil
}

func (m *Map) errClosed() error { return fmt.Errorf("map %q: %w", m.Name(), ErrClosed) }

// done gives an operation's error; a map that was closed meanwhile has no
// contents to speak of.
func (m *Map) done(op string, e Errno) error {
	if m.closed.Load() {
		return m.errClosed()
	}
	return mapErr(op, e)
}
