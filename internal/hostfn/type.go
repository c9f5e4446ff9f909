// This file defines Go types as C and BTF see them.

package hostfn

import "fmt"

// Kind is the kind of a Type.
type Kind uint8

// Kinds of types. What C has no type for is Opaque: bytes that keep their
// place.
const (
	Opaque Kind = iota
	Bool
	Int
	Array
	Struct
	Pointer
	String // struct skep_str
	Slice  // struct skep_bytes
)

// Type is a Go type with the layout that it has on 64-bit platforms.
type Type struct {
	Kind   Kind
	Go     string // its Go name, for messages: "*http.Request"
	Name   string // Struct: its name in C
	Size   uint32 // bytes
	Align  uint32 // bytes
	Signed bool   // Int
	Elem   *Type  // Array, Pointer (nil: void), Slice
	Len    uint32 // Array
	Fields []Field
	Kernel bool // Struct: the target's own type of that name, not described here
	Closed bool // Struct: of another package; its fields are not described
}

// Field is a field of a struct.
type Field struct {
	Name   string
	Offset uint32 // bytes
	Type   *Type
	Trust  Trust
}

// Trust is what a pointer read from a field is good for, as the field's tag
// says (skep:"trusted" and so on).
type Trust uint8

// Degrees of trust.
const (
	Untrusted Trust = iota
	Trusted
	TrustedOrNull
	RCU
	RCUOrNull
)

// trustTags are the values of the skep tag.
var trustTags = map[string]Trust{
	"": Untrusted, "trusted": Trusted, "trusted_or_null": TrustedOrNull, "rcu": RCU, "rcu_or_null": RCUOrNull,
}

// ParseTrust reads the skep tag of a field.
func ParseTrust(tag string) (Trust, error) {
	t, ok := trustTags[tag]
	if !ok {
		return 0, fmt.Errorf("tag skep:%q: want trusted, trusted_or_null, rcu or rcu_or_null", tag)
	}
	return t, nil
}

// IsScalar reports a type that fits a register as a number.
func (t *Type) IsScalar() bool { return t.Kind == Bool || t.Kind == Int }

// hasPointers reports whether Go's collector looks into values of the type, so
// that a program must not write them.
func (t *Type) hasPointers() bool {
	switch t.Kind {
	case Bool, Int:
		return false
	case Array:
		return t.Len > 0 && t.Elem.hasPointers()
	case Struct:
		for _, f := range t.Fields {
			if f.Type.hasPointers() {
				return true
			}
		}
		return t.Kernel || t.Closed
	}
	return true
}

// keywords are identifiers of Go that C does not take.
var keywords = map[string]bool{
	"auto": true, "char": true, "do": true, "double": true, "enum": true, "extern": true, "float": true, "inline": true, "int": true,
	"long": true, "register": true, "restrict": true, "short": true, "signed": true, "sizeof": true, "static": true, "typedef": true,
	"typeof": true, "union": true, "unsigned": true, "void": true, "volatile": true, "while": true, "asm": true, "bool": true,
}

// CName is a name of Go as C takes it.
func CName(name string) string {
	if keywords[name] {
		return name + "_"
	}
	return name
}

// SafeFields gives the trust that fields declare, by "Struct.field", of all
// structs that functions name.
func SafeFields(funcs []*Func) map[string]Trust {
	out, seen := map[string]Trust{}, map[*Type]bool{}
	var visit func(*Type)
	visit = func(t *Type) {
		if t == nil || seen[t] {
			return
		}
		seen[t] = true
		visit(t.Elem)
		for _, f := range t.Fields {
			if f.Trust != Untrusted {
				out[t.Name+"."+f.Name] = f.Trust
			}
			visit(f.Type)
		}
	}
	for _, f := range funcs {
		visit(f.Result.Type)
		for _, p := range f.Params {
			visit(p.Type)
		}
	}
	return out
}
