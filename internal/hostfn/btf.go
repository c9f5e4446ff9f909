// This file defines the BTF of functions and of the structs that they name.

package hostfn

import (
	"fmt"

	"github.com/skepbpf/skep/internal/btfx"
)

// tagKfunc is the declaration tag of functions that programs may call.
const tagKfunc = "bpf_kfunc"

// ImplSuffix ends the name of the signature that has all parameters.
const ImplSuffix = "_impl"

// Build gives BTF of its own, without a base, that has every function and the
// structs that they name. The target's types are forward declarations there,
// until Retarget. The same functions give the same bytes.
func Build(funcs []*Func) (*btfx.Spec, error) {
	e := emitter{b: btfx.NewBuilder(nil), structs: map[string]*Type{}, ids: map[string]ID{}}
	for _, f := range funcs {
		if err := f.Check(); err != nil {
			return nil, err
		}
		if err := e.signatures(f); err != nil {
			return nil, fmt.Errorf("kfunc %s: %w", f.Name, err)
		}
	}
	return e.b.Spec()
}

// Retarget puts own BTF over a target's: what own only declares is the
// target's.
func Retarget(own, base *btfx.Spec) (*btfx.Spec, error) {
	b := btfx.NewBuilder(base)
	shift := base.NextID() - 1
	moved := func(id ID) ID {
		if id == 0 {
			return 0
		}
		if t := own.Type(id); t.Kind == btfx.KindFwd {
			if there, ok := base.Find(t.Name, fwdKind(t)); ok {
				return there
			}
		}
		return id + shift
	}
	for id := ID(1); id < own.NextID(); id++ {
		t := *own.Type(id)
		if t.Kind == btfx.KindStruct && t.Name != "" && t.Name != strName && t.Name != bytesName {
			if _, taken := base.Find(t.Name, btfx.KindStruct); taken {
				return nil, fmt.Errorf("struct %s: the target has a struct of that name", t.Name)
			}
		}
		b.Add(moveType(t, moved))
	}
	return b.Spec()
}

func fwdKind(t *btfx.Type) btfx.Kind {
	if t.KindFlag {
		return btfx.KindUnion
	}
	return btfx.KindStruct
}

// moveType renames the ids that a type holds.
func moveType(t btfx.Type, moved func(ID) ID) btfx.Type {
	if t.Kind != btfx.KindInt && t.Kind != btfx.KindFwd {
		t.Type, t.Index = moved(t.Type), moved(t.Index)
	}
	t.Members = append([]btfx.Member(nil), t.Members...)
	for i := range t.Members {
		t.Members[i].Type = moved(t.Members[i].Type)
	}
	t.Params = append([]btfx.Param(nil), t.Params...)
	for i := range t.Params {
		t.Params[i].Type = moved(t.Params[i].Type)
	}
	return t
}

// emitter writes types once each.
type emitter struct {
	b       *btfx.Builder
	structs map[string]*Type // by C name
	ids     map[string]ID    // by what tells a type
}

// signatures writes the functions that one Go function is to programs.
func (e *emitter) signatures(f *Func) error {
	if !f.HasImplicit() || f.Spelling == SpellProg || f.Spelling == SpellLegacy {
		return e.function(f, f.Name, false, true)
	}
	if err := e.function(f, f.Name, true, true); err != nil {
		return err
	}
	return e.function(f, f.Name+ImplSuffix, false, f.Spelling == SpellMagic)
}

func (e *emitter) function(f *Func, name string, public, callable bool) error {
	proto := btfx.Type{Kind: btfx.KindFuncProto}
	if r := f.Result; r.Role == Errno {
		proto.Type = e.integer(cInt)
	} else if r.Type != nil {
		id, err := e.typ(r.Type)
		if err != nil {
			return err
		}
		proto.Type = id
	}
	for _, p := range f.CParams(public) {
		id, err := e.param(p)
		if err != nil {
			return err
		}
		proto.Params = append(proto.Params, btfx.Param{Name: p.Name, Type: id})
	}
	fn := e.b.Add(btfx.Type{Kind: btfx.KindFunc, Name: name, Type: e.b.Add(proto), Linkage: 1})
	if callable {
		e.b.Add(btfx.Type{Kind: btfx.KindDeclTag, Name: tagKfunc, Type: fn, ComponentIdx: -1})
	}
	return nil
}

var cInt = &Type{Kind: Int, Size: 4, Align: 4, Signed: true, Go: "int32"}

