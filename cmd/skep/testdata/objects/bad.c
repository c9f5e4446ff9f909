// SPDX-License-Identifier: Apache-2.0
// A program that no kernel loads, beside one that every kernel does.
#include "bpf.h"

SEC("xdp")
int no_bounds(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data;

	return data[12] ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int fine(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

char _license[] SEC("license") = "Apache-2.0";
