// This file defines runs with a context, and BPF_PROG_TEST_RUN.

package skep

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/engine"
	"github.com/skepbpf/skep/internal/ir"
)

// RunOptions are what a run takes and gives.
type RunOptions struct {
	// Data is the packet: an Ethernet frame. It is not changed.
	Data []byte
	// DataOut receives the packet as the program left it, and is cut to its
	// length. ENOSPC when it is too short for all.
	DataOut []byte
	// Context is the context in its UAPI form (struct __sk_buff, xdp_md, …): for
	// packet programs the fields that BPF_PROG_TEST_RUN takes, for others all of
	// it. A shorter one is filled up with zeros.
	Context []byte
	// ContextOut receives the context after the run, up to its length.
	ContextOut []byte
	// Repeat is how often to run; 0 is once.
	Repeat uint32
	// Reset is called before every run but the first.
	Reset func()
	// TestRun has the rules of BPF_PROG_TEST_RUN where they differ from a run on
	// captured packets: at least 14 bytes of Data, a socket filter starts at the
	// network header.
	TestRun bool
	// Duration receives the mean time of a run.
	Duration *time.Duration
}

// RunContext runs the program with a context, data out, repetition and
// cancellation: a run ends within 20 ms of ctx's end, with ctx's error.
func (h *Program) RunContext(ctx context.Context, opts *RunOptions) (uint32, error) {
	if opts == nil {
		opts = &RunOptions{}
	}
	s, err := h.prog.cpus.LeaseContext(ctx)
	if err != nil {
		return 0, h.prog.context(err)
	}
	defer s.Release()
	p := h.live.Load() // by now Close waits for this run
	if p == nil || p.stopped() {
		return 0, h.errClosed()
	}
	if d := p.kernel.opts.Limits.RunTime; d > 0 {
		s.Limit(d)
	}
	ret, err := p.runOptions(ctx, s, opts)
	if err != nil {
		return 0, p.context(err)
	}
	return ret, nil
}

// Test runs the program on in as BPF_PROG_TEST_RUN does and returns its return
// value and the packet as the program left it.
func (h *Program) Test(in []byte) (uint32, []byte, error) {
	opts := &RunOptions{Data: in, DataOut: make([]byte, len(in)+engine.Headroom+outSlack), TestRun: true}
	ret, err := h.RunContext(context.Background(), opts)
	return ret, opts.DataOut, err
}

// outSlack is how much a packet may grow at its end and still fit into what
// Test returns.
const outSlack = 4096

// Benchmark runs the program repeat times on in, with reset before each run
// but the first, and returns the last return value and the mean time of a run.
func (h *Program) Benchmark(in []byte, repeat int, reset func()) (uint32, time.Duration, error) {
	if repeat < 1 || int64(repeat) > 1<<32-1 {
		return 0, 0, fmt.Errorf("benchmark program %s: %d runs: %w", h.Name(), repeat, EINVAL)
	}
	var mean time.Duration
	ret, err := h.RunContext(context.Background(), &RunOptions{Data: in, Repeat: uint32(repeat), Reset: reset, Duration: &mean})
	return ret, mean, err
}

// runOptions runs the program on a leased slot.
func (p *program) runOptions(ctx context.Context, s *engine.Slot, opts *RunOptions) (ret uint32, err error) {
	c, err := newTestContext(p, opts)
	if err != nil {
		return 0, err
	}
	var total time.Duration
	n := max(opts.Repeat, 1)
	for i := range n {
		if i > 0 && opts.Reset != nil {
			opts.Reset()
		}
		r1, r2, err := c.enter(s)
		if err != nil {
			return 0, err
		}
		start := time.Now()
		r0, err := p.exe.Run(s, r1, r2)
		total += time.Since(start)
		if err != nil {
			return 0, err
		}
		ret = uint32(r0)
		if err := ctx.Err(); err != nil {
			return 0, err
		}
	}
	p.runs.Add(uint64(n))
	p.runTime.Add(int64(total))
	if opts.Duration != nil {
		*opts.Duration = total / time.Duration(n)
	}
	return ret, c.finish(s)
}

// testContext is the context of one call of RunContext.
type testContext struct {
	prog *program
	opts *RunOptions
	kind *contextKind
	data []byte // own copy of opts.Data

	// The context of the current run: one of these.
	xdp   *ir.XDP
	md    xdpMD // what the caller said of it
	skb   *ir.SKB
	plain []byte
}

// contextKind is how a family of program types is run with a context.
type contextKind struct {
	enter  func(*testContext, *engine.Slot) (r1, r2 uint64, err error)
	finish func(*testContext, *engine.Slot) error
}

var (
	xdpKind    = &contextKind{(*testContext).enterXDP, (*testContext).finishXDP}
	skbKind    = &contextKind{(*testContext).enterSKB, (*testContext).finishSKB}
	memoryKind = &contextKind{(*testContext).enterMemory, (*testContext).finishMemory}
	plainKind  = &contextKind{(*testContext).enterPlain, (*testContext).finishPlain}
)

var contextKinds = map[bytecode.ProgType]*contextKind{
	bytecode.ProgXDP:          xdpKind,
	bytecode.ProgSocketFilter: skbKind,
	bytecode.ProgSchedCLS:     skbKind,
	bytecode.ProgSchedACT:     skbKind,
	bytecode.ProgCgroupSKB:    skbKind,
	bytecode.ProgLWTIn:        skbKind,
	bytecode.ProgLWTOut:       skbKind,
	bytecode.ProgLWTXmit:      skbKind,
	bytecode.ProgMemory:       memoryKind,
}

func newTestContext(p *program, opts *RunOptions) (*testContext, error) {
	c := &testContext{prog: p, opts: opts, kind: contextKinds[p.linked.Type]}
	if c.kind == nil {
		c.kind = plainKind
	}
	if least := c.leastData(); opts.TestRun && len(opts.Data) < least {
		return nil, fmt.Errorf("%d bytes of data, at least %d: %w", len(opts.Data), least, EINVAL)
	}
	return c, nil
}

// leastData is the shortest packet that BPF_PROG_TEST_RUN takes: a link header,
// and for socket buffers also the IP header that it names.
func (c *testContext) leastData() int {
	if c.kind != xdpKind && c.kind != skbKind {
		return 0
	}
	if c.kind == skbKind && len(c.opts.Data) >= etherLen {
		return etherLen + ipHeader[binary.BigEndian.Uint16(c.opts.Data[12:])]
	}
	return etherLen
}

// ipHeader is the length of a network header, by EtherType.
var ipHeader = map[uint16]int{0x0800: 20, 0x86dd: 40}

func (c *testContext) enter(s *engine.Slot) (r1, r2 uint64, err error) {
	c.data = append(c.data[:0], c.opts.Data...)
	return c.kind.enter(c, s)
}

func (c *testContext) finish(s *engine.Slot) error { return c.kind.finish(c, s) }
