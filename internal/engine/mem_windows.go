// This file defines guarded memory on Windows.

package engine

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

// mapGuarded reserves areas of memory outside Go's heap, each between pages
// that no access survives. Sizes are rounded up to pages.
func mapGuarded(sizes ...int) (guarded, error) {
	page := os.Getpagesize()
	total := page
	for _, n := range sizes {
		total += roundUp(n, page) + page
	}
	addr, err := windows.VirtualAlloc(0, uintptr(total), windows.MEM_RESERVE, windows.PAGE_NOACCESS)
	if err != nil {
		return guarded{}, fmt.Errorf("reserve slot memory: %w", err)
	}
	g := guarded{base: pointer(uint64(addr)), size: uintptr(total)}
	off := uintptr(page)
	for _, n := range sizes {
		n = roundUp(n, page)
		if _, err := windows.VirtualAlloc(addr+off, uintptr(n), windows.MEM_COMMIT, windows.PAGE_READWRITE); err != nil {
			g.unmap()
			return guarded{}, fmt.Errorf("commit slot memory: %w", err)
		}
		g.areas = append(g.areas, unsafe.Slice((*byte)(unsafe.Add(g.base, off)), n))
		off += uintptr(n + page)
	}
	return g, nil
}

func (g guarded) unmap() {
	_ = windows.VirtualFree(uintptr(g.base), 0, windows.MEM_RELEASE)
}
