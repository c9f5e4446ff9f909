// This file defines what is checked of BTF before any of it is believed.

package btfx

import (
	"errors"
	"fmt"
)

// check refuses what would make a reader go wrong: names and ids out of range,
// references of the wrong kind, and types that contain or only rename
// themselves. These are those of the kernel's rules (kernel/bpf/btf.c,
// btf_check_all_metas and btf_check_all_types) that protect us; a Spec that
// passes may still be refused by BPF_BTF_LOAD for style.
func (s *Spec) check() error {
	for i := range s.offs {
		if err := s.checkType(s.firstID + ID(i)); err != nil {
			return fmt.Errorf("BTF type %d: %w", s.firstID+ID(i), err)
		}
	}
	for _, next := range []func(ID, func(ID)){s.contained, s.pointed} {
		if id, ok := s.findLoop(next); ok {
			return fmt.Errorf("BTF type %d: contains itself", id)
		}
	}
	return nil
}

var (
	errName = errors.New("name out of range")
	errRef  = errors.New("reference to a type that does not exist")
	errKind = errors.New("reference to a type of the wrong kind")
)

// Kinds that a reference may have, where only some make sense.
var (
	protoOnly = kinds(KindFuncProto)
	varOrFunc = kinds(KindVar, KindFunc) // clang lists extern functions in .ksyms
)

type kindSet uint32

func kinds(ks ...Kind) (set kindSet) {
	for _, k := range ks {
		set |= 1 << k
	}
	return set
}

func (s *Spec) checkType(id ID) error {
	rec := s.record(id)
	if !s.HasString(rec.u32(0)) {
		return errName
	}
	var want kindSet
	switch rec.kind() {
	case KindFunc:
		want = protoOnly
	case KindDatasec:
		want = varOrFunc
	}
	var err error
	rec.names(func(off uint32) {
		if !s.HasString(off) {
			err = errName
		}
	})
	rec.refs(func(ref ID) {
		switch {
		case ref >= s.NextID():
			err = errRef
		case want != 0 && want&(1<<s.kindOf(ref)) == 0:
			err = errKind
		}
	})
	return err
}

// kindOf is the kind of a type whose id is in range, without decoding it.
func (s *Spec) kindOf(id ID) Kind {
	if id == 0 {
		return KindVoid
	}
	return s.record(id).kind()
}

// contained visits the types that id is made of: members, elements, what a
// name or qualifier stands for. Pointers do not contain what they point to.
func (s *Spec) contained(id ID, visit func(ID)) {
	switch rec := s.record(id); rec.kind() {
	case KindStruct, KindUnion, KindArray, KindTypedef, KindVolatile, KindConst, KindRestrict, KindTypeTag, KindVar:
		rec.refs(visit)
	}
}

// pointed visits what a chain of pointers, names and qualifiers leads to.
func (s *Spec) pointed(id ID, visit func(ID)) {
	switch rec := s.record(id); rec.kind() {
	case KindPtr, KindTypedef, KindVolatile, KindConst, KindRestrict, KindTypeTag:
		rec.refs(visit)
	}
}

// findLoop looks for a type of s that next leads back to, depth first and
// without recursion: a chain may be as long as the blob. Types of the base
// cannot refer to those of s.
func (s *Spec) findLoop(next func(ID, func(ID))) (ID, bool) {
	const unseen, open, done = 0, 1, 2
	state := make([]uint8, len(s.offs))
	var stack []ID
	for i := range s.offs {
		if state[i] == done {
			continue
		}
		stack = append(stack[:0], s.firstID+ID(i))
		for len(stack) > 0 {
			id := stack[len(stack)-1]
			at := &state[id-s.firstID]
			if *at != unseen { // back from what it leads to, or reached twice
				*at = done
				stack = stack[:len(stack)-1]
				continue
			}
			*at = open
			loop := false
			next(id, func(ref ID) {
				if ref < s.firstID {
					return
				}
				switch state[ref-s.firstID] {
				case unseen:
					stack = append(stack, ref)
				case open:
					loop = true
				}
			})
			if loop {
				return id, true
			}
		}
	}
	return 0, false
}
