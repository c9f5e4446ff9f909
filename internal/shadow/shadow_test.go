// This file tests that a run is followed, and that what is wrong is noticed.

package shadow

import (
	"context"
	"errors"
	"testing"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/engine"
	"github.com/skepbpf/skep/internal/lower"
	"github.com/skepbpf/skep/internal/verify"
	"github.com/skepbpf/skep/internal/verify/domain"
	"github.com/skepbpf/skep/world"
)

// counting writes to the stack and counts to a number that a function gives.
var counting = []bytecode.Insn{
	{Op: 0xb7, Dst: 6, Imm: 0},           // 0: r6 = 0
	{Op: 0x7b, Dst: 10, Src: 6, Off: -8}, // 1: *(u64 *)(r10 - 8) = r6
	{Op: 0x85, Src: 1, Imm: 5},           // 2: call 8
	{Op: 0x07, Dst: 6, Imm: 1},           // 3: r6 += 1
	{Op: 0xa5, Dst: 6, Off: -3, Imm: 4},  // 4: if r6 < 4 goto 2
	{Op: 0x79, Dst: 0, Src: 10, Off: -8}, // 5: r0 = *(u64 *)(r10 - 8)
	{Op: 0x0f, Dst: 0, Src: 6},           // 6: r0 += r6
	{Op: 0x95},                           // 7: exit
	{Op: 0x61, Dst: 0, Src: 1, Off: 0},   // 8: r0 = *(u32 *)(r1 + 0), of the first call only
	{Op: 0x95},                           // 9: exit
}

func verified(t *testing.T, code []bytecode.Insn, keep bool) *verify.Verified {
	t.Helper()
	p := &bytecode.Program{Name: "p", Type: bytecode.ProgSocketFilter, License: "GPL", Insns: code}
	v, err := verify.Program(context.Background(), p, &verify.Options{Target: catalog.Linux6_18, Caps: catalog.CapsAll, KeepStates: keep})
	if err != nil {
		t.Fatalf("%+v", err)
	}
	return v
}

// run runs code under the eyes of v's replay.
func run(t *testing.T, code []bytecode.Insn, v *verify.Verified) (uint64, error) {
	t.Helper()
	follow, err := Of(v)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := engine.NewPool(engine.Host{World: world.NewFake().World()})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	lowered, err := lower.Program(verified(t, code, false), nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := engine.NewProgram(lowered, nil, nil, engine.Checked{Shadow: follow})
	if err != nil {
		t.Fatal(err)
	}
	s := pool.Lease()
	defer s.Release()
	s.SKB(p, make([]byte, 64), 14, 14)
	return p.Run(s, s.ContextAddr(), 0)
}

// forth is counting without the context, which the second call does not have.
func forth() []bytecode.Insn {
	code := append([]bytecode.Insn(nil), counting...)
	code[8] = bytecode.Insn{Op: 0xb7, Dst: 0, Imm: 7}
	return code
}

func TestFollows(t *testing.T) {
	code := forth()
	r0, err := run(t, code, verified(t, code, true))
	if err != nil || r0 != 4 {
		t.Errorf("got %d, %v, want 4", r0, err)
	}
}

// A run of another program than the one that is followed leaves its states.
func TestNotices(t *testing.T) {
	code := forth()
	other := append([]bytecode.Insn(nil), code...)
	other[8].Imm = 8
	_, err := run(t, other, verified(t, code, true))
	var m *verify.Mismatch
	if !errors.As(err, &m) || m.Insn != 8 {
		t.Errorf("got %v, want a mismatch at insn 8", err)
	}
}

func TestNeedsStates(t *testing.T) {
	if _, err := Of(verified(t, forth(), false)); !errors.Is(err, verify.ErrNoStates) {
		t.Errorf("got %v, want %v", err, verify.ErrNoStates)
	}
}

// view is a run's memory with one region and two frames.
type view struct{ region engine.Region }

func (v view) Region(uint64) engine.Region { return v.region }
func (view) Read(_ uint64, p []byte) bool  { return len(p) == 3 }
func (view) Frames() []engine.Region {
	return []engine.Region{{Addr: 0x1000, Size: 16}, {Addr: 0xff0, Size: 16}}
}

func TestMemory(t *testing.T) {
	for _, row := range []struct {
		kind engine.RegionKind
		want domain.RegKind
		m    int32
	}{
		{engine.NoRegion, domain.NotInit, -1},
		{engine.StackRegion, domain.NotInit, -1},
		{engine.ContextRegion, domain.PtrToCtx, -1},
		{engine.PacketRegion, domain.PtrToPacket, -1},
		{engine.MapValueRegion, domain.PtrToMapValue, 5},
		{engine.MapRegion, domain.NotInit, -1},
		{engine.FuncRegion, domain.NotInit, -1},
		{engine.GivenRegion, domain.PtrToMem, -1},
	} {
		m := Memory(view{engine.Region{Kind: row.kind, Index: 5, Addr: 100, Size: 8}})
		want := verify.Place{Kind: row.want, MapIdx: row.m, Base: 100, Size: 8}
		if got := m.Place(104); got != want {
			t.Errorf("%s: %+v, want %+v", row.kind, got, want)
		}
	}
	m := Memory(view{})
	for i, want := range []uint64{0x1010, 0x1000} {
		if top, ok := m.FrameTop(i); !ok || top != want {
			t.Errorf("frame %d: top %#x, %v, want %#x", i, top, ok, want)
		}
	}
	for _, i := range []int{-1, 2} {
		if _, ok := m.FrameTop(i); ok {
			t.Errorf("there is no frame %d", i)
		}
	}
	if !m.Read(1, make([]byte, 3)) || m.Read(1, make([]byte, 4)) {
		t.Error("Read is not the run's")
	}
}
