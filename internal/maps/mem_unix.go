// This file defines how memory is taken from Unix systems.

//go:build unix

package maps

import "golang.org/x/sys/unix"

const anonymous = unix.MAP_PRIVATE | unix.MAP_ANON | mapNoReserve

// reserve maps size bytes of anonymous memory.
func reserve(size uintptr) (region, bool) {
	p, err := unix.MmapPtr(-1, 0, nil, size, unix.PROT_READ|unix.PROT_WRITE, anonymous)
	if err != nil {
		return region{}, false
	}
	adviseHuge(p, size)
	return region{base: p, size: size, fd: -1}, true
}

func (r region) unmap() {
	_ = unix.MunmapPtr(r.base, r.size)
	if r.fd >= 0 {
		_ = unix.Close(r.fd)
	}
}

// dropPages maps fresh pages over the old ones: the same on every Unix, and
// never a moment without a mapping.
func (r region) dropPages() {
	_, err := unix.MmapPtr(-1, 0, r.base, r.size, unix.PROT_READ|unix.PROT_WRITE, anonymous|unix.MAP_FIXED)
	if err == nil && r.fd >= 0 {
		_ = unix.Ftruncate(r.fd, 0)
	}
}
