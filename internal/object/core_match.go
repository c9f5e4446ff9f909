// This file defines when a type of the target is what a type of the object means, for CO-RE.

package object

import (
	"errors"

	"github.com/skepbpf/skep/internal/btfx"
)

// Limits on how far types are compared. libbpf has the first; the second, for
// all comparisons of one Link, bounds types that refer to each other in
// exponentially many ways.
const (
	maxMatchDepth = 32
	maxMatchSteps = 64 << 20
)

var errTooDeep = errors.New("types nested too deeply to compare")

// matcher compares types of an object with types of a target.
type matcher struct {
	local, target *btfx.Spec
	left          int // steps that may still be made
}

// charge counts one step at a depth that may not reach 0.
func (m *matcher) charge(depth int) error { return m.chargeN(1, depth) }

func (m *matcher) chargeN(n, depth int) error {
	if m.left -= n; m.left < 0 || depth <= 0 {
		return errTooDeep
	}
	return nil
}

// pair strips names and qualifiers of both.
func (m *matcher) pair(lid, tid btfx.ID) (l, t *btfx.Type, err error) {
	if l, t = m.local.Strip(lid), m.target.Strip(tid); l == nil || t == nil {
		err = errTooDeep
	}
	return l, t, err
}

// spec follows the steps of a local spec from one type of the target; nil when
// the target has no such thing.
func (m *matcher) spec(kind coreKind, local *coreSpec, root btfx.ID) (*coreSpec, error) {
	s := &coreSpec{btf: m.target, root: root}
	var ok bool
	var err error
	switch about := coreKinds[kind].about; {
	case kind == coreTypeMatches:
		ok, err = m.matches(local.root, root, false, maxMatchDepth)
	case about == aboutType:
		ok, err = m.compatible(local.root, root, maxMatchDepth)
	case about == aboutEnum:
		ok, err = m.enumerator(s, local.steps[0])
	default:
		ok, err = m.field(s, local.steps)
	}
	if !ok || err != nil {
		return nil, err
	}
	return s, nil
}

func (m *matcher) enumerator(s *coreSpec, local accessor) (bool, error) {
	t := m.target.Strip(s.root)
	if t == nil {
		return false, errTooDeep
	}
	if err := m.chargeN(len(t.Enums), 1); err != nil {
		return false, err
	}
	name := btfx.EssentialName(local.name)
	for i, e := range t.Enums {
		if btfx.EssentialName(e.Name) == name {
			s.steps = append(s.steps, accessor{typ: t, index: i, name: e.Name})
			return true, nil
		}
	}
	return false, nil
}

// field finds the same names and indexes in the target.
func (m *matcher) field(s *coreSpec, local []accessor) (bool, error) {
	id := s.root
	for i, a := range local {
		t := m.target.Strip(id)
		if t == nil {
			return false, errTooDeep
		}
		if a.name != "" {
			next, ok, err := m.member(s, a, t, maxSteps-len(s.steps))
			if !ok || err != nil {
				return ok, err
			}
			id = next
			continue
		}
		if i > 0 { // the first index counts whole objects behind the pointer
			if t.Kind != btfx.KindArray || uint32(a.index) >= t.Nelems && !isFlexible(s.steps, t) {
				return false, nil
			}
			if t = m.target.Strip(t.Type); t == nil {
				return false, errTooDeep
			}
		}
		s.steps = append(s.steps, accessor{typ: t, index: a.index})
		if err := s.skip(t, a.index); err != nil {
			return false, err
		}
		id = t.ID
	}
	return true, nil
}

// member finds a member by name, through anonymous ones, and returns its type.
func (m *matcher) member(s *coreSpec, a accessor, t *btfx.Type, depth int) (btfx.ID, bool, error) {
	want := a.typ.Members[a.index]
	for i, tm := range t.Members {
		if err := m.charge(depth); err != nil {
			return 0, false, err
		}
		s.bits += tm.BitOffset
		switch inner := m.target.Strip(tm.Type); {
		case tm.Name == want.Name:
			ok, err := m.fieldsCompatible(want.Type, tm.Type)
			if ok {
				s.steps = append(s.steps, accessor{typ: t, index: i, name: tm.Name})
			}
			return tm.Type, ok, err
		case tm.Name == "" && inner != nil:
			if id, ok, err := m.member(s, a, inner, depth-1); ok || err != nil {
				return id, ok, err
			}
		}
		s.bits -= tm.BitOffset
	}
	return 0, false, nil
}

