// This file tests special fields of values, and BTF of maps.

package maps

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/cilium/ebpf/btf"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/errno"
)

func isErrno(err error, e errno.Errno) bool { return errors.Is(err, e) }

// typed describes a map by Go descriptions of BTF types; key nil is none.
func typed(t *testing.T, s bytecode.MapSpec, key, value btf.Type) bytecode.MapSpec {
	t.Helper()
	b, err := btf.NewBuilder(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	var ids [2]btf.TypeID
	for i, typ := range []btf.Type{key, value} {
		if typ == nil {
			continue
		}
		if ids[i], err = b.Add(typ); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := b.Marshal(nil, &btf.MarshalOptions{Order: binary.LittleEndian})
	if err != nil {
		t.Fatal(err)
	}
	if s.BTF, err = btfx.Parse(raw, nil); err != nil {
		t.Fatal(err)
	}
	s.KeyTypeID, s.ValueTypeID = btfx.ID(ids[0]), btfx.ID(ids[1])
	return s
}

var (
	u32Type  = &btf.Int{Name: "unsigned int", Size: 4}
	u64Type  = &btf.Int{Name: "unsigned long", Size: 8}
	lockType = &btf.Struct{Name: "bpf_spin_lock", Size: 4, Members: []btf.Member{{Name: "val", Type: u32Type}}}
	timer    = &btf.Struct{Name: "bpf_timer", Size: 16, Members: []btf.Member{
		{Name: "opaque", Type: &btf.Array{Type: u64Type, Index: u32Type, Nelems: 2}}}}
	kptr = &btf.Pointer{Target: &btf.TypeTag{Value: "kptr", Type: &btf.Struct{Name: "task_struct", Size: 8}}}
)

// guarded is { u64 a; bpf_spin_lock lock; u32 b; kptr task; bpf_timer timer }.
var guarded = &btf.Struct{Name: "guarded", Size: 40, Members: []btf.Member{
	{Name: "a", Type: u64Type},
	{Name: "lock", Type: lockType, Offset: 64},
	{Name: "b", Type: u32Type, Offset: 96},
	{Name: "task", Type: kptr, Offset: 128},
	{Name: "timer", Type: timer, Offset: 192},
}}

// TestSpecialFields: copies leave locks, pointers and timers alone, and they
// read as zeros.
func TestSpecialFields(t *testing.T) {
	for _, c := range progKinds {
		s := c.spec
		s.ValueSize = 40
		var keyType btf.Type = &btf.Struct{Name: "key", Size: s.KeySize}
		if s.KeySize == 4 {
			keyType = u32Type
		}
		m := open(t, nil, typed(t, s, keyType, guarded))
		key, value := keyOfKind(&s, 1), make([]byte, 40)
		for i := range value {
			value[i] = byte(i + 1)
		}
		if e := m.Update(key, value, 0); e != 0 {
			t.Fatalf("%s: %v", c.name, e)
		}
		at := view(ptr(m.ProgLookup(0, cell(key))), 40)
		for i, b := range at {
			data := i < 8 || i >= 12 && i < 16
			if data != (b == byte(i+1)) || !data && b != 0 {
				t.Errorf("%s: stored byte %d is %d", c.name, i, b)
			}
			at[i] = 0xee
		}
		m.Lookup(key, value, 0)
		for i, b := range value {
			data := i < 8 || i >= 12 && i < 16
			if data && b != 0xee || !data && b != 0 {
				t.Errorf("%s: byte %d reads as %d", c.name, i, b)
			}
		}
		if e := m.Freeze(); e != errno.ENOTSUPP {
			t.Errorf("%s: freeze: %v", c.name, e)
		}
	}
}

// TestLockedUpdate: with FlagLock an update waits for the value's lock, and
// writes in place.
func TestLockedUpdate(t *testing.T) {
	m := open(t, nil, typed(t, hashSpec(4, 40, 4), u32Type, guarded))
	value := make([]byte, 40)
	m.Update(k4(1), value, 0)
	at := m.ProgLookup(0, cell(k4(1)))
	store32(ptr(at+8), 1) // a program holds the lock
	value[0] = 9
	done := make(chan errno.Errno)
	go func() { done <- m.Update(k4(1), value, FlagLock) }()
	select {
	case e := <-done:
		t.Fatalf("updated under another's lock: %v", e)
	default:
	}
	if *u64(ptr(at)) != 0 {
		t.Error("written under another's lock")
	}
	store32(ptr(at+8), 0)
	if e := <-done; e != 0 || *u64(ptr(at)) != 9 || load32(ptr(at+8)) != 0 {
		t.Errorf("%v, value %d, lock %d", e, *u64(ptr(at)), load32(ptr(at+8)))
	}
	if e := m.Lookup(k4(1), value, FlagLock); e != 0 || value[0] != 9 {
		t.Errorf("locked lookup: %v, %d", e, value[0])
	}
	if e := open(t, nil, hashSpec(4, 40, 4)).Lookup(k4(1), value, FlagLock); e != errno.EINVAL {
		t.Errorf("locked lookup without a lock: %v", e)
	}
}

func TestCheckBTF(t *testing.T) {
	section := &btf.Datasec{Name: ".bss", Size: 8, Vars: []btf.VarSecinfo{
		{Type: &btf.Var{Name: "x", Type: u64Type, Linkage: btf.GlobalVar}, Size: 8}}}
	lpm := bytecode.MapSpec{Type: bytecode.MapLPMTrie, KeySize: 8, ValueSize: 8, MaxEntries: 1, Flags: bytecode.MapNoPrealloc}
	ring := bytecode.MapSpec{Type: bytecode.MapRingbuf, ValueSize: 8, MaxEntries: 4096}
	for _, c := range []struct {
		name       string
		spec       bytecode.MapSpec
		key, value btf.Type
		want       errno.Errno
	}{
		{"array", arraySpec(8, 2), u32Type, u64Type, 0},
		{"array with a large key", arraySpec(8, 2), u64Type, u64Type, errno.EINVAL},
		{"array with a struct as key", arraySpec(8, 2), lockType, u64Type, errno.EINVAL},
		{"array with another value", arraySpec(8, 2), u32Type, u32Type, errno.EINVAL},
		{"data section", arraySpec(8, 1), nil, section, 0},
		{"data section of two", arraySpec(8, 2), nil, section, errno.EINVAL},
		{"keyless value", arraySpec(8, 1), nil, u64Type, errno.EINVAL},
		{"hash", hashSpec(8, 4, 1), u64Type, u32Type, 0},
		{"keyless hash", hashSpec(8, 4, 1), nil, u32Type, errno.EINVAL},
		{"trie", lpm, &btf.Struct{Name: "k", Size: 8}, u64Type, 0},
		{"trie with a number as key", lpm, u64Type, u64Type, errno.EINVAL},
		{"ring buffer", ring, nil, u64Type, errno.ENOTSUPP},
	} {
		s := typed(t, c.spec, c.key, c.value)
		if got := CheckBTF(&s); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
