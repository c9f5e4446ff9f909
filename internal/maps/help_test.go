// This file defines what the tests of this package share.

package maps

import (
	"encoding/binary"
	"testing"
	"unsafe"

	"github.com/skepbpf/skep/internal/bytecode"
)

// open makes a map that goes with the test.
func open(t testing.TB, env *Env, s bytecode.MapSpec) *Map {
	t.Helper()
	m, err := New(env, &s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Release() })
	return m
}

// k8 and k4 are numbers as keys and values.
func k8(n uint64) []byte { return binary.NativeEndian.AppendUint64(nil, n) }
func k4(n uint32) []byte { return binary.NativeEndian.AppendUint32(nil, n) }

// cell is memory that a program could have a key or value in.
func cell(b []byte) uintptr { return addr(unsafe.Pointer(unsafe.SliceData(b))) }

func hashSpec(key, value, max uint32) bytecode.MapSpec {
	return bytecode.MapSpec{Name: "h", Type: bytecode.MapHash, KeySize: key, ValueSize: value, MaxEntries: max}
}

func arraySpec(value, max uint32) bytecode.MapSpec {
	return bytecode.MapSpec{Name: "a", Type: bytecode.MapArray, KeySize: 4, ValueSize: value, MaxEntries: max}
}
