// This file defines guarded memory on Unix systems.

//go:build unix

package engine

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mapGuarded reserves areas of memory outside Go's heap, each between pages
// that no access survives:
//
//	| guard | area 0 | guard | area 1 | guard |
//
// Sizes are rounded up to pages.
func mapGuarded(sizes ...int) (guarded, error) {
	page := os.Getpagesize()
	total := page
	for _, n := range sizes {
		total += roundUp(n, page) + page
	}
	base, err := unix.MmapPtr(-1, 0, nil, uintptr(total), unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return guarded{}, fmt.Errorf("map slot memory: %w", err)
	}
	g := guarded{base: base, size: uintptr(total)}
	off := page
	for _, n := range sizes {
		n = roundUp(n, page)
		area := unsafe.Slice((*byte)(unsafe.Add(base, off)), n)
		if err := unix.Mprotect(area, unix.PROT_READ|unix.PROT_WRITE); err != nil {
			g.unmap()
			return guarded{}, fmt.Errorf("protect slot memory: %w", err)
		}
		g.areas = append(g.areas, area)
		off += n + page
	}
	return g, nil
}

func (g guarded) unmap() { _ = unix.MunmapPtr(g.base, g.size) }
