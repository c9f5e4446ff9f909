// This file defines the ring buffer: records from programs to one consumer.

package maps

import (
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/errno"
)

func init() {
	register(kind{
		typ:   bytecode.MapRingbuf,
		check: checkRingbuf,
		open:  openRingbuf,
		merge: MergeUnion,
	})
}

func checkRingbuf(s *bytecode.MapSpec) errno.Errno {
	n := s.MaxEntries
	if s.Flags&^bytecode.MapNumaNode != 0 || s.KeySize != 0 || s.ValueSize != 0 ||
		n == 0 || n&(n-1) != 0 || n%pageSize != 0 {
		return errno.EINVAL
	}
	return 0
}

// Flags of bpf_ringbuf_output, _submit and _discard.
const (
	RingNoWakeup    = 1 << 0
	RingForceWakeup = 1 << 1
)

// What Query answers.
const (
	RingAvailData = iota
	RingSize
	RingConsumerPos
	RingProducerPos
)

// Bits of a record's header.
const (
	RingBusy    = 1 << 31
	RingDiscard = 1 << 30
	// RingHeader is the length of a record's header.
	RingHeader = 8

	ringMaxRecord = 1<<32/4 - 1
)

// Ring is a ring buffer, laid out as user space maps the kernel's:
//
//	page 0   position of the consumer
//	page 1   position of the producer; position of the oldest busy record
//	page 2…  data, and then the same data again
//
// Positions only grow; a position modulo the size is an offset in the data. A
// record is 8 bytes of header and its bytes, rounded up to 8:
//
//	0  length | RingBusy | RingDiscard
//	4  number of the page that the header is on, counted as in the kernel
//
// A record that crosses the end goes on in the second copy. Where the system
// cannot map pages twice the second copy is memory of its own: nothing but such
// records is ever there, and readers follow a record from its header.
type Ring struct {
	unsupported
	base
	mem  *mem
	data unsafe.Pointer
	mask uint64

	mu       sync.Mutex // producers, in Reserve
	consumer sync.Mutex
	watchers atomic.Pointer[[]*Watch]
}

// ringFirstPage is the number of the first data page in the kernel's structure,
// which has a page of its own before the positions.
const ringFirstPage = 3

func openRingbuf(b *base) (storage, errno.Errno) {
	size := uint64(b.spec.MaxEntries)
	mem := newMirrored(2*pageSize, size)
	if mem == nil {
		return nil, errno.ENOMEM
	}
	r := &Ring{base: *b, mem: mem, data: mem.at(2 * pageSize), mask: size - 1}
	b.env.rings.Store(addr(mem.base), r)
	return r, 0
}

// newMirrored reserves head bytes and twice the same data bytes.
func newMirrored(head, data uint64) *mem {
	if uint64(uintptr(2*data)) == 2*data {
		if r, ok := reserveMirrored(uintptr(head), uintptr(data)); ok {
			return manage(r)
		}
	}
	return newMem(head + 2*data)
}

// Ring returns the map's ring buffer, nil for other kinds.
func (m *Map) Ring() *Ring {
	r, _ := m.storage.(*Ring)
	return r
}

// RingOf returns the ring buffer that a record returned by Reserve is in: submit
// and discard are not told. It is nil for addresses that are no record.
func (e *Env) RingOf(record uintptr) *Ring {
	header := record - RingHeader
	page := uintptr(*u32(ptr(header + 4)))
	start := header&^(pageSize-1) - (page-ringFirstPage+2)*pageSize
	if r, ok := e.rings.Load(start); ok {
		return r.(*Ring)
	}
	return nil
}

func (r *Ring) consumerPos() unsafe.Pointer { return r.mem.base }
func (r *Ring) producerPos() unsafe.Pointer { return r.mem.at(pageSize) }
func (r *Ring) pendingPos() unsafe.Pointer  { return r.mem.at(pageSize + 8) }

// at is the address of a position.
func (r *Ring) at(pos uint64) unsafe.Pointer { return at(r.data, uintptr(pos&r.mask)) }

// recordSize is what a record with n bytes takes.
func recordSize(n uint64) uint64 { return (n + RingHeader + 7) &^ 7 }

