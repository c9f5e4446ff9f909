// This file defines the adapter between a run and the verifier's replay.

// Package shadow lets the verifier watch a run. It takes a *verify.Verified
// and gives what engine.Checked asks for: a Shadow that repeats the abstract
// step after every instruction and holds the concrete state against it. The
// root package and internal/fuzz use it. Neither side knows the other: an
// import of internal/verify in internal/engine, or the reverse, would be wrong.
package shadow

import (
	"fmt"

	"github.com/skepbpf/skep/internal/engine"
	"github.com/skepbpf/skep/internal/verify"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// Of gives engine.Checked its Shadow: a fresh replay of v for each run. The
// program must have been verified with verify.Options.KeepStates, else the
// error is verify.ErrNoStates. A run that leaves the abstract states is stopped
// with a *verify.Mismatch.
func Of(v *verify.Verified) (func(*engine.Program) engine.Shadow, error) {
	if _, err := v.Replay(); err != nil {
		return nil, fmt.Errorf("replay: %w", err)
	}
	return func(*engine.Program) engine.Shadow {
		r, err := v.Replay()
		if err != nil {
			return nil
		}
		return &follower{replay: r}
	}, nil
}

// follower passes on what the engine tells.
type follower struct {
	replay *verify.Replayer
	mem    memory
}

// Step implements engine.Shadow.
func (f *follower) Step(pc int, regs *[11]uint64, next int, m engine.MemoryView) error {
	return f.replay.Step(pc, regs, next, f.view(m))
}

// Enter implements engine.Shadow.
func (f *follower) Enter(pc, fn int, callback bool, regs *[11]uint64, m engine.MemoryView) error {
	return f.replay.Enter(pc, fn, callback, regs, f.view(m))
}

// Leave implements engine.Shadow.
func (f *follower) Leave(pc int, regs *[11]uint64, next int, m engine.MemoryView) error {
	return f.replay.Leave(pc, regs, next, f.view(m))
}

// TailCall implements engine.Shadow: the program that follows was verified by
// itself.
func (f *follower) TailCall(int) {}

// view is m in the verifier's terms, without an allocation a step.
func (f *follower) view(m engine.MemoryView) verify.Memory {
	f.mem.view = m
	return &f.mem
}

// Memory gives a run's memory in the verifier's terms.
func Memory(m engine.MemoryView) verify.Memory { return &memory{m} }

type memory struct{ view engine.MemoryView }

// kinds are what the verifier calls the memory of a region. A stack pointer is
// placed by its frame's top instead, and handles are no memory.
var kinds = map[engine.RegionKind]domain.RegKind{
	engine.ContextRegion:  domain.PtrToCtx,
	engine.PacketRegion:   domain.PtrToPacket,
	engine.MemoryRegion:   domain.PtrToMem,
	engine.GivenRegion:    domain.PtrToMem,
	engine.MapValueRegion: domain.PtrToMapValue,
}

// Place implements verify.Memory.
func (m *memory) Place(addr uint64) verify.Place {
	r := m.view.Region(addr)
	p := verify.Place{Kind: kinds[r.Kind], MapIdx: -1, Base: r.Addr, Size: r.Size}
	if r.Kind == engine.MapValueRegion {
		p.MapIdx = int32(r.Index)
	}
	return p
}

// FrameTop implements verify.Memory.
func (m *memory) FrameTop(i int) (uint64, bool) {
	frames := m.view.Frames()
	if i < 0 || i >= len(frames) {
		return 0, false
	}
	return frames[i].Addr + frames[i].Size, true
}

// Read implements verify.Memory.
func (m *memory) Read(addr uint64, p []byte) bool { return m.view.Read(addr, p) }
