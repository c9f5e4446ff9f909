// This file tests what runs are given: packets in place, copies, contexts.

package engine

import (
	"bytes"
	"testing"
	"unsafe"

	"github.com/skepbpf/skep/internal/ir"
)

var (
	offData    = int32(unsafe.Offsetof(ir.XDP{}.Data))
	offSKBData = int32(unsafe.Offsetof(ir.SKB{}.Data))
)

// overwrite writes 0xaa to the packet's second byte.
func overwrite(t *testing.T, exec Executable, data int32, moves bool) *Program {
	p := testProgram(t, exec,
		op(ir.Load64, ir.R2, ir.R1, data, 0),
		op(ir.Store8, ir.R2, ir.RZero, 1, 0xaa),
		mov(ir.R0, 2),
		exit())
	p.code.ChangesPkt = moves
	return p
}

func TestPacketInPlace(t *testing.T) {
	both(t, func(t *testing.T, s *Slot, exec Executable) {
		pkt := []byte{1, 2, 3, 4}
		s.XDP(overwrite(t, exec, offData, false), pkt)
		mustRun(t, s, overwrite(t, exec, offData, false), s.ContextAddr())
		if want := []byte{1, 0xaa, 3, 4}; !bytes.Equal(pkt, want) {
			t.Errorf("the packet is %v, want %v", pkt, want)
		}
	})
}

// A program that may move packet data works on a copy with room around it.
func TestPacketWithRoom(t *testing.T) {
	both(t, func(t *testing.T, s *Slot, exec Executable) {
		pkt := []byte{1, 2, 3, 4}
		p := overwrite(t, exec, offSKBData, true)
		ctx := s.SKB(p, pkt, 0, 2)
		if ctx.Data-ctx.BufStart != Headroom || ctx.BufEnd-ctx.DataEnd != tailroom {
			t.Errorf("room of %d and %d bytes", ctx.Data-ctx.BufStart, ctx.BufEnd-ctx.DataEnd)
		}
		mustRun(t, s, p, s.ContextAddr())
		if got := s.Packet(&ctx.Packet); !bytes.Equal(got, []byte{1, 0xaa, 3, 4}) || pkt[1] != 2 {
			t.Errorf("the program's packet is %v, the caller's %v", got, pkt)
		}
	})
}

func TestSKB(t *testing.T) {
	s := newTestPool(t, 1).Lease()
	defer s.Release()
	p := testProgram(t, nil, exit())
	pkt := make([]byte, 60)
	for _, row := range []struct {
		name         string
		mac, network int
		wantLen      uint32
	}{
		{"from the link header", 0, 14, 60},
		{"from the network header", 14, 14, 46},
	} {
		ctx := s.SKB(p, pkt, row.mac, row.network)
		base := addressOf(pkt)
		if ctx.Len != row.wantLen || ctx.Data != base+uint64(row.mac) || ctx.DataEnd != base+60 ||
			ctx.NetHeader != base+14 || ctx.MACHeader != base {
			t.Errorf("%s: %+v", row.name, ctx)
		}
	}
}

func TestEmptyPacket(t *testing.T) {
	s := newTestPool(t, 1).Lease()
	defer s.Release()
	ctx := s.XDP(testProgram(t, nil, exit()), nil)
	if ctx.Data != ctx.DataEnd || len(s.Packet(&ctx.Packet)) != 0 {
		t.Errorf("an empty packet is %+v", ctx.Packet)
	}
}

func TestContextImage(t *testing.T) {
	s := newTestPool(t, 1).Lease()
	defer s.Release()
	s.Context(bytes.Repeat([]byte{0xff}, maxContext))
	ctx := s.Context([]byte{1, 2})
	if ctx[0] != 1 || ctx[1] != 2 || !bytes.Equal(ctx[2:], make([]byte, maxContext-2)) {
		t.Error("a context shows bytes of the one before")
	}
	if s.Context(make([]byte, maxContext+1)) != nil {
		t.Error("a context that is too long was taken")
	}
}

// Legacy loads, by offset; what is out of bounds ends the function with 0.
func TestPacketWord(t *testing.T) {
	pkt := []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 0x45, 15}
	for _, row := range []struct {
		name string
		mac  int
		size ir.Reg
		off  int64
		want uint64 // plus 1 for having gone on
	}{
		{"byte", 0, 1, 1, 1 + 1},
		{"half", 0, 2, 1, 0x0102 + 1},
		{"word", 0, 4, 1, 0x01020304 + 1},
		{"last byte", 0, 1, 15, 15 + 1},
		{"half over the end", 0, 2, 15, 0},
		{"beyond the end", 0, 1, 16, 0},
		{"network header", 0, 1, netOffset, 0x45 + 1},
		{"link header", 14, 2, linkOffset + 1, 0x0102 + 1},
		{"before the link header", 0, 1, linkOffset - 1, 0},
		{"ancillary data is no packet", 0, 4, -0x1000, 0},
		{"just negative", 14, 1, -1, 0},
		{"data at the network header", 14, 1, 0, 0x45 + 1},
	} {
		both(t, func(t *testing.T, s *Slot, exec Executable) {
			p := testProgram(t, exec,
				op(ir.Mov, ir.R6, ir.R1, 0, 0),
				op(ir.PacketWord, row.size, ir.RZero, 0, row.off),
				op(ir.Add, ir.R0, ir.RZero, 0, 1),
				exit())
			s.SKB(p, pkt, row.mac, 14)
			if got := mustRun(t, s, p, s.ContextAddr()); got != row.want {
				t.Errorf("%s: got %#x, want %#x", row.name, got, row.want)
			}
		})
	}
}

// Loads that may fault read 0 where nothing of the run's is.
func TestLoadProbe(t *testing.T) {
	both(t, func(t *testing.T, s *Slot, exec Executable) {
		pkt := []byte{0x88, 0xff, 3, 4}
		for _, row := range []struct {
			name string
			how  int64
			off  int32
			addr uint64
			want uint64
		}{
			{"byte", 1, 0, addressOf(pkt), 0x88},
			{"signed byte", 1 | ir.ProbeSigned, 0, addressOf(pkt), 0xffffffffffffff88},
			{"half", 2, 0, addressOf(pkt), 0xff88},
			{"signed half", 2 | ir.ProbeSigned, 0, addressOf(pkt), 0xffffffffffffff88},
			{"word", 4, 0, addressOf(pkt), 0x0403ff88},
			{"over the end", 4, 1, addressOf(pkt), 0},
			{"nowhere", 8, 0, 8, 0},
			{"the stack's guard", 8, 0, s.stackTop() - 4, 0},
			{"a function's handle", 8, 0, ir.FuncHandle(0), 0},
		} {
			p := testProgram(t, exec, op(ir.LoadProbe, ir.R0, ir.R2, row.off, row.how), exit())
			s.XDP(p, pkt)
			r0, err := p.Run(s, s.ContextAddr(), row.addr)
			if err != nil || r0 != row.want {
				t.Errorf("%s: got %#x (%v), want %#x", row.name, r0, err, row.want)
			}
		}
	})
}
