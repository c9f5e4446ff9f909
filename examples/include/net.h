/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packet headers as they are on the wire (IEEE 802.3 and 802.1Q, RFC 791, 8200,
 * 9293, 768), and a bounded walk from the Ethernet header to the transport
 * header that the XDP examples share.
 */
#ifndef SKEP_EXAMPLES_NET_H
#define SKEP_EXAMPLES_NET_H

#include "bpf.h"

enum ethertype {
	ETH_IPV4 = 0x0800,
	ETH_VLAN = 0x8100,
	ETH_IPV6 = 0x86dd,
	ETH_QINQ = 0x88a8,
};

/* Assigned Internet protocol numbers that the examples name. */
enum ip_protocol {
	HOPOPT = 0,
	ICMP = 1,
	IGMP = 2,
	IPIP = 4,
	TCP = 6,
	UDP = 17,
	IPv6 = 41,
	ROUTING = 43,
	FRAGMENT = 44,
	GRE = 47,
	ESP = 50,
	AH = 51,
	ICMPv6 = 58,
	NO_NEXT = 59,
	DSTOPTS = 60,
	OSPF = 89,
	SCTP = 132,
};

struct ethernet {
	__u8 dst[6], src[6];
	__be16 type;
};

struct vlan {
	__be16 tci;
	__be16 type;
};

struct ipv4 {
	__u8 version_ihl;
	__u8 tos;
	__be16 len;
	__be16 id;
	__be16 frag;
	__u8 ttl;
	__u8 protocol;
	__be16 check;
	__be32 src, dst;
};

struct ipv6 {
	__u8 version_class;
	__u8 class_flow[3];
	__be16 len;
	__u8 next;
	__u8 hops;
	__be32 src[4], dst[4];
};

/* The common start of hop-by-hop, routing and destination option headers. */
struct ipv6_ext {
	__u8 next;
	__u8 len; /* in 8 bytes, without the first 8 */
	__be16 frag; /* fragment header: offset in 8 bytes, flags */
	__u8 pad[4];
};

struct ports {
	__be16 src, dst;
};

struct tcp {
	__be16 src, dst;
	__be32 seq, ack;
	__u8 offset;
	__u8 flags;
	__be16 window;
};

enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_ACK = 16 };

#define IP_FRAG_OFFSET 0x1fff
#define MAX_VLANS 2
#define MAX_EXTS 6

/* An IPv4 address is kept as ::ffff:a.b.c.d, so that one type serves both families. */
struct address {
	__be32 w[4];
} __tag("skep:ip");

struct packet {
	struct address src, dst;
	__u8 protocol;
	__u8 first; /* not a later fragment: the transport header is here */
	void *transport; /* behind the last network header; may be data_end */
};

static __always_inline void set_ipv4(struct address *to, __be32 from)
{
	to->w[0] = to->w[1] = 0;
	to->w[2] = bpf_htonl(0xffff);
	to->w[3] = from;
}

static __always_inline void set_ipv6(struct address *to, const __be32 *from)
{
	to->w[0] = from[0];
	to->w[1] = from[1];
	to->w[2] = from[2];
	to->w[3] = from[3];
}

static __always_inline int parse_ipv4(void *data, void *end, struct packet *p)
{
	struct ipv4 *ip = data;
	__u32 len;

	if ((void *)(ip + 1) > end)
		return -1;
	len = (ip->version_ihl & 0xf) * 4;
	if (len < sizeof(*ip) || data + len > end)
		return -1;
	set_ipv4(&p->src, ip->src);
	set_ipv4(&p->dst, ip->dst);
	p->protocol = ip->protocol;
	p->first = (ip->frag & bpf_htons(IP_FRAG_OFFSET)) == 0;
	p->transport = data + len;
	return 0;
}

static __always_inline int parse_ipv6(void *data, void *end, struct packet *p)
{
	struct ipv6 *ip = data;
	__u8 next;

	if ((void *)(ip + 1) > end)
		return -1;
	set_ipv6(&p->src, ip->src);
	set_ipv6(&p->dst, ip->dst);
	p->first = 1;
	next = ip->next;
	data = ip + 1;
	for (int i = 0; i < MAX_EXTS; i++) {
		struct ipv6_ext *ext = data;

		if (next != HOPOPT && next != ROUTING && next != FRAGMENT && next != DSTOPTS && next != AH)
			break;
		if ((void *)(ext + 1) > end)
			return -1;
		if (next == FRAGMENT) {
			if (ext->frag & bpf_htons(0xfff8)) {
				/* What follows is the middle of a packet. */
				p->first = 0;
				next = ext->next;
				data = ext + 1;
				break;
			}
			data = ext + 1;
		} else if (next == AH) {
			data += (ext->len + 2) * 4;
		} else {
			data += (ext->len + 1) * 8;
		}
		next = ext->next;
	}
	p->protocol = next;
	p->transport = data;
	return 0;
}

/* Fills p; not 0 for a packet that is no whole IPv4 or IPv6 header in Ethernet, with up to two VLAN tags. */
static __always_inline int parse(void *data, void *end, struct packet *p)
{
	struct ethernet *eth = data;
	__be16 type;

	if ((void *)(eth + 1) > end)
		return -1;
	type = eth->type;
	data = eth + 1;
	for (int i = 0; i < MAX_VLANS; i++) {
		struct vlan *tag = data;

		if (type != bpf_htons(ETH_VLAN) && type != bpf_htons(ETH_QINQ))
			break;
		if ((void *)(tag + 1) > end)
			return -1;
		type = tag->type;
		data = tag + 1;
	}
	if (type == bpf_htons(ETH_IPV4))
		return parse_ipv4(data, end, p);
	if (type == bpf_htons(ETH_IPV6))
		return parse_ipv6(data, end, p);
	return -1;
}

#endif
