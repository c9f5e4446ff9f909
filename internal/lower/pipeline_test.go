// This file tests the way from bytecode to a result: verified, lowered, run by
// both interpreters, the checked one with the verifier's replay as its shadow,
// and by the live kernel.

package lower

import (
	"bytes"
	"context"
	"encoding/binary"
	"testing"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/engine"
	"github.com/skepbpf/skep/internal/ir"
	"github.com/skepbpf/skep/internal/live"
	"github.com/skepbpf/skep/internal/maps"
	"github.com/skepbpf/skep/internal/verify"
	"github.com/skepbpf/skep/internal/verify/domain"
	"github.com/skepbpf/skep/world"
)

// replay makes the verifier's replay the shadow of a run.
type replay struct{ *verify.Replayer }

func (r replay) Step(pc int, regs *[11]uint64, next int, m engine.MemoryView) error {
	return r.Replayer.Step(pc, regs, next, places{m})
}

func (r replay) Enter(pc, fn int, callback bool, regs *[11]uint64, m engine.MemoryView) error {
	return r.Replayer.Enter(pc, fn, callback, regs, places{m})
}

func (r replay) Leave(pc int, regs *[11]uint64, next int, m engine.MemoryView) error {
	return r.Replayer.Leave(pc, regs, next, places{m})
}

func (r replay) TailCall(int) {}

// places is a run's memory in the verifier's terms.
type places struct{ engine.MemoryView }

var placeKinds = map[engine.RegionKind]domain.RegKind{
	engine.ContextRegion: domain.PtrToCtx, engine.PacketRegion: domain.PtrToPacket,
	engine.MapValueRegion: domain.PtrToMapValue, engine.MemoryRegion: domain.PtrToMem, engine.GivenRegion: domain.PtrToMem,
}

func (p places) Place(addr uint64) verify.Place {
	r := p.Region(addr)
	return verify.Place{Kind: placeKinds[r.Kind], MapIdx: int32(r.Index), Base: r.Addr, Size: r.Size}
}

func (p places) FrameTop(i int) (uint64, bool) {
	frames := p.Frames()
	if i >= len(frames) {
		return 0, false
	}
	return frames[i].Addr + frames[i].Size, true
}

// testFuncs are the few helpers that the programs below call.
func testFuncs() *engine.Funcs {
	funcs := new(engine.Funcs)
	for name, body := range map[string]engine.Func{
		"bpf_get_prandom_u32": func(c *engine.Call, _, _, _, _, _ uint64) uint64 { return uint64(c.World().Rand.Uint32()) },
		"bpf_map_lookup_elem": func(c *engine.Call, m, key, _, _, _ uint64) uint64 {
			return uint64(c.Map(m).ProgLookup(c.CPU(), uintptr(key)))
		},
	} {
		funcs.Add(name, body)
	}
	return funcs
}

// pipeline takes a program through all stages.
type pipeline struct {
	t     *testing.T
	pool  *engine.Pool
	funcs *engine.Funcs
	fake  *world.Fake
}

