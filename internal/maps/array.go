// This file defines the array: values by index, all there from the start.

package maps

import (
	"runtime"
	"unsafe"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/errno"
	"github.com/skepbpf/skep/internal/ir"
)

func init() {
	register(kind{
		typ:   bytecode.MapArray,
		check: checkArray,
		open:  openArray,
		batch: batchLookup | batchUpdate,
		btf:   btfSingle,
		merge: MergeSum,
	})
}

const arrayFlags = bytecode.MapNumaNode | bytecode.MapMmapable | bytecode.MapPreserveElems | bytecode.MapInnerMap | accessFlags

func checkArray(s *bytecode.MapSpec) errno.Errno {
	if s.MaxEntries == 0 || s.KeySize != 4 || s.ValueSize == 0 {
		return errno.EINVAL
	}
	if e := checkFlags(s, arrayFlags&^bytecode.MapPreserveElems); e != 0 {
		return e
	}
	if s.ValueSize > 1<<31-1 {
		return errno.E2BIG
	}
	return 0
}

// array lies in memory as its values do, one every stride bytes; the first
// begins a page, so that user space can map them.
type array struct {
	unsupported
	base
	mem    *mem
	values unsafe.Pointer
	stride uintptr
	size   uintptr
	max    uint32
}

func openArray(b *base) (storage, errno.Errno) {
	stride := roundUp8(uint64(b.spec.ValueSize))
	mem, e := b.reserve(stride * uint64(b.spec.MaxEntries))
	if e != 0 {
		return nil, e
	}
	return &array{base: *b, mem: mem, values: mem.base, stride: uintptr(stride),
		size: uintptr(b.spec.ValueSize), max: b.spec.MaxEntries}, 0
}

// value returns the place of a key's value, nil when the index is too large.
func (a *array) value(key unsafe.Pointer) unsafe.Pointer {
	i := *u32(key)
	if i >= a.max {
		return nil
	}
	return at(a.values, uintptr(i)*a.stride)
}

func (a *array) ProgLookup(_ int, key uintptr) uintptr { return addr(a.value(ptr(key))) }

func (a *array) ProgUpdate(_ int, key, value uintptr, flags uint64) errno.Errno {
	return a.put(ptr(key), ptr(value), flags)
}

func (a *array) ProgDelete(int, uintptr) errno.Errno { return errno.EINVAL }

func (a *array) ForEach(_ int, fn func(key, value uintptr) bool) (int, errno.Errno) {
	return eachIndex(a.max, func(i uint32, key uintptr) bool {
		return fn(key, addr(at(a.values, uintptr(i)*a.stride)))
	})
}

// eachIndex counts up, with the index in memory that a program can read.
func eachIndex(max uint32, fn func(i uint32, key uintptr) bool) (int, errno.Errno) {
	key := new([2]uint32) // Go's heap does not move
	defer runtime.KeepAlive(key)
	for i := range max {
		key[0] = i
		if !fn(i, addr(unsafe.Pointer(key))) {
			return int(i) + 1, 0
		}
	}
	return int(max), 0
}

func (a *array) Locate(address uintptr) (uintptr, uint32, bool) {
	off := address - addr(a.values)
	if off >= a.stride*uintptr(a.max) {
		return 0, 0, false
	}
	return address - off%a.stride, uint32(a.size), off%a.stride < a.size
}

func (a *array) get(key, value unsafe.Pointer, flags uint64) errno.Errno {
	v := a.value(key)
	if v == nil {
		return errno.ENOENT
	}
	a.fields.load(value, v, a.size, flags)
	return 0
}

func (a *array) put(key, value unsafe.Pointer, flags uint64) errno.Errno {
	v := a.value(key)
	if e := checkIndexUpdate(flags, v != nil, a.fields.hasLock); e != 0 {
		return e
	}
	a.fields.store(v, value, a.size, flags)
	return 0
}

// checkIndexUpdate judges an update of a map whose elements all exist.
func checkIndexUpdate(flags uint64, inRange, hasLock bool) errno.Errno {
	switch {
	case flags&^FlagLock > FlagExist:
		return errno.EINVAL
	case !inRange:
		return errno.E2BIG
	case flags&FlagNoExist != 0:
		return errno.EEXIST
	case flags&FlagLock != 0 && !hasLock:
		return errno.EINVAL
	}
	return 0
}

func (a *array) remove(unsafe.Pointer) errno.Errno { return errno.EINVAL }

func (a *array) nextKey(key, next unsafe.Pointer) errno.Errno { return nextIndex(a.max, key, next) }

// nextIndex is the order of arrays: an index that is too large, like none,
// stands before 0.
func nextIndex(max uint32, key, next unsafe.Pointer) errno.Errno {
	i := ^uint32(0)
	if key != nil {
		i = *u32(key)
	}
	switch {
	case i >= max:
		*u32(next) = 0
	case i == max-1:
		return errno.ENOENT
	default:
		*u32(next) = i + 1
	}
	return 0
}

func (a *array) lookupBatch(b *Batch, _ bool) (int, errno.Errno) { return lookupByKey(a, b) }

func (a *array) scan(c *Cursor) { scanIndexes(c, a.max, a.get) }

// scanIndexes gives a cursor the next run of an array.
func scanIndexes(c *Cursor, max uint32, get func(key, value unsafe.Pointer, flags uint64) errno.Errno) {
	end := min(c.pos+runLength, uint64(max))
	for ; c.pos < end; c.pos++ {
		key, value := c.add()
		*u32(data(key)) = uint32(c.pos)
		get(data(key), data(value), 0)
	}
	if c.pos == uint64(max) {
		c.finish()
	}
}

func (a *array) memory() *mem { return a.mem }

func (a *array) Recipe() ir.Recipe {
	return ir.Recipe{
		{Op: ir.RecipeLoad32, Dst: 2, A: ir.RecipeKey},
		{Op: ir.RecipeConst, Dst: 3, Imm: uint64(a.max)},
		{Op: ir.RecipeConst, Dst: 4},
		{Op: ir.RecipeIfGe, A: 2, B: 3, Imm: 7},
		{Op: ir.RecipeMul, Dst: 2, A: 2, Imm: uint64(a.stride)},
		{Op: ir.RecipeConst, Dst: 4, Imm: uint64(addr(a.values))},
		{Op: ir.RecipeAdd, Dst: 4, A: 4, B: 2},
		{Op: ir.RecipeReturn, A: 4},
	}
}
