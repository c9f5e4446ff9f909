// This file defines what is added to a kernel: modules, and the functions of
// the program that Skep is part of.

package catalog

import (
	"errors"
	"fmt"
	"maps"

	"github.com/skepbpf/skep/internal/btfx"
)

// Module is what a target has besides its kernel. Values are immutable.
type Module struct {
	Name string
	// BTF is split over the target's: its ids continue those of the kernel, so
	// that a program names a module's function or type as it does a kernel's,
	// by its id alone.
	BTF *btfx.Spec
	// Kfuncs are the functions that programs may call; BTF has their
	// prototypes.
	Kfuncs []*Kfunc
	// NoMember are members of structs ("struct.member") that programs must not
	// implement.
	NoMember map[string]bool
	// Injectable are functions that errors may be injected into.
	Injectable map[string]bool
	// Destructible are structs that the module knows how to give back when a map
	// goes away that holds a reference to one.
	Destructible map[string]bool
	// Writable says which of the module's structs programs may write that
	// implement members of another, both by name.
	Writable map[string]string
}

// WithModule returns a copy of t that has a module. A second module stands on
// the first one's BTF. It is an error where a function is another's already or
// has no prototype, or the BTF stands on another than the target's.
func (t *Target) WithModule(m *Module) (*Target, error) {
	c := *t
	if err := c.add(m); err != nil {
		return nil, fmt.Errorf("module %s: %w", m.Name, err)
	}
	return &c, nil
}

// add puts a module into t, which is nobody else's yet.
func (t *Target) add(m *Module) error {
	if t.BTF == nil || m.BTF == nil || m.BTF.Base() != t.BTF {
		return errors.New("its types are not over those of the target")
	}
	t.moduleKfuncs = maps.Clone(t.moduleKfuncs)
	if t.moduleKfuncs == nil {
		t.moduleKfuncs = map[string]*Kfunc{}
	}
	for _, k := range m.Kfuncs {
		if id, ok := m.BTF.Find(k.Name, btfx.KindFunc); !ok || id < m.BTF.FirstID() {
			return fmt.Errorf("function %s: no prototype", k.Name)
		}
		if t.kfunc(k.Name) != nil {
			return fmt.Errorf("function %s: the target has one of that name", k.Name)
		}
		t.moduleKfuncs[k.Name] = k
	}
	t.BTF, t.modules = m.BTF, append(t.modules[:len(t.modules):len(t.modules)], m)
	return nil
}

// ModuleOf returns the module that a type of t's BTF belongs to; nil for the
// kernel's own.
func (t *Target) ModuleOf(id btfx.ID) *Module {
	for i := len(t.modules) - 1; i >= 0; i-- {
		if id >= t.modules[i].BTF.FirstID() {
			return t.modules[i]
		}
	}
	return nil
}

// moduleWrites returns what programs may write that implement members of a
// module's struct; known is false for structs that are the kernel's.
func (t *Target) moduleWrites(structName string) (rule *objectWrites, known bool) {
	if t.BTF == nil {
		return nil, false
	}
	id, ok := t.BTF.Find(structName, btfx.KindStruct)
	m := t.ModuleOf(id)
	if !ok || m == nil {
		return nil, false
	}
	if to, ok := m.Writable[structName]; ok {
		return &objectWrites{structs: []string{to}, whole: true}, true
	}
	return nil, true
}
