// This file defines tests of writing BTF and reading it back.

package btfx

import (
	"bytes"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// vmlinux returns the running kernel's BTF.
func vmlinux(t testing.TB) *Spec {
	t.Helper()
	raw, err := os.ReadFile("/sys/kernel/btf/vmlinux")
	if err != nil {
		t.Skip("no BTF of a running kernel: ", err)
	}
	s, err := Parse(raw, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// everyKind adds one type of each kind, and returns them as they come back.
func everyKind(b *Builder) []Type {
	i := b.Add(Type{Kind: KindInt, Name: "int", Size: 4, IntBits: 32, IntEncoding: 1})
	arr := b.Add(Type{Kind: KindArray, Type: i, Index: i, Nelems: 3})
	ptr := b.Add(Type{Kind: KindPtr, Type: b.NextID() + 1})
	st := b.Add(Type{Kind: KindStruct, Name: "list", KindFlag: true, Size: 24, Members: []Member{
		{Name: "next", Type: ptr}, {Name: "bits", Type: i, BitOffset: 64, BitSize: 5}, {Type: arr, Name: "arr", BitOffset: 96},
	}})
	b.Add(Type{Kind: KindUnion, Name: "either", Size: 8, Members: []Member{{Name: "a", Type: i}, {Name: "b", Type: ptr}}})
	b.Add(Type{Kind: KindEnum, Name: "sign", KindFlag: true, Size: 4, Enums: []EnumValue{{"MINUS", 1<<64 - 1}, {"PLUS", 1}}})
	b.Add(Type{Kind: KindEnum64, Name: "wide", Size: 8, Enums: []EnumValue{{"HUGE", 1 << 63}}})
	b.Add(Type{Kind: KindFwd, Name: "opaque", KindFlag: true})
	td := b.Add(Type{Kind: KindTypedef, Name: "list_t", Type: st})
	c := b.Add(Type{Kind: KindConst, Type: td})
	v := b.Add(Type{Kind: KindVolatile, Type: c})
	r := b.Add(Type{Kind: KindRestrict, Type: ptr})
	tag := b.Add(Type{Kind: KindTypeTag, Name: "user", Type: i})
	proto := b.Add(Type{Kind: KindFuncProto, Type: i, Params: []Param{{"a", v}, {"b", r}, {"c", tag}, {}}})
	fn := b.Add(Type{Kind: KindFunc, Name: "f", Type: proto, Linkage: 1})
	vr := b.Add(Type{Kind: KindVar, Name: "x", Type: v, Linkage: 1})
	b.Add(Type{Kind: KindDatasec, Name: ".data", Size: 32, Vars: []VarSecinfo{{vr, 4, 24}}})
	b.Add(Type{Kind: KindFloat, Name: "double", Size: 8})
	b.Add(Type{Kind: KindDeclTag, Name: "tagged", Type: fn, ComponentIdx: 1})
	b.Add(Type{Kind: KindDeclTag, Name: "whole", Type: fn, ComponentIdx: -1})
	var out []Type
	for id := b.firstID; id < b.NextID(); id++ {
		out = append(out, *b.Type(id))
	}
	return out
}

func TestBuilderRoundTrip(t *testing.T) {
	base := NewBuilder(nil)
	everyKind(base)
	baseSpec, err := base.Spec()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name string
		base *Spec
	}{{"whole", nil}, {"split", baseSpec}} {
		t.Run(row.name, func(t *testing.T) {
			b := NewBuilder(row.base)
			want := everyKind(b)
			s, err := b.Spec()
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range want {
				if diff := cmp.Diff(w, *s.Type(w.ID)); diff != "" {
					t.Errorf("type %d: added (-), read (+):\n%s", w.ID, diff)
				}
			}
			if err := s.Validate(); err != nil {
				t.Error(err)
			}
			if _, err := s.Typed(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestEditIsLossless: an unchanged edit of a kernel's BTF is the same blob.
func TestEditIsLossless(t *testing.T) {
	s := vmlinux(t)
	raw, err := Edit(s).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(raw, s.Raw()) {
		t.Errorf("%d bytes, want the same %d", len(raw), len(s.Raw()))
	}
}

func TestEditKeepsIDs(t *testing.T) {
	b := NewBuilder(nil)
	everyKind(b)
	s, err := b.Spec()
	if err != nil {
		t.Fatal(err)
	}
	id, _ := s.Find("x", KindVar)
	off := b.String("x")
	e := Edit(s)
	e.Type(id).Linkage = 0
	added := e.Add(Type{Kind: KindVar, Name: "y", Type: 1})
	s2, err := e.Spec()
	if err != nil {
		t.Fatal(err)
	}
	if got := s2.Type(id); got.Name != "x" || got.Linkage != 0 || s.Type(id).Linkage != 1 {
		t.Errorf("edited %+v, original %+v", got, s.Type(id))
	}
	if s2.String(off) != "x" || s2.Type(added).Name != "y" || added != s.NextID() {
		t.Errorf("string %q, added %d %+v", s2.String(off), added, s2.Type(added))
	}
}

func TestBuilderTooLong(t *testing.T) {
	b := NewBuilder(nil)
	i := b.Add(Type{Kind: KindInt, Name: "int", Size: 4, IntBits: 32})
	b.Add(Type{Kind: KindStruct, Size: 4, Members: make([]Member, 0x10000)})
	if _, err := b.Bytes(); err == nil {
		t.Error("65536 members: no error")
	}
	if b.Type(0) != nil || b.Type(b.NextID()) != nil || b.Type(i).Name != "int" {
		t.Error("Type of void or of an id that does not exist")
	}
}
