// This file tests the special fields of types. What the rows expect is what
// Linux 6.18 makes of the same types in C.

package verify

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
)

// The kernel's structures, as an object file declares them.
var (
	testInt     = &btf.Int{Name: "int", Size: 4}
	testSpin    = &btf.Struct{Name: "bpf_spin_lock", Size: 4}
	testResSpin = &btf.Struct{Name: "bpf_res_spin_lock", Size: 4}
	testTimer   = &btf.Struct{Name: "bpf_timer", Size: 16}
	testCount   = &btf.Struct{Name: "bpf_refcount", Size: 4}
	testHead    = &btf.Struct{Name: "bpf_list_head", Size: 16}
	testLNode   = &btf.Struct{Name: "bpf_list_node", Size: 24}
	testRBNode  = &btf.Struct{Name: "bpf_rb_node", Size: 32}
)

// layout makes a struct of members one behind the other, each at its alignment
// or, with packed, at once.
func layout(name string, members ...btf.Member) *btf.Struct {
	s := &btf.Struct{Name: name}
	at := uint32(0)
	for _, m := range members {
		size, err := btf.Sizeof(m.Type)
		if err != nil {
			panic(err)
		}
		align := min(uint32(size), 8)
		if align > 0 {
			at = (at + align - 1) / align * align
		}
		m.Offset = btf.Bits(at * 8)
		s.Members = append(s.Members, m)
		at += uint32(size)
	}
	s.Size = (at + 7) / 8 * 8
	return s
}

func member(name string, t btf.Type, tags ...string) btf.Member {
	return btf.Member{Name: name, Type: t, Tags: tags}
}

func array(t btf.Type, n uint32) btf.Type { return &btf.Array{Index: testInt, Type: t, Nelems: n} }

func tagged(tag string, to btf.Type) btf.Type {
	return &btf.Pointer{Target: &btf.TypeTag{Value: tag, Type: to}}
}

// at moves a struct's last member.
func at(offset btf.Bits, s *btf.Struct) *btf.Struct {
	s.Members[len(s.Members)-1].Offset = offset
	return s
}

func testSpec(t *testing.T, types ...btf.Type) *btfx.Spec {
	t.Helper()
	b, err := btf.NewBuilder(types, nil)
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
	return spec
}

func (r record) String() string {
	var parts []string
	for i := range r {
		parts = append(parts, fmt.Sprintf("%s@%d", r[i].name, r[i].off))
	}
	return strings.Join(parts, " ")
}

// data is a struct to point to.
var data = layout("data", member("x", testInt))

// TestValueFields: the record of a map's value, or why it has none.
func TestValueFields(t *testing.T) {
	kptr, lock := tagged("kptr", data), member("lock", testSpin)
	inner := layout("inner", member("a", testInt), lock)
	for _, row := range []struct {
		name  string
		value *btf.Struct
		want  string // fields, or "none: " and why
	}{
		{"nothing", layout("v", member("a", testInt)), ""},
		{"a lock", layout("v", member("a", testInt), lock), "bpf_spin_lock@4"},
		{"inside a struct", layout("v", member("a", array(testInt, 2)), member("in", inner)), "bpf_spin_lock@12"},
		{"inside an array of one", layout("v", member("in", array(inner, 1))), "bpf_spin_lock@4"},
		{"inside an array of two", layout("v", member("in", array(inner, 2))), "none: an array of bpf_spin_lock"},
		{"two locks", layout("v", lock, member("other", testSpin)), "none: a second bpf_spin_lock"},
		{"locks of both kinds", layout("v", lock, member("other", testResSpin)), "none: a second bpf_res_spin_lock"},
		{"two refcounts", layout("v", member("r", testCount), member("s", testCount)), "bpf_refcount@0 bpf_refcount@4"},
		{"a typedef of a lock", layout("v", member("a", testInt), member("l", &btf.Typedef{Name: "lock_t", Type: testSpin})), ""},
		{"a volatile lock", layout("v", member("l", &btf.Volatile{Type: testSpin})), ""},
		{"a lock off its alignment", at(8, layout("v", lock)), ""},
		{"a bit field at an odd bit", at(3, layout("v", lock, btf.Member{Name: "b", Type: testInt, BitfieldSize: 5})), "none: member b at bit 3"},
		{"two timers", layout("v", member("t", array(testTimer, 2))), "none: an array of bpf_timer"},
		{"a kptr", layout("v", lock, member("p", kptr)), "bpf_spin_lock@0 kptr@8"},
		{"a volatile kptr", layout("v", member("p", &btf.Volatile{Type: kptr})), "kptr@0"},
		{"a constant kptr", layout("v", member("p", &btf.Const{Type: kptr})), ""},
		{"kptrs of each kind", layout("v", member("p", tagged("percpu_kptr", data)), member("q", tagged("kptr_untrusted", data))), "percpu_kptr@0 kptr@8"},
		{"kptrs in two dimensions", layout("v", member("p", array(array(kptr, 2), 2))), "kptr@0 kptr@8 kptr@16 kptr@24"},
		{"structs of kptrs", layout("v", member("p", array(layout("two", member("a", testInt), member("p", kptr)), 2))), "kptr@8 kptr@24"},
		{"eleven fields", layout("v", member("p", array(kptr, 11))), kptrRow(11)},
		{"twelve fields", layout("v", member("p", array(kptr, 12))), "none: too many special fields"},
		{"a tag of another kind", layout("v", lock, member("p", tagged("user", data))), "none: a pointer with a tag that is none of a kptr's"},
		{"a kptr to a number", layout("v", member("p", tagged("kptr", testInt))), "none: a kptr to something that is no struct"},
		{"a node is no field of a value", layout("v", member("n", testLNode)), ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			spec := testSpec(t, row.value)
			r, err := valueRecord(nil, &bytecode.MapSpec{Type: bytecode.MapHash, BTF: spec, ValueTypeID: spec.Named("v")[0]})
			got := r.String()
			if err != nil {
				got = "none: " + err.Error()
			}
			if got != row.want {
				t.Errorf("%q, want %q", got, row.want)
			}
		})
	}
}

