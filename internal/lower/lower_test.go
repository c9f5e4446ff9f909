// This file tests lowering on hand-made facts.

package lower

import (
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/ir"
	"github.com/skepbpf/skep/internal/verify"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// Opcodes that the tests spell out.
const (
	opMovK    = bytecode.ClassALU64 | bytecode.ALUMov | bytecode.SrcK
	opMovX    = bytecode.ClassALU64 | bytecode.ALUMov | bytecode.SrcX
	opExit    = bytecode.ClassJMP | bytecode.JmpExit
	opCall    = bytecode.ClassJMP | bytecode.JmpCall
	opJa      = bytecode.ClassJMP | bytecode.JmpA
	opGotol   = bytecode.ClassJMP32 | bytecode.JmpA
	opJeqK    = bytecode.ClassJMP | bytecode.JmpEq | bytecode.SrcK
	opJsgtX32 = bytecode.ClassJMP32 | bytecode.JmpSGt | bytecode.SrcX
	opLdxW    = bytecode.ClassLDX | bytecode.ModeMEM | bytecode.SizeW
	opLdxH    = bytecode.ClassLDX | bytecode.ModeMEM | bytecode.SizeH
	opLdxSB   = bytecode.ClassLDX | bytecode.ModeMEMSX | bytecode.SizeB
	opStW     = bytecode.ClassST | bytecode.ModeMEM | bytecode.SizeW
	opStxDW   = bytecode.ClassSTX | bytecode.ModeMEM | bytecode.SizeDW
	opAtomDW  = bytecode.ClassSTX | bytecode.ModeATOMIC | bytecode.SizeDW
	opAtomW   = bytecode.ClassSTX | bytecode.ModeATOMIC | bytecode.SizeW
	opAtomB   = bytecode.ClassSTX | bytecode.ModeATOMIC | bytecode.SizeB
)

var exitInsn = bytecode.Insn{Op: opExit}

// allSeen makes facts by which everything is reached and every branch goes
// both ways.
func allSeen(insns []bytecode.Insn) *verify.Facts {
	f := &verify.Facts{
		Insns:    make([]verify.InsnFact, len(insns)),
		Subprogs: []verify.SubprogFact{{Name: "main", End: len(insns), StackDepth: 32}},
	}
	for i := range f.Insns {
		f.Insns[i] = verify.InsnFact{Seen: true, BranchTaken: true, BranchFallthrough: true}
	}
	return f
}

// testEnv has two maps, the second a single value, and one host function.
func testEnv() *Env {
	return &Env{
		Maps:   []ir.MapRef{{Handle: 0x1000, Lookup: ir.Recipe{{Op: ir.RecipeCall}}}, {Handle: 0x2000, Value: 0x3000}},
		Func:   func(id catalog.FuncID) (int32, bool) { return 7, strings.HasPrefix(string(id), "bpf_map_") },
		Reason: func(id catalog.FuncID) string { return map[catalog.FuncID]string{"rocket": "fuel"}[id] },
	}
}

func opStrings(c *ir.Code) []string {
	out := make([]string, len(c.Ops))
	for i, op := range c.Ops {
		out[i] = op.String()
	}
	return out
}

func stack() *verify.MemFact { return &verify.MemFact{Kind: domain.PtrToStack, MapIdx: -1} }
func ctxAt(off int32) *verify.MemFact {
	return &verify.MemFact{Kind: domain.PtrToCtx, MapIdx: -1, CtxOff: off}
}

// One instruction, with what the verifier says of it.
func TestInstruction(t *testing.T) {
	xdpData := "load64 r2, [r1+24]"
	if at := unsafe.Offsetof(ir.XDP{}.Data); at != 24 {
		t.Fatalf("the packet's address is at %d of the XDP context; the rows below want 24", at)
	}
	for _, row := range []struct {
		name string
		typ  bytecode.ProgType
		in   bytecode.Insn
		fact verify.InsnFact
		want string
	}{
		{name: "move constant", in: bytecode.Insn{Op: opMovK, Dst: 3, Imm: -5}, want: "mov r3, -5"},
		{name: "move register", in: bytecode.Insn{Op: opMovX, Dst: 3, Src: 4}, want: "mov r3, r4"},
		{name: "sign extension", in: bytecode.Insn{Op: opMovX, Dst: 3, Src: 4, Off: 16}, want: "sext16 r3, r4"},
		{name: "sign extension to 32 bits", in: bytecode.Insn{Op: opMovX ^ 3, Dst: 3, Src: 4, Off: 8}, want: "sext8w r3, r4"},
		{name: "address space cast", in: bytecode.Insn{Op: opMovX, Dst: 3, Src: 4, Off: 1, Imm: 1}, want: "mov r3, r4"},
		{name: "unsigned division", in: bytecode.Insn{Op: bytecode.ClassALU64 | bytecode.ALUDiv, Dst: 1, Imm: 3}, want: "div r1, 3"},
		{name: "signed division", in: bytecode.Insn{Op: bytecode.ClassALU | bytecode.ALUDiv, Dst: 1, Off: 1, Imm: 3}, want: "sdivw r1, 3"},
		{name: "signed remainder", in: bytecode.Insn{Op: bytecode.ClassALU64 | bytecode.ALUMod, Dst: 1, Off: 1, Imm: 3}, want: "smod r1, 3"},
		{name: "to little endian", in: bytecode.Insn{Op: bytecode.ClassALU | bytecode.ALUEnd, Dst: 1, Imm: 16}, want: "zext16 r1"},
		{name: "to big endian", in: bytecode.Insn{Op: bytecode.ClassALU | bytecode.ALUEnd | bytecode.SrcX, Dst: 1, Imm: 32}, want: "swap32 r1"},
		{name: "byte swap", in: bytecode.Insn{Op: bytecode.ClassALU64 | bytecode.ALUEnd, Dst: 1, Imm: 64}, want: "swap64 r1"},
		{name: "load", in: bytecode.Insn{Op: opLdxW, Dst: 2, Src: 10, Off: -8}, fact: verify.InsnFact{Mem: stack()}, want: "load32 r2, [r10-8]"},
		{name: "signed load", in: bytecode.Insn{Op: opLdxSB, Dst: 2, Src: 10, Off: -8}, fact: verify.InsnFact{Mem: stack()}, want: "loads8 r2, [r10-8]"},
		{name: "load that may fault", in: bytecode.Insn{Op: opLdxW, Dst: 2, Src: 3, Off: 4}, fact: verify.InsnFact{Mem: &verify.MemFact{Kind: domain.PtrToBTFID, MayFault: true}}, want: "loadprobe r2, [r3+4]"},
		{name: "store constant", in: bytecode.Insn{Op: opStW, Dst: 10, Off: -4, Imm: 9}, fact: verify.InsnFact{Mem: stack()}, want: "store32 [r10-4], 9"},
		{name: "store register", in: bytecode.Insn{Op: opStxDW, Dst: 10, Src: 6, Off: -8}, fact: verify.InsnFact{Mem: stack()}, want: "store64 [r10-8], r6"},
		{name: "atomic add", in: bytecode.Insn{Op: opAtomDW, Dst: 10, Src: 6, Off: -8}, fact: verify.InsnFact{Mem: stack()}, want: "atomic64 [r10-8], r6, 0x0"},
		{name: "compare and exchange", in: bytecode.Insn{Op: opAtomW, Dst: 10, Src: 6, Off: -8, Imm: bytecode.AtomicCmpXchg}, fact: verify.InsnFact{Mem: stack()}, want: "atomic32 [r10-8], r6, 0xf1"},
		{name: "load acquire", in: bytecode.Insn{Op: opAtomW, Dst: 2, Src: 10, Off: -8, Imm: bytecode.AtomicLoadAcq}, fact: verify.InsnFact{Mem: stack()}, want: "loadacq32 r2, [r10-8]"},
		{name: "store release", in: bytecode.Insn{Op: opAtomB, Dst: 10, Src: 2, Off: -8, Imm: bytecode.AtomicStoreRel}, fact: verify.InsnFact{Mem: stack()}, want: "storerel8 [r10-8], r2"},
		{name: "32-bit signed jump", in: bytecode.Insn{Op: opJsgtX32, Dst: 1, Src: 2}, want: "jsgtw r1, r2 -> 1"},
		{name: "branch that is always taken", in: bytecode.Insn{Op: opJeqK, Dst: 1}, fact: verify.InsnFact{BranchTaken: true}, want: "jump -> 1"},
		{name: "branch that is never taken", in: bytecode.Insn{Op: opJeqK, Dst: 1, Off: 30}, fact: verify.InsnFact{BranchFallthrough: true}, want: "jump -> 1"},
		{name: "may_goto", in: bytecode.Insn{Op: bytecode.ClassJMP | bytecode.JmpJCOND}, want: "maygoto -> 1"},
		{name: "gotol", in: bytecode.Insn{Op: opGotol, Imm: 0}, want: "jump -> 1"},
		{name: "legacy load", in: bytecode.Insn{Op: bytecode.ClassLD | bytecode.ModeABS | bytecode.SizeH, Imm: 12}, want: "packetword16 12"},
		{name: "legacy indirect load", in: bytecode.Insn{Op: bytecode.ClassLD | bytecode.ModeIND | bytecode.SizeB, Src: 7, Imm: -1}, want: "packetword8 r7-1"},
		{name: "tail call", in: bytecode.Insn{Op: opCall}, fact: verify.InsnFact{Call: &verify.CallFact{Proto: &catalog.Proto{ID: "bpf_tail_call"}}}, want: "tailcall"},
		{name: "CPU", in: bytecode.Insn{Op: opCall}, fact: verify.InsnFact{Call: &verify.CallFact{Proto: &catalog.Proto{ID: "bpf_get_smp_processor_id"}}}, want: "cpu r0"},

		{name: "packet pointer", typ: bytecode.ProgXDP, in: bytecode.Insn{Op: opLdxW, Dst: 2, Src: 1}, fact: verify.InsnFact{Mem: ctxAt(0)}, want: xdpData},
		{name: "packet pointer off a moved base", typ: bytecode.ProgXDP, in: bytecode.Insn{Op: opLdxW, Dst: 2, Src: 1, Off: -12}, fact: verify.InsnFact{Mem: ctxAt(0)}, want: "load64 r2, [r1+12]"},
		{name: "field where UAPI has it", typ: bytecode.ProgXDP, in: bytecode.Insn{Op: opLdxW, Dst: 2, Src: 1, Off: 12}, fact: verify.InsnFact{Mem: ctxAt(12)}, want: "load32 r2, [r1+12]"},
		{name: "narrow load", typ: bytecode.ProgSchedCLS, in: bytecode.Insn{Op: opLdxH, Dst: 2, Src: 1, Off: 10}, fact: verify.InsnFact{Mem: ctxAt(10)}, want: "load16 r2, [r1+10]"},
		{name: "skb data_end", typ: bytecode.ProgSchedCLS, in: bytecode.Insn{Op: opLdxW, Dst: 2, Src: 1, Off: 80}, fact: verify.InsnFact{Mem: ctxAt(80)}, want: "load64 r2, [r1+200]"},
		{name: "context store", typ: bytecode.ProgSchedCLS, in: bytecode.Insn{Op: opStW, Dst: 1, Off: 48, Imm: 1}, fact: verify.InsnFact{Mem: ctxAt(48)}, want: "store32 [r1+48], 1"},
		{name: "raw context", typ: bytecode.ProgKprobe, in: bytecode.Insn{Op: opStxDW ^ 2, Dst: 2, Src: 1, Off: 112}, fact: verify.InsnFact{Mem: ctxAt(112)}, want: "load64 r2, [r1+112]"},
	} {
		t.Run(row.name, func(t *testing.T) {
			insns := []bytecode.Insn{row.in, exitInsn}
			facts := allSeen(insns)
			f := row.fact
			f.Seen = true
			if !f.BranchTaken && !f.BranchFallthrough {
				f.BranchTaken, f.BranchFallthrough = true, true
			}
			facts.Insns[0] = f
			code, err := lower(&bytecode.Program{Type: row.typ, Insns: insns}, facts, testEnv())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{row.want, "exit"}, opStrings(code)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestImmediates(t *testing.T) {
	for _, row := range []struct {
		name string
		src  uint8
		hi   int32
		fact *verify.LoadFact
		want int64
	}{
		{"constant", 0, 1, nil, 1<<32 | 0xffffffff},
		{"map", bytecode.PseudoMapIdx, 0, &verify.LoadFact{MapIdx: 0, ValueOff: -1, Subprog: -1}, 0x1000},
		{"map value", bytecode.PseudoMapIdxValue, 16, &verify.LoadFact{MapIdx: 1, ValueOff: 16, Subprog: -1}, 0x3010},
		{"function", bytecode.PseudoFunc, 0, &verify.LoadFact{MapIdx: -1, Subprog: 2}, int64(ir.FuncHandle(2))},
	} {
		insns := []bytecode.Insn{{Op: bytecode.OpLdImm64, Dst: 4, Src: row.src, Imm: -1}, {Imm: row.hi}, exitInsn}
		facts := allSeen(insns)
		facts.Insns[0].Load = row.fact
		code, err := lower(&bytecode.Program{Insns: insns}, facts, testEnv())
		if err != nil {
			t.Errorf("%s: %v", row.name, err)
			continue
		}
		if op := code.Ops[0]; op.Code != ir.Mov || op.Dst != ir.R4 || op.Src != ir.RZero || op.Imm != row.want {
			t.Errorf("%s: %v, want mov r4, %d", row.name, op, row.want)
		}
		if diff := cmp.Diff([]int32{0, -1, 1}, code.First); diff != "" {
			t.Errorf("%s: first operations: %s", row.name, diff)
		}
	}
}

// Unreachable code goes, and jumps find their targets where they now are.
func TestDeadCode(t *testing.T) {
	insns := []bytecode.Insn{
		{Op: opJeqK, Dst: 1, Off: 2},
		{Op: opMovK, Dst: 0, Imm: 1},
		{Op: opJa, Off: 1},
		{Op: opMovK, Dst: 0, Imm: 2},
		exitInsn,
	}
	for _, row := range []struct {
		name  string
		fact  verify.InsnFact
		dead  []int
		want  []string
		slots []int32
	}{
		{"both ways", verify.InsnFact{Seen: true, BranchTaken: true, BranchFallthrough: true}, nil,
			[]string{"jeq r1, 0 -> 3", "mov r0, 1", "jump -> 4", "mov r0, 2", "exit"}, []int32{0, 1, 2, 3, 4}},
		{"always taken", verify.InsnFact{Seen: true, BranchTaken: true}, []int{1, 2},
			[]string{"jump -> 1", "mov r0, 2", "exit"}, []int32{0, 3, 4}},
		{"never taken", verify.InsnFact{Seen: true, BranchFallthrough: true}, []int{3},
			[]string{"jump -> 1", "mov r0, 1", "jump -> 3", "exit"}, []int32{0, 1, 2, 4}},
	} {
		facts := allSeen(insns)
		facts.Insns[0] = row.fact
		for _, i := range row.dead {
			facts.Insns[i].Seen = false
		}
		code, err := lower(&bytecode.Program{Insns: insns}, facts, nil)
		if err != nil {
			t.Errorf("%s: %v", row.name, err)
			continue
		}
		if diff := cmp.Diff(row.want, opStrings(code)); diff != "" {
			t.Errorf("%s: %s", row.name, diff)
		}
		if diff := cmp.Diff(row.slots, code.Slots); diff != "" {
			t.Errorf("%s: slots: %s", row.name, diff)
		}
	}
}

// A call that does not return is the last thing in its function.
func TestCallThatDoesNotReturn(t *testing.T) {
	insns := []bytecode.Insn{{Op: opCall, Imm: 1}, {Op: opMovK}, exitInsn}
	facts := allSeen(insns)
	facts.Insns[0].Call = &verify.CallFact{Proto: &catalog.Proto{ID: "bpf_map_x"}, Subprog: -1, MapIdx: -1}
	facts.Insns[1].Seen, facts.Insns[2].Seen = false, false
	code, err := lower(&bytecode.Program{Insns: insns}, facts, testEnv())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"callhost #0", "exit"}, opStrings(code)); diff != "" {
		t.Error(diff)
	}
}

func TestFunctionsAndCalls(t *testing.T) {
	insns := []bytecode.Insn{
		{Op: opCall, Src: bytecode.PseudoCall, Imm: 2},
		{Op: opCall, Imm: 1},
		exitInsn,
		{Op: opMovK, Imm: 4},
		exitInsn,
	}
	facts := allSeen(insns)
	facts.Subprogs = []verify.SubprogFact{
		{Name: "main", End: 3, StackDepth: 20}, {Name: "callee", Start: 3, End: 5}, {Name: "dead", Start: 5, End: 5},
	}
	facts.Subprogs[2].Start = 4 // any slot that has no operation of its own first
	facts.Insns[1].Call = &verify.CallFact{
		Proto: &catalog.Proto{ID: "bpf_map_lookup_elem", Name: "bpf_map_lookup_elem"}, Subprog: -1, MapIdx: 0,
	}
	code, err := lower(&bytecode.Program{Name: "p", Insns: insns}, facts, testEnv())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"callfunc #1 -> 3", "callhost #0", "exit", "mov r0, 4", "exit"}, opStrings(code)); diff != "" {
		t.Error(diff)
	}
	wantCalls := []ir.Call{{Name: "bpf_map_lookup_elem", Body: 7, Map: 0, Callback: -1, Lookup: ir.Recipe{{Op: ir.RecipeCall}}}}
	if diff := cmp.Diff(wantCalls, code.Calls); diff != "" {
		t.Error(diff)
	}
	if f := code.Funcs[0]; f.Stack != 24 {
		t.Errorf("20 bytes of stack became %d, want 24", f.Stack)
	}
	if f := code.Funcs[1]; f.Entry != 3 || f.Slot != 3 || f.Name != "callee" {
		t.Errorf("the callee is %+v", f)
	}
}

func TestErrors(t *testing.T) {
	for _, row := range []struct {
		name string
		in   bytecode.Insn
		fact verify.InsnFact
		want string
	}{
		{"no facts of an access", bytecode.Insn{Op: opLdxW}, verify.InsnFact{}, "lower p: insn 0: memory access without facts"},
		{"no prototype", bytecode.Insn{Op: opCall}, verify.InsnFact{}, "lower p: insn 0: call without a prototype"},
		{"no body", bytecode.Insn{Op: opCall}, verify.InsnFact{Call: &verify.CallFact{Proto: &catalog.Proto{ID: "x", Name: "bpf_x"}}}, "lower p: insn 0: bpf_x: no body to run"},
		{"no body, and why", bytecode.Insn{Op: opCall}, verify.InsnFact{Call: &verify.CallFact{Proto: &catalog.Proto{ID: "rocket", Name: "bpf_rocket"}}}, "lower p: insn 0: bpf_rocket needs fuel: no body to run"},
		{"jump into the dark", bytecode.Insn{Op: opJeqK, Off: 1}, verify.InsnFact{BranchTaken: true}, "lower p: insn 0: jump to insn 2, which the verifier has not seen"},
		{"call to nowhere", bytecode.Insn{Op: opCall, Src: bytecode.PseudoCall, Imm: 1}, verify.InsnFact{}, "lower p: insn 0: call of insn 2, where no function starts"},
		{"arena", bytecode.Insn{Op: opLdxW}, verify.InsnFact{Mem: &verify.MemFact{Kind: domain.PtrToArena}}, "lower p: insn 0: access to arena memory"},
		{"store that may fault", bytecode.Insn{Op: opStW}, verify.InsnFact{Mem: &verify.MemFact{Kind: domain.PtrToBTFID, MayFault: true}}, "lower p: insn 0: store to memory that may not be there"},
		{"kernel variable", bytecode.Insn{Op: bytecode.OpLdImm64, Src: bytecode.PseudoBTFID}, verify.InsnFact{Load: &verify.LoadFact{MapIdx: -1, Subprog: -1, KsymBTF: 5}}, "lower p: insn 0: address of a kernel variable"},
		{"map that is not there", bytecode.Insn{Op: bytecode.OpLdImm64, Src: bytecode.PseudoMapIdx}, verify.InsnFact{Load: &verify.LoadFact{MapIdx: 9, Subprog: -1}}, "lower p: insn 0: map 9 does not exist"},
		{"map without a fixed value", bytecode.Insn{Op: bytecode.OpLdImm64, Src: bytecode.PseudoMapIdxValue}, verify.InsnFact{Load: &verify.LoadFact{MapIdx: 0, Subprog: -1}}, "lower p: insn 0: map 0 has no value at a fixed address"},
		{"odd byte order", bytecode.Insn{Op: bytecode.ClassALU | bytecode.ALUEnd, Imm: 24}, verify.InsnFact{}, "lower p: insn 0: byte order of 24 bits"},
		{"odd offset", bytecode.Insn{Op: opMovX, Off: 7}, verify.InsnFact{}, "lower p: insn 0: unknown arithmetic 0xbf with offset 7"},
	} {
		insns := []bytecode.Insn{row.in, exitInsn, exitInsn}
		facts := allSeen(insns)
		facts.Insns[2].Seen = false
		f := row.fact
		f.Seen = true
		facts.Insns[0] = f
		_, err := lower(&bytecode.Program{Name: "p", Insns: insns}, facts, testEnv())
		if err == nil || err.Error() != row.want {
			t.Errorf("%s: got %v, want %s", row.name, err, row.want)
		}
	}
}
