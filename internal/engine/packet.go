// This file defines how a run is given its context.

package engine

import (
	"encoding/binary"
	"unsafe"

	"github.com/skepbpf/skep/internal/ir"
)

// Room around the packets of programs that may move packet data, in bytes.
const (
	Headroom = 256 // XDP_PACKET_HEADROOM
	tailroom = 4096
)

// XDP makes the context of an XDP program that sees pkt, for one run of p. A
// program that cannot move packet data works on pkt itself; any other gets a
// copy with room on both sides. After the run Slot.Packet gives what is left.
func (s *Slot) XDP(p *Program, pkt []byte) *ir.XDP {
	run := &s.contexts[s.depth]
	ctx := at[ir.XDP](run.addr)
	ctx.IngressIfindex, ctx.RxQueueIndex, ctx.EgressIfindex = 0, 0, 0
	buf, off := pkt, uint64(0)
	if p.code.ChangesPkt {
		buf, off = run.roomFor(pkt)
	}
	run.place(&ctx.Packet, buf, off, uint64(len(pkt)))
	ctx.MACHeader, ctx.NetHeader = ctx.Data, 0
	run.size = uint64(unsafe.Sizeof(*ctx))
	return ctx
}

// SKB makes the context of a program that sees pkt as a socket buffer, for one
// run of p: network is the offset of the network header in pkt. The caller
// fills in what else it knows (protocol, interface, mark); a program of the
// kinds that start at the network header is given pkt from there, with mac
// bytes of link header before it that are not in the packet's length.
func (s *Slot) SKB(p *Program, pkt []byte, mac, network int) *ir.SKB {
	run := &s.contexts[s.depth]
	ctx := at[ir.SKB](run.addr)
	*ctx = ir.SKB{}
	run.size = uint64(unsafe.Sizeof(*ctx))
	buf, off := pkt, uint64(0)
	if p.code.ChangesPkt {
		buf, off = run.roomFor(pkt)
	}
	run.place(&ctx.Packet, buf, off, uint64(len(pkt)))
	ctx.MACHeader = ctx.Data
	ctx.NetHeader = ctx.Data + uint64(network)
	ctx.Data += uint64(mac)
	ctx.DataMeta = ctx.Data
	ctx.Len = uint32(len(pkt) - mac)
	ctx.WireLen = ctx.Len
	return ctx
}

// Context gives a copy of a context that no structure is known for, or nil
// where it is longer than a slot has room for. Its address is ContextAddr.
func (s *Slot) Context(image []byte) []byte {
	if len(image) > maxContext {
		return nil
	}
	run := &s.contexts[s.depth]
	run.packet, run.size = 0, maxContext
	ctx := memory(run.addr, maxContext)
	clear(ctx[copy(ctx, image):])
	return ctx
}

// ContextAddr is the address of the context that XDP, SKB or Context made: R1.
func (s *Slot) ContextAddr() uint64 { return s.contexts[s.depth].addr }

// Memory gives the address of a Go slice, which is kept in place until the
// slot's release or the next context: R1 of programs of Skep's memory type.
func (s *Slot) Memory(p []byte) uint64 {
	run := &s.contexts[s.depth]
	run.root = unsafe.Pointer(unsafe.SliceData(p))
	run.packet, run.size = 0, 0
	run.given, run.givenSize = addressOf(p), uint64(len(p))
	return run.given
}

// Packet gives the packet of a context as the program left it. It is valid
// until the slot's release.
func (s *Slot) Packet(p *ir.Packet) []byte {
	return memory(p.Data, int(p.DataEnd-p.Data))
}

// place roots the buffer of a packet, and notes where in it the packet lies: n
// bytes from off on.
func (run *runContext) place(p *ir.Packet, buf []byte, off, n uint64) {
	run.root = unsafe.Pointer(unsafe.SliceData(buf))
	run.packet, run.givenSize = address(unsafe.Pointer(p)), 0
	p.BufStart = address(run.root)
	p.BufEnd = p.BufStart + uint64(len(buf))
	p.Data = p.BufStart + off
	p.DataEnd = p.Data + n
	p.DataMeta = p.Data
}

// roomFor copies a packet into a buffer with room on both sides, and says where
// in it.
//
//go:noinline
func (run *runContext) roomFor(pkt []byte) (buf []byte, off uint64) {
	n := Headroom + len(pkt) + tailroom
	if cap(run.room) < n {
		run.room = make([]byte, n)
	}
	buf = run.room[:n]
	clear(buf[:Headroom])
	clear(buf[Headroom+copy(buf[Headroom:], pkt):])
	return buf, Headroom
}

// Offsets that legacy packet loads give a meaning (linux/filter.h).
const (
	netOffset  = -0x100000 // from the network header
	linkOffset = -0x200000 // from the link header
)

// packetWord reads size bytes at an offset of a socket buffer, in network order.
func packetWord(skb *ir.SKB, off int32, size int) (v uint64, ok bool) {
	base, rel := skb.Data, int64(off)
	switch {
	case off >= 0:
	case off >= netOffset:
		base, rel = skb.NetHeader, rel-netOffset
	case off >= linkOffset:
		base, rel = skb.MACHeader, rel-linkOffset
	default:
		return 0, false
	}
	addr := base + uint64(rel)
	if base == 0 || addr < skb.MACHeader || addr+uint64(size) > skb.DataEnd {
		return 0, false
	}
	var word [8]byte
	copy(word[8-size:], memory(addr, size))
	return binary.BigEndian.Uint64(word[:]), true
}
