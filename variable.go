// This file defines Variable, a global variable of a loaded object.

package skep

import (
	"fmt"
	"sync"

	"github.com/skepbpf/skep/internal/btfval"
	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
)

// Variable is a global variable: a part of a data section's map. Get and Set
// may run while programs do; sizes up to 8 bytes are read and written whole.
type Variable struct {
	varSpec
	m  *Map
	mu sync.Mutex // for Go's side; programs take no lock
}

// varSpec is where a variable lies and what type it has.
type varSpec struct {
	name string
	spec *bytecode.MapSpec
	off  int
	size int
	typ  ValueType
}

// variablesOf lists the variables of a data section's map, by its BTF.
func variablesOf(s *bytecode.MapSpec) []varSpec {
	if s.Section == "" || s.BTF == nil {
		return nil
	}
	sec := s.BTF.Strip(s.ValueTypeID)
	if sec == nil || sec.Kind != btfx.KindDatasec {
		return nil
	}
	var out []varSpec
	for _, v := range sec.Vars {
		t := s.BTF.Type(v.Type)
		if t == nil || uint64(v.Offset)+uint64(v.Size) > uint64(s.ValueSize) {
			continue
		}
		out = append(out, varSpec{
			name: t.Name, spec: s, off: int(v.Offset), size: int(v.Size), typ: ValueType{btfval.Type{Spec: s.BTF, ID: t.Type}},
		})
	}
	return out
}

func (c *Collection) addVariables(specs []*bytecode.MapSpec) {
	for _, s := range specs {
		for _, v := range variablesOf(s) {
			c.Variables[v.name] = &Variable{varSpec: v, m: c.Maps[s.Name]}
		}
	}
}

// Name is the variable's name.
func (v *Variable) Name() string { return v.name }

// Size is the variable's size in bytes.
func (v *Variable) Size() int { return v.size }

// Type is the variable's type.
func (v *Variable) Type() ValueType { return v.typ }

// ReadOnly reports whether Set fails: the variable is a constant of .rodata or
// .kconfig.
func (v *Variable) ReadOnly() bool { return v.spec.Frozen }

// String is the value, for people.
func (v *Variable) String() string {
	b := make([]byte, v.size)
	if err := v.Get(&b); err != nil {
		return fmt.Sprintf("%s: %v", v.name, err)
	}
	return v.name + " = " + v.typ.Text(b)
}

// Get reads the variable into out, a pointer to a value of its size or a
// *[]byte.
func (v *Variable) Get(out any) error {
	b := make([]byte, v.size)
	err := v.access(func(at []byte) { loadWhole(b, at) })
	if err == nil {
		err = unmarshal(b, out)
	}
	if err != nil {
		return fmt.Errorf("get variable %s: %w", v.name, err)
	}
	return nil
}

// Set writes the variable: a value of its size, []byte, or Text, which is
// parsed by the variable's type. A constant gives EPERM: it is set by
// LoadOptions.Globals.
func (v *Variable) Set(value any) error {
	b, err := v.encode(value)
	if err == nil && v.m.inner.Frozen() {
		err = EPERM
	}
	if err == nil {
		err = v.access(func(at []byte) { storeWhole(at, b) })
	}
	if err != nil {
		return fmt.Errorf("set variable %s: %w", v.name, err)
	}
	return nil
}

// Text is a value as somebody typed it: it is parsed by the type of the
// variable that it is given to (ValueType.Parse).
type Text string

// encode gives a value's bytes.
func (v varSpec) encode(value any) ([]byte, error) {
	if t, ok := value.(Text); ok {
		return v.typ.Parse(v.size, string(t))
	}
	return marshal(value, v.size)
}

// access gives f the variable's memory, which stays while f runs.
func (v *Variable) access(f func(at []byte)) error {
	if v.m.closed.Load() || !v.m.inner.TryRetain() {
		return fmt.Errorf("map %q: %w", v.spec.Name, ErrClosed)
	}
	defer v.m.owner.releaseMap(v.m.inner)
	base := v.m.inner.DirectValue()
	if base == 0 {
		return ENOTSUPP
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	f(memoryAt(base+uintptr(v.off), v.size))
	return nil
}
