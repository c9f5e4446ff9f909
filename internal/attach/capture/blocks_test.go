// This file tests that reading in blocks gives what reading one by one gives.

package capture

import (
	"bytes"
	"errors"
	"io"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/skepbpf/skep/internal/attach"
)

// readAhead is readAll by way of attach.ReadAhead.
func readAhead(r *Reader) (packets []attach.Packet, err error) {
	a := attach.ReadAhead(r)
	defer a.Close()
	for {
		var p attach.Packet
		if err := a.Next(&p); err != nil {
			return packets, err
		}
		p.Data = bytes.Clone(p.Data)
		packets = append(packets, p)
	}
}

// end is the kind of an error that ends a capture.
func end(err error) string {
	var cut *TruncatedError
	switch {
	case errors.As(err, &cut):
		return cut.Error()
	case err == io.EOF:
		return "EOF"
	}
	return "other"
}

// sameAhead reads a capture in both ways.
func sameAhead(t *testing.T, name string, open func() io.Reader) {
	t.Helper()
	one, err1 := New(open())
	two, err2 := New(open())
	if err1 != nil || err2 != nil {
		if end(err1) != end(err2) {
			t.Errorf("%s: %v, in blocks %v", name, err1, err2)
		}
		return
	}
	want, err1 := readAll(one)
	got, err2 := readAhead(two)
	if end(err1) != end(err2) || len(got) != len(want) {
		t.Fatalf("%s: %d packets, %v; in blocks %d, %v", name, len(want), err1, len(got), err2)
	}
	for i := range want {
		if !bytes.Equal(got[i].Data, want[i].Data) || got[i].Length != want[i].Length || !reflect.DeepEqual(got[i].Time, want[i].Time) {
			t.Fatalf("%s: packet %d: %+v, in blocks %+v", name, i+1, want[i], got[i])
		}
	}
}

func TestBlocks(t *testing.T) {
	files := map[string][]byte{"two": twoPackets(t, "a.pcap"), "long": longPackets(t)}
	for _, name := range []string{"mixed.pcap", "loopback.pcapng.gz", "vlan.pcap", "cooked.pcap"} {
		b, err := os.ReadFile(captures + name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = b
	}
	for name, b := range files {
		sameAhead(t, name, func() io.Reader { return bytes.NewReader(b) })
		sameAhead(t, name+" by halves", func() io.Reader { return iotest.HalfReader(bytes.NewReader(b)) })
		sameAhead(t, name+" with the end", func() io.Reader { return iotest.DataErrReader(bytes.NewReader(b)) })
	}
	for cut := range files["two"] {
		b := files["two"][:cut]
		sameAhead(t, "cut", func() io.Reader { return bytes.NewReader(b) })
	}
}

// longPackets is a capture of many packets, some of them longer than a block.
func longPackets(t *testing.T) []byte {
	var file bytes.Buffer
	w, err := newWriter(&file, "a.pcap")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3000 {
		n := i % 1500
		if i%1000 == 999 {
			n = blockSize + i
		}
		if err := w.Write(&attach.Packet{Data: bytes.Repeat([]byte{byte(i)}, n), Length: n + i, Time: time.Unix(int64(i), 0)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// Records whose lengths cannot be are an error after the packets before them.
func TestBlocksBadRecords(t *testing.T) {
	const header = "\xd4\xc3\xb2\xa1\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x01\x00\x00\x00"
	const good = "\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00x"
	for name, bad := range map[string]string{
		"longer than the packet": "\x00\x00\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x02\x00\x00\x00xxx",
		"longer than can be":     "\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\x7f\xff\xff\xff\x7fxxx",
	} {
		r, err := New(strings.NewReader(header + good + bad))
		if err != nil {
			t.Fatal(err)
		}
		packets, err := readAhead(r)
		if len(packets) != 1 || err == nil || !strings.HasPrefix(err.Error(), "packet 2: ") {
			t.Errorf("%s: %d packets, then %v", name, len(packets), err)
		}
	}
}
