// This file defines Sample, one program of a run and where it comes from.

package fuzz

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
)

// Sample is one program.
type Sample struct {
	Index  int    // in the run
	Origin string // "generated", or the selftest that it was mutated from
	Prog   *bytecode.Program

	profile    *profile
	comparable bool // the kernel's test run must give what Skep's does
}

// random gives the random numbers of sample i of a run.
func random(seed uint64, i int) *rand.Rand {
	return rand.New(rand.NewPCG(seed, uint64(i)))
}

// Text is the program for people: one instruction a line.
func (s *Sample) Text() string { return Disassemble(s.Prog) }

// Disassemble is a program for people: one instruction a line.
func Disassemble(p *bytecode.Program) string {
	var b strings.Builder
	fmt.Fprintf(&b, "type %d, flags %#x, %d instructions\n", p.Type, p.Flags, len(p.Insns))
	for i, m := range p.Maps {
		fmt.Fprintf(&b, "map %d: %s, type %d, key %d, value %d, entries %d\n", i, m.Name, m.Type, m.KeySize, m.ValueSize, m.MaxEntries)
	}
	names := bytecode.Names{Helper: catalog.HelperName}
	for pc := 0; pc < len(p.Insns); pc += p.Insns[pc].Width() {
		in := p.Insns[pc]
		fmt.Fprintf(&b, "%4d: %s", pc, p.AppendInsn(nil, pc, names))
		if in.IsLdImm64() && in.Src != 0 {
			fmt.Fprintf(&b, " (names %d of kind %d)", in.Imm, in.Src)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
