// This file tests timers, work queues, task work and other callbacks: which
// field a function takes, and how a callback that runs later is walked.

package verify_test

import (
	"fmt"
	"testing"

	"github.com/cilium/ebpf/btf"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
)

// fieldMap is an array whose value is a number and, at 8, a field of the
// kernel's.
func fieldMap(name string, size uint32) bytecode.MapSpec {
	long := &btf.Int{Name: "unsigned long long", Size: 8}
	integer := &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}
	field := &btf.Struct{Name: name, Size: size}
	if size == 4 {
		field.Members = []btf.Member{{Name: "val", Type: integer}}
	}
	for off := uint32(0); off+8 <= size; off += 8 {
		field.Members = append(field.Members, btf.Member{Name: fmt.Sprint("word", off), Type: long, Offset: btf.Bits(off * 8)})
	}
	value := &btf.Struct{Name: "elem", Size: 8 + size, Members: []btf.Member{{Name: "count", Type: long}, {Name: "field", Type: field, Offset: 64}}}
	b, err := btf.NewBuilder([]btf.Type{integer, value}, nil)
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
	m := bytecode.MapSpec{Type: bytecode.MapArray, KeySize: 4, ValueSize: 8 + size, MaxEntries: 2, BTF: spec}
	m.KeyTypeID, _ = spec.Find("int", btfx.KindInt)
	m.ValueTypeID, _ = spec.Find("elem", btfx.KindStruct)
	return m
}

func init() {
	timers, timers2 := fieldMap("bpf_timer", 16), fieldMap("bpf_timer", 16)
	soundnessMaps["timers"], soundnessMaps["timers2"] = timers, timers2
	soundnessMaps["queues"], soundnessMaps["queues2"] = fieldMap("bpf_wq", 16), fieldMap("bpf_wq", 16)
	soundnessMaps["works"], soundnessMaps["works2"] = fieldMap("bpf_task_work", 8), fieldMap("bpf_task_work", 8)
	inner := timers
	inner.Name = "inner"
	soundnessMaps["outer"] = bytecode.MapSpec{Type: bytecode.MapArrayOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 2, Inner: &inner}
}

// elemOf has the value of a map in R6; the program ends at out.
func elemOf(name, rest string) string {
	return `
		r9 = r1
		*(u32 *)(r10 -4) = 1
		r2 = r10
		r2 += -4
		r1 = map[` + name + `]
		call map_lookup_elem
		if r0 == 0 goto out
		r6 = r0
	` + rest + finish
}

// Pieces of rows about timers.
const (
	timerInit = `; r1 = r6; r1 += 8; r2 = map[timers]; r3 = 1; call timer_init;`
	timerSet  = `; r1 = r6; r1 += 8; r2 = func back; call timer_set_callback;`
	backZero  = `; static back(long, long, long): r0 = 0; exit;`
	queueInit = `; r1 = r6; r1 += 8; r2 = map[queues]; r3 = 0; kfunc bpf_wq_init;`
	queueSet  = `; r1 = r6; r1 += 8; r2 = func back; r3 = 0; r4 = 0; kfunc bpf_wq_set_callback_impl;`
	taskWork  = `; call get_current_task_btf; r1 = r0; r2 = r6; r2 += 8; r3 = map[works]; r4 = func back; r5 = 0; kfunc bpf_task_work_schedule_signal_impl;`
	asyncZero = "At async callback return the register R0 has "
)

// innerTimer has a timer of an inner map in R6 and that map in R7; R8 is
// another inner map.
func innerTimer(rest string) string {
	look := `*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; `
	return `r9 = r1;` + look + `r1 = map[outer]; call map_lookup_elem; if r0 == 0 goto out; r7 = r0;` +
		look + `r1 = map[outer]; call map_lookup_elem; if r0 == 0 goto out; r8 = r0;` +
		look + `r1 = r7; call map_lookup_elem; if r0 == 0 goto out; r6 = r0;` + rest + finish
}

// sleeper is a callback that calls what may sleep.
const sleeper = `; static back(long, long, long): r1 = r10; r1 += -8; r2 = 8; r3 = 0; call copy_from_user; r0 = 0; exit;`

