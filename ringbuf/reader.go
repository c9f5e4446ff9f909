// This file defines the reader of ring buffers.

// Package ringbuf reads what programs send through ring buffers
// (BPF_MAP_TYPE_RINGBUF), as the package of this name in cilium/ebpf does. It
// takes a *skep.Map and gives records. It must not be imported by the root.
package ringbuf

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/internal/maps"
)

var (
	// ErrClosed is what a closed Reader answers.
	ErrClosed = os.ErrClosed
	// ErrFlushed is what Read answers once after Flush.
	ErrFlushed = errors.New("flushed")
)

// Record is what a program has sent.
type Record struct {
	RawSample []byte
	// Remaining is how many bytes are in the buffer behind the record, headers
	// and unfinished records included.
	Remaining int
}

// Reader takes records out of a ring buffer, oldest first. Read and ReadInto
// belong to one goroutine; the other methods may be called from any.
type Reader struct {
	m     *skep.Map
	ring  *maps.Ring
	watch *maps.Watch

	mu       sync.Mutex
	closed   bool
	flushed  bool
	deadline time.Time
}

// NewReader makes a reader of a ring buffer. It keeps the map; Close lets it go.
func NewReader(m *skep.Map) (*Reader, error) {
	ring := m.Storage().Ring()
	if ring == nil {
		return nil, fmt.Errorf("map %q: not a ring buffer: %w", m.Name(), skep.EINVAL)
	}
	own, err := m.Clone()
	if err != nil {
		return nil, err
	}
	return &Reader{m: own, ring: ring, watch: ring.Watch()}, nil
}

// Read returns the next record, and waits for one. The error wraps ErrClosed
// after Close, os.ErrDeadlineExceeded when the deadline has passed and the
// buffer is empty, ErrFlushed after Flush when the buffer is empty.
func (r *Reader) Read() (Record, error) {
	var rec Record
	err := r.ReadInto(&rec)
	return rec, err
}

// ReadInto is Read that reuses rec's memory.
func (r *Reader) ReadInto(rec *Record) error {
	for {
		if r.isClosed() {
			return fmt.Errorf("ring buffer: %w", ErrClosed)
		}
		sample, remaining, ok := r.ring.Consume(rec.RawSample[:0])
		rec.RawSample, rec.Remaining = sample, remaining
		if ok {
			return nil
		}
		if err := r.wait(); err != nil {
			return err
		}
	}
}

// wait returns when there may be a record.
func (r *Reader) wait() error {
	r.mu.Lock()
	flushed, deadline := r.flushed, r.deadline
	r.flushed = false
	r.mu.Unlock()
	if flushed {
		return fmt.Errorf("ring buffer: %w", ErrFlushed)
	}
	if deadline.IsZero() {
		<-r.watch.C
		return nil
	}
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	select {
	case <-r.watch.C:
		return nil
	case <-timer.C:
		return fmt.Errorf("ring buffer: %w", os.ErrDeadlineExceeded)
	}
}

func (r *Reader) isClosed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.closed
}

// SetDeadline bounds waiting, also that which goes on now; the zero time ends
// the bound.
func (r *Reader) SetDeadline(t time.Time) {
	r.mu.Lock()
	r.deadline = t
	r.mu.Unlock()
	r.watch.Wake()
}

// Flush makes Read give what is in the buffer and then ErrFlushed once, without
// waiting.
func (r *Reader) Flush() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return fmt.Errorf("ring buffer: %w", ErrClosed)
	}
	r.flushed = true
	r.watch.Wake()
	return nil
}

// BufferSize is the size of the ring buffer in bytes.
func (r *Reader) BufferSize() int { return int(r.ring.Query(maps.RingSize)) }

// AvailableBytes is how many bytes are in the buffer now, headers and unfinished
// records included.
func (r *Reader) AvailableBytes() int { return int(r.ring.Query(maps.RingAvailData)) }

// Close ends reading: a Read that waits returns. A second Close does nothing.
func (r *Reader) Close() error {
	r.mu.Lock()
	closed := r.closed
	r.closed = true
	r.mu.Unlock()
	if closed {
		return nil
	}
	r.watch.Wake()
	r.watch.Close()
	return r.m.Close()
}
