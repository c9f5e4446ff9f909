// This file defines the search for special fields in a type: what counts as
// one, where it may stand, and how many there may be.

package verify

import (
	"errors"
	"fmt"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/catalog"
)

// maxFields bounds how many fields one type may have (BTF_FIELDS_MAX).
const maxFields = 11

// maxFieldNesting bounds how deep structs and arrays may nest
// (MAX_RESOLVE_DEPTH).
const maxFieldNesting = 32

// fieldStructs are the structures that are special fields, with size and
// alignment in bytes.
var fieldStructs = map[string]struct {
	kind        fieldKind
	size, align uint32
}{
	"bpf_spin_lock":     {fieldSpinLock, 4, 4},
	"bpf_res_spin_lock": {fieldResSpinLock, 4, 4},
	"bpf_timer":         {fieldTimer, 16, 8},
	"bpf_wq":            {fieldWorkqueue, 16, 8},
	"bpf_task_work":     {fieldTaskWork, 8, 8},
	"bpf_refcount":      {fieldRefcount, 4, 4},
	"bpf_list_head":     {fieldListHead, 16, 8},
	"bpf_list_node":     {fieldListNode, 24, 8},
	"bpf_rb_root":       {fieldRBRoot, 16, 8},
	"bpf_rb_node":       {fieldRBNode, 32, 8},
}

// kptrTags are the type tags that make a pointer a special field.
var kptrTags = map[string]fieldKind{
	"kptr": fieldKptr, "kptr_untrusted": fieldKptrUntrusted, "percpu_kptr": fieldPercpuKptr, "uptr": fieldUptr,
}

// oldKptrTags are the tags until Linux 6.3, which called the referenced ones so.
var oldKptrTags = map[string]fieldKind{"kptr_ref": fieldKptr, "kptr": fieldKptrUntrusted}

func kptrTagsOf(t *catalog.Target) map[string]fieldKind {
	if t != nil && t.Version < catalog.V(6, 4) {
		return oldKptrTags
	}
	return kptrTags
}

// Why a type has no record although it has special fields.
var (
	errManyFields   = errors.New("too many special fields")
	errFieldNesting = errors.New("special fields nested too deep")
	errFieldTag     = errors.New("a pointer with a tag that is none of a kptr's")
	errKptrPointee  = errors.New("a kptr to something that is no struct")
	errRootTag      = errors.New(`a list head or tree root without one "contains:TYPE:NODE" tag`)
)

// fieldFinder collects the special fields of one type, in the order of their
// declaration.
type fieldFinder struct {
	spec  *btfx.Spec
	tags  map[string]fieldKind
	want  fieldKind
	seen  fieldKind // of the kinds that may stand once
	found record
	empty map[btfx.ID]bool // structs known to have none
}

// fieldPlace is where a member or variable stands.
type fieldPlace struct {
	owner  btfx.ID // the struct, or the variable
	member int32   // its number in the struct, -1 for a variable
	off    uint32
	size   uint32 // of a variable in its section; 0 for members
	depth  int
}

// find collects the fields of a struct, or of the variables of a data section.
func (f *fieldFinder) find(id btfx.ID) error {
	t := f.spec.Type(id)
	switch {
	case t == nil:
	case t.Kind == btfx.KindStruct:
		return f.inStruct(t, 0, 0)
	case t.Kind == btfx.KindDatasec:
		return f.inSection(t)
	}
	return nil
}

func (f *fieldFinder) inSection(t *btfx.Type) error {
	for _, at := range t.Vars {
		v := f.spec.Type(at.Type)
		if v == nil || v.Kind != btfx.KindVar {
			continue
		}
		if err := f.at(fieldPlace{owner: v.ID, member: -1, off: at.Offset, size: at.Size}, v.Type); err != nil {
			return err
		}
	}
	return nil
}

func (f *fieldFinder) inStruct(t *btfx.Type, off uint32, depth int) error {
	if f.empty[t.ID] {
		return nil
	}
	count, seen := len(f.found), f.seen
	for i, m := range t.Members {
		if m.BitOffset%8 != 0 {
			return fmt.Errorf("member %s at bit %d", m.Name, m.BitOffset)
		}
		if err := f.at(fieldPlace{owner: t.ID, member: int32(i), off: off + m.BitOffset/8, depth: depth}, m.Type); err != nil {
			return err
		}
	}
	if len(f.found) == count && f.seen == seen {
		f.empty[t.ID] = true
	}
	return nil
}

// at adds what stands at one place: a field, an array of such, or what is
// inside a struct.
func (f *fieldFinder) at(p fieldPlace, id btfx.ID) error {
	t, n, err := f.element(id)
	if err != nil || t == nil || n == 0 {
		return err
	}
	shape, special := fieldStructs[t.Name]
	switch {
	case special && f.want&shape.kind != 0:
		return f.structField(p, t, n)
	case t.Kind == btfx.KindStruct:
		return f.nested(p, t, n)
	case f.want&fieldPointers != 0:
		return f.pointer(p, t, n)
	}
	return nil
}