var timerRows = []controlRow{
	{name: "set up", text: elemOf("timers", timerInit+timerSet+`r1 = r6; r1 += 8; r2 = 0; r3 = 0; call timer_start; r1 = r6; r1 += 8; call timer_cancel`) + backZero},
	{name: "not the timer's offset", text: elemOf("timers", `r1 = r6; call timer_cancel`), line: "off 0 doesn't point to 'struct bpf_timer' that is at 8"},
	{
		name: "past the timer", line: "off 16 doesn't point to 'struct bpf_timer' that is at 8",
		text: elemOf("timers", `r1 = r6; r1 += 16; call timer_cancel`),
	},
	{
		name: "an unknown offset", line: "R1 doesn't have constant offset. bpf_timer has to be at the constant offset",
		text: elemOf("timers", `call get_prandom_u32; r0 &= 8; r1 = r6; r1 += r0; call timer_cancel`),
	},
	{name: "a map without BTF", text: elemOf("large", `r1 = r6; call timer_cancel`), line: "map 'large' has to have BTF in order to use bpf_timer"},
	{name: "a map with another field", text: elemOf("queues", `r1 = r6; r1 += 8; call timer_cancel`), line: "map 'queues' has no valid bpf_timer"},
	{name: "on the stack", text: `*(u64 *)(r10 -16) = 0; *(u64 *)(r10 -8) = 0; r1 = r10; r1 += -16; call timer_cancel` + done, line: "R1 type=fp expected=map_value"},
	{name: "not compared with NULL", text: `*(u32 *)(r10 -4) = 5; r2 = r10; r2 += -4; r1 = map[timers]; call map_lookup_elem; r1 = r0; call timer_cancel` + done,
		line: "R1 type=map_value_or_null expected=map_value"},
	{
		name: "another map", line: "timer pointer in R1 map_uid=0 doesn't match map pointer in R2 map_uid=0",
		text: elemOf("timers", `r1 = r6; r1 += 8; r2 = map[timers2]; r3 = 1; call timer_init`),
	},
	{name: "the inner map that it is in", text: innerTimer(`r1 = r6; r1 += 8; r2 = r7; r3 = 1; call timer_init`)},
	{
		name: "another inner map", line: "timer pointer in R1 map_uid=1 doesn't match map pointer in R2 map_uid=2",
		text: innerTimer(`r1 = r6; r1 += 8; r2 = r8; r3 = 1; call timer_init`),
	},
	{name: "another field of an inner map", text: innerTimer(`r1 = r6; r1 += 8; r2 = 0; kfunc bpf_wq_start`), line: "map '' has no valid bpf_wq"},
	{name: "the timer is read", text: elemOf("timers", `r0 = *(u64 *)(r6 +8)`), line: "bpf_timer cannot be accessed directly by load/store"},
	{name: "the number beside it is read", text: elemOf("timers", `r0 = *(u64 *)(r6 +0)`)},
	{name: "a callback's result", text: elemOf("timers", timerSet) + `; static back(long, long, long): r0 = 1; exit`, line: asyncZero + "smin=1 smax=1 should have been in [0, 0]"},
	{name: "no result", text: elemOf("timers", timerSet) + `; static back(long, long, long): exit`, line: "R0 !read_ok"},
	{name: "a pointer as the result", text: elemOf("timers", timerSet) + `; static back(long, long, long): r0 = r1; exit`, line: "At async callback return the register R0 is not a known value (map_ptr)"},
	{
		name: "a result that differs by path", line: asyncZero + "smin=1 smax=1 should have been in [0, 0]",
		text: elemOf("timers", timerSet) + `; static back(long, long, long): call get_prandom_u32; r6 = 0; if r0 > 5 goto on; r6 = 1; on: r0 = r6; exit`,
	},
	{name: "arguments of a callback", text: elemOf("timers", timerSet) + `; static back(long, long, long): r0 = *(u32 *)(r2 +0); r0 = *(u64 *)(r3 +0); r2 = r2; call map_lookup_elem; r0 = 0; exit`},
	{name: "past the key in a callback", text: elemOf("timers", timerSet) + `; static back(long, long, long): r0 = *(u64 *)(r2 +0); r0 = 0; exit`, line: "R2 min value is outside of the allowed memory range"},
	{name: "the timer in a callback", text: elemOf("timers", timerSet) + `; static back(long, long, long): r0 = *(u64 *)(r3 +8); r0 = 0; exit`, line: "bpf_timer cannot be accessed directly by load/store"},
	{name: "the caller's registers in a callback", text: elemOf("timers", timerSet) + `; static back(long, long, long): r0 = r6; r0 = 0; exit`, line: "R6 !read_ok"},
	{name: "a fourth argument", text: elemOf("timers", timerSet) + `; static back(long, long, long): r0 = r4; r0 = 0; exit`, line: "R4 !read_ok"},
	{name: "set again in the callback", text: elemOf("timers", timerSet) + `; static back(long, long, long): r1 = r3; r1 += 8; r2 = func back; call timer_set_callback; r0 = 0; exit`},
	{
		name: "set again in a function of the callback",
		text: elemOf("timers", timerSet) + `; static back(long, long, long): r1 = r3; call again; r0 = 0; exit;
			static again(long): r1 += 8; r2 = func back; call timer_set_callback; r0 = 0; exit`,
	},
	{name: "the caller's record", text: reserved(`*(u32 *)(r10 -4) = 1; r2 = r10; r2 += -4; r1 = map[timers]; call map_lookup_elem; if r0 == 0 goto give; r1 = r0; r1 += 8; r2 = func back; call timer_set_callback; give:`+submit) + backZero},
	{
		name: "a record kept by a callback", line: leak,
		text: elemOf("timers", timerSet) + `; static back(long, long, long): r1 = map[events]; r2 = 8; r3 = 0; call ringbuf_reserve; r0 = 0; exit`,
	},
	{name: "a callback in an RCU section", text: elemOf("timers", `kfunc bpf_rcu_read_lock;`+timerSet+`kfunc bpf_rcu_read_unlock;`) + backZero},
	{
		name: "a callback that begins an RCU section", line: "BPF_EXIT instruction in main prog cannot be used inside bpf_rcu_read_lock-ed region",
		text: elemOf("timers", timerSet) + `; static back(long, long, long): kfunc bpf_rcu_read_lock; r0 = 0; exit`,
	},
	{name: "a callback that sleeps", as: sleepableProgram, text: elemOf("timers", timerSet) + sleeper, line: "helper call might sleep in a non-sleepable prog"},
	{name: "a callback that throws", text: elemOf("timers", timerSet) + `; static back(long, long, long): r1 = 0; kfunc bpf_throw; r0 = 0; exit`,
		line: "bpf_throw kfunc (insn 17) cannot be called from callback subprog 1"},
	{name: "a callback called directly too", text: elemOf("timers", timerSet+`r1 = r9; r2 = 0; r3 = 0; call back`) + `; static back(long, long, long): r0 = 0; exit`},
	{
		name: "a callback called directly too, with a result", line: asyncZero + "smin=5 smax=5 should have been in [0, 0]",
		text: elemOf("timers", timerSet+`r1 = r9; r2 = 0; r3 = 0; call back`) + `; static back(long, long, long): r0 = 5; exit`,
	},
	{name: "a callback's stack is its own", text: elemOf("timers", `*(u64 *)(r10 -400) = 0`+timerSet) + `; static back(long, long, long): *(u64 *)(r10 -400) = 0; r0 = 0; exit`},
	{
		name: "a callback's stack and its functions'", line: "combined stack size of 2 calls is 608. Too large",
		text: elemOf("timers", timerSet) + `; static back(long, long, long): *(u64 *)(r10 -304) = 0; call deep; r0 = 0; exit; static deep(): *(u64 *)(r10 -304) = 0; r0 = 0; exit`,
	},
	{
		name: "a global function that sleeps in a callback that may not", as: sleepableProgram, line: "a non-sleepable BPF program context",
		text: elemOf("timers", timerSet) + `; static back(long, long, long): call naps; r0 = 0; exit; global naps():` + copyUser + `r0 = 0; exit`,
	},
	{name: "a loop in a callback", text: elemOf("timers", timerSet) + `; static back(long, long, long): r1 = 5; r2 = func turn; r3 = 0; r4 = 0; call loop; r0 = 0; exit; static turn(long, long): r0 = 0; exit`},
	{name: "one callback of two timers", text: elemOf("timers", timerSet+`*(u32 *)(r10 -4) = 1; r2 = r10; r2 += -4; r1 = map[timers2]; call map_lookup_elem; if r0 == 0 goto out; r6 = r0`+timerSet) +
		`; static back(long, long, long): r0 = *(u64 *)(r3 +0); r0 = 0; exit`},
}

