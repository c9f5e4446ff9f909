// SPDX-License-Identifier: Apache-2.0
// A section that names no program type.
#include "bpf.h"

SEC("my_filter")
int pass(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

char _license[] SEC("license") = "Apache-2.0";
