// This file defines the pool of slots and how they are leased.

package engine

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/skepbpf/skep/world"
)

// Host is what programs see of the outside, the same for every slot of a pool.
// It is not changed once the pool is made.
type Host struct {
	World *world.World // nil is the real one
	// Trace receives what bpf_trace_printk and its kin print; nil drops it.
	// It may be called by many goroutines at once.
	Trace func(program, text string)
}

// Pool is a kernel's CPUs: one slot each. A run leases a slot, so per-CPU data
// is touched by one run at a time although goroutines migrate. When all slots
// are taken a run waits; so a host function that runs a program does it by
// Call.Run, on its own slot, and never waits for a second one.
type Pool struct {
	slots []*Slot
	host  Host

	// waiting counts those who sleep on freed: runs that want a slot, and
	// epochs that wait for slots to be left.
	waiting atomic.Int32
	mu      sync.Mutex
	freed   *sync.Cond

	epochs epochs
}

// NewPool makes a pool of as many slots as the world has CPUs.
func NewPool(h Host) (*Pool, error) {
	if h.World == nil {
		h.World = world.Real()
	}
	p := &Pool{host: h}
	p.freed = sync.NewCond(&p.mu)
	for i := range max(h.World.CPUs.Count(), 1) {
		s, err := newSlot(p, i)
		if err != nil {
			p.Close()
			return nil, err
		}
		p.slots = append(p.slots, s)
	}
	return p, nil
}

// Size is the number of slots: what a program may see as CPU is below it.
func (p *Pool) Size() int { return len(p.slots) }

// Host returns what the pool was made with, its nil fields filled in.
func (p *Pool) Host() *Host { return &p.host }

// Lease takes a slot, waiting for one as long as it must. The caller releases
// it, by defer where it calls code that may panic.
func (p *Pool) Lease() *Slot {
	i := procPin()
	procUnpin()
	if i < len(p.slots) {
		if s := p.slots[i]; s.take() {
			return s
		}
	}
	s, _ := p.leaseSlow(context.Background())
	return s
}

// LeaseContext is Lease that gives up when ctx is done; what the slot runs is
// then cancelled with ctx too.
func (p *Pool) LeaseContext(ctx context.Context) (*Slot, error) {
	s, err := p.leaseSlow(ctx)
	if err != nil {
		return nil, err
	}
	s.watch(ctx)
	return s, nil
}

// rounds is how often a run tries all slots before it sleeps.
const rounds = 4

func (p *Pool) leaseSlow(ctx context.Context) (*Slot, error) {
	for range rounds {
		if s := p.takeAny(); s != nil {
			return s, nil
		}
		runtime.Gosched()
	}
	stop := context.AfterFunc(ctx, p.wake)
	defer stop()
	var s *Slot
	err := p.sleepUntil(func() (bool, error) {
		s = p.takeAny()
		return s != nil, ctx.Err()
	})
	return s, err
}

// takeAny tries the slots in order from the current P's.
func (p *Pool) takeAny() *Slot {
	first := hint()
	for i := range p.slots {
		if s := p.slots[uint(first+i)%uint(len(p.slots))]; s.take() {
			return s
		}
	}
	return nil
}

// sleepUntil waits until done says so or fails. A slot that is left after
// waiting was raised wakes it: the release writes the slot and then reads
// waiting, the sleeper writes waiting and then reads the slots.
func (p *Pool) sleepUntil(done func() (bool, error)) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting.Add(1)
	defer p.waiting.Add(-1)
	for {
		if ok, err := done(); ok || err != nil {
			if ok {
				err = nil
			}
			return err
		}
		p.freed.Wait()
	}
}

func (p *Pool) wake() {
	p.mu.Lock()
	p.freed.Broadcast()
	p.mu.Unlock()
}

// Close waits until every run has ended and every deferred function has run,
// and gives the slots' memory back. No slot may be leased during or after it.
func (p *Pool) Close() {
	for _, s := range p.slots {
		_ = p.sleepUntil(func() (bool, error) { return s.take(), nil })
		s.Release()
	}
	p.epochs.drain()
	for _, s := range p.slots {
		s.mem.unmap()
	}
	p.slots = nil
}
