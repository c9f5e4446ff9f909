// SPDX-License-Identifier: Apache-2.0
// Filling and copying dynptrs (Linux 6.16 and 6.17).
#include "features.h"

KSYM int bpf_dynptr_memset(struct bpf_dynptr *p, u32 offset, u32 size, u8 value);
KSYM int bpf_dynptr_copy(struct bpf_dynptr *to, u32 to_offset, struct bpf_dynptr *from, u32 from_offset, u32 size);
KSYM int bpf_dynptr_from_skb(struct __sk_buff *skb, u64 flags, struct bpf_dynptr *p);
KSYM int bpf_dynptr_from_xdp(struct xdp_md *xdp, u64 flags, struct bpf_dynptr *p);

struct {
	UINT(type, RINGBUF);
	UINT(max_entries, 4096);
} events SEC(".maps");
char buffer[64], other[32];
const char constant[16] = "constant";
u32 amount;

PROGRAM("tc", fills_memory)
{
	struct bpf_dynptr p;

	bpf_dynptr_from_mem(buffer, sizeof(buffer), 0, &p);
	bpf_dynptr_memset(&p, 0, 64, 1);
	return 0;
}

PROGRAM("tc", fills_record)
{
	struct bpf_dynptr p;

	bpf_ringbuf_reserve_dynptr(&events, 32, 0, &p);
	bpf_dynptr_memset(&p, 8, 16, 0);
	bpf_ringbuf_submit_dynptr(&p, 0);
	return 0;
}

PROGRAM("tc", fills_packet)
{
	struct bpf_dynptr p;

	if (bpf_dynptr_from_skb((void *)ctx, 0, &p))
		return 0;
	bpf_dynptr_memset(&p, 0, 14, 0xff);
	return 0;
}

PROGRAM("xdp", fills_frame)
{
	struct bpf_dynptr p;

	if (bpf_dynptr_from_xdp((void *)ctx, 0, &p))
		return 1;
	bpf_dynptr_memset(&p, amount, amount, 0);
	return 2;
}

PROGRAM("tc", copies)
{
	struct bpf_dynptr p, q;

	bpf_dynptr_from_mem(buffer, sizeof(buffer), 0, &p);
	bpf_dynptr_from_mem(other, sizeof(other), 0, &q);
	bpf_dynptr_copy(&p, 0, &q, 0, 32);
	return 0;
}

PROGRAM("tc", copies_packet_to_record)
{
	struct bpf_dynptr p, q;

	if (bpf_dynptr_from_skb((void *)ctx, 0, &p))
		return 0;
	bpf_ringbuf_reserve_dynptr(&events, 64, 0, &q);
	bpf_dynptr_copy(&q, 0, &p, amount, 64);
	bpf_ringbuf_discard_dynptr(&q, 0);
	return 0;
}

PROGRAM("tc", copies_onto_itself)
{
	struct bpf_dynptr p;

	bpf_dynptr_from_mem(buffer, sizeof(buffer), 0, &p);
	bpf_dynptr_copy(&p, 8, &p, 0, 16);
	return 0;
}

PROGRAM("cgroup_skb/egress", copies_read_only_packet)
{
	struct bpf_dynptr p, q;

	if (bpf_dynptr_from_skb((void *)ctx, 0, &p))
		return 1;
	bpf_dynptr_from_mem(buffer, sizeof(buffer), 0, &q);
	bpf_dynptr_copy(&q, 0, &p, 0, 64);
	return 1;
}

PROGRAM("tc", fills_beyond_the_end)
{
	struct bpf_dynptr p;

	bpf_dynptr_from_mem(other, sizeof(other), 0, &p);
	return bpf_dynptr_memset(&p, 64, 64, 0);
}

PROGRAM("tc", fills_clone)
{
	struct bpf_dynptr p, q;

	bpf_dynptr_from_mem(buffer, sizeof(buffer), 0, &p);
	if (bpf_dynptr_clone(&p, &q))
		return 0;
	bpf_dynptr_adjust(&q, 8, 16);
	bpf_dynptr_memset(&q, 0, 8, 0);
	return 0;
}

PROGRAM("cgroup_skb/egress", fills_read_only_packet)
{
	struct bpf_dynptr p;

	if (bpf_dynptr_from_skb((void *)ctx, 0, &p))
		return 1;
	bpf_dynptr_memset(&p, 0, 8, 0);
	return 1;
}

