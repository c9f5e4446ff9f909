// This file defines access to the memory of a data section, the only place of
// this package where an address becomes a pointer.

package skep

import (
	"encoding/binary"
	"sync/atomic"
	"unsafe"
)

// memoryAt views a map's memory, which is not Go's: it neither moves nor goes
// while the map is held.
func memoryAt(addr uintptr, n int) []byte {
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&addr)), n)
}

// loadWhole copies from; 4 and 8 aligned bytes are read at once.
func loadWhole(to, from []byte) {
	p := unsafe.Pointer(unsafe.SliceData(from))
	switch {
	case len(from) == 4 && uintptr(p)%4 == 0:
		binary.NativeEndian.PutUint32(to, atomic.LoadUint32((*uint32)(p)))
	case len(from) == 8 && uintptr(p)%8 == 0:
		binary.NativeEndian.PutUint64(to, atomic.LoadUint64((*uint64)(p)))
	default:
		copy(to, from)
	}
}

// storeWhole copies from; 4 and 8 aligned bytes are written at once.
func storeWhole(to, from []byte) {
	p := unsafe.Pointer(unsafe.SliceData(to))
	switch {
	case len(to) == 4 && uintptr(p)%4 == 0:
		atomic.StoreUint32((*uint32)(p), binary.NativeEndian.Uint32(from))
	case len(to) == 8 && uintptr(p)%8 == 0:
		atomic.StoreUint64((*uint64)(p), binary.NativeEndian.Uint64(from))
	default:
		copy(to, from)
	}
}
