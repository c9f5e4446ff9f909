// This file defines the test of which structs are plain memory to kernel
// functions.

package verify

import (
	"testing"

	"github.com/skepbpf/skep/internal/btfx"
)

func TestScalarType(t *testing.T) {
	b := btfx.NewBuilder(nil)
	integer := b.Add(btfx.Type{Kind: btfx.KindInt, Name: "int", Size: 4, IntBits: 32})
	within := func(id btfx.ID) btfx.ID {
		return b.Add(btfx.Type{Kind: btfx.KindStruct, Size: 4, Members: []btfx.Member{{Name: "m", Type: id}}})
	}
	array := func(n uint32, id btfx.ID) btfx.ID {
		return b.Add(btfx.Type{Kind: btfx.KindArray, Type: id, Index: integer, Nelems: n})
	}
	four := within(within(within(within(integer))))
	rows := []struct {
		name string
		id   btfx.ID
		want bool
	}{
		{"integer", integer, true},
		{"struct", within(integer), true},
		{"four structs in each other", four, true},
		{"five", within(four), false},
		{"array", within(array(2, integer)), true},
		{"flexible array", within(array(0, integer)), false},
		{"array of structs", within(array(1, within(integer))), false},
		{"pointer", within(b.Add(btfx.Type{Kind: btfx.KindPtr, Type: integer})), false},
	}
	spec, err := b.Spec()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range rows {
		t.Run(tt.name, func(t *testing.T) {
			if got := scalarType(spec, tt.id, 0); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}
