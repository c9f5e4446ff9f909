// This file defines a small kernel for tests, and tests of what is looked up in it.

package object

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
)

// kernelIDs are the ids of the small kernel's types, by name.
type kernelIDs map[string]btfx.ID

// smallKernel is the BTF of a kernel that has what the test objects look for.
func smallKernel(t testing.TB) (*btfx.Spec, kernelIDs) {
	t.Helper()
	b := btfx.NewBuilder(nil)
	ids := kernelIDs{}
	add := func(typ btfx.Type) btfx.ID {
		id := b.Add(typ)
		if typ.Name != "" {
			ids[typ.Name] = id
		}
		return id
	}
	i32 := add(btfx.Type{Kind: btfx.KindInt, Name: "int", Size: 4, IntBits: 32, IntEncoding: 1})
	char := add(btfx.Type{Kind: btfx.KindInt, Name: "char", Size: 1, IntBits: 8, IntEncoding: 1})
	u32 := add(btfx.Type{Kind: btfx.KindInt, Name: "unsigned int", Size: 4, IntBits: 32})
	fn := func(name string, params ...btfx.Param) btfx.ID {
		proto := add(btfx.Type{Kind: btfx.KindFuncProto, Type: i32, Params: params})
		if name != "" {
			add(btfx.Type{Kind: btfx.KindFunc, Name: name, Type: proto})
		}
		return proto
	}
	one := fn("kernel_func", btfx.Param{Name: "x", Type: i32})
	none := fn("bpf_lsm_hook")
	fn("bpf_iter_thing")
	fn("__x64_sys_bpf")
	add(btfx.Type{Kind: btfx.KindTypedef, Name: "btf_trace_event", Type: add(btfx.Type{Kind: btfx.KindPtr, Type: none})})
	add(btfx.Type{Kind: btfx.KindVar, Name: "typed", Type: i32, Linkage: 1})

	ptr := func(proto btfx.ID) btfx.ID { return add(btfx.Type{Kind: btfx.KindPtr, Type: proto}) }
	name8 := add(btfx.Type{Kind: btfx.KindArray, Type: char, Index: u32, Nelems: 8})
	ops := add(btfx.Type{Kind: btfx.KindStruct, Name: "my_ops", Size: 40, Members: []btfx.Member{
		{Name: "added", Type: ptr(none)},
		{Name: "name", Type: name8, BitOffset: 64},
		{Name: "flags", Type: u32, BitOffset: 128},
		{Name: "more", Type: ptr(one), BitOffset: 192},
		{Name: "init", Type: ptr(none), BitOffset: 256},
	}})
	add(btfx.Type{Kind: btfx.KindStruct, Name: "bpf_struct_ops_my_ops", Size: 128, Members: []btfx.Member{
		{Name: "state", Type: i32},
		{Name: "data", Type: ops, BitOffset: 512},
	}})
	spec, err := b.Spec()
	if err != nil {
		t.Fatal(err)
	}
	return spec, ids
}