func kptrRow(n int) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = fmt.Sprintf("kptr@%d", 8*i)
	}
	return strings.Join(parts, " ")
}

// TestObjectFields: the record of a struct that programs allocate, or why a
// kernel refuses the BTF.
func TestObjectFields(t *testing.T) {
	lock, holds := member("lock", testSpin), func(tag string) btf.Member { return member("h", testHead, tag) }
	node := layout("node", member("k", testInt), member("l", testLNode))
	both := layout("both", member("l", testLNode), member("lock", testSpin), member("h", testHead, "contains:node:l"))
	self := layout("v", lock, member("h", testHead, "contains:v:l"), member("l", testLNode))
	for _, row := range []struct {
		name  string
		types []btf.Type
		want  string
	}{
		{"no field", []btf.Type{layout("v", member("a", testInt))}, ""},
		{"a list", []btf.Type{node, layout("v", lock, holds("contains:node:l"))}, "bpf_spin_lock@0 bpf_list_head@8"},
		{"under a lock of the other kind", []btf.Type{node, layout("v", member("lock", testResSpin), holds("contains:node:l"))}, "bpf_res_spin_lock@0 bpf_list_head@8"},
		{"lists", []btf.Type{node, layout("v", lock, member("h", array(testHead, 2), "contains:node:l"))}, "bpf_spin_lock@0 bpf_list_head@8 bpf_list_head@24"},
		{"no lock", []btf.Type{node, layout("v", holds("contains:node:l"))}, "none: a list head or tree root without a lock"},
		{"no tag", []btf.Type{node, layout("v", lock, member("h", testHead))}, `none: a list head or tree root without one "contains:TYPE:NODE" tag`},
		{"two tags", []btf.Type{node, layout("v", lock, member("h", testHead, "contains:node:l", "contains:node:k"))}, `none: a list head or tree root without one "contains:TYPE:NODE" tag`},
		{"no name in the tag", []btf.Type{node, layout("v", lock, holds("contains:node:"))}, `none: a list head or tree root without one "contains:TYPE:NODE" tag`},
		{"no such type", []btf.Type{layout("v", lock, holds("contains:zz:l"))}, "none: a list or tree of struct zz, which is not there"},
		{"no such node", []btf.Type{node, layout("v", lock, holds("contains:node:zz"))}, "none: a bpf_list_head of nodes zz, which are not there"},
		{"a node of a tree in a list", []btf.Type{layout("node", member("l", testRBNode)), layout("v", lock, holds("contains:node:l"))}, "none: l is no node of a bpf_list_head"},
		{"nodes of both kinds", []btf.Type{layout("v", member("l", testLNode), member("r", testRBNode))}, "none: nodes of a list and of a tree without a refcount"},
		{"counted nodes of both kinds", []btf.Type{layout("v", member("c", testCount), member("l", testLNode), member("r", testRBNode))}, "bpf_refcount@0 bpf_list_node@8 bpf_rb_node@32"},
		{"nodes in an array", []btf.Type{layout("v", member("l", array(testLNode, 2)), member("m", testLNode))}, "none: an array of bpf_list_node"},
		{"a list of itself", []btf.Type{self}, "none: objects that own each other"},
		{"a list of nodes with lists", []btf.Type{node, both, layout("v", lock, holds("contains:both:l"))}, "bpf_spin_lock@0 bpf_list_head@8"},
		{"a node with a list of nodes with lists", []btf.Type{node, both, layout("v", lock, holds("contains:both:l"), member("l", testLNode))}, "none: objects that own each other"},
		{"only inside a struct", []btf.Type{layout("v", member("in", layout("inner", member("a", testInt), lock)))}, ""},
		{"a timer is no field of an object", []btf.Type{layout("v", member("t", testTimer))}, ""},
		{"a misplaced lock", []btf.Type{at(8, layout("v", lock))}, "none: no special field where one stands"},
	} {
		t.Run(row.name, func(t *testing.T) {
			spec := testSpec(t, row.types...)
			all, err := findObjects(nil, spec)
			got := all[spec.Named("v")[0]].String()
			if err != nil {
				got = "none: " + strings.TrimPrefix(err.Error(), "struct v: ")
			}
			if got != row.want {
				t.Errorf("%q, want %q", got, row.want)
			}
		})
	}
}

