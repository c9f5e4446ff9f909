// This file tests the helpers that read and change packets.

package helper_test

import (
	"bytes"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// frame is an Ethernet frame with UDP in IPv4, whose ECN bits say that it may
// be marked.
var frame = []byte{
	0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1, 0x08, 0x00,
	0x45, 0x02, 0x00, 0x2e, 0x12, 0x34, 0x40, 0x00, 0x40, 0x11, 0x14, 0x87, 10, 0, 0, 1, 10, 0, 0, 2,
	0x04, 0xd2, 0x00, 0x35, 0x00, 0x1a, 0xab, 0xcd,
	'p', 'a', 'y', 'l', 'o', 'a', 'd', ' ', 'o', 'f', ' ', '1', '8', ' ', 'b', 'y', 't', 'e',
}

// changed gives the frame with other bytes at an offset.
func changed(at int, b ...byte) []byte {
	p := bytes.Clone(frame)
	copy(p[at:], b)
	return p
}

func TestLoadBytes(t *testing.T) {
	fill := join(store(outAt(0), -1), store(outAt(8), -1))
	for _, row := range []struct {
		name string
		typ  ebpf.ProgramType
		call asm.Instructions
		ret  uint32
		out  []byte
	}{
		{"skb", 0, call(asm.FnSkbLoadBytes, ctxArg{}, 26, outAt(0), 8), 0, frame[26:34]},
		{"skb to its end", 0, call(asm.FnSkbLoadBytes, ctxArg{}, 58, outAt(0), 2), 0, append(frame[58:60:60], 255)},
		{"skb past its end", 0, call(asm.FnSkbLoadBytes, ctxArg{}, 59, outAt(0), 2), minus(efault), []byte{0, 0, 255}},
		{"skb negative", 0, call(asm.FnSkbLoadBytes, ctxArg{}, -1, outAt(0), 2), minus(efault), []byte{0, 0, 255}},
		{"offset of 32 bits", 0, call(asm.FnSkbLoadBytes, ctxArg{}, 1<<32, outAt(0), 2), 0, []byte{0, 0, 255}},
		{"socket filter starts at the network header", ebpf.SocketFilter,
			call(asm.FnSkbLoadBytes, ctxArg{}, 0, outAt(0), 2), 0, []byte{0x45, 2, 255}},
		{"from MAC", 0, call(asm.FnSkbLoadBytesRelative, ctxArg{}, 12, outAt(0), 2, 0), 0, []byte{8, 0, 255}},
		{"from network", 0, call(asm.FnSkbLoadBytesRelative, ctxArg{}, 12, outAt(0), 4, 1), 0, []byte{10, 0, 0, 1, 255}},
		{"from MAC in a socket filter", ebpf.SocketFilter,
			call(asm.FnSkbLoadBytesRelative, ctxArg{}, 6, outAt(0), 2, 0), 0, []byte{2, 0, 255}},
		{"from network past the end", 0, call(asm.FnSkbLoadBytesRelative, ctxArg{}, 46, outAt(0), 1, 1), minus(efault), []byte{0, 255}},
		{"from nowhere", 0, call(asm.FnSkbLoadBytesRelative, ctxArg{}, 0, outAt(0), 1, 2), minus(efault), []byte{0, 255}},
		{"relative too far", 0, call(asm.FnSkbLoadBytesRelative, ctxArg{}, 65536, outAt(0), 1, 1), minus(efault), []byte{0, 255}},
		{"xdp", ebpf.XDP, call(asm.FnXdpLoadBytes, ctxArg{}, 26, outAt(0), 8), 0, frame[26:34]},
		{"xdp past its end", ebpf.XDP, call(asm.FnXdpLoadBytes, ctxArg{}, 59, outAt(0), 2), minus(einval), []byte{255, 255}},
		{"xdp too far", ebpf.XDP, call(asm.FnXdpLoadBytes, ctxArg{}, 65536, outAt(0), 2), minus(efault), []byte{255, 255}},
		{"xdp length", ebpf.XDP, call(asm.FnXdpGetBuffLen, ctxArg{}), 60, nil},
		{"pull", 0, call(asm.FnSkbPullData, ctxArg{}, 60), 0, nil},
		{"pull all", 0, call(asm.FnSkbPullData, ctxArg{}, 0), 0, nil},
		{"pull more", 0, call(asm.FnSkbPullData, ctxArg{}, 61), minus(12), nil},
		{"update", 0, call(asm.FnCsumUpdate, ctxArg{}, 1), minus(524), nil},
		{"level", 0, call(asm.FnCsumLevel, ctxArg{}, 0), minus(13), nil},
		{"level up", 0, call(asm.FnCsumLevel, ctxArg{}, 1), 0, nil},
		{"level that is none", 0, call(asm.FnCsumLevel, ctxArg{}, 4), minus(einval), nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := &sample{typ: row.typ, packet: frame, body: join(fill, row.call), ret: row.ret, out: row.out}
			s.check(t)
		})
	}
}

