/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the examples need of the BPF interface, and no more: section and map
 * definition macros, the helpers they call, and the two contexts. Names,
 * numbers and layouts are the kernel's interface to programs.
 */
#ifndef SKEP_EXAMPLES_BPF_H
#define SKEP_EXAMPLES_BPF_H

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef int __s32;
typedef unsigned long long __u64;
typedef __u16 __be16;
typedef __u32 __be32;

#define SEC(name) __attribute__((section(name), used))
#define __always_inline inline __attribute__((always_inline))
#define __noinline __attribute__((noinline))

/* Members of a map definition: a number is the length of an array, a type is what a pointer points to. */
#define __uint(name, value) int(*name)[value]
#define __type(name, of) typeof(of) *name
#define __array(name, of) typeof(of) *name[]

/*
 * Tells people's tools how to show a value and how to read one from a command
 * line. Neither the kernel nor libbpf looks at it.
 *   skep:ip     4 or 16 bytes in network order: an address
 *   skep:prefix a trie key, { __u32 length; address }: address/length
 *   skep:mac    6 bytes: an Ethernet address
 *   skep:event:NAME  on a ring buffer: its records are of the struct NAME, which
 *                    must be in the object's BTF: as the parameter of a function
 *                    that is not inlined, or of a global variable
 *   skep:key:NAME    on a map: show its keys as the enum or struct NAME
 */
#define __tag(text) __attribute__((btf_decl_tag(text)))

enum {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_LPM_TRIE = 11,
	BPF_MAP_TYPE_RINGBUF = 27,
};

enum {
	BPF_ANY = 0,
	BPF_NOEXIST = 1,
	BPF_F_NO_PREALLOC = 1,
};

/* Helpers, by their numbers. */
static void *(*const bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static long (*const bpf_map_update_elem)(void *map, const void *key, const void *value, __u64 flags) = (void *)2;
static __u64 (*const bpf_ktime_get_ns)(void) = (void *)5;
static long (*const bpf_skb_load_bytes)(const void *skb, __u32 off, void *to, __u32 len) = (void *)26;
static void *(*const bpf_ringbuf_reserve)(void *ringbuf, __u64 size, __u64 flags) = (void *)131;
static void (*const bpf_ringbuf_submit)(void *data, __u64 flags) = (void *)132;

/* The context of socket filters; only its first fields are used here. */
struct __sk_buff {
	__u32 len;
	__u32 pkt_type;
	__u32 mark;
	__u32 queue_mapping;
	__u32 protocol;
};

enum xdp_action {
	XDP_ABORTED,
	XDP_DROP,
	XDP_PASS,
	XDP_TX,
	XDP_REDIRECT,
};

struct xdp_md {
	__u32 data;
	__u32 data_end;
	__u32 data_meta;
	__u32 ingress_ifindex;
	__u32 rx_queue_index;
	__u32 egress_ifindex;
};

#define bpf_htons(x) ((__be16)__builtin_bswap16(x))
#define bpf_ntohs(x) ((__u16)__builtin_bswap16(x))
#define bpf_htonl(x) ((__be32)__builtin_bswap32(x))

#endif
