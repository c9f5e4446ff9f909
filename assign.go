// This file defines filling a struct with a collection's programs and maps.

package skep

import (
	"errors"
	"fmt"
	"reflect"
)

// Assign fills the fields of a struct that have a tag `ebpf:"name"` with the
// collection's programs, maps and variables: *Program, *Map and *Variable, also
// in embedded and nested structs. What is assigned is the struct's to close:
// the collection forgets it. A name that the collection does not have, or a
// field of another type, is an error, and nothing is assigned then.
func (c *Collection) Assign(to any) error {
	v := reflect.ValueOf(to)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("assign to %T: want a pointer to a struct", to)
	}
	var fields []assignment
	if err := c.collect(v.Elem(), &fields); err != nil {
		return fmt.Errorf("assign to %T: %w", to, err)
	}
	for _, f := range fields {
		f.field.Set(f.value)
		f.forget()
	}
	return nil
}

type assignment struct {
	field, value reflect.Value
	forget       func()
}

// collect finds what to assign in a struct.
func (c *Collection) collect(v reflect.Value, out *[]assignment) error {
	t := v.Type()
	var errs []error
	for i := range t.NumField() {
		name, tagged := t.Field(i).Tag.Lookup("ebpf")
		switch {
		case tagged && !t.Field(i).IsExported():
			errs = append(errs, fmt.Errorf("field %s: not exported", t.Field(i).Name))
		case tagged:
			a, err := c.assignment(v.Field(i), name)
			if err != nil {
				errs = append(errs, fmt.Errorf("field %s: %w", t.Field(i).Name, err))
				continue
			}
			*out = append(*out, a)
		case v.Field(i).Kind() == reflect.Struct:
			errs = append(errs, c.collect(v.Field(i), out))
		}
	}
	return errors.Join(errs...)
}

func (c *Collection) assignment(field reflect.Value, name string) (assignment, error) {
	switch field.Interface().(type) {
	case *Program:
		return take(field, "program", name, c.Programs)
	case *Map:
		return take(field, "map", name, c.Maps)
	case *Variable:
		return take(field, "variable", name, c.Variables)
	}
	return assignment{}, fmt.Errorf("type %s: want *skep.Program, *skep.Map or *skep.Variable", field.Type())
}

func take[T any](field reflect.Value, kind, name string, from map[string]T) (assignment, error) {
	v, ok := from[name]
	if !ok {
		return assignment{}, unknownName(kind, name, from)
	}
	return assignment{field, reflect.ValueOf(v), func() { delete(from, name) }}, nil
}
