// This file tests that the embedded BTF has what it is for.

package corebtf_test

import (
	"slices"
	"testing"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/catalog/corebtf"
	"github.com/skepbpf/skep/internal/catalog/vmlinux"
)

func load(t *testing.T, f func() (*btfx.Spec, error)) *btfx.Spec {
	t.Helper()
	spec, err := f()
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

func TestTypes(t *testing.T) {
	spec := load(t, corebtf.Load)
	for _, tt := range []struct {
		name string
		kind btfx.Kind
	}{
		{"task_struct", btfx.KindStruct},
		{"sk_buff", btfx.KindStruct},
		{"tcp_congestion_ops", btfx.KindStruct},
		{"bpf_struct_ops_tcp_congestion_ops", btfx.KindStruct},
		{"btf_trace_sched_switch", btfx.KindTypedef},
		{"bpf_iter_task", btfx.KindFunc},
		{"bpf_iter__task", btfx.KindStruct},
		{"bpf_lsm_file_open", btfx.KindFunc},
		{"bpf_cpumask_create", btfx.KindFunc},
	} {
		if _, ok := spec.Find(tt.name, tt.kind); !ok {
			t.Errorf("no %s", tt.name)
		}
	}
}

// What is there is as it is in the whole BTF: sizes, members, offsets.
func TestStructsAreWhole(t *testing.T) {
	core, whole := load(t, corebtf.Load), load(t, vmlinux.Load)
	structs := 0
	for id := btfx.ID(1); id < core.NextID(); id++ {
		typ := core.Type(id)
		if typ.Kind != btfx.KindStruct || typ.Name == "" {
			continue
		}
		structs++
		same := slices.ContainsFunc(whole.Named(typ.Name), func(id btfx.ID) bool {
			w := whole.Type(id)
			return w.Kind == typ.Kind && w.Size == typ.Size && slices.EqualFunc(w.Members, typ.Members, func(a, b btfx.Member) bool {
				return a.Name == b.Name && a.BitOffset == b.BitOffset && a.BitSize == b.BitSize
			})
		})
		if !same {
			t.Errorf("struct %s differs from the whole BTF's", typ.Name)
		}
	}
	if structs < 1000 {
		t.Errorf("%d structs; want more than 1000", structs)
	}
}

// Kfuncs of the table keep their tag and their prototype.
func TestKfuncs(t *testing.T) {
	core, whole := load(t, corebtf.Load), load(t, vmlinux.Load)
	n := 0
	for _, name := range catalog.Linux6_18.KfuncNames() {
		wid, ok := whole.Find(name, btfx.KindFunc)
		if !ok || !slices.Contains(whole.DeclTags(wid, -1), "bpf_kfunc") {
			continue // not in this configuration
		}
		n++
		id, ok := core.Find(name, btfx.KindFunc)
		if !ok || !slices.Contains(core.DeclTags(id, -1), "bpf_kfunc") {
			t.Errorf("no kfunc %s", name)
			continue
		}
		got, want := core.Type(core.Type(id).Type), whole.Type(whole.Type(wid).Type)
		if !slices.EqualFunc(got.Params, want.Params, func(a, b btfx.Param) bool { return a.Name == b.Name }) {
			t.Errorf("%s: parameters %v, want %v", name, got.Params, want.Params)
		}
	}
	if n != 200 {
		t.Errorf("%d kfuncs, want the 200 that Linux 6.18 lets be called", n)
	}
}

func TestUnpackBad(t *testing.T) {
	for _, tt := range []struct {
		name string
		data []byte
	}{{"empty", nil}, {"no gzip", []byte("BTF")}} {
		if _, err := corebtf.Unpack(tt.data); err == nil {
			t.Errorf("%s: no error", tt.name)
		}
	}
}
