// This file tests lowering by running what it gives: random programs in both
// interpreters and in the live kernel.

package lower

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/engine"
	"github.com/skepbpf/skep/internal/ir"
	"github.com/skepbpf/skep/internal/live"
	"github.com/skepbpf/skep/internal/verify"
	"github.com/skepbpf/skep/world"
)

// generator writes random programs without loops. R0 to R9 hold scalars; the
// stack slots that are used are initialised.
type generator struct {
	*rand.Rand
	insns []bytecode.Insn
}

// slots is how many 8-byte stack slots a program uses.
const slots = 4

func generate(seed uint64) *bytecode.Program {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 0))}
	for r := range uint8(10) {
		g.constant(r)
	}
	for i := range int16(slots) {
		g.put(bytecode.Insn{Op: bytecode.ClassSTX | bytecode.ModeMEM | bytecode.SizeDW, Dst: 10, Src: uint8(i), Off: -8 * (i + 1)})
	}
	for range 40 {
		g.pick()(g)
	}
	g.fold()
	return &bytecode.Program{Name: "random", Type: bytecode.ProgXDP, License: "GPL", Insns: g.insns}
}

func (g *generator) put(in bytecode.Insn) { g.insns = append(g.insns, in) }
func (g *generator) reg() uint8           { return uint8(g.IntN(10)) }

// value gives numbers near the edges of widths.
func (g *generator) value() int32 {
	edges := []int32{0, 1, -1, 2, 31, 32, 63, 127, 128, 255, 256, 32767, 32768, 65535, 1<<31 - 1, -1 << 31}
	if g.IntN(2) == 0 {
		return int32(g.Uint32())
	}
	return edges[g.IntN(len(edges))]
}

func (g *generator) constant(r uint8) {
	g.put(bytecode.Insn{Op: bytecode.OpLdImm64, Dst: r, Imm: g.value()})
	g.put(bytecode.Insn{Imm: g.value()})
}

func (g *generator) pick() func(*generator) {
	kinds := []func(*generator){
		(*generator).alu, (*generator).alu, (*generator).alu, (*generator).alu, (*generator).signed,
		(*generator).swap, (*generator).branch, (*generator).load, (*generator).store, (*generator).atomic,
	}
	return kinds[g.IntN(len(kinds))]
}

func (g *generator) class() uint8 {
	return []uint8{bytecode.ClassALU, bytecode.ClassALU64}[g.IntN(2)]
}

// alu is any arithmetic. Constants that the verifier refuses are made good.
func (g *generator) alu() {
	ops := []uint8{
		bytecode.ALUAdd, bytecode.ALUSub, bytecode.ALUMul, bytecode.ALUDiv, bytecode.ALUOr, bytecode.ALUAnd,
		bytecode.ALULsh, bytecode.ALURsh, bytecode.ALUNeg, bytecode.ALUMod, bytecode.ALUXor, bytecode.ALUMov, bytecode.ALUArsh,
	}
	in := bytecode.Insn{Op: g.class() | ops[g.IntN(len(ops))], Dst: g.reg()}
	switch op := in.ALUOp(); {
	case op == bytecode.ALUNeg:
	case g.IntN(2) == 0:
		in.Op |= bytecode.SrcX
		in.Src = g.reg()
	case op == bytecode.ALULsh || op == bytecode.ALURsh || op == bytecode.ALUArsh:
		in.Imm = int32(g.IntN(32))
	default:
		in.Imm = g.value()
		if in.Imm == 0 {
			in.Imm = 3
		}
	}
	g.put(in)
}

// signed is signed division and sign extension.
func (g *generator) signed() {
	in := bytecode.Insn{Op: g.class() | bytecode.SrcX, Dst: g.reg(), Src: g.reg()}
	switch g.IntN(3) {
	case 0:
		in.Op |= bytecode.ALUDiv
		in.Off = 1
	case 1:
		in.Op |= bytecode.ALUMod
		in.Off = 1
	default:
		in.Op |= bytecode.ALUMov
		in.Off = []int16{8, 16, 32}[g.IntN(3)]
		if in.Class() == bytecode.ClassALU && in.Off == 32 {
			in.Off = 16
		}
	}
	g.put(in)
}