func TestAttachTargets(t *testing.T) {
	spec, ids := smallKernel(t)
	funcs, err := openTest(t, "funcs.o").Link(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	both, err := funcs.Program("both")
	if err != nil {
		t.Fatal(err)
	}
	left, _ := both.BTF.Find("left", btfx.KindFunc)
	for _, row := range []struct {
		program string
		target  Target
		to      string
		id      btfx.ID
		err     string
	}{
		{program: "by_function", to: "kernel_func", id: ids["kernel_func"]},
		{program: "by_module", to: "vmlinux:kernel_func", id: ids["kernel_func"]},
		{program: "by_event", to: "event", id: ids["btf_trace_event"]},
		{program: "by_hook", to: "hook", id: ids["bpf_lsm_hook"]},
		{program: "by_cgroup_hook", to: "hook", id: ids["bpf_lsm_hook"]},
		{program: "by_iterator", to: "thing", id: ids["bpf_iter_thing"]},
		{program: "by_nothing", err: `attach target "nowhere": not in the target`},
		{program: "by_silence", err: `section "fmod_ret": names nothing to attach to`},
		{program: "by_silence", target: Target{Func: "kernel_func"}, to: "kernel_func", id: ids["kernel_func"]},
		{program: "by_program", err: `attach target "left": no program to attach to is given`},
		{program: "by_program", target: Target{Prog: both}, to: "left", id: left},
		{program: "by_function", target: Target{Prog: both, Func: "none"}, err: `attach target "none": not in program "both"`},
		{program: "by_probe", to: "do_it"},
		{program: "by_tracepoint", to: "sched/sched_switch"},
	} {
		t.Run(row.program, func(t *testing.T) {
			l, err := openTest(t, "sections.o").Link(&Env{BTF: spec}, &LinkOptions{
				Programs: []string{row.program}, Targets: map[string]Target{row.program: row.target},
			})
			if err != nil {
				t.Fatal(err)
			}
			p, err := l.Program(row.program)
			if row.err != "" {
				wantError(t, err, row.err)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if p.AttachTo != row.to || p.AttachBTFID != row.id || p.AttachProg != row.target.Prog {
				t.Errorf("attach to %q, id %d, program %v, want %q, %d, %v",
					p.AttachTo, p.AttachBTFID, p.AttachProg, row.to, row.id, row.target.Prog)
			}
		})
	}
}

// A section may name a module that the BTF holds.
func TestAttachToModule(t *testing.T) {
	spec, ids := smallKernel(t)
	for _, row := range []struct {
		to  string
		id  btfx.ID
		err error
	}{
		{"m:kernel_func", ids["kernel_func"], nil},
		{"n:kernel_func", 0, ErrUnresolved},
	} {
		p := &bytecode.Program{Type: bytecode.ProgTracing, AttachTo: row.to}
		id, err := attachID(&Env{BTF: spec, Modules: []string{"m"}}, p)
		if id != row.id || !errors.Is(err, row.err) {
			t.Errorf("%s: id %d, %v", row.to, id, err)
		}
	}
}

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q in it", err, want)
	}
}

func TestWithoutTarget(t *testing.T) {
	for _, row := range []struct{ object, program string }{
		{"sections.o", "by_function"},
		{"structops.o", "ops_init"},
		{"core.o", "fields"},
		{"externs.o", "calls"},
	} {
		t.Run(row.object, func(t *testing.T) {
			_, err := linkAll(t, openTest(t, row.object), nil).Program(row.program)
			if !errors.Is(err, ErrNoBTF) {
				t.Errorf("error %v, want %v", err, ErrNoBTF)
			}
		})
	}
}

func TestStructOps(t *testing.T) {
	spec, ids := smallKernel(t)
	l, err := openTest(t, "structops.o").Link(&Env{BTF: spec}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Maps) != 1 {
		t.Fatalf("%d maps, want one: the other is not created by default", len(l.Maps))
	}
	m := l.Maps[0]
	if m.Name != "first" || m.StructOpsType != "my_ops" || m.Flags != bytecode.MapLink ||
		m.ValueTypeID != ids["bpf_struct_ops_my_ops"] || m.BTF != spec || m.ValueSize != 128 {
		t.Errorf("map %+v", m)
	}
	if name := string(m.Contents[64+8 : 64+13]); name != "first" {
		t.Errorf("name %q in the target's layout, want %q", name, "first")
	}
	if flags := binary.LittleEndian.Uint32(m.Contents[64+16:]); flags != 5 {
		t.Errorf("flags %d, want 5", flags)
	}
	want := []bytecode.MapSlot{{Program: "ops_init", Offset: 64 + 32}, {Program: "ops_more", Offset: 64 + 24}}
	if len(m.Slots) != 2 || m.Slots[0] != want[0] || m.Slots[1] != want[1] {
		t.Errorf("slots %v, want %v", m.Slots, want)
	}
	for _, row := range []struct {
		program, to string
		member      bytecode.AttachType
		flags       uint32
	}{
		{"ops_init", "my_ops.init", 4, 0},
		{"ops_more", "my_ops.more", 3, bytecode.FlagSleepable},
	} {
		p, err := l.Program(row.program)
		if err != nil {
			t.Fatal(err)
		}
		if p.AttachTo != row.to || p.ExpectedAttach != row.member || p.AttachBTFID != ids["my_ops"] || p.Flags != row.flags {
			t.Errorf("%s: to %q member %d id %d flags %d", row.program, p.AttachTo, p.ExpectedAttach, p.AttachBTFID, p.Flags)
		}
	}
	wantError(t, l.Errors["ops_unused"], "no struct_ops map uses the program")
	if _, err := l.Program("ops_later"); !errors.Is(err, ErrNoProgram) {
		t.Errorf("ops_later: %v, want it left out like its map", err)
	}
}

