// This file defines the abstract machine's state: frames, stack slots, held
// resources.

package domain

import (
	"slices"

	"github.com/skepbpf/skep/internal/btfx"
)

// SlotByte says what one byte of the stack holds.
type SlotByte uint8

// Kinds of stack bytes.
const (
	ByteInvalid SlotByte = iota // never written
	ByteSpill                   // part of a spilled register
	ByteMisc                    // initialised, value unknown
	ByteZero                    // known to be zero
	ByteDynptr
	ByteIter
	ByteIRQFlag
)

// SlotSize is the size of a stack slot in bytes.
const SlotSize = 8

// Slot is eight bytes of stack. Bytes[0] is the byte at the highest address
// (fp-1 in the first slot), Bytes[7] the one at the lowest:
//
//	address   fp-8 fp-7 fp-6 fp-5 fp-4 fp-3 fp-2 fp-1
//	Bytes       7    6    5    4    3    2    1    0
//
// A register spilled with n bytes has Bytes[8-n:8] == ByteSpill and is
// described by Reg.
type Slot struct {
	Reg   Reg
	Bytes [SlotSize]SlotByte
}

// IsSpill reports whether the slot holds a spilled register, of any width.
func (s *Slot) IsSpill() bool { return s.Bytes[SlotSize-1] == ByteSpill }

// IsFullSpill reports whether all eight bytes are one spilled register.
func (s *Slot) IsFullSpill() bool { return s.Bytes[0] == ByteSpill && s.Bytes[SlotSize-1] == ByteSpill }

// IsScalarSpill reports whether the slot holds a spilled scalar.
func (s *Slot) IsScalarSpill() bool { return s.IsSpill() && s.Reg.Kind == ScalarValue }

// IsFullScalarSpill reports whether all eight bytes are one spilled scalar.
func (s *Slot) IsFullScalarSpill() bool { return s.IsFullSpill() && s.Reg.Kind == ScalarValue }

// IsSpecial reports whether the slot belongs to a dynptr, an iterator or an
// IRQ flag.
func (s *Slot) IsSpecial() bool {
	switch s.Bytes[0] {
	case ByteDynptr, ByteIter, ByteIRQFlag:
		return true
	}
	return false
}

// IsDynptr reports whether the slot is half of a dynptr.
func (s *Slot) IsDynptr() bool { return s.Bytes[0] == ByteDynptr }

// SpillWidth is how many bytes the spilled register has, 0 without one.
func (s *Slot) SpillWidth() int {
	n := 0
	for i := SlotSize - 1; i >= 0 && s.Bytes[i] == ByteSpill; i-- {
		n++
	}
	return n
}

// Range is an inclusive range of int32 values.
type Range struct{ Min, Max int32 }

// Frame is one function's registers and stack.
type Frame struct {
	Regs [11]Reg
	// Stack[i] is the slot at fp-8*(i+1). It grows as the program touches it.
	Stack []Slot

	No       uint8 // index in State.Frames
	CallSite int   // slot of the call that made it; -1 for the main program
	Subprog  int

	InCallback    bool // called by a synchronous callback-calling helper
	InAsync       bool // an asynchronous callback (or called by one)
	InExceptionCB bool
	CallbackRet   Range // what a callback may return
	CallbackDepth uint32
	AsyncEntry    uint32
}

// Slot returns the slot at index i, or nil where the stack has not grown yet.
func (f *Frame) Slot(i int) *Slot {
	if i < 0 || i >= len(f.Stack) {
		return nil
	}
	return &f.Stack[i]
}

// Grow makes the frame's stack hold at least bytes bytes.
func (f *Frame) Grow(bytes int) {
	for n := (bytes + SlotSize - 1) / SlotSize; len(f.Stack) < n; {
		f.Stack = append(f.Stack, Slot{})
	}
}

// copyFrom makes f equal to o, keeping f's memory.
func (f *Frame) copyFrom(o *Frame) {
	stack := append(f.Stack[:0], o.Stack...)
	*f = *o
	f.Stack = stack
}

