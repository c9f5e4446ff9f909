// This file tests what maps of all kinds have in common.

package maps

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/errno"
)

func TestNewErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		spec bytecode.MapSpec
		want errno.Errno
		text string
	}{
		{"kind without storage", bytecode.MapSpec{Name: "d", Type: bytecode.MapDevmap}, errno.EINVAL, "map kind devmap: not supported"},
		{"no kind at all", bytecode.MapSpec{Name: "d", Type: 999}, errno.EINVAL, "map kind type 999: not supported"},
		{"no entries", arraySpec(8, 0), errno.EINVAL, `map "a" (array, key 4, value 8, max_entries 0`},
		{"name", bytecode.MapSpec{Name: "a b", Type: bytecode.MapArray, KeySize: 4, ValueSize: 4, MaxEntries: 1}, errno.EINVAL, `"a b"`},
		{"extra", bytecode.MapSpec{Type: bytecode.MapArray, KeySize: 4, ValueSize: 4, MaxEntries: 1, Extra: 1}, errno.EINVAL, "array"},
		{"node", bytecode.MapSpec{Type: bytecode.MapArray, KeySize: 4, ValueSize: 4, MaxEntries: 1, Flags: bytecode.MapNumaNode, NumaNode: 7}, errno.EINVAL, "array"},
		{"huge array", arraySpec(1<<30, 1<<31), errno.ENOMEM, "array"},
		{"huge hash", hashSpec(4, 4, 1<<31), errno.E2BIG, "hash"},
	} {
		_, err := New(nil, &c.spec)
		if !errors.Is(err, c.want) || !strings.Contains(fmt.Sprint(err), c.text) {
			t.Errorf("%s: %v; want %q, %s", c.name, err, c.text, c.want.Name())
		}
	}
}

func TestCharge(t *testing.T) {
	total, limit := int64(0), int64(1<<20)
	env := &Env{Charge: func(n int64) error {
		if total+n > limit {
			return errno.ENOMEM
		}
		total += n
		return nil
	}}
	m, err := New(env, ptrTo(arraySpec(8, 1000)))
	if err != nil {
		t.Fatal(err)
	}
	if total != 8000 || m.Usage() != 8000 {
		t.Errorf("charged %d, usage %d", total, m.Usage())
	}
	if _, err := New(env, ptrTo(arraySpec(8, 1<<20))); !errors.Is(err, errno.ENOMEM) {
		t.Errorf("over the limit: %v", err)
	}
	if m.Release(); total != 0 {
		t.Errorf("after release: %d", total)
	}
}

func ptrTo[T any](v T) *T { return &v }

// TestRelease: after the last reference the contents are gone, and a late
// reader reads zeros.
func TestRelease(t *testing.T) {
	for _, c := range progKinds {
		m, err := New(nil, &c.spec)
		if err != nil {
			t.Fatal(err)
		}
		key := keyOfKind(&c.spec, 1)
		value := make([]byte, m.UserValueSize())
		value[0] = 1
		if e := m.Update(key, value, 0); e != 0 {
			t.Fatalf("%s: %v", c.name, e)
		}
		m.Retain()
		if m.Release() {
			t.Errorf("%s: released with a reference left", c.name)
		}
		if e := m.Lookup(key, value, 0); e != 0 || value[0] != 1 {
			t.Errorf("%s: value %x, %v", c.name, value, e)
		}
		if !m.Release() || m.TryRetain() {
			t.Errorf("%s: last reference", c.name)
		}
		if e := m.Lookup(key, value, 0); e == 0 && value[0] != 0 {
			t.Errorf("%s: contents after release: %x", c.name, value)
		}
	}
}

// held collects what is to be done when no program runs any more.
type held struct{ todo []func() }

func (h *held) Defer(f func()) { h.todo = append(h.todo, f) }

func (h *held) run() {
	for len(h.todo) != 0 {
		f := h.todo[0]
		h.todo = h.todo[1:]
		f()
	}
}

