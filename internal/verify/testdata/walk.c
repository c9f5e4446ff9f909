// SPDX-License-Identifier: Apache-2.0
// The program that docs/verifier.md walks through.
//   clang-19 -O2 -g -mcpu=v3 --target=bpf -Wall -fdebug-compilation-dir=. -c walk.c && llvm-strip-19 -g walk.o
#include "../../../examples/include/bpf.h"

static __u32 (*const bpf_get_prandom_u32)(void) = (void *)7;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u8[16]);
} table SEC(".maps");

SEC("xdp")
int walk(struct xdp_md *ctx)
{
	__u32 zero = 0;
	__u8 *value = bpf_map_lookup_elem(&table, &zero);
	__u64 index = 4;

	if (!value)
		return 0;
	if (bpf_get_prandom_u32() > 5)
		index = 12;
	asm volatile("" : "+r"(index));
	return value[index];
}

char LICENSE[] SEC("license") = "GPL";
