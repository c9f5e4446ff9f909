// This file defines how BTF must describe a map's keys and values.

package maps

import (
	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/errno"
)

// btfRule is what a kind wants of its key's BTF.
type btfRule uint8

const (
	btfNone      btfRule = iota // no BTF at all
	btfAnyKey                   // a key of the right size
	btfIndex                    // a 32-bit integer
	btfSingle                   // btfIndex, or no key for one data section
	btfStructKey                // a struct of the right size
)

// CheckBTF judges the BTF types of a description as BPF_MAP_CREATE does
// (map_check_btf): 0, EINVAL, or ENOTSUPP for kinds that take none. New drops
// types that fail; the system call refuses them.
func CheckBTF(s *bytecode.MapSpec) errno.Errno {
	if s.BTF == nil || s.KeyTypeID|s.ValueTypeID == 0 {
		return 0
	}
	value := s.BTF.Strip(s.ValueTypeID)
	if size, ok := s.BTF.SizeOf(s.ValueTypeID); value == nil || !ok || size != s.ValueSize {
		return errno.EINVAL
	}
	rule := kinds[s.Type].btf
	if rule == btfNone {
		return errno.ENOTSUPP
	}
	if s.KeyTypeID == 0 {
		return checkKeyless(s, rule, value)
	}
	key := s.BTF.Strip(s.KeyTypeID)
	if size, ok := s.BTF.SizeOf(s.KeyTypeID); key == nil || !ok || size != s.KeySize {
		return errno.EINVAL
	}
	return checkKey(rule, key)
}

func checkKey(rule btfRule, key *btfx.Type) errno.Errno {
	ok := true
	switch rule {
	case btfIndex, btfSingle:
		ok = key.Kind == btfx.KindInt && key.IntBits == 32 && key.IntOffset == 0
	case btfStructKey:
		ok = key.Kind == btfx.KindStruct
	}
	if !ok {
		return errno.EINVAL
	}
	return 0
}

// checkKeyless judges a map whose only value is a data section.
func checkKeyless(s *bytecode.MapSpec, rule btfRule, value *btfx.Type) errno.Errno {
	if rule != btfSingle || s.MaxEntries != 1 || value.Kind != btfx.KindDatasec {
		return errno.EINVAL
	}
	return 0
}
