// This file defines dynptrs: memory together with its length, checked when it
// is used.

package helper

import (
	"encoding/binary"

	"github.com/skepbpf/skep/internal/engine"
	"github.com/skepbpf/skep/internal/errno"
)

// dynptr is what a program keeps in 16 bytes of its stack.
//
//	0   address of the memory; 0: no dynptr
//	8   size (24 bits), kind (bits 28 to 30), read-only (bit 31)
//	12  offset of the first byte
type dynptr struct{ image []byte }

const (
	dynptrLen      = 16
	maxDynptr      = 1<<24 - 1
	dynptrKindBit  = 28
	dynptrReadOnly = 1 << 31
)

// Kinds of dynptrs that helpers make (BPF_DYNPTR_TYPE_*).
const (
	dynptrLocal   = 1
	dynptrRingbuf = 2
)

func dynptrAt(c *engine.Call, addr uint64) dynptr { return dynptr{c.Bytes(addr, dynptrLen)} }

func (d dynptr) data() uint64    { return binary.NativeEndian.Uint64(d.image) }
func (d dynptr) bits() uint32    { return binary.NativeEndian.Uint32(d.image[8:]) }
func (d dynptr) size() uint32    { return d.bits() & maxDynptr }
func (d dynptr) readOnly() bool  { return d.bits()&dynptrReadOnly != 0 }
func (d dynptr) offset() uint64  { return uint64(binary.NativeEndian.Uint32(d.image[12:])) }
func (d dynptr) setNull()        { clear(d.image) }
func (d dynptr) address() uint64 { return d.data() + d.offset() }

func (d dynptr) set(data uint64, kind, size uint32) {
	binary.NativeEndian.PutUint64(d.image, data)
	binary.NativeEndian.PutUint32(d.image[8:], size|kind<<dynptrKindBit)
	binary.NativeEndian.PutUint32(d.image[12:], 0)
}

// span gives the address of n bytes at an offset; E2BIG when they are not all
// inside.
func (d dynptr) span(offset, n uint64) (uint64, errno.Errno) {
	off, length, size := uint32(offset), uint32(n), d.size()
	if length > size || off > size-length {
		return 0, errno.E2BIG
	}
	return d.address() + uint64(off), 0
}

func dynptrFromMem(c *engine.Call, data, size, flags, to, _ uint64) uint64 {
	d := dynptrAt(c, to)
	switch {
	case uint32(size) > maxDynptr:
		d.setNull()
		return result(errno.E2BIG)
	case flags != 0:
		d.setNull()
		return result(errno.EINVAL)
	}
	d.set(data, dynptrLocal, uint32(size))
	return 0
}

func dynptrRead(c *engine.Call, dst, size, from, offset, flags uint64) uint64 {
	d := dynptrAt(c, from)
	if d.data() == 0 || flags != 0 {
		return result(errno.EINVAL)
	}
	src, err := d.span(offset, size)
	if err == 0 {
		copy(bytesAt(c, dst, size), bytesAt(c, src, size))
	}
	return result(err)
}

func dynptrWrite(c *engine.Call, to, offset, src, size, flags uint64) uint64 {
	d := dynptrAt(c, to)
	if d.data() == 0 || d.readOnly() {
		return result(errno.EINVAL)
	}
	dst, err := d.span(offset, size)
	switch {
	case err != 0:
		return result(err)
	case flags != 0:
		return result(errno.EINVAL)
	}
	copy(bytesAt(c, dst, size), bytesAt(c, src, size))
	return 0
}

// dynptrData gives the address of bytes inside, 0 when they are not.
func dynptrData(c *engine.Call, from, offset, size, _, _ uint64) uint64 {
	d := dynptrAt(c, from)
	if d.data() == 0 || d.readOnly() {
		return 0
	}
	addr, err := d.span(offset, size)
	if err != 0 {
		return 0
	}
	return addr
}

// ringReserveDynptr reserves a record of a size that is not constant.
func ringReserveDynptr(c *engine.Call, m, size, flags, to, _ uint64) uint64 {
	d, n := dynptrAt(c, to), uint32(size)
	d.setNull()
	switch {
	case flags != 0:
		return result(errno.EINVAL)
	case n > maxDynptr:
		return result(errno.E2BIG)
	}
	record := ringReserve(c, m, uint64(n), 0, 0, 0)
	if record == 0 {
		return result(errno.EINVAL)
	}
	d.set(record, dynptrRingbuf, n)
	return 0
}

func ringSubmitDynptr(c *engine.Call, from, flags, _, _, _ uint64) uint64 {
	return endDynptr(c, from, flags, ringSubmit)
}

func ringDiscardDynptr(c *engine.Call, from, flags, _, _, _ uint64) uint64 {
	return endDynptr(c, from, flags, ringDiscard)
}

// endDynptr ends the record of a dynptr, which is none afterwards.
func endDynptr(c *engine.Call, from, flags uint64, end engine.Func) uint64 {
	d := dynptrAt(c, from)
	if record := d.data(); record != 0 {
		end(c, record, flags, 0, 0, 0)
		d.setNull()
	}
	return 0
}
