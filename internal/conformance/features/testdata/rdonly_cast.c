// SPDX-License-Identifier: Apache-2.0
// Casts to memory of no type (Linux 6.17): anything may be read there, as a
// fault gives 0, and nothing written.
#include "features.h"

KSYM void *bpf_rdonly_cast(const void *object, u32 type);

#define UNTYPED(p) bpf_rdonly_cast((const void *)(p), 0)
#define TASK_ID __builtin_btf_type_id(*(struct task_struct *)0, 1)

static long (*const bpf_probe_read_kernel)(void *to, u32 size, const void *from) = (void *)113;
static long (*const bpf_trace_printk)(const char *format, u32 size, ...) = (void *)6;
MAP(values, ARRAY, 1, u64);
u64 sum, address;

PROGRAM("tc", byte)
{
	return *(u8 *)UNTYPED(address);
}

PROGRAM("xdp", word)
{
	sum = *(u64 *)UNTYPED(address);
	return 2;
}

PROGRAM("kprobe", far)
{
	sum = *(u32 *)(UNTYPED(address) + 1000000);
	return 0;
}

PROGRAM("syscall", before)
{
	sum = *(volatile u32 *)(UNTYPED(address) - 4096);
	return 0;
}

PROGRAM("tc", any_offset)
{
	u8 *p = UNTYPED(address);

	sum = p[sum];
	return 0;
}

PROGRAM("tc", of_null)
{
	sum = *(u64 *)UNTYPED(NULL);
	return 0;
}

PROGRAM("tc", of_context)
{
	sum = *(u64 *)UNTYPED(ctx);
	return 0;
}

PROGRAM("tc", of_map_value)
{
	u32 key = 0;
	u64 *v = bpf_map_lookup_elem(&values, &key);

	sum = *(u64 *)UNTYPED(v);
	return 0;
}

PROGRAM("tc", in_a_loop)
{
	u8 *p = UNTYPED(address);
	int i;

	for (i = 0; i < 16; i++) {
		if (!p[i])
			break;
		HIDES(i);
	}
	return 0;
}

PROGRAM("tc", typed)
{
	struct task_struct *task = bpf_rdonly_cast((void *)address, TASK_ID);

	sum = task->pid;
	return 0;
}

PROGRAM("tc", typed_parent)
{
	struct task_struct *task = bpf_rdonly_cast((void *)address, TASK_ID);

	sum = task->real_parent->pid;
	return 0;
}

PROGRAM("tc", crooked)
{
	sum = *(u64 *)(UNTYPED(address) + 3);
	return 0;
}

PROGRAM("tc", writes)
{
	*(volatile u64 *)UNTYPED(address) = 1;
	return 0;
}

PROGRAM("tc", writes_byte)
{
	((volatile u8 *)UNTYPED(address))[9] = 1;
	return 0;
}

PROGRAM("tc", adds_at_once)
{
	__sync_fetch_and_add((u64 *)UNTYPED(address), 1);
	return 0;
}

PROGRAM("tc", writes_typed)
{
	struct task_struct *task = bpf_rdonly_cast((void *)address, TASK_ID);

	task->pid = 0;
	return 0;
}

PROGRAM("tc", acquires_typed)
{
	struct task_struct *task = bpf_rdonly_cast((void *)address, TASK_ID);

	task = bpf_task_acquire(task);
	if (task)
		bpf_task_release(task);
	return 0;
}

PROGRAM("tc", as_key)
{
	return bpf_map_lookup_elem(&values, UNTYPED(address)) != NULL;
}

PROGRAM("tc", as_buffer)
{
	return bpf_probe_read_kernel(UNTYPED(address), 8, NULL);
}

PROGRAM("tc", unknown_type)
{
	sum = *(u64 *)bpf_rdonly_cast((void *)address, 0x7fffffff);
	return 0;
}

PROGRAM("tc", variable_type)
{
	sum = *(u64 *)bpf_rdonly_cast((void *)address, (u32)sum);
	return 0;
}

PROGRAM("tc", type_of_integer)
{
	sum = *(u64 *)bpf_rdonly_cast((void *)address, __builtin_btf_type_id(*(int *)0, 1));
	return 0;
}

PROGRAM("tc", as_context)
{
	u32 *skb = UNTYPED(ctx);
	static long (*const change)(void *skb, u32 length, u64 flags) = (void *)43;

	return change(skb, 14, 0);
}

PROGRAM("tc", beyond_typed)
{
	u8 *task = bpf_rdonly_cast((void *)address, TASK_ID);

	sum = task[1000000];
	return 0;
}

PROGRAM("tc", as_format)
{
	return bpf_trace_printk(UNTYPED(address), 8);
}
