// SPDX-License-Identifier: Apache-2.0
// Stacks of a program's own (Linux 6.13): functions of tracing programs may use
// more than 512 bytes together.
#include "features.h"

#define ROOM(bytes)                                                            \
	char room[bytes];                                                      \
	asm volatile("" : : "r"(room) : "memory");                             \
	__builtin_memset(room, 0, 8);                                          \
	asm volatile("" : : "r"(room) : "memory")

struct {
	UINT(type, 3);
	UINT(max_entries, 1);
	TYPE(key, u32);
	TYPE(value, u32);
} jumps SEC(".maps");
static long (*const bpf_tail_call)(void *ctx, void *map, u32 index) = (void *)12;
u64 sum;

static NOINLINE u64 leaf(u64 n)
{
	ROOM(240);
	return n + room[1];
}

static NOINLINE u64 middle(u64 n)
{
	ROOM(240);
	return leaf(n) + room[2];
}

static NOINLINE u64 top(u64 n)
{
	ROOM(240);
	return middle(n) + room[3];
}

static NOINLINE u64 full(u64 n)
{
	ROOM(480);
	return leaf(n) + room[4];
}

static NOINLINE u64 jumps_away(void *ctx)
{
	ROOM(64);
	bpf_tail_call(ctx, &jumps, 0);
	return room[5];
}

static int callback(u32 i, void *ctx)
{
	ROOM(240);
	return middle(i) & room[6] & 1;
}

PROGRAM("kprobe", probe)
{
	sum = top(sum);
	return 0;
}

PROGRAM("kretprobe", return_probe)
{
	sum = top(sum);
	return 0;
}

PROGRAM("perf_event", perf)
{
	sum = top(sum);
	return 0;
}

PROGRAM("tracepoint", plain_tracepoint)
{
	sum = full(sum);
	return 0;
}

PROGRAM("raw_tp/sys_enter", raw_tracepoint)
{
	sum = full(sum);
	return 0;
}

PROGRAM("raw_tp.w/sys_enter", writable_tracepoint)
{
	sum = top(sum);
	return 0;
}

PROGRAM("tp_btf/task_newtask", typed_tracepoint)
{
	sum = top(sum);
	return 0;
}

PROGRAM("kprobe", own_room_too)
{
	ROOM(480);
	sum = full(sum) + room[0];
	return 0;
}

PROGRAM("kprobe", twice)
{
	sum = top(sum) + full(sum);
	return 0;
}

PROGRAM("tc", small_in_a_filter)
{
	ROOM(200);
	sum = leaf(sum) + room[0];
	return 0;
}

PROGRAM("uprobe", user_probe)
{
	sum = top(sum);
	return 0;
}

PROGRAM("tc", filter)
{
	sum = top(sum);
	return 0;
}

PROGRAM("xdp", frame)
{
	sum = top(sum);
	return 2;
}

PROGRAM("socket", socket_filter)
{
	sum = top(sum);
	return 0;
}

PROGRAM("cgroup_skb/egress", cgroup)
{
	sum = full(sum);
	return 1;
}

PROGRAM("syscall", system_call)
{
	sum = top(sum);
	return 0;
}

PROGRAM("sk_lookup", lookup)
{
	sum = full(sum);
	return 1;
}

PROGRAM("sockops", socket_operations)
{
	sum = full(sum);
	return 1;
}

PROGRAM("kprobe", with_tail_call)
{
	sum = top(sum);
	bpf_tail_call(ctx, &jumps, 0);
	return 0;
}

PROGRAM("kprobe", function_with_tail_call)
{
	sum = top(sum) + jumps_away(ctx);
	return 0;
}

PROGRAM("tc", callback_in_a_filter)
{
	ROOM(200);
	bpf_loop(2, callback, NULL, 0);
	return room[0];
}

ASM_PROGRAM("kprobe", more_than_a_frame)
{
	ASM("r1 = 0;"
	    "*(u64 *)(r10 - 520) = r1;"
	    "r0 = 0;"
	    "exit;", "i"(0));
}

PROGRAM("lwt_in", tunnel)
{
	sum = top(sum);
	return 0;
}

PROGRAM("kprobe", callback_in_a_probe)
{
	ROOM(200);
	bpf_loop(2, callback, NULL, 0);
	return room[0];
}