func TestChangeBytes(t *testing.T) {
	text := call(asm.FnSkbStoreBytes, ctxArg{}, 42, constAt(0), 4, 0)
	for _, row := range []struct {
		name string
		typ  ebpf.ProgramType
		body asm.Instructions
		ret  uint32
		want []byte
	}{
		{"skb", 0, text, 0, changed(42, []byte("abcd")...)},
		{"skb with flags", 0, call(asm.FnSkbStoreBytes, ctxArg{}, 56, constAt(0), 4, 3), 0, changed(56, []byte("abcd")...)},
		{"skb past its end", 0, call(asm.FnSkbStoreBytes, ctxArg{}, 57, constAt(0), 4, 0), minus(efault), frame},
		{"skb flags", 0, call(asm.FnSkbStoreBytes, ctxArg{}, 42, constAt(0), 4, 4), minus(einval), frame},
		{"xdp", ebpf.XDP, call(asm.FnXdpStoreBytes, ctxArg{}, 42, constAt(0), 4), 0, changed(42, []byte("abcd")...)},
		{"xdp past its end", ebpf.XDP, call(asm.FnXdpStoreBytes, ctxArg{}, 57, constAt(0), 4), minus(einval), frame},

		{"xdp head down", ebpf.XDP, call(asm.FnXdpAdjustHead, ctxArg{}, 14), 0, frame[14:]},
		{"xdp head up", ebpf.XDP, call(asm.FnXdpAdjustHead, ctxArg{}, -4), 0, append(make([]byte, 4), frame...)},
		{"xdp head to the frame's", ebpf.XDP, call(asm.FnXdpAdjustHead, ctxArg{}, -216), 0, append(make([]byte, 216), frame...)},
		{"xdp head too far up", ebpf.XDP, call(asm.FnXdpAdjustHead, ctxArg{}, -217), minus(einval), frame},
		{"xdp head leaves 14", ebpf.XDP, call(asm.FnXdpAdjustHead, ctxArg{}, 46), 0, frame[46:]},
		{"xdp head leaves 13", ebpf.XDP, call(asm.FnXdpAdjustHead, ctxArg{}, 47), minus(einval), frame},
		{"xdp tail down", ebpf.XDP, call(asm.FnXdpAdjustTail, ctxArg{}, -20), 0, frame[:40]},
		{"xdp tail leaves 13", ebpf.XDP, call(asm.FnXdpAdjustTail, ctxArg{}, -47), minus(einval), frame},
		{"xdp tail up", ebpf.XDP, join(call(asm.FnXdpAdjustTail, ctxArg{}, -2), call(asm.FnXdpAdjustTail, ctxArg{}, 3)), 0,
			append(bytes.Clone(frame[:58]), 0, 0, 0)},
		{"xdp tail to the frame's and back", ebpf.XDP, join(call(asm.FnXdpAdjustTail, ctxArg{}, 3460), keep(0),
			call(asm.FnXdpAdjustTail, ctxArg{}, -3460), asm.LoadMem(asm.R0, asm.R9, 0, asm.Word)), 0, frame},
		{"xdp tail too far up", ebpf.XDP, call(asm.FnXdpAdjustTail, ctxArg{}, 3461), minus(einval), frame},
		{"xdp meta", ebpf.XDP, call(asm.FnXdpAdjustMeta, ctxArg{}, -8), 0, nil},
		{"xdp meta to the limit", ebpf.XDP, call(asm.FnXdpAdjustMeta, ctxArg{}, -216), 0, nil},
		{"xdp meta past it", ebpf.XDP, call(asm.FnXdpAdjustMeta, ctxArg{}, -220), minus(einval), frame},
		{"xdp meta behind the start", ebpf.XDP, call(asm.FnXdpAdjustMeta, ctxArg{}, 4), minus(einval), frame},
		{"xdp meta of 3 bytes", ebpf.XDP, call(asm.FnXdpAdjustMeta, ctxArg{}, -3), minus(13), frame},
		{"xdp meta takes room from head", ebpf.XDP,
			join(call(asm.FnXdpAdjustMeta, ctxArg{}, -8), call(asm.FnXdpAdjustHead, ctxArg{}, -212)), minus(einval), nil},

		{"tail shorter", 0, call(asm.FnSkbChangeTail, ctxArg{}, 20, 0), 0, frame[:20]},
		{"tail longer", 0, join(call(asm.FnSkbChangeTail, ctxArg{}, 58, 0), call(asm.FnSkbChangeTail, ctxArg{}, 62, 0)), 0,
			append(bytes.Clone(frame[:58]), 0, 0, 0, 0)},
		{"tail too short", 0, call(asm.FnSkbChangeTail, ctxArg{}, 13, 0), minus(einval), frame},
		{"tail too long", 0, call(asm.FnSkbChangeTail, ctxArg{}, 20000, 0), minus(einval), frame},
		{"tail flags", 0, call(asm.FnSkbChangeTail, ctxArg{}, 20, 1), minus(einval), frame},
		{"head", 0, call(asm.FnSkbChangeHead, ctxArg{}, 14, 0), 0, append(make([]byte, 14), frame...)},
		{"head flags", 0, call(asm.FnSkbChangeHead, ctxArg{}, 14, 1), minus(einval), frame},
		{"head too long", 0, call(asm.FnSkbChangeHead, ctxArg{}, 20000, 0), minus(einval), frame},

		{"congestion", 0, call(asm.FnSkbEcnSetCe, ctxArg{}), 1, marked},
		{"congestion twice", 0, join(call(asm.FnSkbEcnSetCe, ctxArg{}), call(asm.FnSkbEcnSetCe, ctxArg{})), 1, marked},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := &sample{typ: row.typ, packet: frame, consts: []byte("abcd"), body: row.body, ret: row.ret, packets: row.want}
			s.check(t)
		})
	}
}

