// This file defines memory for slots where the system protects no pages.

//go:build !unix && !windows

package engine

import "unsafe"

// mapGuarded takes the areas from Go's heap, which never moves them; there are
// no guards.
func mapGuarded(sizes ...int) (guarded, error) {
	var g guarded
	for _, n := range sizes {
		words := make([]uint64, roundUp(n, 8)/8)
		g.areas = append(g.areas, unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), n))
	}
	return g, nil
}

func (g guarded) unmap() {}
