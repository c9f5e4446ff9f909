// This file tests bodies that no program of the tests can reach: it calls them
// from inside a run.

package helper

import (
	"encoding/binary"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/engine"
	"github.com/skepbpf/skep/internal/errno"
	"github.com/skepbpf/skep/internal/ir"
	"github.com/skepbpf/skep/internal/maps"
	"github.com/skepbpf/skep/world"
)

func newPool(t testing.TB, cpus int) *engine.Pool {
	t.Helper()
	fake := world.NewFake()
	fake.SetCPUs(cpus)
	pool, err := engine.NewPool(engine.Host{World: fake.World()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// run calls fn as the only helper of a program that has the maps. limit is how
// long it may run, 0 for ever.
func run(t testing.TB, pool *engine.Pool, limit time.Duration, fn func(c *engine.Call), m ...*maps.Map) error {
	t.Helper()
	funcs := &engine.Funcs{}
	funcs.Add("fn", func(c *engine.Call, _, _, _, _, _ uint64) uint64 { fn(c); return 0 })
	code := &ir.Code{
		Name: "test", Funcs: []ir.Func{{Name: "test"}}, Calls: []ir.Call{{Name: "fn", Map: -1, Callback: -1}},
		Ops: []ir.Op{{Code: ir.CallHost}, {Code: ir.Exit}}, Slots: []int32{0, 1}, First: []int32{0, 1},
	}
	p, err := engine.NewProgram(code, funcs, m, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := pool.Lease()
	defer s.Release()
	if limit > 0 {
		s.Limit(limit)
	}
	_, err = p.Run(s, 0, 0)
	return err
}

// addressOf gives the address of what p points to, and keeps it there until the
// end of the test.
func addressOf[T any](t *testing.T, p *T) uint64 {
	var pin runtime.Pinner
	pin.Pin(p)
	t.Cleanup(pin.Unpin)
	return uint64(uintptr(unsafe.Pointer(p)))
}

func newRing(t *testing.T) *maps.Map {
	t.Helper()
	m, err := maps.New(nil, &bytecode.MapSpec{Name: "ring", Type: bytecode.MapRingbuf, MaxEntries: 4096})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Release() })
	return m
}

func TestDynptrOfMemory(t *testing.T) {
	memory, d, p := make([]byte, 64), make([]byte, dynptrLen), make([]byte, 8)
	copy(memory, "0123456789")
	at, ptr, buf := addressOf(t, &memory[0]), addressOf(t, &d[0]), addressOf(t, &p[0])
	err := run(t, newPool(t, 1), 0, func(c *engine.Call) {
		for _, row := range []struct {
			name string
			got  uint64
			want uint64
		}{
			{"read of none", dynptrRead(c, buf, 4, ptr, 0, 0), result(errno.EINVAL)},
			{"write to none", dynptrWrite(c, ptr, 0, buf, 4, 0), result(errno.EINVAL)},
			{"data of none", dynptrData(c, ptr, 0, 4, 0, 0), 0},
			{"too large", dynptrFromMem(c, at, maxDynptr+1, 0, ptr, 0), result(errno.E2BIG)},
			{"flags", dynptrFromMem(c, at, 10, 1, ptr, 0), result(errno.EINVAL)},
			{"of 10 bytes", dynptrFromMem(c, at, 10, 0, ptr, 0), 0},
			{"read", dynptrRead(c, buf, 4, ptr, 6, 0), 0},
			{"read past the end", dynptrRead(c, buf, 4, ptr, 7, 0), result(errno.E2BIG)},
			{"read with an offset that wraps", dynptrRead(c, buf, 4, ptr, 1<<32-2, 0), result(errno.E2BIG)},
			{"read with flags", dynptrRead(c, buf, 4, ptr, 0, 1), result(errno.EINVAL)},
			{"write", dynptrWrite(c, ptr, 0, buf, 4, 0), 0},
			{"write of nothing at the end", dynptrWrite(c, ptr, 10, buf, 0, 0), 0},
			{"write past the end", dynptrWrite(c, ptr, 8, buf, 4, 0), result(errno.E2BIG)},
			{"write with flags", dynptrWrite(c, ptr, 0, buf, 4, 1), result(errno.EINVAL)},
			{"data", dynptrData(c, ptr, 2, 8, 0, 0), at + 2},
			{"data past the end", dynptrData(c, ptr, 3, 8, 0, 0), 0},
		} {
			if row.got != row.want {
				t.Errorf("%s: %d, want %d", row.name, int64(row.got), int64(row.want))
			}
		}
		if string(memory[:12]) != "6789456789\x00\x00" {
			t.Errorf("memory is %q", memory[:12])
		}
		binary.NativeEndian.PutUint32(d[8:], 10|dynptrLocal<<dynptrKindBit|dynptrReadOnly)
		if got := dynptrWrite(c, ptr, 0, buf, 4, 0); got != result(errno.EINVAL) {
			t.Errorf("write to read-only memory: %d", int64(got))
		}
		if got := dynptrData(c, ptr, 0, 4, 0, 0); got != 0 {
			t.Errorf("data of read-only memory: %#x", got)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestDynptrOfRingbuf(t *testing.T) {
	ring := newRing(t)
	m, d := engine.Handle(ring), make([]byte, dynptrLen)
	text := []byte("a record")
	ptr, data := addressOf(t, &d[0]), addressOf(t, &text[0])
	err := run(t, newPool(t, 1), 0, func(c *engine.Call) {
		for _, row := range []struct {
			name string
			got  uint64
			want uint64
		}{
			{"flags", ringReserveDynptr(c, m, 8, 1, ptr, 0), result(errno.EINVAL)},
			{"too large", ringReserveDynptr(c, m, maxDynptr+1, 0, ptr, 0), result(errno.E2BIG)},
			{"no room", ringReserveDynptr(c, m, 5000, 0, ptr, 0), result(errno.EINVAL)},
			{"submit of none", ringSubmitDynptr(c, ptr, 0, 0, 0, 0), 0},
			{"reserve", ringReserveDynptr(c, m, 8, 0, ptr, 0), 0},
			{"write", dynptrWrite(c, ptr, 0, data, 8, 0), 0},
			{"submit", ringSubmitDynptr(c, ptr, 0, 0, 0, 0), 0},
			{"read of a submitted one", dynptrRead(c, data, 8, ptr, 0, 0), result(errno.EINVAL)},
			{"reserve another", ringReserveDynptr(c, m, 16, 0, ptr, 0), 0},
			{"discard", ringDiscardDynptr(c, ptr, 0, 0, 0, 0), 0},
		} {
			if row.got != row.want {
				t.Errorf("%s: %d, want %d", row.name, int64(row.got), int64(row.want))
			}
		}
	}, ring)
	if err != nil {
		t.Fatal(err)
	}
	if got, left, ok := ring.Ring().Consume(nil); !ok || string(got) != "a record" || left != 24 {
		t.Errorf("consumed %q, %v, %d bytes behind it", got, ok, left)
	}
}

// A record that a run leaves behind is discarded with the slot.
func TestRecordOfAStoppedRun(t *testing.T) {
	ring := newRing(t)
	err := run(t, newPool(t, 1), 0, func(c *engine.Call) {
		if ringReserve(c, engine.Handle(ring), 16, 0, 0, 0) == 0 {
			t.Error("no room")
		}
	}, ring)
	if err != nil {
		t.Fatal(err)
	}
	ring.Ring().Consume(nil)
	if n := ring.Ring().Query(maps.RingAvailData); n != 0 {
		t.Errorf("%d bytes of an unfinished record", n)
	}
}

// Additions under a lock are not lost.
func TestSpinLock(t *testing.T) {
	const runs, each = 4, 2000
	pool := newPool(t, runs)
	var lock atomic.Uint32
	addr := addressOf(t, &lock)
	total := 0
	var wg sync.WaitGroup
	for range runs {
		wg.Go(func() {
			err := run(t, pool, 0, func(c *engine.Call) {
				for range each {
					spinLock(c, addr, 0, 0, 0, 0)
					total++
					spinUnlock(c, addr, 0, 0, 0, 0)
				}
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if total != runs*each {
		t.Errorf("%d additions, want %d", total, runs*each)
	}
}

// A lock that a run leaves behind is let go with the slot, and waiting for one
// that is never let go ends with the run's time.
func TestSpinLockOfStoppedRuns(t *testing.T) {
	pool := newPool(t, 1)
	var lock atomic.Uint32
	addr := addressOf(t, &lock)
	if err := run(t, pool, 0, func(c *engine.Call) { spinLock(c, addr, 0, 0, 0, 0) }); err != nil {
		t.Fatal(err)
	}
	if lock.Load() != 0 {
		t.Error("the lock is still held after the run")
	}
	lock.Store(1)
	err := run(t, pool, 5*time.Millisecond, func(c *engine.Call) { spinLock(c, addr, 0, 0, 0, 0) })
	if err != engine.ErrRunTime || lock.Load() != 1 {
		t.Errorf("got %v, lock %d; want %v, 1", err, lock.Load(), engine.ErrRunTime)
	}
}