// sameKind reports whether types of two kinds can be meant by each other.
func sameKind(a, b btfx.Kind) bool { return a == b || isEnum(a) && isEnum(b) }

func isEnum(k btfx.Kind) bool      { return k == btfx.KindEnum || k == btfx.KindEnum64 }
func isComposite(k btfx.Kind) bool { return k == btfx.KindStruct || k == btfx.KindUnion }

// fieldsCompatible reports whether a field of one type may stand for one of
// the other: any two structs or unions, pointers, numbers; enums and forward
// declarations of one name; arrays of such.
func (m *matcher) fieldsCompatible(lid, tid btfx.ID) (bool, error) {
	for depth := maxMatchDepth; ; depth-- {
		l, t, err := m.pair(lid, tid)
		if err == nil {
			err = m.charge(depth)
		}
		if err != nil {
			return false, err
		}
		if isComposite(l.Kind) && isComposite(t.Kind) {
			return true, nil
		}
		if !sameKind(l.Kind, t.Kind) {
			return false, nil
		}
		switch l.Kind {
		case btfx.KindPtr, btfx.KindFloat:
			return true, nil
		case btfx.KindFwd, btfx.KindEnum, btfx.KindEnum64:
			ln, tn := btfx.EssentialName(l.Name), btfx.EssentialName(t.Name)
			return ln == "" || tn == "" || ln == tn, nil
		case btfx.KindInt:
			return l.IntOffset == 0 && t.IntOffset == 0, nil
		case btfx.KindArray:
			lid, tid = l.Type, t.Type
			continue
		}
		return false, nil
	}
}

// compatible reports whether two types are the same kind of thing all the way
// down: kinds agree, sizes and members do not matter (type_exists, ksyms).
func (m *matcher) compatible(lid, tid btfx.ID, level int) (bool, error) {
	if !sameKind(m.local.Type(lid).Kind, m.target.Type(tid).Kind) {
		return false, nil
	}
	for depth := maxMatchDepth; ; depth-- {
		l, t, err := m.pair(lid, tid)
		if err == nil {
			err = m.charge(depth)
		}
		if err != nil {
			return false, err
		}
		if !sameKind(l.Kind, t.Kind) {
			return false, nil
		}
		switch l.Kind {
		case btfx.KindVoid, btfx.KindStruct, btfx.KindUnion, btfx.KindEnum, btfx.KindEnum64, btfx.KindFwd:
			return true, nil
		case btfx.KindInt:
			return l.IntOffset == 0 && t.IntOffset == 0, nil
		case btfx.KindPtr, btfx.KindArray:
		case btfx.KindFuncProto:
			if ok, err := m.params(l, t, level, m.compatibleParam); !ok || err != nil {
				return ok, err
			}
		default:
			return false, nil
		}
		lid, tid = l.Type, t.Type
	}
}

// compatibleParam is compatible for types whose names and qualifiers may
// differ at the top.
func (m *matcher) compatibleParam(lid, tid btfx.ID, level int) (bool, error) {
	l, t, err := m.pair(lid, tid)
	if err != nil {
		return false, err
	}
	return m.compatible(l.ID, t.ID, level)
}

// params compares the parameters of two prototypes one by one.
func (m *matcher) params(l, t *btfx.Type, level int, same func(lid, tid btfx.ID, level int) (bool, error)) (bool, error) {
	if len(l.Params) != len(t.Params) {
		return false, nil
	}
	for i := range l.Params {
		if level <= 0 {
			return false, errTooDeep
		}
		if ok, err := same(l.Params[i].Type, t.Params[i].Type, level-1); !ok || err != nil {
			return ok, err
		}
	}
	return true, nil
}

