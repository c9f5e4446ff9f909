// This file defines values that exist once for each CPU.

package maps

import "unsafe"

// rows holds a value per index and CPU. A CPU's values lie together and begin
// a page, so that CPUs share no cache line.
type rows struct {
	start  unsafe.Pointer
	values *fields
	stride uintptr // between values
	row    uintptr // between CPUs
	size   uintptr
	cpus   int
}

// rowSize is one CPU's part of n values, in bytes.
func rowSize(b *base, n uint64) uint64 {
	return (roundUp8(uint64(b.spec.ValueSize))*n + pageSize - 1) &^ (pageSize - 1)
}

func rowsSize(b *base, n uint64) uint64 { return rowSize(b, n) * uint64(b.env.cpus()) }

// layRows makes rows of n values in rowsSize bytes at start.
func layRows(b *base, start unsafe.Pointer, n uint64) rows {
	return rows{
		start: start, values: &b.fields, stride: uintptr(roundUp8(b.spec.ValueSize)),
		row: uintptr(rowSize(b, n)), size: uintptr(b.spec.ValueSize), cpus: b.env.cpus(),
	}
}

func (r *rows) value(i uint64, cpu int) unsafe.Pointer {
	return at(r.start, uintptr(cpu)*r.row+uintptr(i)*r.stride)
}

// setOne sets one CPU's value.
func (r *rows) setOne(i uint64, cpu int, value unsafe.Pointer) {
	r.values.copyIn(r.value(i, cpu), value, r.size)
}

// setOnly sets one CPU's value and zeroes the others', as a program that
// creates an element does.
func (r *rows) setOnly(i uint64, cpu int, value unsafe.Pointer) {
	for c := range r.cpus {
		if c != cpu {
			zero(r.value(i, c), r.stride)
		}
	}
	r.setOne(i, cpu, value)
}

// storeAll sets every CPU's value from user space's layout.
func (r *rows) storeAll(i uint64, values unsafe.Pointer) {
	for c := range r.cpus {
		r.values.copyIn(r.value(i, c), at(values, uintptr(c)*r.stride), r.stride)
	}
}

// loadAll copies every CPU's value into user space's layout.
func (r *rows) loadAll(i uint64, values unsafe.Pointer) {
	for c := range r.cpus {
		r.values.copyOut(at(values, uintptr(c)*r.stride), r.value(i, c), r.stride)
	}
}

// locate finds the value that an address lies in.
func (r *rows) locate(address uintptr) (uintptr, uint32, bool) {
	off := address - addr(r.start)
	if off >= r.row*uintptr(r.cpus) {
		return 0, 0, false
	}
	in := off % r.row % r.stride
	return address - in, uint32(r.size), in < r.size
}
