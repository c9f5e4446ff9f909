// This file tests descriptions of functions: what is refused, the BTF and the
// header that they give.

package hostfn

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/btfx"
)

var (
	u32     = &Type{Kind: Int, Size: 4, Align: 4, Go: "uint32"}
	session = &Type{Kind: Struct, Name: "Session", Go: "hostapi.Session", Size: 56, Align: 8, Fields: []Field{
		{Name: "id", Type: u32}, {Name: "name", Offset: 8, Type: &Type{Kind: String, Size: 16, Align: 8}},
		{Name: "tags", Offset: 24, Type: &Type{Kind: Slice, Size: 24, Align: 8}},
		{Name: "live", Offset: 48, Type: &Type{Kind: Bool, Size: 1, Align: 1}},
	}}
	pointer = &Type{Kind: Pointer, Go: "*Session", Elem: session, Size: 8, Align: 8}
	opaque  = &Type{Kind: Opaque, Go: "map[string]int", Size: 8, Align: 8}
)

func get() *Func {
	return &Func{Name: "bpf_session_get", Params: []Param{{Name: "id", Type: u32}}, Result: Result{AcquiredOrNil, pointer}}
}

func put() *Func {
	return &Func{Name: "bpf_session_put", Params: []Param{{Name: "s", Role: Released, Type: pointer}}}
}

