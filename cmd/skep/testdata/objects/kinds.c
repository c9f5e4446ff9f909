// SPDX-License-Identifier: Apache-2.0
// Maps and variables of every kind that the command prints and sets.
#include "bpf.h"

#define BPF_MAP_TYPE_PERCPU_ARRAY 6
#define BPF_MAP_TYPE_PROG_ARRAY 3

static long (*const bpf_trace_printk)(const char *fmt, __u32 size, ...) = (void *)6;
static long (*const bpf_tail_call)(void *ctx, void *map, __u32 index) = (void *)12;

enum mode { OFF, ON };

struct config {
	char name[8];
	enum mode mode;
	int low;
	__u8 mac[6] __tag("skep:mac");
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, struct config);
} configs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} per_cpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} untagged SEC(".maps");

int next(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__uint(value_size, 4);
	__array(values, int(void *));
} jumps SEC(".maps") = { .values = { [0] = (void *)&next } };

const volatile __u32 limit = 5;
const volatile char greeting[16] = "hello";
__s32 level = -1;
__u16 ports[4] = { 80, 443 };
__u64 seen;

struct record {
	__u64 seen;
	char name[8];
};

const struct record *record_type; /* so that BTF has it */

SEC("xdp")
int next(struct xdp_md *ctx)
{
	(void)ctx;
	return seen > limit ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int entry(struct xdp_md *ctx)
{
	const char fmt[] = "packet %llu";
	__u32 zero = 0;
	__u64 *n = bpf_map_lookup_elem(&per_cpu, &zero);
	struct record *r;

	seen++;
	if (n)
		(*n)++;
	if (seen == 1)
		bpf_trace_printk(fmt, sizeof(fmt), seen);
	r = bpf_ringbuf_reserve(&untagged, sizeof(*r), 0);
	if (r) {
		r->seen = seen;
		__builtin_memcpy(r->name, "abc\0\0\0\0", 8);
		bpf_ringbuf_submit(r, 0);
	}
	if (level == 7)
		return XDP_ABORTED;
	bpf_tail_call(ctx, &jumps, 0);
	return XDP_TX;
}

char _license[] SEC("license") = "GPL";
