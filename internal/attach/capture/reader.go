// This file defines reading captures.

// Package capture reads and writes packet captures: pcap (micro- and
// nanoseconds, either byte order), pcapng, both also compressed with gzip. It
// streams: memory does not grow with the file. It takes file names and gives
// attach.Source and attach.Sink; the command comes next. The root package must
// not import it, so that the library does not carry a capture library.
package capture

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/skepbpf/skep/internal/attach"
)

// Stdin is the file name that means standard input, and standard output to
// Create.
const Stdin = "-"

// bufferSize is large enough that system calls do not count.
const bufferSize = 1 << 18

// TruncatedError says that a capture ends in the middle of a record. The
// packets before it have been read.
type TruncatedError struct {
	Packets uint64 // whole packets
}

func (e *TruncatedError) Error() string {
	return fmt.Sprintf("capture is cut off after packet %d", e.Packets)
}

// Reader reads a capture. It implements attach.Source.
type Reader struct {
	file    io.Closer
	read    *countingReader
	size    int64
	next    format
	framer  *attach.Framer // of the last packet's link type
	packets uint64
	blocks  *blocks // nil: packets come one by one
}

// Open opens a capture; "-" is standard input. Frames that it gives are
// Ethernet whatever the capture's link type (attach.Framer).
func Open(name string) (*Reader, error) {
	if name == Stdin {
		return newReader(io.NopCloser(os.Stdin), os.Stdin, 0)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open capture: %w", err)
	}
	var size int64
	if st, err := f.Stat(); err == nil && st.Mode().IsRegular() {
		size = st.Size()
	}
	r, err := newReader(f, f, size)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("capture %s: %w", name, err)
	}
	return r, nil
}

// New reads a capture from r.
func New(r io.Reader) (*Reader, error) { return newReader(io.NopCloser(r), r, 0) }

func newReader(file io.Closer, src io.Reader, size int64) (*Reader, error) {
	r := &Reader{file: file, read: &countingReader{r: src}, size: size}
	buf := bufio.NewReaderSize(r.read, bufferSize)
	plain, err := decompress(buf)
	if err != nil {
		return nil, err
	}
	if r.next, err = r.openFormat(plain); err != nil {
		return nil, err
	}
	return r, nil
}

func decompress(r *bufio.Reader) (*bufio.Reader, error) {
	magic, err := r.Peek(2)
	if err != nil || !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		return r, nil // too short a file is told by the format
	}
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("gzip: %w", err)
	}
	return bufio.NewReaderSize(z, bufferSize), nil
}

// format is one file format's packets: the library's readers differ in where
// they tell the link type.
type format func() (data []byte, ci gopacket.CaptureInfo, link attach.LinkType, err error)

// openFormat tells pcapng from pcap by the type of its first block.
func (r *Reader) openFormat(src *bufio.Reader) (format, error) {
	magic, err := src.Peek(4)
	if err != nil {
		return nil, fmt.Errorf("%d bytes are no packet capture", len(magic))
	}
	switch {
	case bytes.Equal(magic, []byte{0x0a, 0x0d, 0x0d, 0x0a}):
		return openPcapNG(src)
	case pcapForms[string(magic)].order != nil:
		return r.openPcap(src, pcapForms[string(magic)])
	}
	return nil, errors.New("neither pcap nor pcapng")
}

func (r *Reader) openPcap(src *bufio.Reader, form pcapForm) (format, error) {
	pr, err := pcapgo.NewReader(src)
	if err != nil {
		return nil, fmt.Errorf("pcap header: %w", err)
	}
	link := attach.LinkType(pr.LinkType())
	if link == attach.LinkEthernet {
		r.blocks = &blocks{of: r, src: src, form: form, most: int(max(pr.Snaplen(), maxSnap))}
	}
	return func() ([]byte, gopacket.CaptureInfo, attach.LinkType, error) {
		data, ci, err := pr.ZeroCopyReadPacketData()
		return data, ci, link, err
	}, nil
}

func openPcapNG(r io.Reader) (format, error) {
	ng, err := pcapgo.NewNgReader(r, pcapgo.NgReaderOptions{WantMixedLinkType: true, SkipUnknownVersion: true})
	if err != nil {
		return nil, fmt.Errorf("pcapng header: %w", err)
	}
	return func() ([]byte, gopacket.CaptureInfo, attach.LinkType, error) {
		data, ci, err := ng.ZeroCopyReadPacketData()
		link := attach.LinkEthernet
		if len(ci.AncillaryData) > 0 {
			if l, ok := ci.AncillaryData[0].(layers.LinkType); ok {
				link = attach.LinkType(l)
			}
		}
		return data, ci, link, err
	}, nil
}

// Next implements attach.Source. A capture that ends in the middle of a record
// gives a *TruncatedError.
func (r *Reader) Next(p *attach.Packet) error {
	data, ci, link, err := r.next()
	if err != nil {
		return r.explain(err, ci)
	}
	r.packets++
	if r.framer == nil || r.framer.Link() != link {
		if r.framer, err = attach.NewFramer(link); err != nil {
			return fmt.Errorf("packet %d: %w", r.packets, err)
		}
	}
	p.Data, p.Length, p.Time = data, max(ci.Length, len(data)), ci.Timestamp
	r.framer.Frame(p)
	return nil
}

// explain tells the end of a capture from one that is cut off: the library
// gives io.EOF, too, for a record whose data is missing altogether.
func (r *Reader) explain(err error, ci gopacket.CaptureInfo) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF) && ci.CaptureLength > 0:
		return &TruncatedError{Packets: r.packets}
	case errors.Is(err, io.EOF):
		return io.EOF
	}
	return fmt.Errorf("packet %d: %w", r.packets+1, err)
}

// Progress returns how many bytes of the file were read, and its size; 0 when
// that is unknown. It may be called from any goroutine.
func (r *Reader) Progress() (read, size int64) { return r.read.n.Load(), r.size }

// Close closes the file.
func (r *Reader) Close() error { return r.file.Close() }

type countingReader struct {
	r io.Reader
	n atomic.Int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}
