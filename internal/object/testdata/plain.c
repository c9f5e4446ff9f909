// SPDX-License-Identifier: Apache-2.0
// What cilium/ebpf's loader knows too: maps with first values, global data, a
// kernel function.
#include "bpf.h"

struct inner {
	UINT(type, 2);
	UINT(max_entries, 1);
	TYPE(key, int);
	TYPE(value, u64);
} in0 SEC(".maps");

struct {
	UINT(type, 12);
	UINT(max_entries, 4);
	UINT(key_size, 4);
	ARRAY(values, struct inner);
} outer SEC(".maps") = {.values = {[1] = &in0}};

int entry(void *ctx);

struct {
	UINT(type, 3);
	UINT(max_entries, 2);
	UINT(key_size, 4);
	ARRAY(values, int(void *));
} jumps SEC(".maps") = {.values = {[1] = (void *)&entry}};

u64 counter = 7;
const volatile u32 limit = 42;
u32 zeroed;

extern int kernel_func(int x) KSYM;

SEC("tc")
int entry(void *ctx)
{
	u32 one = 1;

	bpf_map_lookup_elem(&outer, &one);
	counter += limit;
	zeroed++;
	bpf_tail_call(ctx, &jumps, 1);
	return kernel_func(3);
}
