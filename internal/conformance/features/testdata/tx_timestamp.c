// SPDX-License-Identifier: Apache-2.0
// Timestamps of transmission, turned on by socket operations (Linux 6.15).
#include "features.h"

struct bpf_sock_ops_kern {
	void *sk;
} CORE;
struct bpf_sock_ops {
	u32 op, args[4], family;
};
KSYM int bpf_sock_ops_enable_tx_tstamp(struct bpf_sock_ops_kern *ops, u64 flags);
KSYM void *bpf_cast_to_kern_ctx(void *ctx);
static int (*const bpf_sock_ops_cb_flags_set)(void *ctx, int flags) = (void *)59;
static int (*const bpf_setsockopt)(void *ctx, int level, int name, void *value, int length) = (void *)49;
u64 sum;

#define OPERATIONS(name) SEC("sockops") int name(struct bpf_sock_ops *ctx)
#define KERNEL(ctx) ((struct bpf_sock_ops_kern *)bpf_cast_to_kern_ctx(ctx))

OPERATIONS(enables)
{
	bpf_sock_ops_enable_tx_tstamp(KERNEL(ctx), 0);
	return 1;
}

OPERATIONS(enables_on_transmission)
{
	if (ctx->op == 18)
		bpf_sock_ops_enable_tx_tstamp(KERNEL(ctx), 0);
	return 1;
}

OPERATIONS(enables_twice)
{
	struct bpf_sock_ops_kern *ops = KERNEL(ctx);

	bpf_sock_ops_enable_tx_tstamp(ops, 0);
	bpf_sock_ops_enable_tx_tstamp(ops, 0);
	return 1;
}

OPERATIONS(unknown_flags)
{
	bpf_sock_ops_enable_tx_tstamp(KERNEL(ctx), 55);
	return 1;
}

OPERATIONS(flags_of_context)
{
	bpf_sock_ops_enable_tx_tstamp(KERNEL(ctx), ctx->args[0]);
	return 1;
}

OPERATIONS(uses_answer)
{
	return bpf_sock_ops_enable_tx_tstamp(KERNEL(ctx), 0) == 0;
}

OPERATIONS(context_afterwards)
{
	bpf_sock_ops_enable_tx_tstamp(KERNEL(ctx), 0);
	bpf_sock_ops_cb_flags_set(ctx, 1);
	return 1;
}

static NOINLINE int enable(struct bpf_sock_ops *ctx)
{
	return bpf_sock_ops_enable_tx_tstamp(KERNEL(ctx), 0);
}

OPERATIONS(function_enables)
{
	enable(ctx);
	return 1;
}

OPERATIONS(reads_cast)
{
	struct bpf_sock_ops_kern *ops = KERNEL(ctx);

	sum = *(volatile u64 *)ops;
	bpf_sock_ops_enable_tx_tstamp(ops, 0);
	return 1;
}

OPERATIONS(under_rcu)
{
	bpf_rcu_read_lock();
	bpf_sock_ops_enable_tx_tstamp(KERNEL(ctx), 0);
	bpf_rcu_read_unlock();
	return 1;
}

OPERATIONS(context_without_cast)
{
	bpf_sock_ops_enable_tx_tstamp((void *)ctx, 0);
	return 1;
}

OPERATIONS(no_operations)
{
	bpf_sock_ops_enable_tx_tstamp(NULL, 0);
	return 1;
}

OPERATIONS(number_as_operations)
{
	bpf_sock_ops_enable_tx_tstamp((void *)(u64)ctx->op, 0);
	return 1;
}

OPERATIONS(moved_operations)
{
	bpf_sock_ops_enable_tx_tstamp((void *)KERNEL(ctx) + 8, 0);
	return 1;
}

OPERATIONS(stack_as_operations)
{
	struct bpf_sock_ops_kern ops = {};

	bpf_sock_ops_enable_tx_tstamp(&ops, 0);
	return 1;
}

OPERATIONS(pointer_as_flags)
{
	bpf_sock_ops_enable_tx_tstamp(KERNEL(ctx), (u64)ctx);
	return 1;
}

OPERATIONS(socket_as_operations)
{
	bpf_sock_ops_enable_tx_tstamp(*(void **)KERNEL(ctx), 0);
	return 1;
}

OPERATIONS(writes_cast)
{
	*(volatile u64 *)KERNEL(ctx) = 0;
	return 1;
}

OPERATIONS(cast_as_context)
{
	bpf_sock_ops_cb_flags_set(KERNEL(ctx), 1);
	return 1;
}

OPERATIONS(casts_moved_context)
{
	bpf_sock_ops_enable_tx_tstamp(bpf_cast_to_kern_ctx((void *)ctx + 4), 0);
	return 1;
}

PROGRAM("tc", of_a_filter)
{
	bpf_sock_ops_enable_tx_tstamp(bpf_cast_to_kern_ctx(ctx), 0);
	return 0;
}

PROGRAM("cgroup/setsockopt", of_a_socket_option)
{
	bpf_sock_ops_enable_tx_tstamp(bpf_cast_to_kern_ctx(ctx), 0);
	return 1;
}
