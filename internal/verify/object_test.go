// This file tests objects that programs allocate where the running kernel is
// wrong, and one near each that is right. What both agree on is in
// internal/conformance/features.

package verify_test

import (
	"fmt"
	"testing"

	"github.com/cilium/ebpf/btf"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
)

// objectTypes are types of a program: what it allocates, and a value of a map
// that points to such.
var objectTypes = func() *btfx.Spec {
	long := &btf.Int{Name: "unsigned long long", Size: 8}
	count := &btf.Struct{Name: "bpf_refcount", Size: 4, Members: []btf.Member{{Name: "n", Type: &btf.Int{Name: "int", Size: 4}}}}
	plain := &btf.Struct{Name: "own_plain", Size: 16, Members: []btf.Member{{Name: "a", Type: long}, {Name: "b", Type: long, Offset: 64}}}
	tail := &btf.Struct{Name: "own_tail", Size: 8, Members: []btf.Member{{Name: "a", Type: long}, {Name: "tail", Type: &btf.Array{Index: long, Type: long}, Offset: 64}}}
	counted := &btf.Struct{Name: "own_counted", Size: 16, Members: []btf.Member{{Name: "n", Type: count}, {Name: "a", Type: long, Offset: 64}}}
	task := &btf.Struct{Name: "task_struct", Size: 8, Members: []btf.Member{{Name: "a", Type: long}}}
	tagged := func(tag string, to btf.Type) btf.Type {
		return &btf.Pointer{Target: &btf.TypeTag{Value: tag, Type: to}}
	}
	value := &btf.Struct{Name: "own_value", Size: 32, Members: []btf.Member{
		{Name: "task", Type: tagged("kptr_untrusted", task)},
		{Name: "plain", Type: tagged("kptr", plain), Offset: 64},
		{Name: "percpu", Type: tagged("percpu_kptr", plain), Offset: 128},
		{Name: "counted", Type: tagged("kptr", counted), Offset: 192},
	}}
	entry := &btf.Func{Name: "main", Linkage: btf.GlobalFunc, Type: &btf.FuncProto{Return: count.Members[0].Type}}
	b, err := btf.NewBuilder([]btf.Type{value, tail, entry}, nil)
	if err != nil {
		panic(err)
	}
	raw, err := b.Marshal(nil, nil)
	if err != nil {
		panic(err)
	}
	spec, err := btfx.Parse(raw, nil)
	if err != nil {
		panic(err)
	}
	return spec
}()

func ownType(name string) btfx.ID { return objectTypes.Named(name)[0] }

func init() {
	m := bytecode.MapSpec{Type: bytecode.MapArray, KeySize: 4, ValueSize: 32, MaxEntries: 2, BTF: objectTypes, ValueTypeID: ownType("own_value")}
	m.KeyTypeID, _ = objectTypes.Find("int", btfx.KindInt)
	soundnessMaps["objects"] = m
}

// allocated has a new object of a type in R7.
func allocated(name, rest string) string {
	return fmt.Sprintf("r9 = r1; r1 = %d ll; r2 = 0; kfunc bpf_obj_new_impl; if r0 == 0 goto none; r7 = r0; %s; none: r0 = 0; exit", ownType(name), rest)
}

// ofValue has the map's value in R6; R7 is as it was.
const ofValue = `; *(u32 *)(r10 -4) = 1; r2 = r10; r2 += -4; r1 = map[objects]; call map_lookup_elem; r6 = r0; if r6 == 0 goto give;`

const (
	giveBack = `; give: r1 = r7; r2 = 0; kfunc bpf_obj_drop_impl`
	loaded   = `r9 = r1; *(u32 *)(r10 -4) = 1; r2 = r10; r2 += -4; r1 = map[objects]; call map_lookup_elem; if r0 == 0 goto none; r6 = r0;`
	noObject = `; none: r0 = 0; exit`
	onCPU    = `; r1 = *(u64 *)(r6 +16); if r1 == 0 goto none; r2 = 7; call per_cpu_ptr;`
	shared   = `; r1 = r7; r2 = 0; kfunc bpf_refcount_acquire_impl; if r0 == 0 goto none; r1 = r0; r2 = 0; kfunc bpf_obj_drop_impl`
)

