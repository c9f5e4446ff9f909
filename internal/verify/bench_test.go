package verify_test

import (
	"context"
	"os"
	"testing"

	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/object"
	"github.com/skepbpf/skep/internal/verify"
)

// BenchmarkVerify verifies the flow counter of examples/, which parses packets
// through many branches.
func BenchmarkVerify(b *testing.B) {
	f, err := os.Open("../../examples/flows/flows.o")
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	o, err := object.Read(f)
	if err != nil {
		b.Fatal(err)
	}
	l, err := o.Link(&object.Env{}, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	processed := 0
	for b.Loop() {
		v, err := verify.Program(context.Background(), l.Programs[0], &verify.Options{Target: catalog.Linux6_18, Caps: catalog.CapsAll})
		if err != nil {
			b.Fatal(err)
		}
		processed = v.Stats().Processed
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(processed), "ns/insn")
}