func newPipeline(t *testing.T) *pipeline {
	fake := world.NewFake()
	pool, err := engine.NewPool(engine.Host{World: fake.World()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return &pipeline{t, pool, testFuncs(), fake}
}

// load verifies and lowers a program, with new maps.
func (l *pipeline) load(p *bytecode.Program) (*verify.Verified, *ir.Code, []*maps.Map) {
	l.t.Helper()
	v, err := verify.Program(context.Background(), p, &verify.Options{
		Target: catalog.Linux6_18, Caps: catalog.CapsAll, KeepStates: true,
	})
	if err != nil {
		l.t.Fatalf("%+v\n%s", err, listing(p))
	}
	env := &Env{Func: func(id catalog.FuncID) (int32, bool) { return l.funcs.Number(string(id)) }}
	var ms []*maps.Map
	for _, spec := range p.Maps {
		m, err := maps.New(nil, spec)
		if err != nil {
			l.t.Fatal(err)
		}
		ms = append(ms, m)
		env.Maps = append(env.Maps, engine.Ref(m))
	}
	code, err := Program(v, env)
	if err != nil {
		l.t.Fatal(err)
	}
	return v, code, ms
}

// run gives what a program returns for a packet, in both interpreters, and
// checks that they agree on it and on the packet afterwards.
func (l *pipeline) run(p *bytecode.Program, seed uint64, pkt []byte) uint32 {
	l.t.Helper()
	var got [2]uint64
	var after [2][]byte
	for i := range got {
		l.fake.Seed(seed)
		v, code, ms := l.load(p)
		prog, err := engine.NewProgram(code, l.funcs, ms, l.engines(v)[i])
		if err != nil {
			l.t.Fatal(err)
		}
		after[i] = bytes.Clone(pkt)
		got[i] = l.runOn(prog, after[i])
	}
	if got[0] != got[1] || !bytes.Equal(after[0], after[1]) {
		l.t.Fatalf("the interpreters differ: %#x and %#x, %x and %x\n%s", got[0], got[1], after[0], after[1], listing(p))
	}
	return uint32(got[0])
}

// engines are the interpreter, and the checked one with v's replay.
func (l *pipeline) engines(v *verify.Verified) [2]engine.Executable {
	shadow := func(*engine.Program) engine.Shadow {
		r, err := v.Replay()
		if err != nil {
			l.t.Error(err)
			return nil
		}
		return replay{r}
	}
	return [2]engine.Executable{engine.Interpreter{}, engine.Checked{Shadow: shadow}}
}

func (l *pipeline) runOn(prog *engine.Program, pkt []byte) uint64 {
	l.t.Helper()
	s := l.pool.Lease()
	defer s.Release()
	s.XDP(prog, pkt)
	r0, err := prog.Run(s, s.ContextAddr(), 0)
	if err != nil {
		l.t.Fatal(err)
	}
	return r0
}

// kernel gives what the live kernel returns; ok is false without one.
func (l *pipeline) kernel(p *bytecode.Program, pkt []byte) (ret uint32, ok bool) {
	l.t.Helper()
	if err := live.Available(); err != nil {
		l.t.Logf("without the live kernel: %v", err)
		return 0, false
	}
	set := live.NewSet()
	defer set.Close()
	r, err := set.Load(p, live.LoadOptions{LogLevel: 1})
	if err != nil || !r.Accepted() {
		l.t.Fatalf("the kernel refuses it: %v %+v", err, r)
	}
	out, err := live.TestRun(r.FD, live.TestInput{Data: pkt, OutSize: len(pkt)})
	if err != nil {
		l.t.Fatal(err)
	}
	return out.Return, true
}

// xdp makes a program.
func xdp(insns ...bytecode.Insn) *bytecode.Program {
	return &bytecode.Program{Name: "test", Type: bytecode.ProgXDP, License: "GPL", Insns: insns}
}

// Short forms of instructions.
func movK(dst uint8, imm int32) bytecode.Insn { return bytecode.Insn{Op: opMovK, Dst: dst, Imm: imm} }
func movX(dst, src uint8) bytecode.Insn       { return bytecode.Insn{Op: opMovX, Dst: dst, Src: src} }
func addK(dst uint8, imm int32) bytecode.Insn {
	return bytecode.Insn{Op: bytecode.ClassALU64 | bytecode.ALUAdd, Dst: dst, Imm: imm}
}
func addX(dst, src uint8) bytecode.Insn {
	return bytecode.Insn{Op: bytecode.ClassALU64 | bytecode.ALUAdd | bytecode.SrcX, Dst: dst, Src: src}
}
func loadW(dst, src uint8, off int16) bytecode.Insn {
	return bytecode.Insn{Op: opLdxW, Dst: dst, Src: src, Off: off}
}
func helper(num int32) bytecode.Insn { return bytecode.Insn{Op: opCall, Imm: num} }

// What pruning drops must not come back as a fact: one path through this
// program is pruned, the only state recorded at its end may say R0=1, and it
// returns 0 or 1 by chance.
func TestPruning(t *testing.T) {
	l := newPipeline(t)
	p := xdp(
		helper(7),
		movX(7, 0),
		movK(6, 0),
		bytecode.Insn{Op: bytecode.ClassJMP | bytecode.JmpGt, Dst: 7, Off: 1, Imm: 1 << 30},
		movK(6, 1),
		movX(0, 6),
		exitInsn,
	)
	v, code, _ := l.load(p)
	if f := v.Facts().Insns[3]; !f.BranchTaken || !f.BranchFallthrough {
		t.Errorf("the branch goes both ways, its fact says %+v", f)
	}
	want := []string{"callhost #0", "mov r7, r0", "mov r6, 0", "jgt r7, 1073741824 -> 5", "mov r6, 1", "mov r0, r6", "exit"}
	for i, s := range opStrings(code) {
		if i >= len(want) || s != want[i] {
			t.Fatalf("lowered to %q, want %q", opStrings(code), want)
		}
	}
	seen := map[uint32]bool{}
	for seed := range uint64(32) {
		l.fake.Seed(seed)
		want := uint32(0)
		if l.fake.Uint32() <= 1<<30 {
			want = 1
		}
		if got := l.run(p, seed, make([]byte, 64)); got != want {
			t.Errorf("seed %d: got %d, want %d", seed, got, want)
		}
		seen[want] = true
	}
	if len(seen) != 2 {
		t.Error("chance never went both ways")
	}
}

// packetSum adds two words of a packet when it is long enough, and marks it.
func packetSum() *bytecode.Program {
	return xdp(
		movK(0, 2),
		loadW(2, 1, 0),
		loadW(3, 1, 4),
		movX(4, 2),
		addK(4, 34),
		bytecode.Insn{Op: bytecode.ClassJMP | bytecode.JmpGt | bytecode.SrcX, Dst: 4, Src: 3, Off: 4},
		loadW(0, 2, 14),
		loadW(5, 2, 30),
		addX(0, 5),
		bytecode.Insn{Op: bytecode.ClassST | bytecode.ModeMEM | bytecode.SizeB, Dst: 2, Off: 33, Imm: 0x55},
		exitInsn,
	)
}

// mapLoop looks a map value up and adds to it in a loop, eight times.
func mapLoop() *bytecode.Program {
	p := xdp(
		bytecode.Insn{Op: opStW, Dst: 10, Off: -4, Imm: 1},
		bytecode.Insn{Op: bytecode.OpLdImm64, Dst: 1, Src: bytecode.PseudoMapIdx}, bytecode.Insn{},
		movX(2, 10),
		addK(2, -4),
		helper(1),
		bytecode.Insn{Op: opJeqK, Dst: 0, Off: 8},
		movK(1, 0),
		loadW(4, 0, 0),
		addX(4, 1),
		bytecode.Insn{Op: bytecode.ClassSTX | bytecode.ModeMEM | bytecode.SizeW, Dst: 0, Src: 4},
		addK(1, 1),
		bytecode.Insn{Op: bytecode.ClassJMP | bytecode.JmpLt, Dst: 1, Off: -5, Imm: 8},
		loadW(0, 0, 0),
		exitInsn,
		movK(0, 0),
		exitInsn,
	)
	p.Maps = []*bytecode.MapSpec{{Name: "a", Type: bytecode.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 4}}
	return p
}

// calls has a function with a stack of its own.
func calls() *bytecode.Program {
	return xdp(
		movK(6, 100),
		bytecode.Insn{Op: opStW, Dst: 10, Off: -4, Imm: 7},
		movX(1, 10),
		addK(1, -4),
		bytecode.Insn{Op: opCall, Src: bytecode.PseudoCall, Imm: 3},
		addX(0, 6),
		loadW(1, 10, -4),
		exitInsn,
		bytecode.Insn{Op: opStW, Dst: 10, Off: -4, Imm: 9},
		loadW(0, 1, 0),
		loadW(6, 10, -4),
		addX(0, 6),
		bytecode.Insn{Op: opStW, Dst: 1, Imm: 5},
		exitInsn,
	)
}

func TestPrograms(t *testing.T) {
	pkt := make([]byte, 64)
	for i := range pkt {
		pkt[i] = byte(i * 7)
	}
	word := func(off int) uint32 { return binary.LittleEndian.Uint32(pkt[off:]) }
	for _, row := range []struct {
		name string
		prog *bytecode.Program
		want uint32
	}{
		{"packet", packetSum(), word(14) + word(30)},
		{"map, loop", mapLoop(), 28},
		{"function", calls(), 116},
	} {
		t.Run(row.name, func(t *testing.T) {
			l := newPipeline(t)
			if got := l.run(row.prog, 1, pkt); got != row.want {
				t.Errorf("got %d, want %d", got, row.want)
			}
			if got, ok := l.kernel(row.prog, pkt); ok && got != row.want {
				t.Errorf("the kernel gives %d, want %d", got, row.want)
			}
		})
	}
}

// Random programs stay inside what the verifier says of them.
func TestRandomReplay(t *testing.T) {
	l := newPipeline(t)
	for seed := range uint64(200) {
		l.run(generate(seed), seed, make([]byte, 64))
	}
}
