// This file defines tests of reading BTF: what is refused, and look-ups.

package btfx

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"
)

// small builds a Spec whose types are ids 1, 2, ….
func small(t testing.TB, types ...Type) *Spec {
	t.Helper()
	s, err := build(types...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func build(types ...Type) (*Spec, error) { return builderOf(types...).Spec() }

// builderOf makes a Builder that holds types.
func builderOf(types ...Type) *Builder {
	b := NewBuilder(nil)
	for _, typ := range types {
		b.Add(typ)
	}
	return b
}

var (
	int32Type = Type{Kind: KindInt, Name: "int", Size: 4, IntBits: 32, IntEncoding: 1}
	int64Type = Type{Kind: KindInt, Name: "long", Size: 8, IntBits: 64}
)

func TestParseRefuses(t *testing.T) {
	good, err := NewBuilder(nil).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name string
		raw  []byte
		want string
	}{
		{"empty", nil, "0 bytes"},
		{"magic", patched(good, 0, 0), "magic"},
		{"version", patched(good, 2, 9), "version 9"},
		{"header length", patched(good, 4, 23), "section"},
		{"type section", patched(good, 12, 200), "type section"},
		{"string section", patched(good, 20, 200), "string section"},
		{"strings without an end", append(slices.Clone(good[:24]), 'x'), "string section"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := Parse(row.raw, nil)
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("error %v, want %q in it", err, row.want)
			}
		})
	}
}

// patched copies b with one byte changed.
func patched(b []byte, at int, v byte) []byte {
	b = slices.Clone(b)
	b[at] = v
	return b
}

func TestParseRefusesTypes(t *testing.T) {
	for _, row := range []struct {
		name  string
		types []Type
		want  string
	}{
		{"id out of range", []Type{{Kind: KindPtr, Type: 2}}, "does not exist"},
		{"member out of range", []Type{{Kind: KindStruct, Members: []Member{{Type: 7}}}}, "does not exist"},
		{"function of an int", []Type{int32Type, {Kind: KindFunc, Name: "f", Type: 1}}, "wrong kind"},
		{"section of an int", []Type{int32Type, {Kind: KindDatasec, Vars: []VarSecinfo{{Type: 1}}}}, "wrong kind"},
		{"own name", []Type{{Kind: KindTypedef, Name: "x", Type: 1}}, "contains itself"},
		{"two names", []Type{{Kind: KindTypedef, Name: "x", Type: 2}, {Kind: KindConst, Type: 1}}, "contains itself"},
		{"own pointer", []Type{{Kind: KindPtr, Type: 1}}, "contains itself"},
		{"array of itself", []Type{int32Type, {Kind: KindArray, Type: 2, Index: 1, Nelems: 1}}, "contains itself"},
		{"struct in itself", []Type{
			{Kind: KindStruct, Size: 8, Members: []Member{{Type: 2}}},
			{Kind: KindUnion, Size: 8, Members: []Member{{Type: 1}}},
		}, "contains itself"},
		{"struct by pointer", []Type{{Kind: KindStruct, Size: 8, Members: []Member{{Type: 2}}}, {Kind: KindPtr, Type: 1}}, ""},
		{"struct twice", []Type{
			int32Type, {Kind: KindStruct, Size: 4, Members: []Member{{Type: 1}}},
			{Kind: KindStruct, Size: 8, Members: []Member{{Type: 2}, {Type: 2}}},
		}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := build(row.types...)
			if row.want == "" {
				if err != nil {
					t.Errorf("error %v, want none", err)
				}
			} else if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("error %v, want %q in it", err, row.want)
			}
		})
	}
}

// TestLongChain: the search for loops does not recurse.
func TestLongChain(t *testing.T) {
	b := NewBuilder(nil)
	const n = 200_000
	for range n {
		b.Add(Type{Kind: KindConst, Type: b.NextID() + 1})
	}
	b.Add(int32Type)
	s, err := b.Spec()
	if err != nil {
		t.Fatal(err)
	}
	if s.Strip(1) != nil || s.Strip(n-10) == nil {
		t.Error("Strip follows all of a chain, or too little of it")
	}
}