// TestFieldMaps: a map that may not have a field has no types at all.
func TestFieldMaps(t *testing.T) {
	page := layout("page", member("x", array(testInt, 1024)))
	large := layout("large", member("x", array(testInt, 1025)))
	for _, row := range []struct {
		name  string
		field btf.Member
		kind  bytecode.MapType
		flags uint32
		ok    bool
	}{
		{"a lock", member("f", testSpin), bytecode.MapHash, 0, true},
		{"a lock of a CPU", member("f", testSpin), bytecode.MapPerCPUHash, 0, false},
		{"a lock in a map that evicts", member("f", testSpin), bytecode.MapLRUHash, 0, false},
		{"a lock for reading", member("f", testSpin), bytecode.MapArray, bytecode.MapRdonlyProg, false},
		{"a timer in a map that evicts", member("f", testTimer), bytecode.MapLRUHash, 0, true},
		{"a timer of a task", member("f", testTimer), bytecode.MapTaskStorage, 0, false},
		{"a kptr of a CPU", member("f", tagged("kptr", data)), bytecode.MapPerCPUArray, 0, true},
		{"a kptr in a queue", member("f", tagged("kptr", data)), bytecode.MapQueue, 0, false},
		{"a uptr", member("f", tagged("uptr", data)), bytecode.MapTaskStorage, 0, true},
		{"a uptr to a page", member("f", tagged("uptr", page)), bytecode.MapTaskStorage, 0, true},
		{"a uptr to more", member("f", tagged("uptr", large)), bytecode.MapTaskStorage, 0, false},
		{"a uptr in a hash", member("f", tagged("uptr", data)), bytecode.MapHash, 0, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			spec := testSpec(t, layout("v", row.field))
			_, err := valueRecord(nil, &bytecode.MapSpec{Type: row.kind, Flags: row.flags, BTF: spec, ValueTypeID: spec.Named("v")[0]})
			if row.ok && err != nil || !row.ok && !errors.Is(err, errMisplaced) {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestOldKptrs: until Linux 6.3 a kptr was what is kptr_untrusted since.
func TestOldKptrs(t *testing.T) {
	v := layout("v", member("p", tagged("kptr", data)), member("q", tagged("kptr_ref", data)))
	spec := testSpec(t, v)
	old := &catalog.Target{Version: catalog.V(6, 2)}
	r, err := findRecord(old, spec, spec.Named("v")[0], valueFields)
	if err != nil || len(r) != 2 || r[0].kind != fieldKptrUntrusted || r[1].kind != fieldKptr {
		t.Errorf("%v, %v", r, err)
	}
	if _, err := findRecord(&catalog.Target{Version: catalog.V(6, 18)}, spec, spec.Named("v")[0], valueFields); !errors.Is(err, errFieldTag) {
		t.Errorf("kptr_ref on 6.18: %v", err)
	}
}

// TestHostileFields: types that nest without measure are looked at once.
func TestHostileFields(t *testing.T) {
	var inner btf.Type = layout("leaf", member("a", testInt))
	for i := range 40 {
		inner = layout(fmt.Sprint("level", i), member("a", inner), member("b", &btf.Array{Index: testInt, Type: inner, Nelems: 0}), member("c", &btf.Volatile{Type: inner}))
		inner.(*btf.Struct).Size = 4
	}
	v := layout("v", member("a", inner))
	spec := testSpec(t, v)
	if r, err := valueRecord(nil, &bytecode.MapSpec{Type: bytecode.MapHash, BTF: spec, ValueTypeID: spec.Named("v")[0]}); len(r) != 0 || !errors.Is(err, errFieldNesting) {
		t.Errorf("%v, %v", r, err)
	}
	many := &btf.Struct{Name: "v", Size: 1 << 20}
	deep := layout("deep", member("a", testInt))
	for i := range 20 {
		deep = &btf.Struct{Name: fmt.Sprint("wide", i), Size: 4, Members: []btf.Member{{Name: "a", Type: deep}, {Name: "b", Type: deep}}}
	}
	many.Members = []btf.Member{{Name: "a", Type: deep}}
	spec = testSpec(t, many)
	if r, err := findRecord(nil, spec, spec.Named("v")[0], valueFields); len(r) != 0 || err != nil {
		t.Errorf("%v, %v", r, err)
	}
}