func (e *emitter) param(p CParam) (ID, error) {
	if !p.Ptr {
		return e.typ(p.Type)
	}
	var to ID
	if p.Type != nil {
		id, err := e.typ(p.Type)
		if err != nil {
			return 0, err
		}
		to = id
	}
	if p.Read {
		inner := to
		to = e.once(fmt.Sprintf("const %d", inner), func() btfx.Type { return btfx.Type{Kind: btfx.KindConst, Type: inner} })
	}
	return e.pointer(to), nil
}

// once adds a type unless one with this key is there.
func (e *emitter) once(key string, t func() btfx.Type) ID {
	if id, ok := e.ids[key]; ok {
		return id
	}
	id := e.b.Add(t())
	e.ids[key] = id
	return id
}

func (e *emitter) pointer(to ID) ID {
	return e.once(fmt.Sprintf("ptr %d", to), func() btfx.Type { return btfx.Type{Kind: btfx.KindPtr, Type: to} })
}

// typ writes a type and what it needs.
func (e *emitter) typ(t *Type) (ID, error) {
	switch t.Kind {
	case Bool, Int:
		return e.integer(t), nil
	case Array:
		elem, err := e.typ(t.Elem)
		return e.array(elem, t.Len), err
	case Struct:
		return e.structure(t)
	case Pointer:
		if t.Elem == nil || t.Elem.Kind == Opaque {
			return e.pointer(0), nil
		}
		to, err := e.typ(t.Elem)
		return e.pointer(to), err
	case String:
		return e.structure(cStr)
	case Slice:
		return e.structure(cBytes)
	}
	return e.array(e.integer(&Type{Kind: Int, Size: 1}), t.Size), nil
}

func (e *emitter) array(elem ID, n uint32) ID {
	index := e.integer(cU32)
	return e.once(fmt.Sprintf("array %d %d", elem, n), func() btfx.Type {
		return btfx.Type{Kind: btfx.KindArray, Type: elem, Index: index, Nelems: n}
	})
}

func (e *emitter) integer(t *Type) ID {
	name := cName(t)
	return e.once(name, func() btfx.Type {
		i := btfx.Type{Kind: btfx.KindInt, Name: name, Size: t.Size, IntBits: uint8(8 * t.Size)}
		switch {
		case t.Kind == Bool:
			i.IntEncoding = 4
		case t.Signed:
			i.IntEncoding = 1
		}
		return i
	})
}

// structure writes a struct; it may be part of what it points to.
func (e *emitter) structure(t *Type) (ID, error) {
	key := "struct " + t.Name
	if t.Kernel {
		return e.once(key, func() btfx.Type { return btfx.Type{Kind: btfx.KindFwd, Name: t.Name} }), nil
	}
	if id, ok := e.ids[key]; ok {
		if e.structs[t.Name] != t {
			return 0, fmt.Errorf("two structs are called %s in C: %s and %s", t.Name, e.structs[t.Name].Go, t.Go)
		}
		return id, nil
	}
	id := e.b.Add(btfx.Type{Kind: btfx.KindStruct, Name: t.Name, Size: t.Size})
	e.ids[key], e.structs[t.Name] = id, t
	var members []btfx.Member
	for _, f := range t.Fields {
		ft, err := e.typ(f.Type)
		if err != nil {
			return 0, err
		}
		members = append(members, btfx.Member{Name: f.Name, Type: ft, BitOffset: 8 * f.Offset})
	}
	e.b.Type(id).Members = members
	return id, nil
}

// Names of the structs behind Go's strings and slices.
const (
	strName   = "skep_str"
	bytesName = "skep_bytes"
)

var (
	cU64 = &Type{Kind: Int, Size: 8, Align: 8, Go: "uint64"}
	// cStr and cBytes are opaque to programs: skep_str_copy and its like read
	// them.
	cStr = &Type{Kind: Struct, Name: strName, Go: "string", Size: 16, Align: 8, Fields: []Field{
		{Name: "p", Type: &Type{Kind: Pointer, Size: 8, Align: 8}}, {Name: "n", Offset: 8, Type: cU64}}}
	cBytes = &Type{Kind: Struct, Name: bytesName, Go: "slice", Size: 24, Align: 8, Fields: []Field{
		{Name: "p", Type: &Type{Kind: Pointer, Size: 8, Align: 8}}, {Name: "n", Offset: 8, Type: cU64}, {Name: "cap", Offset: 16, Type: cU64}}}
)
