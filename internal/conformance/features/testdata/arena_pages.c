// SPDX-License-Identifier: Apache-2.0
// Arena pages that are kept out of use (Linux 6.17), and those in use.
#include "features.h"

#define IN_ARENA __attribute__((address_space(1)))
struct {
	UINT(type, 33);
	UINT(map_flags, 1024);
	UINT(max_entries, 8);
} arena SEC(".maps");
MAP(values, ARRAY, 1, u64);

KSYM void IN_ARENA *bpf_arena_alloc_pages(void *map, void IN_ARENA *at, u32 pages, int node, u64 flags);
KSYM void bpf_arena_free_pages(void *map, void IN_ARENA *at, u32 pages);
KSYM int bpf_arena_reserve_pages(void *map, void IN_ARENA *at, u32 pages);

u64 sum;

PROGRAM("syscall", reserves)
{
	return bpf_arena_reserve_pages(&arena, NULL, 1);
}

PROGRAM("syscall", reserves_variable)
{
	return bpf_arena_reserve_pages(&arena, (void IN_ARENA *)sum, sum);
}

PROGRAM("syscall", reserves_none)
{
	return bpf_arena_reserve_pages(&arena, NULL, 0);
}

PROGRAM("syscall", reserves_allocated)
{
	void IN_ARENA *p = bpf_arena_alloc_pages(&arena, NULL, 1, -1, 0);

	return p ? bpf_arena_reserve_pages(&arena, p, 1) : 0;
}

PROGRAM("syscall", reserves_then_allocates)
{
	void IN_ARENA *p;

	if (bpf_arena_reserve_pages(&arena, NULL, 1))
		return 1;
	p = bpf_arena_alloc_pages(&arena, NULL, 2, -1, 0);
	if (p)
		bpf_arena_free_pages(&arena, p, 2);
	return 0;
}

PROGRAM("syscall", reserves_kernel_address)
{
	return bpf_arena_reserve_pages(&arena, (void IN_ARENA *)(u64)&sum, 1);
}

PROGRAM("syscall", many_pages)
{
	return bpf_arena_reserve_pages(&arena, NULL, 0xffffffff);
}

PROGRAM("syscall", uses_page)
{
	u64 IN_ARENA *p = bpf_arena_alloc_pages(&arena, NULL, 1, -1, 0);

	if (p) {
		p[3] = 7;
		sum = p[4];
	}
	return 0;
}

PROGRAM("syscall", uses_any_word)
{
	u64 IN_ARENA *p = bpf_arena_alloc_pages(&arena, NULL, 1, -1, 0);

	if (p)
		p[sum] = p[1000000];
	return 0;
}

PROGRAM("syscall", twice)
{
	bpf_arena_reserve_pages(&arena, NULL, 1);
	return bpf_arena_reserve_pages(&arena, NULL, 1);
}

static NOINLINE int reserve(u32 n)
{
	return bpf_arena_reserve_pages(&arena, NULL, n);
}

PROGRAM("syscall", function_reserves)
{
	return reserve(sum);
}

PROGRAM("tc", in_a_filter)
{
	return bpf_arena_reserve_pages(&arena, NULL, 1);
}

PROGRAM("kprobe", in_a_probe)
{
	return bpf_arena_reserve_pages(&arena, NULL, 1);
}

PROGRAM("syscall", other_map)
{
	return bpf_arena_reserve_pages(&values, NULL, 1);
}

PROGRAM("syscall", no_map)
{
	return bpf_arena_reserve_pages(NULL, NULL, 1);
}

PROGRAM("syscall", number_as_map)
{
	return bpf_arena_reserve_pages((void *)sum, NULL, 1);
}

PROGRAM("syscall", value_as_map)
{
	u32 key = 0;
	u64 *v = bpf_map_lookup_elem(&values, &key);

	return v ? bpf_arena_reserve_pages(v, NULL, 1) : 0;
}

PROGRAM("syscall", pointer_as_count)
{
	return bpf_arena_reserve_pages(&arena, NULL, (u32)(u64)ctx);
}

PROGRAM("syscall", under_rcu)
{
	bpf_rcu_read_lock();
	bpf_arena_reserve_pages(&arena, NULL, 1);
	bpf_rcu_read_unlock();
	return 0;
}

PROGRAM("syscall", without_preemption)
{
	bpf_preempt_disable();
	bpf_arena_reserve_pages(&arena, NULL, 1);
	bpf_preempt_enable();
	return 0;
}

PROGRAM("syscall", frees_in_rcu)
{
	bpf_rcu_read_lock();
	bpf_arena_free_pages(&arena, NULL, 1);
	bpf_rcu_read_unlock();
	return 0;
}

PROGRAM("syscall", moved_map)
{
	return bpf_arena_reserve_pages((void *)&arena + 8, NULL, 1);
}

ASM_PROGRAM("syscall", count_unset)
{
	ASM("r1 = %[arena] ll;"
	    "r2 = 0;"
	    "call %[reserve];"
	    "r0 = 0;"
	    "exit;",
	    [reserve] "i"(bpf_arena_reserve_pages), [arena] "i"(&arena));
}

PROGRAM("tc", allocates_in_a_filter)
{
	return bpf_arena_alloc_pages(&arena, NULL, 1, -1, 0) != NULL;
}