var workRows = []controlRow{
	{name: "set up", text: elemOf("queues", queueInit+queueSet+`r1 = r6; r1 += 8; r2 = 0; kfunc bpf_wq_start`) + backZero},
	{name: "not the queue's offset", text: elemOf("queues", `r1 = r6; r2 = 0; kfunc bpf_wq_start`), line: "off 0 doesn't point to 'struct bpf_wq' that is at 8"},
	{
		name: "an unknown offset", line: "R1 doesn't have constant offset. bpf_wq has to be at the constant offset",
		text: elemOf("queues", `call get_prandom_u32; r0 &= 4; r1 = r6; r1 += r0; r1 += 8; r2 = 0; kfunc bpf_wq_start`),
	},
	{name: "not a map's value", text: `*(u64 *)(r10 -16) = 0; *(u64 *)(r10 -8) = 0; r1 = r10; r1 += -16; r2 = 0; kfunc bpf_wq_start` + done, line: "arg#0 doesn't point to a map value"},
	{
		name: "another map", line: "workqueue pointer in R1 map_uid=0 doesn't match map pointer in R2 map_uid=0",
		text: elemOf("queues", `r1 = r6; r1 += 8; r2 = map[queues2]; r3 = 0; kfunc bpf_wq_init`),
	},
	{name: "no function", text: elemOf("queues", `r1 = r6; r1 += 8; r2 = 0; r3 = 0; r4 = 0; kfunc bpf_wq_set_callback_impl`), line: "arg1 expected pointer to func"},
	{name: "a callback that sleeps", text: elemOf("queues", queueSet) + sleeper},
	{name: "a callback that sleeps in a section", text: elemOf("queues", queueSet) + `; static back(long, long, long):` + rcuLock + copyStr + rcuUnlock + `r0 = 0; exit`,
		line: "kernel func bpf_copy_from_user_str is sleepable within rcu_read_lock region"},
	{name: "a callback that needs a section", text: elemOf("queues", queueSet) + `; static back(long, long, long):` + tasks(``) + `r0 = 0; exit`, line: "kernel func bpf_iter_task_new requires RCU critical section protection"},
	{name: "a callback that is always in a section", as: sleepableProgram, text: elemOf("timers", timerSet) + `; static back(long, long, long):` + tasks(``) + `r0 = 0; exit`},
	{name: "a callback's result", text: elemOf("queues", queueSet) + `; static back(long, long, long): r0 = -1; exit`, line: asyncZero + "smin=-1 smax=-1 should have been in [0, 0]"},
	{
		name: "one callback of a queue and of a timer", line: "helper call might sleep in a non-sleepable prog",
		text: elemOf("queues", queueSet+`*(u32 *)(r10 -4) = 1; r2 = r10; r2 += -4; r1 = map[timers]; call map_lookup_elem; if r0 == 0 goto out; r6 = r0`+timerSet) + sleeper,
	},
	{name: "task work", text: elemOf("works", taskWork) + backZero},
	{name: "task work that sleeps", text: elemOf("works", taskWork) + sleeper},
	{name: "task work with a result", text: elemOf("works", taskWork) + `; static back(long, long, long): r0 = 77; exit`},
	{name: "task work with any result", text: elemOf("works", taskWork) + `; static back(long, long, long): call ktime_get_ns; exit`,
		line: asyncZero + "unknown scalar value should have been in [-2147483648, 2147483647]"},
	{name: "task work's arguments", text: elemOf("works", taskWork) + `; static back(long, long, long): r0 = *(u32 *)(r2 +0); r0 = *(u64 *)(r3 +0); r0 = 0; exit`},
	{
		name: "task work in another map", line: "bpf_task_work pointer in R2 map_uid=0 doesn't match map pointer in R3 map_uid=0",
		text: elemOf("works", `call get_current_task_btf; r1 = r0; r2 = r6; r2 += 8; r3 = map[works2]; r4 = func back; r5 = 0; kfunc bpf_task_work_schedule_resume_impl`) + backZero,
	},
	{
		name: "task work at another offset", line: "off 0 doesn't point to 'struct bpf_task_work' that is at 8",
		text: elemOf("works", `call get_current_task_btf; r1 = r0; r2 = r6; r3 = map[works]; r4 = func back; r5 = 0; kfunc bpf_task_work_schedule_resume_impl`) + backZero,
	},
	{
		name: "task work for a task that was moved", line: "negative offset trusted_ptr_ ptr R1 off=-8 disallowed",
		text: elemOf("works", `call get_current_task_btf; r1 = r0; r1 += -8; r2 = r6; r2 += 8; r3 = map[works]; r4 = func back; r5 = 0; kfunc bpf_task_work_schedule_resume_impl`) + backZero,
	},
	{name: "the task work is written", text: elemOf("works", `*(u64 *)(r6 +8) = 0`), line: "bpf_task_work cannot be accessed directly by load/store"},
	{name: "the work queue is read", text: elemOf("queues", `r0 = *(u64 *)(r6 +8)`), line: "bpf_wq cannot be accessed directly by load/store"},
}

