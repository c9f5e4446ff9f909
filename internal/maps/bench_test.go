// This file defines the benchmarks of map operations.

package maps

import (
	"fmt"
	"testing"
	"unsafe"

	"github.com/skepbpf/skep/internal/bytecode"
)

var benchSizes = []uint32{1 << 10, 1 << 20}

// fill puts n entries into a map with 8-byte keys.
func fill(tb testing.TB, m *Map, n uint64) {
	value := make([]byte, m.UserValueSize())
	for i := range n {
		if e := m.Update(k8(i), value, 0); e != 0 {
			tb.Fatal(e)
		}
	}
}

// shuffled visits the numbers below n, a power of two, each once a round, in an
// order that no prefetcher guesses.
func shuffled(i, n uint64) uint64 { return (i*0x9e3779b97f4a7c15 + 1) >> 20 & (n - 1) }

func BenchmarkHashLookup(b *testing.B) {
	for _, n := range benchSizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			m := open(b, nil, hashSpec(8, 64, n))
			fill(b, m, uint64(n))
			var value [64]byte
			key := new(uint64)
			for i := uint64(0); b.Loop(); i++ {
				*key = shuffled(i, uint64(n))
				if m.LookupAt(unsafe.Pointer(key), unsafe.Pointer(&value), 0) != 0 {
					b.Fatal("not found")
				}
			}
		})
	}
}

func BenchmarkHashProgLookup(b *testing.B) {
	for _, n := range benchSizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			m := open(b, nil, hashSpec(8, 64, n))
			fill(b, m, uint64(n))
			key := new(uint64)
			for i := uint64(0); b.Loop(); i++ {
				*key = shuffled(i, uint64(n))
				if m.ProgLookup(0, addr(unsafe.Pointer(key))) == 0 {
					b.Fatal("not found")
				}
			}
		})
	}
}

func BenchmarkHashUpdate(b *testing.B) {
	for _, n := range benchSizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			m := open(b, nil, hashSpec(8, 64, n))
			fill(b, m, uint64(n))
			var value [64]byte
			key := new(uint64)
			for i := uint64(0); b.Loop(); i++ {
				*key = shuffled(i, uint64(n))
				if m.UpdateAt(unsafe.Pointer(key), unsafe.Pointer(&value), 0) != 0 {
					b.Fatal("not updated")
				}
			}
		})
	}
}

func BenchmarkHashLookupParallel(b *testing.B) {
	m := open(b, nil, hashSpec(8, 64, 1<<10))
	fill(b, m, 1<<10)
	b.RunParallel(func(pb *testing.PB) {
		var value [64]byte
		key := new(uint64)
		for i := uint64(0); pb.Next(); i++ {
			*key = shuffled(i, 1<<10)
			m.LookupAt(unsafe.Pointer(key), unsafe.Pointer(&value), 0)
		}
	})
}

func BenchmarkArrayProgLookup(b *testing.B) {
	m := open(b, nil, arraySpec(8, 256))
	key := new(uint32)
	for i := uint32(0); b.Loop(); i++ {
		*key = i & 255
		m.ProgLookup(0, addr(unsafe.Pointer(key)))
	}
}

func BenchmarkLPMLookup(b *testing.B) {
	for _, n := range []uint32{1 << 10, 1 << 17} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			m := open(b, nil, bytecode.MapSpec{Type: bytecode.MapLPMTrie, KeySize: 8, ValueSize: 8, MaxEntries: n, Flags: bytecode.MapNoPrealloc})
			for i := range n {
				if e := m.Update(append(k4(24), k4(i)...), k8(1), 0); e != 0 {
					b.Fatal(e)
				}
			}
			key := append(k4(32), k4(0)...)
			for i := uint64(0); b.Loop(); i++ {
				*u32(unsafe.Pointer(&key[4])) = uint32(shuffled(i, uint64(n)))
				if m.ProgLookup(0, cell(key)) == 0 {
					b.Fatal("not found")
				}
			}
		})
	}
}

func BenchmarkLRUHashUpdateFull(b *testing.B) {
	s := hashSpec(8, 64, 1<<16)
	s.Type = bytecode.MapLRUHash
	m := open(b, nil, s)
	var value [64]byte
	key := new(uint64)
	for i := uint64(0); b.Loop(); i++ {
		*key = i
		if m.UpdateAt(unsafe.Pointer(key), unsafe.Pointer(&value), 0) != 0 {
			b.Fatal("not updated")
		}
	}
}

func BenchmarkRingOutput(b *testing.B) {
	m := open(b, nil, bytecode.MapSpec{Type: bytecode.MapRingbuf, MaxEntries: 1 << 20})
	r := m.Ring()
	record := make([]byte, 64)
	var got []byte
	for b.Loop() {
		if r.Output(cell(record), 64, RingNoWakeup) != 0 {
			b.Fatal("full")
		}
		got, _, _ = r.Consume(got[:0])
	}
}

func BenchmarkGoMapLookup(b *testing.B) {
	for _, n := range benchSizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			m := map[uint64][64]byte{}
			for i := range uint64(n) {
				m[i] = [64]byte{}
			}
			for i := uint64(0); b.Loop(); i++ {
				if _, ok := m[shuffled(i, uint64(n))]; !ok {
					b.Fatal("not found")
				}
			}
		})
	}
}
