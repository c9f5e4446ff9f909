// This file defines how a Go function becomes a description, by reflection.

package kfunc

import (
	"fmt"
	"reflect"

	"github.com/skepbpf/skep/internal/hostfn"
)

var (
	errorType   = reflect.TypeFor[error]()
	progType    = reflect.TypeFor[*Prog]()
	mapType     = reflect.TypeFor[Map]()
	dynptrType  = reflect.TypeFor[Dynptr]()
	wrapperType = reflect.TypeFor[wrapper]()
	stringType  = reflect.TypeFor[string]()
)

// special are parameter types with a role of their own.
var special = map[reflect.Type]hostfn.Role{
	progType: hostfn.Implicit, mapType: hostfn.Map, dynptrType: hostfn.Dynptr, stringType: hostfn.ConstStr,
}

// describe reads a function's type.
func (d *describer) describe(f *hostfn.Func, t reflect.Type, names []string) error {
	if t.IsVariadic() {
		return fmt.Errorf("kfunc %s: variadic functions have no BTF", f.Name)
	}
	for i := range t.NumIn() {
		p := hostfn.Param{Name: fmt.Sprintf("arg%d", i)}
		if i < len(names) {
			p.Name = names[i]
		}
		p.Name = hostfn.CName(p.Name)
		var err error
		if p.Role, p.Type, err = d.param(t.In(i)); err != nil {
			return fmt.Errorf("kfunc %s: parameter %s: %w", f.Name, p.Name, err)
		}
		f.Params = append(f.Params, p)
	}
	switch t.NumOut() {
	case 0:
	case 1:
		var err error
		if f.Result.Role, f.Result.Type, err = d.result(t.Out(0)); err != nil {
			return fmt.Errorf("kfunc %s: result: %w", f.Name, err)
		}
	default:
		return fmt.Errorf("kfunc %s: %d results, programs take one", f.Name, t.NumOut())
	}
	return nil
}

// param gives the role of a parameter, and the type that it is about.
func (d *describer) param(t reflect.Type) (hostfn.Role, *hostfn.Type, error) {
	if role, ok := special[t]; ok {
		return role, nil, nil
	}
	if t.Implements(wrapperType) {
		return d.wrapped(t)
	}
	if t.Kind() == reflect.Slice {
		elem, err := d.typ(t.Elem())
		return hostfn.Bytes, elem, err
	}
	out, err := d.typ(t)
	return hostfn.Plain, out, err
}

// wrapped opens a wrapper: what it is about is the type of its first field, or
// of its elements.
func (d *describer) wrapped(t reflect.Type) (hostfn.Role, *hostfn.Type, error) {
	role := reflect.Zero(t).Interface().(wrapper).role()
	inner := t
	switch {
	case t.Kind() == reflect.Slice:
		inner = t.Elem()
	case role == hostfn.Ignored:
		inner = t.Field(0).Type.Elem()
	default:
		inner = t.Field(0).Type
	}
	out, err := d.typ(inner)
	return role, out, err
}

func (d *describer) result(t reflect.Type) (hostfn.Role, *hostfn.Type, error) {
	switch {
	case t == errorType:
		return hostfn.Errno, nil, nil
	case t.Implements(wrapperType):
		return d.wrapped(t)
	}
	out, err := d.typ(t)
	return hostfn.Plain, out, err
}
