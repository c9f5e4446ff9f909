// This file tests that programs of every known class of verifier mistakes are
// refused, for the kernel's reason: those that let unsafe programs through in
// some verifier, Skep's included.

package fuzz

import (
	"context"
	"testing"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/live"
)

// unsafeProgram is a program that must be refused.
type unsafeProgram struct {
	name  string
	typ   bytecode.ProgType
	flags uint32
	maps  []*bytecode.MapSpec
	write func(*asm)
	line  string // the reason
	// functions are the linkages of the functions (1 is global), by label, for
	// programs that need types; the first label is the main function's.
	functions []uint32
}

// Registers of the programs below.
const (
	r2 reg = bytecode.R2
	r3 reg = bytecode.R3
	r4 reg = bytecode.R4
	r7 reg = bytecode.R7
	r8 reg = bytecode.R8
)

const (
	helperPrandom  = 7
	helperPullData = 39
)

var (
	array48  = []*bytecode.MapSpec{{Name: "a", Type: bytecode.MapArray, KeySize: 4, ValueSize: 48, MaxEntries: 1}}
	programs = []*bytecode.MapSpec{{Name: "p", Type: bytecode.MapProgArray, KeySize: 4, ValueSize: 4, MaxEntries: 1}}
)

// prandom puts a random number into dst.
func prandom(a *asm, dst reg) { a.emit(call(helperPrandom), mov(dst, r0)) }

// index reads a byte of the map's value at the number in r.
func index(a *asm, r reg) {
	a.loadValue(r1, 0, 0)
	a.emit(aluX(w64, bytecode.ALUAdd, r1, r), load(1, r0, r1, 0), movK(r0, 0), exit())
}

// orExit leaves the program with 0 where in jumps.
func orExit(a *asm, in insn) {
	on := a.newLabel()
	out := a.newLabel()
	a.jump(in, out)
	a.goTo(on)
	a.place(out)
	a.emit(movK(r0, 0), exit())
	a.place(on)
}

const (
	tooHigh = "R1 max value is outside of the allowed memory range"
	tooFar  = "R1 min value is outside of the allowed memory range"
	unbound = "R1 unbounded memory access, make sure to bounds check any such access"
)

