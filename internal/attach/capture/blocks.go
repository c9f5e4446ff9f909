// This file defines reading pcap files a block at a time.

package capture

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/skepbpf/skep/internal/attach"
)

const (
	// blockSize is what is read at once: large enough that system calls do not
	// count, small enough that several blocks stay in a CPU's cache.
	blockSize = 128 << 10
	// recordHeader is the bytes before each packet: seconds, fraction, captured
	// length, length on the wire (draft-ietf-opsawg-pcap, 5).
	recordHeader = 16
	// maxSnap is the longest packet that is read whatever the file's header
	// says, as in tcpdump.
	maxSnap = 256 << 10
)

// pcapForm is how a pcap file writes numbers and fractions of a second.
type pcapForm struct {
	order binary.ByteOrder
	unit  time.Duration
}

// pcapForms are told by the file's first four bytes.
var pcapForms = map[string]pcapForm{
	"\xa1\xb2\xc3\xd4": {binary.BigEndian, time.Microsecond},
	"\xd4\xc3\xb2\xa1": {binary.LittleEndian, time.Microsecond},
	"\xa1\xb2\x3c\x4d": {binary.BigEndian, time.Nanosecond},
	"\x4d\x3c\xb2\xa1": {binary.LittleEndian, time.Nanosecond},
}

// blocks reads the records of a pcap file of Ethernet frames, which programs
// may see where they were read to. It implements attach.Filler.
type blocks struct {
	of   *Reader
	src  io.Reader
	form pcapForm
	most int    // bytes that a packet may have
	rest []byte // has been read, and is the beginning of a record
}

// Filler gives the way to read whole blocks; nil where packets have to be
// converted, or come out of a format that has none.
func (r *Reader) Filler() attach.Filler {
	if r.blocks == nil {
		return nil
	}
	return r.blocks
}

// Fill implements attach.Filler. What it has not used stays where it is, until
// the next call copies it: no packet lies there.
func (b *blocks) Fill(to *attach.Batch) error {
	buf := to.Room(blockSize)
	n := copy(buf, b.rest)
	for {
		if n == len(buf) {
			buf = to.Room(2 * len(buf))
		}
		m, readErr := b.src.Read(buf[n:])
		n += m
		used, err := b.records(buf[:n], to)
		b.rest = buf[used:n]
		if err == nil && readErr != nil {
			err = b.end(readErr)
		}
		if err != nil || to.Len() > 0 {
			return err
		}
	}
}

// records finds the whole records at the beginning of buf, and returns how many
// bytes they take.
func (b *blocks) records(buf []byte, to *attach.Batch) (used int, err error) {
	for len(buf)-used >= recordHeader {
		h := buf[used : used+recordHeader]
		sec, frac := b.form.order.Uint32(h), b.form.order.Uint32(h[4:])
		captured, length := int(b.form.order.Uint32(h[8:])), int(b.form.order.Uint32(h[12:]))
		if captured > b.most || captured > length {
			return used, fmt.Errorf("packet %d: %d bytes captured of %d, at most %d", b.of.packets+1, captured, length, b.most)
		}
		start := used + recordHeader
		if captured > len(buf)-start {
			return used, nil
		}
		b.of.packets++
		used = start + captured
		// A fraction of more than a second is broken; it wraps as it does in pcapgo.
		to.Add(start, used, length, time.Unix(int64(sec), int64(frac*uint32(b.form.unit))).UTC())
	}
	return used, nil
}

// end tells the end of a capture from one that is cut off.
func (b *blocks) end(err error) error {
	switch {
	case err == io.EOF && len(b.rest) == 0:
		return io.EOF
	case err == io.EOF, err == io.ErrUnexpectedEOF:
		return &TruncatedError{Packets: b.of.packets}
	}
	return fmt.Errorf("packet %d: %w", b.of.packets+1, err)
}
