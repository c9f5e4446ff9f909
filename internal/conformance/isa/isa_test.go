// This file defines the tests of the vectors' format and of the vectors
// themselves, against the running kernel where there is one.

package isa

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/live"
)

// load returns the vectors, or skips the test.
func load(t *testing.T) []Vector {
	t.Helper()
	dir, err := Dir()
	if errors.Is(err, ErrNoVectors) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	all, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestVectors checks that every file is what its role says.
func TestVectors(t *testing.T) {
	positive, negative := make(map[Role]int), make(map[Role]int)
	for _, v := range load(t) {
		if v.Negative {
			negative[v.Role]++
		} else {
			positive[v.Role]++
		}
		switch {
		case v.Role == Runs && (v.Negative || v.Err != nil || !v.HasResult):
			t.Errorf("%s cannot run, and is not listed: %v", v.Name, v.Err)
		case v.Role == Refused && v.Err != nil:
			t.Error(v.Err)
		case v.Role == Assembler && (v.Err == nil || !strings.HasSuffix(v.Err.Error(), v.Reason)):
			t.Errorf("%s: %v, not %s", v.Name, v.Err, v.Reason)
		}
	}
	t.Logf("positive %v, negative %v", positive, negative)
}

// TestExceptionsNamed checks that each row of the list names a vector.
func TestExceptionsNamed(t *testing.T) {
	known := make(map[string]bool)
	for _, v := range load(t) {
		known[v.Name] = true
	}
	rows, err := exceptions(exceptionsText)
	if err != nil {
		t.Fatal(err)
	}
	for name := range rows {
		if !known[name] {
			t.Errorf("no vector %s", name)
		}
	}
}

// TestLive runs each vector in the kernel: those that are refused with their
// reason, the others to their result's low half (all that a test run gives).
func TestLive(t *testing.T) {
	if err := live.Available(); err != nil {
		t.Skip(err)
	}
	set := live.NewSet()
	defer set.Close()
	count := make(map[Role]int)
	for _, v := range load(t) {
		if v.Role == Runs || v.Role == Refused {
			count[v.Role]++
			runLive(t, set, v)
		}
	}
	t.Logf("as in the kernel: %v", count)
}

func runLive(t *testing.T, set *live.Set, v Vector) {
	t.Helper()
	p := &bytecode.Program{Type: bytecode.ProgXDP, License: "GPL", Insns: v.Insns}
	if v.Memory != nil {
		p.Insns = append(memoryInPacket(int32(len(v.Memory))), v.Insns...)
	}
	res, err := set.Load(p, live.LoadOptions{LogLevel: 1})
	if err != nil {
		t.Fatal(err)
	}
	if v.Role == Refused {
		if res.Line() != v.Reason {
			t.Errorf("%s: the kernel says %q, not %q", v.Name, res.Line(), v.Reason)
		}
		return
	}
	if !res.Accepted() {
		t.Errorf("%s: %s", v.Name, res.Line())
		return
	}
	const shortestPacket = 64
	data := append([]byte(nil), v.Memory...)
	out, err := live.TestRun(res.FD, live.TestInput{Data: append(data, make([]byte, shortestPacket)...), OutSize: 4096})
	if err != nil {
		t.Fatalf("%s: %v", v.Name, err)
	}
	if out.Return != uint32(v.Result) {
		t.Errorf("%s returns %#x, not %#x", v.Name, out.Return, uint32(v.Result))
	}
}

// memoryInPacket lets R1 point to size bytes of an XDP program's packet, and
// sets R2 to size.
func memoryInPacket(size int32) []bytecode.Insn {
	insns, err := Assemble([]string{
		"ldxw %r2, [%r1+4]", "ldxw %r1, [%r1]",
		"mov %r0, %r1", "add %r0, 0", "jle %r0, %r2, +2",
		"mov %r0, 0", "exit",
		"mov %r2, 0",
	})
	if err != nil {
		panic(err) // the text above is wrong
	}
	insns[3].Imm, insns[7].Imm = size, size
	return insns
}

func TestParse(t *testing.T) {
	const body = "# head\n-- asm\nmov %r0, 1 # one\n\nexit\n"
	mov := bytecode.Insn{Op: 0xb7, Imm: 1}
	exit := bytecode.Insn{Op: 0x95}
	for _, row := range []struct {
		name, text string
		want       Vector
		err        string
	}{
		{name: "result", text: body + "-- result\n0xff\n",
			want: Vector{Insns: []bytecode.Insn{mov, exit}, HasResult: true, Result: 255}},
		{name: "memory", text: body + "-- mem\n01 02\n 03\n-- result\n0x1\n",
			want: Vector{Insns: []bytecode.Insn{mov, exit}, Memory: []byte{1, 2, 3}, HasResult: true, Result: 1}},
		{name: "raw bytes and an error", text: "-- raw\nb7 00 00 00 01 00 00 00\n95 00 00 00 00 00 00 00\n-- error\nBad thing\n",
			want: Vector{Insns: []bytecode.Insn{mov, exit}, HasError: true, Error: "Bad thing"}},
		{name: "raw words", text: "-- raw\n0x00000001000000b7\n0x0000000000000095\n-- result\n0x1\n",
			want: Vector{Insns: []bytecode.Insn{mov, exit}, HasResult: true, Result: 1}},
		{name: "ignored sections", text: "-- c\nint x;\n" + body + "-- no register offset\ncall\n-- result\n1\n",
			want: Vector{Insns: []bytecode.Insn{mov, exit}, HasResult: true, Result: 1}},
		{name: "two programs", text: body + "-- raw\n95 00 00 00 00 00 00 00\n-- result\n0x1\n", err: "differs"},
		{name: "cut raw", text: "-- raw\n95 00\n-- error\n", err: "no whole number"},
		{name: "bad hex", text: "-- raw\n95 0g\n-- error\n", err: "invalid byte"},
		{name: "unknown section", text: body + "-- wat\n", err: `unknown section "wat"`},
		{name: "no program", text: "-- result\n0x0\n", err: "no instructions"},
		{name: "no expectation", text: body, err: "neither a result nor an error"},
		{name: "empty", text: "", err: "no instructions"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := Parse(row.name, row.text)
			if row.err != "" {
				if got.Err == nil || !strings.Contains(got.Err.Error(), row.err) {
					t.Errorf("error %v, not %q", got.Err, row.err)
				}
				return
			}
			if got.Err != nil {
				t.Fatal(got.Err)
			}
			row.want.Name, row.want.Role = row.name, Runs
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add("-- asm\nlock fetch add [%r10-8], %r1\nja exit\nexit\n-- mem\n00\n-- result\n0x1\n")
	f.Add("-- raw\n95 00 00 00 00 00 00 00\n-- error\n")
	f.Fuzz(func(t *testing.T, text string) {
		v := Parse("fuzz", text)
		if (v.Err == nil) != (len(v.Insns) > 0) {
			t.Errorf("%d instructions, error %v", len(v.Insns), v.Err)
		}
	})
}

// word is an instruction as its eight bytes, first byte lowest.
func word(in bytecode.Insn) uint64 {
	var b [bytecode.InsnSize]byte
	in.Encode(b[:])
	return binary.LittleEndian.Uint64(b[:])
}
