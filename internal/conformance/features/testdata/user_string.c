// SPDX-License-Identifier: Apache-2.0
// Strings of user memory: of this task (Linux 6.12) and of others (6.14).
#include "features.h"

KSYM int bpf_copy_from_user_str(void *to, u32 size, const void *from, u64 flags);
KSYM int bpf_copy_from_user_task_str(void *to, u32 size, const void *from, struct task_struct *task, u64 flags);

MAP(values, ARRAY, 1, u64[4]);
char text[32];
const char constant[32] = "constant";
u64 from;
u32 amount;

#define FROM ((const void *)from)

PROGRAM("syscall", to_stack)
{
	char room[16];

	return bpf_copy_from_user_str(room, sizeof(room), FROM, 0);
}

PROGRAM("syscall", to_global)
{
	return bpf_copy_from_user_str(text, sizeof(text), FROM, 0);
}

PROGRAM("syscall", to_map_padded)
{
	u32 key = 0;
	u64 *v = bpf_map_lookup_elem(&values, &key);

	return v ? bpf_copy_from_user_str(v, 32, FROM, 1) : 0;
}

PROGRAM("uprobe.s", in_a_probe)
{
	return bpf_copy_from_user_str(text, sizeof(text), FROM, 0) * 0;
}

PROGRAM("uprobe.s", of_current_task)
{
	return bpf_copy_from_user_task_str(text, sizeof(text), FROM, bpf_get_current_task_btf(), 0) * 0;
}

PROGRAM("syscall", of_task_by_number)
{
	struct task_struct *task = bpf_task_from_pid(1);

	if (!task)
		return 0;
	bpf_copy_from_user_task_str(text, 8, FROM, task, 0);
	bpf_task_release(task);
	return 0;
}

PROGRAM("syscall", size_within)
{
	u32 n = amount;

	if (n < 1 || n > sizeof(text))
		return 0;
	return bpf_copy_from_user_str(text, n, FROM, 0);
}

PROGRAM("syscall", context_as_address)
{
	return bpf_copy_from_user_str(text, 4, ctx, 0);
}

PROGRAM("syscall", unknown_flags)
{
	return bpf_copy_from_user_str(text, 4, FROM, 1024);
}

PROGRAM("syscall", reads_what_it_got)
{
	char room[8];
	int n = bpf_copy_from_user_str(room, sizeof(room), FROM, 0);

	return n > 0 ? room[7] : 0;
}

PROGRAM("kprobe", must_not_sleep)
{
	return bpf_copy_from_user_str(text, 4, FROM, 0);
}

PROGRAM("tc", must_not_sleep_in_a_filter)
{
	return bpf_copy_from_user_str(text, 4, FROM, 0);
}

PROGRAM("syscall", under_rcu)
{
	bpf_rcu_read_lock();
	bpf_copy_from_user_str(text, 4, FROM, 0);
	bpf_rcu_read_unlock();
	return 0;
}

PROGRAM("syscall", task_under_rcu)
{
	bpf_rcu_read_lock();
	bpf_copy_from_user_task_str(text, 4, FROM, bpf_get_current_task_btf(), 0);
	bpf_rcu_read_unlock();
	return 0;
}

PROGRAM("syscall", beyond_the_buffer)
{
	return bpf_copy_from_user_str(text, sizeof(text) + 1, FROM, 0);
}

PROGRAM("syscall", beyond_the_stack)
{
	char room[8];

	return bpf_copy_from_user_str(room + 4, 16, FROM, 0);
}

PROGRAM("syscall", size_without_bound)
{
	return bpf_copy_from_user_str(text, amount, FROM, 0);
}

PROGRAM("syscall", read_only_buffer)
{
	return bpf_copy_from_user_str((void *)constant, sizeof(constant), FROM, 0);
}

PROGRAM("syscall", no_buffer)
{
	return bpf_copy_from_user_str(NULL, 8, FROM, 0);
}

PROGRAM("syscall", number_as_buffer)
{
	return bpf_copy_from_user_str((void *)from, 8, FROM, 0);
}

PROGRAM("syscall", of_no_task)
{
	return bpf_copy_from_user_task_str(text, 8, FROM, NULL, 0);
}

PROGRAM("syscall", of_maybe_task)
{
	struct task_struct *task = bpf_task_from_pid(1);

	bpf_copy_from_user_task_str(text, 8, FROM, task, 0);
	if (task)
		bpf_task_release(task);
	return 0;
}

PROGRAM("syscall", of_released_task)
{
	struct task_struct *task = bpf_task_from_pid(1);

	if (!task)
		return 0;
	bpf_task_release(task);
	return bpf_copy_from_user_task_str(text, 8, FROM, task, 0);
}

PROGRAM("syscall", pointer_as_flags)
{
	return bpf_copy_from_user_str(text, 8, FROM, (u64)ctx);
}
