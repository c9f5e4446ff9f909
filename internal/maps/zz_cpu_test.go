package maps
import ("testing";"golang.org/x/sys/unix";"runtime";"unsafe";"fmt";"os")
func cpu() int64 { var t unix.Timespec; unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID,&t); return t.Nano() }
func TestZZ(t *testing.T) {
	runtime.LockOSThread()
	for _, n := range benchSizes {
		m := open(t, nil, hashSpec(8, 64, n)); fill(t, m, uint64(n))
		g := map[uint64][64]byte{}
		for i := range uint64(n) { g[i]=[64]byte{} }
		var value [64]byte; key := new(uint64)
		N := uint64(2000000)
		meas := func(name string, f func(i uint64)) { best := int64(1<<60); for range 25 { c := cpu(); for i := range N/8 { f(i) }; if d := cpu()-c; d<best {best=d} }; fmt.Printf("%-20s %8d %.1f\n", name, n, float64(best)/float64(N/8)) }
		meas("lookup", func(i uint64){ *key = shuffled(i, uint64(n)); m.LookupAt(unsafe.Pointer(key), unsafe.Pointer(&value), 0) })
		meas("prog", func(i uint64){ *key = shuffled(i, uint64(n)); m.ProgLookup(0, addr(unsafe.Pointer(key))) })
		var sum uint64
		meas("prog+first", func(i uint64){ *key = shuffled(i, uint64(n)); sum += *u64(ptr(m.ProgLookup(0, addr(unsafe.Pointer(key))))) })
		meas("prog+last", func(i uint64){ *key = shuffled(i, uint64(n)); sum += *u64(ptr(m.ProgLookup(0, addr(unsafe.Pointer(key)))+56)) })
		meas("prog+memcpy", func(i uint64){ *key = shuffled(i, uint64(n)); value = *(*[64]byte)(ptr(m.ProgLookup(0, addr(unsafe.Pointer(key))))) })
		meas("update", func(i uint64){ *key = shuffled(i, uint64(n)); m.UpdateAt(unsafe.Pointer(key), unsafe.Pointer(&value), 0) })
		meas("gomap", func(i uint64){ value = g[shuffled(i, uint64(n))] })
		meas("empty", func(i uint64){ *key = shuffled(i, uint64(n)) })
	}
}
func TestZTHP(t *testing.T) {
	m := open(t, nil, hashSpec(8, 64, 1<<20)); fill(t, m, 1<<20)
	b, _ := os.ReadFile("/proc/self/smaps_rollup"); fmt.Println(string(b))
}
