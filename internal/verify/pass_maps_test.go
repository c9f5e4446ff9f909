// This file defines tests of which maps programs may use, against the running
// kernel where there is one.

package verify

import (
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
)

// TestSleepableMaps compares which map kinds a sleepable program may use.
func TestSleepableMaps(t *testing.T) {
	needKernel(t)
	const line = "Sleepable programs can only use array, hash, ringbuf and local storage maps"
	inner := &bytecode.MapSpec{Type: bytecode.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1}
	for _, m := range []*bytecode.MapSpec{
		{Name: "hash", Type: bytecode.MapHash, KeySize: 4, ValueSize: 8, MaxEntries: 1},
		{Name: "array", Type: bytecode.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1},
		{Name: "prog_array", Type: bytecode.MapProgArray, KeySize: 4, ValueSize: 4, MaxEntries: 1},
		{Name: "perf_event_array", Type: bytecode.MapPerfEventArray, KeySize: 4, ValueSize: 4, MaxEntries: 1},
		{Name: "percpu_hash", Type: bytecode.MapPerCPUHash, KeySize: 4, ValueSize: 8, MaxEntries: 1},
		{Name: "percpu_array", Type: bytecode.MapPerCPUArray, KeySize: 4, ValueSize: 8, MaxEntries: 1},
		{Name: "stack_trace", Type: bytecode.MapStackTrace, KeySize: 4, ValueSize: 8, MaxEntries: 1},
		{Name: "cgroup_array", Type: bytecode.MapCgroupArray, KeySize: 4, ValueSize: 4, MaxEntries: 1},
		{Name: "lru_hash", Type: bytecode.MapLRUHash, KeySize: 4, ValueSize: 8, MaxEntries: 1},
		{Name: "lru_percpu_hash", Type: bytecode.MapLRUPerCPUHash, KeySize: 4, ValueSize: 8, MaxEntries: 1},
		{Name: "lpm_trie", Type: bytecode.MapLPMTrie, KeySize: 8, ValueSize: 8, MaxEntries: 1, Flags: bytecode.MapNoPrealloc},
		{Name: "array_of_maps", Type: bytecode.MapArrayOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 1, Inner: inner},
		{Name: "hash_of_maps", Type: bytecode.MapHashOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 1, Inner: inner},
		{Name: "devmap", Type: bytecode.MapDevmap, KeySize: 4, ValueSize: 4, MaxEntries: 1},
		{Name: "devmap_hash", Type: bytecode.MapDevmapHash, KeySize: 4, ValueSize: 4, MaxEntries: 1},
		{Name: "cpumap", Type: bytecode.MapCPUMap, KeySize: 4, ValueSize: 4, MaxEntries: 1},
		{Name: "xskmap", Type: bytecode.MapXSKMap, KeySize: 4, ValueSize: 4, MaxEntries: 1},
		{Name: "queue", Type: bytecode.MapQueue, ValueSize: 8, MaxEntries: 1},
		{Name: "stack", Type: bytecode.MapStack, ValueSize: 8, MaxEntries: 1},
		{Name: "bloom_filter", Type: bytecode.MapBloomFilter, ValueSize: 8, MaxEntries: 1},
		{Name: "ringbuf", Type: bytecode.MapRingbuf, MaxEntries: 4096},
		{Name: "user_ringbuf", Type: bytecode.MapUserRingbuf, MaxEntries: 4096},
		{Name: "sockmap", Type: bytecode.MapSockmap, KeySize: 4, ValueSize: 4, MaxEntries: 1},
		{Name: "sockhash", Type: bytecode.MapSockhash, KeySize: 4, ValueSize: 4, MaxEntries: 1},
		{Name: "reuseport_sockarray", Type: bytecode.MapReuseportSockarray, KeySize: 4, ValueSize: 4, MaxEntries: 1},
	} {
		t.Run(m.Name, func(t *testing.T) {
			p := &bytecode.Program{
				Type: bytecode.ProgSyscall, License: "GPL", Flags: bytecode.FlagSleepable,
				Insns: code(mapLoad(1, 0), movK(0, 0), exit()), Maps: []*bytecode.MapSpec{m},
			}
			_, _, r := findShape(p, testEnv(), testNames)
			ours := r != nil && r.Line == line
			if kernels := strings.Contains(oracle{t}.load(p, 0).Log, line); ours != kernels {
				t.Errorf("refused: %v, by the kernel: %v", ours, kernels)
			}
		})
	}
}

// TestMapFields: structures of the kernel are found inside structs and arrays.
func TestMapFields(t *testing.T) {
	lock := &btf.Struct{Name: "bpf_spin_lock", Size: 4}
	timer := &btf.Struct{Name: "bpf_timer", Size: 16}
	integer := &btf.Int{Name: "int", Size: 4}
	inner := &btf.Struct{Name: "inner", Size: 16, Members: []btf.Member{{Name: "t", Type: timer}}}
	value := &btf.Struct{Name: "value", Size: 24, Members: []btf.Member{
		{Name: "lock", Type: lock},
		{Name: "in", Type: &btf.Array{Index: integer, Type: inner, Nelems: 1}, Offset: 64},
	}}
	section := &btf.Datasec{Name: ".data.A", Size: 4, Vars: []btf.VarSecinfo{
		{Type: &btf.Var{Name: "global", Type: lock, Linkage: btf.GlobalVar}, Size: 4}}}
	b, err := btf.NewBuilder([]btf.Type{integer, value, section, &btf.Struct{Name: "plain", Size: 4, Members: []btf.Member{{Name: "n", Type: integer}}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := b.Marshal(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := btfx.Parse(raw, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]catalog.ValueFields{
		"value":   catalog.FieldSpinLock | catalog.FieldTimer,
		"inner":   catalog.FieldTimer,
		".data.A": catalog.FieldSpinLock,
		"plain":   0,
		"int":     0,
	} {
		fields, _ := valueRecord(nil, &bytecode.MapSpec{Type: bytecode.MapArray, BTF: spec, ValueTypeID: spec.Named(name)[0]})
		if got := restricted(fields); got != want {
			t.Errorf("%s: %b, want %b", name, got, want)
		}
	}
}
