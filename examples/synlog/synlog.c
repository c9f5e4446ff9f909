// SPDX-License-Identifier: Apache-2.0
// Sends an event for each TCP connection attempt (SYN without ACK):
//   skep run synlog.o --pcap in.pcap --events
#include "../include/bpf.h"
#include "../include/net.h"

struct syn {
	__u64 time; /* CLOCK_MONOTONIC, ns */
	struct address src, dst;
	__u16 sport, dport;
	__u16 window;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 18);
} syns SEC(".maps") __tag("skep:event:syn");

__u64 lost; /* events that found the ring buffer full */

static __noinline int describe(struct syn *e, const struct packet *p, const struct tcp *tcp)
{
	__builtin_memset(e, 0, sizeof(*e)); /* padding included: the reader sees all of it */
	e->time = bpf_ktime_get_ns();
	e->src = p->src;
	e->dst = p->dst;
	e->sport = bpf_ntohs(tcp->src);
	e->dport = bpf_ntohs(tcp->dst);
	e->window = bpf_ntohs(tcp->window);
	return 0;
}

SEC("xdp")
int synlog(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct packet p;
	struct tcp *tcp;
	struct syn *e;

	if (parse(data, end, &p) || p.protocol != TCP || !p.first)
		return XDP_PASS;
	tcp = p.transport;
	if ((void *)(tcp + 1) > end || (tcp->flags & (TCP_SYN | TCP_ACK)) != TCP_SYN)
		return XDP_PASS;
	e = bpf_ringbuf_reserve(&syns, sizeof(*e), 0);
	if (!e) {
		__sync_fetch_and_add(&lost, 1);
		return XDP_PASS;
	}
	describe(e, &p, tcp);
	bpf_ringbuf_submit(e, 0);
	return XDP_PASS;
}

char _license[] SEC("license") = "Apache-2.0";