PROGRAM("tc", fills_nothing)
{
	struct bpf_dynptr p;

	asm volatile("" : : "r"(&p) : "memory");
	bpf_dynptr_memset(&p, 0, 8, 0);
	return 0;
}

PROGRAM("tc", fills_submitted)
{
	struct bpf_dynptr p;

	bpf_ringbuf_reserve_dynptr(&events, 32, 0, &p);
	bpf_ringbuf_submit_dynptr(&p, 0);
	bpf_dynptr_memset(&p, 0, 8, 0);
	return 0;
}

PROGRAM("tc", fills_buffer)
{
	return bpf_dynptr_memset((void *)buffer, 0, 8, 0);
}

PROGRAM("tc", fills_null)
{
	return bpf_dynptr_memset(NULL, 0, 8, 0);
}

PROGRAM("tc", copies_from_nothing)
{
	struct bpf_dynptr p, q = {};

	bpf_dynptr_from_mem(buffer, sizeof(buffer), 0, &p);
	bpf_dynptr_copy(&p, 0, &q, 0, 8);
	return 0;
}

PROGRAM("tc", copies_to_nothing)
{
	struct bpf_dynptr p, q;

	asm volatile("" : : "r"(&q) : "memory");
	bpf_dynptr_from_mem(buffer, sizeof(buffer), 0, &p);
	bpf_dynptr_copy(&q, 0, &p, 0, 8);
	return 0;
}

PROGRAM("tc", copies_and_keeps_record)
{
	struct bpf_dynptr p, q;

	bpf_dynptr_from_mem(buffer, sizeof(buffer), 0, &p);
	bpf_ringbuf_reserve_dynptr(&events, 64, 0, &q);
	bpf_dynptr_copy(&q, 0, &p, 0, 64);
	return 0;
}

PROGRAM("tc", slice_outlives_fill)
{
	struct bpf_dynptr p;
	char *slice, room[8];

	if (bpf_dynptr_from_skb((void *)ctx, 0, &p))
		return 0;
	slice = bpf_dynptr_slice(&p, 0, room, sizeof(room));
	if (!slice)
		return 0;
	bpf_dynptr_memset(&p, 0, 8, 0);
	return *slice;
}

PROGRAM("tc", crooked_dynptr)
{
	struct bpf_dynptr p[2];

	bpf_dynptr_from_mem(buffer, sizeof(buffer), 0, &p[0]);
	bpf_dynptr_memset((void *)&p[0] + 8, 0, 8, 0);
	return 0;
}

PROGRAM("tc", overwritten_dynptr)
{
	struct bpf_dynptr p;

	bpf_dynptr_from_mem(buffer, sizeof(buffer), 0, &p);
	*(volatile u64 *)&p = 0;
	bpf_dynptr_memset(&p, 0, 8, 0);
	return 0;
}

PROGRAM("cgroup_skb/egress", copies_to_read_only_packet)
{
	struct bpf_dynptr p, q;

	if (bpf_dynptr_from_skb((void *)ctx, 0, &p))
		return 1;
	bpf_dynptr_from_mem(buffer, sizeof(buffer), 0, &q);
	bpf_dynptr_copy(&p, 0, &q, 0, 64);
	return 1;
}

PROGRAM("tc", pointer_as_offset)
{
	struct bpf_dynptr p;

	bpf_dynptr_from_mem(buffer, sizeof(buffer), 0, &p);
	return bpf_dynptr_memset(&p, (u32)(u64)&p, 8, 0);
}

ASM_PROGRAM("tc", size_unset)
{
	ASM("*(u64 *)(r10 - 8) = 0;"
	    "*(u64 *)(r10 - 16) = 0;"
	    "r1 = %[buffer] ll;"
	    "r2 = 64;"
	    "r3 = 0;"
	    "r4 = r10;"
	    "r4 += -16;"
	    "call 197;" // bpf_dynptr_from_mem
	    "r1 = r10;"
	    "r1 += -16;"
	    "r2 = 0;"
	    "r4 = 0;"
	    "call %[memset];"
	    "r0 = 0;"
	    "exit;",
	    [memset] "i"(bpf_dynptr_memset), [buffer] "i"(buffer));
}
