// SPDX-License-Identifier: Apache-2.0
// BTF that a kernel refuses, since a parameter has no name: libbpf loads such
// programs and maps without.
#include "bpf.h"

struct {
	UINT(type, 2);
	UINT(max_entries, 1);
	TYPE(key, u32);
	TYPE(value, u64);
} numbers SEC(".maps");

SEC("socket")
int anonymous(void *)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&numbers, &zero) != 0;
}
