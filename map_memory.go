// This file defines direct access to the memory of a Map.

package skep

import (
	"fmt"
	"io"
)

// Memory is the value area of an array made with BPF_F_MMAPABLE, such as .data
// and .bss: all values, each rounded up to 8 bytes. Programs see what is
// written there at once. It stays valid after the map's Close, detached from it.
type Memory struct {
	b        []byte
	writable bool
}

// Memory maps the map's values. The error wraps ErrNotSupported unless the map
// is an array made with BPF_F_MMAPABLE. While a writable Memory exists the map
// cannot be frozen; that of a frozen map is read-only.
func (m *Map) Memory() (*Memory, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	b, writable, e := m.inner.Bytes()
	if e != 0 {
		return nil, mapErr("memory", e)
	}
	return &Memory{b, writable}, nil
}

// Size is the length in bytes.
func (mm *Memory) Size() int { return len(mm.b) }

// ReadOnly reports whether WriteAt fails.
func (mm *Memory) ReadOnly() bool { return !mm.writable }

// Bytes is the memory itself. Accesses race with programs as other accesses to
// shared memory do; writing it when it is ReadOnly breaks what programs were
// verified for.
func (mm *Memory) Bytes() []byte { return mm.b }

// ReadAt implements io.ReaderAt.
func (mm *Memory) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= int64(len(mm.b)) {
		return 0, fmt.Errorf("read at %d of %d bytes: %w", off, len(mm.b), io.EOF)
	}
	n := copy(p, mm.b[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// WriteAt implements io.WriterAt.
func (mm *Memory) WriteAt(p []byte, off int64) (int, error) {
	switch {
	case !mm.writable:
		return 0, fmt.Errorf("write to memory of a frozen map: %w", EPERM)
	case off < 0 || off >= int64(len(mm.b)):
		return 0, fmt.Errorf("write at %d of %d bytes: %w", off, len(mm.b), io.EOF)
	}
	n := copy(mm.b[off:], p)
	if n < len(p) {
		return n, io.ErrShortWrite
	}
	return n, nil
}
