// This file tests maps as Go sees them.

package skep_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep"
)

// newMap makes a map of a kernel's own.
func newMap(tb testing.TB, spec ebpf.MapSpec) *skep.Map {
	tb.Helper()
	spec.Name = "m"
	obj, err := skep.FromCollectionSpec(&ebpf.CollectionSpec{Maps: map[string]*ebpf.MapSpec{"m": &spec}})
	if err != nil {
		tb.Fatal(err)
	}
	return load(tb, newKernel(tb, nil), obj, nil).Maps["m"]
}

func hashOf(key, value, max uint32) ebpf.MapSpec {
	return ebpf.MapSpec{Type: ebpf.Hash, KeySize: key, ValueSize: value, MaxEntries: max}
}

type flowKey struct {
	Addr [4]byte
	Port uint16
	Kind uint8
	_    uint8
}

type flow struct {
	Packets, Bytes uint64
}

func TestMapOperations(t *testing.T) {
	m := newMap(t, hashOf(8, 16, 4))
	key, value := flowKey{Addr: [4]byte{10, 0, 0, 1}, Port: 443}, flow{3, 1500}
	if err := m.Put(key, value); err != nil {
		t.Fatal(err)
	}
	var got flow
	if err := m.Lookup(&key, &got); err != nil || got != value {
		t.Errorf("lookup: %v, %v", got, err)
	}
	raw, err := m.LookupBytes(key)
	if err != nil || len(raw) != 16 || raw[0] != 3 {
		t.Errorf("bytes: %x, %v", raw, err)
	}
	if raw, err := m.LookupBytes(flowKey{}); raw != nil || err != nil {
		t.Errorf("bytes of an unknown key: %x, %v", raw, err)
	}
	var next flowKey
	if err := m.NextKey(nil, &next); err != nil || next != key {
		t.Errorf("first key: %v, %v", next, err)
	}
	if err := m.NextKey(key, &next); !errors.Is(err, skep.ErrKeyNotExist) {
		t.Errorf("key after the last: %v", err)
	}
	if err := m.LookupAndDelete(key, &got); err != nil || got != value {
		t.Errorf("lookup and delete: %v, %v", got, err)
	}
	info, err := m.Info()
	if err != nil || info.KeySize != 8 || info.ValueSize != 16 || info.MaxEntries != 4 || info.Name != "m" || info.ID == 0 {
		t.Errorf("info: %+v, %v", info, err)
	}
}

