// This file defines the memory of a slot.

package engine

import "unsafe"

// guarded is memory that never moves, in areas with guard pages between them.
type guarded struct {
	base  unsafe.Pointer
	size  uintptr
	areas [][]byte
}

func roundUp(n, unit int) int { return (n + unit - 1) / unit * unit }