// marked is the frame with the mark of congestion and a checksum that fits.
var marked = func() []byte {
	p := changed(15, 3)
	p[25]--
	return p
}()

// A packet that cannot be marked is left alone.
func TestCongestionNotMarked(t *testing.T) {
	for _, row := range []struct {
		name   string
		packet []byte
	}{
		{"not ECN capable", changed(15, 0)},
		{"not IP", changed(12, 0x12, 0x34)},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := &sample{packet: row.packet, body: call(asm.FnSkbEcnSetCe, ctxArg{}), packets: row.packet}
			s.check(t)
		})
	}
}

func TestCongestionIPv6(t *testing.T) {
	packet := changed(12, 0x86, 0xdd, 0x60, 0x10)
	want := bytes.Clone(packet)
	want[15] = 0x30
	s := &sample{packet: packet, body: call(asm.FnSkbEcnSetCe, ctxArg{}), ret: 1, packets: want}
	s.check(t)
}

func TestContextFields(t *testing.T) {
	const (
		pktType = 4
		hash    = 68
		tstamp  = 152
	)
	field := func(off int16, size asm.Size) asm.Instruction { return asm.LoadMem(asm.R0, asm.R6, off, size) }
	for _, row := range []struct {
		name string
		body asm.Instructions
		ret  uint32
		ours bool
	}{
		{"type", join(call(asm.FnSkbChangeType, ctxArg{}, 2), field(pktType, asm.Word)), 2, false},
		{"type that may not be set", call(asm.FnSkbChangeType, ctxArg{}, 4), minus(einval), false},
		{"hash that is set", join(call(asm.FnSetHash, ctxArg{}, 77), call(asm.FnGetHashRecalc, ctxArg{})), 77, false},
		{"hash is computed", join(
			call(asm.FnSetHash, ctxArg{}, 0), call(asm.FnSetHashInvalid, ctxArg{}), field(hash, asm.Word)), 0, false},
		{"timestamp", join(call(asm.FnSkbSetTstamp, ctxArg{}, 55, 1), field(tstamp, asm.DWord)), 55, true},
		{"no timestamp", call(asm.FnSkbSetTstamp, ctxArg{}, 0, 1), minus(einval), false},
		{"no clock", call(asm.FnSkbSetTstamp, ctxArg{}, 1, 3), minus(einval), false},
		{"time 0", call(asm.FnSkbSetTstamp, ctxArg{}, 0, 0), 0, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := &sample{packet: frame, body: row.body, ret: row.ret, ours: row.ours}
			s.check(t)
		})
	}
}

