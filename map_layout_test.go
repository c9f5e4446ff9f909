// This file tests the comparison of Go types with BTF.

package skep_test

import (
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/skepbpf/skep"
)

// TestMapOfBTF: a Go type must have its numbers where the map's BTF has them.
func TestMapOfBTF(t *testing.T) {
	u8, u16 := &btf.Int{Name: "u8", Size: 1}, &btf.Int{Name: "u16", Size: 2}
	u32, u64 := &btf.Int{Name: "u32", Size: 4}, &btf.Int{Name: "u64", Size: 8}
	event := &btf.Struct{Name: "event", Size: 32, Members: []btf.Member{
		{Name: "addr", Type: u32},
		{Name: "port", Type: u16, Offset: 32},
		{Name: "flags", Type: u16, Offset: 48},
		{Name: "mac", Type: &btf.Array{Type: u8, Index: u32, Nelems: 8}, Offset: 64},
		{Name: "any", Type: &btf.Union{Name: "any", Size: 8, Members: []btf.Member{{Name: "a", Type: u64}, {Name: "b", Type: u32}}}, Offset: 128},
		{Name: "time", Type: u64, Offset: 192},
	}}
	m := newMap(t, ebpf.MapSpec{Type: ebpf.Hash, KeySize: 4, ValueSize: 32, MaxEntries: 1, Key: u32, Value: event})
	type same struct {
		Addr        uint32
		Port, Flags uint16
		MAC         [8]byte
		Any         [2]uint32
		Time        int64
	}
	type asBytes struct {
		Addr [4]byte
		Rest [4]byte
		MAC  uint64 // any number may stand for bytes
		Any  uint64
		Time [8]byte
	}
	type swapped struct {
		Port, Flags uint16
		Addr        uint32
		MAC         [8]byte
		Any, Time   uint64
	}
	type joined struct {
		Addr, PortFlags uint32
		MAC             [8]byte
		Any, Time       uint64
	}
	for _, c := range []struct {
		name string
		err  error
		text string
	}{
		{"same", second(skep.MapOf[uint32, same](m)), ""},
		{"as bytes", second(skep.MapOf[uint32, asBytes](m)), ""},
		{"raw", second(skep.MapOf[[4]byte, [32]byte](m)), ""},
		{"swapped", second(skep.MapOf[uint32, swapped](m)), "field .Port has bytes 0 to 2, but .addr of the map's BTF has 0 to 4"},
		{"joined", second(skep.MapOf[uint32, joined](m)), "field .PortFlags has bytes 4 to 8, but .port of the map's BTF has 4 to 6"},
	} {
		if c.text == "" && c.err != nil || c.text != "" && (c.err == nil || !strings.Contains(c.err.Error(), c.text)) {
			t.Errorf("%s: %v, want %q", c.name, c.err, c.text)
		}
	}
}
