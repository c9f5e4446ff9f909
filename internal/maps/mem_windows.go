// This file defines how memory is taken from Windows.

package maps

import "golang.org/x/sys/windows"

// reserve commits size bytes; Windows gives pages when they are touched.
func reserve(size uintptr) (region, bool) {
	a, err := windows.VirtualAlloc(0, size, windows.MEM_RESERVE|windows.MEM_COMMIT, windows.PAGE_READWRITE)
	if err != nil {
		return region{}, false
	}
	return region{base: ptr(a), size: size, fd: -1}, true
}

func (r region) unmap() { _ = windows.VirtualFree(addr(r.base), 0, windows.MEM_RELEASE) }

func (r region) dropPages() { zero(r.base, r.size) }

func reserveMirrored(head, data uintptr) (region, bool) { return region{}, false }
