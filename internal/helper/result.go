// This file defines how bodies answer and how they see memory.

package helper

import (
	"github.com/skepbpf/skep/internal/engine"
	"github.com/skepbpf/skep/internal/errno"
)

// result gives R0 for an error number, 0 for success.
func result(e errno.Errno) uint64 { return uint64(-int64(e)) }

// bytesAt views memory whose size is a 32-bit argument.
func bytesAt(c *engine.Call, addr, size uint64) []byte { return c.Bytes(addr, int(uint32(size))) }