// vmaOf calls bpf_find_vma for the current task.
func vmaOf(callback string) string {
	return `call get_current_task_btf; r1 = r0; r2 = 0; r3 = func back; *(u64 *)(r10 -8) = 0; r4 = r10; r4 += -8; r5 = 0; call find_vma` + done +
		`static back(long, long, long):` + callback
}

var tracing = controlProgram{typ: bytecode.ProgKprobe}

var vmaRows = []controlRow{
	{name: "a pointer for the number of turns", text: `r1 = r10; r2 = func back; r3 = 0; r4 = 0; call loop` + done + `static back(long, long): r0 = 0; exit`, line: "verifier bug: backtracking misuse"},
	{name: "read", as: tracing, text: vmaOf(`r0 = *(u64 *)(r2 +0); *(u64 *)(r3 +0) = r0; r0 = 0; exit`)},
	{name: "written", as: tracing, text: vmaOf(`*(u64 *)(r2 +0) = 0; r0 = 0; exit`), line: "only read is supported"},
	{name: "a wrong result", as: tracing, text: vmaOf(`r0 = 2; exit`), line: "At callback return the register R0 has smin=2 smax=2 should have been in [0, 1]"},
	{name: "past the context", as: tracing, text: vmaOf(`*(u64 *)(r3 +8) = 0; r0 = 0; exit`), line: "invalid write to stack R3 off=0 size=8"},
	{name: "the context's value changes", as: tracing, text: `call get_current_task_btf; r1 = r0; r2 = 0; r3 = func back; *(u64 *)(r10 -8) = 0; r4 = r10; r4 += -8; r5 = 0; call find_vma;
		r1 = *(u64 *)(r10 -8); r2 = r10; r2 += -16; r2 += r1; *(u8 *)(r2 +0) = 0` + done + `static back(long, long, long): *(u64 *)(r3 +0) = 64; r0 = 0; exit`,
		line: "invalid write to stack R2 off=48 size=1"},
}

func TestTimers(t *testing.T)    { checkRows(t, timerRows) }
func TestWork(t *testing.T)      { checkRows(t, workRows) }
func TestCallbacks(t *testing.T) { checkRows(t, vmaRows) }
