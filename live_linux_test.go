// This file tests Test and RunContext against the running kernel's
// BPF_PROG_TEST_RUN.

package skep_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"syscall"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/skepbpf/skep"
)

// liveProgram loads a program into the running kernel, or skips.
func liveProgram(t *testing.T, typ ebpf.ProgramType, insns []asm.Instruction) *ebpf.Program {
	t.Helper()
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Name: "prog", Type: typ, License: "GPL", Instructions: insns})
	if errors.Is(err, syscall.EPERM) {
		t.Skip("no permission to load programs into the running kernel")
	}
	if err != nil {
		t.Fatalf("running kernel: %+v", err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// outcome is what a test run gives.
type outcome struct {
	ret   uint32
	data  []byte
	ctx   []byte
	errno skep.Errno // 0 when it ran
}

func (o outcome) String() string {
	return fmt.Sprintf("returned %d, data %x, context %x, errno %d", o.ret, o.data, o.ctx, o.errno)
}

func errnoOf(err error) skep.Errno {
	for _, e := range []skep.Errno{skep.EINVAL, skep.ENOSPC, skep.E2BIG, skep.ENOTSUPP} {
		if errors.Is(err, syscall.Errno(e)) {
			return e
		}
	}
	if err != nil {
		return 1000
	}
	return 0
}

func runLive(p *ebpf.Program, data, ctx []byte) outcome {
	opts := &ebpf.RunOptions{Data: data, DataOut: make([]byte, len(data)+512)}
	if ctx != nil {
		opts.Context, opts.ContextOut = ctx, make([]byte, 200)
	}
	ret, err := p.Run(opts)
	if err != nil {
		return outcome{errno: errnoOf(err)}
	}
	out, _ := opts.ContextOut.([]byte)
	return outcome{ret, opts.DataOut, out, 0}
}

func runSkep(p *skep.Program, data, ctx []byte) outcome {
	opts := &skep.RunOptions{Data: data, DataOut: make([]byte, len(data)+512), TestRun: true}
	if ctx != nil {
		opts.Context, opts.ContextOut = ctx, make([]byte, 200)
	}
	ret, err := p.RunContext(context.Background(), opts)
	if err != nil {
		return outcome{errno: errnoOf(err)}
	}
	return outcome{ret, opts.DataOut, opts.ContextOut, 0}
}

// compare runs a program in both and reports a difference.
func compare(t *testing.T, what string, live *ebpf.Program, own *skep.Program, data, ctx []byte) {
	t.Helper()
	want, got := runLive(live, data, ctx), runSkep(own, data, ctx)
	if want.ret != got.ret || want.errno != got.errno || !bytes.Equal(want.data, got.data) || !bytes.Equal(trim(want.ctx), trim(got.ctx)) {
		t.Errorf("%s:\nSkep   %v\nkernel %v", what, got, want)
	}
}

// trim cuts trailing zeros: how many come back depends on the buffer.
func trim(b []byte) []byte { return bytes.TrimRight(b, "\x00") }

// frames are inputs that differ in what the kernel makes of them.
func frames() map[string][]byte {
	ip := make([]byte, 60)
	copy(ip, "\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x01\x08\x00\x45")
	other := bytes.Clone(ip)
	other[0], other[5] = 2, 9
	broadcast := bytes.Clone(ip)
	copy(broadcast, "\xff\xff\xff\xff\xff\xff")
	multicast := bytes.Clone(ip)
	multicast[0] = 1
	ip6 := bytes.Clone(ip)
	copy(ip6[12:], "\x86\xdd\x60")
	return map[string][]byte{
		"IPv6": ip6, "shortest IPv6": ip6[:54], "cut IPv6": ip6[:53], "shortest IPv4": ip[:34], "cut IPv4": ip[:33], "no protocol": make([]byte, 14), "802.3": append(make([]byte, 14), 0xff, 0xff, 0),
		"802.2": append(make([]byte, 14), 0xff, 0, 0),
		"IPv4":  ip, "another host's": other, "broadcast": broadcast, "multicast": multicast, "shortest": ip[:14], "too short": ip[:13],
	}
}

// TestContextFields reads every field of a context in a test run.
func TestContextFields(t *testing.T) {
	const xdpSize, skbSize = 24, 192
	for _, row := range []struct {
		name  string
		typ   ebpf.ProgramType
		skip  map[int]bool // fields that are no plain numbers, or not open to the type
		sizes int
	}{
		{"xdp", ebpf.XDP, map[int]bool{0: true, 4: true, 8: true, 20: true}, xdpSize},
		{"socket filter", ebpf.SocketFilter, skbSkip(72, 76, 80, 140, 152, 160), skbSize},
		{"tc", ebpf.SchedCLS, skbSkip(76, 80, 140), skbSize},
		{"cgroup", ebpf.CGroupSKB, skbSkip(72, 76, 80, 140, 160), skbSize},
	} {
		t.Run(row.name, func(t *testing.T) {
			for off := 0; off < row.sizes; off += 4 {
				if row.skip[off] {
					continue
				}
				insns := []asm.Instruction{asm.LoadMem(asm.R0, asm.R1, int16(off), asm.Word)}
				if row.typ == ebpf.CGroupSKB {
					insns = append(insns, asm.And.Imm(asm.R0, 1))
				}
				insns = append(insns, asm.Return())
				live, own := liveProgram(t, row.typ, insns), program(t, row.typ, insns...)
				for name, frame := range frames() {
					compare(t, fmt.Sprintf("field at %d, frame %s", off, name), live, own, frame, nil)
				}
			}
		})
	}
}

// skbSkip are the fields of __sk_buff that every type reads otherwise: sockets'
// addresses, 64-bit words; and others.
func skbSkip(others ...int) map[int]bool {
	skip := map[int]bool{}
	for off := 88; off < 140; off += 4 {
		skip[off] = true // family to local_port
	}
	for _, off := range append(others, 84, 144, 148, 152, 156, 168, 172, 180, 184, 188) {
		skip[off] = true
	}
	return skip
}

// TestContextInAndOut gives contexts to both.
func TestContextInAndOut(t *testing.T) {
	skb := func(fields map[int]uint32) []byte {
		b := make([]byte, 192)
		for off, v := range fields {
			binary.NativeEndian.PutUint32(b[off:], v)
		}
		return b
	}
	xdp := func(v ...uint32) []byte {
		var b []byte
		for _, x := range v {
			b = binary.NativeEndian.AppendUint32(b, x)
		}
		return b
	}
	frame := frames()["IPv4"]
	for _, row := range []struct {
		name string
		typ  ebpf.ProgramType
		ctx  []byte
	}{
		{"mark, priority, cb", ebpf.SchedCLS, skb(map[int]uint32{8: 1, 32: 2, 48: 3, 64: 4})},
		{"length is not for the caller", ebpf.SchedCLS, skb(map[int]uint32{0: 60})},
		{"nor the hash", ebpf.SchedCLS, skb(map[int]uint32{68: 1})},
		{"nor the protocol", ebpf.SocketFilter, skb(map[int]uint32{16: 8})},
		{"tstamp", ebpf.SchedCLS, skb(map[int]uint32{152: 77})},
		{"wire_len below the length", ebpf.SchedCLS, skb(map[int]uint32{160: 10})},
		{"wire_len", ebpf.SchedCLS, skb(map[int]uint32{160: 100})},
		{"gso", ebpf.SchedCLS, skb(map[int]uint32{164: 3, 176: 10})},
		{"too many segments", ebpf.SchedCLS, skb(map[int]uint32{164: 65536})},
		{"of a socket filter", ebpf.SocketFilter, skb(map[int]uint32{8: 9, 48: 3})},
		{"xdp whole", ebpf.XDP, xdp(0, 60, 0, 0, 0, 0)},
		{"xdp metadata", ebpf.XDP, xdp(8, 60, 0, 0, 0, 0)},
		{"xdp metadata, odd", ebpf.XDP, xdp(3, 60, 0, 0, 0, 0)},
		{"xdp end beyond", ebpf.XDP, xdp(0, 61, 0, 0, 0, 0)},
		{"xdp fragments", ebpf.XDP, xdp(0, 50, 0, 0, 0, 0)},
		{"xdp fragments and metadata", ebpf.XDP, xdp(8, 20, 0, 0, 0, 0)},
		{"xdp all metadata", ebpf.XDP, xdp(4, 4, 0, 0, 0, 0)},
		{"xdp metadata up to the link header", ebpf.XDP, xdp(44, 60, 0, 0, 0, 0)},
		{"xdp metadata within the link header", ebpf.XDP, xdp(48, 60, 0, 0, 0, 0)},
		{"xdp data behind end", ebpf.XDP, xdp(64, 60, 0, 0, 0, 0)},
		{"xdp egress", ebpf.XDP, xdp(0, 60, 0, 0, 0, 1)},
		{"xdp queue without interface", ebpf.XDP, xdp(0, 60, 0, 0, 1, 0)},
		{"xdp much metadata", ebpf.XDP, xdp(36, 60, 0, 0, 0, 0)},
	} {
		t.Run(row.name, func(t *testing.T) {
			insns := []asm.Instruction{asm.Mov.Imm(asm.R0, 2), asm.Return()}
			compare(t, row.name, liveProgram(t, row.typ, insns), program(t, row.typ, insns...), frame, row.ctx)
		})
	}
}

// TestExamplesLive runs the examples' programs over recorded packets in both.
func TestExamplesLive(t *testing.T) {
	for _, row := range []struct{ object, program string }{
		{"examples/protocols/protocols.o", "protocols"},
		{"examples/flows/flows.o", "flow_count"},
		{"examples/blocklist/blocklist.o", "blocklist"},
		{"examples/synlog/synlog.o", "synlog"},
	} {
		t.Run(row.program, func(t *testing.T) {
			live, err := ebpf.LoadCollection(row.object)
			if errors.Is(err, syscall.EPERM) {
				t.Skip("no permission to load programs into the running kernel")
			}
			if err != nil {
				t.Fatal(err)
			}
			defer live.Close()
			own := load(t, newKernel(t, nil), open(t, row.object), nil)
			for i, pkt := range packetsOf(t, mixedCapture) {
				compare(t, fmt.Sprintf("packet %d", i+1), live.Programs[row.program], own.Programs[row.program], pkt, nil)
			}
		})
	}
}
