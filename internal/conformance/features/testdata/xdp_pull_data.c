// SPDX-License-Identifier: Apache-2.0
// Bringing a frame's fragments into its linear part (Linux 6.18).
#include "features.h"

KSYM int bpf_xdp_pull_data(struct xdp_md *ctx, u32 length);
KSYM int bpf_dynptr_from_xdp(struct xdp_md *xdp, u64 flags, struct bpf_dynptr *p);

#define XDP(name) SEC("xdp") int name(struct xdp_md *ctx)
#define FRAGS(name) SEC("xdp.frags") int name(struct xdp_md *ctx)
#define DATA ((u8 *)(u64)ctx->data)
#define END ((u8 *)(u64)ctx->data_end)

u32 amount;
u64 sum;

XDP(pulls)
{
	bpf_xdp_pull_data(ctx, 64);
	return 2;
}

FRAGS(pulls_with_fragments)
{
	bpf_xdp_pull_data(ctx, 64);
	return 2;
}

FRAGS(pulls_any_length)
{
	return bpf_xdp_pull_data(ctx, amount) ? 1 : 2;
}

FRAGS(reads_after)
{
	u8 *data;

	if (bpf_xdp_pull_data(ctx, 8))
		return 1;
	data = DATA;
	if (data + 8 > END)
		return 1;
	return data[7] & 1;
}

FRAGS(writes_after)
{
	u8 *data;

	bpf_xdp_pull_data(ctx, 14);
	data = DATA;
	if (data + 14 > END)
		return 1;
	data[12] = 8;
	return 2;
}

FRAGS(reads_before)
{
	u8 *data = DATA;

	if (data + 4 > END)
		return 1;
	sum = *(u32 *)data;
	bpf_xdp_pull_data(ctx, 4);
	return 2;
}

FRAGS(pulls_twice)
{
	bpf_xdp_pull_data(ctx, 14);
	bpf_xdp_pull_data(ctx, 34);
	return 2;
}

FRAGS(pulls_on_a_path)
{
	u8 *data = DATA;

	if (data + 64 > END) {
		if (bpf_xdp_pull_data(ctx, 64))
			return 1;
		data = DATA;
		if (data + 64 > END)
			return 1;
	}
	return data[63] ? 1 : 2;
}

static NOINLINE int pull(struct xdp_md *ctx)
{
	return bpf_xdp_pull_data(ctx, 20);
}

FRAGS(function_pulls)
{
	u8 *data;

	pull(ctx);
	data = DATA;
	return data + 1 > END ? 1 : *data & 1;
}

FRAGS(with_a_dynptr)
{
	struct bpf_dynptr p;
	u8 room[4], *bytes;

	bpf_xdp_pull_data(ctx, 32);
	if (bpf_dynptr_from_xdp(ctx, 0, &p))
		return 1;
	bytes = bpf_dynptr_slice(&p, 0, room, sizeof(room));
	return bytes ? bytes[3] & 1 : 1;
}

FRAGS(old_pointer)
{
	u8 *data = DATA;

	if (data + 8 > END)
		return 1;
	bpf_xdp_pull_data(ctx, 8);
	return data[7] & 1;
}

FRAGS(old_end)
{
	u8 *end = END, *data;

	bpf_xdp_pull_data(ctx, 8);
	data = DATA;
	if (data + 8 > end)
		return 1;
	return data[7] & 1;
}

FRAGS(function_takes_pointer_away)
{
	u8 *data = DATA;

	if (data + 8 > END)
		return 1;
	pull(ctx);
	return data[0] & 1;
}

FRAGS(trusts_the_length)
{
	if (bpf_xdp_pull_data(ctx, 64))
		return 1;
	return DATA[0] & 1;
}

FRAGS(number_as_context)
{
	return bpf_xdp_pull_data((void *)(u64)amount, 64);
}

FRAGS(no_context)
{
	return bpf_xdp_pull_data(NULL, 64);
}

FRAGS(packet_as_context)
{
	return bpf_xdp_pull_data((void *)DATA, 8);
}

FRAGS(moved_context)
{
	return bpf_xdp_pull_data((void *)ctx + 8, 8);
}

FRAGS(stack_as_context)
{
	struct xdp_md md = {};

	return bpf_xdp_pull_data(&md, 8);
}

FRAGS(pointer_as_length)
{
	return bpf_xdp_pull_data(ctx, (u32)(u64)DATA);
}

SEC("tc") int of_a_filter(struct xdp_md *ctx)
{
	return bpf_xdp_pull_data(ctx, 8);
}

FRAGS(slice_outlives_pull)
{
	struct bpf_dynptr p;
	u8 room[4], *bytes;

	if (bpf_dynptr_from_xdp(ctx, 0, &p))
		return 1;
	bytes = bpf_dynptr_slice(&p, 0, room, sizeof(room));
	if (!bytes)
		return 1;
	bpf_xdp_pull_data(ctx, 8);
	return bytes[3] & 1;
}

ASM_PROGRAM("xdp.frags", length_unset)
{
	ASM("call %[pull];"
	    "r0 = 2;"
	    "exit;",
	    [pull] "i"(bpf_xdp_pull_data));
}

SEC("raw_tp/sys_enter") int of_a_tracepoint(struct xdp_md *ctx)
{
	return bpf_xdp_pull_data(ctx, 8);
}
