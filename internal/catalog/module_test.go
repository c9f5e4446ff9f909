// This file defines tests of modules.

package catalog

import (
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
)

// kernelAndModule makes a kernel with a function and a struct, and over it a
// module with a function, a tracepoint's probe and a struct of callbacks.
func kernelAndModule(t *testing.T) (kernel, module *btfx.Spec) {
	t.Helper()
	b := btfx.NewBuilder(nil)
	integer := b.Add(btfx.Type{Kind: btfx.KindInt, Name: "int", Size: 4, IntBits: 32, IntEncoding: 1})
	thing := b.Add(btfx.Type{Kind: btfx.KindStruct, Name: "thing", Size: 4, Members: []btfx.Member{{Name: "n", Type: integer}}})
	proto := b.Add(btfx.Type{Kind: btfx.KindFuncProto, Type: integer})
	b.Add(btfx.Type{Kind: btfx.KindFunc, Name: "kernels", Type: proto})
	kernel = build(t, b)

	b = btfx.NewBuilder(kernel)
	b.Add(btfx.Type{Kind: btfx.KindFunc, Name: "modules", Type: proto})
	ptr := b.Add(btfx.Type{Kind: btfx.KindPtr, Type: thing})
	void := b.Add(btfx.Type{Kind: btfx.KindPtr})
	probe := b.Add(btfx.Type{Kind: btfx.KindFuncProto, Params: []btfx.Param{{Name: "data", Type: void}, {Name: "t", Type: ptr}}})
	b.Add(btfx.Type{Kind: btfx.KindTypedef, Name: "btf_trace_happens", Type: b.Add(btfx.Type{Kind: btfx.KindPtr, Type: probe})})
	call := b.Add(btfx.Type{Kind: btfx.KindPtr, Type: proto})
	b.Add(btfx.Type{Kind: btfx.KindStruct, Name: "module_ops", Size: 8, Members: []btfx.Member{{Name: "call", Type: call}}})
	return kernel, build(t, b)
}

func build(t *testing.T, b *btfx.Builder) *btfx.Spec {
	t.Helper()
	s, err := b.Spec()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWithModule(t *testing.T) {
	kernel, own := kernelAndModule(t)
	base := Linux6_18.WithBTF(kernel)
	m := &Module{
		Name: "m", BTF: own,
		Kfuncs:   []*Kfunc{{Name: "modules", Hooks: HookXDP}},
		NoMember: map[string]bool{"module_ops.call": true},
		Writable: map[string]string{"module_ops": "thing"},

		Destructible: map[string]bool{"thing": true},
	}
	target, err := base.WithModule(m)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		in   *Target
		typ  bytecode.ProgType
		want bool
	}{
		{"where it is registered", target, bytecode.ProgXDP, true},
		{"elsewhere", target, bytecode.ProgSchedCLS, false},
		{"without the module", base, bytecode.ProgXDP, false},
	} {
		if _, ok := tt.in.Kfunc(Env{Type: tt.typ}, "modules"); ok != tt.want {
			t.Errorf("function of the module, %s: %v", tt.name, ok)
		}
	}
	if _, ok := target.Kfunc(Env{Type: bytecode.ProgXDP}, "bpf_rcu_read_lock"); !ok {
		t.Error("the kernel's functions are gone")
	}
	for _, tt := range []struct {
		name string
		kind btfx.Kind
		want *Module
	}{{"kernels", btfx.KindFunc, nil}, {"thing", btfx.KindStruct, nil}, {"modules", btfx.KindFunc, m}, {"module_ops", btfx.KindStruct, m}} {
		if id, ok := target.BTF.Find(tt.name, tt.kind); !ok || target.ModuleOf(id) != tt.want {
			t.Errorf("%s: found %v, of another module", tt.name, ok)
		}
	}
	if !target.HasDestructor("thing") || base.HasDestructor("thing") || !target.HasDestructor("cgroup") {
		t.Error("structs that can be given back")
	}
	if target.StructOpsMember("module_ops", "call", false) || !base.StructOpsMember("module_ops", "call", false) {
		t.Error("member that must not be implemented")
	}
}

