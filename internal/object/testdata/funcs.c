// SPDX-License-Identifier: Apache-2.0
// Functions: static, global, weak and hidden ones, callbacks, calls in a
// diamond, and two programs that share them.
#include "bpf.h"

static NOINLINE int leaf(int x)
{
	return x * 3 + 1;
}

NOINLINE int left(int x)
{
	return leaf(x) + 1;
}

HIDDEN NOINLINE int right(int x)
{
	return leaf(x + 2) - 1;
}

WEAK NOINLINE int unused(int x)
{
	return left(x);
}

static int step(u32 i, u64 *sum)
{
	*sum += i;
	return 0;
}

SEC("tc")
int both(void *ctx)
{
	return left(1) + right(2);
}

SEC("?tc")
int only_right(void *ctx)
{
	return right(3);
}

SEC("socket")
int looping(void *ctx)
{
	u64 sum = 0;

	bpf_loop(10, step, &sum, 0);
	return sum;
}

SEC("custom/place")
int nameless(void *ctx)
{
	return 0;
}

NOINLINE int rescue(u64 cookie)
{
	return cookie;
}

SEC("tc")
TAG("exception_callback:rescue")
int throwing(void *ctx)
{
	return 1;
}
