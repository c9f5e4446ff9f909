// This file defines the per-CPU array: an array whose every value exists once
// for each CPU.

package maps

import (
	"unsafe"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/errno"
	"github.com/skepbpf/skep/internal/ir"
)

func init() {
	register(kind{
		typ:    bytecode.MapPerCPUArray,
		check:  checkPerCPUArray,
		open:   openPerCPUArray,
		perCPU: true,
		batch:  batchLookup | batchUpdate,
		btf:    btfIndex,
		merge:  MergeSum,
	})
}

func checkPerCPUArray(s *bytecode.MapSpec) errno.Errno {
	if e := checkArray(s); e != 0 {
		return e
	}
	if s.Flags&(bytecode.MapMmapable|bytecode.MapInnerMap|bytecode.MapNumaNode) != 0 {
		return errno.EINVAL
	}
	return checkPerCPUValue(s)
}

func checkPerCPUValue(s *bytecode.MapSpec) errno.Errno {
	if roundUp8(uint64(s.ValueSize)) > maxPerCPUValue {
		return errno.E2BIG
	}
	return 0
}

// perCPUArray lies in memory as rows:
//
//	| all values of CPU 0 | all values of CPU 1 | …
type perCPUArray struct {
	unsupported
	base
	rows
	mem *mem
	max uint32
}

func openPerCPUArray(b *base) (storage, errno.Errno) {
	n := uint64(b.spec.MaxEntries)
	mem, e := b.reserve(rowsSize(b, n))
	if e != 0 {
		return nil, e
	}
	return &perCPUArray{base: *b, rows: layRows(b, mem.base, n), mem: mem, max: b.spec.MaxEntries}, 0
}

func (a *perCPUArray) ProgLookup(cpu int, key uintptr) uintptr {
	i := *u32(ptr(key))
	if i >= a.max {
		return 0
	}
	return addr(a.value(uint64(i), cpu))
}

func (a *perCPUArray) ProgLookupPerCPU(key uintptr, cpu uint32) uintptr {
	if uint64(cpu) >= uint64(a.cpus) {
		return 0
	}
	return a.ProgLookup(int(cpu), key)
}

func (a *perCPUArray) ProgUpdate(cpu int, key, value uintptr, flags uint64) errno.Errno {
	i := *u32(ptr(key))
	if e := checkIndexUpdate(flags, i < a.max, a.fields.hasLock); e != 0 {
		return e
	}
	a.setOne(uint64(i), cpu, ptr(value))
	return 0
}

func (a *perCPUArray) ProgDelete(int, uintptr) errno.Errno { return errno.EINVAL }

func (a *perCPUArray) ForEach(cpu int, fn func(key, value uintptr) bool) (int, errno.Errno) {
	return eachIndex(a.max, func(i uint32, key uintptr) bool {
		return fn(key, addr(a.value(uint64(i), cpu)))
	})
}

func (a *perCPUArray) get(key, value unsafe.Pointer, _ uint64) errno.Errno {
	i := *u32(key)
	if i >= a.max {
		return errno.ENOENT
	}
	a.loadAll(uint64(i), value)
	return 0
}

func (a *perCPUArray) put(key, value unsafe.Pointer, flags uint64) errno.Errno {
	i := *u32(key)
	switch {
	case flags > FlagExist:
		return errno.EINVAL
	case i >= a.max:
		return errno.E2BIG
	case flags == FlagNoExist:
		return errno.EEXIST
	}
	a.storeAll(uint64(i), value)
	return 0
}

func (a *perCPUArray) remove(unsafe.Pointer) errno.Errno { return errno.EINVAL }

func (a *perCPUArray) nextKey(key, next unsafe.Pointer) errno.Errno {
	return nextIndex(a.max, key, next)
}

func (a *perCPUArray) lookupBatch(b *Batch, _ bool) (int, errno.Errno) { return lookupByKey(a, b) }

func (a *perCPUArray) Locate(address uintptr) (uintptr, uint32, bool) { return a.locate(address) }

func (a *perCPUArray) memory() *mem { return a.mem }

func (a *perCPUArray) scan(c *Cursor) { scanIndexes(c, a.max, a.get) }

func (a *perCPUArray) Recipe() ir.Recipe {
	return ir.Recipe{
		{Op: ir.RecipeLoad32, Dst: 2, A: ir.RecipeKey},
		{Op: ir.RecipeConst, Dst: 3, Imm: uint64(a.max)},
		{Op: ir.RecipeConst, Dst: 4},
		{Op: ir.RecipeIfGe, A: 2, B: 3, Imm: 9},
		{Op: ir.RecipeMul, Dst: 2, A: 2, Imm: uint64(a.stride)},
		{Op: ir.RecipeMul, Dst: 3, A: ir.RecipeCPU, Imm: uint64(a.row)},
		{Op: ir.RecipeConst, Dst: 4, Imm: uint64(addr(a.start))},
		{Op: ir.RecipeAdd, Dst: 4, A: 4, B: 2},
		{Op: ir.RecipeAdd, Dst: 4, A: 4, B: 3},
		{Op: ir.RecipeReturn, A: 4},
	}
}
