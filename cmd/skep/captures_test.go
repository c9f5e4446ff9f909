// This file tests the packets per protocol of the committed captures against
// what tcpdump counts.

package main

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/internal/attach"
	"github.com/skepbpf/skep/internal/attach/capture"
)

var update = flag.Bool("update", false, "write the golden counts anew, from tcpdump")

const (
	captureDir = "../../testdata/captures"
	golden     = captureDir + "/counts.tsv"
)

var captureFiles = []string{"mixed.pcap", "loopback.pcapng.gz", "vlan.pcap", "cooked.pcap"}

// TestCaptures compares the protocols example with the golden counts.
func TestCaptures(t *testing.T) {
	if *update {
		writeGolden(t)
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	for _, file := range captureFiles {
		counts := countWithSkep(t, filepath.Join(captureDir, file))
		writeCounts(&got, file, counts[:])
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("counted\n%swant\n%s", got.Bytes(), want)
	}
}

// TestCapturesAgainstTcpdump compares the golden counts with tcpdump's.
func TestCapturesAgainstTcpdump(t *testing.T) {
	if _, err := exec.LookPath("tcpdump"); err != nil {
		t.Skip("tcpdump is missing")
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got := goldenFromTcpdump(t); !bytes.Equal(got, want) {
		t.Errorf("tcpdump counts\n%swant\n%s", got, want)
	}
}

func writeGolden(t *testing.T) {
	t.Helper()
	if err := os.WriteFile(golden, goldenFromTcpdump(t), 0o644); err != nil {
		t.Fatal(err)
	}
}

func writeCounts(w io.Writer, file string, counts []uint64) {
	for protocol, n := range counts {
		if n > 0 {
			fmt.Fprintf(w, "%s\t%d\t%d\n", file, protocol, n)
		}
	}
}

func countWithSkep(t *testing.T, file string) (counts [256]uint64) {
	t.Helper()
	obj, err := skep.OpenObject("../../examples/protocols/protocols.o")
	if err != nil {
		t.Fatal(err)
	}
	k, err := newKernel(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	c, err := k.Load(obj, nil)
	if err != nil {
		t.Fatalf("%+v", err)
	}
	defer c.Close()
	r, err := capture.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var p attach.Packet
	for r.Next(&p) == nil {
		if _, err := c.Programs["protocols"].Run(p.Data); err != nil {
			t.Fatal(err)
		}
	}
	packets, err := skep.MapOf[uint32, uint64](c.Maps["packets"])
	if err != nil {
		t.Fatal(err)
	}
	for protocol, n := range packets.All() {
		counts[protocol] = n
	}
	return counts
}

func goldenFromTcpdump(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, file := range captureFiles {
		path := plain(t, filepath.Join(captureDir, file))
		var counts [256]uint64
		for _, protocol := range []int{0, 1, 2, 6, 17, 41, 47, 50, 58, 59, 60, 132} {
			counts[protocol] = countWithTcpdump(t, path, protocol)
		}
		writeCounts(&out, file, counts[:])
	}
	return out.Bytes()
}

// countWithTcpdump counts packets of a protocol: the one that the IP header
// names, or the fragment header behind an IPv6 header, below up to two VLAN tags.
func countWithTcpdump(t *testing.T, path string, protocol int) uint64 {
	t.Helper()
	ip := fmt.Sprintf("(ip proto %[1]d or (ip6 and (ip6[6] = %[1]d or (ip6[6] = 44 and ip6[40] = %[1]d))))", protocol)
	filter := fmt.Sprintf("%[1]s or (vlan and (%[1]s or (vlan and %[1]s)))", ip)
	if strings.Contains(path, "cooked") {
		filter = ip // a cooked header has no VLAN tags
	}
	b, err := exec.Command("tcpdump", "-n", "-t", "-q", "-r", path, filter).Output()
	if err != nil {
		t.Fatalf("tcpdump -r %s %q: %v", path, filter, err)
	}
	return uint64(bytes.Count(b, []byte("\n")))
}

// plain gives the name of an uncompressed copy, which is all that tcpdump reads.
func plain(t *testing.T, path string) string {
	t.Helper()
	if !strings.HasSuffix(path, ".gz") {
		return path
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), strings.TrimSuffix(filepath.Base(path), ".gz"))
	if err := os.WriteFile(out, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return out
}