// A flow has one hash, in both directions; another flow has another.
func TestFlowHash(t *testing.T) {
	reply := changed(26, 10, 0, 0, 2, 10, 0, 0, 1, 0x00, 0x35, 0x04, 0xd2)
	other := changed(34, 0x04, 0xd3)
	noIP := changed(12, 0x12, 0x34)
	hash := func(packet []byte) uint32 {
		s := &sample{packet: packet, body: call(asm.FnGetHashRecalc, ctxArg{})}
		return s.runSkep(t, "interp").ret
	}
	if hash(frame) != hash(reply) || hash(frame) == hash(other) || hash(frame) == 0 || hash(noIP) == 0 {
		t.Errorf("hashes: flow %#x, reply %#x, other %#x, no IP %#x", hash(frame), hash(reply), hash(other), hash(noIP))
	}
}

func TestCsumDiff(t *testing.T) {
	const ones, zeros = 64, 68
	consts := append(bytes.Clone(frame), 0, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0)
	for _, row := range []struct {
		name string
		args []any
		ret  uint32
	}{
		{"push", []any{0, 0, constAt(28), 4, 0}, 0x10a},
		{"push a whole header", []any{0, 0, constAt(14), 20, 0}, 0xffff},
		{"push with seed", []any{0, 0, constAt(14), 20, 0x1ffff}, 1},
		{"pull", []any{constAt(14), 20, 0, 0, 0x12345}, 0x2346},
		{"diff", []any{constAt(14), 20, constAt(34), 12, 0x123456}, 0xf102},
		{"all", []any{constAt(0), 60, constAt(4), 56, 0xffffffff}, 0xffff},
		{"nothing", []any{0, 0, 0, 0, 0x12345678}, 0x68ac},
		{"zeros", []any{0, 0, constAt(zeros), 4, 0}, 0},
		{"diff of zeros", []any{constAt(zeros), 4, constAt(zeros), 4, 0}, 0xffff},
		{"diff of ones and zeros", []any{constAt(ones), 4, constAt(zeros), 4, 0}, 0},
		{"pull zeros", []any{constAt(zeros), 4, 0, 0, 0}, 0},
		{"same", []any{constAt(14), 20, constAt(14), 20, 0}, 0xffff},
		{"1 byte", []any{0, 0, constAt(14), 1, 0}, 0x45},
		{"3 bytes", []any{0, 0, constAt(14), 3, 0}, 0x245},
		{"7 bytes", []any{0, 0, constAt(15), 7, 0}, 0x5264},
		{"diff of odd sizes", []any{constAt(14), 5, constAt(20), 9, 0}, 0x6847},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := &sample{consts: consts, body: call(asm.FnCsumDiff, row.args...), ret: row.ret}
			s.check(t)
		})
	}
}