func TestBigEndian(t *testing.T) {
	le := small(t, int32Type, Type{Kind: KindPtr, Type: 1})
	be := slices.Clone(le.Raw())
	for off := 4; off < 24+16+12; off += 4 {
		binary.BigEndian.PutUint32(be[off:], binary.LittleEndian.Uint32(be[off:]))
	}
	be[0], be[1] = be[1], be[0]
	s, err := Parse(be, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Type(1); got.Name != "int" || got.IntBits != 32 || s.Type(2).Type != 1 {
		t.Errorf("types %+v %+v", got, s.Type(2))
	}
}

func TestSplit(t *testing.T) {
	base := small(t, int32Type, Type{Kind: KindTypedef, Name: "word", Type: 1})
	b := NewBuilder(base)
	own := b.Add(Type{Kind: KindTypedef, Name: "own", Type: 2})
	b.Add(Type{Kind: KindTypedef, Name: "word", Type: 1})
	b.Add(Type{Kind: KindDeclTag, Name: "about", Type: 2, ComponentIdx: -1})
	s, err := b.Spec()
	if err != nil {
		t.Fatal(err)
	}
	if s.FirstID() != 3 || s.Base() != base || s.Strip(own).Name != "int" {
		t.Errorf("first id %d, %+v", s.FirstID(), s.Strip(own))
	}
	for _, row := range []struct {
		name string
		kind Kind
		want ID
	}{{"int", KindInt, 1}, {"own", KindTypedef, 3}, {"word", KindTypedef, 4}, {"own", KindInt, 0}, {"none", KindInt, 0}} {
		if got, ok := s.Find(row.name, row.kind); got != row.want || ok != (row.want != 0) {
			t.Errorf("Find(%q, %d) = %d %v, want %d", row.name, row.kind, got, ok, row.want)
		}
	}
	if got := s.Flavors("word"); !slices.Equal(got, []ID{2, 4}) {
		t.Errorf("Flavors(word) = %v, want 2 and 4", got)
	}
	if got := s.DeclTags(2, -1); !slices.Equal(got, []string{"about"}) {
		t.Errorf("tags %q", got)
	}
	if base.Type(3) != nil || s.Type(99) != nil {
		t.Error("a type for an id that does not exist")
	}
}

func TestEssentialName(t *testing.T) {
	for _, row := range []struct{ name, want string }{
		{"task_struct", "task_struct"},
		{"task_struct___old", "task_struct"},
		{"a___b___c", "a___b"},
		{"___b", "___b"},
		{"a___", "a___"},
		{"a____b", "a____b"},
		{"a___b_", "a"},
		{"", ""},
	} {
		if got := EssentialName(row.name); got != row.want {
			t.Errorf("EssentialName(%q) = %q, want %q", row.name, got, row.want)
		}
	}
}

func TestSizeOf(t *testing.T) {
	s := small(t,
		int32Type,
		Type{Kind: KindPtr, Type: 0},
		Type{Kind: KindArray, Type: 2, Index: 1, Nelems: 5},
		Type{Kind: KindTypedef, Name: "arr", Type: 3},
		Type{Kind: KindArray, Type: 4, Index: 1, Nelems: 1 << 31},
		Type{Kind: KindFwd, Name: "fwd"},
		Type{Kind: KindConst},
	)
	for _, row := range []struct {
		id   ID
		want uint32
		ok   bool
	}{{1, 4, true}, {2, 8, true}, {3, 40, true}, {4, 40, true}, {5, 0, false}, {6, 0, false}, {7, 0, false}, {0, 0, false}, {99, 0, false}} {
		if got, ok := s.SizeOf(row.id); got != row.want || ok != row.ok {
			t.Errorf("SizeOf(%d) = %d %v, want %d %v", row.id, got, ok, row.want, row.ok)
		}
	}
}

// nested is  struct { int a; struct { union { long b; int c; }; }; int d[2]; }.
func nested(t *testing.T) *Spec {
	return small(t, int32Type, int64Type,
		Type{Kind: KindUnion, Size: 8, Members: []Member{{Name: "b", Type: 2}, {Name: "c", Type: 1}}},
		Type{Kind: KindStruct, Size: 8, Members: []Member{{Type: 3}}},
		Type{Kind: KindArray, Type: 1, Index: 1, Nelems: 2},
		Type{Kind: KindStruct, Name: "s", Size: 24, Members: []Member{
			{Name: "a", Type: 1}, {Type: 4, BitOffset: 64}, {Name: "d", Type: 5, BitOffset: 128},
		}},
	)
}

func TestFindMember(t *testing.T) {
	s := nested(t)
	for _, row := range []struct {
		name string
		off  uint32
		ok   bool
	}{{"a", 0, true}, {"b", 64, true}, {"c", 64, true}, {"d", 128, true}, {"e", 0, false}, {"", 0, false}} {
		if m, ok := s.FindMember(6, row.name); ok != row.ok || m.BitOffset != row.off {
			t.Errorf("FindMember(%q) = %+v %v, want %d %v", row.name, m, ok, row.off, row.ok)
		}
	}
}

func TestLeaves(t *testing.T) {
	s := nested(t)
	var offs []uint64
	visit := func(l Leaf) bool { offs = append(offs, l.BitOffset); return true }
	if !s.Leaves(6, 100, visit) || !slices.Equal(offs, []uint64{0, 64, 64, 128, 160}) {
		t.Errorf("offsets %v", offs)
	}
	if s.Leaves(6, 3, func(Leaf) bool { return true }) {
		t.Error("all seen within a limit that is too small")
	}
}

func TestVmlinux(t *testing.T) {
	s := vmlinux(t)
	id, ok := s.Find("task_struct", KindStruct)
	if !ok {
		t.Fatal("no task_struct")
	}
	if m, ok := s.FindMember(id, "pid"); !ok || m.BitOffset == 0 || s.Strip(m.Type).Size != 4 {
		t.Errorf("pid %+v %v", m, ok)
	}
	typed, err := s.Typed()
	if err != nil {
		t.Fatal(err)
	}
	typ, err := typed.AnyTypeByName("task_struct")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := typed.TypeID(typ); err != nil || ID(got) != id {
		t.Errorf("id %d %v in the typed view, want %d", got, err, id)
	}
}
