// This file defines what lies at an offset in a struct: the walk through
// nested members that types a load from a kernel object.

package verify

import (
	"fmt"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// memberKind is what a structWalk ended at.
type memberKind uint8

const (
	memberScalar    memberKind = iota
	memberPtr                  // a pointer to a struct
	memberUntyped              // a pointer to something else
	memberStruct               // a nested struct begins exactly at the offset
	memberForbidden            // no such access; structWalk.why says it
)

// structWalk looks for what size bytes at an offset of a struct are.
type structWalk struct {
	spec  *btfx.Spec
	id    btfx.ID          // result: the struct pointed to, or nested
	field string           // name of the pointer member
	flags domain.TypeFlags // MemUser, MemPercpu, MemRCU by tag; PtrUntrusted inside unions
	why   string
	errno int // of the refusal
	// fixedSize: a last member of variable size has no elements.
	fixedSize bool
}

func (s *structWalk) no(format string, args ...any) memberKind {
	return s.noErrno(errEACCES, format, args...)
}

func (s *structWalk) noErrno(errno int, format string, args ...any) memberKind {
	s.why, s.errno = fmt.Sprintf(format, args...), errno
	return memberForbidden
}

// find walks from the struct id. Offsets are bytes.
func (s *structWalk) find(id btfx.ID, off, size uint32) memberKind {
	for range 64 {
		t := s.spec.Strip(id)
		if t == nil || t.Kind != btfx.KindStruct && t.Kind != btfx.KindUnion {
			return s.noErrno(errEINVAL, "Type '%s' is not a struct", typeNameOf(t))
		}
		if t.Kind == btfx.KindUnion && len(t.Members) != 1 {
			s.flags |= domain.PtrUntrusted
		}
		if uint64(off)+uint64(size) > uint64(t.Size) {
			elem, at, kind := s.flexible(t, off, size)
			if kind != memberStruct {
				return kind
			}
			id, off = elem, at
			continue
		}
		kind, next, at := s.member(t, off, size)
		if kind != memberStruct || at == 0 {
			s.id = next
			return kind
		}
		id, off = next, at-1
	}
	return s.no("Type '%s' nests too deep", typeNameOf(s.spec.Strip(id)))
}

func typeNameOf(t *btfx.Type) string {
	if t == nil || t.Name == "" {
		return "(anon)"
	}
	return t.Name
}

// flexible handles an access past the end, into a variable-size last member.
func (s *structWalk) flexible(t *btfx.Type, off, size uint32) (id btfx.ID, at uint32, kind memberKind) {
	beyond := func() (btfx.ID, uint32, memberKind) {
		return 0, 0, s.no("access beyond struct %s at off %d size %d", typeNameOf(t), off, size)
	}
	if len(t.Members) == 0 || s.fixedSize {
		return beyond()
	}
	last := t.Members[len(t.Members)-1]
	arr := s.spec.Strip(last.Type)
	if arr == nil || arr.Kind != btfx.KindArray || arr.Nelems != 0 || off < last.BitOffset/8 {
		return beyond()
	}
	elem := s.spec.Strip(arr.Type)
	switch {
	case elem != nil && elem.Kind == btfx.KindInt:
		return 0, 0, memberScalar
	case elem == nil || elem.Kind != btfx.KindStruct && elem.Kind != btfx.KindUnion || elem.Size == 0:
		return beyond()
	}
	return elem.ID, (off - last.BitOffset/8) % elem.Size, memberStruct
}

// member finds the member at off. For a struct further inside, at is the
// offset in it plus 1; 0 says that it begins exactly there.
func (s *structWalk) member(t *btfx.Type, off, size uint32) (kind memberKind, id btfx.ID, at uint32) {
	for _, m := range t.Members {
		moff := m.BitOffset / 8
		if off+size <= moff {
			break
		}
		if m.BitSize != 0 {
			if off <= moff && (m.BitOffset+m.BitSize+7)/8 <= off+size {
				return memberScalar, 0, 0
			}
			continue
		}
		if off < moff {
			break
		}
		msize, ok := s.spec.SizeOf(m.Type)
		if !ok {
			return s.noErrno(errEFAULT, "field %s doesn't have size", m.Name), 0, 0
		}
		end := moff + msize
		if off >= end {
			continue
		}
		elem, esize := s.element(m.Type)
		if esize != 0 {
			moff += (off - moff) / esize * esize
		}
		return s.inMember(t, m.Name, elem, span{off, size, moff, end, esize})
	}
	return s.noErrno(errEINVAL, "struct %s doesn't have field at offset %d", typeNameOf(t), off), 0, 0
}

// span relates an access to the member that it falls into.
type span struct {
	off, size   uint32 // the access
	moff, end   uint32 // the member, or the array's element; end is the whole member's
	elementSize uint32
}

// element is the type of an array's elements, through all dimensions.
func (s *structWalk) element(id btfx.ID) (*btfx.Type, uint32) {
	t := s.spec.Strip(id)
	for depth := 0; t != nil && t.Kind == btfx.KindArray && depth < 32; depth++ {
		t = s.spec.Strip(t.Type)
	}
	if t == nil {
		return nil, 0
	}
	size, _ := s.spec.SizeOf(t.ID)
	return t, size
}

func (s *structWalk) inMember(t *btfx.Type, name string, elem *btfx.Type, at span) (memberKind, btfx.ID, uint32) {
	if elem == nil {
		return s.noErrno(errEFAULT, "field %s doesn't have size", name), 0, 0
	}
	switch elem.Kind {
	case btfx.KindStruct, btfx.KindUnion:
		if at.off == at.moff {
			return memberStruct, elem.ID, 0
		}
		return memberStruct, elem.ID, at.off - at.moff + 1
	case btfx.KindPtr:
		if at.elementSize != at.size || at.off != at.moff {
			return s.no("cannot access ptr member %s with moff %d in struct %s with off %d size %d", name, at.moff, typeNameOf(t), at.off, at.size), 0, 0
		}
		return s.pointer(elem, name)
	}
	if at.off+at.size > at.end && s.flags&domain.PtrUntrusted == 0 {
		return s.no("access beyond the end of member %s (mend:%d) in struct %s with off %d size %d", name, at.end, typeNameOf(t), at.off, at.size), 0, 0
	}
	return memberScalar, 0, 0
}

// pointerTags are the type tags of pointers that matter.
var pointerTags = map[string]domain.TypeFlags{"user": domain.MemUser, "percpu": domain.MemPercpu, "rcu": domain.MemRCU}

func (s *structWalk) pointer(ptr *btfx.Type, name string) (memberKind, btfx.ID, uint32) {
	var flag domain.TypeFlags
	if tag := s.spec.Type(ptr.Type); tag != nil && tag.Kind == btfx.KindTypeTag && !tag.KindFlag {
		flag = pointerTags[tag.Name]
	}
	to := s.spec.Strip(ptr.Type)
	if to == nil || to.Kind != btfx.KindStruct && to.Kind != btfx.KindUnion {
		return memberUntyped, 0, 0
	}
	s.flags |= flag
	s.field = name
	return memberPtr, to.ID, 0
}

// access finds what a load gives: nested structs are entered to their first
// scalar or pointer.
func (s *structWalk) access(id btfx.ID, off, size uint32) memberKind {
	for range 64 {
		kind := s.find(id, off, size)
		if kind != memberStruct {
			return kind
		}
		id, off = s.id, 0
	}
	return s.no("Type '%s' nests too deep", typeNameOf(s.spec.Strip(id)))
}

// structIs reports whether the struct id, off bytes in, is or begins with the
// wanted one; strict allows only the struct itself.
func (w *walker) structIs(spec *btfx.Spec, id btfx.ID, off int32, want *btfx.Spec, wantID btfx.ID, strict bool) bool {
	if off == 0 && sameType(spec, id, want, wantID) {
		return true
	}
	if strict || off < 0 {
		return false
	}
	s := structWalk{spec: spec}
	for at := uint32(off); ; at = 0 {
		switch s.find(id, at, 1) {
		case memberStruct:
		case memberForbidden:
			w.note("%s", s.why)
			return false
		default:
			return false
		}
		if sameType(spec, s.id, want, wantID) {
			return true
		}
		id = s.id
	}
}

func sameType(a *btfx.Spec, aid btfx.ID, b *btfx.Spec, bid btfx.ID) bool {
	at, bt := a.Strip(aid), b.Strip(bid)
	return at != nil && bt != nil && a == b && at.ID == bt.ID
}
