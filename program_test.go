// This file tests programs, links, variables and Assign.

package skep_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/skepbpf/skep"
)

func TestRunAllocatesNothing(t *testing.T) {
	p := load(t, newKernel(t, nil), open(t, flowsObject), nil).Programs["flow_count"]
	pkt := packetsOf(t, mixedCapture)[3]
	if n := testing.AllocsPerRun(1000, func() { _, _ = p.Run(pkt) }); n != 0 {
		t.Errorf("%v allocations a run", n)
	}
}

// TestRunInPlace: a program that writes to the packet writes to Go's slice.
func TestRunInPlace(t *testing.T) {
	p := program(t, ebpf.XDP,
		asm.LoadMem(asm.R2, asm.R1, 0, asm.Word), asm.LoadMem(asm.R3, asm.R1, 4, asm.Word),
		asm.Mov.Reg(asm.R4, asm.R2), asm.Add.Imm(asm.R4, 1),
		asm.JGT.Reg(asm.R4, asm.R3, "out"),
		asm.StoreImm(asm.R2, 0, 7, asm.Byte),
		asm.Mov.Imm(asm.R0, 2).WithSymbol("out"), asm.Return(),
	)
	pkt := []byte{1, 2, 3}
	if ret, err := p.Run(pkt); ret != 2 || err != nil || pkt[0] != 7 {
		t.Errorf("%d, %v, packet %v", ret, err, pkt)
	}
}

func TestProgramHandles(t *testing.T) {
	p := program(t, ebpf.XDP, returns(1)...)
	q, err := p.Clone()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second does nothing
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.Run(nil); !errors.Is(err, skep.ErrClosed) {
		t.Errorf("run after Close: %v", err)
	}
	if _, err := p.RunContext(context.Background(), nil); !errors.Is(err, skep.ErrClosed) {
		t.Errorf("RunContext after Close: %v", err)
	}
	if _, err := p.Clone(); !errors.Is(err, skep.ErrClosed) {
		t.Errorf("Clone after Close: %v", err)
	}
	if ret, err := q.Run(nil); ret != 1 || err != nil {
		t.Errorf("the other handle: %d, %v", ret, err)
	}
}