func TestFlags(t *testing.T) {
	for _, row := range []struct {
		f    *Func
		want Flags
	}{
		{get(), FlagAcquire | FlagRetNull | FlagTrustedArgs},
		{put(), FlagRelease | FlagTrustedArgs},
		{&Func{Name: "f", Params: []Param{{Name: "s", Role: InRCU, Type: pointer}}}, FlagRCU},
		{&Func{Name: "f", Extra: FlagSleepable}, FlagSleepable | FlagTrustedArgs},
		{&Func{Name: "f", Spelling: SpellImplicit, Params: []Param{{Name: "p", Role: Implicit}}}, FlagImplicitArgs | FlagTrustedArgs},
	} {
		if got := row.f.Flags(); got != row.want {
			t.Errorf("%s: flags %#x, want %#x", row.f.Name, got, row.want)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	param := func(r Role, typ *Type) *Func {
		return &Func{Name: "f", Params: []Param{{Name: "x", Role: r, Type: typ}}}
	}
	result := func(r Role, typ *Type) *Func { return &Func{Name: "f", Result: Result{r, typ}} }
	six := &Func{Name: "f"}
	for _, n := range []string{"a", "b", "c", "d", "e", "g"} {
		six.Params = append(six.Params, Param{Name: n, Type: u32})
	}
	for name, row := range map[string]struct {
		f    *Func
		want string
	}{
		"name":               {&Func{Name: "a-b"}, "kfunc a-b: the name is not a C identifier"},
		"parameter twice":    {&Func{Name: "f", Params: []Param{{Name: "x", Type: u32}, {Name: "x", Type: u32}}}, "kfunc f: parameter x: the name is used twice"},
		"release of a value": {param(Released, u32), "kfunc f: parameter x: a reference must be a pointer to a struct, not uint32"},
		"release by flag":    {&Func{Name: "f", Extra: FlagRelease}, "kfunc f: KF_RELEASE needs exactly one referenced argument (kfunc.Released)"},
		"two releases": {&Func{Name: "f", Params: []Param{{Name: "x", Role: Released, Type: pointer}, {Name: "y", Role: Released, Type: pointer}}},
			"kfunc f: KF_RELEASE needs exactly one referenced argument (kfunc.Released)"},
		"acquire of nothing":   {&Func{Name: "f", Extra: FlagAcquire}, "kfunc f: KF_ACQUIRE needs a result that is a pointer to a struct"},
		"acquired number":      {result(Acquired, u32), "kfunc f: result: an acquired reference must be a pointer to a struct"},
		"acquired argument":    {param(Acquired, pointer), "kfunc f: parameter x: only results are acquired"},
		"bare void":            {param(Plain, &Type{Kind: Pointer, Go: "unsafe.Pointer"}), "kfunc f: parameter x: a bare pointer to void needs a size: use []byte"},
		"map":                  {param(Plain, opaque), "kfunc f: parameter x: BTF cannot express an argument of type map[string]int; pass a pointer to it"},
		"struct by value":      {param(Plain, session), "kfunc f: parameter x: BTF cannot express an argument of type hostapi.Session; pass a pointer to it"},
		"slice of pointers":    {param(Bytes, pointer), "kfunc f: parameter x: a program would write elements that hold Go pointers: *Session"},
		"constant pointer":     {param(Const, pointer), "kfunc f: parameter x: a constant must be an integer or bool, not *Session"},
		"null number":          {param(Nullable, u32), "kfunc f: parameter x: only a pointer can be NULL, not uint32"},
		"released result":      {result(Released, pointer), "kfunc f: result: this wrapper is for parameters"},
		"pointer to a number":  {result(Plain, &Type{Kind: Pointer, Go: "*uint32", Elem: u32}), "kfunc f: result: a pointer must be one to a struct, not *uint32"},
		"six arguments":        {six, "kfunc f: 6 arguments in C, programs pass at most 5"},
		"implicit in between":  {&Func{Name: "f", Params: []Param{{Name: "p", Role: Implicit}, {Name: "x", Type: u32}}}, "kfunc f: an implicit argument must be the last"},
		"sleepable under lock": {&Func{Name: "f", Extra: FlagSleepable | FlagRCUProtected}, "kfunc f: KF_SLEEPABLE and KF_RCU_PROTECTED together"},
	} {
		err := row.f.Check()
		if err == nil || err.Error() != row.want {
			t.Errorf("%s: %v, want %s", name, err, row.want)
		}
	}
}

// Implicit arguments in their spellings: which functions programs see.
func TestSpellings(t *testing.T) {
	for _, row := range []struct {
		spelling Spelling
		want     []string // functions with their parameters, * where programs may call them
	}{
		{SpellMagic, []string{"f(x)*", "f_impl(x,p__magic)*"}},
		{SpellProg, []string{"f(x,p__prog)*"}},
		{SpellImplicit, []string{"f(x)*", "f_impl(x,p)"}},
	} {
		f := &Func{Name: "f", Spelling: row.spelling, Params: []Param{{Name: "x", Type: u32}, {Name: "p", Role: Implicit}}}
		spec, err := Build([]*Func{f})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for id := ID(1); id < spec.NextID(); id++ {
			fn := spec.Type(id)
			if fn.Kind != btfx.KindFunc {
				continue
			}
			var params []string
			for _, p := range spec.Type(fn.Type).Params {
				params = append(params, p.Name)
			}
			text := fn.Name + "(" + strings.Join(params, ",") + ")"
			if len(spec.DeclTags(id, -1)) > 0 {
				text += "*"
			}
			got = append(got, text)
		}
		if strings.Join(got, " ") != strings.Join(row.want, " ") {
			t.Errorf("spelling %d: %v, want %v", row.spelling, got, row.want)
		}
	}
}

func TestBuildIsDeterministic(t *testing.T) {
	a, err := Build([]*Func{get(), put()})
	if err != nil {
		t.Fatal(err)
	}
	b, err := Build([]*Func{get(), put()})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.Raw(), b.Raw()) {
		t.Error("the same functions give other bytes")
	}
}

// target is BTF with a struct of the kernel's.
func target(t *testing.T, name string) *btfx.Spec {
	t.Helper()
	b := btfx.NewBuilder(nil)
	b.Add(btfx.Type{Kind: btfx.KindStruct, Name: name, Size: 8})
	spec, err := b.Spec()
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

func TestRetarget(t *testing.T) {
	task := &Type{Kind: Pointer, Elem: &Type{Kind: Struct, Name: "task_struct", Kernel: true}}
	own, err := Build([]*Func{get(), {Name: "f", Params: []Param{{Name: "t", Type: task}}}})
	if err != nil {
		t.Fatal(err)
	}
	base := target(t, "task_struct")
	spec, err := Retarget(own, base)
	if err != nil {
		t.Fatal(err)
	}
	id, ok := spec.Find("f", btfx.KindFunc)
	if !ok {
		t.Fatal("no f")
	}
	p := spec.Type(spec.Type(id).Type).Params[0]
	if to := spec.Type(p.Type).Type; to != 1 {
		t.Errorf("task_struct is type %d, want the target's 1", to)
	}
	id, _ = spec.Find("Session", btfx.KindStruct)
	if s := spec.Type(id); s == nil || s.Size != 56 || len(s.Members) != 4 || s.Members[1].BitOffset != 64 {
		t.Errorf("Session is %+v", s)
	}
	if _, err := Retarget(own, target(t, "Session")); err == nil || !strings.Contains(err.Error(), "the target has a struct of that name") {
		t.Errorf("a struct of the target's name: %v", err)
	}
}

func TestHeader(t *testing.T) {
	text := string(Header("hostapi", []*Func{get(), put()}))
	for _, want := range []string{
		"struct Session {", "\tunsigned int id;\n\tstruct skep_str name;\n\tstruct skep_bytes tags;\n\t_Bool live;\n};",
		"extern struct Session *bpf_session_get(unsigned int id) __ksym __weak;",
		"extern void bpf_session_put(struct Session *s) __ksym __weak;",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %q:\n%s", want, text)
		}
	}
	clang, err := exec.LookPath("clang-19")
	if err != nil {
		t.Skip("no clang-19: the header is not compiled")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "hostapi.kfuncs.bpf.h"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(clang, "-target", "bpf", "-O2", "-g", "-Wall", "-Werror", "-I", dir, "-x", "c", "-c", "-", "-o", filepath.Join(dir, "x.o"))
	cmd.Stdin = strings.NewReader(`#include "hostapi.kfuncs.bpf.h"
_Static_assert(sizeof(struct Session) == 56, "size");
_Static_assert(__builtin_offsetof(struct Session, live) == 48, "live");
int use(void) { struct Session *s = bpf_session_get(1); if (!s) return 0; int n = s->id; bpf_session_put(s); return n; }
`)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