// A module's tracepoint may pass NULL, unless it is listed.
func TestModuleTracepoint(t *testing.T) {
	kernel, own := kernelAndModule(t)
	target, err := Linux6_18.WithBTF(kernel).WithModule(&Module{Name: "m", BTF: own})
	if err != nil {
		t.Fatal(err)
	}
	e := Env{Type: bytecode.ProgTracing, Attach: AttachTraceRawTP}
	for _, tt := range []struct {
		in   *Target
		want argNull
	}{{target, mayBeNull}, {Linux6_18.WithBTF(own), 0}} {
		id, _ := tt.in.BTF.Find("btf_trace_happens", btfx.KindTypedef)
		at, err := tt.in.AttachTarget(e, id)
		if err != nil {
			t.Fatal(err)
		}
		if got := (&argReader{e: e, a: at}).tracepointArg(0); got != tt.want {
			t.Errorf("module %v: got %d, want %d", at.Module, got, tt.want)
		}
	}
}

func TestModuleWrites(t *testing.T) {
	kernel, own := kernelAndModule(t)
	thing, _ := kernel.Find("thing", btfx.KindStruct)
	e := Env{Type: bytecode.ProgStructOps, AttachTo: "module_ops.call"}
	for _, tt := range []struct {
		name     string
		writable map[string]string
		off      int
		want     string
	}{
		{"inside", map[string]string{"module_ops": "thing"}, 0, ""},
		{"behind", map[string]string{"module_ops": "thing"}, 2, "write access at off 2 with size 4"},
		{"another struct", map[string]string{"module_ops": "other"}, 0, "only access to other is supported"},
		{"no struct", nil, 0, onlyRead},
	} {
		target, err := Linux6_18.WithBTF(kernel).WithModule(&Module{Name: "m", BTF: own, Writable: tt.writable})
		if err != nil {
			t.Fatal(err)
		}
		if got, known := target.ObjectWrite(e, thing, tt.off, 4); got != tt.want || !known {
			t.Errorf("%s: got %q, known %v", tt.name, got, known)
		}
	}
	if _, known := Linux6_18.WithBTF(kernel).ObjectWrite(e, thing, 0, 4); known {
		t.Error("a struct that no module has")
	}
}

func TestWithModuleErrors(t *testing.T) {
	kernel, own := kernelAndModule(t)
	other, _ := kernelAndModule(t)
	for _, tt := range []struct {
		name   string
		target *Target
		m      Module
		want   string
	}{
		{"no types", Linux6_18.WithBTF(kernel), Module{}, "not over those of the target"},
		{"no kernel's types", Linux6_18, Module{BTF: own}, "not over those of the target"},
		{"another kernel's types", Linux6_18.WithBTF(other), Module{BTF: own}, "not over those of the target"},
		{"no prototype", Linux6_18.WithBTF(kernel), Module{BTF: own, Kfuncs: []*Kfunc{{Name: "nothing"}}}, "function nothing: no prototype"},
		{"the kernel's prototype", Linux6_18.WithBTF(kernel), Module{BTF: own, Kfuncs: []*Kfunc{{Name: "kernels"}}}, "function kernels: no prototype"},
		{"twice", Linux6_18.WithBTF(kernel), Module{BTF: own, Kfuncs: []*Kfunc{{Name: "modules"}, {Name: "modules"}}}, "has one of that name"},
	} {
		_, err := tt.target.WithModule(&tt.m)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

// A module lists where errors may be injected.
func TestModuleInjectable(t *testing.T) {
	kernel, own := kernelAndModule(t)
	base := Linux6_18.WithBTF(kernel)
	target, err := base.WithModule(&Module{Name: "m", BTF: own, Injectable: map[string]bool{"modules": true}})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []Env{
		{Type: bytecode.ProgTracing, Attach: AttachModifyReturn},
		{Type: bytecode.ProgTracing, Attach: AttachTraceFentry, Flags: bytecode.FlagSleepable},
	} {
		if got := target.sleepOrModify(e, "modules"); got != (AttachCheck{}) {
			t.Errorf("attach type %d: %+v", e.Attach, got)
		}
		if got := base.sleepOrModify(e, "modules"); got.Unknown == "" {
			t.Errorf("attach type %d without the module: %+v", e.Attach, got)
		}
	}
}