// Ref is a held resource: a reference that must be released, or a lock.
type Ref struct {
	Kind   RefKind
	ID     uint32
	Insn   int   // where it was acquired
	MapIdx int32 // locks: the map that the lock is in, -1 for an allocated object
	LockID uint32
	BTF    *btfx.Spec // locks in allocated objects: where the object's type is
}

// RefKind is the kind of a held resource.
type RefKind uint8

// Kinds of resources.
const (
	RefPtr RefKind = iota
	RefLock
	RefIRQ
	RefResLock
	RefResLockIRQ
)

// State is the abstract machine at one point of one path.
type State struct {
	Frames []*Frame // the last is the running one
	Refs   []Ref

	ActiveRCU     int
	ActivePreempt int
	ActiveLocks   int
	ActiveIRQ     uint32

	Speculative bool
	InSleepable bool

	MayGotoDepth        uint32
	CallbackUnrollDepth uint32
}

// Cur returns the running frame.
func (s *State) Cur() *Frame { return s.Frames[len(s.Frames)-1] }

// CurNo returns the index of the running frame.
func (s *State) CurNo() int { return len(s.Frames) - 1 }

// Regs returns the running frame's registers.
func (s *State) Regs() *[11]Reg { return &s.Cur().Regs }

// CopyFrom makes s equal to o, reusing s's frames.
func (s *State) CopyFrom(o *State) {
	frames := s.Frames[:cap(s.Frames)]
	refs := append(s.Refs[:0], o.Refs...)
	for len(frames) < len(o.Frames) {
		frames = append(frames, nil)
	}
	for i, of := range o.Frames {
		if frames[i] == nil {
			frames[i] = new(Frame)
		}
		frames[i].copyFrom(of)
	}
	*s = *o
	s.Frames, s.Refs = frames[:len(o.Frames)], refs
}

// Push adds a fresh frame and returns it.
func (s *State) Push() *Frame {
	n := len(s.Frames)
	if n < cap(s.Frames) && s.Frames[:n+1][n] != nil {
		s.Frames = s.Frames[:n+1]
		f := s.Frames[n]
		*f = Frame{Stack: f.Stack[:0], No: uint8(n)}
		return f
	}
	f := &Frame{No: uint8(n)}
	s.Frames = append(s.Frames, f)
	return f
}

// Pop drops the running frame.
func (s *State) Pop() { s.Frames = s.Frames[:len(s.Frames)-1] }

// EachReg calls fn for every register and every spilled register of every
// frame.
func (s *State) EachReg(fn func(*Reg)) {
	for _, f := range s.Frames {
		for i := range f.Regs {
			fn(&f.Regs[i])
		}
		for i := range f.Stack {
			if f.Stack[i].IsSpill() {
				fn(&f.Stack[i].Reg)
			}
		}
	}
}

// EachIter calls fn for what is known of every iterator slot.
func (s *State) EachIter(fn func(*Reg)) {
	for _, f := range s.Frames {
		for i := range f.Stack {
			if f.Stack[i].Bytes[0] == ByteIter {
				fn(&f.Stack[i].Reg)
			}
		}
	}
}

// HoldsRef reports whether the reference with this id is held.
func (s *State) HoldsRef(id uint32) bool {
	for i := range s.Refs {
		if s.Refs[i].Kind == RefPtr && s.Refs[i].ID == id {
			return true
		}
	}
	return false
}

// DropRef releases the reference with this id; false when it was not held.
func (s *State) DropRef(id uint32) bool {
	for i := range s.Refs {
		if s.Refs[i].Kind == RefPtr && s.Refs[i].ID == id {
			s.Refs = slices.Delete(s.Refs, i, i+1)
			return true
		}
	}
	return false
}

// EndIRQ ends the innermost section with interrupts disabled.
func (s *State) EndIRQ() {
	outer := uint32(0)
	for i := range s.Refs {
		switch r := &s.Refs[i]; {
		case r.Kind != RefIRQ:
		case r.ID == s.ActiveIRQ:
			s.Refs = slices.Delete(s.Refs, i, i+1)
			s.ActiveIRQ = outer
			return
		default:
			outer = r.ID
		}
	}
}
