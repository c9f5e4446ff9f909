// SPDX-License-Identifier: Apache-2.0
// Metadata of packets as a dynptr (Linux 6.18).
#include "features.h"

KSYM int bpf_dynptr_from_skb_meta(struct __sk_buff *skb, u64 flags, struct bpf_dynptr *p);
KSYM int bpf_dynptr_from_skb(struct __sk_buff *skb, u64 flags, struct bpf_dynptr *p);
KSYM u32 bpf_dynptr_size(const struct bpf_dynptr *p);
KSYM bool bpf_dynptr_is_null(const struct bpf_dynptr *p);
KSYM bool bpf_dynptr_is_rdonly(const struct bpf_dynptr *p);
KSYM int bpf_dynptr_copy(struct bpf_dynptr *to, u32 to_offset, struct bpf_dynptr *from, u32 from_offset, u32 size);
static long (*const bpf_skb_change_head)(struct __sk_buff *skb, u32 length, u64 flags) = (void *)43;

#define FILTER(name) SEC("tc") int name(struct __sk_buff *skb)

u64 sum;
char text[16];
u32 offset;

FILTER(reads)
{
	struct bpf_dynptr p;

	bpf_dynptr_from_skb_meta(skb, 0, &p);
	bpf_dynptr_read(text, 8, &p, 0, 0);
	return 0;
}

FILTER(writes)
{
	struct bpf_dynptr p;

	if (bpf_dynptr_from_skb_meta(skb, 0, &p))
		return 0;
	bpf_dynptr_write(&p, 4, text, 8, 0);
	return 0;
}

FILTER(slices)
{
	struct bpf_dynptr p;
	u32 *word;

	if (bpf_dynptr_from_skb_meta(skb, 0, &p))
		return 0;
	word = bpf_dynptr_slice(&p, 0, NULL, 4);
	if (word)
		sum = *word;
	return 0;
}

FILTER(slices_to_write)
{
	struct bpf_dynptr p;
	u32 *word;

	if (bpf_dynptr_from_skb_meta(skb, 0, &p))
		return 0;
	word = bpf_dynptr_slice_rdwr(&p, 0, NULL, 4);
	if (word)
		*word = 1;
	return 0;
}

FILTER(asks_size)
{
	struct bpf_dynptr p;

	bpf_dynptr_from_skb_meta(skb, 0, &p);
	return bpf_dynptr_size(&p) + bpf_dynptr_is_null(&p) + bpf_dynptr_is_rdonly(&p);
}

FILTER(adjusts)
{
	struct bpf_dynptr p;

	bpf_dynptr_from_skb_meta(skb, 0, &p);
	bpf_dynptr_adjust(&p, offset, offset + 4);
	return 0;
}

FILTER(clones)
{
	struct bpf_dynptr p, q;

	bpf_dynptr_from_skb_meta(skb, 0, &p);
	bpf_dynptr_clone(&p, &q);
	bpf_dynptr_read(text, 4, &q, 0, 0);
	return 0;
}

FILTER(copies_packet)
{
	struct bpf_dynptr p, q;

	bpf_dynptr_from_skb_meta(skb, 0, &p);
	bpf_dynptr_from_skb(skb, 0, &q);
	bpf_dynptr_copy(&p, 0, &q, 0, 8);
	return 0;
}

FILTER(unknown_flags)
{
	struct bpf_dynptr p;

	bpf_dynptr_from_skb_meta(skb, 7, &p);
	return 0;
}

FILTER(reads_after_packet_changed)
{
	struct bpf_dynptr p;

	bpf_dynptr_from_skb_meta(skb, 0, &p);
	bpf_skb_change_head(skb, 14, 0);
	bpf_dynptr_read(text, 8, &p, 0, 0);
	return 0;
}

FILTER(writes_read_only_slice)
{
	struct bpf_dynptr p;
	u32 *word;

	bpf_dynptr_from_skb_meta(skb, 0, &p);
	word = bpf_dynptr_slice(&p, 0, NULL, 4);
	if (word)
		*word = 1;
	return 0;
}

FILTER(does_not_look)
{
	struct bpf_dynptr p;
	u32 *word;

	bpf_dynptr_from_skb_meta(skb, 0, &p);
	word = bpf_dynptr_slice(&p, 0, NULL, 4);
	sum = *word;
	return 0;
}

FILTER(beyond_slice)
{
	struct bpf_dynptr p;
	u32 *word;

	bpf_dynptr_from_skb_meta(skb, 0, &p);
	word = bpf_dynptr_slice(&p, 0, NULL, 4);
	if (word)
		sum = word[1];
	return 0;
}

FILTER(slice_of_variable_size)
{
	struct bpf_dynptr p;
	u32 *word;

	bpf_dynptr_from_skb_meta(skb, 0, &p);
	word = bpf_dynptr_slice(&p, 0, NULL, offset);
	if (word)
		sum = *word;
	return 0;
}

FILTER(slice_after_packet_changed)
{
	struct bpf_dynptr p;
	u32 *word;

	bpf_dynptr_from_skb_meta(skb, 0, &p);
	word = bpf_dynptr_slice(&p, 0, NULL, 4);
	if (!word)
		return 0;
	bpf_skb_change_head(skb, 14, 0);
	sum = *word;
	return 0;
}

FILTER(slice_after_packet_written)
{
	struct bpf_dynptr p, q;
	u32 *word;

	bpf_dynptr_from_skb_meta(skb, 0, &p);
	bpf_dynptr_from_skb(skb, 0, &q);
	word = bpf_dynptr_slice(&p, 0, NULL, 4);
	if (!word)
		return 0;
	bpf_dynptr_write(&q, 0, text, 8, 0);
	sum = *word;
	return 0;
}

FILTER(slice_after_metadata_written)
{
	struct bpf_dynptr p;
	u32 *word;

	bpf_dynptr_from_skb_meta(skb, 0, &p);
	word = bpf_dynptr_slice_rdwr(&p, 0, NULL, 4);
	if (!word)
		return 0;
	bpf_dynptr_write(&p, 0, text, 8, 0);
	*word = 1;
	return 0;
}

FILTER(data_of_metadata)
{
	struct bpf_dynptr p;
	u32 *word;

	bpf_dynptr_from_skb_meta(skb, 0, &p);
	word = bpf_dynptr_data(&p, 0, 4);
	if (word)
		sum = *word;
	return 0;
}

FILTER(over_another)
{
	struct bpf_dynptr p;

	bpf_dynptr_from_mem(text, sizeof(text), 0, &p);
	bpf_dynptr_from_skb_meta((void *)&p, 0, &p);
	return 0;
}

FILTER(no_context)
{
	struct bpf_dynptr p;

	return bpf_dynptr_from_skb_meta(NULL, 0, &p);
}

FILTER(into_a_buffer)
{
	return bpf_dynptr_from_skb_meta(skb, 0, (void *)text);
}

SEC("xdp") int of_a_frame(struct __sk_buff *skb)
{
	struct bpf_dynptr p;

	return bpf_dynptr_from_skb_meta(skb, 0, &p);
}

SEC("cgroup_skb/egress") int of_a_cgroup(struct __sk_buff *skb)
{
	struct bpf_dynptr p;

	bpf_dynptr_from_skb_meta(skb, 0, &p);
	return 1;
}

FILTER(flags_unset_pointer)
{
	struct bpf_dynptr p;

	return bpf_dynptr_from_skb_meta(skb, (u64)skb, &p);
}
