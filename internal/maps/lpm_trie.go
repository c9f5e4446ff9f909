// This file defines the longest-prefix-match trie: its layout, and how it is read.

package maps

import (
	"math/bits"
	"runtime"
	"sync"
	"unsafe"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/errno"
)

func init() {
	register(kind{
		typ:   bytecode.MapLPMTrie,
		check: checkLPM,
		open:  openLPM,
		batch: batchLookup | batchUpdate | batchDelete,
		btf:   btfStructKey,
	})
}

// Sizes of keys and values (kernel/bpf/lpm_trie.c): a key is its prefix length
// in bits, 4 bytes, and then its data, most significant byte first.
const (
	lpmPrefix   = 4
	lpmMaxData  = 256
	lpmNodeSize = 24 // sizeof(struct lpm_trie_node) since 6.13
	lpmMaxValue = maxAlloc - lpmMaxData - lpmNodeSize
)

func checkLPM(s *bytecode.MapSpec) errno.Errno {
	const flags = bytecode.MapNoPrealloc | bytecode.MapNumaNode | accessFlags
	if s.MaxEntries == 0 || s.Flags&bytecode.MapNoPrealloc == 0 ||
		s.KeySize <= lpmPrefix || s.KeySize > lpmPrefix+lpmMaxData ||
		s.ValueSize == 0 || s.ValueSize > lpmMaxValue {
		return errno.EINVAL
	}
	return checkFlags(s, flags)
}

// lpm is a binary trie without one-way branches, in one piece of memory:
//
//	| head | node 1 | node 2 | …
//
// A node is
//
//	 0  child 0, child 1   numbers of nodes, 0 for none
//	 8  prefix             length in bits
//	12  joint              1: no entry, only where two subtrees part
//	16  data               rounded up to 8 bytes
//	…   value
//
// A child's prefix extends its parent's, and its next bit says which child it
// is. Every joint has two children.
//
// Programs read without a lock. A node is changed only in its children and its
// joint mark; a new value is a new node. Nodes that left wait for running
// programs. Where nothing waits (no Deferrer), a reader notices by the head's
// count of reused nodes, and starts again.
type lpm struct {
	unsupported
	base
	mem      *mem
	nodes    unsafe.Pointer
	stride   uintptr
	dataSize uintptr
	value    uintptr // offset in a node
	size     uintptr
	maxBits  uint32
	elements uint32

	mu sync.Mutex // held by writers, and by readers in user space
}

// Offsets in the head.
const (
	lpmRoot   = 0
	lpmCount  = 4
	lpmFree   = 8  // first free node; child 0 leads to the next
	lpmFresh  = 12 // nodes ever used
	lpmReused = 16
	lpmHead   = 64
)

// Offsets in a node.
const (
	nodePrefix = 8
	nodeJoint  = 12
	nodeData   = 16
)

func openLPM(b *base) (storage, errno.Errno) {
	dataSize := uint64(b.spec.KeySize) - lpmPrefix
	value := nodeData + roundUp8(dataSize)
	stride := value + uint64(roundUp8(b.spec.ValueSize))
	elements := min(3*uint64(b.spec.MaxEntries)+deferSlack, 1<<32-2)
	mem, e := b.reserve(lpmHead + elements*stride)
	if e != 0 {
		return nil, e
	}
	return &lpm{
		base: *b, mem: mem, nodes: mem.at(lpmHead), stride: uintptr(stride), dataSize: uintptr(dataSize),
		value: uintptr(value), size: uintptr(b.spec.ValueSize), maxBits: uint32(8 * dataSize), elements: uint32(elements),
	}, 0
}

func (t *lpm) head(off uintptr) unsafe.Pointer      { return at(t.mem.base, off) }
func (t *lpm) node(n uint32) unsafe.Pointer         { return at(t.nodes, uintptr(n-1)*t.stride) }
func (t *lpm) data(n uint32) unsafe.Pointer         { return at(t.node(n), nodeData) }
func (t *lpm) valueOf(n uint32) unsafe.Pointer      { return at(t.node(n), t.value) }
func (t *lpm) prefix(n uint32) uint32               { return load32(at(t.node(n), nodePrefix)) }
func (t *lpm) joint(n uint32) bool                  { return load32(at(t.node(n), nodeJoint)) != 0 }
func (t *lpm) child(n, bit uint32) uint32           { return load32(t.childSlot(n, bit)) }
func (t *lpm) root() uint32                         { return load32(t.head(lpmRoot)) }
func (t *lpm) childSlot(n, b uint32) unsafe.Pointer { return at(t.node(n), uintptr(4*b)) }

