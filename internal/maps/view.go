// This file defines views of a map's memory, as mmap(2) gives them.

package maps

import (
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/errno"
)

// View is the value area of an array made with BPF_F_MMAPABLE. It holds the
// map, and while it can be written keeps the map from being frozen.
type View struct {
	m        *Map
	bytes    []byte
	writable bool
}

// View maps the values; the caller must call Close. A frozen map gives a view
// that is not to be written. ENOTSUPP for maps that cannot be mapped.
func (m *Map) View() (*View, errno.Errno) {
	if m.spec.Flags&bytecode.MapMmapable == 0 || m.memory() == nil {
		return nil, errno.ENOTSUPP
	}
	if !m.TryRetain() {
		return nil, errno.EBADF
	}
	v := &View{m: m, writable: m.spec.Flags&bytecode.MapRdonly == 0}
	if v.writable {
		m.writers.Add(1) // before looking at frozen: Freeze looks the other way around
		if m.Frozen() {
			m.writers.Add(-1)
			v.writable = false
		}
	}
	n := uintptr(roundUp8(m.spec.ValueSize)) * uintptr(m.spec.MaxEntries)
	v.bytes = view(m.memory().base, n)
	return v, 0
}

// Bytes is the memory, valid until Close.
func (v *View) Bytes() []byte { return v.bytes }

// Pin makes the memory valid for ever, contents included: a slice of it is in
// the hands of someone whom Go's collector does not see.
func (v *View) Pin() { v.m.memory().pin() }

// Writable reports whether the memory may be written.
func (v *View) Writable() bool { return v.writable }

// Close ends the view, and returns the map whose reference the caller now has
// to release.
func (v *View) Close() *Map {
	if v.writable {
		v.m.writers.Add(-1)
	}
	return v.m
}
