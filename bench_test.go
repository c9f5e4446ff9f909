// This file measures the hot path, and a program that does real work.

package skep_test

import (
	"testing"

	"github.com/cilium/ebpf"
)

// BenchmarkRunEmpty is the price of a run itself.
func BenchmarkRunEmpty(b *testing.B) {
	p := program(b, ebpf.XDP, returns(2)...)
	pkt := make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Run(pkt); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFlows parses recorded packets and counts them in a hash map.
func BenchmarkFlows(b *testing.B) {
	p := load(b, newKernel(b, nil), open(b, flowsObject), nil).Programs["flow_count"]
	packets := packetsOf(b, mixedCapture)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := p.Run(packets[i%len(packets)]); err != nil {
			b.Fatal(err)
		}
	}
}
