// This file tests slots: leases, epochs, roots, what a run leaves behind.

package engine

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/skepbpf/skep/internal/ir"
)

// Runs that share a CPU's data never overlap: plain increments stay exact
// although there are more goroutines than slots. Under -race it is a proof.
func TestLeaseIsExclusive(t *testing.T) {
	const goroutines, rounds = 16, 2000
	p := newTestPool(t, 3)
	counters := make([]int, p.Size())
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for i := range rounds {
				s := p.Lease()
				counters[s.CPU()]++
				if i%64 == 0 {
					runtime.Gosched()
				}
				s.Release()
			}
		})
	}
	wg.Wait()
	total := 0
	for _, n := range counters {
		total += n
	}
	if total != goroutines*rounds {
		t.Errorf("%d increments of %d survived", total, goroutines*rounds)
	}
}

func TestLeaseWaits(t *testing.T) {
	p := newTestPool(t, 1)
	s := p.Lease()
	leased := make(chan *Slot)
	go func() { leased <- p.Lease() }()
	select {
	case <-leased:
		t.Fatal("a slot was leased twice")
	case <-time.After(20 * time.Millisecond):
	}
	s.Release()
	(<-leased).Release()
}

func TestLeaseContext(t *testing.T) {
	p := newTestPool(t, 1)
	s := p.Lease()
	defer s.Release()
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(5*time.Millisecond, cancel)
	if _, err := p.LeaseContext(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
}

func TestDeferWaitsForActiveRuns(t *testing.T) {
	p := newTestPool(t, 2)
	a := p.Lease()
	var ran atomic.Bool
	p.Defer(func() { ran.Store(true) })
	b := p.Lease() // began after the deferral: nobody waits for it
	time.Sleep(10 * time.Millisecond)
	if ran.Load() {
		t.Fatal("a deferred function ran while a run that could see its memory went on")
	}
	a.Release()
	time.Sleep(10 * time.Millisecond)
	b.Release()
	p.Barrier()
	if !ran.Load() {
		t.Error("the deferred function did not run")
	}
}

func TestDeferOrderAndReentry(t *testing.T) {
	p := newTestPool(t, 2)
	var got []int
	for i := range 3 {
		p.Defer(func() {
			got = append(got, i)
			if i == 0 {
				p.Defer(func() { got = append(got, 9) })
			}
		})
	}
	p.Barrier()
	p.Barrier()
	for i, want := range []int{0, 1, 2, 9} {
		if i >= len(got) || got[i] != want {
			t.Fatalf("functions ran in the order %v, want [0 1 2 9]", got)
		}
	}
}

// Readers never see memory that was freed after they began.
func TestEpochsUnderLoad(t *testing.T) {
	p := newTestPool(t, 2)
	type object struct{ freed atomic.Bool }
	var current atomic.Pointer[object]
	current.Store(new(object))
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				s := p.Lease()
				o := current.Load()
				runtime.Gosched()
				if o.freed.Load() {
					t.Error("a run saw a freed object")
				}
				s.Release()
			}
		})
	}
	for range 200 {
		old := current.Swap(new(object))
		p.Defer(func() { old.freed.Store(true) })
	}
	p.Barrier()
	close(done)
	wg.Wait()
}

// releaser notes what is given back to it.
type releaser struct{ got []uint64 }

func (r *releaser) Release(addr uint64) { r.got = append(r.got, addr) }

// A panic or Goexit in a host function gives back the slot and all it held.
func TestAbnormalEnds(t *testing.T) {
	var errBoom = errors.New("boom")
	for _, row := range []struct {
		name  string
		leave func()
	}{
		{"panic", func() { panic(errBoom) }},
		{"Goexit", runtime.Goexit},
	} {
		for _, e := range engines {
			t.Run(row.name+" "+e.name, func(t *testing.T) {
				pool := newTestPool(t, 1)
				r := new(releaser)
				p := hostProgram(t, e.exec, func(c *Call, r1, _, _, _, _ uint64) uint64 {
					if c.Slot().depth == 1 {
						c.Hold(r, 1)
						c.Hold(r, 2)
						c.Drop(1)
						c.Slot().Root(nil)
						row.leave()
					}
					return 42
				})
				var recovered any
				finished := make(chan struct{})
				go func() {
					defer close(finished)
					defer func() { recovered = recover() }()
					s := pool.Lease()
					defer s.Release()
					_, _ = p.Run(s, 0, 0)
				}()
				<-finished
				if row.name == "panic" && recovered != errBoom {
					t.Errorf("the panic became %v", recovered)
				}
				if len(r.got) != 1 || r.got[0] != 2 {
					t.Errorf("given back: %v, want [2]", r.got)
				}
				s := pool.Lease()
				defer s.Release()
				if s.depth != 0 || s.top != 0 || s.sp != s.stackTop() || s.watched != nil || len(s.held) != 0 {
					t.Errorf("the slot is left at depth %d, frame %d", s.depth, s.top)
				}
			})
		}
	}
}

// What a root points to is not collected while the program has its address.
func TestRootsKeepObjects(t *testing.T) {
	pool := newTestPool(t, 1)
	var collected atomic.Bool
	read := func(c *Call, addr, _, _, _, _ uint64) uint64 {
		for range 3 {
			runtime.GC()
		}
		return uint64(c.Bytes(addr, 1)[0])
	}
	p := hostProgram(t, nil, read)
	s := pool.Lease()
	func() {
		pkt := make([]byte, 1<<16)
		pkt[0] = 99
		runtime.AddCleanup(&pkt[0], func(int) { collected.Store(true) }, 0)
		s.Memory(pkt)
	}()
	r0, err := p.Run(s, s.contexts[0].given, 0)
	if err != nil || r0 != 99 || collected.Load() {
		t.Errorf("the program read %d (%v), the packet was collected: %v", r0, err, collected.Load())
	}
	s.Release()
	for range 100 {
		if runtime.GC(); collected.Load() {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Error("the release does not let go of the packet")
}

// A slot that runs on many packets keeps only the last one.
func TestRootsDoNotGather(t *testing.T) {
	s := newTestPool(t, 1).Lease()
	p := testProgram(t, nil, mov(ir.R0, 0), exit())
	for range 100 {
		s.XDP(p, make([]byte, 64))
		mustRun(t, s, p, s.ContextAddr())
	}
	if len(s.roots) != 0 {
		t.Errorf("%d roots", len(s.roots))
	}
	s.Release()
	if s.contexts[0].root != nil {
		t.Error("the released slot still has a root")
	}
}

func TestClosedPoolHasGivenBackEverything(t *testing.T) {
	p := newTestPool(t, 2)
	ran := false
	p.Defer(func() { ran = true })
	p.Close()
	if !ran {
		t.Error("closing does not run deferred functions")
	}
}

// hostProgram calls one host function with the program's arguments.
func hostProgram(t testing.TB, exec Executable, f Func) *Program {
	t.Helper()
	funcs := new(Funcs)
	funcs.Add("f", f)
	code := testCode(op(ir.CallHost, 0, 0, 0, 0), exit())
	code.Calls = []ir.Call{{Name: "f", Map: -1, Callback: -1}}
	p, err := NewProgram(code, funcs, nil, exec)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
