// This file defines tests of the second way in.

package object

import (
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/internal/bytecode"
)

func collectionOf(t *testing.T, name string) *Object {
	t.Helper()
	f, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	spec, err := ebpf.LoadCollectionSpecFromReader(f)
	if err != nil {
		t.Fatal(err)
	}
	o, err := FromCollectionSpec(spec)
	if err != nil {
		t.Fatal(err)
	}
	o.Name, _, _ = strings.Cut(name, ".")
	return o
}

// withoutIDs prints a program's instructions and maps. Ids of types and string
// offsets differ, since cilium/ebpf writes the BTF anew.
func withoutIDs(p *bytecode.Program) string {
	var w strings.Builder
	q := *p
	q.FuncInfos, q.LineInfos = nil, nil
	printProgram(&w, &q)
	for _, m := range p.Maps {
		n := *m
		n.KeyTypeID, n.ValueTypeID, n.Inner = 0, 0, nil
		printMap(&w, &n)
	}
	return w.String()
}

func TestBothWaysIn(t *testing.T) {
	small, _ := smallKernel(t)
	for _, row := range []struct {
		object   string
		env      *Env
		programs []string
	}{
		{"plain.o", &Env{BTF: small}, []string{"entry"}},
		{"funcs.o", nil, []string{"both", "only_right", "looping"}},
		{"core.o", &Env{BTF: targetTypes(t)}, []string{"fields", "poisoned"}},
	} {
		t.Run(row.object, func(t *testing.T) {
			if row.object == "core.o" && runtime.GOOS != "linux" {
				t.Skip("cilium/ebpf applies CO-RE relocations on Linux only")
			}
			want, got := linkAll(t, openTest(t, row.object), row.env), linkAll(t, collectionOf(t, row.object), row.env)
			for _, name := range row.programs {
				p, err := want.Program(name)
				if err != nil {
					t.Fatal(err)
				}
				q, err := got.Program(name)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(withoutIDs(p), withoutIDs(q)); diff != "" {
					t.Errorf("%s: Read (-), FromCollectionSpec (+):\n%s", name, diff)
				}
				if len(q.FuncInfos) != len(p.FuncInfos) {
					t.Errorf("%s: %d functions, want %d", name, len(q.FuncInfos), len(p.FuncInfos))
				}
			}
		})
	}
}

func TestCollectionMaps(t *testing.T) {
	l, want := linkAll(t, collectionOf(t, "plain.o"), nil), linkAll(t, openTest(t, "plain.o"), nil)
	for _, m := range want.Maps {
		got := mapNamed(t, l, m.Name)
		if m.Section != ".bss" && !slices.Equal(got.Contents, m.Contents) || got.Frozen != m.Frozen || len(got.Slots) != len(m.Slots) {
			t.Errorf("%s: contents %v frozen %v slots %v, want %v %v %v",
				m.Name, got.Contents, got.Frozen, got.Slots, m.Contents, m.Frozen, m.Slots)
		}
	}
}

func TestCollectionExterns(t *testing.T) {
	small, _ := smallKernel(t)
	for _, row := range []struct {
		name string
		env  *Env
		want string
	}{
		{"no BTF", nil, ErrNoBTF.Error()},
		{"no such function", &Env{BTF: targetTypes(t)}, `extern "kernel_func": not in the target`},
		{"known function", &Env{BTF: small}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			err := linkAll(t, collectionOf(t, "plain.o"), row.env).Errors["entry"]
			if row.want != "" {
				wantError(t, err, row.want)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}
