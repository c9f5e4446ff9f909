// This file defines how Go types become C types, by reflection.

package kfunc

import (
	"fmt"
	"go/token"
	"path"
	"reflect"

	"github.com/skepbpf/skep/internal/hostfn"
)

// describer turns types, each once: structs may point to themselves.
type describer struct {
	types map[reflect.Type]*hostfn.Type
	home  string // package whose structs are written out
}

func (d *describer) typ(t reflect.Type) (*hostfn.Type, error) {
	if known, ok := d.types[t]; ok {
		return known, nil
	}
	out := &hostfn.Type{Go: t.String(), Size: uint32(t.Size()), Align: uint32(t.Align())}
	if uint64(t.Size()) > 1<<31 {
		return nil, fmt.Errorf("%s is too large", t)
	}
	d.types[t] = out
	return out, d.fill(out, t)
}

func (d *describer) fill(out *hostfn.Type, t reflect.Type) (err error) {
	switch t.Kind() {
	case reflect.Bool:
		out.Kind = hostfn.Bool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		out.Kind, out.Signed = hostfn.Int, true
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		out.Kind = hostfn.Int
	case reflect.String:
		out.Kind = hostfn.String
	case reflect.Slice:
		out.Kind = hostfn.Slice
	case reflect.Array:
		out.Kind, out.Len = hostfn.Array, uint32(t.Len())
		out.Elem, err = d.typ(t.Elem())
	case reflect.Pointer:
		out.Kind = hostfn.Pointer
		out.Elem, err = d.typ(t.Elem())
	case reflect.UnsafePointer:
		out.Kind = hostfn.Pointer
	case reflect.Struct:
		err = d.structure(out, t)
	}
	return err
}

// structure describes a struct of the host's package; of those of other
// packages only the size counts.
func (d *describer) structure(out *hostfn.Type, t reflect.Type) error {
	if t.Name() == "" {
		return nil // opaque
	}
	out.Kind, out.Name = hostfn.Struct, hostfn.CName(t.Name())
	if foreign(t, d.home) {
		out.Name, out.Closed = path.Base(t.PkgPath())+"_"+t.Name(), true
	}
	if !token.IsIdentifier(out.Name) {
		return fmt.Errorf("struct %s has no name in C", t)
	}
	for i := 0; i < t.NumField() && !out.Closed; i++ {
		if err := d.field(out, t.Field(i)); err != nil {
			return fmt.Errorf("field %s of %s: %w", t.Field(i).Name, t, err)
		}
	}
	return nil
}

// foreign reports a struct that another package declares.
func foreign(t reflect.Type, home string) bool { return t.PkgPath() != "" && t.PkgPath() != home }

func (d *describer) field(out *hostfn.Type, f reflect.StructField) error {
	if f.Name == "_" {
		return nil
	}
	t, err := d.typ(f.Type)
	if err != nil {
		return err
	}
	trust, err := hostfn.ParseTrust(f.Tag.Get("skep"))
	if err != nil {
		return err
	}
	if trust != hostfn.Untrusted && !t.IsObject() {
		return fmt.Errorf("tag skep:%q on a %s, which is no pointer to a struct", f.Tag.Get("skep"), f.Type)
	}
	out.Fields = append(out.Fields, hostfn.Field{Name: hostfn.CName(f.Name), Offset: uint32(f.Offset), Type: t, Trust: trust})
	return nil
}