func (g *generator) swap() {
	op := []uint8{
		bytecode.ClassALU | bytecode.ALUEnd, bytecode.ClassALU | bytecode.ALUEnd | bytecode.SrcX, bytecode.ClassALU64 | bytecode.ALUEnd,
	}[g.IntN(3)]
	g.put(bytecode.Insn{Op: op, Dst: g.reg(), Imm: []int32{16, 32, 64}[g.IntN(3)]})
}

// branch jumps over one or two instructions.
func (g *generator) branch() {
	ops := []uint8{
		bytecode.JmpEq, bytecode.JmpGt, bytecode.JmpGe, bytecode.JmpSet, bytecode.JmpNe, bytecode.JmpSGt,
		bytecode.JmpSGe, bytecode.JmpLt, bytecode.JmpLe, bytecode.JmpSLt, bytecode.JmpSLe,
	}
	class := []uint8{bytecode.ClassJMP, bytecode.ClassJMP32}[g.IntN(2)]
	in := bytecode.Insn{Op: class | ops[g.IntN(len(ops))], Dst: g.reg(), Off: int16(1 + g.IntN(2))}
	if g.IntN(2) == 0 {
		in.Op |= bytecode.SrcX
		in.Src = g.reg()
	} else {
		in.Imm = g.value()
	}
	g.put(in)
	g.alu()
	g.alu()
}

// place is an aligned stack offset for an access of a width.
func (g *generator) place(width int16) int16 {
	return -8*slots + width*int16(g.IntN(8*slots/int(width)))
}

// sizes are the widths with their bits in an opcode.
var sizes = []struct {
	bits  uint8
	bytes int16
}{{bytecode.SizeB, 1}, {bytecode.SizeH, 2}, {bytecode.SizeW, 4}, {bytecode.SizeDW, 8}}

func (g *generator) load() {
	s := sizes[g.IntN(len(sizes))]
	mode := uint8(bytecode.ModeMEM)
	if s.bytes < 8 && g.IntN(2) == 0 {
		mode = bytecode.ModeMEMSX
	}
	g.put(bytecode.Insn{Op: bytecode.ClassLDX | mode | s.bits, Dst: g.reg(), Src: 10, Off: g.place(s.bytes)})
}

func (g *generator) store() {
	s := sizes[g.IntN(len(sizes))]
	in := bytecode.Insn{Op: bytecode.ModeMEM | s.bits, Dst: 10, Off: g.place(s.bytes)}
	if g.IntN(2) == 0 {
		in.Op |= bytecode.ClassSTX
		in.Src = g.reg()
	} else {
		in.Op |= bytecode.ClassST
		in.Imm = g.value()
	}
	g.put(in)
}

func (g *generator) atomic() {
	ops := []int32{
		bytecode.AtomicAdd, bytecode.AtomicOr, bytecode.AtomicAnd, bytecode.AtomicXor,
		bytecode.AtomicAdd | bytecode.AtomicFetch, bytecode.AtomicOr | bytecode.AtomicFetch,
		bytecode.AtomicAnd | bytecode.AtomicFetch, bytecode.AtomicXor | bytecode.AtomicFetch,
		bytecode.AtomicXchg, bytecode.AtomicCmpXchg,
	}
	s := sizes[2+g.IntN(2)]
	g.put(bytecode.Insn{
		Op: bytecode.ClassSTX | bytecode.ModeATOMIC | s.bits, Dst: 10, Src: g.reg(), Off: g.place(s.bytes), Imm: ops[g.IntN(len(ops))],
	})
}