var unsafePrograms = []unsafeProgram{
	{
		name: "pruning with an imprecise operand of a comparison (CVE-2023-2163)", maps: array48, line: tooHigh,
		write: func(a *asm) {
			join, small := a.newLabel(), a.newLabel()
			prandom(a, r6)
			prandom(a, r7)
			a.emit(movK(r8, 100))
			a.jump(jmpK(w64, bytecode.JmpEq, r6, 7), join)
			a.emit(movK(r8, 0))
			a.place(join)
			a.jump(jmpX(w64, bytecode.JmpLe, r7, r8), small)
			a.emit(movK(r7, 0))
			a.place(small)
			index(a, r7)
		},
	},
	{
		name: "backtracking past a spill by another register (CVE-2023-52920)", maps: array48, line: tooFar,
		write: func(a *asm) {
			join := a.newLabel()
			prandom(a, r6)
			a.emit(mov(r8, r10), addK(r8, -16), movK(r7, 100))
			a.jump(jmpK(w64, bytecode.JmpEq, r6, 7), join)
			a.emit(movK(r7, 0))
			a.place(join)
			a.emit(storeX(8, r8, 8, r7), movK(r7, 0), load(8, r7, r10, -8))
			index(a, r7)
		},
	},
	{
		name: "result of an exchange is what was in memory", maps: array48,
		line: unbound,
		write: func(a *asm) {
			prandom(a, r6)
			a.emit(storeX(8, r10, -8, r6), movK(r7, 0), rmw(8, bytecode.AtomicXchg, r10, -8, r7))
			orExit(a, jmpK(w64, bytecode.JmpSLt, r7, 0))
			index(a, r7)
		},
	},
	{
		name: "slot that an exchange wrote is not what it held", maps: array48,
		line: unbound,
		write: func(a *asm) {
			prandom(a, r6)
			a.emit(storeK(8, r10, -8, 0), rmw(8, bytecode.AtomicAdd, r10, -8, r6), load(8, r7, r10, -8))
			orExit(a, jmpK(w64, bytecode.JmpSLt, r7, 0))
			index(a, r7)
		},
	},
	{
		name: "link across a byte swap", maps: array48,
		line: unbound,
		write: func(a *asm) {
			prandom(a, r6)
			a.emit(mov(r7, r6), insn{Op: bytecode.ClassALU64 | bytecode.ALUEnd, Dst: r7, Imm: 64})
			orExit(a, jmpK(w64, bytecode.JmpGt, r7, 40))
			orExit(a, jmpK(w64, bytecode.JmpSLt, r6, 0))
			index(a, r6)
		},
	},
	{
		name: "link across a 32-bit addition", maps: array48,
		line: unbound,
		write: func(a *asm) {
			prandom(a, r6)
			a.emit(mov(r7, r6), aluK(w32, bytecode.ALUAdd, r7, 3))
			orExit(a, jmpK(w64, bytecode.JmpGt, r7, 40))
			orExit(a, jmpK(w64, bytecode.JmpSLt, r6, 0))
			index(a, r6)
		},
	},
	{
		name: "bounded by the link of a sum that wraps", maps: array48, line: tooHigh,
		write: func(a *asm) {
			prandom(a, r6)
			a.emit(aluK(w64, bytecode.ALUAnd, r6, 127), mov(r7, r6), addK(r7, -27))
			orExit(a, jmpK(w64, bytecode.JmpSGt, r7, 73))
			index(a, r6)
		},
	},
	{
		name: "or treated as and", maps: array48,
		line: tooHigh,
		write: func(a *asm) {
			prandom(a, r6)
			prandom(a, r7)
			a.emit(aluK(w64, bytecode.ALUAnd, r6, 15), aluK(w64, bytecode.ALUAnd, r7, 48), aluX(w64, bytecode.ALUOr, r6, r7))
			index(a, r6)
		},
	},
	{
		name: "ranges of a branch that cannot be taken (CVE-2024-41003)", maps: array48, line: tooFar,
		write: func(a *asm) {
			skip := a.newLabel()
			prandom(a, r6)
			a.emit(aluK(w64, bytecode.ALUAnd, r6, 1), movK(r7, 100))
			a.jump(jmpK(w64, bytecode.JmpGt, r6, 1), skip)
			a.jump(jmpK(w32, bytecode.JmpEq, r6, 0), skip)
			a.jump(jmpK(w32, bytecode.JmpNe, r6, 1), skip)
			a.emit(movK(r7, 0))
			a.place(skip)
			index(a, r7)
		},
	},
	{
		name: "number plus pointer is the pointer's", typ: bytecode.ProgXDP,
		line: "invalid variable-offset write to stack R6 var_off=(0x0; 0xf) off=-8 size=1",
		write: func(a *asm) {
			prandom(a, r6)
			a.emit(aluK(w64, bytecode.ALUAnd, r6, 15), aluX(w64, bytecode.ALUAdd, r6, r10), storeK(1, r6, -8, 1), movK(r0, 0), exit())
		},
	},
	{
		name: "pointer of which one byte was overwritten (CVE-2023-52462)", line: "R2 invalid mem access 'scalar'",
		write: func(a *asm) {
			a.emit(storeX(8, r10, -8, r1), storeK(1, r10, -5, 0), load(8, r2, r10, -8), load(4, r0, r2, 0), exit())
		},
	},
	{
		name: "number of which half was overwritten", maps: array48,
		line: unbound,
		write: func(a *asm) {
			prandom(a, r6)
			a.emit(movK(r7, 4), storeX(8, r10, -8, r7), storeX(4, r10, -4, r6), load(8, r7, r10, -8))
			orExit(a, jmpK(w64, bytecode.JmpSLt, r7, 0))
			index(a, r7)
		},
	},
	{
		name: "stack below the frame at a variable offset (CVE-2023-52452)", typ: bytecode.ProgXDP,
		line: "invalid variable-offset read from stack R6 var_off=(0x0; 0xf) off=-516 size=1",
		write: func(a *asm) {
			prandom(a, r6)
			a.emit(aluK(w64, bytecode.ALUAnd, r6, 15), aluX(w64, bytecode.ALUAdd, r6, r10), load(1, r0, r6, -516), exit())
		},
	},
	{
		name: "packet pointer after a global function that moves the packet", typ: bytecode.ProgSchedCLS,
		line: "R7 invalid mem access 'scalar'", functions: []uint32{0, 1},
		write: func(a *asm) { packetAcross(a, pullData) },
	},
	{
		name: "packet pointer after a function that moves the packet", typ: bytecode.ProgSchedCLS,
		line:  "R7 invalid mem access 'scalar'",
		write: func(a *asm) { packetAcross(a, pullData) },
	},
	{
		name: "packet pointer after a function with a tail call", typ: bytecode.ProgSchedCLS, maps: programs,
		line: "R7 invalid mem access 'scalar'", functions: []uint32{0, 0},
		write: func(a *asm) { packetAcross(a, tailCallOf) },
	},
	{
		name: "upper half of a number that was compared in 32 bits", maps: array48,
		line: unbound,
		write: func(a *asm) {
			prandom(a, r6)
			orExit(a, jmpK(w32, bytecode.JmpGt, r6, 10))
			orExit(a, jmpK(w64, bytecode.JmpSLt, r6, 0))
			index(a, r6)
		},
	},
	{
		name: "number that a 32-bit operation made is not sign-extended", maps: array48,
		line: "math between map_value pointer and 4294967295 is not allowed",
		write: func(a *asm) {
			a.emit(movK(r6, -1), aluX(w32, bytecode.ALUMov, r6, r6))
			orExit(a, jmpK(w32, bytecode.JmpSGt, r6, 40))
			index(a, r6)
		},
	},
	{
		name: "rest of a division by a truncated zero", maps: array48,
		line: "math between map_value pointer and register with unbounded min value is not allowed",
		write: func(a *asm) {
			a.emit(movK(r6, 100))
			a.load64(r7, 0, 1<<32)
			a.emit(aluX(w32, bytecode.ALUMod, r6, r7))
			index(a, r6)
		},
	},
	{
		name: "number that an inner loop with may_goto changes", flags: bytecode.FlagTestStateFreq,
		line: "math between fp pointer and register with unbounded min value is not allowed",
		write: func(a *asm) {
			outer, top, done := a.newLabel(), a.newLabel(), a.newLabel()
			a.emit(movK(r9, 0), movK(r0, 0))
			a.place(outer)
			a.emit(movK(r7, 0))
			a.place(top)
			a.mayGoto(done)
			a.jump(jmpK(w64, bytecode.JmpGe, r7, 8), done)
			a.emit(mov(r1, r10), addK(r7, 1))
			a.goTo(top)
			a.place(done)
			a.emit(addK(r9, 1))
			a.jump(jmpK(w64, bytecode.JmpLt, r9, 5), outer)
			a.emit(aluX(w64, bytecode.ALUAdd, r1, r7), exit())
		},
	},
	{
		name: "atomic whose base is overwritten by what it loads", typ: bytecode.ProgXDP,
		line: "misaligned access off (0x0; 0xffffffffffffffff)+0+-24 size 8",
		write: func(a *asm) {
			a.emit(mov(r8, r10), rmw(8, bytecode.AtomicAnd|bytecode.AtomicFetch, r8, -24, r8), movK(r0, 0), exit())
		},
	},
}

