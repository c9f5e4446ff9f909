// SPDX-License-Identifier: Apache-2.0
// Counts packets and bytes of every flow: Ethernet, up to two VLAN tags, IPv4
// with options and fragments, IPv6 with extension headers, TCP and UDP ports.
#include "../include/bpf.h"
#include "../include/net.h"

struct flow {
	struct address src, dst;
	__u16 sport, dport; /* 0 for other protocols and for later fragments */
	enum ip_protocol protocol;
};

struct counter {
	__u64 packets, bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct flow);
	__type(value, struct counter);
} flows SEC(".maps");

__u64 not_ip; /* packets without a whole IP header */
__u64 missed; /* packets of flows that the full table has no room for */

SEC("xdp")
int flow_count(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct counter *c, first = { 1, end - data };
	struct flow key = {};
	struct packet p;

	if (parse(data, end, &p)) {
		__sync_fetch_and_add(&not_ip, 1);
		return XDP_PASS;
	}
	key.src = p.src;
	key.dst = p.dst;
	key.protocol = p.protocol;
	if (p.first && (p.protocol == TCP || p.protocol == UDP)) {
		struct ports *ports = p.transport;

		if ((void *)(ports + 1) <= end) {
			key.sport = bpf_ntohs(ports->src);
			key.dport = bpf_ntohs(ports->dst);
		}
	}
	c = bpf_map_lookup_elem(&flows, &key);
	if (!c) {
		if (bpf_map_update_elem(&flows, &key, &first, BPF_NOEXIST) == 0)
			return XDP_PASS;
		/* Another CPU was first, or the table is full. */
		c = bpf_map_lookup_elem(&flows, &key);
		if (!c) {
			__sync_fetch_and_add(&missed, 1);
			return XDP_PASS;
		}
	}
	__sync_fetch_and_add(&c->packets, 1);
	__sync_fetch_and_add(&c->bytes, end - data);
	return XDP_PASS;
}

char _license[] SEC("license") = "Apache-2.0";
