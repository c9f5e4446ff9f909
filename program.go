// This file defines Program, a loaded program, and its hot path.

package skep

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/engine"
	"github.com/skepbpf/skep/internal/ir"
	"github.com/skepbpf/skep/internal/maps"
)

// Program is a handle of a loaded program. Its methods are safe for concurrent
// use. Close it when done; maps that hold the program keep it alive.
type Program struct {
	live atomic.Pointer[program] // nil once closed
	prog *program
}

// program is what handles, prog arrays and links share.
type program struct {
	kernel *Kernel
	cpus   *cpus
	id     uint32
	linked *bytecode.Program
	exe    *engine.Program
	enter  enter
	maps   []*maps.Map // one reference each
	loaded time.Time
	insns  int // processed by the verifier
	memory int // bytes that a skep/memory program is verified for
	// tailCalled: the object puts it into a prog array.
	tailCalled bool
	measured   bool // runs have a time limit or are counted

	way     atomic.Uint32 // how a run goes in
	refs    atomic.Int64
	runs    atomic.Uint64
	runTime atomic.Int64 // nanoseconds
}

// Ways into a run.
const (
	wayNone  = iota // the kernel is closed
	wayLeaf         // XDP that is not measured and calls no host function
	wayShort        // XDP that is not measured
	wayAny
)

// wayIn is how runs of a program go in as long as its kernel is open.
func (p *program) wayIn() uint32 {
	switch {
	case p.linked.Type != bytecode.ProgXDP || p.measured:
		return wayAny
	case p.exe.IsLeaf():
		return wayLeaf
	}
	return wayShort
}

// stopped reports whether the kernel is closed.
func (p *program) stopped() bool { return p.way.Load() == wayNone }

func newProgramHandle(p *program) *Program {
	h := &Program{prog: p}
	h.live.Store(p)
	return h
}

// Run runs the program on a packet, in place: an Ethernet frame for programs
// that see packets, any memory for programs of type skep/memory. XDP and tc
// programs and socket filters see it from its link header on, cgroup_skb
// programs from the network header. It returns the program's return value; what
// that means to the packet is the caller's to apply (see [Kernel.AttachPackets]).
// Where the program moves packet data (bpf_xdp_adjust_head, …) it works on a
// copy. It allocates nothing. See [Program.Test] for BPF_PROG_TEST_RUN.
func (h *Program) Run(pkt []byte) (uint32, error) {
	s := h.prog.cpus.Lease()
	p := h.live.Load() // by now Close waits for this run
	if p != nil && p.way.Load() == wayLeaf {
		s.XDP(p.exe, pkt)
		r0, err := p.exe.Run(s, s.ContextAddr(), 0)
		s.Release() // not deferred: no host function is called that could panic
		return uint32(r0), err
	}
	return h.runLeased(s, p, pkt)
}

// runLeased is Run for programs that call host functions, which may panic.
func (h *Program) runLeased(s *engine.Slot, p *program, pkt []byte) (uint32, error) {
	defer s.Release()
	if p == nil {
		return 0, h.errClosed()
	}
	switch p.way.Load() {
	case wayShort:
		s.XDP(p.exe, pkt)
		r0, err := p.exe.Run(s, s.ContextAddr(), 0)
		return uint32(r0), err
	case wayNone:
		return 0, h.errClosed()
	}
	ret, _, err := p.run(s, pkt)
	return ret, err
}

// run runs the program on a slot that the caller has leased. at is where the
// packet lies after it, nil for memory.
func (p *program) run(s *engine.Slot, pkt []byte) (ret uint32, at *ir.Packet, err error) {
	r2, at, err := p.enter(s, p.exe, pkt)
	if err != nil {
		return 0, nil, p.context(err)
	}
	r1 := s.ContextAddr()
	if at == nil {
		if len(pkt) != p.memory {
			return 0, nil, p.context(fmt.Errorf("%d bytes of memory, verified for %d (LoadOptions.MemorySize): %w", len(pkt), p.memory, EINVAL))
		}
		r1 = s.Memory(pkt)
	}
	if p.measured {
		return p.runMeasured(s, r1, r2, at)
	}
	r0, err := p.exe.Run(s, r1, r2)
	return uint32(r0), at, err
}

