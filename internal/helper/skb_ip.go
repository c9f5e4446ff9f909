// This file defines the helpers that read the IP header of a socket buffer:
// its flow's hash and its congestion mark.

package helper

import (
	"encoding/binary"
	"hash/fnv"
	"math/bits"

	"github.com/skepbpf/skep/internal/engine"
	"github.com/skepbpf/skep/internal/ir"
)

// Protocols by their number in a link header.
const (
	etherIPv4 = 0x0800
	etherIPv6 = 0x86dd
)

// networkOrder gives a 16-bit number as it lies in a packet.
func networkOrder(v uint16) uint32 {
	return uint32(binary.NativeEndian.Uint16([]byte{byte(v >> 8), byte(v)}))
}

// ipKind is how the two versions of IP differ.
type ipKind struct {
	header       int // bytes without options
	addrs        [2]int
	proto        int // offset of the transport protocol's number
	transport    func(header []byte) int
	congested    func(header []byte) uint8 // ECN bits
	setCongested func(header []byte)
}

var ipKinds = map[uint32]*ipKind{
	networkOrder(etherIPv4): {
		header: 20, addrs: [2]int{12, 20}, proto: 9,
		transport:    func(h []byte) int { return int(h[0]&0xf) * 4 },
		congested:    func(h []byte) uint8 { return h[1] & ecnMask },
		setCongested: setCongested4,
	},
	networkOrder(etherIPv6): {
		header: 40, addrs: [2]int{8, 40}, proto: 6,
		transport:    func([]byte) int { return 40 },
		congested:    func(h []byte) uint8 { return h[1] >> 4 & ecnMask },
		setCongested: func(h []byte) { h[1] |= ecnMask << 4 },
	},
}

// ECN bits (RFC 3168).
const (
	ecnNone = 0
	ecnCE   = 3
	ecnMask = 3
)

// setCongested4 marks an IPv4 header and keeps its checksum right.
func setCongested4(h []byte) {
	old := binary.NativeEndian.Uint16(h)
	h[1] |= ecnCE
	sum := binary.NativeEndian.Uint16(h[10:])
	sum = ^add16(add16(^sum, ^old), binary.NativeEndian.Uint16(h))
	binary.NativeEndian.PutUint16(h[10:], sum)
}

// ipHeader gives the packet from its IP header on; nil when it has none.
func ipHeader(c *engine.Call, skb *ir.SKB) (*ipKind, []byte) {
	kind := ipKinds[skb.Protocol]
	if kind == nil || skb.NetHeader == 0 || skb.NetHeader+uint64(kind.header) > skb.DataEnd {
		return nil, nil
	}
	return kind, c.Bytes(skb.NetHeader, int(skb.DataEnd-skb.NetHeader))
}

// skbSetCE marks a packet that says that it can be marked, and returns whether
// it is marked.
func skbSetCE(c *engine.Call, ctx, _, _, _, _ uint64) uint64 {
	kind, h := ipHeader(c, c.SKB(ctx))
	if kind == nil || kind.congested(h) == ecnNone {
		return 0
	}
	if kind.congested(h) != ecnCE {
		kind.setCongested(h)
	}
	return 1
}

// skbHash returns the packet's hash, and computes it when there is none. The
// kernel's hash has a random key, so only what it is good for is the same: one
// flow has one hash, in both directions, and it is not 0.
func skbHash(c *engine.Call, ctx, _, _, _, _ uint64) uint64 {
	skb := c.SKB(ctx)
	if skb.Hash == 0 {
		skb.Hash = flowHash(c, skb)
	}
	return uint64(skb.Hash)
}

func skbSetHash(c *engine.Call, ctx, hash, _, _, _ uint64) uint64 {
	c.SKB(ctx).Hash = uint32(hash)
	return 0
}

func skbClearHash(c *engine.Call, ctx, _, _, _, _ uint64) uint64 {
	c.SKB(ctx).Hash = 0
	return 0
}

// flowHash hashes addresses, ports and protocol.
func flowHash(c *engine.Call, skb *ir.SKB) uint32 {
	kind, h := ipHeader(c, skb)
	if kind == nil {
		return 1
	}
	addrs := h[kind.addrs[0]:kind.addrs[1]]
	half := len(addrs) / 2
	from, to := addrs[:half:half], addrs[half:]
	proto := h[kind.proto]
	if at := kind.transport(h); hasPorts(proto) && len(h) >= at+4 {
		from, to = append(from, h[at:at+2]...), append(to[:half:half], h[at+2:at+4]...)
	}
	sum := hash32(from) + hash32(to) + uint32(proto)
	return max(bits.RotateLeft32(sum*0x9e3779b1, 15), 1)
}

func hash32(p []byte) uint32 {
	h := fnv.New32a()
	h.Write(p)
	return h.Sum32()
}

// hasPorts reports whether a transport header begins with two ports: TCP, UDP,
// DCCP, SCTP, UDP-Lite.
func hasPorts(proto byte) bool {
	switch proto {
	case 6, 17, 33, 132, 136:
		return true
	}
	return false
}