// matches reports whether the target's type has everything that the object's
// has (type_matches): members and enumerators by name, kinds, sizes of numbers.
// Structs behind pointers match by name.
func (m *matcher) matches(lid, tid btfx.ID, behindPtr bool, level int) (bool, error) {
	if level <= 0 {
		return false, errTooDeep
	}
	for depth := maxMatchDepth; ; depth-- {
		l, t, err := m.pair(lid, tid)
		if err == nil {
			err = m.charge(depth)
		}
		if err != nil {
			return false, err
		}
		if btfx.EssentialName(l.Name) != btfx.EssentialName(t.Name) {
			return false, nil
		}
		switch l.Kind {
		case btfx.KindPtr, btfx.KindArray, btfx.KindFuncProto:
			if l.Kind != t.Kind || l.Nelems != t.Nelems {
				return false, nil
			}
		default:
			return m.matchesEnd(l, t, behindPtr, level)
		}
		if l.Kind == btfx.KindFuncProto {
			same := func(lid, tid btfx.ID, level int) (bool, error) { return m.matches(lid, tid, behindPtr, level) }
			if ok, err := m.params(l, t, level, same); !ok || err != nil {
				return ok, err
			}
		}
		behindPtr = behindPtr || l.Kind == btfx.KindPtr
		lid, tid = l.Type, t.Type
	}
}

// matchesEnd compares types that lead to no other, or to members.
func (m *matcher) matchesEnd(l, t *btfx.Type, behindPtr bool, level int) (bool, error) {
	switch l.Kind {
	case btfx.KindVoid:
		return t.Kind == btfx.KindVoid, nil
	case btfx.KindInt:
		return t.Kind == btfx.KindInt && l.Size == t.Size &&
			(l.IntEncoding^t.IntEncoding)&btfIntSigned == 0, nil
	case btfx.KindEnum, btfx.KindEnum64:
		return isEnum(t.Kind) && enumsMatch(l, t), m.chargeN(len(l.Enums)+len(t.Enums), level)
	case btfx.KindFwd:
		return fwdMatches(l, t, behindPtr), nil
	case btfx.KindStruct, btfx.KindUnion:
		if behindPtr {
			return l.Kind == t.Kind || t.Kind == btfx.KindFwd && (l.Kind == btfx.KindUnion) == t.KindFlag, nil
		}
		if l.Kind == t.Kind {
			return m.compositesMatch(l, t, level)
		}
	}
	return false, nil
}

// fwdMatches compares a forward declaration, whose flag says union.
func fwdMatches(l, t *btfx.Type, behindPtr bool) bool {
	switch t.Kind {
	case btfx.KindFwd:
		return l.KindFlag == t.KindFlag
	case btfx.KindStruct:
		return behindPtr && !l.KindFlag
	case btfx.KindUnion:
		return behindPtr && l.KindFlag
	}
	return false
}

// enumsMatch: every enumerator of l has its name in t.
func enumsMatch(l, t *btfx.Type) bool {
	if l.Size != t.Size || len(l.Enums) > len(t.Enums) {
		return false
	}
	names := map[string]bool{}
	for _, e := range t.Enums {
		names[btfx.EssentialName(e.Name)] = true
	}
	for _, e := range l.Enums {
		if !names[btfx.EssentialName(e.Name)] {
			return false
		}
	}
	return true
}

// compositesMatch: every member of l has one in t that matches.
func (m *matcher) compositesMatch(l, t *btfx.Type, level int) (bool, error) {
	if len(l.Members) > len(t.Members) {
		return false, nil
	}
	for _, lm := range l.Members {
		found := false
		for _, tm := range t.Members {
			if err := m.charge(level); err != nil {
				return false, err
			}
			if btfx.EssentialName(lm.Name) != btfx.EssentialName(tm.Name) {
				continue
			}
			ok, err := m.matches(lm.Type, tm.Type, false, level-1)
			if err != nil {
				return false, err
			}
			if found = ok; found {
				break
			}
		}
		if !found {
			return false, nil
		}
	}
	return true, nil
}
