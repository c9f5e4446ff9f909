// SPDX-License-Identifier: Apache-2.0
// What kind of traffic passes? A map indexed by IP protocol, a program that
// looks at each packet and increments its entry, a reader that prints them.
#include "../include/bpf.h"
#include "../include/net.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32); /* the kernel has an array's keys be plain integers */
	__type(value, __u64);
} packets SEC(".maps") __tag("skep:key:ip_protocol");

__u64 not_ip;

static __always_inline __u16 load_u16(struct __sk_buff *skb, __u32 off)
{
	__be16 v = 0;

	bpf_skb_load_bytes(skb, off, &v, sizeof(v));
	return bpf_ntohs(v);
}

static __noinline int count(enum ip_protocol protocol)
{
	__u32 index = protocol;
	__u64 *n = bpf_map_lookup_elem(&packets, &index);

	if (n)
		__sync_fetch_and_add(n, 1);
	return 0;
}

SEC("socket")
int protocols(struct __sk_buff *skb)
{
	__u32 off = 2 * 6; /* behind the two Ethernet addresses */
	__u16 type = load_u16(skb, off);
	__u8 protocol;
	__u32 field;

	for (int i = 0; i < MAX_VLANS && (type == ETH_VLAN || type == ETH_QINQ); i++) {
		off += sizeof(struct vlan);
		type = load_u16(skb, off);
	}
	off += 2;
	if (type == ETH_IPV4)
		field = off + __builtin_offsetof(struct ipv4, protocol);
	else if (type == ETH_IPV6)
		field = off + __builtin_offsetof(struct ipv6, next);
	else
		goto other;
	if (bpf_skb_load_bytes(skb, field, &protocol, 1) < 0)
		goto other;
	if (type == ETH_IPV6 && protocol == FRAGMENT)
		bpf_skb_load_bytes(skb, off + sizeof(struct ipv6), &protocol, 1);
	count(protocol);
	return skb->len;
other:
	__sync_fetch_and_add(&not_ip, 1);
	return skb->len;
}

char _license[] SEC("license") = "Apache-2.0";
