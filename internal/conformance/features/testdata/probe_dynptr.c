// SPDX-License-Identifier: Apache-2.0
// Reading user and kernel memory into dynptrs (Linux 6.16).
#include "features.h"

KSYM int bpf_probe_read_kernel_dynptr(struct bpf_dynptr *p, u32 offset, u32 size, const void *from);
KSYM int bpf_probe_read_kernel_str_dynptr(struct bpf_dynptr *p, u32 offset, u32 size, const void *from);
KSYM int bpf_probe_read_user_dynptr(struct bpf_dynptr *p, u32 offset, u32 size, const void *from);
KSYM int bpf_probe_read_user_str_dynptr(struct bpf_dynptr *p, u32 offset, u32 size, const void *from);
KSYM int bpf_copy_from_user_dynptr(struct bpf_dynptr *p, u32 offset, u32 size, const void *from);
KSYM int bpf_copy_from_user_str_dynptr(struct bpf_dynptr *p, u32 offset, u32 size, const void *from);
KSYM int bpf_copy_from_user_task_dynptr(struct bpf_dynptr *p, u32 offset, u32 size, const void *from, struct task_struct *task);
KSYM int bpf_copy_from_user_task_str_dynptr(struct bpf_dynptr *p, u32 offset, u32 size, const void *from, struct task_struct *task);

struct {
	UINT(type, RINGBUF);
	UINT(max_entries, 4096);
} events SEC(".maps");
char buffer[64];
u64 from;
u32 amount;

#define FROM ((const void *)from)

PROGRAM("kprobe", kernel_to_record)
{
	struct bpf_dynptr p;

	bpf_ringbuf_reserve_dynptr(&events, 64, 0, &p);
	bpf_probe_read_kernel_dynptr(&p, 0, 64, FROM);
	bpf_ringbuf_submit_dynptr(&p, 0);
	return 0;
}

PROGRAM("kprobe", kernel_string)
{
	struct bpf_dynptr p;

	bpf_dynptr_from_mem(buffer, sizeof(buffer), 0, &p);
	bpf_probe_read_kernel_str_dynptr(&p, 0, 64, FROM);
	return 0;
}

PROGRAM("kprobe", user)
{
	struct bpf_dynptr p;

	bpf_dynptr_from_mem(buffer, sizeof(buffer), 0, &p);
	bpf_probe_read_user_dynptr(&p, amount, amount, FROM);
	return 0;
}

PROGRAM("raw_tp/sys_enter", user_string)
{
	struct bpf_dynptr p;

	bpf_dynptr_from_mem(buffer, sizeof(buffer), 0, &p);
	bpf_probe_read_user_str_dynptr(&p, 0, amount, FROM);
	return 0;
}

PROGRAM("uprobe.s", sleepable_copy)
{
	struct bpf_dynptr p;

	bpf_dynptr_from_mem(buffer, sizeof(buffer), 0, &p);
	bpf_copy_from_user_dynptr(&p, 0, 64, FROM);
	return 0;
}

PROGRAM("uprobe.s", sleepable_string)
{
	struct bpf_dynptr p;

	bpf_dynptr_from_mem(buffer, sizeof(buffer), 0, &p);
	bpf_copy_from_user_str_dynptr(&p, 0, 64, FROM);
	return 0;
}

PROGRAM("uprobe.s", of_task)
{
	struct bpf_dynptr p;

	bpf_dynptr_from_mem(buffer, sizeof(buffer), 0, &p);
	bpf_copy_from_user_task_dynptr(&p, 0, 64, FROM, bpf_get_current_task_btf());
	return 0;
}

PROGRAM("uprobe.s", string_of_task)
{
	struct bpf_dynptr p;

	bpf_dynptr_from_mem(buffer, sizeof(buffer), 0, &p);
	bpf_copy_from_user_task_str_dynptr(&p, 0, 64, FROM, bpf_get_current_task_btf());
	return 0;
}

PROGRAM("kprobe", from_null)
{
	struct bpf_dynptr p;

	bpf_dynptr_from_mem(buffer, sizeof(buffer), 0, &p);
	bpf_probe_read_kernel_dynptr(&p, 0, 8, NULL);
	return 0;
}

