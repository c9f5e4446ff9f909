// This file defines the helpers that read and write the bytes of a socket
// buffer.

package helper

import (
	"github.com/skepbpf/skep/internal/engine"
	"github.com/skepbpf/skep/internal/errno"
	"github.com/skepbpf/skep/internal/ir"
)

// skbLoadBytes copies from the packet; where it cannot, it clears the memory.
func skbLoadBytes(c *engine.Call, ctx, offset, to, size, _ uint64) uint64 {
	p := bytesAt(c, to, size)
	return load(p, inPacket(c, &c.SKB(ctx).Packet, uint64(uint32(offset)), uint64(len(p))))
}

func load(to, from []byte) uint64 {
	if from == nil {
		clear(to)
		return result(errno.EFAULT)
	}
	copy(to, from)
	return 0
}

// Where offsets of bpf_skb_load_bytes_relative count from.
const (
	fromMAC = 0 // BPF_HDR_START_MAC
	fromNet = 1 // BPF_HDR_START_NET

	maxRelative = 0xffff
)

// skbLoadBytesRelative copies from a header on.
func skbLoadBytesRelative(c *engine.Call, ctx, offset, to, size, from uint64) uint64 {
	p := bytesAt(c, to, size)
	return load(p, fromHeader(c, &c.SKB(ctx).Packet, uint32(offset), uint64(len(p)), uint32(from)))
}

// fromHeader views n bytes at an offset from a header; nil when they are not
// there or the header is not known.
func fromHeader(c *engine.Call, p *ir.Packet, offset uint32, n uint64, from uint32) []byte {
	var header uint64
	switch from {
	case fromMAC:
		header = p.MACHeader
	case fromNet:
		header = p.NetHeader
	}
	start := header + uint64(offset)
	if header == 0 || offset > maxRelative || start+n > p.DataEnd {
		return nil
	}
	return c.Bytes(start, int(n))
}

// Flags of bpf_skb_store_bytes. Checksums of whole packets, which the first
// keeps right, come from network cards; there is none.
const (
	storeRecompute   = 1 << 0 // BPF_F_RECOMPUTE_CSUM
	storeInvalidHash = 1 << 1 // BPF_F_INVALIDATE_HASH
)

func skbStoreBytes(c *engine.Call, ctx, offset, from, size, flags uint64) uint64 {
	if flags&^(storeRecompute|storeInvalidHash) != 0 {
		return result(errno.EINVAL)
	}
	skb, p := c.SKB(ctx), bytesAt(c, from, size)
	to := inPacket(c, &skb.Packet, uint64(uint32(offset)), uint64(len(p)))
	if to == nil {
		return result(errno.EFAULT)
	}
	copy(to, p)
	if flags&storeInvalidHash != 0 {
		skb.Hash = 0
	}
	return 0
}

// skbPullData makes the first bytes readable in place, which all are.
func skbPullData(c *engine.Call, ctx, size, _, _, _ uint64) uint64 {
	if uint64(uint32(size)) > packetLen(&c.SKB(ctx).Packet) {
		return result(errno.ENOMEM)
	}
	return 0
}

// maxSKB is BPF_SKB_MAX_LEN: four pages without the shared info.
const maxSKB = 4*4096 - 320

// skbChangeTail sets the packet's length; new bytes are 0.
func skbChangeTail(c *engine.Call, ctx, size, flags, _, _ uint64) uint64 {
	skb, length := c.SKB(ctx), uint64(uint32(size))
	if flags != 0 || length > maxSKB || skb.NetHeader > skb.Data+length {
		return result(errno.EINVAL)
	}
	end := skb.Data + length
	if end > skb.BufEnd {
		return result(errno.ENOMEM)
	}
	if end > skb.DataEnd {
		clear(c.Bytes(skb.DataEnd, int(end-skb.DataEnd)))
	}
	skb.DataEnd, skb.Len = end, uint32(length)
	return 0
}

// skbChangeHead puts bytes, all 0, before the packet: a link header.
func skbChangeHead(c *engine.Call, ctx, size, flags, _, _ uint64) uint64 {
	skb, n := c.SKB(ctx), uint64(uint32(size))
	if flags != 0 || packetLen(&skb.Packet)+n > maxSKB {
		return result(errno.EINVAL)
	}
	if n > skb.Data-skb.BufStart {
		return result(errno.ENOMEM)
	}
	skb.Data -= n
	skb.Len += uint32(n)
	skb.DataMeta, skb.MACHeader = skb.Data, skb.Data
	clear(c.Bytes(skb.Data, int(n)))
	return 0
}

// maxPktType is PACKET_OTHERHOST, the last type that programs may see and set.
const maxPktType = 3

func skbChangeType(c *engine.Call, ctx, pktType, _, _, _ uint64) uint64 {
	skb := c.SKB(ctx)
	if skb.PktType > maxPktType || uint32(pktType) > maxPktType {
		return result(errno.EINVAL)
	}
	skb.PktType = uint32(pktType)
	return 0
}

// Clocks of bpf_skb_set_tstamp (BPF_SKB_CLOCK_*): real time, monotonic, TAI.
const (
	clockRealtime = 0
	clockTAI      = 2
)

func skbSetTimestamp(c *engine.Call, ctx, when, clock, _, _ uint64) uint64 {
	skb := c.SKB(ctx)
	switch {
	case skb.Protocol != networkOrder(etherIPv4) && skb.Protocol != networkOrder(etherIPv6):
		return result(errno.EOPNOTSUPP)
	case uint32(clock) > clockTAI, when == 0 && uint32(clock) != clockRealtime:
		return result(errno.EINVAL)
	}
	skb.Tstamp, skb.TstampType = when, uint8(clock)
	return 0
}
