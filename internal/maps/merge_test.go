// This file tests merging.

package maps

import (
	"testing"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/errno"
)

func TestMerge(t *testing.T) {
	for _, c := range []struct {
		name string
		typ  bytecode.MapType
		mode MergeMode
		both uint64 // of 5, merged with 3
	}{
		{"array", bytecode.MapArray, MergeDefault, 8},
		{"array, last", bytecode.MapArray, MergeLast, 3},
		{"hash", bytecode.MapHash, MergeDefault, 3},
		{"hash, sum", bytecode.MapHash, MergeSum, 8},
		{"hash, max", bytecode.MapHash, MergeMax, 5},
		{"hash, union", bytecode.MapHash, MergeUnion, 5},
		{"percpu hash", bytecode.MapPerCPUHash, MergeDefault, 8},
		{"percpu array, max", bytecode.MapPerCPUArray, MergeMax, 5},
	} {
		spec := bytecode.MapSpec{Type: c.typ, KeySize: 4, ValueSize: 8, MaxEntries: 4}
		env := &Env{CPUs: 2}
		to, from := open(t, env, spec), open(t, env, spec)
		set := func(m *Map, key uint32, n uint64) {
			m.ProgUpdate(1, cell(k4(key)), cell(k8(n)), 0)
		}
		set(to, 0, 5)
		set(from, 0, 3)
		set(from, 1, 2)
		if err := to.Merge(from, c.mode); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		both, new := *u64(ptr(to.ProgLookup(1, cell(k4(0))))), *u64(ptr(to.ProgLookup(1, cell(k4(1)))))
		if both != c.both || new != 2 && c.typ == bytecode.MapHash {
			t.Errorf("%s: %d and %d, want %d and 2", c.name, both, new, c.both)
		}
	}
}

func TestMergeRings(t *testing.T) {
	a, _ := openRing(t, 4096)
	spec := bytecode.MapSpec{Type: bytecode.MapRingbuf, MaxEntries: 4096}
	to, from := open(t, nil, spec), open(t, nil, spec)
	output(to.Ring(), []byte("one"), 0)
	output(from.Ring(), []byte("two"), 0)
	if err := to.Merge(from, MergeDefault); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"one", "two"} {
		if got, _, _ := to.Ring().Consume(nil); string(got) != want {
			t.Errorf("record %q, want %q", got, want)
		}
	}
	if a.Query(RingAvailData)+from.Ring().Query(RingAvailData) != 0 {
		t.Error("records left behind")
	}
}

func TestMergeErrors(t *testing.T) {
	small, large := open(t, nil, hashSpec(4, 8, 1)), open(t, nil, hashSpec(4, 8, 4))
	for i := range uint32(3) {
		large.Update(k4(i), k8(1), 0)
	}
	for _, c := range []struct {
		name string
		got  error
		want errno.Errno
	}{
		{"too many", small.Merge(large, MergeDefault), errno.E2BIG},
		{"other sizes", small.Merge(open(t, nil, hashSpec(4, 4, 1)), MergeDefault), errno.EINVAL},
		{"other kind", small.Merge(open(t, nil, arraySpec(8, 1)), MergeDefault), errno.EINVAL},
		{"itself", small.Merge(small, MergeDefault), errno.EINVAL},
	} {
		if c.got == nil || !isErrno(c.got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, c.got, c.want)
		}
	}
}
