// This file defines the LRU hash maps: hash maps that make room when they are
// full by giving up what programs have not looked up for long.

package maps

import (
	"unsafe"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/errno"
	"github.com/skepbpf/skep/internal/ir"
)

func init() {
	register(kind{
		typ:   bytecode.MapLRUHash,
		check: checkLRUHash,
		open:  openLRUHash,
		batch: batchAll,
		btf:   btfAnyKey,
	})
	register(kind{
		typ:    bytecode.MapLRUPerCPUHash,
		check:  checkLRUPerCPUHash,
		open:   openLRUPerCPUHash,
		perCPU: true,
		batch:  batchAll,
		btf:    btfAnyKey,
		merge:  MergeSum,
	})
}

const lruFlags = hashFlags | bytecode.MapNoCommonLRU

func checkLRUHash(s *bytecode.MapSpec) errno.Errno {
	return checkLRU(s, s.Flags&bytecode.MapNoCommonLRU != 0)
}

func checkLRUPerCPUHash(s *bytecode.MapSpec) errno.Errno {
	if e := checkLRU(s, true); e != 0 {
		return e
	}
	return checkPerCPUValue(s)
}

// checkLRU judges an LRU map; one that has parts for each CPU cannot be on one
// memory node.
func checkLRU(s *bytecode.MapSpec, perCPU bool) errno.Errno {
	if e := checkFlags(s, lruFlags); e != 0 {
		return e
	}
	switch {
	case s.Flags&bytecode.MapNoPrealloc != 0:
		return errno.ENOTSUPP
	case s.Flags&bytecode.MapNumaNode != 0 && perCPU:
		return errno.EINVAL
	}
	return checkHashSizes(s)
}

// roundEntries makes BPF_F_NO_COMMON_LRU maps as large as the kernel does,
// which has a list for each CPU. Here one list serves all.
func roundEntries(b *base) {
	if b.spec.Flags&bytecode.MapNoCommonLRU == 0 {
		return
	}
	cpus := uint32(b.env.cpus())
	n := b.spec.MaxEntries
	if up := (n + cpus - 1) / cpus * cpus; up >= n {
		b.spec.MaxEntries = up
		return
	}
	b.spec.MaxEntries = n / cpus * cpus
}

// lruHash marks what programs look up; user space's lookups do not count.
type lruHash struct{ *hash }

func openLRUHash(b *base) (storage, errno.Errno) {
	roundEntries(b)
	h, e := newHash(b, reuseOldest)
	if e != 0 {
		return nil, e
	}
	return lruHash{h}, 0
}

func (l lruHash) ProgLookup(_ int, key uintptr) uintptr {
	e, _ := l.find(ptr(key))
	if e == nil {
		return 0
	}
	mark(e)
	return addr(l.valueOf(e))
}

func (l lruHash) ProgUpdate(_ int, key, value uintptr, flags uint64) errno.Errno {
	return l.put(ptr(key), ptr(value), flags)
}

// put has no FlagLock, which the kernel refuses here.
func (l lruHash) put(key, value unsafe.Pointer, flags uint64) errno.Errno {
	if flags > FlagExist {
		return errno.EINVAL
	}
	return l.hash.put(key, value, flags)
}

// Recipe is none: a lookup writes.
func (l lruHash) Recipe() ir.Recipe { return nil }

// lruPerCPUHash is the same over values for each CPU.
type lruPerCPUHash struct{ *perCPUHash }

func openLRUPerCPUHash(b *base) (storage, errno.Errno) {
	roundEntries(b)
	h, e := newPerCPUHash(b, reuseOldest)
	if e != 0 {
		return nil, e
	}
	return lruPerCPUHash{h}, 0
}

func (l lruPerCPUHash) ProgLookup(cpu int, key uintptr) uintptr {
	e, _ := l.find(ptr(key))
	if e == nil {
		return 0
	}
	mark(e)
	return addr(l.rows.value(l.row(e), cpu))
}

// mark notes that an element is used, without writing what is written already.
func mark(e element) {
	if m := at(e, elemMark); load32(m) == 0 {
		store32(m, 1)
	}
}
