// This file defines what the generator believes of registers and stack while
// it writes a program.

package fuzz

// kind is what a register holds, as far as the generator knows.
type kind uint8

const (
	dead kind = iota // not to be read
	scalar
	ctxPtr
	memPtr    // stack, map value, packet: bytes [lo, hi) around it may be accessed
	orNull    // memPtr after a null check
	packetPtr // memPtr that a change of the packet makes invalid
	packetEnd
	objPtr // to an object of the kernel
)

// value is a belief, not a proof: programs need to be accepted only often.
type value struct {
	kind   kind
	max    uint64 // scalar: upper bound
	lo, hi int    // pointers to memory
	fresh  bool   // packetPtr with nothing proved yet: it may be compared with the end
	atomic bool   // memory that may be written
	frame  bool   // points to the stack
	weak   bool   // objPtr that is not good for kfuncs
	obj    objID  // of an objPtr
	tag    tag    // what it is worth nothing without, 0 for nothing
	align  int    // of a pointer to the stack, 0 elsewhere: any access may be unaligned
}

const unbounded = ^uint64(0)

var unknown = value{kind: scalar, max: unbounded}

func number(max uint64) value { return value{kind: scalar, max: max} }

// isMemory reports whether loads and stores by the value make sense.
func (v value) isMemory() bool { return v.kind == memPtr || v.kind == packetPtr }

// meet is what holds when one of two values is there.
func meet(a, b value) value {
	switch {
	case a.kind != b.kind || a.tag != b.tag || a.obj != b.obj || a.weak != b.weak:
		return value{}
	case a.kind == scalar:
		return number(max(a.max, b.max))
	}
	a.lo, a.hi, a.align = max(a.lo, b.lo), min(a.hi, b.hi), min(a.align, b.align)
	a.fresh, a.atomic, a.frame = a.fresh && b.fresh, a.atomic && b.atomic, a.frame && b.frame
	return a
}

// slots of a frame, the first ending at R10.
const numSlots = 16

// state is what is believed at one place of a function.
type state struct {
	regs  [11]value
	slots [numSlots]value // spilled values: 8 bytes at R10-8(i+1)
	width [numSlots]int   // bytes of the spill, from the slot's lowest address
	ready [numSlots]uint8 // bytes that were written, as bits, the lowest address first
}

func (s *state) meet(o *state) {
	for i := range s.regs {
		s.regs[i] = meet(s.regs[i], o.regs[i])
	}
	for i := range s.slots {
		s.ready[i] &= o.ready[i]
		if s.slots[i].kind != o.slots[i].kind || s.width[i] != o.width[i] {
			o.drop(i)
			s.drop(i)
			s.ready[i] &= o.ready[i]
		}
		s.slots[i] = meet(s.slots[i], o.slots[i])
	}
}

// wrote notes a store of n bytes at R10+off that leaves numbers.
func (s *state) wrote(off, n int) {
	for b := off; b < off+n; b++ {
		if i := (-b - 1) / 8; b < 0 && i < numSlots {
			s.drop(i)
			s.ready[i] |= 1 << (uint(b) & 7)
		}
	}
}

// drop forgets what was spilled to a slot; the bytes of a pointer are not to be
// read any more.
func (s *state) drop(i int) {
	if s.slots[i].kind > scalar {
		s.ready[i] = 0
	}
	s.slots[i] = value{}
}

// forget drops all spilled values: a store through another pointer may have
// hit them.
func (s *state) forget() {
	for i := range s.slots {
		s.drop(i)
	}
}

// written reports whether all bytes were written.
func (s *state) written(off, n int) bool {
	for b := off; b < off+n; b++ {
		if i := (-b - 1) / 8; b >= 0 || i >= numSlots || s.ready[i]>>(uint(b)&7)&1 == 0 {
			return false
		}
	}
	return true
}

// spilled notes that a register's lowest n bytes were stored to slot i.
func (s *state) spilled(i, n int, v value) {
	s.wrote(-8*(i+1), n)
	s.slots[i], s.width[i] = v, n
}

// clobber is what a call does to registers.
func (s *state) clobber() {
	for r := r1; r <= r5; r++ {
		s.regs[r] = value{}
	}
}

// dropPackets forgets what a change of packet data invalidates.
func (s *state) dropPackets() {
	for i := range s.regs {
		s.regs[i] = withoutPacket(s.regs[i])
	}
	for i := range s.slots {
		if s.slots[i] != withoutPacket(s.slots[i]) {
			s.drop(i)
		}
	}
}

func withoutPacket(v value) value {
	if v.kind == packetPtr || v.kind == packetEnd || v.tag == packetTag {
		return value{}
	}
	return v
}
