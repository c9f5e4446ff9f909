// This file defines mutation: the second source of programs.

package fuzz

import (
	"math/rand/v2"

	"github.com/skepbpf/skep/internal/bytecode"
)

func mutated(r *rand.Rand, corpus []*bytecode.Program) *Sample {
	return generate(r)
}
