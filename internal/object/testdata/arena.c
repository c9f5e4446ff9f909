// SPDX-License-Identifier: Apache-2.0
// Global variables in an arena, and casts between address spaces.
#include "bpf.h"

struct {
	UINT(type, 33);
	UINT(map_flags, 1 << 10);
	UINT(max_entries, 4);
	ULONG(map_extra, 0x100000000000);
} arena SEC(".maps");

int ARENA first SEC(".addr_space.1") = 11;
int ARENA second SEC(".addr_space.1") = 22;

SEC("syscall")
int use(void *ctx)
{
	return first + second;
}
