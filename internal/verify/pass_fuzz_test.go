// This file defines the fuzz target of the static passes.

package verify

import (
	"testing"

	"github.com/skepbpf/skep/internal/bytecode"
)

// FuzzShape: any instructions get a shape or a rejection, and print.
func FuzzShape(f *testing.F) {
	for _, tt := range structureTests {
		var raw []byte
		for _, in := range tt.insns[:min(len(tt.insns), 64)] {
			var slot [bytecode.InsnSize]byte
			in.Encode(slot[:])
			raw = append(raw, slot[:]...)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		p := &bytecode.Program{Type: bytecode.ProgSocketFilter, Maps: wideArray}
		for ; len(raw) >= bytecode.InsnSize; raw = raw[bytecode.InsnSize:] {
			p.Insns = append(p.Insns, bytecode.DecodeInsn(raw))
		}
		if checkLength(p, testEnv()) != nil {
			return
		}
		s, log, r := findShape(p, testEnv(), testNames)
		if (s == nil) == (r == nil) {
			t.Fatalf("shape %v, rejection %v", s, r)
		}
		if r == nil && len(log) == 0 {
			t.Fatal("no log")
		}
		for pc := range p.Insns {
			if text := p.AppendInsn(nil, pc, testNames); len(text) == 0 {
				t.Fatalf("insn %d has no text", pc)
			}
			reservedFields(p.Insns[pc])
		}
	})
}
