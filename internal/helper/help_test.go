// This file defines how the tests call helpers: in programs that Skep verifies
// and runs in each of its engines, and that the running kernel runs too.

package helper_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/ringbuf"
	"github.com/skepbpf/skep/world"
)

// Maps of every test program. R9 of a program is the address of out's value,
// R6 is its context.
const (
	outMap   = "out"
	constMap = ".rodata"
	ringMap  = "ring"
	outSize  = 512
)

// sample is a program and what it must do.
type sample struct {
	typ      ebpf.ProgramType // 0: a tc program
	consts   []byte           // value of constMap
	maps     []*ebpf.MapSpec
	body     asm.Instructions // what comes before the exit; it leaves R0 as it likes
	callback asm.Instructions // the function "callback", with its exit
	packet   []byte           // nil: 64 zeros

	ret     uint32
	out     []byte   // beginning of the value of outMap; nil: not compared
	packets []byte   // the packet after the run; nil: not compared
	records []string // in ringMap
	log     []string // what Skep's log has; the kernel's is not read
	// ours: the kernel is not asked, because its answer is another.
	ours bool
}

// outcome is what a run has done.
type outcome struct {
	ret         uint32
	out, packet []byte
	records     []string
	log         []string
}

// check runs a sample everywhere.
func (s *sample) check(t *testing.T) {
	t.Helper()
	if s.packet == nil {
		s.packet = make([]byte, 64)
	}
	for _, e := range skep.Linux6_18.Features().Engines {
		got := s.runSkep(t, e)
		s.compare(t, string(e), got)
		if !slices.Equal(got.log, s.log) {
			t.Errorf("%s printed %q, want %q", e, got.log, s.log)
		}
	}
	if got, ok := s.runKernel(t); ok && !s.ours {
		s.compare(t, "kernel", got)
	}
}

func (s *sample) compare(t *testing.T, who string, got outcome) {
	t.Helper()
	if got.ret != s.ret {
		t.Errorf("%s returned %d (%#x), want %d", who, int32(got.ret), got.ret, int32(s.ret))
	}
	if want := s.out; want != nil && !bytes.Equal(got.out[:len(want)], want) {
		t.Errorf("%s wrote\n%q, want\n%q", who, got.out[:len(want)], want)
	}
	if !slices.Equal(got.records, s.records) {
		t.Errorf("%s gave records %q, want %q", who, got.records, s.records)
	}
	if s.packets != nil && !bytes.Equal(got.packet, s.packets) {
		t.Errorf("%s left the packet\n%x, want\n%x", who, got.packet, s.packets)
	}
}

// spec gives the sample as a collection with one program, "prog".
func (s *sample) spec() *ebpf.CollectionSpec {
	spec := &ebpf.CollectionSpec{Maps: map[string]*ebpf.MapSpec{
		outMap: {Name: outMap, Type: ebpf.Array, KeySize: 4, ValueSize: outSize, MaxEntries: 1},
	}}
	if s.consts != nil {
		spec.Maps[constMap] = &ebpf.MapSpec{
			Name: constMap, Type: ebpf.Array, KeySize: 4, ValueSize: uint32(len(s.consts)), MaxEntries: 1,
			Flags: rdonlyProg, Contents: []ebpf.MapKV{{Key: uint32(0), Value: s.consts}},
		}
	}
	for _, m := range s.maps {
		spec.Maps[m.Name] = m
	}
	typ := s.typ
	if typ == ebpf.UnspecifiedProgram {
		typ = ebpf.SchedCLS
	}
	body := join(
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.LoadMapValue(asm.R9, 0, 0).WithReference(outMap),
		s.body)
	body = append(body, asm.Return())
	body[0] = function(body[0], "prog", btf.GlobalFunc)
	if s.callback != nil {
		s.callback[0] = function(s.callback[0], "callback", btf.StaticFunc)
		body = append(body, s.callback...)
	}
	spec.Programs = map[string]*ebpf.ProgramSpec{
		"prog": {Name: "prog", Type: typ, License: "GPL", Instructions: body},
	}
	return spec
}

const rdonlyProg = 1 << 7 // BPF_F_RDONLY_PROG

// function gives a function's first instruction its name and type.
func function(in asm.Instruction, name string, linkage btf.FuncLinkage) asm.Instruction {
	integer := &btf.Int{Name: "long", Size: 8, Encoding: btf.Signed}
	proto := &btf.FuncProto{Return: integer, Params: []btf.FuncParam{{Name: "arg", Type: integer}}}
	return btf.WithFuncMetadata(in.WithSymbol(name), &btf.Func{Name: name, Type: proto, Linkage: linkage})
}

