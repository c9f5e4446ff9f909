// This file tests verdicts and the conversion of link layers.

package attach

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/skepbpf/skep/internal/bytecode"
)

func TestKeep(t *testing.T) {
	const unspec = 1<<32 - 1
	for _, row := range []struct {
		name    string
		typ     bytecode.ProgType
		ret     uint32
		keep    int // of 100 bytes
		verdict string
	}{
		{"xdp aborted", bytecode.ProgXDP, 0, 0, "XDP_ABORTED"},
		{"xdp drop", bytecode.ProgXDP, 1, 0, "XDP_DROP"},
		{"xdp pass", bytecode.ProgXDP, 2, 100, "XDP_PASS"},
		{"xdp sent back", bytecode.ProgXDP, 3, 0, "XDP_TX"},
		{"xdp sent on", bytecode.ProgXDP, 4, 0, "XDP_REDIRECT"},
		{"xdp unknown is aborted", bytecode.ProgXDP, 77, 0, ""},
		{"tc unspec", bytecode.ProgSchedCLS, unspec, 100, "TC_ACT_UNSPEC"},
		{"tc ok", bytecode.ProgSchedCLS, 0, 100, "TC_ACT_OK"},
		{"tc shot", bytecode.ProgSchedCLS, 2, 0, "TC_ACT_SHOT"},
		{"tc pipe", bytecode.ProgSchedCLS, 3, 100, "TC_ACT_PIPE"},
		{"tc stolen", bytecode.ProgSchedACT, 4, 0, "TC_ACT_STOLEN"},
		{"tc redirect", bytecode.ProgSchedCLS, 7, 0, "TC_ACT_REDIRECT"},
		{"tc trap", bytecode.ProgSchedCLS, 8, 0, "TC_ACT_TRAP"},
		{"socket drops", bytecode.ProgSocketFilter, 0, 0, "drop"},
		{"socket cuts", bytecode.ProgSocketFilter, 60, 60, ""},
		{"socket takes all", bytecode.ProgSocketFilter, 1 << 31, 100, ""},
		{"socket takes all by -1", bytecode.ProgSocketFilter, unspec, 100, ""},
		{"cgroup drops", bytecode.ProgCgroupSKB, 0, 0, "drop"},
		{"cgroup passes", bytecode.ProgCgroupSKB, 1, 100, "pass"},
		{"cgroup passes, congested", bytecode.ProgCgroupSKB, 3, 100, "pass, congested"},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := HookOf(row.typ)
			if got := h.Keep(row.ret, 100); got != row.keep {
				t.Errorf("keeps %d bytes, want %d", got, row.keep)
			}
			if got := h.Verdict(row.ret); got != row.verdict {
				t.Errorf("verdict %q, want %q", got, row.verdict)
			}
		})
	}
	if HookOf(bytecode.ProgKprobe) != nil {
		t.Error("kprobes see packets")
	}
}

func TestFrame(t *testing.T) {
	const (
		v4    = "\x45\x00rest"
		v6    = "\x60\x00rest"
		zeros = "\x00\x00\x00\x00\x00\x00"
		mac   = "\x02\x00\x00\x00\x00\x01"
	)
	sll := "\x00\x00\x00\x01\x00\x06" + mac + "\x00\x00"
	sll2 := "\x08\x00\x00\x00\x00\x00\x00\x01\x00\x01\x00\x06" + mac + "\x00\x00"
	for _, row := range []struct {
		name     string
		link     LinkType
		in, want string
	}{
		{"Ethernet stays", LinkEthernet, "anything", "anything"},
		{"raw IPv4", LinkRaw, v4, zeros + zeros + "\x08\x00" + v4},
		{"raw IPv6", LinkRaw, v6, zeros + zeros + "\x86\xdd" + v6},
		{"raw IP that is neither", LinkRaw, "\x00x", zeros + zeros + "\x00\x00\x00x"},
		{"raw IP, empty", LinkIPv4, "", zeros + zeros + "\x00\x00"},
		{"loopback, little-endian", LinkNull, "\x02\x00\x00\x00" + v4, zeros + zeros + "\x08\x00" + v4},
		{"loopback, big-endian", LinkLoop, "\x00\x00\x00\x18" + v6, zeros + zeros + "\x86\xdd" + v6},
		{"loopback, short", LinkLoop, "\x00\x00", zeros + zeros + "\x00\x00\x00\x00"},
		{"cooked", LinkSLL, sll + "\x08\x00" + v4, zeros + mac + "\x08\x00" + v4},
		{"cooked, short", LinkSLL, "xx", zeros + zeros + "\x00\x00xx"},
		{"cooked 2", LinkSLL2, sll2 + v4, zeros + mac + "\x08\x00" + v4},
	} {
		t.Run(row.name, func(t *testing.T) {
			f, err := NewFramer(row.link)
			if err != nil {
				t.Fatal(err)
			}
			p := Packet{Data: []byte(row.in), Length: len(row.in) + 1000}
			f.Frame(&p)
			if !bytes.Equal(p.Data, []byte(row.want)) {
				t.Errorf("frame %x\nwant  %x", p.Data, row.want)
			}
			if p.Length != len(row.want)+1000 {
				t.Errorf("length on the wire %d, want %d", p.Length, len(row.want)+1000)
			}
		})
	}
	if _, err := NewFramer(105); err == nil {
		t.Error("frames of link type 105 (802.11)")
	}
}

// counting is a source of packets that tell their number.
type counting struct {
	n, end int
	buf    [300]byte
	closed bool
}

func (c *counting) Next(p *Packet) error {
	if c.n == c.end {
		return io.ErrUnexpectedEOF
	}
	data := c.buf[:c.n%len(c.buf)]
	for i := range data {
		data[i] = byte(c.n)
	}
	p.Data, p.Length, p.Time = data, c.n, time.Unix(int64(c.n), 0)
	c.n++
	return nil
}

func (c *counting) Close() error {
	c.closed = true
	return nil
}

// TestReadAhead: the same packets in the same order, then the source's error.
func TestReadAhead(t *testing.T) {
	for _, end := range []int{0, 1, batchPackets, batchPackets + 1, 5000} {
		src := &counting{end: end}
		a := ReadAhead(src)
		var p Packet
		for i := range end {
			if err := a.Next(&p); err != nil {
				t.Fatalf("packet %d of %d: %v", i, end, err)
			}
			want := bytes.Repeat([]byte{byte(i)}, i%len(src.buf))
			if p.Length != i || p.Time.Unix() != int64(i) || !bytes.Equal(p.Data, want) {
				t.Fatalf("packet %d of %d: %+v", i, end, p)
			}
		}
		for range 2 {
			if err := a.Next(&p); err != io.ErrUnexpectedEOF {
				t.Errorf("after %d packets: %v", end, err)
			}
		}
		if err := a.Close(); err != nil || !src.closed {
			t.Errorf("close: %v", err)
		}
	}
}

// slow gives a packet each time that somebody allows it.
type slow struct {
	allow chan struct{}
	counting
}

func (s *slow) Next(p *Packet) error {
	<-s.allow
	return s.counting.Next(p)
}

// TestReadAheadHoldsNothingBack: a packet is given before the next one comes.
func TestReadAheadHoldsNothingBack(t *testing.T) {
	src := &slow{make(chan struct{}), counting{end: 10}}
	a := ReadAhead(src)
	defer close(src.allow)
	var p Packet
	for i := range 3 {
		src.allow <- struct{}{}
		if err := a.Next(&p); err != nil || p.Length != i {
			t.Fatalf("packet %d: %+v, %v", i, p, err)
		}
	}
}