var (
	skbObjects = controlProgram{typ: bytecode.ProgSchedCLS, types: objectTypes}
	sysObjects = controlProgram{typ: bytecode.ProgSyscall, flags: bytecode.FlagSleepable, types: objectTypes}
)

func TestObjects(t *testing.T) {
	stored := func(field int) string {
		return fmt.Sprintf("r1 = r6; r1 += %d; r2 = r7; call kptr_xchg; if r0 == 0 goto none; r1 = r0; r2 = 0;", field)
	}
	checkRows(t, []controlRow{
		{name: "stored as what it is", as: skbObjects, text: allocated("own_plain", ofValue+stored(8)+"kfunc bpf_obj_drop_impl; goto none"+giveBack)},
		{
			name: "stored as one of each CPU", as: skbObjects, kernelErrs: true,
			text: allocated("own_plain", ofValue+stored(16)+"kfunc bpf_percpu_obj_drop_impl; goto none"+giveBack),
			line: "invalid kptr access, R2 type=ptr_ expected=ptr_own_plain",
		},
		{name: "within an object", as: skbObjects, text: allocated("own_tail", "*(u64 *)(r7 +0) = 1"+giveBack)},
		{
			name: "in a tail that was not allocated", as: skbObjects, kernelErrs: true,
			text: allocated("own_tail", "*(u64 *)(r7 +8) = 1"+giveBack), line: "access beyond struct own_tail at off 8 size 8",
		},
		{name: "NULL into an untrusted pointer", as: skbObjects, text: loaded + "r7 = 0; *(u64 *)(r6 +0) = r7" + noObject},
		{
			name: "a number where another path has NULL", as: skbObjects, kernelErrs: true,
			text: loaded + "r8 = 0; call get_prandom_u32; if r0 > 5 goto other; store: *(u64 *)(r6 +0) = r8; goto none; other: r8 = 7; goto store" + noObject,
			line: "invalid kptr access, R8 type=scalar expected=ptr_task_struct or untrusted_ptr_task_struct",
		},
		{name: "of one CPU", as: skbObjects, text: loaded + onCPU + "if r0 == 0 goto none; *(u64 *)(r0 +0) = 1" + noObject},
		{
			name: "of a CPU that may not be there", as: skbObjects, kernelErrs: true,
			text: loaded + onCPU + "*(u64 *)(r0 +0) = 1" + noObject, line: "R0 invalid mem access 'rcu_ptr_or_null_'",
		},
		{
			name: "read after its section", as: sysObjects,
			text: loaded + "kfunc bpf_rcu_read_lock; r7 = *(u64 *)(r6 +24); kfunc bpf_rcu_read_unlock; if r7 == 0 goto none; r0 = *(u64 *)(r7 +8)" + noObject,
			line: "verifier bug: ref_obj_id for allocated object must be non-zero",
		},
		{name: "counted inside a section", as: sysObjects, text: loaded + "kfunc bpf_rcu_read_lock; r7 = *(u64 *)(r6 +24); r8 = 0; if r7 == 0 goto end; r1 = r7; r2 = 0; kfunc bpf_refcount_acquire_impl; r8 = r0; end: kfunc bpf_rcu_read_unlock; if r8 == 0 goto none; r1 = r8; r2 = 0; kfunc bpf_obj_drop_impl" + noObject},
		{
			name: "counted after the section", as: sysObjects, kernelErrs: true,
			text: loaded + "kfunc bpf_rcu_read_lock; r7 = *(u64 *)(r6 +24); kfunc bpf_rcu_read_unlock; if r7 == 0 goto none" + shared + noObject,
			line: "arg#0 is neither owning or non-owning ref",
		},
	})
}
