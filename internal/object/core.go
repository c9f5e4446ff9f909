// This file defines how a CO-RE relocation gets its value: which of the target's types are meant,
// and what of them the instruction asks for.

package object

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/skepbpf/skep/internal/btfx"
)

// coreKind is what a relocation asks for (enum bpf_core_relo_kind).
type coreKind uint32

const (
	coreFieldOffset coreKind = iota
	coreFieldSize
	coreFieldExists
	coreFieldSigned
	coreFieldLShift
	coreFieldRShift
	coreTypeIDLocal
	coreTypeIDTarget
	coreTypeExists
	coreTypeSize
	coreEnumExists
	coreEnumValue
	coreTypeMatches
)

// coreKinds says of each kind what it is about.
var coreKinds = map[coreKind]struct {
	name  string
	about coreSubject
}{
	coreFieldOffset:  {"byte_off", aboutField},
	coreFieldSize:    {"byte_sz", aboutField},
	coreFieldExists:  {"field_exists", aboutField},
	coreFieldSigned:  {"signed", aboutField},
	coreFieldLShift:  {"lshift_u64", aboutField},
	coreFieldRShift:  {"rshift_u64", aboutField},
	coreTypeIDLocal:  {"local_type_id", aboutType},
	coreTypeIDTarget: {"target_type_id", aboutType},
	coreTypeExists:   {"type_exists", aboutType},
	coreTypeSize:     {"type_size", aboutType},
	coreEnumExists:   {"enumval_exists", aboutEnum},
	coreEnumValue:    {"enumval_value", aboutEnum},
	coreTypeMatches:  {"type_matches", aboutType},
}

// coreSubject is what a relocation is about.
type coreSubject uint8

const (
	aboutField coreSubject = iota + 1
	aboutType
	aboutEnum
)

// accessor is one step from a type to what a relocation is about.
type accessor struct {
	typ   *btfx.Type // struct, union or enum of a named step, element of an index
	index int        // member, element or enumerator
	name  string     // "" for an index
}

// coreSpec is where a relocation leads in one BTF.
//
//	struct sample { int a; struct { int b, c[7]; }; } *s;   &s->c[3]
//	access "0:1:1:3" gives the steps  sample[0]  .c  [3]
type coreSpec struct {
	btf   *btfx.Spec
	root  btfx.ID
	steps []accessor
	bits  uint32 // offset from the start of the root
}

// maxSteps is libbpf's limit on the length of an access string.
const maxSteps = 64

var errAccess = errors.New("access string does not fit the type")

// parseSpec follows a relocation's access string through the object's types.
func parseSpec(spec *btfx.Spec, r coreReloc) (*coreSpec, error) {
	s := &coreSpec{btf: spec, root: r.typeID}
	about := coreKinds[r.kind].about
	if about == aboutType {
		if r.access != "0" {
			return nil, errAccess
		}
		return s, nil
	}
	path, err := parseAccess(r.access)
	if err != nil {
		return nil, err
	}
	t := spec.Strip(r.typeID)
	if t == nil {
		return nil, errAccess
	}
	s.steps = append(s.steps, accessor{typ: t, index: path[0]})
	if about == aboutEnum {
		if len(path) > 1 || path[0] >= len(t.Enums) {
			return nil, errAccess
		}
		s.steps[0].name = t.Enums[path[0]].Name
		return s, nil
	}
	if err := s.skip(t, path[0]); err != nil {
		return nil, err
	}
	for _, i := range path[1:] {
		if t, err = s.step(t, i); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// parseAccess splits "0:1:2".
func parseAccess(access string) ([]int, error) {
	parts := strings.Split(access, ":")
	if len(parts) > maxSteps {
		return nil, errAccess
	}
	path := make([]int, len(parts))
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 10, 31)
		if err != nil {
			return nil, errAccess
		}
		path[i] = int(n)
	}
	return path, nil
}

// skip moves past n elements of a type.
func (s *coreSpec) skip(t *btfx.Type, n int) error {
	size, ok := s.btf.SizeOf(t.ID)
	if !ok {
		return errAccess
	}
	s.bits += uint32(n) * size * 8
	return nil
}

// step goes from t to its member or element i and returns that one's type.
func (s *coreSpec) step(t *btfx.Type, i int) (*btfx.Type, error) {
	var next *btfx.Type
	switch t.Kind {
	case btfx.KindStruct, btfx.KindUnion:
		if i >= len(t.Members) {
			return nil, errAccess
		}
		m := t.Members[i]
		s.bits += m.BitOffset
		if m.Name != "" { // an anonymous one is only a way to others
			s.steps = append(s.steps, accessor{typ: t, index: i, name: m.Name})
		}
		next = s.btf.Strip(m.Type)
	case btfx.KindArray:
		next = s.btf.Strip(t.Type)
		if next == nil || uint32(i) >= t.Nelems && !isFlexible(s.steps, t) {
			return nil, errAccess
		}
		s.steps = append(s.steps, accessor{typ: next, index: i})
		return next, s.skip(next, i)
	}
	if next == nil {
		return nil, errAccess
	}
	return next, nil
}

