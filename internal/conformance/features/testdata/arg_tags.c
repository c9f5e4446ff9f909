// SPDX-License-Identifier: Apache-2.0
// Tags of global functions' arguments: trusted, nullable, and untrusted (Linux
// 6.17), each side of a call held to them.
#include "features.h"

#define TRUSTED TAG("arg:trusted")
#define NULLABLE TAG("arg:nullable")
#define NONNULL TAG("arg:nonnull")
#define UNTRUSTED TAG("arg:untrusted")
#define CONTEXT TAG("arg:ctx")

struct pair {
	u64 a, b;
};
u64 sum;
static void *(*const bpf_get_current_task)(void) = (void *)35;

NOINLINE int pid_of(struct task_struct *task TRUSTED)
{
	return task->pid;
}

NOINLINE int pid_of_maybe(struct task_struct *task TRUSTED NULLABLE)
{
	return task ? task->pid : 0;
}

NOINLINE int pid_unlooked(struct task_struct *task TRUSTED NULLABLE)
{
	return task->pid;
}

NOINLINE int peeks(struct task_struct *task UNTRUSTED)
{
	return task->pid;
}

NOINLINE int peeks_parent(struct task_struct *task UNTRUSTED)
{
	return task->real_parent->pid;
}

NOINLINE int acquires(struct task_struct *task TRUSTED)
{
	struct task_struct *kept = bpf_task_acquire(task);

	if (kept)
		bpf_task_release(kept);
	return 0;
}

NOINLINE int acquires_untrusted(struct task_struct *task UNTRUSTED)
{
	struct task_struct *kept = bpf_task_acquire(task);

	if (kept)
		bpf_task_release(kept);
	return 0;
}

NOINLINE int writes_untrusted(struct task_struct *task UNTRUSTED)
{
	*(volatile int *)&task->pid = 0;
	return 0;
}

NOINLINE int adds(struct pair *p NONNULL)
{
	return p->a + p->b;
}

NOINLINE int adds_maybe(struct pair *p)
{
	return p ? p->a + p->b : 0;
}

NOINLINE int adds_unlooked(struct pair *p)
{
	return p->a;
}

NOINLINE int byte_at(u8 *bytes UNTRUSTED)
{
	return bytes[100000];
}

NOINLINE int word_anywhere(void *p UNTRUSTED)
{
	return *(int *)p;
}

NOINLINE int writes_word(void *p UNTRUSTED)
{
	*(volatile int *)p = 0;
	return 0;
}

NOINLINE int length(void *c CONTEXT)
{
	return ((struct __sk_buff *)c)->len;
}

PROGRAM("tp_btf/task_newtask", trusted)
{
	return pid_of((void *)ctx[0]) * 0;
}

PROGRAM("tp_btf/task_newtask", nullable_given)
{
	return pid_of_maybe((void *)ctx[0]) * 0;
}

PROGRAM("tp_btf/task_newtask", nullable_null)
{
	return pid_of_maybe(NULL) * 0;
}

PROGRAM("tp_btf/sched_pi_setprio", nullable_unlooked)
{
	return pid_of_maybe((void *)ctx[1]) * 0;
}

PROGRAM("tp_btf/task_newtask", acquires_trusted)
{
	return acquires((void *)ctx[0]);
}

PROGRAM("kprobe", untrusted_number)
{
	return peeks(bpf_get_current_task());
}

PROGRAM("kprobe", untrusted_null)
{
	return peeks(NULL) + peeks_parent(NULL);
}

PROGRAM("tc", pair)
{
	struct pair p = { 1, 2 };

	return adds(&p) + adds_maybe(&p) + adds_maybe(NULL);
}

PROGRAM("tc", bytes_anywhere)
{
	return byte_at((u8 *)&sum) + word_anywhere(ctx) + word_anywhere((void *)sum);
}

PROGRAM("tc", context)
{
	return length(ctx);
}

PROGRAM("syscall", acquired_task)
{
	struct task_struct *task = bpf_task_from_pid(1);
	int pid;

	if (!task)
		return 0;
	pid = pid_of(task);
	bpf_task_release(task);
	return pid;
}

PROGRAM("tp_btf/task_newtask", trusted_null)
{
	return pid_of(NULL);
}

PROGRAM("tp_btf/sched_pi_setprio", trusted_maybe)
{
	return pid_of((void *)ctx[1]);
}

PROGRAM("kprobe", trusted_number)
{
	return pid_of(bpf_get_current_task());
}

PROGRAM("tp_btf/task_newtask", trusted_parent)
{
	struct task_struct *task = (void *)ctx[0];

	return pid_of(task->real_parent);
}

PROGRAM("tp_btf/task_newtask", trusted_moved)
{
	return pid_of((void *)ctx[0] + 8);
}

PROGRAM("tp_btf/task_newtask", nullable_used)
{
	return pid_unlooked((void *)ctx[0]);
}

PROGRAM("kprobe", untrusted_acquired)
{
	return acquires_untrusted(bpf_get_current_task());
}

PROGRAM("kprobe", untrusted_written)
{
	return writes_untrusted(bpf_get_current_task());
}

PROGRAM("tc", nonnull_null)
{
	struct pair *p = NULL;

	HIDES(p);
	return adds(p);
}

PROGRAM("tc", nonnull_number)
{
	struct pair *p = (void *)sum;

	return adds(p);
}

PROGRAM("tc", plain_unlooked)
{
	struct pair p = { 1, 2 };

	return adds_unlooked(&p);
}

PROGRAM("tc", plain_too_small)
{
	u64 word = 1;

	HIDES(word);
	return adds_maybe((void *)&word);
}

PROGRAM("tc", word_written)
{
	return writes_word(&sum);
}

PROGRAM("tc", context_moved)
{
	return length((void *)ctx + 4);
}

PROGRAM("tc", context_null)
{
	void *c = NULL;

	HIDES(c);
	return length(c);
}
