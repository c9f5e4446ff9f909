// This file tests the hash table: keys, full maps, eviction, many goroutines.

package maps

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/errno"
)

// TestKeySizes: keys of every size that differ in one byte are different keys.
func TestKeySizes(t *testing.T) {
	for size := uint32(1); size <= 33; size++ {
		m := open(t, nil, hashSpec(size, 1, 64))
		for i := range size {
			key := make([]byte, size)
			key[i] = 0x80
			if e := m.Update(key, []byte{byte(i + 1)}, FlagNoExist); e != 0 {
				t.Fatalf("size %d, byte %d: %v", size, i, e)
			}
		}
		for i := range size {
			key, value := make([]byte, size), make([]byte, 1)
			key[i] = 0x80
			if e := m.Lookup(key, value, 0); e != 0 || value[0] != byte(i+1) {
				t.Errorf("size %d, byte %d: %d, %v", size, i, value[0], e)
			}
			if e := m.Delete(key); e != 0 {
				t.Errorf("size %d, byte %d: delete: %v", size, i, e)
			}
			if e := m.Lookup(key, value, 0); e != errno.ENOENT {
				t.Errorf("size %d, byte %d after delete: %v", size, i, e)
			}
		}
	}
}

// TestHashSpread: chains are as short as chance makes them, also for keys that
// count up, and for multiples of large powers of two.
func TestHashSpread(t *testing.T) {
	for _, step := range []uint64{1, 1 << 12, 1 << 32, 1 << 48} {
		for _, size := range []uintptr{4, 8, 12, 16, 40} {
			k := newKeying(size, 42)
			const n = 1 << 12
			var counts [n]int
			key := make([]byte, 48)
			distinct := 0
			for i := range uint64(n) {
				if size == 4 && step > 1<<19 {
					break
				}
				*u64(data(key)) = i * step
				counts[k.hash(data(key))%n]++
				distinct++
			}
			longest := 0
			for _, c := range counts {
				longest = max(longest, c)
			}
			if longest > 12 { // by chance 7, once in a million tries 12
				t.Errorf("keys of %d bytes, step %#x: %d of %d in one bucket", size, step, longest, distinct)
			}
		}
	}
}

// TestFull: exactly max_entries fit; replacing works in a full map.
func TestFull(t *testing.T) {
	for _, typ := range []bytecode.MapType{bytecode.MapHash, bytecode.MapPerCPUHash} {
		for _, flags := range []uint32{0, bytecode.MapNoPrealloc} {
			for _, n := range []uint32{1, 2, 3, 100, 1000} {
				m := open(t, nil, bytecode.MapSpec{Type: typ, KeySize: 4, ValueSize: 8, MaxEntries: n, Flags: flags})
				for round := range uint32(3) {
					for i := range n {
						if e := m.Update(k4(i+round), k8(uint64(i)), 0); e != 0 {
							t.Fatalf("%d of %d: %v", i, n, e)
						}
					}
					if e := m.Update(k4(1<<20), k8(0), 0); e != errno.E2BIG {
						t.Errorf("one more than %d: %v", n, e)
					}
					if e := m.Update(k4(round), k8(9), FlagExist); e != 0 {
						t.Errorf("replacing in a full map: %v", e)
					}
					if e := m.Delete(k4(round)); e != 0 {
						t.Error(e)
					}
				}
			}
		}
	}
}

// TestLRU: a full map takes every new key, keeps its size, and keeps what
// programs look up.
func TestLRU(t *testing.T) {
	for _, typ := range []bytecode.MapType{bytecode.MapLRUHash, bytecode.MapLRUPerCPUHash} {
		m := open(t, nil, bytecode.MapSpec{Type: typ, KeySize: 4, ValueSize: 8, MaxEntries: 100})
		hot := k4(1 << 20)
		m.Update(hot, k8(1), 0)
		for i := range uint32(10000) {
			if m.ProgLookup(0, cell(hot)) == 0 {
				t.Fatalf("%s: the key that is looked up all the time is gone after %d others", TypeName(typ), i)
			}
			if e := m.Update(k4(i), k8(uint64(i)), 0); e != 0 {
				t.Fatal(e)
			}
		}
		n := 0
		for c, _ := m.Walk(); ; n++ {
			if _, _, ok := c.Next(); !ok {
				break
			}
		}
		if n != 100 {
			t.Errorf("%s: %d entries, want 100", TypeName(typ), n)
		}
		runtime.KeepAlive(hot)
	}
}

// TestLRUHitRate: on skewed keys CLOCK is about as good as LRU proper.
func TestLRUHitRate(t *testing.T) {
	const entries, keys, rounds = 1 << 10, 1 << 14, 1 << 17
	m := open(t, nil, bytecode.MapSpec{Type: bytecode.MapLRUHash, KeySize: 8, ValueSize: 8, MaxEntries: entries})
	zipf := rand.NewZipf(rand.New(rand.NewPCG(1, 1)), 1.1, 1, keys-1)
	exact := lru{at: map[uint64]int{}}
	hits, best := 0, 0
	key := new(uint64)
	for i := range rounds {
		*key = zipf.Uint64()
		if m.ProgLookup(0, addr(unsafe.Pointer(key))) != 0 {
			hits++
		} else if e := m.ProgUpdate(0, addr(unsafe.Pointer(key)), addr(unsafe.Pointer(key)), 0); e != 0 {
			t.Fatal(e)
		}
		if exact.use(*key, i, entries) {
			best++
		}
	}
	t.Logf("hit rate %.1f %%, exact LRU %.1f %%", 100*float64(hits)/rounds, 100*float64(best)/rounds)
	if float64(hits) < 0.98*float64(best) {
		t.Errorf("%d hits, exact LRU has %d", hits, best)
	}
}