// isFlexible reports whether an array is the last member of a struct, without
// a length.
func isFlexible(steps []accessor, array *btfx.Type) bool {
	last := steps[len(steps)-1]
	return last.name != "" && array.Nelems == 0 && last.index == len(last.typ.Members)-1
}

// coreValue is the answer to a relocation.
type coreValue struct {
	local, target uint64
	// poison: the target has nothing of the kind; the instruction must not be
	// reached.
	poison bool
	// unchecked: the instruction need not hold the local value.
	unchecked bool
	// localSize and targetSize are how much a load of the field moves; 0 when
	// the size is not to be touched.
	localSize, targetSize uint32
	// badSize: a load of another size would change the value's meaning.
	badSize bool
}

// relocator answers the relocations of one object against one target, which
// may be nil.
type relocator struct {
	matcher
	cands map[btfx.ID][]btfx.ID
}

var errKindOfCore = errors.New("unknown kind of relocation")

// resolve answers one relocation. Several types of the target may match; they
// must give the same answer.
func (rl *relocator) resolve(r coreReloc) (coreValue, error) {
	if coreKinds[r.kind].about == 0 {
		return coreValue{}, fmt.Errorf("kind %d: %w", r.kind, errKindOfCore)
	}
	local, err := parseSpec(rl.local, r)
	if err != nil {
		return coreValue{}, err
	}
	if r.kind == coreTypeIDLocal {
		id := uint64(r.typeID)
		return coreValue{local: id, target: id, unchecked: true}, nil
	}
	if rl.local.Type(r.typeID).Name == "" {
		return coreValue{}, errors.New("a type without a name")
	}
	if rl.target == nil {
		return coreValue{}, ErrNoBTF
	}
	return rl.match(r, local)
}

// match compares the candidates one by one and keeps those that fit, for later
// relocations of the same type.
func (rl *relocator) match(r coreReloc, local *coreSpec) (coreValue, error) {
	var (
		first     coreValue
		firstBits uint32
		fitting   []btfx.ID
	)
	for _, id := range rl.candidates(r.typeID) {
		target, err := rl.spec(r.kind, local, id)
		if err != nil {
			return coreValue{}, err
		}
		if target == nil {
			continue
		}
		v, err := calculate(r.kind, local, target)
		switch {
		case err != nil:
			return coreValue{}, err
		case len(fitting) == 0:
			first, firstBits = v, target.bits
		case target.bits != firstBits || v.poison != first.poison || v.target != first.target:
			return coreValue{}, fmt.Errorf("ambiguous: types %d and %d of the target differ", fitting[0], id)
		}
		fitting = append(fitting, id)
	}
	if len(fitting) == 0 {
		return calculate(r.kind, local, nil)
	}
	rl.cands[r.typeID] = fitting
	return first, nil
}

// candidates are the target's types of the same kind and essential name.
func (rl *relocator) candidates(id btfx.ID) []btfx.ID {
	if ids, ok := rl.cands[id]; ok {
		return ids
	}
	t := rl.local.Type(id)
	var ids []btfx.ID
	for _, cand := range rl.target.Flavors(t.Name) {
		if sameKind(t.Kind, rl.target.Type(cand).Kind) {
			ids = append(ids, cand)
		}
	}
	rl.cands[id] = ids
	return ids
}

// calculate gives the answer for one candidate; target nil: there is none.
func calculate(kind coreKind, local, target *coreSpec) (coreValue, error) {
	switch coreKinds[kind].about {
	case aboutField:
		return calculateField(kind, local, target)
	case aboutEnum:
		return calculateEnum(kind, local, target), nil
	}
	return calculateType(kind, local, target)
}

func calculateType(kind coreKind, local, target *coreSpec) (v coreValue, err error) {
	v.unchecked = kind == coreTypeIDTarget // linking may change local ids
	if v.local, err = local.typeValue(kind); err != nil || target == nil {
		return v, err
	}
	v.target, err = target.typeValue(kind)
	return v, err
}

func (s *coreSpec) typeValue(kind coreKind) (uint64, error) {
	switch kind {
	case coreTypeIDTarget:
		return uint64(s.root), nil
	case coreTypeSize:
		size, ok := s.btf.SizeOf(s.root)
		if !ok {
			return 0, errors.New("a type without a size")
		}
		return uint64(size), nil
	}
	return 1, nil // it exists, or matches
}

func calculateEnum(kind coreKind, local, target *coreSpec) coreValue {
	switch {
	case kind == coreEnumExists:
		return coreValue{local: 1, target: uint64(boolInt(target != nil))}
	case target == nil:
		return coreValue{poison: true}
	}
	return coreValue{local: local.enumerator(), target: target.enumerator()}
}

func (s *coreSpec) enumerator() uint64 {
	a := s.steps[0]
	v := a.typ.Enums[a.index].Value
	if a.typ.Kind == btfx.KindEnum { // libbpf extends the sign of all
		v = uint64(int64(int32(v)))
	}
	return v
}
