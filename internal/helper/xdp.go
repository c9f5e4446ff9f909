// This file defines the helpers of XDP programs.

package helper

import (
	"github.com/skepbpf/skep/internal/engine"
	"github.com/skepbpf/skep/internal/errno"
	"github.com/skepbpf/skep/internal/ir"
)

func xdpLen(c *engine.Call, ctx, _, _, _, _ uint64) uint64 { return packetLen(&c.XDP(ctx).Packet) }

func xdpLoadBytes(c *engine.Call, ctx, offset, to, size, _ uint64) uint64 {
	packet, err := xdpBytes(c, ctx, uint32(offset), uint32(size))
	copy(bytesAt(c, to, size), packet)
	return result(err)
}

func xdpStoreBytes(c *engine.Call, ctx, offset, from, size, _ uint64) uint64 {
	packet, err := xdpBytes(c, ctx, uint32(offset), uint32(size))
	copy(packet, bytesAt(c, from, size))
	return result(err)
}

// maxXDP bounds offset and size of what is copied at once.
const maxXDP = 0xffff

// xdpBytes views bytes of the packet; none when err is not 0.
func xdpBytes(c *engine.Call, ctx uint64, offset, size uint32) ([]byte, errno.Errno) {
	if offset > maxXDP || size > maxXDP {
		return nil, errno.EFAULT
	}
	if p := inPacket(c, &c.XDP(ctx).Packet, uint64(offset), uint64(size)); p != nil {
		return p, 0
	}
	return nil, errno.EINVAL
}

// A packet's frame is a page, as most drivers have it. Its first bytes are the
// kernel's (struct xdp_frame), and so are its last (struct skb_shared_info).
//
//	| frameHead | headroom … metadata | data … | tailroom | frameTail |
//	BufStart              DataMeta     Data  DataEnd
const (
	frameHead = 40
	frameEnd  = 4096 - 320
	maxMeta   = 255
)

// moved gives an address plus a signed 32-bit offset.
func moved(addr, offset uint64) uint64 { return addr + uint64(int64(int32(offset))) }

// xdpAdjustHead moves the packet's start, and the metadata with it.
func xdpAdjustHead(c *engine.Call, ctx, offset, _, _, _ uint64) uint64 {
	p := &c.XDP(ctx).Packet
	meta, data := moved(p.DataMeta, offset), moved(p.Data, offset)
	if meta < p.BufStart+frameHead || data+etherLen > p.DataEnd {
		return result(errno.EINVAL)
	}
	copy(c.Bytes(meta, metaLen(p)), c.Bytes(p.DataMeta, metaLen(p)))
	p.DataMeta, p.Data = meta, data
	return 0
}

func metaLen(p *ir.Packet) int { return int(p.Data - p.DataMeta) }

// xdpAdjustTail moves the packet's end; new bytes are 0.
func xdpAdjustTail(c *engine.Call, ctx, offset, _, _, _ uint64) uint64 {
	p := &c.XDP(ctx).Packet
	end := moved(p.DataEnd, offset)
	if end < p.Data+etherLen || end > p.DataEnd && end > min(p.BufEnd, p.BufStart+frameEnd) {
		return result(errno.EINVAL)
	}
	if end > p.DataEnd {
		clear(c.Bytes(p.DataEnd, int(end-p.DataEnd)))
	}
	p.DataEnd = end
	return 0
}

// xdpAdjustMeta moves the start of the metadata before the packet.
func xdpAdjustMeta(c *engine.Call, ctx, offset, _, _, _ uint64) uint64 {
	p := &c.XDP(ctx).Packet
	meta := moved(p.DataMeta, offset)
	if meta < p.BufStart+frameHead || meta > p.Data {
		return result(errno.EINVAL)
	}
	if n := p.Data - meta; n%4 != 0 || n > maxMeta {
		return result(errno.EACCES)
	}
	p.DataMeta = meta
	return 0
}
