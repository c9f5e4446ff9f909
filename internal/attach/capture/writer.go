// This file defines writing captures.

package capture

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/skepbpf/skep/internal/attach"
)

// snapLen is what the files that Create makes declare: no packet is longer.
const snapLen = 1 << 18

// Writer writes a capture. It implements attach.Sink.
type Writer struct {
	write   func(gopacket.CaptureInfo, []byte) error
	closers []func() error // in the order of closing
	packets uint64
}

// Create makes a capture of Ethernet frames: pcap with nanoseconds, pcapng
// where the name ends with .pcapng, compressed where it ends with .gz; "-" is
// standard output.
func Create(name string) (*Writer, error) {
	if name == Stdin {
		return newWriter(os.Stdout, name)
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, fmt.Errorf("create capture: %w", err)
	}
	w, err := newWriter(f, name)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("capture %s: %w", name, err), f.Close())
	}
	w.closers = append(w.closers, f.Close)
	return w, nil
}

func newWriter(dst io.Writer, name string) (*Writer, error) {
	w := &Writer{}
	buf := bufio.NewWriterSize(dst, bufferSize)
	out := io.Writer(buf)
	if strings.HasSuffix(name, ".gz") {
		z := gzip.NewWriter(buf)
		w.closers = append(w.closers, z.Close)
		out = z
	}
	w.closers = append(w.closers, buf.Flush)
	if strings.HasSuffix(strings.TrimSuffix(name, ".gz"), ".pcapng") {
		return w, w.startPcapNG(out)
	}
	return w, w.startPcap(out)
}

func (w *Writer) startPcap(out io.Writer) error {
	pw := pcapgo.NewWriterNanos(out)
	w.write = pw.WritePacket
	return pw.WriteFileHeader(snapLen, layers.LinkTypeEthernet)
}

func (w *Writer) startPcapNG(out io.Writer) error {
	ifi := pcapgo.NgInterface{LinkType: layers.LinkTypeEthernet, SnapLength: snapLen, TimestampResolution: 9}
	options := pcapgo.NgWriterOptions{SectionInfo: pcapgo.NgSectionInfo{Application: "skep"}}
	nw, err := pcapgo.NewNgWriterInterface(out, ifi, options)
	if err != nil {
		return err
	}
	w.write = nw.WritePacket
	w.closers = append([]func() error{nw.Flush}, w.closers...)
	return nil
}

// Write implements attach.Sink.
func (w *Writer) Write(p *attach.Packet) error {
	w.packets++
	info := gopacket.CaptureInfo{Timestamp: p.Time, CaptureLength: len(p.Data), Length: max(p.Length, len(p.Data))}
	if err := w.write(info, p.Data); err != nil {
		return fmt.Errorf("write packet %d: %w", w.packets, err)
	}
	return nil
}

// Close writes what is buffered and closes the file.
func (w *Writer) Close() error {
	var errs []error
	for _, c := range w.closers {
		errs = append(errs, c())
	}
	return errors.Join(errs...)
}
