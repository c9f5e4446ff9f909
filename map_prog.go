// This file defines how Go puts programs into prog arrays.

package skep

import (
	"encoding/binary"
	"fmt"
)

// updateProgram puts a program into a prog array.
func (m *Map) updateProgram(key []byte, p *Program, flags MapUpdateFlags) error {
	if flags != UpdateAny {
		return mapErr("update", EINVAL)
	}
	live := p.live.Load()
	if live == nil {
		return fmt.Errorf("update: program: %w", ErrClosed)
	}
	return m.done("update", m.inner.SetProgram(binary.NativeEndian.Uint32(key), live))
}
