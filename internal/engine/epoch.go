// This file defines epochs: functions deferred until no run can still see what
// they free.

package engine

import "sync"

// epochs holds what waits for the slots. One goroutine at a time, started when
// there is something to wait for, takes all that has gathered, waits until
// every slot that was leased then has been left, and runs it.
type epochs struct {
	mu      sync.Mutex
	idle    sync.Cond // broadcast when running falls
	pending []func()
	running bool
}

// Defer runs fn once every run that is active now has ended; a run is what an
// RCU read-side section is in the kernel. It never runs fn itself, so fn may
// take locks that the caller holds. Functions run in the order of their
// deferral, on a goroutine of the pool.
func (p *Pool) Defer(fn func()) {
	e := &p.epochs
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pending = append(e.pending, fn)
	if !e.running {
		e.running = true
		go p.reclaim()
	}
}

// Synchronize returns once every run that is active now has ended. A run must
// not call it.
func (p *Pool) Synchronize() {
	for _, v := range p.active() {
		p.waitLeft(v)
	}
}

// Barrier returns once every function deferred before it has run. A run must
// not call it.
func (p *Pool) Barrier() {
	done := make(chan struct{})
	p.Defer(func() { close(done) })
	<-done
}

func (p *Pool) reclaim() {
	for batch := p.epochs.take(); batch != nil; batch = p.epochs.take() {
		p.Synchronize()
		for _, fn := range batch {
			fn()
		}
	}
}

// take gives what is pending, nil when the goroutine is to end.
func (e *epochs) take() []func() {
	e.mu.Lock()
	defer e.mu.Unlock()
	batch := e.pending
	e.pending = nil
	if batch == nil {
		e.running = false
		if e.idle.L != nil {
			e.idle.Broadcast()
		}
	}
	return batch
}

// drain waits until nothing is pending and no goroutine runs.
func (e *epochs) drain() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.idle.L == nil {
		e.idle.L = &e.mu
	}
	for e.running {
		e.idle.Wait()
	}
}

// visit is one lease of one slot.
type visit struct {
	slot *Slot
	seq  uint32
}

// active lists the leases that are going on. A lease that starts later reads
// memory after it has taken its slot, so after whatever the caller unlinked.
func (p *Pool) active() []visit {
	var vs []visit
	for _, s := range p.slots {
		if seq := s.seq.Load(); seq&1 != 0 {
			vs = append(vs, visit{s, seq})
		}
	}
	return vs
}

func (p *Pool) waitLeft(v visit) {
	_ = p.sleepUntil(func() (bool, error) { return v.slot.seq.Load() != v.seq, nil })
}
