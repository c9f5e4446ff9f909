// This file defines tests of the kernel's answers on small programs.

package live

import (
	"errors"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/skepbpf/skep/internal/bytecode"
)

// needKernel skips a test where there is no kernel to ask.
func needKernel(t *testing.T) {
	t.Helper()
	if err := Available(); err != nil {
		t.Skipf("needs a live kernel: %v", err)
	}
}

var (
	movR0   = bytecode.Insn{Op: bytecode.ClassALU64 | bytecode.ALUMov}
	exit    = bytecode.Insn{Op: bytecode.ClassJMP | bytecode.JmpExit}
	movR0R3 = bytecode.Insn{Op: bytecode.ClassALU64 | bytecode.ALUMov | bytecode.SrcX, Src: 3}
)

// ret returns the instruction that sets R0 to a constant.
func ret(v int32) bytecode.Insn {
	return bytecode.Insn{Op: bytecode.ClassALU64 | bytecode.ALUMov, Imm: v}
}

func filter(insns ...bytecode.Insn) *bytecode.Program {
	return &bytecode.Program{Name: "f", Type: bytecode.ProgSocketFilter, License: "GPL", Insns: insns}
}

// lookup loads the address of the program's first map and a value offset.
func valueLoad(dst uint8, off int32) [2]bytecode.Insn {
	return [2]bytecode.Insn{{Op: bytecode.OpLdImm64, Dst: dst, Src: bytecode.PseudoMapIdxValue}, {Imm: off}}
}

func TestLoad(t *testing.T) {
	needKernel(t)
	for _, tt := range []struct {
		name  string
		prog  *bytecode.Program
		level uint32
		errno syscall.Errno
		line  string
	}{
		{"accepted without log", filter(movR0, exit), 0, 0, ""},
		{"accepted with states", filter(movR0, exit), 2, 0, "1: (95) exit"},
		{"uninitialised register", filter(movR0R3, exit), 1, syscall.EACCES, "R3 !read_ok"},
		{"no exit", filter(movR0), 1, syscall.EINVAL, "last insn is not an exit or jmp"},
		{"refused before the verifier", &bytecode.Program{Type: 999, License: "GPL", Insns: []bytecode.Insn{movR0, exit}}, 1, syscall.EINVAL, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := NewSet()
			defer s.Close()
			r, err := s.Load(tt.prog, LoadOptions{LogLevel: tt.level})
			if err != nil {
				t.Fatal(err)
			}
			if r.Errno != tt.errno || r.Line() != tt.line {
				t.Errorf("errno %v, line %q, want %v, %q\n%s", r.Errno, r.Line(), tt.errno, tt.line, r.Log)
			}
			if r.Accepted() != (tt.errno == 0) || r.Rejected() != (tt.errno != 0 && tt.line != "") {
				t.Errorf("accepted %v, rejected %v", r.Accepted(), r.Rejected())
			}
		})
	}
}

// A log that does not fit keeps its end, and the verdict is still the kernel's.
func TestLoadLongLog(t *testing.T) {
	needKernel(t)
	var long []bytecode.Insn
	for range 2000 {
		long = append(long, movR0)
	}
	for _, tt := range []struct {
		name      string
		insns     []bytecode.Insn
		maxLog    int
		errno     syscall.Errno
		line      string
		truncated bool
	}{
		{"accepted, cut", append(long[:2000:2000], exit), 4096, 0, "2000: (95) exit", true},
		{"rejected, cut", append(long[:2000:2000], movR0R3, exit), 4096, syscall.EACCES, "R3 !read_ok", true},
		{"rejected, whole", append(long[:2000:2000], movR0R3, exit), 0, syscall.EACCES, "R3 !read_ok", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := NewSet()
			defer s.Close()
			r, err := s.Load(filter(tt.insns...), LoadOptions{LogLevel: 2, MaxLog: tt.maxLog})
			if err != nil {
				t.Fatal(err)
			}
			if r.Errno != tt.errno || r.Line() != tt.line || r.Truncated != tt.truncated {
				t.Errorf("errno %v, line %q, truncated %v", r.Errno, r.Line(), r.Truncated)
			}
		})
	}
}

func TestRunReadsFrozenMap(t *testing.T) {
	needKernel(t)
	m := &bytecode.MapSpec{
		Name: ".rodata", Type: bytecode.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1,
		Flags: bytecode.MapRdonlyProg | bytecode.MapMmapable, Contents: []byte{0, 0, 0, 0, 42}, Frozen: true,
	}
	ld := valueLoad(1, 4)
	p := filter(ld[0], ld[1], bytecode.Insn{Op: bytecode.ClassLDX | bytecode.ModeMEM | bytecode.SizeW, Src: 1}, exit)
	p.Maps = []*bytecode.MapSpec{m}
	s := NewSet()
	defer s.Close()
	r, err := s.Load(p, LoadOptions{LogLevel: 2})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(r.Log, "R0_w=42") && !strings.Contains(r.Log, "R0=42") {
		t.Errorf("the verifier does not know the frozen value:\n%s", r.Log)
	}
	out, err := TestRun(r.FD, TestInput{Data: make([]byte, 64), OutSize: 64})
	if err != nil {
		t.Fatal(err)
	}
	if out.Return != 42 || len(out.Data) != 64 {
		t.Errorf("returned %d and %d bytes, want 42 and 64", out.Return, len(out.Data))
	}
}

