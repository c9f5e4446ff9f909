// SPDX-License-Identifier: Apache-2.0
// Drops packets from and to a list of prefixes and counts what each dropped:
//   skep run blocklist.o --set 'blocked[192.0.2.0/24]' --set 'blocked[2001:db8::/32]' --pcap in.pcap --pcap-out out.pcap
#include "../include/bpf.h"
#include "../include/net.h"

struct prefix {
	__u32 len; /* in bits; an IPv4 prefix has 96 more */
	struct address addr;
} __tag("skep:prefix");

struct counter {
	__u64 packets, bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix);
	__type(value, struct counter);
} blocked SEC(".maps");

const volatile _Bool check_source = 1;
const volatile _Bool check_destination = 1;

static __always_inline int is_blocked(const struct address *addr, __u64 bytes)
{
	struct prefix key = { 128, *addr };
	struct counter *c = bpf_map_lookup_elem(&blocked, &key);

	if (!c)
		return 0;
	__sync_fetch_and_add(&c->packets, 1);
	__sync_fetch_and_add(&c->bytes, bytes);
	return 1;
}

SEC("xdp")
int blocklist(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct packet p;

	if (parse(data, end, &p))
		return XDP_PASS;
	if (check_source && is_blocked(&p.src, end - data))
		return XDP_DROP;
	if (check_destination && is_blocked(&p.dst, end - data))
		return XDP_DROP;
	return XDP_PASS;
}

char _license[] SEC("license") = "Apache-2.0";