PROGRAM("perf_event", in_a_perf_event)
{
	struct bpf_dynptr p;

	bpf_dynptr_from_mem(buffer, sizeof(buffer), 0, &p);
	bpf_probe_read_kernel_dynptr(&p, 0, 8, bpf_get_current_task_btf());
	return 0;
}

PROGRAM("kprobe", context_as_address)
{
	struct bpf_dynptr p;

	bpf_dynptr_from_mem(buffer, sizeof(buffer), 0, &p);
	bpf_probe_read_kernel_dynptr(&p, 0, 8, ctx);
	return 0;
}

PROGRAM("kprobe", sleeps_where_it_must_not)
{
	struct bpf_dynptr p;

	bpf_dynptr_from_mem(buffer, sizeof(buffer), 0, &p);
	bpf_copy_from_user_dynptr(&p, 0, 64, FROM);
	return 0;
}

PROGRAM("kprobe", string_sleeps_where_it_must_not)
{
	struct bpf_dynptr p;

	bpf_dynptr_from_mem(buffer, sizeof(buffer), 0, &p);
	bpf_copy_from_user_str_dynptr(&p, 0, 64, FROM);
	return 0;
}

PROGRAM("uprobe.s", sleeps_under_rcu)
{
	struct bpf_dynptr p;

	bpf_dynptr_from_mem(buffer, sizeof(buffer), 0, &p);
	bpf_rcu_read_lock();
	bpf_copy_from_user_dynptr(&p, 0, 64, FROM);
	bpf_rcu_read_unlock();
	return 0;
}

PROGRAM("uprobe.s", sleeps_without_preemption)
{
	struct bpf_dynptr p;

	bpf_dynptr_from_mem(buffer, sizeof(buffer), 0, &p);
	bpf_preempt_disable();
	bpf_copy_from_user_str_dynptr(&p, 0, 64, FROM);
	bpf_preempt_enable();
	return 0;
}

PROGRAM("uprobe.s", of_no_task)
{
	struct bpf_dynptr p;

	bpf_dynptr_from_mem(buffer, sizeof(buffer), 0, &p);
	bpf_copy_from_user_task_dynptr(&p, 0, 64, FROM, NULL);
	return 0;
}

PROGRAM("uprobe.s", of_maybe_task)
{
	struct bpf_dynptr p;
	struct task_struct *task = bpf_task_from_pid(1);

	bpf_dynptr_from_mem(buffer, sizeof(buffer), 0, &p);
	bpf_copy_from_user_task_dynptr(&p, 0, 64, FROM, task);
	if (task)
		bpf_task_release(task);
	return 0;
}

PROGRAM("kprobe", to_a_buffer)
{
	return bpf_probe_read_kernel_dynptr((void *)buffer, 0, 8, FROM);
}

PROGRAM("kprobe", to_nothing)
{
	struct bpf_dynptr p;

	asm volatile("" : : "r"(&p) : "memory");
	return bpf_probe_read_user_dynptr(&p, 0, 8, FROM);
}

PROGRAM("kprobe", keeps_record)
{
	struct bpf_dynptr p;

	bpf_ringbuf_reserve_dynptr(&events, 64, 0, &p);
	bpf_probe_read_kernel_dynptr(&p, 0, 64, FROM);
	return 0;
}

PROGRAM("kprobe", into_submitted)
{
	struct bpf_dynptr p;

	bpf_ringbuf_reserve_dynptr(&events, 64, 0, &p);
	bpf_ringbuf_discard_dynptr(&p, 0);
	bpf_probe_read_kernel_dynptr(&p, 0, 64, FROM);
	return 0;
}

PROGRAM("tc", not_a_tracing_program)
{
	struct bpf_dynptr p;

	bpf_dynptr_from_mem(buffer, sizeof(buffer), 0, &p);
	bpf_probe_read_user_dynptr(&p, 0, 8, FROM);
	return 0;
}

PROGRAM("kprobe", into_null)
{
	return bpf_probe_read_user_str_dynptr(NULL, 0, 8, FROM);
}
