// This file defines the records of types: the special fields of a map's value
// and of the structs that a program may allocate.

package verify

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
)

var (
	errOverlap   = errors.New("special fields overlap")
	errUnlocked  = errors.New("a list head or tree root without a lock")
	errTwoNodes  = errors.New("nodes of a list and of a tree without a refcount")
	errOwnership = errors.New("objects that own each other")
)

// containsTag splits "contains:TYPE:NODE"; a root has exactly one.
func containsTag(tags []string) (value, node string, ok bool) {
	n := 0
	for _, tag := range tags {
		if rest, found := strings.CutPrefix(tag, "contains:"); found {
			value, node, ok = strings.Cut(rest, ":")
			n++
		}
	}
	return value, node, n == 1 && ok && node != ""
}

// findRecord finds the fields of the wanted kinds in a type. A type that breaks
// a rule has no record at all: its bytes are then like any others.
func findRecord(t *catalog.Target, spec *btfx.Spec, id btfx.ID, want fieldKind) (record, error) {
	f := fieldFinder{spec: spec, tags: kptrTagsOf(t), want: want, empty: map[btfx.ID]bool{}}
	if err := f.find(id); err != nil {
		return nil, err
	}
	next := uint32(0)
	for i := range f.found {
		fl := &f.found[i]
		if fl.off < next {
			return nil, errOverlap
		}
		next = fl.off + fl.size
		if err := fl.resolve(t); err != nil {
			return nil, err
		}
	}
	return f.found, f.found.check()
}

// resolve finds what a pointer points to and where a root's nodes are.
func (f *field) resolve(t *catalog.Target) error {
	switch {
	case f.kind&fieldPointers != 0:
		return f.resolveKptr(t)
	case f.kind&fieldRoots != 0:
		return f.resolveNode()
	}
	return nil
}

// resolveKptr: a type that the kernel has is the kernel's, any other one is
// the program's own. The kernel must know how to give back what it stores.
func (f *field) resolveKptr(t *catalog.Target) error {
	if t == nil || t.BTF == nil {
		return nil
	}
	name := f.spec.Type(f.id).Name
	id, ok := t.BTF.Find(name, btfx.KindStruct)
	if !ok {
		return nil
	}
	if f.kind == fieldKptr && !t.HasDestructor(name) {
		return fmt.Errorf("a kptr to struct %s, which cannot be stored", name)
	}
	f.spec, f.id = t.BTF, id
	return nil
}

// nodeOf are the nodes of lists and trees.
var nodeOf = map[fieldKind]string{fieldListHead: "bpf_list_node", fieldRBRoot: "bpf_rb_node"}

func (f *field) resolveNode() error {
	found := false
	for _, m := range f.spec.Type(f.id).Members {
		if m.Name != f.node {
			continue
		}
		t := f.spec.Type(m.Type)
		if found || t == nil || t.Kind != btfx.KindStruct || t.Name != nodeOf[f.kind] || m.BitOffset%64 != 0 {
			return fmt.Errorf("%s is no node of a %s", f.node, f.name)
		}
		f.nodeOff, found = m.BitOffset/8, true
	}
	if !found {
		return fmt.Errorf("a %s of nodes %s, which are not there", f.name, f.node)
	}
	return nil
}

// check applies the rules about fields together.
func (r record) check() error {
	switch {
	case r.has(fieldRoots) && !r.has(fieldLocks):
		return errUnlocked
	case r.has(fieldListNode) && r.has(fieldRBNode) && !r.has(fieldRefcount):
		return errTwoNodes
	}
	slices.SortStableFunc(r, func(a, b field) int { return cmp.Compare(a.off, b.off) })
	return nil
}

// valueRecord is the record of a map's value.
func valueRecord(t *catalog.Target, s *bytecode.MapSpec) (record, error) {
	if s.BTF == nil || s.ValueTypeID == 0 {
		return nil, nil
	}
	value := s.BTF.Strip(s.ValueTypeID)
	if value == nil {
		return nil, nil
	}
	r, err := findRecord(t, s.BTF, value.ID, valueFields)
	if err == nil && !r.allowedIn(s) {
		return nil, errMisplaced
	}
	return r, err
}

// objects are the structs of a BTF that have special fields as members, with
// their records: what an object that a program allocates may be.
type objects map[btfx.ID]record

// findObjects finds them; an error says that a kernel refuses the BTF.
func findObjects(t *catalog.Target, spec *btfx.Spec) (objects, error) {
	marks := fieldTypes(t, spec)
	if len(marks) == 0 {
		return nil, nil
	}
	all := objects{}
	for id := spec.FirstID(); id < spec.NextID(); id++ {
		st := spec.Type(id)
		if st == nil || st.Kind != btfx.KindStruct || !slices.ContainsFunc(st.Members, func(m btfx.Member) bool { return marks[m.Type] }) {
			continue
		}
		r, err := findRecord(t, spec, id, objectFields)
		if err == nil && len(r) == 0 {
			err = errors.New("no special field where one stands")
		}
		if err != nil {
			return nil, fmt.Errorf("struct %s: %w", st.Name, err)
		}
		all[id] = r
	}
	return all, all.checkOwnership()
}

// fieldTypes are the ids of types that are special fields.
func fieldTypes(t *catalog.Target, spec *btfx.Spec) map[btfx.ID]bool {
	marks := map[btfx.ID]bool{}
	for name, s := range fieldStructs {
		if id, ok := spec.Find(name, btfx.KindStruct); ok && s.kind&objectFields != 0 {
			marks[id] = true
		}
	}
	tags := kptrTagsOf(t)
	for id := spec.FirstID(); id < spec.NextID(); id++ {
		if st := spec.Type(id); st != nil && (st.Kind == btfx.KindPtr || st.Kind == btfx.KindVolatile) {
			if kind, _, err := kptrOf(spec, tags, st); err == nil && kind&objectFields != 0 {
				marks[id] = true
			}
		}
	}
	return marks
}
