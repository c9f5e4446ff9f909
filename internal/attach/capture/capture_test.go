// This file tests reading and writing captures.

package capture

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/skepbpf/skep/internal/attach"
)

const captures = "../../../testdata/captures/"

// readAll returns copies of all packets and what ended the capture.
func readAll(r *Reader) (packets []attach.Packet, err error) {
	for {
		var p attach.Packet
		if err := r.Next(&p); err != nil {
			return packets, err
		}
		p.Data = bytes.Clone(p.Data)
		packets = append(packets, p)
	}
}

func TestRecorded(t *testing.T) {
	for _, row := range []struct {
		file    string
		packets int
	}{
		{"mixed.pcap", 103},
		{"loopback.pcapng.gz", 144},
		{"vlan.pcap", 14},
		{"cooked.pcap", 30},
	} {
		t.Run(row.file, func(t *testing.T) {
			r, err := Open(captures + row.file)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			packets, err := readAll(r)
			if err != io.EOF || len(packets) != row.packets {
				t.Errorf("%d packets, then %v; want %d", len(packets), err, row.packets)
			}
			for i, p := range packets {
				if len(p.Data) < 14 || p.Length < len(p.Data) || p.Time.Year() < 2020 {
					t.Errorf("packet %d: %d bytes of %d at %v", i+1, len(p.Data), p.Length, p.Time)
				}
			}
			if read, size := r.Progress(); read != size || size == 0 {
				t.Errorf("progress %d of %d at the end", read, size)
			}
		})
	}
}

// TestRoundTrip writes packets in every format and reads them again.
func TestRoundTrip(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 123456789, time.UTC)
	want := []attach.Packet{
		{Data: []byte("0123456789abcdef"), Length: 16, Time: at},
		{Data: []byte("cut"), Length: 1500, Time: at.Add(time.Second)},
	}
	for _, name := range []string{"a.pcap", "a.pcap.gz", "a.pcapng", "a.pcapng.gz"} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), name)
			w, err := Create(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range want {
				if err := w.Write(&p); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			r, err := Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			got, err := readAll(r)
			if err != io.EOF || len(got) != len(want) {
				t.Fatalf("%d packets, then %v", len(got), err)
			}
			for i, p := range got {
				if !bytes.Equal(p.Data, want[i].Data) || p.Length != want[i].Length || !p.Time.Equal(want[i].Time) {
					t.Errorf("packet %d: %+v, want %+v", i, p, want[i])
				}
			}
		})
	}
}

// TestCutOff cuts a capture at every byte: the packets before the cut are read,
// and the end is told from a capture that was cut.
func TestCutOff(t *testing.T) {
	for _, name := range []string{"a.pcap", "a.pcapng"} {
		t.Run(name, func(t *testing.T) {
			whole := twoPackets(t, name)
			starts := recordStarts(t, whole)
			for cut := starts[0]; cut < len(whole); cut++ {
				r, err := New(bytes.NewReader(whole[:cut]))
				if err != nil {
					t.Fatalf("cut at %d: %v", cut, err)
				}
				packets, err := readAll(r)
				before := 0
				for _, s := range starts[1:] {
					if cut >= s {
						before++
					}
				}
				var cutOff *TruncatedError
				switch atRecord := cut == starts[before]; {
				case len(packets) != before:
					t.Errorf("cut at %d: %d packets, want %d", cut, len(packets), before)
				case atRecord && err != io.EOF:
					t.Errorf("cut between records at %d: %v", cut, err)
				case !atRecord && (!errors.As(err, &cutOff) || cutOff.Packets != uint64(before)):
					t.Errorf("cut at %d: %v", cut, err)
				}
			}
		})
	}
}

func twoPackets(t *testing.T, name string) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	w, err := Create(file)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := w.Write(&attach.Packet{Data: []byte("0123456789abcdef"), Length: 16, Time: time.Unix(1, 0)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// recordStarts are where the packets begin, and the end.
func recordStarts(t *testing.T, b []byte) []int {
	t.Helper()
	const pcapHeader, pcapRecord = 24, 16 + 16
	if pcapForms[string(b[:4])].order != nil {
		return []int{pcapHeader, pcapHeader + pcapRecord, len(b)}
	}
	var out []int
	for off := 0; off < len(b); {
		const enhancedPacket = 6
		if binary.LittleEndian.Uint32(b[off:]) == enhancedPacket {
			out = append(out, off)
		}
		off += int(binary.LittleEndian.Uint32(b[off+4:]))
	}
	return append(out, len(b))
}

func TestBadCaptures(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write([]byte("not a capture either"))
	z.Close()
	wifi := "\xd4\xc3\xb2\xa1\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x04\x00\x69\x00\x00\x00"
	huge := "\xd4\xc3\xb2\xa1\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\x01\x00\x00\x00" +
		"\x00\x00\x00\x00\x00\x00\x00\x00\xf0\xff\xff\x7f\xf0\xff\xff\x7fx"
	for _, row := range []struct{ name, in, err string }{
		{"empty", "", "0 bytes are no packet capture"},
		{"short", "ab", "2 bytes are no packet capture"},
		{"text", "hello, world", "neither pcap nor pcapng"},
		{"zipped text", zipped.String(), "neither pcap nor pcapng"},
		{"cut-off header", "\xd4\xc3\xb2\xa1\x02\x00", "pcap header"},
		{"cut-off pcapng", "\x0a\x0d\x0d\x0a\x1c", "pcapng header"},
		{"wireless", wifi + strings.Repeat("\x00", 16), "link type 105"},
		{"record of 2 GB", huge, "cut off after packet 0"},
	} {
		t.Run(row.name, func(t *testing.T) {
			r, err := New(strings.NewReader(row.in))
			if err == nil {
				_, err = readAll(r)
			}
			if err == nil || !strings.Contains(err.Error(), row.err) {
				t.Errorf("error %v, want %q", err, row.err)
			}
		})
	}
	if _, err := Open("no/such/file"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
}

// FuzzReader reads arbitrary bytes: no panic, no endless loop.
func FuzzReader(f *testing.F) {
	for _, name := range []string{"vlan.pcap", "loopback.pcapng.gz", "cooked.pcap"} {
		b, err := os.ReadFile(captures + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b[:min(len(b), 2000)])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := New(bytes.NewReader(b))
		if err != nil {
			return
		}
		if len(b) < 1000 {
			sameAhead(t, "fuzzed", func() io.Reader { return bytes.NewReader(b) })
		}
		var p attach.Packet
		for range len(b) + 1 {
			if r.Next(&p) != nil {
				return
			}
			if p.Length < len(p.Data) {
				t.Fatalf("%d bytes of %d", len(p.Data), p.Length)
			}
		}
		if len(b) < 1000 { // compressed input may hold many packets
			t.Error("more packets than bytes")
		}
	})
}

// BenchmarkReader measures a packet of 100 bytes.
func BenchmarkReader(b *testing.B) {
	var file bytes.Buffer
	w, err := newWriter(&file, "a.pcap")
	if err != nil {
		b.Fatal(err)
	}
	const packets = 10_000
	for range packets {
		if err := w.Write(&attach.Packet{Data: make([]byte, 100), Length: 100}); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	var r *Reader
	var p attach.Packet
	for i := 0; b.Loop(); i++ {
		if i%packets == 0 {
			if r, err = New(bytes.NewReader(file.Bytes())); err != nil {
				b.Fatal(err)
			}
		}
		if err := r.Next(&p); err != nil {
			b.Fatal(err)
		}
	}
}
