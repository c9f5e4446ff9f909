// This file defines look-ups by name and of decl tags.

package btfx

import "slices"

// Find returns the first id (in the Spec itself, then its base) of a named
// type of the given kind.
func (s *Spec) Find(name string, kind Kind) (ID, bool) {
	for ; s != nil; s = s.base {
		s.nameOnce.Do(s.indexNames)
		for _, id := range s.byName[name] {
			if s.Type(id).Kind == kind {
				return id, true
			}
		}
	}
	return 0, false
}

// Named returns all ids of s itself (not its base) with that name.
func (s *Spec) Named(name string) []ID {
	s.nameOnce.Do(s.indexNames)
	return s.byName[name]
}

func (s *Spec) indexNames() {
	s.byName = make(map[string][]ID, len(s.offs))
	s.flavors = map[string][]ID{}
	for i, off := range s.offs {
		if n := s.order.Uint32(s.types[off:]); n != 0 {
			name, id := s.String(n), s.firstID+ID(i)
			s.byName[name] = append(s.byName[name], id)
			if essential := EssentialName(name); essential != name {
				s.flavors[essential] = append(s.flavors[essential], id)
			}
		}
	}
}

// Flavors returns all ids, in s and its base, whose essential name is that of
// name, in ascending order: the candidates of a CO-RE relocation.
func (s *Spec) Flavors(name string) []ID {
	if s == nil {
		return nil
	}
	s.nameOnce.Do(s.indexNames)
	name = EssentialName(name)
	own := slices.Concat(s.byName[name], s.flavors[name])
	slices.Sort(own)
	return append(s.base.Flavors(name), own...)
}

// EssentialName is name without the "___flavor" that CO-RE ignores: the last
// triple underscore between characters that are none.
func EssentialName(name string) string {
	for i := len(name) - 5; i >= 0; i-- {
		if name[i] != '_' && name[i+1:i+4] == "___" && name[i+4] != '_' {
			return name[:i+1]
		}
	}
	return name
}

// DeclTags returns the texts of the decl tags on a type (component -1) or on
// one of its members or parameters, in the order of the encoding.
func (s *Spec) DeclTags(id ID, component int32) []string {
	s.tagOnce.Do(s.indexTags)
	var out []string
	for _, tag := range s.tags[id] {
		if t := s.Type(tag); t.ComponentIdx == component {
			out = append(out, t.Name)
		}
	}
	if s.base != nil && id < s.firstID {
		out = append(out, s.base.DeclTags(id, component)...)
	}
	return out
}

func (s *Spec) indexTags() {
	s.tags = map[ID][]ID{}
	for i, off := range s.offs {
		if Kind(s.order.Uint32(s.types[off+4:])>>24&0x1f) == KindDeclTag {
			target := s.order.Uint32(s.types[off+8:])
			s.tags[target] = append(s.tags[target], s.firstID+ID(i))
		}
	}
}
