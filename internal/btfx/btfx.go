// This file defines raw BTF: types by the ids that the encoding gives them.

// Package btfx reads and writes BTF and keeps every type's id, which
// cilium/ebpf's typed view does not promise.
//
// It takes a blob (Parse) and gives a Spec: types by id, look-ups by name,
// layouts, the kernel's own judgement (Validate), and that typed view of the
// same blob (Typed). Builder makes or edits one. Everything above uses it:
// internal/bytecode for line and function information, internal/catalog for
// kernel types, internal/object for maps and relocations. It imports nothing
// of this module, and must not.
package btfx

// ID is a type id inside one Spec (a split Spec continues its base's ids).
// 0 is void.
type ID = uint32

// Kind is a BTF kind, with the encoding's numbers.
type Kind uint8

// Kinds.
const (
	KindVoid Kind = iota
	KindInt
	KindPtr
	KindArray
	KindStruct
	KindUnion
	KindEnum
	KindFwd
	KindTypedef
	KindVolatile
	KindConst
	KindRestrict
	KindFunc
	KindFuncProto
	KindVar
	KindDatasec
	KindFloat
	KindDeclTag
	KindTypeTag
	KindEnum64
)

// Type is one decoded type. Fields that a kind does not have are zero.
type Type struct {
	ID       ID
	Kind     Kind
	KindFlag bool   // bit-field sizes, signed enums, union forward
	Name     string // "" for anonymous types
	Size     uint32 // bytes: int, struct, union, enum, float, datasec
	Type     ID     // pointee, element, target of modifiers, return type, prototype of a func, tagged type
	Linkage  uint32 // func: 0 static, 1 global, 2 extern; var likewise
	Index    ID     // array: index type
	Nelems   uint32 // array: number of elements

	IntEncoding uint8 // int: 1 signed, 2 char, 4 bool
	IntOffset   uint8 // int: bit offset
	IntBits     uint8 // int: width in bits

	ComponentIdx int32 // decl tag: -1 for the type itself

	Members []Member    // struct, union
	Params  []Param     // func proto; a variadic one ends with a zero Param
	Enums   []EnumValue // enum, enum64
	Vars    []VarSecinfo
}

// Member of a struct or union.
type Member struct {
	Name      string
	Type      ID
	BitOffset uint32
	BitSize   uint32 // 0 unless a bit field
}

// Param of a function prototype.
type Param struct {
	Name string
	Type ID
}

// EnumValue is one enumerator; Value is sign-extended where the enum is signed.
type EnumValue struct {
	Name  string
	Value uint64
}

// VarSecinfo is one variable of a data section.
type VarSecinfo struct {
	Type   ID
	Offset uint32
	Size   uint32
}