// element is the type of an array's elements, through all dimensions, and how
// many there are.
func (f *fieldFinder) element(id btfx.ID) (t *btfx.Type, n uint32, err error) {
	n = 1
	for range maxFieldNesting {
		t = f.spec.Type(id)
		if t == nil || t.Kind != btfx.KindArray {
			return t, n, nil
		}
		n *= t.Nelems
		id = t.Type
	}
	return nil, 0, errFieldNesting
}

// fits reports whether n fields of a size can stand at a place; where not, the
// place has none.
func (p fieldPlace) fits(n, size, align uint32) bool {
	return (p.size == 0 || p.size == n*size) && p.off%align == 0
}

// exclusiveWith are the kinds of which a type has one at most if it has this
// one.
func exclusiveWith(kind fieldKind) fieldKind {
	if kind&fieldLocks != 0 {
		return fieldLocks
	}
	return kind & fieldSingle
}

func (f *fieldFinder) structField(p fieldPlace, t *btfx.Type, n uint32) error {
	shape := fieldStructs[t.Name]
	if again := f.seen & exclusiveWith(shape.kind); again != 0 {
		return fmt.Errorf("a second %s", t.Name)
	}
	f.seen |= shape.kind
	if !p.fits(n, shape.size, shape.align) || t.Kind != btfx.KindStruct || t.Size != shape.size {
		return nil
	}
	root := field{name: t.Name, kind: shape.kind, off: p.off, size: shape.size}
	if shape.kind&fieldRoots != 0 {
		if err := f.contents(p, &root); err != nil {
			return err
		}
	}
	return f.add(root, n)
}

// contents reads what a list or tree holds from the tag of its declaration.
func (f *fieldFinder) contents(p fieldPlace, root *field) error {
	value, node, ok := containsTag(f.spec.DeclTags(p.owner, p.member))
	if !ok {
		return errRootTag
	}
	id, ok := f.spec.Find(value, btfx.KindStruct)
	if !ok {
		return fmt.Errorf("a list or tree of struct %s, which is not there", value)
	}
	root.spec, root.id, root.node = f.spec, id, node
	return nil
}

// pointer adds a kptr.
func (f *fieldFinder) pointer(p fieldPlace, t *btfx.Type, n uint32) error {
	const size = 8
	if !p.fits(n, size, size) {
		return nil
	}
	kind, to, err := kptrOf(f.spec, f.tags, t)
	if err != nil || kind&f.want == 0 {
		return err
	}
	return f.add(field{name: kptrNames[kind], kind: kind, off: p.off, size: size, spec: f.spec, id: to}, n)
}

// kptrOf tells what kind of kptr a type is, 0 for none, and to what.
func kptrOf(spec *btfx.Spec, tags map[string]fieldKind, t *btfx.Type) (kind fieldKind, to btfx.ID, err error) {
	if t.Kind == btfx.KindVolatile {
		t = spec.Type(t.Type)
	}
	if t == nil || t.Kind != btfx.KindPtr {
		return 0, 0, nil
	}
	tag := spec.Type(t.Type)
	if tag == nil || tag.Kind != btfx.KindTypeTag {
		return 0, 0, nil
	}
	inner := spec.Type(tag.Type)
	kind = tags[tag.Name]
	if kind == 0 || inner != nil && inner.Kind == btfx.KindTypeTag {
		return 0, 0, errFieldTag
	}
	if inner = spec.Strip(tag.Type); inner == nil || inner.Kind != btfx.KindStruct {
		return 0, 0, errKptrPointee
	}
	return kind, inner.ID, nil
}

// add notes a field, or an array of n.
func (f *fieldFinder) add(one field, n uint32) error {
	if len(f.found) >= maxFields {
		return errManyFields
	}
	f.found = append(f.found, one)
	return f.repeat(len(f.found)-1, n, one.size)
}

// nested adds the fields of a struct, or of an array of n structs.
func (f *fieldFinder) nested(p fieldPlace, t *btfx.Type, n uint32) error {
	switch {
	case p.size != 0 && p.size != n*t.Size:
		return nil
	case p.depth+1 >= maxFieldNesting:
		return errFieldNesting
	}
	first := len(f.found)
	if err := f.inStruct(t, p.off, p.depth+1); err != nil {
		return err
	}
	return f.repeat(first, n, t.Size)
}

// repeat copies the fields from first on for the other elements of an array.
func (f *fieldFinder) repeat(first int, n, size uint32) error {
	one := f.found[first:]
	if n <= 1 || len(one) == 0 {
		return nil
	}
	for i := range one {
		if one[i].kind&fieldRepeated == 0 {
			return fmt.Errorf("an array of %s", one[i].name)
		}
	}
	if uint64(len(one))*uint64(n) > uint64(maxFields-first) {
		return errManyFields
	}
	for k := uint32(1); k < n; k++ {
		for _, fl := range one {
			fl.off += k * size
			f.found = append(f.found, fl)
		}
	}
	return nil
}
