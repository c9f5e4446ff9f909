// This file defines what the helpers of socket buffers and of XDP share.

package helper

import (
	"github.com/skepbpf/skep/internal/engine"
	"github.com/skepbpf/skep/internal/ir"
)

// packetLen is a packet's length in bytes.
func packetLen(p *ir.Packet) uint64 { return p.DataEnd - p.Data }

// inPacket views n bytes, at least one, at an offset of a packet; nil when they
// are not all in it.
func inPacket(c *engine.Call, p *ir.Packet, offset, n uint64) []byte {
	if size := packetLen(p); offset > size || n > size-offset {
		return nil
	}
	return c.Bytes(p.Data+offset, int(n))
}

// etherLen is ETH_HLEN, the least that an XDP program may leave of a packet.
const etherLen = 14
