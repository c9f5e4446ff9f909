// This file defines batches: packets that lie in one piece of memory.

package attach

import "time"

// Batch holds packets in the order in which they came, and what ended their
// source after them.
type Batch struct {
	buf     []byte
	packets []record
	next    int // packet
	err     error
}

// record is where a packet lies in the batch's memory, and what is known of it.
type record struct {
	start, end int
	length     int
	time       time.Time
}

// Room gives n bytes of memory that packets may be put in. Memory that it gave
// before is copied to its start, as far as it goes.
func (b *Batch) Room(n int) []byte {
	if cap(b.buf) < n {
		b.buf = append(make([]byte, 0, n), b.buf...)
	}
	b.buf = b.buf[:n]
	return b.buf
}

// Add says that a packet lies at [start, end) of the memory.
func (b *Batch) Add(start, end, length int, t time.Time) {
	b.packets = append(b.packets, record{start, end, length, t})
}

// Len is the number of packets.
func (b *Batch) Len() int { return len(b.packets) }

// Next fills p with the next packet; false when there is none.
func (b *Batch) Next(p *Packet) bool {
	if b.next == len(b.packets) {
		return false
	}
	r := &b.packets[b.next]
	p.Data, p.Length, p.Time = b.buf[r.start:r.end:r.end], r.length, r.time
	b.next++
	return true
}

// copyIn appends a packet that lies elsewhere.
func (b *Batch) copyIn(p *Packet) {
	start := len(b.buf)
	b.buf = append(b.buf, p.Data...)
	b.Add(start, len(b.buf), p.Length, p.Time)
}

func (b *Batch) empty() { b.buf, b.packets, b.next, b.err = b.buf[:0], b.packets[:0], 0, nil }

func (b *Batch) full() bool { return len(b.packets) >= batchPackets || len(b.buf) >= batchBytes }