func TestCsumReplace(t *testing.T) {
	const at = 24
	l3 := func(args ...any) asm.Instructions {
		return call(asm.FnL3CsumReplace, append([]any{ctxArg{}, at}, args...)...)
	}
	l4 := func(args ...any) asm.Instructions {
		return call(asm.FnL4CsumReplace, append([]any{ctxArg{}, at}, args...)...)
	}
	for _, row := range []struct {
		name string
		sum  []byte // before, nil: as in frame
		body asm.Instructions
		ret  uint32
		want []byte
	}{
		{"address", nil, l3(0x0100000a, 0x0101a8c0, 4), 0, []byte{0x5c, 0xde}},
		{"high bits do not count", nil, l3(0x0100000a|1<<40, 0x0101a8c0|1<<50, 4), 0, []byte{0x5c, 0xde}},
		{"port", nil, l3(0x3500, 0x5000, 2), 0, []byte{0x14, 0x6c}},
		{"difference", nil, l3(0, 0x1234567, 0), 0, []byte{0x8a, 0x40}},
		{"difference with a value", nil, l3(1, 2, 0), minus(einval), nil},
		{"3 bytes", nil, l3(1, 2, 3), minus(einval), nil},
		{"flags", nil, l3(1, 2, 0x12), minus(einval), nil},
		{"odd offset", nil, call(asm.FnL3CsumReplace, ctxArg{}, 25, 1, 2, 2), minus(efault), nil},
		{"large offset", nil, call(asm.FnL3CsumReplace, ctxArg{}, 65536, 1, 2, 2), minus(efault), nil},
		{"past the end", nil, call(asm.FnL3CsumReplace, ctxArg{}, 60, 1, 2, 2), minus(efault), nil},
		{"2 bytes to 0", []byte{0xff, 0xff}, l3(0, 0, 2), 0, []byte{0, 0}},
		{"4 bytes to 0", []byte{0xff, 0xff}, l3(0, 0, 4), 0, []byte{0, 0}},
		{"difference to 0", []byte{0xff, 0xff}, l3(0, 0, 0), 0, []byte{0, 0}},
		{"2 bytes from 0", []byte{0, 0}, l3(5, 5, 2), 0, []byte{0, 0}},

		{"transport address", nil, l4(0x0100000a, 0x0101a8c0, 4|0x10), 0, []byte{0x5c, 0xde}},
		{"transport port", nil, l4(0x3500, 0x5000, 2), 0, []byte{0x14, 0x6c}},
		{"transport difference", nil, l4(0, 0x1234567, 0x10), 0, []byte{0x8a, 0x40}},
		{"transport difference with a value", nil, l4(1, 2, 0), minus(einval), nil},
		{"transport 2 bytes to 0", []byte{0xff, 0xff}, l4(0, 0, 2), 0, []byte{0, 0}},
		{"transport 2 bytes with high bits", nil, l4(0x13500, 0x25000, 2), 0, []byte{0x14, 0x6c}},
		{"none stays none", []byte{0, 0}, l4(1, 2, 2|0x20), 0, []byte{0, 0}},
		{"none is enforced", []byte{0, 0}, l4(1, 2, 2|0x60), 0, []byte{0xfe, 0xff}},
		{"0 is mangled", []byte{0xff, 0xff}, l4(0, 0, 4|0x20), 0, []byte{0xff, 0xff}},
		{"IPv6", nil, l4(0, 5, 0x90), 0, []byte{0x0f, 0x87}},
		{"transport flags", nil, l4(1, 2, 0x102), minus(einval), nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := &sample{packet: frame, body: row.body, ret: row.ret, packets: changed(24, row.want...)}
			if row.sum != nil {
				s.packet = changed(24, row.sum...)
			}
			s.check(t)
		})
	}
}
