// This file defines memory where the system gives none outside Go's heap.

//go:build !unix && !windows

package maps

import "unsafe"

// maxHeap bounds what is taken from Go's heap, which is not lazy.
const maxHeap = 1 << 30

// reserve takes pages from Go's heap, which never moves what is in it.
func reserve(size uintptr) (region, bool) {
	if size > maxHeap {
		return region{}, false
	}
	words := make([]uint64, (size+7)/8)
	return region{base: unsafe.Pointer(unsafe.SliceData(words)), size: size, fd: -1}, true
}

func (r region) unmap() {}

func (r region) dropPages() { zero(r.base, r.size) }

func reserveMirrored(head, data uintptr) (region, bool) { return region{}, false }