// packetAcross uses a packet pointer after a call of a function that body
// writes.
func packetAcross(a *asm, body func(*asm)) {
	out, fn := a.newLabel(), a.newLabel()
	a.emit(mov(r6, r1), load(4, r7, r1, 76), load(4, r8, r1, 80), mov(r2, r7), addK(r2, 8))
	a.jump(jmpX(w64, bytecode.JmpGt, r2, r8), out)
	a.callFunc(fn)
	a.emit(load(1, r0, r7, 0))
	a.place(out)
	a.emit(movK(r0, 0), exit())
	a.place(fn)
	body(a)
	a.emit(movK(r0, 0), exit())
}

func pullData(a *asm) { a.emit(movK(r2, 0), call(helperPullData)) }

func tailCallOf(a *asm) {
	a.loadMap(r2, 0)
	a.emit(movK(r3, 0), call(helperTailCall))
}

// program assembles it.
func (u *unsafeProgram) program(t *testing.T) *bytecode.Program {
	t.Helper()
	a := &asm{}
	main := a.newLabel()
	a.place(main)
	u.write(a)
	code, ok := a.finish()
	if !ok {
		t.Fatal("a jump goes nowhere")
	}
	p := &bytecode.Program{Name: "unsafe", Type: u.typ, License: "GPL", Insns: code, Maps: u.maps, Flags: u.flags}
	if p.Type == 0 {
		p.Type = bytecode.ProgSchedCLS
	}
	u.describe(t, p)
	return p
}

// describe gives the functions types: long f(struct __sk_buff *).
func (u *unsafeProgram) describe(t *testing.T, p *bytecode.Program) {
	t.Helper()
	if u.functions == nil {
		return
	}
	b := btfx.NewBuilder(nil)
	number := b.Add(btfx.Type{Kind: btfx.KindInt, Name: "long", Size: 8, IntBits: 64, IntEncoding: 1})
	ctx := b.Add(btfx.Type{Kind: btfx.KindPtr, Type: b.Add(btfx.Type{Kind: btfx.KindStruct, Name: "__sk_buff", Size: 192})})
	starts := append([]int{0}, functionStarts(p)...)
	for i, linkage := range u.functions {
		proto := b.Add(btfx.Type{Kind: btfx.KindFuncProto, Type: number, Params: []btfx.Param{{Name: "ctx", Type: ctx}}})
		id := b.Add(btfx.Type{Kind: btfx.KindFunc, Name: "f" + string(rune('0'+i)), Type: proto, Linkage: linkage})
		p.FuncInfos = append(p.FuncInfos, bytecode.FuncInfo{Insn: uint32(starts[i]), TypeID: id})
	}
	var err error
	if p.BTF, err = b.Spec(); err != nil {
		t.Fatal(err)
	}
}

// functionStarts lists where the functions begin that are called.
func functionStarts(p *bytecode.Program) (list []int) {
	for pc, in := range p.Insns {
		if in.IsSubprogCall() {
			list = append(list, pc+1+int(in.Imm))
		}
	}
	return list
}

func TestUnsafe(t *testing.T) {
	asks := live.Available() == nil
	for _, u := range unsafePrograms {
		t.Run(u.name, func(t *testing.T) {
			p := u.program(t)
			if o := new(Options).verify(context.Background(), p, 0); o.class != Rejected || o.line != u.line {
				t.Errorf("skep: %s: %q, want %q", o.class, o.line, u.line)
			}
			if !asks {
				return
			}
			if k := ask(p, 1); k.class != Rejected || k.line != u.line {
				t.Errorf("kernel: %s: %q, want %q\n%s", k.class, k.line, u.line, k.log)
			}
		})
	}
}