func TestRunContextCancels(t *testing.T) {
	k := newKernel(t, nil)
	p := load(t, k, spinner(t), nil).Programs["prog"]
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
	defer cancel()
	_, err := p.RunContext(ctx, &skep.RunOptions{Data: make([]byte, 64), Repeat: 1 << 20})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

func TestStats(t *testing.T) {
	k := newKernel(t, &skep.KernelOptions{Stats: true})
	p := load(t, k, assemble(t, ebpf.XDP, returns(2)...), nil).Programs["prog"]
	for range 3 {
		if _, err := p.Run(nil); err != nil {
			t.Fatal(err)
		}
	}
	if s, err := p.Stats(); err != nil || s.RunCount != 3 || s.Runtime <= 0 {
		t.Errorf("stats %+v, %v", s, err)
	}
}

func TestLinkVerdicts(t *testing.T) {
	frame := make([]byte, 100)
	for _, row := range []struct {
		name    string
		typ     ebpf.ProgramType
		ret     int32
		verdict string
		kept    int
	}{
		{"xdp pass", ebpf.XDP, 2, "XDP_PASS", 100},
		{"xdp drop", ebpf.XDP, 1, "XDP_DROP", 0},
		{"tc ok", ebpf.SchedCLS, 0, "TC_ACT_OK", 100},
		{"tc shot", ebpf.SchedCLS, 2, "TC_ACT_SHOT", 0},
		{"socket filter", ebpf.SocketFilter, 60, "", 60},
		{"cgroup", ebpf.CGroupSKB, 1, "pass", 100},
	} {
		t.Run(row.name, func(t *testing.T) {
			k := newKernel(t, nil)
			link, err := k.AttachPackets(load(t, k, assemble(t, row.typ, returns(row.ret)...), nil).Programs["prog"])
			if err != nil {
				t.Fatal(err)
			}
			defer link.Close()
			var e skep.Event
			if err := link.Fire(frame, &e); err != nil {
				t.Fatal(err)
			}
			if e.Return != uint32(row.ret) || e.Verdict != row.verdict || len(e.Packet) != row.kept {
				t.Errorf("%+v", e)
			}
		})
	}
	k := newKernel(t, nil)
	syscall := load(t, k, assemble(t, ebpf.RawTracepoint, returns(0)...), nil).Programs["prog"]
	if _, err := k.AttachPackets(syscall); !errors.Is(err, skep.EINVAL) {
		t.Errorf("a raw tracepoint that sees packets: %v", err)
	}
}

// TestLinkUpdate swaps programs under load: each event sees the old or the new.
func TestLinkUpdate(t *testing.T) {
	k := newKernel(t, nil)
	one := load(t, k, assemble(t, ebpf.XDP, returns(1)...), nil).Programs["prog"]
	two := load(t, k, assemble(t, ebpf.XDP, returns(2)...), nil).Programs["prog"]
	link, err := k.AttachPackets(one)
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			var e skep.Event
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := link.Fire(make([]byte, 64), &e); err != nil || e.Return != 1 && e.Return != 2 {
					t.Errorf("%+v, %v", e, err)
					return
				}
			}
		})
	}
	for i := range 200 {
		if err := link.Update([]*skep.Program{two, one}[i%2]); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	wg.Wait()
	if err := link.Update(two); err != nil {
		t.Fatal(err)
	}
	var e skep.Event
	if err := link.Fire(nil, &e); err != nil || e.Return != 2 {
		t.Errorf("after the update: %+v, %v", e, err)
	}
	if info, err := link.Info(); err != nil || info.Type != "XDP" || info.Program.Name != "prog" {
		t.Errorf("info %+v, %v", info, err)
	}
	if err := link.Close(); err != nil {
		t.Fatal(err)
	}
	if err := link.Fire(nil, &e); !errors.Is(err, skep.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if err := link.Update(one); !errors.Is(err, skep.ErrClosed) {
		t.Errorf("update after Close: %v", err)
	}
	if ret, err := one.Run(nil); ret != 1 || err != nil {
		t.Errorf("the link has closed what it did not own: %d, %v", ret, err)
	}
}

func TestVariables(t *testing.T) {
	k := newKernel(t, nil)
	c := load(t, k, open(t, kindsObject), &skep.LoadOptions{Globals: map[string]any{"limit": uint32(1), "greeting": skep.Text("bye")}})
	if _, err := c.Programs["entry"].Run(make([]byte, 64)); err != nil {
		t.Fatal(err)
	}
	var seen uint64
	if err := c.Variables["seen"].Get(&seen); err != nil || seen != 1 {
		t.Errorf("seen = %d, %v", seen, err)
	}
	if err := c.Variables["seen"].Set(uint64(10)); err != nil {
		t.Fatal(err)
	}
	// 11 packets are more than the limit of 1 that is compiled in now.
	if ret, err := c.Programs["entry"].Run(make([]byte, 64)); ret != 1 || err != nil {
		t.Errorf("returned %d, %v", ret, err)
	}
	if got := c.Variables["greeting"].String(); got != `greeting = "bye"` {
		t.Errorf("%s", got)
	}
	if err := c.Variables["limit"].Set(uint32(2)); !errors.Is(err, skep.EPERM) {
		t.Errorf("a constant was set: %v", err)
	}
	if !c.Variables["limit"].ReadOnly() || c.Variables["seen"].ReadOnly() {
		t.Error("ReadOnly")
	}
	if err := c.Variables["seen"].Set(uint32(2)); err == nil {
		t.Error("a value of another size was set")
	}
	if _, err := k.Load(open(t, kindsObject), &skep.LoadOptions{Globals: map[string]any{"nothing": 1}}); !errors.Is(err, skep.ErrNotFound) {
		t.Errorf("an unknown variable: %v", err)
	}
	c.Close()
	if err := c.Variables["seen"].Get(&seen); !errors.Is(err, skep.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestAssign(t *testing.T) {
	c := load(t, newKernel(t, nil), open(t, kindsObject), nil)
	var objs struct {
		Programs struct {
			Entry *skep.Program `ebpf:"entry"`
		}
		Configs *skep.Map      `ebpf:"configs"`
		Level   *skep.Variable `ebpf:"level"`
		Other   int
	}
	if err := c.Assign(&objs); err != nil {
		t.Fatal(err)
	}
	if objs.Programs.Entry.Name() != "entry" || objs.Configs.Name() != "configs" || objs.Level.Name() != "level" {
		t.Errorf("%+v", objs)
	}
	if c.Programs["entry"] != nil || c.Maps["configs"] != nil {
		t.Error("the collection still has what was assigned")
	}
	objs.Programs.Entry.Close()
	objs.Configs.Close()

	var unknown struct {
		Next    *skep.Program `ebpf:"next"`
		Missing *skep.Map     `ebpf:"missing"`
	}
	if err := c.Assign(&unknown); !errors.Is(err, skep.ErrNotFound) || unknown.Next != nil {
		t.Errorf("%v, %+v", err, unknown)
	}
	var foreign struct {
		Next *ebpf.Program `ebpf:"next"`
	}
	if err := c.Assign(&foreign); err == nil {
		t.Error("cilium/ebpf's program was assigned")
	}
	if err := c.Assign(foreign); err == nil {
		t.Error("a struct was assigned by value")
	}
}

// TestTailCalls: closing the collection closes what a prog array holds.
func TestTailCalls(t *testing.T) {
	c := load(t, newKernel(t, nil), open(t, kindsObject), nil)
	if !c.Programs["next"].TailCalled() || c.Programs["entry"].TailCalled() {
		t.Error("TailCalled")
	}
	if ret, err := c.Programs["entry"].Run(make([]byte, 64)); ret != 2 || err != nil {
		t.Errorf("returned %d, %v; want XDP_PASS of the program behind", ret, err)
	}
	if err := c.Maps["jumps"].Delete(uint32(0)); err != nil {
		t.Fatal(err)
	}
	if ret, err := c.Programs["entry"].Run(make([]byte, 64)); ret != 3 || err != nil {
		t.Errorf("returned %d, %v; want XDP_TX of the program itself", ret, err)
	}
}