// lru is exact LRU, slow and simple: it looks back as far as max distinct keys.
type lru struct {
	at    map[uint64]int
	order []uint64 // keys by time of use, 0 ones superseded
	start int
}

func (l *lru) use(key uint64, now, max int) (hit bool) {
	_, hit = l.at[key]
	l.at[key] = now
	l.order = append(l.order, key)
	for len(l.at) > max {
		if old := l.order[l.start]; l.at[old] == l.start {
			delete(l.at, old)
		}
		l.start++
	}
	return hit
}

// TestConcurrent: goroutines write keys of their own and read all. A reader
// never sees half of a value, another key's value, or misses a key that is
// there all the time.
func TestConcurrent(t *testing.T) {
	for _, c := range []struct {
		name  string
		typ   bytecode.MapType
		flags uint32
		max   uint32
	}{
		{"hash", bytecode.MapHash, 0, 64},
		{"hash, just large enough", bytecode.MapHash, 0, 10},
		{"hash no prealloc", bytecode.MapHash, bytecode.MapNoPrealloc, 64},
		{"lru hash", bytecode.MapLRUHash, 0, 64},
		{"lpm", bytecode.MapLPMTrie, bytecode.MapNoPrealloc, 64},
	} {
		t.Run(c.name, func(t *testing.T) {
			key := uint32(8)
			m := open(t, nil, bytecode.MapSpec{Type: c.typ, KeySize: key, ValueSize: 64, MaxEntries: c.max, Flags: c.flags})
			hammer(t, m, c.typ != bytecode.MapLRUHash)
		})
	}
}

const hammerRounds = 20000

// hammer lets 3 goroutines write and 2 read. Keys 1000… stay, others come and go.
func hammer(t *testing.T, m *Map, complete bool) {
	makeKey := func(i uint32) []byte { return append(k4(32), k4(i)...) }
	makeValue := func(i uint32, n uint64) []byte {
		v := make([]byte, 64)
		for j := 0; j < 64; j += 8 {
			copy(v[j:], k8(n<<32|uint64(i)))
		}
		return v
	}
	const stay = 4
	for i := range uint32(stay) {
		m.Update(makeKey(1000+i), makeValue(1000+i, 0), 0)
	}
	var wg sync.WaitGroup
	var failed atomic.Bool
	report := func(format string, args ...any) {
		if !failed.Swap(true) {
			t.Errorf(format, args...)
		}
	}
	for w := range uint32(3) {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 1))
			for n := range uint64(hammerRounds) {
				i := w*10 + r.Uint32N(2)
				switch r.IntN(4) {
				case 0:
					m.Delete(makeKey(i))
				case 1:
					i = 1000 + r.Uint32N(stay)
					fallthrough
				default:
					if e := m.Update(makeKey(i), makeValue(i, n), 0); e != 0 {
						report("update %d: %v", i, e)
					}
				}
			}
		})
	}
	for w := range uint64(2) {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(w, 2))
			value := make([]byte, 64)
			for range hammerRounds {
				i := 1000 + r.Uint32N(stay)
				if r.IntN(2) == 0 {
					i = r.Uint32N(3)*10 + r.Uint32N(2)
				}
				switch e := m.Lookup(makeKey(i), value, 0); {
				case e == errno.ENOENT && (i < 1000 || !complete):
				case e != 0:
					report("lookup %d: %v", i, e)
				default:
					if msg := torn(value, i); msg != "" {
						report("lookup %d: %s", i, msg)
					}
				}
			}
		})
	}
	wg.Wait()
}

// torn says what is wrong with a value of key i.
func torn(value []byte, i uint32) string {
	first := *u64(data(value))
	if uint32(first) != i {
		return fmt.Sprintf("the value of %d", uint32(first))
	}
	for j := 8; j < 64; j += 8 {
		if w := *u64(data(value[j:])); w != first {
			return fmt.Sprintf("words %#x and %#x", first, w)
		}
	}
	return ""
}

// TestConcurrentLRU: eviction under several goroutines loses no element.
func TestConcurrentLRU(t *testing.T) {
	m := open(t, nil, bytecode.MapSpec{Type: bytecode.MapLRUHash, KeySize: 4, ValueSize: 8, MaxEntries: 50})
	var wg sync.WaitGroup
	for w := range uint32(4) {
		wg.Go(func() {
			for i := range uint32(5000) {
				if e := m.Update(k4(w<<16|i), k8(0), 0); e != 0 && e != errno.ENOMEM {
					t.Error(e)
				}
				if i%3 == 0 {
					m.Delete(k4(w<<16 | i))
				}
			}
		})
	}
	wg.Wait()
	for i := range uint32(200) {
		if e := m.Update(k4(1<<30|i), k8(0), 0); e != 0 {
			t.Fatal(e)
		}
	}
	n := 0
	m.ForEach(0, func(uintptr, uintptr) bool { n++; return true })
	if n != 50 {
		t.Errorf("%d entries, want 50", n)
	}
}