func TestStructOpsOnRequest(t *testing.T) {
	spec, _ := smallKernel(t)
	l, err := openTest(t, "structops.o").Link(&Env{BTF: spec}, &LinkOptions{Programs: []string{"ops_later"}})
	if err != nil {
		t.Fatal(err)
	}
	if p, err := l.Program("ops_later"); err != nil || p.AttachTo != "my_ops.init" {
		t.Errorf("program %v, %v", p, err)
	}
	if len(l.Maps) != 2 || l.Maps[1].Name != "second" {
		t.Errorf("maps %v, want the one that needs the program as well", l.Maps)
	}
}

func TestStructOpsUnknown(t *testing.T) {
	l := linkAll(t, openTest(t, "structops.o"), &Env{BTF: targetTypes(t)})
	wantError(t, l.Errors["ops_init"], `struct_ops "first": struct bpf_struct_ops_my_ops: not in the target`)
	if len(l.Maps) != 0 {
		t.Errorf("maps %v, want none", l.Maps)
	}
}

func TestExterns(t *testing.T) {
	spec, ids := smallKernel(t)
	syms := func(name string) (uint64, error) {
		if name == "untyped" {
			return 0xffffffff81234567, nil
		}
		return 0, ErrUnresolved
	}
	l := linkAll(t, openTest(t, "externs.o"), &Env{BTF: spec, Syms: syms})
	p, err := l.Program("symbols")
	if err != nil {
		t.Fatal(err)
	}
	type load struct {
		src   uint8
		value uint64
	}
	var loads []load
	for i, in := range p.Insns {
		if in.IsLdImm64() {
			loads = append(loads, load{in.Src, uint64(uint32(in.Imm)) | uint64(uint32(p.Insns[i+1].Imm))<<32})
		}
	}
	want := map[load]bool{
		{0, 0xffffffff81234567}: true, // untyped
		{0, 0}:                  true, // absent, missing_var
		{bytecode.PseudoBTFID, uint64(ids["typed"])}: true,
	}
	for _, ld := range loads {
		if !want[ld] {
			t.Errorf("load %+v", ld)
		}
	}
	if len(loads) != 4 {
		t.Errorf("%d loads, want 4: %v", len(loads), loads)
	}
	wantError(t, l.Errors["unresolved"], `extern "needed_func": not in the target`)
}

func TestKfuncCalls(t *testing.T) {
	spec, ids := smallKernel(t)
	p, err := linkAll(t, openTest(t, "externs.o"), &Env{BTF: spec}).Program("calls")
	if err != nil {
		t.Fatal(err)
	}
	var kfuncs, poisoned int
	for _, in := range p.Insns {
		switch {
		case in.IsKfuncCall() && in.Imm == int32(ids["kernel_func"]) && in.Off == 0:
			kfuncs++
		case in.IsHelperCall() && in.Imm/1000 == poisonKfunc/1000:
			poisoned++
		}
	}
	if kfuncs != 2 || poisoned != 1 {
		t.Errorf("%d calls of kernel_func and %d poisoned, want 2 and 1", kfuncs, poisoned)
	}
}

func TestMadeUpAddress(t *testing.T) {
	spec, _ := smallKernel(t)
	p, err := linkAll(t, openTest(t, "externs.o"), &Env{BTF: spec}).Program("symbols")
	if err != nil {
		t.Fatal(err)
	}
	for i, in := range p.Insns {
		if in.IsLdImm64() && in.Src == 0 && p.Insns[i+1].Imm == -1 {
			return
		}
	}
	t.Error("no address in the kernel's half for a strong symbol")
}
