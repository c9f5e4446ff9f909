// This file defines how programs hold maps.

package engine

import (
	"unsafe"

	"github.com/skepbpf/skep/internal/ir"
	"github.com/skepbpf/skep/internal/maps"
)

// Handle is what a register of a program holds for a map: the address of the
// Map itself, which Go's collector does not move. Whoever hands a handle out
// keeps the Map alive.
func Handle(m *maps.Map) uint64 { return address(unsafe.Pointer(m)) }

// Ref gives what lowering needs of a map.
func Ref(m *maps.Map) ir.MapRef {
	ref := ir.MapRef{Handle: Handle(m), Value: uint64(m.DirectValue())}
	if r, ok := any(m).(interface{ Recipe() ir.Recipe }); ok {
		ref.Lookup = r.Recipe()
	}
	return ref
}

// TailCallee is what a program in a prog array implements to be run from there.
type TailCallee interface{ Engine() *Program }

// tailTarget gives the program at an index of a prog array; nil when there is none.
func tailTarget(handle uint64, index uint32) *Program {
	p, ok := at[maps.Map](handle).ProgramAt(index).(TailCallee)
	if !ok {
		return nil
	}
	return p.Engine()
}
