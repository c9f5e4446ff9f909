// This file defines atomic operations on raw addresses.

package engine

import (
	"sync/atomic"

	"github.com/skepbpf/skep/internal/ir"
)

// BPF's atomic operations: Imm of Atomic32 and Atomic64.
const (
	atomicFetch   = 0x01
	atomicAdd     = 0x00
	atomicOr      = 0x40
	atomicAnd     = 0x50
	atomicXor     = 0xa0
	atomicXchg    = 0xe0 | atomicFetch
	atomicCmpXchg = 0xf0 | atomicFetch
)

// atomic runs a read-modify-write. The old value goes to the source register
// of those that fetch, and to R0 of compare-exchange.
func (m *machine) atomic(op *ir.Op) {
	r, src := &m.r, op.Src&(ir.NumRegs-1)
	addr := r[op.Dst&(ir.NumRegs-1)] + uint64(op.Off)
	var old uint64
	if op.Code == ir.Atomic64 {
		old = atomic64(at[uint64](addr), int(op.Imm), r[src], r[ir.R0])
	} else {
		old = uint64(atomic32(at[uint32](addr), int(op.Imm), uint32(r[src]), uint32(r[ir.R0])))
	}
	switch {
	case op.Imm == atomicCmpXchg:
		r[ir.R0] = old
	case op.Imm&atomicFetch != 0:
		r[src] = old
	}
}

func atomic64(p *uint64, op int, v, expected uint64) (old uint64) {
	switch op {
	case atomicXchg:
		return atomic.SwapUint64(p, v)
	case atomicCmpXchg:
		return compareExchange(p, expected, v, atomic.LoadUint64, atomic.CompareAndSwapUint64)
	}
	switch op &^ atomicFetch {
	case atomicAdd:
		return atomic.AddUint64(p, v) - v
	case atomicOr:
		return atomic.OrUint64(p, v)
	case atomicAnd:
		return atomic.AndUint64(p, v)
	}
	for { // xor
		old = atomic.LoadUint64(p)
		if atomic.CompareAndSwapUint64(p, old, old^v) {
			return old
		}
	}
}

func atomic32(p *uint32, op int, v, expected uint32) (old uint32) {
	switch op {
	case atomicXchg:
		return atomic.SwapUint32(p, v)
	case atomicCmpXchg:
		return compareExchange(p, expected, v, atomic.LoadUint32, atomic.CompareAndSwapUint32)
	}
	switch op &^ atomicFetch {
	case atomicAdd:
		return atomic.AddUint32(p, v) - v
	case atomicOr:
		return atomic.OrUint32(p, v)
	case atomicAnd:
		return atomic.AndUint32(p, v)
	}
	for { // xor
		old = atomic.LoadUint32(p)
		if atomic.CompareAndSwapUint32(p, old, old^v) {
			return old
		}
	}
}

// compareExchange stores v if the old value is the expected one. It gives the
// old value in either case, which Go's own operation does not.
func compareExchange[T uint32 | uint64](p *T, expected, v T, load func(*T) T, cas func(*T, T, T) bool) T {
	for {
		if old := load(p); old != expected || cas(p, old, v) {
			return old
		}
	}
}

// loadAcquire reads with acquire order. Go has it for words; a byte or a half
// is read as part of the aligned word that it lies in, which is on one page
// with it.
func loadAcquire(c ir.Opcode, addr uint64) uint64 {
	switch c {
	case ir.LoadAcq64:
		return atomic.LoadUint64(at[uint64](addr))
	case ir.LoadAcq32:
		return uint64(atomic.LoadUint32(at[uint32](addr)))
	case ir.LoadAcq16:
		return uint64(uint16(atomic.LoadUint32(wordOf(addr)) >> shiftOf(addr)))
	}
	return uint64(uint8(atomic.LoadUint32(wordOf(addr)) >> shiftOf(addr)))
}

// storeRelease writes with release order; a byte or a half by exchanging the
// word around it.
func storeRelease(c ir.Opcode, addr, v uint64) {
	switch c {
	case ir.StoreRel64:
		atomic.StoreUint64(at[uint64](addr), v)
	case ir.StoreRel32:
		atomic.StoreUint32(at[uint32](addr), uint32(v))
	case ir.StoreRel16:
		storePart(addr, 0xffff, uint32(v))
	default:
		storePart(addr, 0xff, uint32(v))
	}
}

func storePart(addr uint64, mask, v uint32) {
	word, shift := wordOf(addr), shiftOf(addr)
	for {
		old := atomic.LoadUint32(word)
		if atomic.CompareAndSwapUint32(word, old, old&^(mask<<shift)|(v&mask)<<shift) {
			return
		}
	}
}

// wordOf and shiftOf find a part of an aligned word, in little-endian order.
func wordOf(addr uint64) *uint32 { return at[uint32](addr &^ 3) }
func shiftOf(addr uint64) uint64 { return addr & 3 * 8 }