// TestDeferredReuse: without preallocation a value stays as it was while a
// program may hold it; with it the element serves again at once.
func TestDeferredReuse(t *testing.T) {
	for _, c := range []struct {
		name  string
		spec  bytecode.MapSpec
		stays bool
	}{
		{"hash", hashSpec(4, 8, 1), false},
		{"hash no prealloc", bytecode.MapSpec{Type: bytecode.MapHash, KeySize: 4, ValueSize: 8, MaxEntries: 1, Flags: bytecode.MapNoPrealloc}, true},
		{"lpm", bytecode.MapSpec{Type: bytecode.MapLPMTrie, KeySize: 8, ValueSize: 8, MaxEntries: 1, Flags: bytecode.MapNoPrealloc}, true},
	} {
		h := &held{}
		m := open(t, &Env{Defer: h}, c.spec)
		key := keyOfKind(&c.spec, 1)
		m.Update(key, k8(1), 0)
		value := m.ProgLookup(0, cell(key))
		for i := range uint64(4) { // the first replacement takes a fresh element
			if e := m.Update(key, k8(2+i), 0); e != 0 {
				t.Fatalf("%s: %v", c.name, e)
			}
		}
		if stays := *u64(ptr(value)) == 1; stays != c.stays {
			t.Errorf("%s: value after updates is %d", c.name, *u64(ptr(value)))
		}
		h.run()
		for i := range uint64(10) {
			if e := m.Update(key, k8(i), 0); e != 0 {
				t.Fatalf("%s: update %d: %v", c.name, i, e)
			}
			h.run()
		}
	}
}

func TestContentsAndConstants(t *testing.T) {
	s := arraySpec(8, 1)
	s.Flags, s.Contents, s.Frozen = bytecode.MapRdonlyProg, []byte{1, 2, 3}, true
	m := open(t, nil, s)
	got := make([]byte, 3)
	if !m.ReadConst(1, got) || string(got) != "\x02\x03\x00" {
		t.Errorf("constant: %x", got)
	}
	if m.ReadConst(6, got) {
		t.Error("constant beyond the value")
	}
	if e := m.Update(k4(0), k8(0), 0); e != errno.EPERM {
		t.Errorf("update of a frozen map: %v", e)
	}
	if m.DirectValue() != m.ProgLookup(0, cell(k4(0))) {
		t.Error("direct value")
	}
	other := open(t, nil, arraySpec(8, 1))
	if other.ReadConst(0, got) {
		t.Error("constant of a map that is not frozen")
	}
}

func TestView(t *testing.T) {
	s := arraySpec(12, 2)
	s.Flags = bytecode.MapMmapable
	m := open(t, nil, s)
	v, e := m.View()
	if e != 0 || len(v.Bytes()) != 32 || !v.Writable() {
		t.Fatalf("view: %v", e)
	}
	v.Bytes()[16] = 7
	value := make([]byte, 12)
	if m.Lookup(k4(1), value, 0); value[0] != 7 {
		t.Errorf("value 1 is %x", value)
	}
	if e := m.Freeze(); e != errno.EBUSY {
		t.Errorf("freeze with a writable view: %v", e)
	}
	if v.Close().Release() {
		t.Error("the view had the last reference")
	}
	if e := m.Freeze(); e != 0 {
		t.Errorf("freeze: %v", e)
	}
	v, e = m.View()
	if e != 0 || v.Writable() {
		t.Errorf("view of a frozen map: %v", e)
	}
	v.Close().Release()
	if _, e := open(t, nil, arraySpec(8, 1)).View(); e != errno.ENOTSUPP {
		t.Errorf("view of another array: %v", e)
	}
}

// TestCursor: while others write, a cursor sees each key that stays exactly
// once, and the loop may delete what it sees.
func TestCursor(t *testing.T) {
	for _, c := range progKinds {
		s := c.spec
		if s.Type == bytecode.MapArray || s.Type == bytecode.MapPerCPUArray {
			continue
		}
		s.MaxEntries = 1 << 10
		t.Run(c.name, func(t *testing.T) {
			m := open(t, nil, s)
			value := make([]byte, m.UserValueSize())
			for i := range uint32(200) {
				if e := m.Update(keyOfKind(&s, i), value, 0); e != 0 {
					t.Fatal(e)
				}
			}
			cur, _ := m.Walk()
			seen := map[string]int{}
			for i := uint32(0); ; i++ {
				key, _, ok := cur.Next()
				if !ok {
					break
				}
				seen[string(key)]++
				m.Delete(append([]byte(nil), key...))
				m.Update(keyOfKind(&s, 200+i%50), value, 0) // comes and goes
				m.Update(keyOfKind(&s, (i*7)%200), value, FlagExist)
			}
			for i := range uint32(200) {
				if n := seen[string(keyOfKind(&s, i))]; n != 1 {
					t.Fatalf("key %d was seen %d times", i, n)
				}
			}
		})
	}
}
