// This file tests the checked interpreter: what it refuses, what it tells.

package engine

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/ir"
	"github.com/skepbpf/skep/internal/maps"
)

func arrayMap(t *testing.T, valueSize, entries uint32) *maps.Map {
	t.Helper()
	m, err := maps.New(nil, &bytecode.MapSpec{Type: bytecode.MapArray, KeySize: 4, ValueSize: valueSize, MaxEntries: entries})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Accesses at the edges of every kind of region, by address and size.
func TestCheckedAccess(t *testing.T) {
	m := arrayMap(t, 12, 3) // elements 16 bytes apart
	start, _ := m.Region()
	pkt := make([]byte, 20)
	s := newTestPool(t, 1).Lease()
	defer s.Release()
	stack := s.stackTop()
	for _, row := range []struct {
		name string
		addr uint64
		code ir.Opcode
		near RegionKind // NoRegion and ok: the access is fine
		ok   bool
	}{
		{"frame's last word", stack - 8, ir.Store64, 0, true},
		{"frame's first word", stack - 64, ir.Load64, 0, true},
		{"below the frame", stack - 65, ir.Load8, NoRegion, false},
		{"across the frame's end", stack - 4, ir.Store64, StackRegion, false},
		{"packet", addressOf(pkt), ir.Load64, 0, true},
		{"packet's last byte", addressOf(pkt) + 19, ir.Store8, 0, true},
		{"behind the packet", addressOf(pkt) + 20, ir.Load8, PacketRegion, false},
		{"across the packet's end", addressOf(pkt) + 18, ir.Load32, PacketRegion, false},
		{"context", s.ContextAddr(), ir.Load32, 0, true},
		{"map value", uint64(start) + 8, ir.Load32, 0, true},
		{"second value", uint64(start) + 16, ir.Store64, 0, true},
		{"padding between values", uint64(start) + 12, ir.Load32, NoRegion, false},
		{"behind the last value", uint64(start) + 48, ir.Load8, NoRegion, false},
		{"handle of a map", Handle(m), ir.Load8, MapRegion, false},
		{"NULL", 0, ir.Load64, NoRegion, false},
		{"atomic outside", addressOf(pkt) + 16, ir.Atomic64, PacketRegion, false},
		{"release store outside", 16, ir.StoreRel8, NoRegion, false},
	} {
		p, err := NewProgram(testCode(
			mov(ir.R0, 0),
			op(row.code, ir.R2, ir.R2, 0, 0),
			exit()), nil, []*maps.Map{m}, Checked{})
		if err != nil {
			t.Fatal(err)
		}
		s.XDP(p, pkt)
		_, err = p.Run(s, s.ContextAddr(), row.addr)
		var bad *AccessError
		switch {
		case row.ok && err != nil:
			t.Errorf("%s: %v", row.name, err)
		case !row.ok && !errors.As(err, &bad):
			t.Errorf("%s: got %v, want an access error", row.name, err)
		case !row.ok && (bad.Near.Kind != row.near || bad.Slot != 1 || bad.Addr != row.addr):
			t.Errorf("%s: %+v, want %s", row.name, bad, row.near)
		}
	}
}

func TestAccessErrorText(t *testing.T) {
	err := &AccessError{Program: "p", Slot: 3, Addr: 0x1010, Size: 8, Write: true,
		Near: Region{Kind: PacketRegion, Addr: 0x1000, Size: 20}}
	const want = "p: insn 3: write of 8 bytes outside of the run's memory: 0x1010 (packet at 16 of 20)"
	if err.Error() != want {
		t.Errorf("got %q", err)
	}
}

// Memory that host functions give is the program's until it is taken back.
func TestGivenMemory(t *testing.T) {
	s := newTestPool(t, 1).Lease()
	defer s.Release()
	record := make([]byte, 8)
	s.Root(nil)
	funcs := new(Funcs)
	funcs.Add("give", func(c *Call, _, _, _, _, _ uint64) uint64 {
		c.Give(addressOf(record), 8)
		return addressOf(record)
	})
	funcs.Add("take", func(c *Call, r1, _, _, _, _ uint64) uint64 { c.Take(r1); return 0 })
	for _, row := range []struct {
		name string
		ops  []ir.Op
		ok   bool
	}{
		{"inside", []ir.Op{op(ir.Store64, ir.R0, ir.RZero, 0, 1)}, true},
		{"outside", []ir.Op{op(ir.Store64, ir.R0, ir.RZero, 1, 1)}, false},
		{"after", []ir.Op{op(ir.Mov, ir.R1, ir.R0, 0, 0), op(ir.Mov, ir.R6, ir.R0, 0, 0),
			op(ir.CallHost, 0, 0, 0, 1), op(ir.Load8, ir.R0, ir.R6, 0, 0)}, false},
	} {
		ops := append([]ir.Op{op(ir.CallHost, 0, 0, 0, 0)}, row.ops...)
		code := testCode(append(ops, exit())...)
		code.Calls = []ir.Call{{Name: "give", Body: 0}, {Name: "take", Body: 1}}
		p, err := NewProgram(code, funcs, nil, Checked{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Run(s, 0, 0); (err == nil) != row.ok {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}

// journal is a Shadow that writes down what it is told.
type journal struct {
	lines []string
	fail  string // the line that it objects to
}

var errObjection = errors.New("objection")

func (j *journal) note(m MemoryView, format string, args ...any) error {
	line := fmt.Sprintf(format, args...)
	if m != nil {
		line += fmt.Sprintf(" (%d frames)", len(m.Frames()))
	}
	j.lines = append(j.lines, line)
	if j.fail != "" && strings.HasPrefix(line, j.fail) {
		return errObjection
	}
	return nil
}

func (j *journal) Step(pc int, r *[11]uint64, next int, m MemoryView) error {
	return j.note(m, "%d -> %d r0=%d", pc, next, r[0])
}

func (j *journal) Enter(pc, fn int, callback bool, r *[11]uint64, m MemoryView) error {
	frames := m.Frames()
	f := frames[len(frames)-1]
	if f.Addr+f.Size != r[10] || f.Index != len(frames)-1 {
		return fmt.Errorf("R10 is %#x, the frame %+v", r[10], f)
	}
	return j.note(m, "enter %d from %d callback=%v r1=%d", fn, pc, callback, r[1])
}

func (j *journal) Leave(pc int, r *[11]uint64, next int, m MemoryView) error {
	return j.note(m, "leave at %d -> %d r0=%d", pc, next, r[0])
}

func (j *journal) TailCall(pc int) { _ = j.note(nil, "tail call at %d", pc) }

func shadowed(j *journal) Checked {
	return Checked{Shadow: func(*Program) Shadow { return j }}
}

func TestShadow(t *testing.T) {
	funcs, calls := loopFuncs()
	j := new(journal)
	p := withFuncs(t, shadowed(j), funcs, calls, []int32{0, 5, 8},
		mov(ir.R2, int64(ir.FuncHandle(1))), // 0
		op(ir.CallHost, 0, 0, 0, 0),
		op(ir.CallFunc, 0, 0, 8, 2),
		op(ir.JEq, ir.R0, ir.RZero, 0, 99),
		exit(),
		mov(ir.R0, 0), // 5: the callback, two operations of one instruction
		op(ir.Add, ir.R0, ir.R1, 0, 0),
		exit(),
		mov(ir.R0, 8), // 8: the function
		exit())
	// The callback's first two operations are both of slot 5.
	p.code.Slots[6] = 5
	p.code.First[6] = -1
	s := newTestPool(t, 1).Lease()
	defer s.Release()
	mustRun(t, s, p, 2)
	want := []string{
		"0 -> 1 r0=0 (1 frames)",
		"enter 1 from 1 callback=true r1=0 (2 frames)",
		"5 -> 7 r0=0 (2 frames)",
		"leave at 7 -> -1 r0=0 (1 frames)",
		"enter 1 from 1 callback=true r1=1 (2 frames)",
		"5 -> 7 r0=1 (2 frames)",
		"leave at 7 -> -1 r0=1 (1 frames)",
		"1 -> 2 r0=2 (1 frames)",
		"enter 2 from 2 callback=false r1=2 (2 frames)",
		"8 -> 9 r0=8 (2 frames)",
		"leave at 9 -> 3 r0=8 (1 frames)",
		"3 -> 4 r0=8 (1 frames)",
		"leave at 4 -> -1 r0=8 (0 frames)",
	}
	if diff := cmp.Diff(want, j.lines); diff != "" {
		t.Error(diff)
	}
}

// A one-instruction loop is a step each time round.
func TestShadowSelfLoop(t *testing.T) {
	j := &journal{}
	p := testProgram(t, shadowed(j), mov(ir.R0, 0), op(ir.JNe, ir.R0, ir.RZero, 1, 0), op(ir.JGe, ir.R1, ir.RZero, 3, 1), exit())
	p.code.Ops[2] = op(ir.JSet, ir.R1, ir.RZero, 2, 1)
	s := newTestPool(t, 1).Lease()
	defer s.Release()
	mustRun(t, s, p, 2)
	if got := strings.Join(j.lines, "\n"); !strings.Contains(got, "2 -> 3") {
		t.Errorf("told:\n%s", got)
	}
}

func TestShadowObjects(t *testing.T) {
	j := &journal{fail: "1 -> 2"}
	p := testProgram(t, shadowed(j), mov(ir.R0, 0), mov(ir.R0, 1), exit())
	s := newTestPool(t, 1).Lease()
	defer s.Release()
	if _, err := p.Run(s, 0, 0); !errors.Is(err, errObjection) {
		t.Errorf("got %v, want the shadow's error", err)
	}
	if len(j.lines) != 2 {
		t.Errorf("the shadow was told more after it objected: %v", j.lines)
	}
}

func TestShadowIsToldOfTailCallAndNoMore(t *testing.T) {
	j := new(journal)
	m := progArray(t, 1)
	m.SetProgram(0, callee{testProgram(t, shadowed(j), mov(ir.R0, 9), exit())})
	p := tailCaller(t, shadowed(j), m)
	s := newTestPool(t, 1).Lease()
	defer s.Release()
	s.Context(nil)
	mustRun(t, s, p, s.ContextAddr())
	if last := j.lines[len(j.lines)-1]; last != "tail call at 5" {
		t.Errorf("the last line is %q", last)
	}
}

func TestMemoryView(t *testing.T) {
	m := arrayMap(t, 8, 2)
	pkt := []byte{1, 2, 3, 4}
	start, _ := m.Region()
	s := newTestPool(t, 1).Lease()
	defer s.Release()
	view := &viewer{}
	p, err := NewProgram(testCode(mov(ir.R0, 0), exit()), nil, []*maps.Map{m}, Checked{Shadow: func(*Program) Shadow { return view }})
	if err != nil {
		t.Fatal(err)
	}
	s.XDP(p, pkt)
	for _, row := range []struct {
		name  string
		addr  uint64
		kind  RegionKind
		index int
		off   uint64
	}{
		{"packet", addressOf(pkt) + 2, PacketRegion, 0, 2},
		{"packet's end", addressOf(pkt) + 4, PacketRegion, 0, 4},
		{"context", s.ContextAddr() + 4, ContextRegion, 0, 4},
		{"stack", s.stackTop() - 16, StackRegion, 0, 48},
		{"second value", uint64(start) + 11, MapValueRegion, 0, 3},
		{"map", Handle(m), MapRegion, 0, 0},
		{"function", ir.FuncHandle(0), FuncRegion, 0, 0},
		{"number", 1234, NoRegion, 0, 1234},
	} {
		view.look = func(v MemoryView) {
			r := v.Region(row.addr)
			if r.Kind != row.kind || r.Index != row.index || row.addr-r.Addr != row.off {
				t.Errorf("%s: %+v, offset %d", row.name, r, row.addr-r.Addr)
			}
			var b [1]byte
			if got, want := v.Read(row.addr, b[:]), row.kind.readable() && row.off < r.Size; got != want {
				t.Errorf("%s: readable is %v, want %v", row.name, got, want)
			}
		}
		mustRun(t, s, p, s.ContextAddr())
	}
}

// viewer is a Shadow that looks around at the first step.
type viewer struct{ look func(MemoryView) }

func (v *viewer) Step(_ int, _ *[11]uint64, _ int, m MemoryView) error { v.look(m); return nil }
func (*viewer) Enter(int, int, bool, *[11]uint64, MemoryView) error    { return nil }
func (*viewer) Leave(int, *[11]uint64, int, MemoryView) error          { return nil }
func (*viewer) TailCall(int)                                           {}