func TestMapErrors(t *testing.T) {
	m := newMap(t, hashOf(4, 4, 1))
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(m.Put(uint32(1), uint32(1)))
	var v uint32
	var long uint64
	array := newMap(t, ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	for _, c := range []struct {
		name string
		err  error
		is   []error
		text string
	}{
		{"lookup", m.Lookup(uint32(2), &v), []error{skep.ErrKeyNotExist, ebpf.ErrKeyNotExist, syscall.ENOENT, fs.ErrNotExist, skep.ENOENT},
			"lookup: key does not exist"},
		{"create again", m.Update(uint32(1), uint32(2), skep.UpdateNoExist), []error{skep.ErrKeyExist, syscall.EEXIST, fs.ErrExist},
			"update: key already exists"},
		{"full", m.Put(uint32(2), uint32(2)), []error{syscall.E2BIG, skep.E2BIG}, "update: argument list too long"},
		{"delete", m.Delete(uint32(2)), []error{skep.ErrKeyNotExist}, "delete: key does not exist"},
		{"delete from an array", array.Delete(uint32(0)), []error{syscall.EINVAL}, "delete: invalid argument"},
		{"lookup and delete from an array", array.LookupAndDelete(uint32(0), &v), []error{skep.ErrNotSupported, errors.ErrUnsupported}, "not supported"},
		{"long key", m.Put(uint64(1), uint32(1)), nil, "update: key: uint64 has 8 bytes, want 4"},
		{"long value", m.Put(uint32(1), "hello"), nil, "update: value: string has 5 bytes, want 4"},
		{"long result", m.Lookup(uint32(1), &long), nil, "lookup: *uint64 has 8 bytes, want 4"},
		{"no pointer", m.Lookup(uint32(1), v), nil, "uint32: want a pointer"},
		{"nil key", m.Lookup(nil, &v), []error{skep.EINVAL}, "key: nil"},
		{"pointer inside", m.Put(struct{ p *int }{}, uint32(1)), nil, "update: key:"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.text) {
			t.Errorf("%s: %v, want %q", c.name, c.err, c.text)
		}
		for _, is := range c.is {
			if !errors.Is(c.err, is) {
				t.Errorf("%s: %v is not %v", c.name, c.err, is)
			}
		}
	}
}

func TestMapClose(t *testing.T) {
	m := newMap(t, hashOf(4, 4, 1))
	typed, err := skep.MapOf[uint32, uint32](m)
	if err != nil {
		t.Fatal(err)
	}
	if err := typed.Set(1, 7); err != nil {
		t.Fatal(err)
	}
	other, err := m.Clone()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
	}
	var v uint32
	_, cloneErr := m.Clone()
	_, infoErr := m.Info()
	_, typedErr := skep.MapOf[uint32, uint32](m)
	_, batchErr := m.BatchDelete([]uint32{1}, nil)
	it := m.Iterate()
	it.Next(&v, &v)
	for name, err := range map[string]error{
		"lookup": m.Lookup(uint32(1), &v), "put": m.Put(uint32(1), v), "delete": m.Delete(uint32(1)), "clone": cloneErr,
		"info": infoErr, "MapOf": typedErr, "set": typed.Set(1, 1), "batch": batchErr, "iterate": it.Err(), "freeze": m.Freeze(),
	} {
		if !errors.Is(err, skep.ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, ok := typed.Get(1); ok {
		t.Error("Get after Close")
	}
	if err := other.Lookup(uint32(1), &v); err != nil || v != 7 {
		t.Errorf("the other handle: %d, %v", v, err)
	}
	other.Close()
}

func TestMapPerCPU(t *testing.T) {
	for _, typ := range []ebpf.MapType{ebpf.PerCPUArray, ebpf.PerCPUHash} {
		m := newMap(t, ebpf.MapSpec{Type: typ, KeySize: 4, ValueSize: 12, MaxEntries: 4})
		type value struct {
			A uint32
			B [2]int32
		}
		info, err := m.Info()
		if err != nil {
			t.Fatal(err)
		}
		want := make([]value, info.CPUs)
		sum := value{}
		for i := range want {
			want[i] = value{uint32(i + 1), [2]int32{-int32(i), 5}}
			sum.A += want[i].A
			sum.B[0] += want[i].B[0]
			sum.B[1] += want[i].B[1]
		}
		if err := m.Put(uint32(1), want); err != nil {
			t.Fatal(err)
		}
		var got []value
		if err := m.Lookup(uint32(1), &got); err != nil || !slices.Equal(got, want) {
			t.Errorf("%v: %v, %v", typ, got, err)
		}
		pc, err := skep.PerCPUMapOf[uint32, value](m)
		if err != nil {
			t.Fatal(err)
		}
		if got := pc.Get(1); !slices.Equal(got, want) {
			t.Errorf("%v: Get: %v", typ, got)
		}
		if got := pc.Sum(1); got != sum {
			t.Errorf("%v: Sum: %v, want %v", typ, got, sum)
		}
		if err := pc.Set(2, want[:1]); err != nil || pc.Sum(2) != want[0] {
			t.Errorf("%v: Set: %v, %v", typ, pc.Get(2), err)
		}
		n := 0
		for range pc.All() {
			n++
		}
		if want := map[ebpf.MapType]int{ebpf.PerCPUArray: 4, ebpf.PerCPUHash: 2}[typ]; n != want {
			t.Errorf("%v: %d entries, want %d", typ, n, want)
		}
		if _, err := skep.MapOf[uint32, value](m); err == nil {
			t.Errorf("%v: MapOf of a per-CPU map", typ)
		}
	}
}

func TestMapBatch(t *testing.T) {
	m := newMap(t, hashOf(4, 8, 1000))
	keys, values := make([]uint32, 500), make([]uint64, 500)
	for i := range keys {
		keys[i], values[i] = uint32(i), uint64(i*i)
	}
	if n, err := m.BatchUpdate(keys, values, nil); n != 500 || err != nil {
		t.Fatalf("update: %d, %v", n, err)
	}
	got := map[uint32]uint64{}
	var cursor skep.MapBatchCursor
	for {
		k, v := make([]uint32, 64), make([]uint64, 64)
		n, err := m.BatchLookup(&cursor, k, v, nil)
		for i := range n {
			got[k[i]] = v[i]
		}
		if errors.Is(err, skep.ErrKeyNotExist) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(got) != 500 || got[30] != 900 {
		t.Errorf("%d entries", len(got))
	}
	if n, err := m.BatchDelete([]uint32{1, 2, 5000, 3}, nil); n != 2 || !errors.Is(err, skep.ErrKeyNotExist) {
		t.Errorf("delete: %d, %v", n, err)
	}
	if n, err := m.BatchUpdate(keys, values[:3], nil); n != 0 || !errors.Is(err, skep.EINVAL) {
		t.Errorf("update of unlike lengths: %d, %v", n, err)
	}
}

func TestMapIterate(t *testing.T) {
	m := newMap(t, hashOf(4, 8, 1000))
	want := map[uint32]uint64{}
	for i := range uint32(700) {
		want[i] = uint64(i) + 1
		if err := m.Put(i, want[i]); err != nil {
			t.Fatal(err)
		}
	}
	got := map[uint32]uint64{}
	var key uint32
	var value uint64
	it := m.Iterate()
	for it.Next(&key, &value) {
		if _, again := got[key]; again {
			t.Errorf("%d a second time", key)
		}
		got[key] = value
	}
	if err := it.Err(); err != nil || !maps.Equal(got, want) {
		t.Errorf("%d of %d entries, %v", len(got), len(want), err)
	}
	typed, err := skep.MapOf[uint32, uint64](m)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for k := range typed.All() {
		n++
		if err := typed.Delete(k); err != nil {
			t.Fatal(err)
		}
	}
	if n != 700 {
		t.Errorf("%d entries in a loop that deletes them", n)
	}
	for range typed.All() {
		t.Error("an entry is left")
	}
}

// TestMapOfPadding: what Go leaves between fields does not make keys differ.
func TestMapOfPadding(t *testing.T) {
	type padded struct {
		A uint32
		B uint8
	}
	m, err := skep.MapOf[padded, padded](newMap(t, hashOf(8, 8, 4)))
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Set(padded{1, 2}, padded{3, 4}); err != nil {
		t.Fatal(err)
	}
	raw, err := m.Map().LookupBytes([]byte{1, 0, 0, 0, 2, 0, 0, 0})
	if diff := cmp.Diff(raw, []byte{3, 0, 0, 0, 4, 0, 0, 0}); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestMapOfErrors(t *testing.T) {
	m := newMap(t, hashOf(8, 16, 4))
	for name, c := range map[string]struct {
		err  error
		text string
	}{
		"key size":   {second(skep.MapOf[uint32, flow](m)), "key: type uint32 has 4 bytes, want 8"},
		"value size": {second(skep.MapOf[flowKey, uint64](m)), "value: type uint64 has 8 bytes, want 16"},
		"pointer":    {second(skep.MapOf[struct{ P *int }, flow](m)), "field .P (*int) cannot be in a map"},
		"string":     {second(skep.MapOf[flowKey, string](m)), "(string) cannot be in a map"},
		"int":        {second(skep.MapOf[int, flow](m)), "(int) cannot be in a map"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.text) {
			t.Errorf("%s: %v, want %q", name, c.err, c.text)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// TestMapOfNoAlloc: typed access allocates nothing.
func TestMapOfNoAlloc(t *testing.T) {
	m, err := skep.MapOf[flowKey, flow](newMap(t, hashOf(8, 16, 4)))
	if err != nil {
		t.Fatal(err)
	}
	k := flowKey{Port: 1}
	if n := testing.AllocsPerRun(100, func() {
		m.Set(k, flow{1, 2})
		if v, ok := m.Get(k); !ok || v.Bytes != 2 {
			t.Fatal("not there")
		}
		m.Delete(k)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestMapMemory(t *testing.T) {
	m := newMap(t, ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 3, Flags: 1 << 10})
	mem, err := m.Memory()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mem.WriteAt([]byte{7}, 8); err != nil || mem.Size() != 24 || mem.ReadOnly() {
		t.Fatalf("%d bytes, %v", mem.Size(), err)
	}
	var v uint32
	if err := m.Lookup(uint32(1), &v); err != nil || v != 7 {
		t.Errorf("%d, %v", v, err)
	}
	if err := m.Freeze(); !errors.Is(err, skep.EBUSY) {
		t.Errorf("freeze beside writable memory: %v", err)
	}
	m.Close()
	p := make([]byte, 1)
	if _, err := mem.ReadAt(p, 8); err != nil || p[0] != 7 || mem.Bytes()[8] != 7 {
		t.Errorf("after Close: %d, %v", p[0], err)
	}
	if _, err := newMap(t, hashOf(4, 4, 1)).Memory(); !errors.Is(err, skep.ErrNotSupported) {
		t.Errorf("memory of a hash map: %v", err)
	}
}

func TestProgArray(t *testing.T) {
	m := newMap(t, ebpf.MapSpec{Type: ebpf.ProgramArray, KeySize: 4, ValueSize: 4, MaxEntries: 2})
	var id uint32
	if err := m.Lookup(uint32(0), &id); !errors.Is(err, skep.ErrKeyNotExist) {
		t.Errorf("empty: %v", err)
	}
	if err := m.Put(uint32(0), uint32(3)); !errors.Is(err, skep.EBADF) {
		t.Errorf("a number that is no descriptor: %v", err)
	}
}

func ExampleMapOf() {
	k, _ := skep.NewKernel(nil)
	defer k.Close()
	obj, _ := skep.FromCollectionSpec(&ebpf.CollectionSpec{Maps: map[string]*ebpf.MapSpec{
		"hits": {Name: "hits", Type: ebpf.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 16},
	}})
	coll, err := k.Load(obj, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer coll.Close()
	hits, err := skep.MapOf[uint32, uint64](coll.Maps["hits"])
	if err != nil {
		fmt.Println(err)
		return
	}
	hits.Set(7, 1)
	v, ok := hits.Get(7)
	fmt.Println(v, ok)
	// Output: 1 true
}

func BenchmarkMapOf(b *testing.B) {
	for _, n := range []uint32{1 << 10, 1 << 20} {
		m, err := skep.MapOf[uint64, [8]uint64](newMap(b, hashOf(8, 64, n)))
		if err != nil {
			b.Fatal(err)
		}
		for i := range uint64(n) {
			m.Set(i, [8]uint64{i})
		}
		key := func(i uint64) uint64 { return (i*0x9e3779b97f4a7c15 + 1) >> 20 & uint64(n-1) }
		b.Run(fmt.Sprintf("Get/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for i := uint64(0); b.Loop(); i++ {
				if _, ok := m.Get(key(i)); !ok {
					b.Fatal("not there")
				}
			}
		})
		b.Run(fmt.Sprintf("Set/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for i := uint64(0); b.Loop(); i++ {
				m.Set(key(i), [8]uint64{i})
			}
		})
	}
}
