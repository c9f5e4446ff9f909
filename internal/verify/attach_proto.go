// This file defines when the prototype of an extension is that of the function
// that it replaces.

package verify

import (
	"fmt"

	"github.com/skepbpf/skep/internal/btfx"
)

// typeWords are the kernel's words for kinds of types.
var typeWords = map[btfx.Kind]string{
	btfx.KindVoid: "UNKNOWN", btfx.KindInt: "INT", btfx.KindPtr: "PTR", btfx.KindArray: "ARRAY", btfx.KindStruct: "STRUCT",
	btfx.KindUnion: "UNION", btfx.KindEnum: "ENUM", btfx.KindEnum64: "ENUM64", btfx.KindFwd: "FWD", btfx.KindFloat: "FLOAT",
	btfx.KindFuncProto: "FUNC_PROTO",
}

// side is one of two functions that are compared.
type side struct {
	spec  *btfx.Spec
	fn    *btfx.Type
	proto *btfx.Type
}

func sideOf(spec *btfx.Spec, id btfx.ID) (side, bool) {
	fn := spec.Type(id)
	if fn == nil || fn.Kind != btfx.KindFunc {
		return side{}, false
	}
	proto := spec.Type(fn.Type)
	return side{spec, fn, proto}, proto != nil && proto.Kind == btfx.KindFuncProto
}

// strip is a type without typedefs and qualifiers; void is a type too.
func (s *side) strip(id btfx.ID) *btfx.Type {
	if t := s.spec.Strip(id); t != nil {
		return t
	}
	return &btfx.Type{Kind: btfx.KindVoid}
}

// sameShape reports whether two types are of one kind with as many members.
func sameShape(a, b *btfx.Type) bool {
	return a.Kind == b.Kind && a.KindFlag == b.KindFlag && len(a.Members) == len(b.Members) && len(a.Enums) == len(b.Enums) && len(a.Params) == len(b.Params)
}

// prototypeMismatch says in which way an extension's main function is not like
// the one it replaces, "" when it is.
func (w *walker) prototypeMismatch(h *host) string {
	if w.prog.BTF == nil || len(w.prog.FuncInfos) == 0 {
		return "Program extension requires BTF"
	}
	own, ok := sideOf(w.prog.BTF, w.prog.FuncInfos[0].TypeID)
	theirs, same := sideOf(h.w.prog.BTF, h.fn.ID)
	if !ok || !same {
		return fmt.Sprintf("attach_btf_id %d is not a function", h.fn.ID)
	}
	for _, s := range []side{own, theirs} {
		if s.fn.Linkage != btfLinkageGlobal {
			return fmt.Sprintf("%s() is not a global function", s.fn.Name)
		}
	}
	if a, b := len(own.proto.Params), len(theirs.proto.Params); a != b {
		return fmt.Sprintf("%s() has %d args while %s() has %d args", own.fn.Name, a, theirs.fn.Name, b)
	}
	if a, b := own.strip(own.proto.Type), theirs.strip(theirs.proto.Type); !sameShape(a, b) {
		return fmt.Sprintf("Return type %s of %s() doesn't match type %s of %s()", typeWords[a.Kind], own.fn.Name, typeWords[b.Kind], theirs.fn.Name)
	}
	for i := range own.proto.Params {
		if line := paramMismatch(&own, &theirs, i); line != "" {
			return line
		}
	}
	return ""
}

func paramMismatch(own, theirs *side, i int) string {
	a, b := own.strip(own.proto.Params[i].Type), theirs.strip(theirs.proto.Params[i].Type)
	switch {
	case !sameShape(a, b):
		return fmt.Sprintf("arg%d in %s() is %s while %s() has %s", i, own.fn.Name, typeWords[a.Kind], theirs.fn.Name, typeWords[b.Kind])
	case a.Kind != btfx.KindPtr && a.Size != b.Size:
		return fmt.Sprintf("arg%d in %s() has size %d while %s() has %d", i, own.fn.Name, a.Size, theirs.fn.Name, b.Size)
	case a.Kind == btfx.KindInt || a.Kind == btfx.KindEnum || a.Kind == btfx.KindEnum64:
		return ""
	case a.Kind != btfx.KindPtr:
		return fmt.Sprintf("arg%d in %s() has unrecognized type", i, own.fn.Name)
	}
	a, b = own.strip(a.Type), theirs.strip(b.Type)
	switch {
	case a.Kind != btfx.KindStruct:
		return fmt.Sprintf("arg%d in %s() is not a pointer to context", i, own.fn.Name)
	case b.Kind != btfx.KindStruct:
		return fmt.Sprintf("arg%d in %s() is not a pointer to context", i, theirs.fn.Name)
	case a.Name != b.Name:
		return fmt.Sprintf("arg%d %s(struct %s *) doesn't match %s(struct %s *)", i, own.fn.Name, a.Name, theirs.fn.Name, b.Name)
	}
	return ""
}
