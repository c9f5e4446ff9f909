// This file defines how a packet becomes a program's context, per program type.

package skep

import (
	"encoding/binary"
	"fmt"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/engine"
	"github.com/skepbpf/skep/internal/ir"
)

// etherLen is the length of an Ethernet header.
const etherLen = 14

// enter makes the context of a run on a frame and gives R2, and where the
// packet lies; R1 is the context, or for memory (at nil) the frame itself.
type enter func(s *engine.Slot, p *engine.Program, frame []byte) (r2 uint64, at *ir.Packet, err error)

// enters has the program types that run on a packet. Socket filters see it from
// its link header on, as on a raw AF_PACKET socket.
var enters = map[bytecode.ProgType]enter{
	bytecode.ProgXDP:          enterXDP,
	bytecode.ProgSocketFilter: enterLink,
	bytecode.ProgSchedCLS:     enterLink,
	bytecode.ProgSchedACT:     enterLink,
	bytecode.ProgCgroupSKB:    enterNetwork,
	bytecode.ProgLWTIn:        enterNetwork,
	bytecode.ProgLWTOut:       enterNetwork,
	bytecode.ProgLWTXmit:      enterNetwork,
	bytecode.ProgMemory:       enterMemory,
}

// enterOf gives the type's way in; types without packets get one that refuses.
func enterOf(t bytecode.ProgType) enter {
	if e := enters[t]; e != nil {
		return e
	}
	return func(*engine.Slot, *engine.Program, []byte) (uint64, *ir.Packet, error) {
		return 0, nil, fmt.Errorf("programs of type %s see no packets: give a context to RunContext: %w", typeName(t), EINVAL)
	}
}

func enterXDP(s *engine.Slot, p *engine.Program, frame []byte) (uint64, *ir.Packet, error) {
	return 0, &s.XDP(p, frame).Packet, nil
}

func enterLink(s *engine.Slot, p *engine.Program, frame []byte) (uint64, *ir.Packet, error) {
	return 0, &enterSKB(s, p, frame, 0).Packet, nil
}

func enterNetwork(s *engine.Slot, p *engine.Program, frame []byte) (uint64, *ir.Packet, error) {
	if len(frame) < etherLen {
		return 0, nil, fmt.Errorf("frame of %d bytes has no Ethernet header: %w", len(frame), EINVAL)
	}
	return 0, &enterSKB(s, p, frame, etherLen).Packet, nil
}

// enterSKB makes a socket buffer whose packet starts at mac.
func enterSKB(s *engine.Slot, p *engine.Program, frame []byte, mac int) *ir.SKB {
	skb := s.SKB(p, frame, mac, min(etherLen, len(frame)))
	if len(frame) >= etherLen {
		skb.Protocol = protocolOf(frame)
	}
	return skb
}

// protocolOf is a frame's protocol as eth_type_trans finds it, in network
// order: its EtherType, or for a length field what stands behind it.
func protocolOf(frame []byte) uint32 {
	const minEtherType, novell, llc = 0x600, 0x0001, 0x0004
	proto := binary.BigEndian.Uint16(frame[12:])
	if proto < minEtherType {
		proto = llc
		if len(frame) >= etherLen+2 && frame[14] == 0xff && frame[15] == 0xff {
			proto = novell
		}
	}
	var net [2]byte
	binary.BigEndian.PutUint16(net[:], proto)
	return uint32(binary.NativeEndian.Uint16(net[:]))
}

func enterMemory(_ *engine.Slot, _ *engine.Program, mem []byte) (uint64, *ir.Packet, error) {
	return uint64(len(mem)), nil, nil
}
