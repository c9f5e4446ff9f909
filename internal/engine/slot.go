// This file defines a slot: what one run has to itself.

package engine

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/skepbpf/skep/internal/ir"
)

const (
	// maxNested is how many runs a slot can be in at once, one within the other.
	maxNested = 4
	// stackSize is a slot's stack in bytes.
	stackSize = maxNested * runStack
	// runStack is what a run may use: 33 tail calls that leave 256 bytes
	// behind each, then 512 bytes of frames, with room to spare for programs
	// whose frames the target counts separately.
	runStack = 16 << 10

	// headerSize and maxContext are the bytes that the run header and each
	// context have on the slot's control pages.
	headerSize  = 64
	maxContext  = ir.MaxContext
	controlSize = headerSize + (maxNested+1)*maxContext
)

// Errors of runs.
var (
	// ErrRunTime: the run was stopped at its time limit.
	ErrRunTime = errors.New("run time limit exceeded")
	// ErrNested: programs that run programs came too deep for the slot's stack.
	ErrNested = errors.New("too many nested runs")
)

// Slot is the program's idea of a CPU. It belongs to the run that leased it
// until its Release; no method is safe for use by others.
type Slot struct {
	// seq counts: odd while leased. It is the lease and the epoch in one.
	seq atomic.Uint32
	_   [60]byte // what others poll shares no line with what the run writes

	pool  *Pool
	index int
	mem   guarded
	hdr   *ir.RunHeader
	stack []byte

	// sp is the lowest stack address in use, frames[:top] the callers that
	// wait: both as of the last time a program called out.
	sp       uint64
	top      int
	frames   []frame
	main     machine    // of a run that is not nested
	machines []*machine // of activations within it, level of them in use
	level    int
	depth    int // runs that are going on, one within the other

	call    Call
	budget  int32 // back edges until the next poll
	stopped bool  // the run is to end: err says why
	unusual bool  // a limit or roots are to go with the lease
	err     error

	cancelled atomic.Uint32 // seq of the lease that is to be cancelled
	deadline  time.Time
	cause     context.Context
	unwatch   func() bool

	watched *watch // what the checked interpreter keeps; nil in other engines

	// contexts are what the runs work on, by depth; the one at depth is what
	// the next run will.
	contexts [maxNested + 1]runContext

	roots []unsafe.Pointer
	held  []hold
}

// runContext is what a run works on.
type runContext struct {
	addr      uint64 // of the context's memory
	size      uint64
	packet    uint64 // address of the run's ir.Packet, in that memory; 0 without one
	given     uint64 // memory that the program was given as such
	givenSize uint64
	root      unsafe.Pointer // keeps packet or memory in place
	room      []byte         // packet buffer of programs that move packet data
}

// hold is a resource that a program has taken and not yet given back.
type hold struct {
	owner Releaser
	addr  uint64
}

// Releaser takes a resource back that a run left behind when it was stopped.
type Releaser interface{ Release(addr uint64) }

func newSlot(p *Pool, index int) (*Slot, error) {
	mem, err := mapGuarded(stackSize, controlSize)
	if err != nil {
		return nil, fmt.Errorf("slot %d: %w", index, err)
	}
	control := addressOf(mem.areas[1])
	s := &Slot{
		pool: p, index: index, mem: mem, stack: mem.areas[0],
		hdr: at[ir.RunHeader](control), frames: make([]frame, 16),
	}
	for i := range s.contexts {
		s.contexts[i].addr = control + headerSize + uint64(i)*maxContext
	}
	s.hdr.CPU = uint32(index)
	s.hdr.StackLow = addressOf(s.stack)
	s.sp = s.stackTop()
	s.main = machine{s: s, spBase: s.sp}
	s.call.slot = s
	return s, nil
}

func (s *Slot) stackTop() uint64 { return s.hdr.StackLow + uint64(len(s.stack)) }

// take leases the slot if it is free.
func (s *Slot) take() bool {
	seq := s.seq.Load()
	return seq&1 == 0 && s.seq.CompareAndSwap(seq, seq+1)
}

// Release ends the lease: roots are dropped, and what a stopped run still held
// is given back. It is right after a panic too.
func (s *Slot) Release() {
	if s.contexts[0].root != nil {
		s.contexts[0].root = nil
	}
	if s.unusual || s.depth != 0 || len(s.held) != 0 {
		s.clean()
	}
	s.seq.Store(s.seq.Load() + 1)
	if s.pool.waiting.Load() != 0 {
		s.pool.wake()
	}
}

// clean undoes what no ordinary run leaves behind.
func (s *Slot) clean() {
	for i := len(s.held) - 1; i >= 0; i-- {
		s.held[i].owner.Release(s.held[i].addr)
	}
	clear(s.held)
	s.held = s.held[:0]
	clear(s.roots)
	s.roots = s.roots[:0]
	if s.unwatch != nil {
		s.unwatch()
	}
	s.unwatch, s.cause, s.deadline = nil, nil, time.Time{}
	s.depth, s.level, s.top, s.sp = 0, 0, 0, s.stackTop()
	s.watched = nil
	for i := range s.contexts {
		s.contexts[i].root = nil
	}
	s.stopped, s.err, s.unusual = false, nil, false
}

// CPU is the slot's index: what bpf_get_smp_processor_id gives, and the row of
// per-CPU maps that belongs to the run.
func (s *Slot) CPU() int { return s.index }

// Root keeps what p points to in place until the release, so that a program
// may be given its address. What XDP, SKB and Memory are given needs no root.
func (s *Slot) Root(p unsafe.Pointer) { s.roots, s.unusual = append(s.roots, p), true }

// Limit stops what the slot runs after d.
func (s *Slot) Limit(d time.Duration) { s.deadline, s.unusual = time.Now().Add(d), true }

// watch stops what the slot runs when ctx is done.
func (s *Slot) watch(ctx context.Context) {
	if ctx.Done() == nil {
		return
	}
	seq := s.seq.Load()
	s.cause, s.unusual = ctx, true
	s.unwatch = context.AfterFunc(ctx, func() { s.cancelled.Store(seq) })
}

// pollEvery is how many back edges pass between polls: at the interpreter's
// speed a poll comes well within 20 ms even when a loop's body is a thousand
// instructions long.
const pollEvery = 2048

// poll decides whether the run is to end. It is called when the budget is used up.
func (s *Slot) poll() (stop bool) {
	s.budget = pollEvery
	switch {
	case s.stopped:
	case s.cancelled.Load() == s.seq.Load():
		s.stop(context.Cause(s.cause))
	case !s.deadline.IsZero() && time.Now().After(s.deadline):
		s.stop(ErrRunTime)
	}
	return s.stopped
}

func (s *Slot) stop(err error) {
	s.stopped = true
	if s.err == nil {
		s.err = err
	}
}
