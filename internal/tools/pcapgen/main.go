// This file defines a command that writes captures for tests and benchmarks.

// Pcapgen writes a synthetic capture, or converts one:
//
//	pcapgen -size 1000 -o big.pcap           1000 MB of TCP and UDP packets of 10,000 flows
//	pcapgen -convert in.pcap -o out.pcapng.gz
//
// A seed makes the same bytes every time.
package main

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"time"

	"github.com/skepbpf/skep/internal/attach"
	"github.com/skepbpf/skep/internal/attach/capture"
)

func main() {
	size := flag.Int64("size", 1000, "size in MB (10^6 bytes)")
	flows := flag.Int("flows", 10_000, "number of flows")
	seed := flag.Uint64("seed", 1, "seed of the packets")
	in := flag.String("convert", "", "capture to convert instead")
	out := flag.String("o", "-", "output (.pcap, .pcapng, .gz)")
	flag.Parse()
	if err := run(*in, *out, *size*1e6, *flows, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "pcapgen:", err)
		os.Exit(1)
	}
}

func run(in, out string, size int64, flows int, seed uint64) error {
	w, err := capture.Create(out)
	if err != nil {
		return err
	}
	if in != "" {
		err = convert(in, w)
	} else {
		err = generate(w, size, flows, rand.New(rand.NewPCG(seed, seed)))
	}
	return errors.Join(err, w.Close())
}

func convert(in string, w attach.Sink) error {
	r, err := capture.Open(in)
	if err != nil {
		return err
	}
	defer r.Close()
	var p attach.Packet
	for {
		if err := r.Next(&p); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if err := w.Write(&p); err != nil {
			return err
		}
	}
}

// generate writes packets until size bytes are reached. Sizes are a mix of
// acknowledgements, middling and full segments, as on real links.
func generate(w attach.Sink, size int64, flows int, rnd *rand.Rand) error {
	const recordHeader = 16
	frame := make([]byte, 1514)
	p := attach.Packet{Time: time.Unix(1_700_000_000, 0)}
	for written := int64(0); written < size; {
		n := frameSizes[rnd.IntN(len(frameSizes))]
		p.Data = fill(frame[:n], rnd.IntN(flows))
		p.Length, p.Time = n, p.Time.Add(time.Duration(rnd.IntN(2000)))
		if err := w.Write(&p); err != nil {
			return err
		}
		written += int64(n) + recordHeader
	}
	return nil
}

var frameSizes = []int{60, 60, 66, 66, 74, 90, 142, 300, 590, 1514}

// fill makes frame a packet of a flow: one in four is UDP, one in eight IPv6.
func fill(frame []byte, flow int) []byte {
	const etherLen, tcp, udp = 14, 6, 17
	proto := byte(tcp)
	if flow%4 == 3 {
		proto = udp
	}
	clear(frame[:60])
	ip := frame[etherLen:]
	var l4 []byte
	if flow%8 == 7 && len(frame) >= 74 {
		binary.BigEndian.PutUint16(frame[12:], 0x86dd)
		ip[0], ip[6], ip[7] = 0x60, proto, 64
		binary.BigEndian.PutUint16(ip[4:], uint16(len(ip)-40))
		copy(ip[8:], "\x20\x01\x0d\xb8")
		copy(ip[24:], "\x20\x01\x0d\xb8")
		binary.BigEndian.PutUint32(ip[20:], uint32(flow))
		ip[39] = 1
		l4 = ip[40:]
	} else {
		binary.BigEndian.PutUint16(frame[12:], 0x0800)
		ip[0], ip[8], ip[9] = 0x45, 64, proto
		binary.BigEndian.PutUint16(ip[2:], uint16(len(ip)))
		binary.BigEndian.PutUint32(ip[12:], 10<<24|uint32(flow))
		binary.BigEndian.PutUint32(ip[16:], 192<<24|2<<8|1)
		l4 = ip[20:]
	}
	binary.BigEndian.PutUint16(l4, uint16(1024+flow%60000))
	binary.BigEndian.PutUint16(l4[2:], 443)
	if proto == tcp {
		l4[12], l4[13] = 5<<4, 0x10
	}
	return frame
}
