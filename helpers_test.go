// This file defines what the tests of this package share.

package skep_test

import (
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/internal/attach"
	"github.com/skepbpf/skep/internal/attach/capture"
)

// Objects and captures that tests share.
const (
	protocolsObject = "examples/protocols/protocols.o"
	flowsObject     = "examples/flows/flows.o"
	kindsObject     = "cmd/skep/testdata/objects/kinds.o"
	badObject       = "cmd/skep/testdata/objects/bad.o"
	mixedCapture    = "testdata/captures/mixed.pcap"
)

func newKernel(tb testing.TB, opts *skep.KernelOptions) *skep.Kernel {
	tb.Helper()
	k, err := skep.NewKernel(opts)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { k.Close() })
	return k
}

func open(tb testing.TB, path string) *skep.Object {
	tb.Helper()
	obj, err := skep.OpenObject(path)
	if err != nil {
		tb.Fatal(err)
	}
	return obj
}

func load(tb testing.TB, k *skep.Kernel, obj *skep.Object, opts *skep.LoadOptions) *skep.Collection {
	tb.Helper()
	c, err := k.Load(obj, opts)
	if err != nil {
		tb.Fatalf("%+v", err)
	}
	tb.Cleanup(func() { c.Close() })
	return c
}

// assemble makes an object of one program, "prog".
func assemble(tb testing.TB, typ ebpf.ProgramType, insns ...asm.Instruction) *skep.Object {
	tb.Helper()
	obj, err := skep.FromCollectionSpec(&ebpf.CollectionSpec{
		Maps: map[string]*ebpf.MapSpec{},
		Programs: map[string]*ebpf.ProgramSpec{
			"prog": {Name: "prog", Type: typ, License: "GPL", Instructions: append(asm.Instructions{}, insns...)},
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return obj
}

// program loads a program that is given as instructions.
func program(tb testing.TB, typ ebpf.ProgramType, insns ...asm.Instruction) *skep.Program {
	tb.Helper()
	return load(tb, newKernel(tb, nil), assemble(tb, typ, insns...), nil).Programs["prog"]
}

// returns is a program that returns a constant.
func returns(v int32) []asm.Instruction {
	return []asm.Instruction{asm.Mov.Imm(asm.R0, v), asm.Return()}
}

// packetsOf reads a capture whole.
func packetsOf(tb testing.TB, path string) [][]byte {
	tb.Helper()
	r, err := capture.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer r.Close()
	var out [][]byte
	var p attach.Packet
	for r.Next(&p) == nil {
		out = append(out, append([]byte(nil), p.Data...))
	}
	if len(out) == 0 {
		tb.Fatal("empty capture")
	}
	return out
}
