// This file defines how packets of other link layers become Ethernet frames.

package attach

import (
	"encoding/binary"
	"fmt"
)

// LinkType is a link-layer header type as pcap files number them.
type LinkType uint32

// Link types that captures of Linux machines have.
const (
	LinkNull     LinkType = 0   // BSD loopback: address family in host order
	LinkEthernet LinkType = 1   //
	LinkRawBSD   LinkType = 12  // raw IP, as some systems number it
	LinkRaw      LinkType = 101 // raw IP
	LinkLoop     LinkType = 108 // OpenBSD loopback: address family in network order
	LinkSLL      LinkType = 113 // Linux cooked
	LinkIPv4     LinkType = 228
	LinkIPv6     LinkType = 229
	LinkSLL2     LinkType = 276 // Linux cooked, version 2
)

const (
	ethLen    = 14
	etherIPv4 = 0x0800
	etherIPv6 = 0x86dd
)

// Framer makes Ethernet frames of the packets of one link type. Programs see
// frames whatever a capture was taken on, so that they need to know one link
// layer only; addresses that a link layer does not tell are 0.
type Framer struct {
	link    LinkType
	convert func(pkt []byte) (h header, ok bool)
	buf     []byte
}

// header is what a link-layer header says.
type header struct {
	size  int // bytes of the link-layer header
	proto uint16
	src   []byte // sender's Ethernet address, nil when unknown
}

// NewFramer returns the Framer for a link type. Link types that carry no IP
// packets that it could find get an error.
func NewFramer(link LinkType) (*Framer, error) {
	if link == LinkEthernet {
		return &Framer{link: link}, nil
	}
	convert := framers[link]
	if convert == nil {
		return nil, fmt.Errorf("link type %d: programs see Ethernet frames, and there is no conversion from it", link)
	}
	return &Framer{link: link, convert: convert}, nil
}

var framers = map[LinkType]func([]byte) (header, bool){
	LinkNull:   loopback,
	LinkLoop:   loopback,
	LinkRawBSD: rawIP,
	LinkRaw:    rawIP,
	LinkIPv4:   rawIP,
	LinkIPv6:   rawIP,
	LinkSLL:    cooked(16, 14, 5, 6),
	LinkSLL2:   cooked(20, 0, 11, 12),
}

// Link returns the link type that f converts from.
func (f *Framer) Link() LinkType { return f.link }

// Frame sets p.Data to an Ethernet frame. A packet too short for its link
// header, or of no known network protocol, becomes a frame of EtherType 0 that
// holds it whole.
func (f *Framer) Frame(p *Packet) {
	if f.convert == nil {
		return
	}
	h, ok := f.convert(p.Data)
	if !ok {
		h = header{}
	}
	f.buf = append(f.buf[:0], make([]byte, ethLen)...)
	copy(f.buf[6:12], h.src)
	binary.BigEndian.PutUint16(f.buf[12:], h.proto)
	f.buf = append(f.buf, p.Data[h.size:]...)
	p.Data, p.Length = f.buf, p.Length-h.size+ethLen
}

func rawIP(pkt []byte) (header, bool) {
	if len(pkt) == 0 {
		return header{}, false
	}
	switch pkt[0] >> 4 {
	case 4:
		return header{proto: etherIPv4}, true
	case 6:
		return header{proto: etherIPv6}, true
	}
	return header{}, false
}

// loopback headers hold an address family, whose number for IPv6 and byte order
// differ from system to system, so the packet itself tells the version.
func loopback(pkt []byte) (header, bool) {
	const size = 4
	if len(pkt) < size {
		return header{}, false
	}
	h, ok := rawIP(pkt[size:])
	h.size = size
	return h, ok
}

// cooked headers: protocol at proto, the low byte of the address's length at
// alen, the address itself at addr.
func cooked(size, proto, alen, addr int) func([]byte) (header, bool) {
	return func(pkt []byte) (header, bool) {
		if len(pkt) < size {
			return header{}, false
		}
		h := header{size: size, proto: binary.BigEndian.Uint16(pkt[proto:])}
		if pkt[alen] == 6 {
			h.src = pkt[addr : addr+6]
		}
		return h, true
	}
}
