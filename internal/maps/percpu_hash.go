// This file defines the per-CPU hash map: a hash map whose every value exists
// once for each CPU.

package maps

import (
	"unsafe"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/errno"
)

func init() {
	register(kind{
		typ:    bytecode.MapPerCPUHash,
		check:  checkPerCPUHash,
		open:   openPerCPUHash,
		perCPU: true,
		batch:  batchAll,
		btf:    btfAnyKey,
		merge:  MergeSum,
	})
}

func checkPerCPUHash(s *bytecode.MapSpec) errno.Errno {
	if e := checkFlags(s, hashFlags&^bytecode.MapNumaNode); e != 0 {
		return e
	}
	if e := checkHashSizes(s); e != 0 {
		return e
	}
	return checkPerCPUValue(s)
}

// perCPUHash keeps keys in the table's elements and values in rows, under the
// elements' numbers.
type perCPUHash struct {
	unsupported
	base
	*table
	rows rows
}

func openPerCPUHash(b *base) (storage, errno.Errno) {
	if b.spec.Flags&bytecode.MapNoPrealloc != 0 {
		return newPerCPUHash(b, reuseLater)
	}
	return newPerCPUHash(b, reuseAtOnce)
}

func newPerCPUHash(b *base, how reuse) (*perCPUHash, errno.Errno) {
	t, behind, e := openTable(b, how, 0, rowsSize)
	if e != 0 {
		return nil, e
	}
	return &perCPUHash{base: *b, table: t, rows: layRows(b, behind, uint64(t.elements))}, 0
}

func (h *perCPUHash) row(e element) uint64 { return uint64(h.number(e) - 1) }

func (h *perCPUHash) ProgLookup(cpu int, key uintptr) uintptr {
	e, _ := h.find(ptr(key))
	if e == nil {
		return 0
	}
	return addr(h.rows.value(h.row(e), cpu))
}

func (h *perCPUHash) ProgLookupPerCPU(key uintptr, cpu uint32) uintptr {
	if uint64(cpu) >= uint64(h.rows.cpus) {
		return 0
	}
	return h.ProgLookup(int(cpu), key)
}

func (h *perCPUHash) ProgUpdate(cpu int, key, value uintptr, flags uint64) errno.Errno {
	return h.write(ptr(key), flags, func(i uint64, created bool) {
		if created {
			h.rows.setOnly(i, cpu, ptr(value))
		} else {
			h.rows.setOne(i, cpu, ptr(value))
		}
	})
}

func (h *perCPUHash) ProgDelete(_ int, key uintptr) errno.Errno { return h.remove(ptr(key)) }

func (h *perCPUHash) ForEach(cpu int, fn func(key, value uintptr) bool) (int, errno.Errno) {
	return h.each(func(e element) bool { return fn(addr(keyOf(e)), addr(h.rows.value(h.row(e), cpu))) }), 0
}

func (h *perCPUHash) Locate(address uintptr) (uintptr, uint32, bool) { return h.rows.locate(address) }

func (h *perCPUHash) get(key, value unsafe.Pointer, _ uint64) errno.Errno {
	for range maxTries {
		e, seq := h.find(key)
		if e == nil {
			return errno.ENOENT
		}
		h.rows.loadAll(h.row(e), value)
		if h.holds(e, seq) {
			return 0
		}
	}
	c := h.begin(key)
	defer c.end()
	if c.old == nil {
		return errno.ENOENT
	}
	h.rows.loadAll(h.row(c.old), value)
	return 0
}

func (h *perCPUHash) put(key, value unsafe.Pointer, flags uint64) errno.Errno {
	return h.write(key, flags, func(i uint64, _ bool) { h.rows.storeAll(i, value) })
}

// write sets values of a key's element, which keeps its place when it exists.
func (h *perCPUHash) write(key unsafe.Pointer, flags uint64, set func(i uint64, created bool)) errno.Errno {
	if flags > FlagExist {
		return errno.EINVAL
	}
	c := h.begin(key)
	defer c.end()
	if e := c.allowed(flags); e != 0 {
		return e
	}
	if c.old != nil {
		set(h.row(c.old), false)
		return 0
	}
	e, err := c.obtain(key)
	if err != 0 {
		return err
	}
	set(h.row(e), true)
	c.publish(e)
	return 0
}

func (h *perCPUHash) remove(key unsafe.Pointer) errno.Errno {
	c := h.begin(key)
	defer c.end()
	if c.old == nil {
		return errno.ENOENT
	}
	c.remove()
	return 0
}

func (h *perCPUHash) take(key, value unsafe.Pointer, _ uint64) errno.Errno {
	c := h.begin(key)
	defer c.end()
	if c.old == nil {
		return errno.ENOENT
	}
	h.rows.loadAll(h.row(c.old), value)
	c.remove()
	return 0
}

func (h *perCPUHash) nextKey(key, next unsafe.Pointer) errno.Errno { return h.table.next(key, next) }

func (h *perCPUHash) lookupBatch(b *Batch, take bool) (int, errno.Errno) {
	return h.table.lookupBatch(b, take, h.copyEntry)
}

func (h *perCPUHash) scan(c *Cursor) { h.table.scan(c, h.copyEntry) }

func (h *perCPUHash) copyEntry(e element, value unsafe.Pointer, _ uint64) {
	h.rows.loadAll(h.row(e), value)
}

func (h *perCPUHash) memory() *mem { return h.mem }