// Without room for the packet the kernel is given no buffer: it would write the
// whole packet there. Program types that take no packet refuse any buffer.
func TestRunBuffers(t *testing.T) {
	needKernel(t)
	syscallProg := filter(ret(7), exit)
	syscallProg.Type, syscallProg.Flags = bytecode.ProgSyscall, bytecode.FlagSleepable
	for _, tt := range []struct {
		name string
		prog *bytecode.Program
		in   TestInput
		out  int
	}{
		{"packet comes back", filter(ret(7), exit), TestInput{Data: make([]byte, 64), OutSize: 100}, 64},
		{"no room", filter(ret(7), exit), TestInput{Data: make([]byte, 64)}, 0},
		{"type without a packet", syscallProg, TestInput{}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := NewSet()
			defer s.Close()
			r, err := s.Load(tt.prog, LoadOptions{LogLevel: 1})
			if err != nil || !r.Accepted() {
				t.Fatalf("%v, %+v", err, r)
			}
			out, err := TestRun(r.FD, tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if out.Return != 7 || len(out.Data) != tt.out {
				t.Errorf("returned %d and %d bytes, want 7 and %d", out.Return, len(out.Data), tt.out)
			}
		})
	}
}

func TestPtrTo(t *testing.T) {
	if p := ptrTo(make([]byte, 0)); p != nil {
		t.Errorf("an empty buffer is at %p, want NULL", p)
	}
	if b := []byte{1}; *(*byte)(ptrTo(b)) != 1 {
		t.Error("does not point to the first byte")
	}
}

// tailCall is a program that calls slot 0 of its prog array and returns 1 when
// that is empty.
func tailCall(m *bytecode.MapSpec) *bytecode.Program {
	p := filter(
		bytecode.Insn{Op: bytecode.OpLdImm64, Dst: 2, Src: bytecode.PseudoMapIdx}, bytecode.Insn{},
		bytecode.Insn{Op: bytecode.ClassALU64 | bytecode.ALUMov, Dst: 3},
		bytecode.Insn{Op: bytecode.ClassJMP | bytecode.JmpCall, Imm: 12},
		ret(1), exit)
	p.Maps = []*bytecode.MapSpec{m}
	return p
}

func TestProgArraySlots(t *testing.T) {
	needKernel(t)
	callee := filter(ret(7), exit)
	for _, tt := range []struct {
		name string
		find func(string) *bytecode.Program
		want uint32
	}{
		{"filled", func(string) *bytecode.Program { return callee }, 7},
		{"left empty", nil, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := &bytecode.MapSpec{
				Name: "jump", Type: bytecode.MapProgArray, KeySize: 4, ValueSize: 4, MaxEntries: 1,
				Slots: []bytecode.MapSlot{{Program: "callee"}},
			}
			s := NewSet()
			defer s.Close()
			r, err := s.Load(tailCall(m), LoadOptions{LogLevel: 1, Program: tt.find})
			if err != nil {
				t.Fatal(err)
			}
			out, err := TestRun(r.FD, TestInput{Data: make([]byte, 64)})
			if err != nil {
				t.Fatalf("%v\n%s", err, r.Log)
			}
			if out.Return != tt.want {
				t.Errorf("returned %d, want %d", out.Return, tt.want)
			}
		})
	}
}

func TestSetupError(t *testing.T) {
	needKernel(t)
	p := filter(movR0, exit)
	p.Maps = []*bytecode.MapSpec{{Name: "odd", Type: bytecode.MapArray, KeySize: 3, ValueSize: 4, MaxEntries: 1}}
	s := NewSet()
	defer s.Close()
	_, err := s.Load(p, LoadOptions{})
	var se *SetupError
	if !errors.As(err, &se) || se.What != "map odd" || !errors.Is(err, syscall.EINVAL) {
		t.Errorf("got %v, want a SetupError of map odd with EINVAL", err)
	}
}

// Capabilities are dropped for the load only, and come back.
func TestDrop(t *testing.T) {
	needKernel(t)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before, err := getCaps()
	if err != nil {
		t.Fatal(err)
	}
	s := NewSet()
	defer s.Close()
	p := filter(movR0, exit)
	p.Type = bytecode.ProgXDP
	r, err := s.Load(p, LoadOptions{LogLevel: 1, Drop: CapsUnprivileged})
	if err != nil {
		t.Fatal(err)
	}
	if r.Errno != syscall.EPERM {
		t.Errorf("XDP program without capabilities: %v, want EPERM", r.Errno)
	}
	after, err := getCaps()
	if err != nil {
		t.Fatal(err)
	}
	if before != after {
		t.Errorf("capabilities before %+v, after %+v", before, after)
	}
}
