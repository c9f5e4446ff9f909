// This file defines the hash map.

package maps

import (
	"unsafe"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/errno"
	"github.com/skepbpf/skep/internal/ir"
)

func init() {
	register(kind{
		typ:   bytecode.MapHash,
		check: checkHash,
		open:  openHash,
		batch: batchAll,
		btf:   btfAnyKey,
	})
}

const hashFlags = bytecode.MapNoPrealloc | bytecode.MapNumaNode | bytecode.MapZeroSeed | accessFlags

func checkHash(s *bytecode.MapSpec) errno.Errno {
	if e := checkFlags(s, hashFlags); e != 0 {
		return e
	}
	return checkHashSizes(s)
}

// htabElem is sizeof(struct htab_elem), which counts against the largest
// allocation.
const htabElem = 48

func checkHashSizes(s *bytecode.MapSpec) errno.Errno {
	switch {
	case s.MaxEntries == 0, s.KeySize == 0, s.ValueSize == 0:
		return errno.EINVAL
	case uint64(s.KeySize)+uint64(s.ValueSize) >= maxAlloc-htabElem:
		return errno.E2BIG
	}
	return 0
}

// hash keeps values in the table's elements, behind the keys.
type hash struct {
	unsupported
	base
	*table
	value uintptr // offset in an element
	size  uintptr
	plain bool // no special fields
}

func openHash(b *base) (storage, errno.Errno) {
	if b.spec.Flags&bytecode.MapNoPrealloc != 0 {
		return newHash(b, reuseLater)
	}
	return newHash(b, reuseAtOnce)
}

func newHash(b *base, how reuse) (*hash, errno.Errno) {
	t, _, e := openTable(b, how, uint64(roundUp8(b.spec.ValueSize)), nil)
	if e != 0 {
		return nil, e
	}
	return &hash{base: *b, table: t, value: elemHeader + roundUp8(t.keys.size), size: uintptr(b.spec.ValueSize),
		plain: !b.fields.any()}, 0
}

func (h *hash) valueOf(e element) unsafe.Pointer { return at(e, h.value) }

func (h *hash) ProgLookup(_ int, key uintptr) uintptr {
	e, _ := h.find(ptr(key))
	if e == nil {
		return 0
	}
	return addr(h.valueOf(e))
}

func (h *hash) ProgUpdate(_ int, key, value uintptr, flags uint64) errno.Errno {
	return h.put(ptr(key), ptr(value), flags)
}

func (h *hash) ProgDelete(_ int, key uintptr) errno.Errno { return h.remove(ptr(key)) }

func (h *hash) ForEach(_ int, fn func(key, value uintptr) bool) (int, errno.Errno) {
	return h.each(func(e element) bool { return fn(addr(keyOf(e)), addr(h.valueOf(e))) }), 0
}

func (h *hash) Locate(address uintptr) (uintptr, uint32, bool) {
	off := address - addr(h.elems)
	if off >= uintptr(h.elements)*h.stride {
		return 0, 0, false
	}
	in := off%h.stride - h.value
	return address - in, uint32(h.size), in < h.size
}

func (h *hash) get(key, value unsafe.Pointer, flags uint64) errno.Errno {
	for range maxTries {
		e, seq := h.find(key)
		if e == nil {
			return errno.ENOENT
		}
		if h.plain {
			copyWords(value, h.valueOf(e), h.size)
		} else {
			h.fields.load(value, h.valueOf(e), h.size, flags)
		}
		if h.holds(e, seq) {
			return 0
		}
	}
	c := h.begin(key)
	defer c.end()
	if c.old == nil {
		return errno.ENOENT
	}
	h.fields.load(value, h.valueOf(c.old), h.size, flags)
	return 0
}

func (h *hash) put(key, value unsafe.Pointer, flags uint64) errno.Errno {
	if flags&^FlagLock > FlagExist || flags&FlagLock != 0 && !h.fields.hasLock {
		return errno.EINVAL
	}
	c := h.begin(key)
	e := c.allowed(flags)
	if e == 0 {
		e = h.write(&c, key, value, flags)
	}
	c.end()
	return e
}

// write sets the value in a new element, which then takes the old one's place;
// under FlagLock in the old one.
func (h *hash) write(c *change, key, value unsafe.Pointer, flags uint64) errno.Errno {
	if c.old != nil && flags&FlagLock != 0 {
		h.fields.store(h.valueOf(c.old), value, h.size, flags)
		return 0
	}
	e, err := c.obtain(key)
	if err != 0 {
		return err
	}
	v := h.valueOf(e)
	h.fields.copyIn(v, value, h.size)
	h.fields.clear(v, h.size)
	c.publish(e)
	return 0
}

func (h *hash) remove(key unsafe.Pointer) errno.Errno {
	c := h.begin(key)
	defer c.end()
	if c.old == nil {
		return errno.ENOENT
	}
	c.remove()
	return 0
}

func (h *hash) take(key, value unsafe.Pointer, flags uint64) errno.Errno {
	c := h.begin(key)
	defer c.end()
	if c.old == nil {
		return errno.ENOENT
	}
	h.fields.load(value, h.valueOf(c.old), h.size, flags)
	c.remove()
	return 0
}

func (h *hash) nextKey(key, next unsafe.Pointer) errno.Errno { return h.table.next(key, next) }

func (h *hash) lookupBatch(b *Batch, take bool) (int, errno.Errno) {
	return h.table.lookupBatch(b, take, h.copyEntry)
}

func (h *hash) scan(c *Cursor) { h.table.scan(c, h.copyEntry) }

func (h *hash) copyEntry(e element, value unsafe.Pointer, flags uint64) {
	h.fields.load(value, h.valueOf(e), h.size, flags)
}

func (h *hash) memory() *mem { return h.mem }

func (h *hash) Recipe() ir.Recipe { return h.table.recipe(h.value) }
