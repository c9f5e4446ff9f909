// This file tests members of the kernel's structs of functions whose arguments
// are references and whose results are objects. The running kernel has none,
// so the types are made up.

package verify_test

import (
	"context"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/verify"
)

// toyOps is a kernel with one struct of functions: take is given a task to
// keep, swap is given one that may be NULL and returns one.
func toyOps(t *testing.T) *btfx.Spec {
	t.Helper()
	integer := &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}
	task := &btf.Struct{Name: "task_struct", Size: 16, Members: []btf.Member{{Name: "pid", Type: integer}, {Name: "stack", Type: &btf.Pointer{Target: (*btf.Void)(nil)}, Offset: 64}}}
	ptr := &btf.Pointer{Target: task}
	member := func(ret btf.Type, params ...btf.FuncParam) *btf.FuncProto {
		return &btf.FuncProto{Return: ret, Params: params}
	}
	take := member(integer, btf.FuncParam{Name: "n", Type: integer}, btf.FuncParam{Name: "task", Type: ptr})
	swap := member(ptr, btf.FuncParam{Name: "task", Type: ptr}, btf.FuncParam{Name: "other", Type: ptr})
	fn := func(name string, proto *btf.FuncProto, names ...string) *btf.Func {
		stub := &btf.FuncProto{Return: proto.Return}
		for i, p := range proto.Params {
			stub.Params = append(stub.Params, btf.FuncParam{Name: names[i], Type: p.Type})
		}
		return &btf.Func{Name: name, Type: stub, Linkage: btf.StaticFunc}
	}
	ops := &btf.Struct{Name: "toy_ops", Size: 16, Members: []btf.Member{
		{Name: "take", Type: &btf.Pointer{Target: take}}, {Name: "swap", Type: &btf.Pointer{Target: swap}, Offset: 64},
	}}
	return marshalTypes(t, []btf.Type{
		ops, &btf.Struct{Name: "bpf_struct_ops_toy_ops", Size: 16, Members: []btf.Member{{Name: "data", Type: ops}}},
		fn("toy_ops__take", take, "n", "task__ref"),
		fn("toy_ops__swap", swap, "task__ref", "other__nullable"),
		fn("bpf_task_release", member(&btf.Void{}, btf.FuncParam{Name: "p", Type: ptr}), "p"),
	})
}

func TestStructOpsReferences(t *testing.T) {
	spec := toyOps(t)
	owner, _ := spec.Find("toy_ops", btfx.KindStruct)
	release, _ := spec.Find("bpf_task_release", btfx.KindFunc)
	members := map[string]bytecode.AttachType{"take": 0, "swap": 1}
	for _, row := range []struct{ name, member, text, line string }{
		{"released", "take", "r1 = *(u64 *)(r1 +8); release; r0 = 0; exit", ""},
		{"kept", "take", "r1 = *(u64 *)(r1 +8); r0 = 0; exit", "BPF_EXIT instruction in main prog would lead to reference leak"},
		{"not looked at", "take", "r0 = 0; exit", "BPF_EXIT instruction in main prog would lead to reference leak"},
		{"used after release", "take", "r6 = *(u64 *)(r1 +8); r1 = r6; release; r0 = *(u32 *)(r6 +0); exit", "R6 invalid mem access 'scalar'"},
		{"loaded after release", "take", "r6 = r1; r1 = *(u64 *)(r1 +8); release; r1 = *(u64 *)(r6 +8); r0 = 0; exit",
			"invalid bpf_context access off=8. Reference may already be released"},
		{"released twice", "take", "r6 = *(u64 *)(r1 +8); r7 = r6; r1 = r6; release; r1 = r7; release; r0 = 0; exit", "arg#0 pointer type STRUCT task_struct must point to scalar, or struct with scalar"},
		{"two loads are one reference", "take", "r6 = *(u64 *)(r1 +8); r1 = *(u64 *)(r1 +8); release; r0 = *(u32 *)(r6 +0); exit", "R6 invalid mem access 'scalar'"},
		{"a tail call", "take", "r6 = r1; r1 = *(u64 *)(r1 +8); release; r1 = r6; r2 = map[progs]; r3 = 0; call tail_call; r0 = 0; exit",
			"program with __ref argument cannot tail call"},
		{"returned", "swap", "r0 = *(u64 *)(r1 +0); exit", ""},
		{"NULL returned", "swap", "r1 = *(u64 *)(r1 +0); release; r0 = 0; exit", ""},
		{"a number returned", "swap", "r1 = *(u64 *)(r1 +0); release; r0 = 7; exit", "At program exit the register R0 has smin=7 smax=7 should have been in [0, 0]"},
		{"another object returned", "swap", "r6 = *(u64 *)(r1 +8); r1 = *(u64 *)(r1 +0); release; if r6 == 0 goto none; r0 = r6; exit; none: r0 = 0; exit",
			"At program exit the register R0 is not a known value (trusted_ptr_)"},
		{"returned with an offset", "swap", "r0 = *(u64 *)(r1 +0); r0 += 4; exit", "dereference of modified trusted_ptr_ ptr R0 off=4 disallowed"},
		{"returned from a path, NULL from the other", "swap",
			"r6 = *(u64 *)(r1 +0); r7 = *(u64 *)(r1 +8); if r7 == 0 goto none; r0 = r6; exit; none: r1 = r6; release; r0 = 0; exit", ""},
		{"NULL returned and the reference lost", "swap", "r6 = *(u64 *)(r1 +0); r7 = *(u64 *)(r1 +8); if r7 == 0 goto none; r0 = r6; exit; none: r0 = 0; exit",
			"BPF_EXIT instruction in main prog would lead to reference leak"},
		{"may be NULL", "swap", "r6 = *(u64 *)(r1 +8); r0 = *(u32 *)(r6 +0); exit", "R6 invalid mem access 'trusted_ptr_or_null_'"},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := (&controlRow{text: strings.ReplaceAll(row.text, "release;", "kfunc bpf_task_release;")}).program(t)
			p.Type, p.AttachTo, p.AttachBTFID = bytecode.ProgStructOps, "toy_ops."+row.member, owner
			p.ExpectedAttach = members[row.member]
			for i := range p.Insns {
				if p.Insns[i].IsKfuncCall() {
					p.Insns[i].Imm = int32(release)
				}
			}
			_, err := verify.Program(context.Background(), p, &verify.Options{Target: catalog.Linux6_18.WithBTF(spec), Caps: catalog.CapsAll})
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != row.line {
				t.Errorf("reason %q, want %q", got, row.line)
			}
		})
	}
}
