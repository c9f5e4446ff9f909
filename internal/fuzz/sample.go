// This file defines Sample, one program of a run and where it comes from.

package fuzz

import (
	"math/rand/v2"

	"github.com/skepbpf/skep/internal/bytecode"
)

// Sample is one program.
type Sample struct {
	Index  int    // in the run
	Origin string // "generated", or the selftest that it was mutated from
	Prog   *bytecode.Program

	profile    *profile // nil: it is not run
	clean      bool     // no rule was broken on purpose
	comparable bool     // the kernel's test run must give what Skep's does
}

// Sample gives program i of a run.
func (o *Options) Sample(i int) *Sample {
	r := random(o.Seed, i)
	var s *Sample
	if len(o.Corpus) > 0 && r.Float64() < o.Mutate {
		s = mutated(r, o.Corpus)
	} else {
		s = generate(r, o.Target, o.Topics)
	}
	s.Index = i
	return s
}

// random gives the random numbers of sample i of a run.
func random(seed uint64, i int) *rand.Rand {
	return rand.New(rand.NewPCG(seed, uint64(i)))
}
