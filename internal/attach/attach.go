// This file defines packets, where they come from and where they go.

// Package attach turns outside events into runs of programs. It knows what a
// program's return value means to a packet of each program type, and gives the
// interfaces of packet sources and sinks; internal/attach/capture has files,
// live.go network interfaces. The root package and the command come next. It
// must not import the verifier: it takes programs that can run.
package attach

import (
	"time"
)

// Packet is one packet on its way past programs. Its memory belongs to the
// source and is used again for the next packet.
type Packet struct {
	Data   []byte    // what was captured, from the Ethernet header on
	Length int       // bytes on the wire, at least len(Data)
	Time   time.Time // when it was captured; the zero Time when unknown
}

// Source gives packets one after the other.
type Source interface {
	// Next fills p, whose Data is valid until the following call. The error is
	// io.EOF behind the last packet.
	Next(p *Packet) error
	Close() error
}

// Sink takes packets. It keeps no reference to p.
type Sink interface {
	Write(p *Packet) error
	Close() error
}