// runSkep runs the sample in an engine, in a fake world.
func (s *sample) runSkep(t *testing.T, e skep.Engine) outcome {
	t.Helper()
	var got outcome
	k, err := skep.NewKernel(&skep.KernelOptions{
		World: world.NewFake().World(),
		Log:   func(_, text string) { got.log = append(got.log, text) },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	obj, err := skep.FromCollectionSpec(s.spec())
	if err != nil {
		t.Fatal(err)
	}
	c, err := k.Load(obj, &skep.LoadOptions{Engine: e})
	if err != nil {
		t.Fatalf("%+v", err)
	}
	defer c.Close()
	if got.ret, got.packet, err = c.Programs["prog"].Test(s.packet); err != nil {
		t.Fatal(err)
	}
	if got.out, err = c.Maps[outMap].LookupBytes(uint32(0)); err != nil {
		t.Fatal(err)
	}
	if m := c.Maps[ringMap]; m != nil {
		r, err := ringbuf.NewReader(m)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		r.SetDeadline(time.Now())
		for rec, err := r.Read(); err == nil; rec, err = r.Read() {
			got.records = append(got.records, string(rec.RawSample))
		}
	}
	return got
}

// join makes one program of instructions and lists of them.
func join(parts ...any) (p asm.Instructions) {
	for _, part := range parts {
		switch part := part.(type) {
		case asm.Instruction:
			p = append(p, part)
		case asm.Instructions:
			p = append(p, part...)
		}
	}
	return p
}

// Arguments of call that are no numbers.
type (
	constAt int32 // an address in constMap
	outAt   int32 // an address in outMap
	stackAt int32 // an address on the stack, from R10 down
	ctxArg  struct{}
	mapArg  string
	funcArg string
)

// call calls a helper.
func call(fn asm.BuiltinFunc, args ...any) asm.Instructions {
	var p asm.Instructions
	for i, a := range args {
		p = append(p, set(asm.R1+asm.Register(i), a)...)
	}
	return append(p, fn.Call())
}

// set puts an argument into a register.
func set(r asm.Register, a any) asm.Instructions {
	switch a := a.(type) {
	case rune:
		return set(r, int(a))
	case int:
		return join(asm.LoadImm(r, int64(a), asm.DWord))
	case uint64:
		return join(asm.LoadImm(r, int64(a), asm.DWord))
	case constAt:
		return join(asm.LoadMapValue(r, 0, uint32(a)).WithReference(constMap))
	case outAt:
		return join(asm.Mov.Reg(r, asm.R9), asm.Add.Imm(r, int32(a)))
	case stackAt:
		return join(asm.Mov.Reg(r, asm.RFP), asm.Add.Imm(r, int32(a)))
	case ctxArg:
		return join(asm.Mov.Reg(r, asm.R6))
	case mapArg:
		return join(asm.LoadMapPtr(r, 0).WithReference(string(a)))
	case funcArg:
		return join(loadFunc(r, string(a)))
	case asm.Register:
		return join(asm.Mov.Reg(r, a))
	}
	panic("argument of a type that set does not know")
}

func loadFunc(r asm.Register, name string) asm.Instruction {
	return asm.Instruction{
		OpCode: asm.LoadImmOp(asm.DWord), Dst: r, Src: asm.PseudoFunc, Constant: -1,
	}.WithReference(name)
}

// store writes an argument to memory.
func store(at any, a any) asm.Instructions {
	base, off := asm.R9, int16(0)
	switch at := at.(type) {
	case outAt:
		off = int16(at)
	case stackAt:
		base, off = asm.RFP, int16(at)
	}
	return join(set(asm.R0, a), asm.StoreMem(base, off, asm.R0, asm.DWord))
}

// keep writes R0 to out.
func keep(at outAt) asm.Instruction { return asm.StoreMem(asm.R9, int16(at), asm.R0, asm.DWord) }

// words are 64-bit numbers as they lie in memory.
func words(v ...int64) []byte {
	var p []byte
	for _, w := range v {
		p = binary.NativeEndian.AppendUint64(p, uint64(w))
	}
	return p
}

func minus(errno int32) uint32 { return uint32(-errno) }
