// SPDX-License-Identifier: Apache-2.0
// CPU masks filled from memory (Linux 6.15).
#include "features.h"

struct cpumask {
	unsigned long bits[1];
} CORE;
struct bpf_cpumask {
	struct cpumask cpumask;
	u32 usage;
} CORE;
KSYM struct bpf_cpumask *bpf_cpumask_create(void);
KSYM void bpf_cpumask_release(struct bpf_cpumask *mask);
KSYM int bpf_cpumask_populate(struct cpumask *mask, void *from, unsigned long size);
KSYM u32 bpf_cpumask_first(const struct cpumask *mask);
KSYM u32 bpf_cpumask_weight(const struct cpumask *mask);

#define MASK(m) ((struct cpumask *)(m))
MAP(values, ARRAY, 1, u64[4]);
u64 bits[4];
const u64 constant[2] = { 1, 2 };
u32 amount;

PROGRAM("syscall", from_global)
{
	struct bpf_cpumask *m = bpf_cpumask_create();

	if (!m)
		return 0;
	bpf_cpumask_populate(MASK(m), bits, sizeof(bits));
	bpf_cpumask_release(m);
	return 0;
}

PROGRAM("syscall", from_stack)
{
	u64 word = 5;
	struct bpf_cpumask *m = bpf_cpumask_create();

	HIDES(word);
	if (!m)
		return 0;
	bpf_cpumask_populate(MASK(m), &word, sizeof(word));
	bpf_cpumask_release(m);
	return 0;
}

PROGRAM("tp_btf/task_newtask", then_reads)
{
	struct bpf_cpumask *m = bpf_cpumask_create();
	u32 n;

	if (!m)
		return 0;
	bpf_cpumask_populate(MASK(m), bits, 8);
	n = bpf_cpumask_first(MASK(m)) + bpf_cpumask_weight(MASK(m));
	bpf_cpumask_release(m);
	return n & 0;
}

PROGRAM("syscall", from_map)
{
	u32 key = 0;
	u64 *v = bpf_map_lookup_elem(&values, &key);
	struct bpf_cpumask *m = bpf_cpumask_create();

	if (!m)
		return 0;
	if (v)
		bpf_cpumask_populate(MASK(m), v, 32);
	bpf_cpumask_release(m);
	return 0;
}

PROGRAM("syscall", size_within)
{
	struct bpf_cpumask *m = bpf_cpumask_create();
	u32 n = amount;

	if (!m)
		return 0;
	if (n <= sizeof(bits))
		bpf_cpumask_populate(MASK(m), bits, n);
	bpf_cpumask_release(m);
	return 0;
}

PROGRAM("syscall", from_constant)
{
	struct bpf_cpumask *m = bpf_cpumask_create();

	if (!m)
		return 0;
	bpf_cpumask_populate(MASK(m), (void *)constant, sizeof(constant));
	bpf_cpumask_release(m);
	return 0;
}

PROGRAM("syscall", from_nothing)
{
	struct bpf_cpumask *m = bpf_cpumask_create();

	if (!m)
		return 0;
	bpf_cpumask_populate(MASK(m), bits, 0);
	bpf_cpumask_release(m);
	return 0;
}

PROGRAM("syscall", crooked)
{
	struct bpf_cpumask *m = bpf_cpumask_create();

	if (!m)
		return 0;
	bpf_cpumask_populate(MASK(m), (char *)bits + 3, 8);
	bpf_cpumask_release(m);
	return 0;
}

PROGRAM("syscall", twice)
{
	struct bpf_cpumask *m = bpf_cpumask_create();

	if (!m)
		return 0;
	if (bpf_cpumask_populate(MASK(m), bits, 8))
		bpf_cpumask_populate(MASK(m), bits, 16);
	bpf_cpumask_release(m);
	return 0;
}

PROGRAM("syscall", under_rcu)
{
	struct bpf_cpumask *m = bpf_cpumask_create();

	if (!m)
		return 0;
	bpf_rcu_read_lock();
	bpf_cpumask_populate(MASK(m), bits, 8);
	bpf_rcu_read_unlock();
	bpf_cpumask_release(m);
	return 0;
}

PROGRAM("syscall", no_mask)
{
	return bpf_cpumask_populate(NULL, bits, 8);
}

PROGRAM("syscall", maybe_mask)
{
	struct bpf_cpumask *m = bpf_cpumask_create();

	bpf_cpumask_populate(MASK(m), bits, 8);
	if (m)
		bpf_cpumask_release(m);
	return 0;
}

PROGRAM("syscall", released_mask)
{
	struct bpf_cpumask *m = bpf_cpumask_create();

	if (!m)
		return 0;
	bpf_cpumask_release(m);
	return bpf_cpumask_populate(MASK(m), bits, 8);
}

PROGRAM("syscall", keeps_mask)
{
	struct bpf_cpumask *m = bpf_cpumask_create();

	if (m)
		bpf_cpumask_populate(MASK(m), bits, 8);
	return 0;
}

PROGRAM("syscall", buffer_as_mask)
{
	return bpf_cpumask_populate((void *)bits, bits, 8);
}

PROGRAM("syscall", beyond_the_stack)
{
	struct bpf_cpumask *m = bpf_cpumask_create();
	u64 word = 1;

	HIDES(word);
	if (!m)
		return 0;
	bpf_cpumask_populate(MASK(m), &word, 4096);
	bpf_cpumask_release(m);
	return 0;
}

PROGRAM("syscall", beyond_the_value)
{
	u32 key = 0;
	u64 *v = bpf_map_lookup_elem(&values, &key);
	struct bpf_cpumask *m = bpf_cpumask_create();

	if (!m)
		return 0;
	if (v)
		bpf_cpumask_populate(MASK(m), v + 1, 32);
	bpf_cpumask_release(m);
	return 0;
}

PROGRAM("syscall", size_without_bound)
{
	struct bpf_cpumask *m = bpf_cpumask_create();

	if (!m)
		return 0;
	bpf_cpumask_populate(MASK(m), bits, amount);
	bpf_cpumask_release(m);
	return 0;
}

PROGRAM("syscall", from_null)
{
	struct bpf_cpumask *m = bpf_cpumask_create();

	if (!m)
		return 0;
	bpf_cpumask_populate(MASK(m), NULL, 8);
	bpf_cpumask_release(m);
	return 0;
}

PROGRAM("tp_btf/task_newtask", from_task)
{
	struct bpf_cpumask *m = bpf_cpumask_create();

	if (!m)
		return 0;
	bpf_cpumask_populate(MASK(m), (void *)ctx[0], 8);
	bpf_cpumask_release(m);
	return 0;
}

PROGRAM("syscall", pointer_as_size)
{
	struct bpf_cpumask *m = bpf_cpumask_create();

	if (!m)
		return 0;
	bpf_cpumask_populate(MASK(m), bits, (unsigned long)ctx);
	bpf_cpumask_release(m);
	return 0;
}

PROGRAM("tp_btf/task_newtask", task_as_mask)
{
	return bpf_cpumask_populate((void *)ctx[0], bits, 8);
}

PROGRAM("tp_btf/cgroup_mkdir", bytes)
{
	u8 room[3] = { 1, 2, 3 };
	struct bpf_cpumask *m = bpf_cpumask_create();

	asm volatile("" : : "r"(room) : "memory");
	if (!m)
		return 0;
	bpf_cpumask_populate(MASK(m), room, sizeof(room));
	bpf_cpumask_release(m);
	return 0;
}
