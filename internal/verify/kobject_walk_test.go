// This file tests walks through kernel objects: what a load gives, and how far
// the pointers that it gives are trusted.

package verify_test

import (
	"testing"

	"github.com/skepbpf/skep/internal/bytecode"
)

// Programs that are given objects.
var (
	iterTask    = controlProgram{hook: "iter/task", flags: bytecode.FlagSleepable} // task or NULL in R1[1]
	newCgroup   = controlProgram{hook: "tp_btf/cgroup_mkdir"}                      // cgroup in R1[0]
	priority    = controlProgram{hook: "tp_btf/sched_pi_setprio"}                  // task in R1[0], task or NULL in R1[1]
	iterMapElem = controlProgram{hook: "iter/bpf_map_elem"}                        // key in R1[2], value in R1[3]
)

// someTask has a task in R6, in a program that may sleep.
func someTask(rest string) string {
	return "r6 = *(u64 *)(r1 +8); if r6 == 0 goto none; " + rest + "; none: r0 = 0; exit"
}

const acquireR6 = "; r1 = r6; kfunc bpf_task_acquire; if r0 == 0 goto none; r1 = r0; kfunc bpf_task_release"

var walkRows = []controlRow{
	{name: "the task itself", as: iterTask, text: someTask(acquireR6)},
	{name: "not compared with NULL", as: iterTask, text: "r6 = *(u64 *)(r1 +8); r0 = *(u32 *)(r6 +0)" + endZero, line: "R6 invalid mem access 'trusted_ptr_or_null_'"},
	{
		name: "a parent outside of a section", as: iterTask, line: "R1 must be a rcu pointer",
		text: someTask("r6 = *(u64 *)(r6 +<task_struct.real_parent>)" + acquireR6),
	},
	{
		name: "a parent in a section", as: iterTask,
		text: someTask("kfunc bpf_rcu_read_lock; r6 = *(u64 *)(r6 +<task_struct.real_parent>); r1 = r6; kfunc bpf_task_acquire; r7 = r0; kfunc bpf_rcu_read_unlock; if r7 == 0 goto none; r1 = r7; kfunc bpf_task_release"),
	},
	{
		name: "a parent after its section", as: iterTask, line: "R1 must be a rcu pointer",
		text: someTask("kfunc bpf_rcu_read_lock; r6 = *(u64 *)(r6 +<task_struct.real_parent>); kfunc bpf_rcu_read_unlock" + acquireR6),
	},
	{
		name: "a spilled parent after its section", as: iterTask, line: "R1 must be a rcu pointer",
		text: someTask("kfunc bpf_rcu_read_lock; r6 = *(u64 *)(r6 +<task_struct.real_parent>); *(u64 *)(r10 -8) = r6; kfunc bpf_rcu_read_unlock; r6 = *(u64 *)(r10 -8)" + acquireR6),
	},
	{
		name: "a parent of one section in the next", as: iterTask, line: "R1 must be a rcu pointer",
		text: someTask("kfunc bpf_rcu_read_lock; r6 = *(u64 *)(r6 +<task_struct.real_parent>); kfunc bpf_rcu_read_unlock; kfunc bpf_rcu_read_lock" + acquireR6),
	},
	{name: "a parent where the program does not sleep", as: newTask, text: "r6 = *(u64 *)(r1 +0); r6 = *(u64 *)(r6 +<task_struct.real_parent>)" + acquireR6 + "; none: r0 = 0; exit"},
	{
		name: "a field that keeps no trust", as: newTask, line: "R1 must be a rcu pointer",
		text: "r6 = *(u64 *)(r1 +0); r6 = *(u64 *)(r6 +<task_struct.last_wakee>)" + acquireR6 + "; none: r0 = 0; exit",
	},
	{
		name: "an address inside the task", as: newTask, line: "kernel function bpf_task_acquire args#0 expected pointer to STRUCT task_struct but R1 has a pointer to STRUCT task_struct",
		text: "r6 = *(u64 *)(r1 +0); r6 += 8" + acquireR6 + "; none: r0 = 0; exit",
	},
	{
		name: "a void pointer is no object", as: newCgroup, line: "arg#0 pointer type STRUCT cgroup must point to scalar, or struct with scalar",
		text: "r6 = *(u64 *)(r1 +0); r6 = *(u64 *)(r6 +<cgroup.kn>); r6 = *(u64 *)(r6 +<kernfs_node.priv>); r1 = r6; kfunc bpf_cgroup_release" + endZero,
	},
	{name: "a task that may be NULL", as: priority, text: "r6 = *(u64 *)(r1 +8)" + acquireR6 + "; none: r0 = 0; exit", line: "Possibly NULL pointer passed to trusted arg0"},
	{name: "a task that is none, after a look", as: priority, text: "r6 = *(u64 *)(r1 +8); if r6 == 0 goto none" + acquireR6 + "; none: r0 = 0; exit"},
	{name: "half of a pointer", as: newTask, text: "r6 = *(u64 *)(r1 +0); r0 = *(u32 *)(r6 +<task_struct.mm>)" + endZero,
		line: "cannot access ptr member mm with moff <task_struct.mm> in struct task_struct with off <task_struct.mm> size 4"},
	{name: "before the object", as: newTask, text: "r6 = *(u64 *)(r1 +0); r0 = *(u64 *)(r6 -8)" + endZero, line: "R6 is ptr_task_struct invalid negative access: off=-8"},
	{name: "at an unknown place", as: newTask, text: "r6 = *(u64 *)(r1 +0); r7 = *(u64 *)(r1 +8); r7 &= 7; r6 += r7; r0 = *(u8 *)(r6 +0)" + endZero,
		line: "R6 is ptr_task_struct invalid variable offset: off=0, var_off=(0x0; 0x7)"},
	{name: "a key that is only read", as: iterMapElem, text: "r6 = *(u64 *)(r1 +16); if r6 == 0 goto none; *(u64 *)(r6 +0) = 1; none: r0 = 0; exit", line: "R6 cannot write into rdonly_buf"},
	{name: "a value that may be written", as: iterMapElem, text: "r6 = *(u64 *)(r1 +24); if r6 == 0 goto none; *(u64 *)(r6 +0) = 1; none: r0 = 0; exit"},
}

func TestWalks(t *testing.T) { checkRows(t, walkRows) }
