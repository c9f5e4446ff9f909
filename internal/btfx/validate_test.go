// This file defines tests of the kernel's rules for BTF.

package btfx

import (
	"strings"
	"testing"
)

// validateRows are types that break one rule each, in the kernel's words.
var validateRows = []struct {
	name  string
	types []Type
	want  string // "" when the kernel takes them
}{
	{"int", []Type{int32Type}, ""},
	{"int too wide", []Type{{Kind: KindInt, Name: "int", Size: 4, IntBits: 33}}, "nr_bits exceeds type_size"},
	{"int of two encodings", []Type{{Kind: KindInt, Name: "int", Size: 4, IntBits: 32, IntEncoding: 3}}, "Unsupported encoding"},
	{"pointer with a name", []Type{{Kind: KindPtr, Name: "p"}}, "Invalid name"},
	{"typedef without a name", []Type{{Kind: KindTypedef}}, "Invalid name"},
	{"typedef with a bad name", []Type{{Kind: KindTypedef, Name: "a-b"}}, "Invalid name"},
	{"pointer to a variable", []Type{int32Type, {Kind: KindVar, Name: "v", Type: 1}, {Kind: KindPtr, Type: 2}}, "Invalid type_id"},
	{"pointer to a function", []Type{
		{Kind: KindFuncProto}, {Kind: KindFunc, Name: "f", Type: 1}, {Kind: KindPtr, Type: 2},
	}, ""},
	{"qualified tag", []Type{int32Type, {Kind: KindTypeTag, Name: "user", Type: 1}, {Kind: KindConst, Type: 2}}, "Type tags don't precede modifiers"},
	{"tagged qualifier", []Type{int32Type, {Kind: KindConst, Type: 1}, {Kind: KindTypeTag, Name: "user", Type: 2}}, ""},
	{"array of void", []Type{int32Type, {Kind: KindArray, Index: 1, Nelems: 1}}, "Invalid elem"},
	{"array indexed by a pointer", []Type{int32Type, {Kind: KindPtr}, {Kind: KindArray, Type: 1, Index: 2, Nelems: 1}}, "Invalid index"},
	{"array too large", []Type{int64Type, {Kind: KindArray, Type: 1, Index: 1, Nelems: 1 << 30}}, "Array size overflows U32_MAX"},
	{"member of void", []Type{{Kind: KindStruct, Name: "s", Size: 8, Members: []Member{{Name: "a"}}}}, "Invalid type_id"},
	{"member beyond its struct", []Type{int64Type, {Kind: KindStruct, Name: "s", Size: 4, Members: []Member{{Name: "a", Type: 1}}}}, "Member exceeds struct_size"},
	{"members out of order", []Type{int32Type, {Kind: KindStruct, Name: "s", Size: 8, Members: []Member{
		{Name: "a", Type: 1, BitOffset: 32}, {Name: "b", Type: 1},
	}}}, "Invalid member bits_offset"},
	{"union with an offset", []Type{int32Type, {Kind: KindUnion, Name: "u", Size: 8, Members: []Member{{Name: "a", Type: 1, BitOffset: 32}}}}, "Invalid member bits_offset"},
	{"bit field", []Type{int32Type, {Kind: KindStruct, Name: "s", KindFlag: true, Size: 4, Members: []Member{{Name: "a", Type: 1, BitOffset: 3, BitSize: 7}}}}, ""},
	{"bit field too wide", []Type{int32Type, {Kind: KindStruct, Name: "s", KindFlag: true, Size: 8, Members: []Member{{Name: "a", Type: 1, BitSize: 33}}}}, "Invalid member bitfield_size"},
	{"bit field of a pointer", []Type{{Kind: KindPtr}, {Kind: KindStruct, Name: "s", KindFlag: true, Size: 8, Members: []Member{{Name: "a", Type: 1, BitSize: 3}}}}, "Invalid member bitfield_size"},
	{"pointer between bytes", []Type{{Kind: KindPtr}, {Kind: KindStruct, Name: "s", Size: 16, Members: []Member{{Name: "a", Type: 1, BitOffset: 4}}}}, "Member is not byte aligned"},
	{"float out of line", []Type{{Kind: KindFloat, Name: "double", Size: 8}, {Kind: KindStruct, Name: "s", Size: 16, Members: []Member{{Name: "a", Type: 1, BitOffset: 32}}}}, "Member is not properly aligned"},
	{"enum of 3 bytes", []Type{{Kind: KindEnum, Name: "e", Size: 3}}, "Unexpected size"},
	{"enumerator without a name", []Type{{Kind: KindEnum, Name: "e", Size: 4, Enums: []EnumValue{{}}}}, "Invalid name"},
	{"forward without a name", []Type{{Kind: KindFwd}}, "Invalid name"},
	{"function returning void", []Type{{Kind: KindFuncProto}, {Kind: KindFunc, Name: "f", Type: 1}}, ""},
	{"function returning a forward", []Type{{Kind: KindFwd, Name: "s"}, {Kind: KindFuncProto, Type: 1}}, "Invalid return type"},
	{"parameter without a name", []Type{int32Type, {Kind: KindFuncProto, Params: []Param{{Type: 1}}}, {Kind: KindFunc, Name: "f", Type: 2}}, "Invalid arg#1"},
	{"prototype without names", []Type{int32Type, {Kind: KindFuncProto, Params: []Param{{Type: 1}, {}}}}, ""},
	{"parameter of void", []Type{int32Type, {Kind: KindFuncProto, Params: []Param{{Name: "a"}, {Name: "b", Type: 1}}}}, "Invalid arg#1"},
	{"extern function", []Type{{Kind: KindFuncProto}, {Kind: KindFunc, Name: "f", Type: 1, Linkage: 2}}, "Invalid func linkage"},
	{"extern variable", []Type{int32Type, {Kind: KindVar, Name: "v", Type: 1, Linkage: 2}}, "Linkage not supported"},
	{"variable of void", []Type{{Kind: KindVar, Name: "v"}}, "Invalid type_id"},
	{"empty section", []Type{{Kind: KindDatasec, Name: ".data"}}, "size == 0"},
	{"section with a question", []Type{int32Type, {Kind: KindVar, Name: "v", Type: 1}, {Kind: KindDatasec, Name: "?.struct_ops", Size: 4, Vars: []VarSecinfo{{2, 0, 4}}}}, ""},
	{"variables that overlap", []Type{int32Type, {Kind: KindVar, Name: "v", Type: 1}, {Kind: KindDatasec, Name: ".data", Size: 8, Vars: []VarSecinfo{{2, 0, 4}, {2, 2, 4}}}}, "Invalid offset"},
	{"variable that is cut", []Type{int32Type, {Kind: KindVar, Name: "v", Type: 1}, {Kind: KindDatasec, Name: ".data", Size: 8, Vars: []VarSecinfo{{2, 0, 2}}}}, "Invalid size"},
	{"float of 5 bytes", []Type{{Kind: KindFloat, Name: "f", Size: 5}}, "Invalid type_size"},
	{"member without bytes", []Type{{Kind: KindStruct, Name: "s", Size: 8, Members: []Member{{Name: "a", Type: 2}}}, {Kind: KindFloat, Name: "f"}}, "Invalid type_size"},
	{"tag without text", []Type{{Kind: KindStruct, Name: "s"}, {Kind: KindDeclTag, Type: 1, ComponentIdx: -1}}, "Invalid value"},
	{"tag on an int", []Type{int32Type, {Kind: KindDeclTag, Name: "x", Type: 1, ComponentIdx: -1}}, "Invalid type_id"},
	{"tag on a missing member", []Type{{Kind: KindStruct, Name: "s"}, {Kind: KindDeclTag, Name: "x", Type: 1}}, "Invalid component_idx"},
	{"flagged tag", []Type{{Kind: KindStruct, Name: "s"}, {Kind: KindDeclTag, KindFlag: true, Name: "x", Type: 1, ComponentIdx: -1}}, ""},
	{"flagged pointer", []Type{{Kind: KindPtr, KindFlag: true}}, "Invalid btf_info kind_flag"},
	{"nothing", nil, "No type found"},
}

func TestValidate(t *testing.T) {
	for _, row := range validateRows {
		t.Run(row.name, func(t *testing.T) {
			s, err := build(row.types...)
			if err != nil {
				t.Fatal(err)
			}
			err = s.Validate()
			if row.want == "" {
				if err != nil {
					t.Errorf("error %v, want none", err)
				}
			} else if err == nil || !strings.HasSuffix(err.Error(), row.want) {
				t.Errorf("error %v, want %q", err, row.want)
			}
		})
	}
}