// prefixOf and dataOf are the parts of a key.
func prefixOf(key unsafe.Pointer) uint32       { return *u32(key) }
func dataOf(key unsafe.Pointer) unsafe.Pointer { return at(key, lpmPrefix) }

// bit is the bit with a number of some data.
func bit(data unsafe.Pointer, n uint32) uint32 {
	return uint32(*(*byte)(at(data, uintptr(n/8)))) >> (7 - n%8) & 1
}

// match counts the bits that node n's prefix and a key's have in common.
func (t *lpm) match(n uint32, key unsafe.Pointer) uint32 {
	limit := min(t.prefix(n), prefixOf(key))
	a, b := t.data(n), dataOf(key)
	for off := uint32(0); off < limit; off += 64 {
		i := uintptr(off / 8)
		width := min(8, t.dataSize-i)
		if d := leading(at(a, i), width) ^ leading(at(b, i), width); d != 0 {
			return min(limit, off+uint32(bits.LeadingZeros64(d)))
		}
	}
	return limit
}

// leading reads n bytes, the first as the most significant.
func leading(p unsafe.Pointer, n uintptr) uint64 {
	switch n {
	case 8:
		return bits.ReverseBytes64(*u64(p))
	case 4:
		return uint64(bits.ReverseBytes32(*u32(p))) << 32
	}
	w := uint64(0)
	for i, b := range view(p, n) {
		w |= uint64(b) << (56 - 8*i)
	}
	return w
}

// longest finds the entry with the longest prefix that key begins with, 0
// without one. Steps are bounded, because a reader may stray into reused nodes.
func (t *lpm) longest(key unsafe.Pointer) (found uint32) {
	n := t.root()
	for hops := uint32(0); n != 0 && hops <= t.maxBits; hops++ {
		prefix := t.prefix(n)
		if t.match(n, key) < prefix {
			break
		}
		if !t.joint(n) {
			found = n
		}
		if prefix >= prefixOf(key) {
			break
		}
		n = t.child(n, bit(dataOf(key), prefix))
	}
	return found
}

func (t *lpm) ProgLookup(_ int, key uintptr) uintptr {
	k := ptr(key)
	if prefixOf(k) > t.maxBits {
		return 0
	}
	for range maxTries {
		reused := load32(t.head(lpmReused))
		n := t.longest(k)
		readBarrier()
		if load32(t.head(lpmReused)) == reused {
			return t.valueAddr(n)
		}
		runtime.Gosched()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.valueAddr(t.longest(k))
}

func (t *lpm) valueAddr(n uint32) uintptr {
	if n == 0 {
		return 0
	}
	return addr(t.valueOf(n))
}

func (t *lpm) ProgUpdate(_ int, key, value uintptr, flags uint64) errno.Errno {
	return t.put(ptr(key), ptr(value), flags)
}

func (t *lpm) ProgDelete(_ int, key uintptr) errno.Errno { return t.remove(ptr(key)) }

func (t *lpm) Locate(address uintptr) (uintptr, uint32, bool) {
	off := address - addr(t.nodes)
	if off >= uintptr(t.elements)*t.stride {
		return 0, 0, false
	}
	in := off%t.stride - t.value
	return address - in, uint32(t.size), in < t.size
}

func (t *lpm) get(key, value unsafe.Pointer, _ uint64) errno.Errno {
	if prefixOf(key) > t.maxBits {
		return errno.ENOENT
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.longest(key)
	if n == 0 {
		return errno.ENOENT
	}
	t.fields.copyOut(value, t.valueOf(n), t.size)
	return 0
}

func (t *lpm) memory() *mem { return t.mem }
