// This file defines fuzzing of hostile BTF.

package btfx

import "testing"

// FuzzParse parses anything and uses everything. It must end, with or without
// an error, and what it accepts must survive being written again.
func FuzzParse(f *testing.F) {
	b := NewBuilder(nil)
	everyKind(b)
	raw, err := b.Bytes()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add(raw[:24])
	base, err := b.Spec()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, base := range []*Spec{nil, base} {
			s, err := Parse(raw, base)
			if err != nil {
				continue
			}
			useAll(s)
			again, err := Edit(s).Spec()
			if err != nil {
				t.Fatalf("written again: %v", err)
			}
			if again.NextID() != s.NextID() {
				t.Errorf("written again: %d types, want %d", again.NextID(), s.NextID())
			}
		}
	})
}

// useAll calls everything that follows references.
func useAll(s *Spec) {
	_ = s.Validate()
	for id := s.FirstID(); id < s.NextID(); id++ {
		typ := s.Type(id)
		s.Strip(id)
		s.SizeOf(id)
		s.Flavors(typ.Name)
		s.FindMember(id, "next")
		s.DeclTags(id, -1)
		s.Leaves(id, 1000, func(Leaf) bool { return true })
	}
}
