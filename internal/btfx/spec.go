// This file defines Spec, a parsed BTF blob, and look-ups in it.

package btfx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cilium/ebpf/btf"
)

// ErrNotFound is returned for a type that a Spec does not have.
var ErrNotFound = errors.New("type not found")

const (
	magic     = 0xeB9F
	headerLen = 24
	// maxTypes and maxString are the kernel's own limits (6.18).
	maxTypes  = 0x000fffff
	maxString = 0x00ffffff
)

// Spec is a BTF blob. It is immutable and safe for concurrent use. Types are
// decoded when they are asked for: indexing vmlinux takes milliseconds.
type Spec struct {
	base    *Spec
	firstID ID
	order   binary.ByteOrder
	raw     []byte
	types   []byte
	strs    string
	strBase uint32
	offs    []uint32 // offset of type firstID+i in types
	decoded []atomicType

	nameOnce sync.Once
	byName   map[string][]ID
	flavors  map[string][]ID // name without its flavor → types that have one
	tagOnce  sync.Once
	tags     map[ID][]ID // target type → decl tags

	typedOnce sync.Once
	typed     *btf.Spec
	typedErr  error
}

// Parse reads a BTF blob. base is nil except for split BTF (modules, kfunc
// sets), whose ids and strings continue base's. A malformed blob gets an error
// that says where.
func Parse(raw []byte, base *Spec) (*Spec, error) {
	order, err := byteOrder(raw)
	if err != nil {
		return nil, err
	}
	types, err := bytesOf(raw, order, "type", 8)
	if err != nil {
		return nil, err
	}
	strs, err := bytesOf(raw, order, "string", 16)
	if err != nil {
		return nil, err
	}
	if len(strs) > maxString || (base == nil && (len(strs) == 0 || strs[0] != 0)) ||
		(len(strs) > 0 && strs[len(strs)-1] != 0) {
		return nil, errors.New("BTF string section: not NUL-terminated or too long")
	}
	s := &Spec{base: base, firstID: 1, order: order, raw: raw, types: types, strs: string(strs)}
	if base != nil {
		s.firstID = base.NextID()
		s.strBase = base.strBase + uint32(len(base.strs))
	}
	if err := s.index(); err != nil {
		return nil, err
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	return s, nil
}

// byteOrder finds the order that a blob is written in, and that it is BTF.
func byteOrder(raw []byte) (binary.ByteOrder, error) {
	if len(raw) < headerLen {
		return nil, fmt.Errorf("BTF header: %d bytes, want at least %d", len(raw), headerLen)
	}
	var order binary.ByteOrder = binary.LittleEndian
	if order.Uint16(raw) != magic {
		order = binary.BigEndian
	}
	if order.Uint16(raw) != magic {
		return nil, fmt.Errorf("BTF header: magic %#x", binary.LittleEndian.Uint16(raw))
	}
	if v := raw[2]; v != 1 {
		return nil, fmt.Errorf("BTF header: version %d", v)
	}
	return order, nil
}

// bytesOf returns a section, whose offset behind the header and length stand
// at the given place of the header.
func bytesOf(raw []byte, order binary.ByteOrder, what string, at int) ([]byte, error) {
	hdr, off, n := order.Uint32(raw[4:]), order.Uint32(raw[at:]), order.Uint32(raw[at+4:])
	start, end := uint64(hdr)+uint64(off), uint64(hdr)+uint64(off)+uint64(n)
	if hdr < headerLen || end > uint64(len(raw)) {
		return nil, fmt.Errorf("BTF %s section: bytes %d to %d of %d", what, start, end, len(raw))
	}
	return raw[start:end:end], nil
}

// index finds where each type starts and that its references are in range.
func (s *Spec) index() error {
	s.offs = make([]uint32, 0, len(s.types)/24)
	for off := 0; off < len(s.types); {
		if len(s.types)-off < 12 {
			return fmt.Errorf("BTF type %d: truncated", s.NextID())
		}
		if len(s.offs) >= maxTypes {
			return errors.New("BTF: too many types")
		}
		info := s.order.Uint32(s.types[off+4:])
		extra, err := extraLen(Kind(info>>24&0x1f), int(info&0xffff))
		if err != nil {
			return fmt.Errorf("BTF type %d: %w", s.NextID(), err)
		}
		if off+12+extra > len(s.types) {
			return fmt.Errorf("BTF type %d: truncated", s.NextID())
		}
		s.offs = append(s.offs, uint32(off))
		off += 12 + extra
	}
	s.decoded = make([]atomicType, len(s.offs))
	return nil
}

// extraLen is how many bytes follow the 12 common ones.
func extraLen(k Kind, vlen int) (int, error) {
	switch k {
	case KindInt, KindVar, KindDeclTag:
		return 4, nil
	case KindArray:
		return 12, nil
	case KindStruct, KindUnion, KindDatasec, KindEnum64:
		return vlen * 12, nil
	case KindEnum, KindFuncProto:
		return vlen * 8, nil
	case KindPtr, KindFwd, KindTypedef, KindVolatile, KindConst, KindRestrict, KindFunc, KindFloat, KindTypeTag:
		return 0, nil
	}
	return 0, fmt.Errorf("unknown kind %d", k)
}

// Raw returns the blob as it was parsed. Callers must not change it.
func (s *Spec) Raw() []byte { return s.raw }

// Base returns the Spec that this one splits, or nil.
func (s *Spec) Base() *Spec { return s.base }

// FirstID is the first id that belongs to s itself; 1 unless split.
func (s *Spec) FirstID() ID { return s.firstID }

// NextID is one past the last id.
func (s *Spec) NextID() ID { return s.firstID + ID(len(s.offs)) }

// String returns the string at a BTF string offset, "" when out of range.
func (s *Spec) String(off uint32) string {
	str, _ := s.lookupString(off)
	return str
}

// HasString reports whether off lies inside the string sections.
func (s *Spec) HasString(off uint32) bool {
	return off < s.strBase+uint32(len(s.strs))
}

func (s *Spec) lookupString(off uint32) (string, bool) {
	if !s.HasString(off) {
		return "", false
	}
	for off < s.strBase {
		s = s.base
	}
	str := s.strs[off-s.strBase:]
	return str[:strings.IndexByte(str, 0)], true
}

// Type returns the type with the given id. Id 0 is void. An id that the Spec
// does not have gives nil: callers must check ids that come from outside.
func (s *Spec) Type(id ID) *Type {
	if id == 0 {
		return &void
	}
	for s.base != nil && id < s.firstID {
		s = s.base
	}
	i := int(id) - int(s.firstID)
	if i < 0 || i >= len(s.offs) {
		return nil
	}
	if t := s.decoded[i].Load(); t != nil {
		return t
	}
	t := s.decode(id)
	s.decoded[i].Store(t)
	return t
}

var void = Type{}

// IsModifier reports whether the kind only qualifies or renames another type.
func (k Kind) IsModifier() bool {
	switch k {
	case KindTypedef, KindVolatile, KindConst, KindRestrict, KindTypeTag:
		return true
	}
	return false
}

// Strip follows typedefs, qualifiers and type tags from id and returns what
// they lead to; nil for a bad id or a cycle.
func (s *Spec) Strip(id ID) *Type {
	for range 64 {
		t := s.Type(id)
		if t == nil || !t.Kind.IsModifier() {
			return t
		}
		id = t.Type
	}
	return nil
}

// SizeOf returns a type's size in bytes: pointers have 8. ok is false for
// types without a size (void, functions, forward declarations) and bad ids.
func (s *Spec) SizeOf(id ID) (size uint32, ok bool) {
	n := uint64(1)
	for range 64 {
		t := s.Strip(id)
		if t == nil {
			return 0, false
		}
		switch t.Kind {
		case KindInt, KindStruct, KindUnion, KindEnum, KindEnum64, KindFloat, KindDatasec:
			n *= uint64(t.Size)
		case KindPtr:
			n *= 8
		case KindArray:
			n *= uint64(t.Nelems)
			if n > 1<<32-1 {
				return 0, false
			}
			id = t.Type
			continue
		case KindVar:
			id = t.Type
			continue
		default:
			return 0, false
		}
		return uint32(n), n <= 1<<32-1
	}
	return 0, false
}

type atomicType = atomic.Pointer[Type]
