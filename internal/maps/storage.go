// This file defines what a map kind provides.

package maps

import (
	"unsafe"

	"github.com/skepbpf/skep/internal/errno"
	"github.com/skepbpf/skep/internal/ir"
)

// storage is a map kind at work. A kind embeds unsupported and defines what it
// has. User-side methods are called with sizes, flags and permissions checked.
//
// The program side takes raw addresses: keys and values may lie on a run's
// stack, in a packet or in a map. Addresses that it returns stay valid for the
// run, as RCU pointers do.
type storage interface {
	// ProgLookup returns the address of the key's value, for per-CPU kinds of
	// that CPU's, 0 when there is none.
	ProgLookup(cpu int, key uintptr) uintptr
	// ProgLookupPerCPU returns the address of another CPU's value, 0 when the
	// key or the CPU does not exist.
	ProgLookupPerCPU(key uintptr, cpu uint32) uintptr
	// ProgUpdate sets a key's value; for per-CPU kinds that CPU's.
	ProgUpdate(cpu int, key, value uintptr, flags uint64) errno.Errno
	ProgDelete(cpu int, key uintptr) errno.Errno
	ProgPush(value uintptr, flags uint64) errno.Errno
	ProgPop(value uintptr) errno.Errno
	ProgPeek(value uintptr) errno.Errno
	// ForEach calls fn for each element until it returns false. n counts the
	// calls. fn may update and delete elements.
	ForEach(cpu int, fn func(key, value uintptr) bool) (n int, err errno.Errno)
	// Locate finds the value (for ring buffers the record) that an address
	// lies in.
	Locate(addr uintptr) (value uintptr, size uint32, ok bool)
	// Recipe says how a compiler finds a value without a call; nil: it calls.
	Recipe() ir.Recipe

	get(key, value unsafe.Pointer, flags uint64) errno.Errno
	put(key, value unsafe.Pointer, flags uint64) errno.Errno
	remove(key unsafe.Pointer) errno.Errno
	// take is lookup and delete in one step.
	take(key, value unsafe.Pointer, flags uint64) errno.Errno
	// nextKey gives the key after key; key nil or unknown means the first.
	nextKey(key, next unsafe.Pointer) errno.Errno
	// lookupBatch fills b.Keys, b.Values and b.Out; it deletes what it gives
	// when take is set.
	lookupBatch(b *Batch, take bool) (n int, err errno.Errno)
	// scan refills a cursor.
	scan(c *Cursor)
	// merge brings another map of the kind into this one; done is false when
	// that is to be done entry by entry.
	merge(from storage, mode MergeMode) (done bool, err errno.Errno)
	// memory is what the map lives in, nil when that is Go's heap, of which
	// heap says how many bytes.
	memory() *mem
	heap() uint64
	// close releases what other objects the map holds.
	close()
}

// unsupported answers for what a kind does not have, with the kernel's error.
type unsupported struct{}

func (unsupported) ProgLookup(int, uintptr) uintptr          { return 0 }
func (unsupported) ProgLookupPerCPU(uintptr, uint32) uintptr { return 0 }
func (unsupported) ProgUpdate(int, uintptr, uintptr, uint64) errno.Errno {
	return errno.EOPNOTSUPP
}
func (unsupported) ProgDelete(int, uintptr) errno.Errno         { return errno.EOPNOTSUPP }
func (unsupported) ProgPush(uintptr, uint64) errno.Errno        { return errno.EOPNOTSUPP }
func (unsupported) ProgPop(uintptr) errno.Errno                 { return errno.EOPNOTSUPP }
func (unsupported) ProgPeek(uintptr) errno.Errno                { return errno.EOPNOTSUPP }
func (unsupported) Locate(uintptr) (uintptr, uint32, bool)      { return 0, 0, false }
func (unsupported) Recipe() ir.Recipe                           { return nil }
func (unsupported) remove(unsafe.Pointer) errno.Errno           { return errno.ENOTSUPP }
func (unsupported) lookupBatch(*Batch, bool) (int, errno.Errno) { return 0, errno.ENOTSUPP }
func (unsupported) scan(c *Cursor)                              { c.finish() }
func (unsupported) memory() *mem                                { return nil }
func (unsupported) heap() uint64                                { return 0 }
func (unsupported) close()                                      {}

func (unsupported) merge(storage, MergeMode) (bool, errno.Errno) { return false, 0 }

func (unsupported) ForEach(int, func(key, value uintptr) bool) (int, errno.Errno) {
	return 0, errno.EOPNOTSUPP
}

func (unsupported) get(_, _ unsafe.Pointer, _ uint64) errno.Errno  { return errno.ENOTSUPP }
func (unsupported) put(_, _ unsafe.Pointer, _ uint64) errno.Errno  { return errno.ENOTSUPP }
func (unsupported) take(_, _ unsafe.Pointer, _ uint64) errno.Errno { return errno.ENOTSUPP }
func (unsupported) nextKey(_, _ unsafe.Pointer) errno.Errno        { return errno.ENOTSUPP }
