package verify

import (
	"context"
	"errors"
	"testing"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
)

// prunedProgram returns 0 on one path and 1 on the other. The second path to
// be walked is pruned at the join, where R6 is imprecise: the only state ever
// seen at exit says R0=1.
var prunedProgram = []bytecode.Insn{
	{Op: 0x85, Imm: 7},                 // call bpf_get_prandom_u32
	{Op: 0xbf, Dst: 7, Src: 0},         // r7 = r0
	{Op: 0xb7, Dst: 6, Imm: 0},         // r6 = 0
	{Op: 0x25, Dst: 7, Off: 1, Imm: 5}, // if r7 > 5 goto +1
	{Op: 0xb7, Dst: 6, Imm: 1},         // r6 = 1
	{Op: 0xbf, Dst: 0, Src: 6},         // r0 = r6
	{Op: 0x95},                         // exit
}

func verifyInsns(t *testing.T, insns []bytecode.Insn, o Options) (*Verified, error) {
	t.Helper()
	p := &bytecode.Program{Name: "t", Type: bytecode.ProgSocketFilter, License: "GPL", Insns: insns, Flags: bytecode.FlagTestStateFreq}
	o.Target, o.Caps = catalog.Linux6_18, catalog.CapsAll
	return Program(context.Background(), p, &o)
}

// TestPrunedFacts: nothing that pruning does not preserve leaves the verifier.
func TestPrunedFacts(t *testing.T) {
	v, err := verifyInsns(t, prunedProgram, Options{KeepStates: true})
	if err != nil {
		t.Fatal(err)
	}
	if v.Stats().Processed >= 2*len(prunedProgram)-3 {
		t.Fatalf("%d instructions processed: no path was pruned, so this tests nothing", v.Stats().Processed)
	}
	for pc, f := range v.Facts().Insns {
		if !f.Seen {
			t.Errorf("insn %d: not seen, although a run can get there", pc)
		}
	}
	if f := v.Facts().Insns[3]; !f.BranchTaken || !f.BranchFallthrough {
		t.Errorf("insn 3: ways walked: taken %v, fall-through %v, want both", f.BranchTaken, f.BranchFallthrough)
	}
	// Both results must be inside what replay knows at exit.
	for _, r0 := range []uint64{0, 1} {
		if err := replayPruned(v, r0); err != nil {
			t.Errorf("run that returns %d: %v", r0, err)
		}
	}
}

// noMemory is the memory of a run that has nothing but registers.
type noMemory struct{}

func (noMemory) Place(uint64) Place          { return Place{} }
func (noMemory) FrameTop(int) (uint64, bool) { return 0, false }
func (noMemory) Read(uint64, []byte) bool    { return false }

// replayPruned follows the run that returns r0.
func replayPruned(v *Verified, r0 uint64) error {
	r, err := v.Replay()
	if err != nil {
		return err
	}
	var regs [11]uint64
	random := uint64(9)
	if r0 == 1 {
		random = 3
	}
	step := func(pc, next int, set func()) {
		if err == nil {
			set()
			err = r.Step(pc, &regs, next, noMemory{})
		}
	}
	none := func() {}
	step(0, 1, func() { regs[0] = random })
	step(1, 2, func() { regs[7] = random })
	step(2, 3, func() { regs[6] = 0 })
	if r0 == 1 {
		step(3, 4, none)
		step(4, 5, func() { regs[6] = 1 })
	} else {
		step(3, 5, none)
	}
	step(5, 6, func() { regs[0] = r0 })
	if err == nil {
		err = r.Leave(6, &regs, -1, noMemory{})
	}
	return err
}

// TestReplayNotices: a concrete state outside the abstract one is an error.
func TestReplayNotices(t *testing.T) {
	v, err := verifyInsns(t, prunedProgram, Options{KeepStates: true})
	if err != nil {
		t.Fatal(err)
	}
	r, err := v.Replay()
	if err != nil {
		t.Fatal(err)
	}
	var regs [11]uint64
	regs[0] = 1 << 40 // bpf_get_prandom_u32 gives any 64 bits, as the verifier sees it
	if err := r.Step(0, &regs, 1, noMemory{}); err != nil {
		t.Fatal(err)
	}
	regs[7] = 1 << 40
	if err := r.Step(1, &regs, 2, noMemory{}); err != nil {
		t.Fatal(err)
	}
	regs[6] = 5 // the instruction says 0
	var m *Mismatch
	if err := r.Step(2, &regs, 3, noMemory{}); !errors.As(err, &m) || m.Insn != 2 {
		t.Errorf("R6=5 after r6 = 0: %v, want a mismatch at insn 2", err)
	}
}
