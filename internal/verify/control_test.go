// This file defines how the tests of sections, exceptions, callbacks and
// iterators ask Skep and the running kernel about the same program.

package verify_test

import (
	"context"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/cilium/ebpf/btf"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/catalog/vmlinux"
	"github.com/skepbpf/skep/internal/live"
	"github.com/skepbpf/skep/internal/verify"
)

// controlRow is one program and the kernel's reason to refuse it, "" for none.
// A line "kfunc NAME" in the program calls a kernel function.
type controlRow struct {
	name string
	text string
	line string
	as   controlProgram
	// kernelErrs: the kernel accepts the program, or cannot be asked about it.
	kernelErrs bool
}

// controlProgram is what a row's program is; the zero value is an XDP program.
type controlProgram struct {
	typ       bytecode.ProgType
	attach    bytecode.AttachType
	flags     uint32
	exception string     // function that the decl tag names
	hook      string     // what the program attaches to, as a section spells it
	types     *btfx.Spec // its own, with a function main

	host     string   // text of the program whose function an extension replaces
	function string   // and that function's name
	params   []string // the extension's own
}

// sleepableProgram may sleep.
var sleepableProgram = controlProgram{typ: bytecode.ProgSyscall, flags: bytecode.FlagSleepable}

// kernelTypes are the types of the kernel: the running one's, where it can be
// asked, so that both mean the same function by an id.
var kernelTypes = sync.OnceValues(func() (*btfx.Spec, error) {
	if raw, err := os.ReadFile("/sys/kernel/btf/vmlinux"); err == nil && runningTarget() {
		return btfx.Parse(raw, nil)
	}
	return vmlinux.Load()
})

func runningTarget() bool {
	return live.Available() == nil && strings.HasPrefix(live.Release(), "6.18.")
}

func init() {
	forms = append(forms, form{regexp.MustCompile(`^kfunc (\w+)$`), func(a *assembly, m []string) error {
		spec, err := kernelTypes()
		if err != nil {
			return err
		}
		id, _ := spec.Find(m[1], btfx.KindFunc)
		a.emit(bytecode.Insn{Op: bytecode.ClassJMP | bytecode.JmpCall, Src: bytecode.PseudoKfuncCall, Imm: int32(id)})
		return nil
	}})
}

// checkRows checks every row, in both densities of stored states.
func checkRows(t *testing.T, rows []controlRow) {
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			for _, flags := range []uint32{0, bytecode.FlagTestStateFreq} {
				checkRow(t, row, flags)
			}
		})
	}
}

func checkRow(t *testing.T, row controlRow, flags uint32) {
	t.Helper()
	p, want := row.program(t), withNumbers(t, row.line)
	p.Flags |= flags
	spec, err := kernelTypes()
	if err != nil {
		t.Fatal(err)
	}
	v, err := verify.Program(context.Background(), p, &verify.Options{
		Target: catalog.Linux6_18.WithBTF(spec), Caps: catalog.CapsAll, LogLevel: verify.LogAll,
	})
	got := ""
	if err != nil {
		got = err.Error()
	}
	if got != want {
		t.Errorf("flags %#x: Skep's reason: %q, want %q\n%s", p.Flags, got, want, logOf(v, err))
	}
	if runningTarget() && !row.kernelErrs {
		checkKernel(t, p, want)
	}
}

// program assembles a row.
func (row *controlRow) program(t *testing.T) *bytecode.Program {
	t.Helper()
	a, err := assemble(withNumbers(t, row.text))
	if err != nil {
		t.Fatal(err)
	}
	p := &bytecode.Program{
		Name: "control", Type: bytecode.ProgXDP, License: "GPL", Insns: a.insns, Maps: a.maps,
		ExpectedAttach: row.as.attach, Flags: row.as.flags,
	}
	if row.as.typ != 0 {
		p.Type = row.as.typ
	}
	if row.as.hook != "" {
		bindHook(t, p, row.as.hook)
	}
	if row.as.types != nil {
		p.BTF = row.as.types
		p.FuncInfos = []bytecode.FuncInfo{{TypeID: p.BTF.Named("main")[0]}}
	}
	params := []string{"ctx"}
	if row.as.host != "" {
		params = row.as.params
		p.AttachProg, p.AttachTo = (&controlRow{text: row.as.host}).program(t), row.as.function
		p.AttachBTFID = p.AttachProg.BTF.Named(p.AttachTo)[0]
	}
	if len(a.funcs) > 0 || row.as.host != "" {
		a.funcs = append([]function{{name: "main", global: true, params: params}}, a.funcs...)
		p.BTF = controlTypes(t, a.funcs, row.as.exception)
		for _, f := range a.funcs {
			p.FuncInfos = append(p.FuncInfos, bytecode.FuncInfo{Insn: uint32(f.start), TypeID: p.BTF.Named(f.name)[0]})
		}
	}
	return p
}

// controlTypes describes functions, the first with a decl tag that names the
// exception callback.
func controlTypes(t *testing.T, funcs []function, exception string) *btfx.Spec {
	t.Helper()
	integer := &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}
	long := &btf.Int{Name: "long", Size: 8, Encoding: btf.Signed}
	params := map[string]btf.Type{
		"int": integer, "long": long, "word": &btf.Pointer{Target: long}, "void": &btf.Pointer{Target: (*btf.Void)(nil)},
		"dynptr": &btf.Pointer{Target: &btf.Struct{Name: "bpf_dynptr", Size: 16, Members: []btf.Member{{Name: "a", Type: long}, {Name: "b", Type: long, Offset: 64}}}},
		"skb":    &btf.Pointer{Target: &btf.Struct{Name: "__sk_buff", Size: 4, Members: []btf.Member{{Name: "len", Type: integer}}}},
		"ctx":    &btf.Pointer{Target: &btf.Struct{Name: "xdp_md", Size: 4, Members: []btf.Member{{Name: "data", Type: integer}}}},
		"task":   &btf.Pointer{Target: &btf.Struct{Name: "task_struct___own", Size: 4, Members: []btf.Member{{Name: "pid", Type: integer}}}},
	}
	var types []btf.Type
	for i, f := range funcs {
		fn := &btf.Func{Name: f.name, Linkage: btf.StaticFunc}
		fn.Type, fn.ParamTags = controlProto(t, f, integer, params)
		if f.global {
			fn.Linkage = btf.GlobalFunc
		}
		if i == 0 && exception != "" {
			fn.Tags = []string{"exception_callback:" + exception}
		}
		types = append(types, fn)
	}
	return marshalTypes(t, types)
}

// controlProto makes a prototype. "nonnull_word" is a parameter of type "word"
// that is tagged "arg:nonnull"; there may be several tags.
func controlProto(t *testing.T, f function, result btf.Type, params map[string]btf.Type) (*btf.FuncProto, [][]string) {
	t.Helper()
	proto := &btf.FuncProto{Return: result}
	tags := make([][]string, len(f.params))
	for i, p := range f.params {
		words := strings.Split(p, "_")
		typ := words[len(words)-1]
		if params[typ] == nil {
			t.Fatalf("%s: no type %q", f.name, typ)
		}
		for _, tag := range words[:len(words)-1] {
			tags[i] = append(tags[i], "arg:"+tag)
		}
		proto.Params = append(proto.Params, btf.FuncParam{Name: string(rune('a' + i)), Type: params[typ]})
	}
	return proto, tags
}

func marshalTypes(t *testing.T, types []btf.Type) *btfx.Spec {
	t.Helper()
	b, err := btf.NewBuilder(types, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := b.Marshal(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := btfx.Parse(raw, nil)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}
