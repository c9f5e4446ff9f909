// This file defines the conversions between addresses and pointers: the only
// ones of this package.

package maps

import (
	"sync/atomic"
	"unsafe"
)

// ptr turns an address that a program computed into a pointer. It is right for
// memory outside Go's heap, which map storage and stacks of runs are, and for
// Go memory that something else keeps alive and in place. Written as a load so
// that checkptr, which only knows Go's heap, has nothing to object to.
func ptr(addr uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&addr)) }

// addr is ptr's inverse.
func addr(p unsafe.Pointer) uintptr { return uintptr(p) }

// NoEscape hides p from escape analysis, so that taking a local variable's
// address costs no allocation. What p is passed to must not keep it.
func NoEscape(p unsafe.Pointer) unsafe.Pointer { return ptr(uintptr(p)) }

// view gives n bytes at p.
func view(p unsafe.Pointer, n uintptr) []byte { return unsafe.Slice((*byte)(p), n) }

func at(p unsafe.Pointer, off uintptr) unsafe.Pointer { return unsafe.Add(p, off) }

func u32(p unsafe.Pointer) *uint32 { return (*uint32)(p) }
func u64(p unsafe.Pointer) *uint64 { return (*uint64)(p) }

func load32(p unsafe.Pointer) uint32     { return atomic.LoadUint32(u32(p)) }
func load64(p unsafe.Pointer) uint64     { return atomic.LoadUint64(u64(p)) }
func store32(p unsafe.Pointer, v uint32) { atomic.StoreUint32(u32(p), v) }
func store64(p unsafe.Pointer, v uint64) { atomic.StoreUint64(u64(p), v) }

// copyWords copies n bytes. Where n is a multiple of 8 and both ends are
// aligned, each 8-byte word is copied whole: a reader beside a writer may see
// old and new words, never half a word (bpf_long_memcpy in the kernel).
func copyWords(dst, src unsafe.Pointer, n uintptr) {
	if (n|uintptr(dst)|uintptr(src))&7 != 0 {
		copy(view(dst, n), view(src, n))
		return
	}
	for i := uintptr(0); i < n; i += 8 {
		*u64(at(dst, i)) = *u64(at(src, i))
	}
}

func zero(p unsafe.Pointer, n uintptr) { clear(view(p, n)) }

// roundUp8 is the distance between values: the kernel rounds them to 8 bytes.
func roundUp8[T uint32 | uint64 | uintptr](n T) T { return (n + 7) &^ 7 }
