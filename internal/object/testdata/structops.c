// SPDX-License-Identifier: Apache-2.0
// struct_ops: maps with callbacks and values, one that is not created.
#include "bpf.h"

struct my_ops {
	int (*init)(void);
	int (*more)(int x);
	u32 flags;
	char name[8];
	void (*optional)(void);
};

SEC("struct_ops/init")
int ops_init(void *ctx)
{
	return 0;
}

SEC("struct_ops.s/more")
int ops_more(void *ctx)
{
	return 1;
}

SEC("struct_ops/init")
int ops_unused(void *ctx)
{
	return 0;
}

SEC("?struct_ops/init")
int ops_later(void *ctx)
{
	return 2;
}

SEC(".struct_ops.link")
struct my_ops first = {
	.init = (void *)ops_init,
	.more = (void *)ops_more,
	.flags = 5,
	.name = "first",
};

SEC("?.struct_ops")
struct my_ops second = {
	.init = (void *)ops_later,
	.name = "second",
};
