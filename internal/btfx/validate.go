// This file defines Validate: would a kernel take this BTF?

package btfx

import "fmt"

// Validate applies the rules of BPF_BTF_LOAD of Linux 6.18 (kernel/bpf/btf.c,
// btf_check_all_metas and btf_check_all_types) beyond what Parse checked. The
// error is about the first type that breaks one, with the kernel's words.
// Object files often carry BTF that breaks them, since compilers leave things
// open; a kernel's own BTF does (extern functions), and is not meant for this.
//
// Not applied: the depth limit of 32, and the rules about special members
// (bpf_spin_lock, bpf_list_head, …), which the verifier has.
func (s *Spec) Validate() error {
	if err := s.validateHeader(); err != nil {
		return fmt.Errorf("BTF header: %w", err)
	}
	for id := s.firstID; id < s.NextID(); id++ {
		v := validation{s, s.Type(id), s.record(id)}
		if err := v.run(); err != nil {
			return fmt.Errorf("BTF type %d %q: %w", id, v.t.Name, err)
		}
	}
	return nil
}

func (s *Spec) validateHeader() error {
	u32 := func(i int) uint64 { return uint64(s.order.Uint32(s.raw[i:])) }
	switch {
	case s.raw[3] != 0:
		return reason("Unsupported flags")
	case s.base == nil && len(s.offs) == 0:
		return reason("No type found")
	case u32(8) != 0 || u32(16) != u32(12) || u32(4)+u32(16)+u32(20) != uint64(len(s.raw)):
		return reason("Unsupported section found")
	}
	return nil
}

// validation is the check of one type.
type validation struct {
	s   *Spec
	t   *Type
	rec record
}

// reason is why a type is refused, in the kernel's words.
type reason string

func (r reason) Error() string { return string(r) }

// Reasons that several kinds share.
const (
	errInvalidName = reason("Invalid name")
	errInvalidType = reason("Invalid type_id")
)

// validators has the rules of each kind.
var validators = [...]func(validation) error{
	KindInt:       validation.integer,
	KindPtr:       validation.reference,
	KindArray:     validation.array,
	KindStruct:    validation.composite,
	KindUnion:     validation.composite,
	KindEnum:      validation.enum,
	KindFwd:       validation.forward,
	KindTypedef:   validation.reference,
	KindVolatile:  validation.reference,
	KindConst:     validation.reference,
	KindRestrict:  validation.reference,
	KindFunc:      validation.function,
	KindFuncProto: validation.prototype,
	KindVar:       validation.variable,
	KindDatasec:   validation.datasec,
	KindFloat:     validation.float,
	KindDeclTag:   validation.declTag,
	KindTypeTag:   validation.reference,
	KindEnum64:    validation.enum,
}

// Kinds by what their common words may hold.
var (
	countedKinds = kinds(KindStruct, KindUnion, KindEnum, KindEnum64, KindFunc, KindFuncProto, KindDatasec)
	flaggedKinds = kinds(KindStruct, KindUnion, KindEnum, KindEnum64, KindFwd, KindTypeTag, KindDeclTag)
	// sourceKinds refer to types and are not referred to by them.
	sourceKinds = kinds(KindVar, KindDatasec, KindDeclTag)
)

func (set kindSet) has(k Kind) bool { return set&(1<<k) != 0 }

// infoMask are the bits of the info word that mean something.
const infoMask = 0x9f00ffff

func (v validation) run() error {
	switch k := v.t.Kind; {
	case v.rec.u32(4)&^infoMask != 0:
		return reason("Invalid btf_info")
	case v.rec.vlen() != 0 && !countedKinds.has(k):
		return reason("vlen != 0")
	case v.t.KindFlag && !flaggedKinds.has(k):
		return reason("Invalid btf_info kind_flag")
	}
	return validators[v.t.Kind](v)
}

// maxSymbol is KSYM_NAME_LEN.
const maxSymbol = 512

// isIdentifier reports whether a name is one that C and the assembler have.
// Letters are those of Latin-1, as in the kernel.
func isIdentifier(name string) bool {
	for i := range len(name) {
		if c := name[i]; !isLetter(c) && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != "" && len(name) < maxSymbol
}

func isLetter(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' && c < 0x80 || c == '_' || c == '.' ||
		c >= 0xc0 && c != 0xd7 && c != 0xf7
}

// isSectionName reports whether a name is printable, in Latin-1.
func isSectionName(name string) bool {
	for i := range len(name) {
		if c := name[i]; c < ' ' || c >= 0x7f && c < 0xa0 {
			return false
		}
	}
	return name != "" && len(name) < maxSymbol
}

// ends returns what a reference leads to without names and qualifiers; ok is
// false where the kernel allows no reference: to variables, sections and tags.
func (v validation) ends(id ID) (t *Type, ok bool) {
	if next := v.s.Type(id); next == nil || sourceKinds.has(next.Kind) {
		return nil, false
	}
	t = v.s.strip(id)
	return t, !sourceKinds.has(t.Kind)
}

// sized returns what a reference to something with a size leads to, and the size.
func (v validation) sized(id ID) (t *Type, size uint32, ok bool) {
	if t, ok = v.ends(id); ok {
		size, ok = v.s.SizeOf(t.ID)
	}
	return t, size, ok
}

// strip is Strip without a bound: check has found that there are no loops.
func (s *Spec) strip(id ID) *Type {
	t := s.Type(id)
	for t.Kind.IsModifier() {
		t = s.Type(t.Type)
	}
	return t
}
