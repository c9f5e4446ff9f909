// This file defines bpf_loop.

package helper

import (
	"github.com/skepbpf/skep/internal/engine"
	"github.com/skepbpf/skep/internal/errno"
	"github.com/skepbpf/skep/internal/ir"
)

// loop calls back with (i, ctx) for i from 0 to n-1 until the callback returns
// other than 0, and returns the number of calls. The kernel compares all 64
// bits of n where it inlines the call, which is nearly everywhere.
func loop(c *engine.Call, n, callback, ctx, flags, _ uint64) uint64 {
	switch {
	case flags != 0:
		return result(errno.EINVAL)
	case n > ir.MaxLoops:
		return result(errno.E2BIG)
	}
	for i := range n {
		if c.Callback(callback, i, ctx) != 0 {
			return i + 1
		}
	}
	return n
}
