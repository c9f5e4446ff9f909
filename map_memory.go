// This file defines direct access to the memory of a Map.

package skep

import (
	"fmt"
	"io"
	"runtime"

	"github.com/skepbpf/skep/internal/maps"
)

// Memory is the value area of an array made with BPF_F_MMAPABLE, such as .data
// and .bss: all values, each rounded up to 8 bytes. Programs see what is
// written there at once. It holds the map until it is garbage.
type Memory struct {
	view *maps.View
}

// Memory maps the map's values. The error wraps ErrNotSupported unless the map
// is an array made with BPF_F_MMAPABLE. While a writable Memory exists the map
// cannot be frozen; that of a frozen map is read-only.
func (m *Map) Memory() (*Memory, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	v, e := m.inner.View()
	if e != 0 {
		return nil, mapErr("memory", e)
	}
	mm := &Memory{v}
	runtime.AddCleanup(mm, func(owner mapOwner) { owner.releaseMap(v.Close()) }, m.owner)
	return mm, nil
}

// Size is the length in bytes.
func (mm *Memory) Size() int { return len(mm.view.Bytes()) }

// ReadOnly reports whether WriteAt fails.
func (mm *Memory) ReadOnly() bool { return !mm.view.Writable() }

// Bytes is the memory itself, which stays mapped for ever once this was called.
// Accesses race with programs as other accesses to shared memory do; writing it
// when it is ReadOnly breaks what programs were verified for.
func (mm *Memory) Bytes() []byte {
	mm.view.Pin()
	return mm.view.Bytes()
}

// ReadAt implements io.ReaderAt.
func (mm *Memory) ReadAt(p []byte, off int64) (int, error) {
	defer runtime.KeepAlive(mm)
	b := mm.view.Bytes()
	if off < 0 || off >= int64(len(b)) {
		return 0, fmt.Errorf("read at %d of %d bytes: %w", off, len(b), io.EOF)
	}
	n := copy(p, b[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// WriteAt implements io.WriterAt.
func (mm *Memory) WriteAt(p []byte, off int64) (int, error) {
	defer runtime.KeepAlive(mm)
	b := mm.view.Bytes()
	switch {
	case mm.ReadOnly():
		return 0, fmt.Errorf("write to memory of a frozen map: %w", EPERM)
	case off < 0 || off >= int64(len(b)):
		return 0, fmt.Errorf("write at %d of %d bytes: %w", off, len(b), io.EOF)
	}
	n := copy(b[off:], p)
	if n < len(p) {
		return n, io.ErrShortWrite
	}
	return n, nil
}