// fold makes R0 of all registers and stack slots, and returns its two halves
// together.
func (g *generator) fold() {
	mix := func(r uint8) {
		g.put(bytecode.Insn{Op: bytecode.ClassALU64 | bytecode.ALUMul, Imm: 31})
		g.put(bytecode.Insn{Op: bytecode.ClassALU64 | bytecode.ALUAdd | bytecode.SrcX, Src: r})
	}
	for r := range uint8(9) {
		mix(r + 1)
	}
	for i := range int16(slots) {
		g.put(bytecode.Insn{Op: bytecode.ClassLDX | bytecode.ModeMEM | bytecode.SizeDW, Dst: 1, Src: 10, Off: -8 * (i + 1)})
		mix(1)
	}
	g.put(bytecode.Insn{Op: bytecode.ClassALU64 | bytecode.ALUMov | bytecode.SrcX, Dst: 1})
	g.put(bytecode.Insn{Op: bytecode.ClassALU64 | bytecode.ALURsh, Dst: 1, Imm: 32})
	g.put(bytecode.Insn{Op: bytecode.ClassALU64 | bytecode.ALUXor | bytecode.SrcX, Src: 1})
	g.put(bytecode.Insn{Op: bytecode.ClassJMP | bytecode.JmpExit})
}

func newPool(t testing.TB) *engine.Pool {
	t.Helper()
	pool, err := engine.NewPool(engine.Host{World: world.NewFake().World()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// prepare lowers a program, by the facts that a verifier would give: all is
// reached, and all memory is the stack.
func prepare(t testing.TB, p *bytecode.Program) *ir.Code {
	t.Helper()
	facts := allSeen(p.Insns)
	for i, in := range p.Insns {
		switch in.Class() {
		case bytecode.ClassLDX, bytecode.ClassST, bytecode.ClassSTX:
			facts.Insns[i].Mem = stack()
		}
		if in.IsLdImm64() {
			facts.Insns[i+1] = verify.InsnFact{}
		}
	}
	code, err := lower(p, facts, nil)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func listing(p *bytecode.Program) string {
	var b strings.Builder
	var raw [8]byte
	for i, in := range p.Insns {
		in.Encode(raw[:])
		fmt.Fprintf(&b, "%3d: %016x %+v\n", i, binary.LittleEndian.Uint64(raw[:]), in)
	}
	return b.String()
}

// runXDP runs a program on a copy of a packet.
func runXDP(t testing.TB, pool *engine.Pool, code *ir.Code, exec engine.Executable, pkt []byte) (uint32, []byte) {
	t.Helper()
	p, err := engine.NewProgram(code, nil, nil, exec)
	if err != nil {
		t.Fatal(err)
	}
	s := pool.Lease()
	defer s.Release()
	own := bytes.Clone(pkt)
	s.XDP(p, own)
	r0, err := p.Run(s, s.ContextAddr(), 0)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(r0), own
}

// Random programs give the same in both interpreters and in the live kernel.
func TestRandomPrograms(t *testing.T) {
	pool := newPool(t)
	kernel := live.Available()
	if kernel != nil {
		t.Logf("without the live kernel: %v", kernel)
	}
	set := live.NewSet()
	defer set.Close()
	pkt := make([]byte, 64)
	for seed := range uint64(300) {
		p := generate(seed)
		code := prepare(t, p)
		got, _ := runXDP(t, pool, code, engine.Interpreter{}, pkt)
		if checked, _ := runXDP(t, pool, code, engine.Checked{}, pkt); checked != got {
			t.Fatalf("seed %d: the interpreter gave %#x, the checked one %#x\n%s", seed, got, checked, listing(p))
		}
		if kernel != nil {
			continue
		}
		r, err := set.Load(p, live.LoadOptions{LogLevel: 1})
		if err != nil || !r.Accepted() {
			t.Fatalf("seed %d: the kernel refuses it: %v %v", seed, err, r)
		}
		out, err := live.TestRun(r.FD, live.TestInput{Data: pkt, OutSize: len(pkt)})
		if err != nil {
			t.Fatal(err)
		}
		if out.Return != got {
			t.Fatalf("seed %d: got %#x, the kernel %#x\n%s", seed, got, out.Return, listing(p))
		}
	}
}
