// This file defines walks over the layout of structs.

package btfx

// maxNesting bounds how deep layouts are followed, as the kernel's
// MAX_RESOLVE_DEPTH does.
const maxNesting = 32

// maxVisits bounds how many members a search looks at: nested anonymous types
// can have exponentially many.
const maxVisits = 1 << 16

// FindMember looks a member up by name in a struct or union, through anonymous
// members. BitOffset counts from the start of the outermost type.
func (s *Spec) FindMember(id ID, name string) (Member, bool) {
	search := memberSearch{s, name, maxVisits}
	return search.in(id, 0, maxNesting)
}

type memberSearch struct {
	s    *Spec
	name string
	left int
}

func (f *memberSearch) in(id ID, bits uint32, depth int) (Member, bool) {
	t := f.s.Strip(id)
	if t == nil || depth == 0 || f.name == "" {
		return Member{}, false
	}
	for _, m := range t.Members {
		if f.left--; f.left < 0 {
			break
		}
		m.BitOffset += bits
		if m.Name == f.name {
			return m, true
		}
		if m.Name != "" {
			continue
		}
		if found, ok := f.in(m.Type, m.BitOffset, depth-1); ok {
			return found, true
		}
	}
	return Member{}, false
}

// Leaf is one part of a type that is not made of others: a number, a pointer,
// an enum.
type Leaf struct {
	Type      *Type  // without names and qualifiers
	ID        ID     // as the member or element declares it
	BitOffset uint64 // from the start of the walked type
	BitSize   uint32 // 0 unless a bit field
}

// Leaves calls yield for each leaf of a type in the order of declaration,
// through structs, unions and arrays, until it returns false. It looks at no
// more than limit types, members and elements, and reports whether it saw all.
func (s *Spec) Leaves(id ID, limit int, yield func(Leaf) bool) bool {
	w := leafWalk{s, limit, yield}
	return w.walk(Leaf{ID: id}, maxNesting)
}

type leafWalk struct {
	s     *Spec
	left  int
	yield func(Leaf) bool
}

// walk visits the leaves of l; false stops the whole walk.
func (w *leafWalk) walk(l Leaf, depth int) bool {
	l.Type = w.s.Strip(l.ID)
	if w.left--; w.left < 0 || l.Type == nil || depth == 0 {
		return false
	}
	switch l.Type.Kind {
	case KindStruct, KindUnion:
		return w.members(l, depth)
	case KindArray:
		return w.elements(l, depth)
	}
	return w.yield(l)
}

func (w *leafWalk) members(l Leaf, depth int) bool {
	for _, m := range l.Type.Members {
		part := Leaf{ID: m.Type, BitOffset: l.BitOffset + uint64(m.BitOffset), BitSize: m.BitSize}
		if !w.walk(part, depth-1) {
			return false
		}
	}
	return true
}

func (w *leafWalk) elements(l Leaf, depth int) bool {
	size, ok := w.s.SizeOf(l.Type.Type)
	if !ok || size == 0 {
		return ok // elements without a size hold no leaf
	}
	for i := range l.Type.Nelems {
		part := Leaf{ID: l.Type.Type, BitOffset: l.BitOffset + uint64(i)*uint64(size)*8}
		if !w.walk(part, depth-1) {
			return false
		}
	}
	return true
}
