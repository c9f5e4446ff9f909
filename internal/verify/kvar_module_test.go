// This file defines the test of per-CPU variables of a kernel and its modules.

package verify

import (
	"testing"

	"github.com/skepbpf/skep/internal/btfx"
)

func TestIsPercpuOfModules(t *testing.T) {
	variable := func(b *btfx.Builder, name string, typ btfx.ID) btfx.ID {
		return b.Add(btfx.Type{Kind: btfx.KindVar, Name: name, Type: typ, Linkage: 1})
	}
	section := func(b *btfx.Builder, v btfx.ID) {
		b.Add(btfx.Type{Kind: btfx.KindDatasec, Name: percpuSection, Size: 4, Vars: []btfx.VarSecinfo{{Type: v, Size: 4}}})
	}
	b := btfx.NewBuilder(nil)
	integer := b.Add(btfx.Type{Kind: btfx.KindInt, Name: "int", Size: 4, IntBits: 32})
	kernels, plain := variable(b, "kernels", integer), variable(b, "plain", integer)
	section(b, kernels)
	kernel, err := b.Spec()
	if err != nil {
		t.Fatal(err)
	}
	b = btfx.NewBuilder(kernel)
	modules := variable(b, "modules", integer)
	section(b, modules)
	both, err := b.Spec()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		id   btfx.ID
		want bool
	}{{"the kernel's", kernels, true}, {"a module's", modules, true}, {"one for all CPUs", plain, false}} {
		if got := isPercpu(both, tt.id); got != tt.want {
			t.Errorf("%s: got %v", tt.name, got)
		}
	}
}