// runMeasured has the time limit and the counts of a run.
func (p *program) runMeasured(s *engine.Slot, r1, r2 uint64, at *ir.Packet) (uint32, *ir.Packet, error) {
	if d := p.kernel.opts.Limits.RunTime; d > 0 {
		s.Limit(d)
	}
	start := time.Now()
	r0, err := p.exe.Run(s, r1, r2)
	p.runs.Add(1)
	p.runTime.Add(int64(time.Since(start)))
	return uint32(r0), at, err
}

func (p *program) context(err error) error {
	return fmt.Errorf("run program %s: %w", p.linked.Name, err)
}

func (h *Program) errClosed() error {
	return fmt.Errorf("run program %s: %w", h.prog.linked.Name, ErrClosed)
}

// Name is the program's name: its function's.
func (h *Program) Name() string { return h.prog.linked.Name }

// Section is the ELF section that the program came from, "" when from none.
func (h *Program) Section() string { return h.prog.linked.Section }

// TailCalled reports whether the object puts the program into a prog array: it
// is there for others to tail-call, not to be attached.
func (h *Program) TailCalled() bool { return h.prog.tailCalled }

// Type is the program's type, "xdp".
func (h *Program) Type() string { return typeName(h.prog.linked.Type) }

// String is the name and type, for people.
func (h *Program) String() string { return fmt.Sprintf("%s(%s)#%d", h.Name(), h.Type(), h.prog.id) }

// Clone returns another handle of the same program.
func (h *Program) Clone() (*Program, error) {
	p := h.live.Load()
	if p == nil || !p.retain() {
		return nil, fmt.Errorf("clone program %s: %w", h.Name(), ErrClosed)
	}
	return newProgramHandle(p), nil
}

// Close gives the handle up. It returns after the last run by this handle; the
// program itself goes when nothing else holds it. A program must not be closed
// from within its own run. A second Close does nothing.
func (h *Program) Close() error {
	p := h.live.Swap(nil)
	if p == nil {
		return nil
	}
	p.cpus.Synchronize()
	p.release()
	return nil
}

// ProgramInfo describes a loaded program.
type ProgramInfo struct {
	ID       uint32
	Name     string
	Type     string
	LoadTime time.Time
	Insns    int // instruction slots
	Verified int // instructions that the verifier walked
	MapIDs   []uint32
	License  string
}

// Info describes the program. It works after Close, too.
func (h *Program) Info() (*ProgramInfo, error) {
	p := h.prog
	info := &ProgramInfo{
		ID: p.id, Name: h.Name(), Type: h.Type(), LoadTime: p.loaded,
		Insns: len(p.linked.Insns), Verified: p.insns, License: p.linked.License,
	}
	for _, m := range p.maps {
		info.MapIDs = append(info.MapIDs, m.ID)
	}
	return info, nil
}

// ProgramStats counts runs.
type ProgramStats struct {
	RunCount uint64
	Runtime  time.Duration
}

// Stats counts the program's runs by all handles, where KernelOptions.Stats (or
// a time limit) has them counted; else it is zero.
func (h *Program) Stats() (*ProgramStats, error) {
	return &ProgramStats{RunCount: h.prog.runs.Load(), Runtime: time.Duration(h.prog.runTime.Load())}, nil
}

// retain takes a reference; false when the program is gone.
func (p *program) retain() bool {
	for {
		n := p.refs.Load()
		if n == 0 {
			return false
		}
		if p.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// release gives a reference back; after the last one the program's maps go.
func (p *program) release() {
	if p.refs.Add(-1) != 0 {
		return
	}
	p.kernel.forgetProgram(p)
	p.stop()
}

// stop ends all runs to come, and gives the program's maps back after the last.
func (p *program) stop() {
	if p.way.Swap(wayNone) == wayNone {
		return
	}
	p.cpus.Defer(func() {
		for _, m := range p.maps {
			p.kernel.releaseMap(m)
		}
	})
}
