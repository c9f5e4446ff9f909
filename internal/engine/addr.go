// This file defines every conversion between addresses and pointers of the
// package. Nothing else in it may turn an integer into a pointer.

package engine

import "unsafe"

// pointer gives addr as a pointer. The verifier has proved what lies there;
// where it is Go memory, a root in the slot keeps it, which checkptr cannot
// know.
//
//go:nocheckptr
func pointer(addr uint64) unsafe.Pointer { return unsafe.Add(unsafe.Pointer(nil), addr) }

// at gives the T at an address.
func at[T any](addr uint64) *T { return (*T)(pointer(addr)) }

// memory gives the n bytes at an address.
func memory(addr uint64, n int) []byte { return unsafe.Slice((*byte)(pointer(addr)), n) }

// address gives a pointer as programs see it.
func address(p unsafe.Pointer) uint64 { return uint64(uintptr(p)) }

// addressOf gives the address of the first byte of b, 0 when it has none.
func addressOf(b []byte) uint64 { return address(unsafe.Pointer(unsafe.SliceData(b))) }
