// SPDX-License-Identifier: Apache-2.0
// Tasks by number in their namespace (Linux 6.14), and signals to any task
// (6.13).
#include "features.h"

KSYM struct task_struct *bpf_task_from_vpid(s32 vpid);
enum pid_type { ONE_THREAD, WHOLE_PROCESS };
KSYM int bpf_send_signal_task(struct task_struct *task, int signal, enum pid_type type, u64 value);

struct slot {
	struct task_struct KPTR *task;
};
MAP(slots, ARRAY, 1, struct slot);
static void *(*const bpf_kptr_xchg)(void *at, void *pointer) = (void *)194;
u64 sum;

PROGRAM("syscall", by_number)
{
	struct task_struct *task = bpf_task_from_vpid(1);

	if (task)
		bpf_task_release(task);
	return 0;
}

PROGRAM("tp_btf/task_newtask", reads_number)
{
	struct task_struct *task = bpf_task_from_vpid(sum);

	if (!task)
		return 0;
	sum = task->pid;
	bpf_task_release(task);
	return 0;
}

PROGRAM("syscall", keeps_in_map)
{
	u32 key = 0;
	struct slot *s = bpf_map_lookup_elem(&slots, &key);
	struct task_struct *task;

	if (!s)
		return 0;
	task = bpf_task_from_vpid(1);
	if (!task)
		return 0;
	task = bpf_kptr_xchg(&s->task, task);
	if (task)
		bpf_task_release(task);
	return 0;
}

PROGRAM("syscall", signals)
{
	struct task_struct *task = bpf_task_from_vpid(1);

	if (!task)
		return 0;
	bpf_send_signal_task(task, 10, 0, 0);
	bpf_task_release(task);
	return 0;
}

PROGRAM("kprobe", signals_itself)
{
	return bpf_send_signal_task(bpf_get_current_task_btf(), 10, 1, sum) * 0;
}

PROGRAM("tp_btf/task_newtask", signals_new_task)
{
	return bpf_send_signal_task((void *)ctx[0], sum, 0, 7) * 0;
}

PROGRAM("perf_event", signals_from_event)
{
	return bpf_send_signal_task(bpf_get_current_task_btf(), 9, 5, 0) * 0;
}

PROGRAM("syscall", two_tasks)
{
	struct task_struct *a = bpf_task_from_vpid(1), *b = bpf_task_from_vpid(2);

	if (a)
		bpf_task_release(a);
	if (b)
		bpf_task_release(b);
	return 0;
}

static NOINLINE struct task_struct *find(int n)
{
	return bpf_task_from_vpid(n);
}

PROGRAM("syscall", function_finds)
{
	struct task_struct *task = find(1);

	if (task)
		bpf_task_release(task);
	return 0;
}

PROGRAM("tc", in_a_filter)
{
	struct task_struct *task = bpf_task_from_vpid(1);

	if (task)
		bpf_task_release(task);
	return 0;
}

PROGRAM("syscall", keeps)
{
	struct task_struct *task = bpf_task_from_vpid(1);

	return task ? 1 : 0;
}

PROGRAM("syscall", forgets)
{
	bpf_task_from_vpid(1);
	return 0;
}

PROGRAM("syscall", does_not_look)
{
	struct task_struct *task = bpf_task_from_vpid(1);

	bpf_task_release(task);
	return 0;
}

PROGRAM("syscall", reads_without_look)
{
	struct task_struct *task = bpf_task_from_vpid(1);

	sum = task->pid;
	if (task)
		bpf_task_release(task);
	return 0;
}

PROGRAM("syscall", releases_twice)
{
	struct task_struct *task = bpf_task_from_vpid(1);

	if (!task)
		return 0;
	bpf_task_release(task);
	bpf_task_release(task);
	return 0;
}

PROGRAM("syscall", reads_after_release)
{
	struct task_struct *task = bpf_task_from_vpid(1);

	if (!task)
		return 0;
	bpf_task_release(task);
	sum = *(volatile s32 *)&task->pid;
	return 0;
}

PROGRAM("syscall", signals_after_release)
{
	struct task_struct *task = bpf_task_from_vpid(1);

	if (!task)
		return 0;
	bpf_task_release(task);
	return bpf_send_signal_task(task, 10, 0, 0);
}

PROGRAM("kprobe", signals_nobody)
{
	return bpf_send_signal_task(NULL, 10, 0, 0);
}

PROGRAM("syscall", signals_maybe)
{
	struct task_struct *task = bpf_task_from_vpid(1);

	bpf_send_signal_task(task, 10, 0, 0);
	if (task)
		bpf_task_release(task);
	return 0;
}

PROGRAM("kprobe", signals_number)
{
	return bpf_send_signal_task((void *)sum, 10, 0, 0);
}

PROGRAM("tc", signals_in_a_filter)
{
	return bpf_send_signal_task(bpf_get_current_task_btf(), 10, 0, 0);
}

PROGRAM("kprobe", pointer_as_signal)
{
	return bpf_send_signal_task(bpf_get_current_task_btf(), (int)(u64)ctx, 0, 0);
}

PROGRAM("kprobe", looks_up_in_a_probe)
{
	struct task_struct *task = bpf_task_from_vpid(1);

	if (task)
		bpf_task_release(task);
	return 0;
}

PROGRAM("syscall", pointer_as_number)
{
	struct task_struct *task = bpf_task_from_vpid((s32)(u64)ctx);

	if (task)
		bpf_task_release(task);
	return 0;
}
