// This file defines what Linux knows better than other systems: memory that is
// not accounted before it is touched, large pages, and mapping pages twice.

package maps

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

const mapNoReserve = unix.MAP_NORESERVE

// hugeFrom is the size from which large pages pay: below it one would waste
// more than the misses it saves.
const hugeFrom = 8 << 20

func adviseHuge(p unsafe.Pointer, size uintptr) {
	if size >= hugeFrom {
		_ = unix.Madvise(unsafe.Slice((*byte)(p), size), unix.MADV_HUGEPAGE)
	}
}

// reserveMirrored maps head bytes and then data bytes twice over:
//
//	| head | data | the same data |
//
// from a memfd, as the kernel lays a ring buffer out. ok is false where the
// sizes are no multiple of the page size or the system refuses.
func reserveMirrored(head, data uintptr) (region, bool) {
	page := uintptr(os.Getpagesize())
	if head%page != 0 || data%page != 0 {
		return region{}, false
	}
	fd, err := unix.MemfdCreate("skep ring buffer", unix.MFD_CLOEXEC)
	if err != nil {
		return region{}, false
	}
	r, ok := mapTwice(fd, head, data)
	if !ok {
		_ = unix.Close(fd)
	}
	return r, ok
}

func mapTwice(fd int, head, data uintptr) (region, bool) {
	if unix.Ftruncate(fd, int64(head+data)) != nil {
		return region{}, false
	}
	r, ok := reserve(head + 2*data)
	if !ok {
		return region{}, false
	}
	const prot, flags = unix.PROT_READ | unix.PROT_WRITE, unix.MAP_SHARED | unix.MAP_FIXED
	_, err1 := unix.MmapPtr(fd, 0, r.base, head+data, prot, flags)
	_, err2 := unix.MmapPtr(fd, int64(head), at(r.base, head+data), data, prot, flags)
	if err1 != nil || err2 != nil {
		r.unmap()
		return region{}, false
	}
	r.fd = fd
	return r, true
}
