// This file defines the comparison of register liveness, loop numbers and
// instruction texts with the running kernel's log.

package verify

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
)

// testHelpers are the helpers that the random programs call.
var testHelpers = map[int32]*catalog.Proto{
	5: {Name: "bpf_ktime_get_ns"},
	7: {Name: "bpf_get_prandom_u32"},
	8: {Name: "bpf_get_smp_processor_id"},
	1: {Name: "bpf_map_lookup_elem", Args: [5]catalog.Arg{{Kind: catalog.ArgConstMapPtr}, {Kind: catalog.ArgMapKey}}},
	12: {Name: "bpf_tail_call", Args: [5]catalog.Arg{
		{Kind: catalog.ArgCtx}, {Kind: catalog.ArgConstMapPtr}, {Kind: catalog.ArgAnything}}},
	26: {Name: "bpf_skb_load_bytes", Args: [5]catalog.Arg{
		{Kind: catalog.ArgCtx}, {Kind: catalog.ArgAnything}, {Kind: catalog.ArgMem}, {Kind: catalog.ArgConstSize}}},
	181: {Name: "bpf_loop", Args: [5]catalog.Arg{
		{Kind: catalog.ArgAnything}, {Kind: catalog.ArgFunc}, {Kind: catalog.ArgAnything}, {Kind: catalog.ArgAnything}}},
}

func testEnv() *passEnv {
	return &passEnv{
		Privileged: true,
		Limits:     catalog.Limits{Subprogs: 256, Maps: 64, MaxInsns: 1_000_000, UnprivInsns: 4096, Stack: 512, Frames: 8, TailCallStack: 256},
		Helper:     func(num int32) *catalog.Proto { return testHelpers[num] },
	}
}

var testNames = bytecode.Names{Helper: func(num int32) string {
	if h := testHelpers[num]; h != nil {
		return h.Name
	}
	return ""
}}

// staticLog is what the log says before the walk starts.
func staticLog(p *bytecode.Program) (string, *Rejection) {
	env := testEnv()
	subs, r := findSubprogs(p, env)
	if r != nil {
		return "", r
	}
	b := subs.appendLog(nil)
	if r := checkSubprogs(p, subs); r != nil {
		return string(b), r
	}
	c, r := checkCFG(p, subs, env)
	if r != nil {
		return string(b), r
	}
	return string(appendLiveRegs(b, p, c, liveRegs(p.Insns, c, env), testNames)), nil
}

// TestStaticLogMatchesKernel loads random programs, almost all of them unsafe,
// and compares the part of the log that comes before the walk.
func TestStaticLogMatchesKernel(t *testing.T) {
	kernel := needKernel(t)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 250 {
		p := &bytecode.Program{Type: bytecode.ProgSchedCLS, License: "GPL", Insns: randomProgram(rng)}
		ours, r := staticLog(p)
		if r != nil {
			ours += r.Line
		}
		live := kernel.load(p, 0).Log
		if !strings.HasPrefix(live, ours) {
			t.Fatalf("program %d: %s\n%s\n%s", i, firstDifference(ours, live), ours, live)
		}
	}
}

// firstDifference shows the first line in which two texts differ.
func firstDifference(ours, live string) string {
	a, b := strings.Split(ours, "\n"), strings.Split(live, "\n")
	for i := range a {
		if i >= len(b) || a[i] != b[i] {
			got := "(nothing)"
			if i < len(b) {
				got = b[i]
			}
			return "\nours:   " + a[i] + "\nkernel: " + got
		}
	}
	return "no difference"
}

// randomProgram makes two functions of existing instructions with arbitrary
// operands, whose jumps stay inside.
func randomProgram(rng *rand.Rand) []bytecode.Insn {
	first := randomFunction(rng, 20)
	second := randomFunction(rng, 12)
	dropAbnormalReturns(second)
	first[0] = callSubprog(int32(len(first) - 1))
	return append(first, second...)
}

func randomFunction(rng *rand.Rand, n int) []bytecode.Insn {
	insns := make([]bytecode.Insn, n)
	for pc := 1; pc < n-1; pc++ {
		insns[pc] = randomInsn(rng, pc, n)
		if insns[pc].IsLdImm64() {
			if pc+2 >= n {
				insns[pc] = movK(0, 0)
				continue
			}
			pc++
			insns[pc] = bytecode.Insn{Imm: rng.Int32()}
		}
	}
	insns[0], insns[n-1] = movX(6, 1), exit()
	keepTargets(insns)
	return insns
}

// dropAbnormalReturns replaces what only the main function may do without BTF.
func dropAbnormalReturns(insns []bytecode.Insn) {
	for pc, in := range insns {
		if isLdAbs(in) || in.IsHelperCall() && in.Imm == helperTailCall {
			insns[pc] = movK(0, 0)
		}
	}
}

// keepTargets moves jumps off the second slots of 64-bit loads.
func keepTargets(insns []bytecode.Insn) {
	for pc := 0; pc < len(insns); pc += insns[pc].Width() {
		in := &insns[pc]
		if !in.Jumps() {
			continue
		}
		if to := in.JumpTarget(pc); to > 0 && insns[to-1].IsLdImm64() {
			in.Off, in.Imm = in.Off-1, in.Imm-1
		}
	}
}

// randomInsn draws an opcode from all that exist and fills its operands.
func randomInsn(rng *rand.Rand, pc, n int) bytecode.Insn {
	ops := opcodes()
	in := bytecode.Insn{
		Op:  ops[rng.IntN(len(ops))],
		Dst: uint8(rng.IntN(10)), Src: uint8(rng.IntN(10)),
		Off: int16(rng.IntN(64) - 32), Imm: rng.Int32N(1000) - 500,
	}
	offsets := []int16{0, 0, 1, 8, 16, 32}
	switch {
	case in.IsLdImm64():
		in.Src, in.Off = 0, 0
	case in.Class() == bytecode.ClassLDX:
		in.Imm = 0
	case in.Class() == bytecode.ClassALU || in.Class() == bytecode.ClassALU64:
		in.Off = offsets[rng.IntN(len(offsets))]
	case in.Class() == bytecode.ClassSTX && in.Mode() == bytecode.ModeATOMIC:
		in.Imm = []int32{0, 1, 0x40, 0x41, 0x50, 0x51, 0xa0, 0xa1, 0xe1, 0xf1, 0x100, 0x110}[rng.IntN(12)]
	case in.IsExit():
		in = mayGoto(0)
	case in.Op == 0x85:
		in.Src, in.Imm = 0, []int32{1, 5, 7, 8, 12, 26, 181, 9999}[rng.IntN(8)]
	}
	if in.Jumps() {
		to := rng.IntN(n-2) + 1
		if in.IsGoto() { // no code may become unreachable
			to = pc + 1
		}
		in.Off, in.Src = int16(to-pc-1), in.Src*(in.Op>>3&1)
		if in.Op == 0x06 {
			in.Imm = int32(in.Off)
		}
	}
	return in
}
