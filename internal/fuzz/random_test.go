// This file defines fuzz targets on raw bytes.

package fuzz

import (
	"context"
	"testing"
	"time"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/verify"
)

// encode is a program as bytes.
func encode(code []insn) []byte {
	raw := make([]byte, len(code)*bytecode.InsnSize)
	for i, in := range code {
		in.Encode(raw[i*bytecode.InsnSize:])
	}
	return raw
}

func decode(raw []byte) (code []insn) {
	for ; len(raw) >= bytecode.InsnSize; raw = raw[bytecode.InsnSize:] {
		code = append(code, bytecode.DecodeInsn(raw))
	}
	return code
}

// fuzzLimit bounds the verification of one program, in processed instructions.
const fuzzLimit = 20_000

// FuzzRun: any bytes get a verdict, soon. What is accepted runs in the
// checked interpreter without an access that the verifier did not foresee.
func FuzzRun(f *testing.F) {
	o := Options{Seed: 1}
	for i := range 30 {
		f.Add(uint8(i), encode(o.Sample(i).Prog.Insns))
	}
	for _, u := range unsafePrograms {
		a := &asm{}
		a.place(a.newLabel())
		u.write(a)
		code, _ := a.finish()
		f.Add(uint8(0), encode(code))
	}
	target := *catalog.Linux6_18
	target.Limits.Insns = fuzzLimit
	m, err := newMachine()
	if err != nil {
		f.Fatal(err)
	}
	w := &worker{&fuzzer{opts: Options{Target: &target}, report: newReport(1)}, m}
	f.Fuzz(func(t *testing.T, kind uint8, raw []byte) {
		if len(raw) > 4096 {
			return
		}
		s := &Sample{profile: profiles[int(kind)%len(profiles)]}
		s.Prog = &bytecode.Program{Name: "fuzz", Type: s.profile.typ, License: "GPL", Insns: decode(raw), Maps: dataMaps()}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		v, err := verify.Program(ctx, s.Prog, &verify.Options{Target: &target, Caps: catalog.CapsAll, KeepStates: true})
		if ctx.Err() != nil {
			t.Fatalf("no verdict in time:\n%s", Disassemble(s.Prog))
		}
		if err != nil {
			return
		}
		if err := w.run(s, opinion{verified: v}, nil, newInput(random(1, 1), s.profile), 1); err != nil && violation(s, input{}, err).Class != Unsupported {
			t.Fatalf("%v\n%s", err, Disassemble(s.Prog))
		}
	})
}

// FuzzInsnText: any slot has a text, and encoding is the inverse of decoding.
func FuzzInsnText(f *testing.F) {
	for _, in := range (&Options{Seed: 1}).Sample(0).Prog.Insns {
		f.Add(encode([]insn{in, {}}))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		code := decode(raw)
		if got := encode(code); string(got) != string(raw[:len(got)]) {
			t.Fatalf("%x becomes %x", raw, got)
		}
		p := &bytecode.Program{Insns: code}
		for pc := range code {
			if len(p.AppendInsn(nil, pc, bytecode.Names{})) == 0 {
				t.Fatalf("%x has no text", raw)
			}
		}
	})
}