// Reserve returns the address of size new bytes, for Submit or Discard to
// finish; 0 when they do not fit or flags is not 0.
func (r *Ring) Reserve(size, flags uint64) uintptr {
	if flags != 0 || size > ringMaxRecord || recordSize(size) > r.mask+1 {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	consumer, pos := load64(r.consumerPos()), load64(r.producerPos())
	pending := r.skipFinished(load64(r.pendingPos()), pos)
	end := pos + recordSize(size)
	if end-consumer > r.mask || end-pending > r.mask {
		return 0
	}
	h := r.at(pos)
	*u32(at(h, 4)) = uint32(pos&r.mask/pageSize) + ringFirstPage
	store32(h, uint32(size)|RingBusy)
	store64(r.producerPos(), end)
	return addr(at(h, RingHeader))
}

// skipFinished moves the pending position over finished records: an unfinished
// one must not be overrun, even when the consumer's position says otherwise.
func (r *Ring) skipFinished(pending, end uint64) uint64 {
	for pending < end {
		n := load32(r.at(pending))
		if n&RingBusy != 0 {
			break
		}
		pending += recordSize(uint64(n &^ RingDiscard))
	}
	store64(r.pendingPos(), pending)
	return pending
}

// Submit hands a reserved record to the consumer.
func (r *Ring) Submit(record uintptr, flags uint64) { r.finish(record, flags, 0) }

// Discard gives a reserved record up; the consumer skips it.
func (r *Ring) Discard(record uintptr, flags uint64) { r.finish(record, flags, RingDiscard) }

// finish ends a record. The consumer is woken if it waits for this very record:
// if it is behind it is at work.
func (r *Ring) finish(record uintptr, flags uint64, discard uint32) {
	h := ptr(record - RingHeader)
	atomic.StoreUint32(u32(h), *u32(h)&^RingBusy|discard)
	caughtUp := load64(r.consumerPos())&r.mask == uint64(addr(h)-addr(r.data))
	if flags&RingForceWakeup != 0 || caughtUp && flags&RingNoWakeup == 0 {
		r.notify()
	}
}

// Output reserves, copies size bytes and submits: EAGAIN when they do not fit.
func (r *Ring) Output(from uintptr, size, flags uint64) errno.Errno {
	if flags&^(RingNoWakeup|RingForceWakeup) != 0 {
		return errno.EINVAL
	}
	record := r.Reserve(size, 0)
	if record == 0 {
		return errno.EAGAIN
	}
	copy(view(ptr(record), uintptr(size)), view(ptr(from), uintptr(size)))
	r.Submit(record, flags)
	return 0
}

// Query answers RingAvailData, RingSize, RingConsumerPos and RingProducerPos; 0
// for anything else.
func (r *Ring) Query(what uint64) uint64 {
	switch what {
	case RingAvailData:
		return load64(r.producerPos()) - load64(r.consumerPos())
	case RingSize:
		return r.mask + 1
	case RingConsumerPos:
		return load64(r.consumerPos())
	case RingProducerPos:
		return load64(r.producerPos())
	}
	return 0
}

// Consume appends the oldest record's bytes to to, and frees the record;
// remaining is how many bytes the producer is ahead then. ok is false when there
// is no finished record.
func (r *Ring) Consume(to []byte) (record []byte, remaining int, ok bool) {
	r.consumer.Lock()
	defer r.consumer.Unlock()
	pos := load64(r.consumerPos())
	for end := load64(r.producerPos()); !ok && pos < end; end = load64(r.producerPos()) {
		h := r.at(pos)
		n := load32(h)
		size := uint64(n &^ (RingBusy | RingDiscard))
		if n&RingBusy != 0 || pos&7 != 0 || recordSize(size) > end-pos {
			break // not finished, or the position is not one of ours
		}
		if ok = n&RingDiscard == 0; ok {
			to = append(to, view(at(h, RingHeader), uintptr(size))...)
		}
		pos += recordSize(size)
		store64(r.consumerPos(), pos)
	}
	remaining = int(load64(r.producerPos()) - pos)
	runtime.KeepAlive(r)
	return to, remaining, ok
}

// Watch is told when there is something to consume.
type Watch struct {
	C    <-chan struct{} // at least one value for each wake-up since the last receive
	c    chan struct{}
	ring *Ring
}

// Watch registers a consumer that waits.
func (r *Ring) Watch() *Watch {
	c := make(chan struct{}, 1)
	w := &Watch{C: c, c: c, ring: r}
	r.editWatchers(func(old []*Watch) []*Watch { return append(old, w) })
	return w
}

// Wake ends a wait, as a record does.
func (w *Watch) Wake() {
	select {
	case w.c <- struct{}{}:
	default:
	}
}

// Close ends the registration.
func (w *Watch) Close() {
	w.ring.editWatchers(func(old []*Watch) (kept []*Watch) {
		for _, o := range old {
			if o != w {
				kept = append(kept, o)
			}
		}
		return kept
	})
}

// editWatchers replaces the list by an edited copy.
func (r *Ring) editWatchers(edit func([]*Watch) []*Watch) {
	for {
		old := r.watchers.Load()
		var list []*Watch
		if old != nil {
			list = append(list, *old...)
		}
		list = edit(list)
		if r.watchers.CompareAndSwap(old, &list) {
			return
		}
	}
}

func (r *Ring) notify() {
	if list := r.watchers.Load(); list != nil {
		for _, w := range *list {
			w.Wake()
		}
	}
}

// Locate finds the record that an address lies in, when it is not submitted yet.
func (r *Ring) Locate(address uintptr) (uintptr, uint32, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	end := load64(r.producerPos())
	for pos := load64(r.pendingPos()); pos < end; {
		h := r.at(pos)
		n := load32(h)
		size := n &^ (RingBusy | RingDiscard)
		start := addr(at(h, RingHeader))
		if n&RingBusy != 0 && address-start < uintptr(size) {
			return start, size, true
		}
		pos += recordSize(uint64(size))
	}
	return 0, 0, false
}

// merge moves the other buffer's records, as far as they fit.
func (r *Ring) merge(from storage, _ MergeMode) (bool, errno.Errno) {
	other := from.(*Ring)
	var record []byte
	for {
		var ok bool
		if record, _, ok = other.Consume(record[:0]); !ok {
			return true, 0
		}
		if e := r.Output(addr(data(record)), uint64(len(record)), 0); e != 0 {
			return true, e
		}
		runtime.KeepAlive(record)
	}
}

func (r *Ring) memory() *mem { return r.mem }

func (r *Ring) close() { r.env.rings.Delete(addr(r.mem.base)) }
