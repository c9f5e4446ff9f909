// This file defines tests of the module and of the reader of declarations.

package testmod

import (
	"fmt"
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/catalog/vmlinux"
)

func kernel(t *testing.T) *btfx.Spec {
	t.Helper()
	spec, err := vmlinux.Load()
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// describe writes a type as C does, structs by their members with offsets.
func describe(s *btfx.Spec, id btfx.ID, members bool) string {
	if id == 0 {
		return "void"
	}
	t := s.Type(id)
	switch t.Kind {
	case btfx.KindPtr:
		return "ptr(" + describe(s, t.Type, false) + ")"
	case btfx.KindConst:
		return "const " + describe(s, t.Type, false)
	case btfx.KindTypeTag:
		return "__" + t.Name + " " + describe(s, t.Type, false)
	case btfx.KindTypedef:
		if members {
			return describe(s, t.Type, false)
		}
	case btfx.KindArray:
		return fmt.Sprintf("%s[%d]", describe(s, t.Type, false), t.Nelems)
	case btfx.KindFuncProto:
		var params []string
		for _, p := range t.Params {
			params = append(params, p.Name+" "+describe(s, p.Type, false))
		}
		return "func(" + strings.Join(params, ", ") + ") " + describe(s, t.Type, false)
	case btfx.KindStruct:
		if t.Name != "" && !members {
			return t.Name
		}
		var fields []string
		for _, m := range t.Members {
			fields = append(fields, fmt.Sprintf("%d %s %s", m.BitOffset/8, m.Name, describe(s, m.Type, false)))
		}
		return fmt.Sprintf("{%s}%d", strings.Join(fields, "; "), t.Size)
	}
	return t.Name
}

func TestDeclarations(t *testing.T) {
	k := kernel(t)
	for _, tt := range []struct {
		name, text string
		find       string
		kind       btfx.Kind
		want       string
	}{
		{"padding", "struct p { char a; long b; short c; };", "p", btfx.KindStruct, "{0 a char; 8 b long int; 16 c short int}24"},
		{"arrays", "struct p { int n; char a[10]; u64 b[]; };", "p", btfx.KindStruct, "{0 n int; 4 a char[10]; 16 b u64[0]}16"},
		{"nested", "struct p { char c; struct { int a; struct { short b; } x; }; };", "p", btfx.KindStruct, "{0 c char; 4  {0 a int; 4 x {0 b short int}2}8}12"},
		{"the kernel's struct inside", "struct p { int a; struct list_head l; };", "p", btfx.KindStruct, "{0 a int; 8 l list_head}24"},
		{"pointers to functions", "struct p { void (*f)(int a, struct sock *sk); };", "p", btfx.KindStruct, "{0 f ptr(func(a int, sk ptr(sock)) void)}8"},
		{"tags", "struct p { struct sock __user *u; };", "p", btfx.KindStruct, "{0 u ptr(__user sock)}8"},
		{"comment", "/* struct\nq */ struct p { int a; };", "p", btfx.KindStruct, "{0 a int}4"},
		{"own struct", "struct q { int a; }; struct p { struct q x; int y; };", "p", btfx.KindStruct, "{0 x q; 4 y int}8"},
		{"typedef", "typedef int (*cb)(long);", "cb", btfx.KindTypedef, "ptr(func( long int) int)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newReader(k)
			if err := r.read(tt.text); err != nil {
				t.Fatal(err)
			}
			s, err := r.b.Spec()
			if err != nil {
				t.Fatal(err)
			}
			id, ok := s.Find(tt.find, tt.kind)
			if got := describe(s, id, true); !ok || got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestDeclarationErrors(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"unknown type", "struct nowhere *f(void);", "unknown type nowhere"},
		{"no end", "int f(int a", "the end"},
		{"open struct", "struct p { int a;", "the end"},
		{"no semicolon", "int a int b;", "no ;"},
		{"bad length", "struct p { int a[b]; };", "no length"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := newReader(kernel(t)).read(tt.text)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// The module as a target sees it.
func TestModule(t *testing.T) {
	m, err := Module(kernel(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := m.BTF.Validate(); err != nil {
		t.Error(err)
	}
	target, err := catalog.Linux6_18.WithBTF(m.BTF.Base()).WithModule(m)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, want string }{
		{"bpf_kfunc_call_test1", "func(sk ptr(sock), a u32, b u64, c u32, d u64) u64"},
		{"bpf_kfunc_call_test_get_rdonly_mem", "func(p ptr(prog_test_ref_kfunc), rdonly_buf_size const int) ptr(int)"},
		{"bpf_iter_testmod_seq_next", "func(it ptr(bpf_iter_testmod_seq)) ptr(s64)"},
		{"bpf_testmod_test_btf_type_tag_user_1", "func(arg ptr(__user bpf_testmod_btf_type_tag_1)) int"},
		{"bpf_testmod_test_struct_arg_5", "func() int"},
	} {
		id, ok := target.BTF.Find(tt.name, btfx.KindFunc)
		if !ok || target.ModuleOf(id) != m {
			t.Errorf("%s: not in the module", tt.name)
			continue
		}
		if got := describe(target.BTF, target.BTF.Type(id).Type, false); got != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.name, got, tt.want)
		}
	}
}
