// This file defines reading ahead: a source's work beside the programs'.

package attach

import "sync"

// Bounds of a batch: large enough that handing one over costs nothing a packet,
// small enough to stay in the cache.
const (
	batchPackets = 512
	batchBytes   = 256 << 10
)

// ReadAhead gives the packets of src, which a goroutine of its own reads: on two
// CPUs reading costs no time. Whoever waits gets what has been read so far, so
// packets of a slow source are not held back. Memory is bounded by a few batches
// and the longest packet. Close does not wait for a read that is going on.
func ReadAhead(src Source) Source {
	if s, ok := src.(filled); ok {
		if f := s.Filler(); f != nil {
			return readBlocks(src, f)
		}
	}
	a := &ahead{src: src, filling: &Batch{}, using: &Batch{}}
	a.changed.L = &a.mu
	go a.read()
	return a
}

// ahead has two batches: the reader fills one, Next empties the other, and
// takes the reader's in exchange when it is through.
type ahead struct {
	src   Source
	using *Batch

	mu      sync.Mutex
	changed sync.Cond // filling, closed or waiting has changed
	filling *Batch
	waiting bool // Next waits for a packet
	closed  bool
}

// read is the reading goroutine. It reads without the lock.
func (a *ahead) read() {
	var p Packet
	for err := error(nil); err == nil; {
		err = a.src.Next(&p)
		a.mu.Lock()
		for a.filling.full() && !a.closed {
			a.changed.Wait()
		}
		if b := a.filling; err != nil {
			b.err = err
		} else {
			b.copyIn(&p)
		}
		if a.waiting {
			a.changed.Signal()
		}
		closed := a.closed
		a.mu.Unlock()
		if closed {
			return
		}
	}
}

// Next implements Source.
func (a *ahead) Next(p *Packet) error {
	for !a.using.Next(p) {
		if err := a.exchange(); err != nil {
			return err
		}
	}
	return nil
}

// exchange gives the used batch for one with packets, or returns what ended the
// source.
func (a *ahead) exchange() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for a.waiting = true; len(a.filling.packets) == 0; a.changed.Wait() {
		if a.filling.err != nil {
			return a.filling.err
		}
	}
	a.waiting = false
	a.using.empty()
	a.using.err = a.filling.err
	a.using, a.filling = a.filling, a.using
	a.changed.Signal()
	return nil
}

// Close implements Source.
func (a *ahead) Close() error {
	a.mu.Lock()
	a.closed = true
	a.changed.Broadcast()
	a.mu.Unlock()
	return a.src.Close()
}
