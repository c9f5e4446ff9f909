// This file defines the contents that an object gives its maps.

package skep

import (
	"context"
	"fmt"

	"github.com/skepbpf/skep/internal/bytecode"
)

// fillSlots puts the programs into prog arrays that the object says.
func (l *loader) fillSlots(context.Context, *Object) error {
	programs := map[string]*program{}
	for _, p := range l.programs {
		programs[p.linked.Name] = p
	}
	for _, s := range l.order {
		if s.Type != bytecode.MapProgArray {
			continue
		}
		for _, slot := range s.Slots {
			p := programs[slot.Program]
			if p == nil {
				continue // not loaded: the slot stays empty, as with libbpf
			}
			p.tailCalled = true
			if e := l.maps[s].SetProgram(slot.Key, p); e != 0 {
				return fmt.Errorf("map %q: program %s at %d: %w", s.Name, slot.Program, slot.Key, e)
			}
		}
	}
	return nil
}

// setGlobals changes the first contents of data sections.
func (l *loader) setGlobals(context.Context, *Object) error {
	if len(l.opts.Globals) == 0 {
		return nil
	}
	vars := map[string]varSpec{}
	for _, s := range l.linked.Maps {
		for _, v := range variablesOf(s) {
			vars[v.name] = v
		}
	}
	for name, value := range l.opts.Globals {
		v, ok := vars[name]
		if !ok {
			return unknownName("variable", name, vars)
		}
		b, err := v.encode(value)
		if err != nil {
			return fmt.Errorf("variable %s: %w", name, err)
		}
		contents := make([]byte, v.spec.ValueSize)
		copy(contents, v.spec.Contents)
		copy(contents[v.off:], b)
		v.spec.Contents = contents
	}
	return nil
}
