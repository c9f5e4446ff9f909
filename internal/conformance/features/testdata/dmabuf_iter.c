// SPDX-License-Identifier: Apache-2.0
// Walks over the kernel's shared buffers (Linux 6.17).
#include "features.h"

struct bpf_iter_dmabuf {
	u64 opaque[1];
};
struct dma_buf {
	unsigned long size;
	const char *exp_name;
} CORE;

KSYM int bpf_iter_dmabuf_new(struct bpf_iter_dmabuf *it);
KSYM struct dma_buf *bpf_iter_dmabuf_next(struct bpf_iter_dmabuf *it);
KSYM void bpf_iter_dmabuf_destroy(struct bpf_iter_dmabuf *it);

MAP(sizes, HASH, 8, u64);
u64 sum;
u32 limit;

PROGRAM("syscall", adds_sizes)
{
	struct bpf_iter_dmabuf it;
	struct dma_buf *b;

	bpf_iter_dmabuf_new(&it);
	while ((b = bpf_iter_dmabuf_next(&it)))
		sum += b->size;
	bpf_iter_dmabuf_destroy(&it);
	return 0;
}

PROGRAM("syscall", takes_none)
{
	struct bpf_iter_dmabuf it;

	bpf_iter_dmabuf_new(&it);
	bpf_iter_dmabuf_destroy(&it);
	return 0;
}

PROGRAM("syscall", ignores_failure)
{
	struct bpf_iter_dmabuf it;

	if (bpf_iter_dmabuf_new(&it))
		sum++;
	bpf_iter_dmabuf_next(&it);
	bpf_iter_dmabuf_destroy(&it);
	return 0;
}

PROGRAM("syscall", first_two)
{
	struct bpf_iter_dmabuf it;
	struct dma_buf *b;

	bpf_iter_dmabuf_new(&it);
	b = bpf_iter_dmabuf_next(&it);
	if (b && (b = bpf_iter_dmabuf_next(&it)))
		sum = b->size;
	bpf_iter_dmabuf_destroy(&it);
	return 0;
}

PROGRAM("syscall", fills_map)
{
	struct bpf_iter_dmabuf it;
	struct dma_buf *b;
	u32 key = 0;

	bpf_iter_dmabuf_new(&it);
	while ((b = bpf_iter_dmabuf_next(&it))) {
		u64 size = b->size;

		bpf_map_update_elem(&sizes, &key, &size, 0);
		key++;
	}
	bpf_iter_dmabuf_destroy(&it);
	return 0;
}

PROGRAM("syscall", counts_to_limit)
{
	struct bpf_iter_dmabuf it;
	u32 n = 0;

	bpf_iter_dmabuf_new(&it);
	while (bpf_iter_dmabuf_next(&it) && n < limit)
		n++;
	bpf_iter_dmabuf_destroy(&it);
	return n & 1;
}

PROGRAM("syscall", reads_exporter)
{
	struct bpf_iter_dmabuf it;
	struct dma_buf *b;

	bpf_iter_dmabuf_new(&it);
	while ((b = bpf_iter_dmabuf_next(&it)))
		sum += b->exp_name[0];
	bpf_iter_dmabuf_destroy(&it);
	return 0;
}

static NOINLINE u64 size_of(struct bpf_iter_dmabuf *it)
{
	struct dma_buf *b = bpf_iter_dmabuf_next(it);

	return b ? b->size : 0;
}

PROGRAM("syscall", function_advances)
{
	struct bpf_iter_dmabuf it;

	bpf_iter_dmabuf_new(&it);
	sum = size_of(&it);
	bpf_iter_dmabuf_destroy(&it);
	return 0;
}

PROGRAM("syscall", sleeps_in_between)
{
	struct bpf_iter_dmabuf it;
	u64 word;

	bpf_iter_dmabuf_new(&it);
	while (bpf_iter_dmabuf_next(&it))
		bpf_copy_from_user(&word, sizeof(word), NULL);
	bpf_iter_dmabuf_destroy(&it);
	return 0;
}

PROGRAM("syscall", two_at_once)
{
	struct bpf_iter_dmabuf a, b;

	bpf_iter_dmabuf_new(&a);
	bpf_iter_dmabuf_new(&b);
	bpf_iter_dmabuf_destroy(&a);
	bpf_iter_dmabuf_destroy(&b);
	return 0;
}

PROGRAM("syscall", does_not_end)
{
	struct bpf_iter_dmabuf it;

	bpf_iter_dmabuf_new(&it);
	bpf_iter_dmabuf_next(&it);
	return 0;
}

PROGRAM("syscall", does_not_end_on_a_path)
{
	struct bpf_iter_dmabuf it;

	if (bpf_iter_dmabuf_new(&it))
		return 0;
	bpf_iter_dmabuf_destroy(&it);
	return 0;
}

PROGRAM("syscall", ends_twice)
{
	struct bpf_iter_dmabuf it;

	bpf_iter_dmabuf_new(&it);
	bpf_iter_dmabuf_destroy(&it);
	bpf_iter_dmabuf_destroy(&it);
	return 0;
}

PROGRAM("syscall", reads_after_end)
{
	struct bpf_iter_dmabuf it;
	struct dma_buf *b;

	bpf_iter_dmabuf_new(&it);
	b = bpf_iter_dmabuf_next(&it);
	bpf_iter_dmabuf_destroy(&it);
	if (b)
		sum = b->size;
	return 0;
}

PROGRAM("syscall", reads_the_one_before)
{
	struct bpf_iter_dmabuf it;
	struct dma_buf *b, *c;

	bpf_iter_dmabuf_new(&it);
	b = bpf_iter_dmabuf_next(&it);
	c = bpf_iter_dmabuf_next(&it);
	if (b && c)
		sum = b->size;
	bpf_iter_dmabuf_destroy(&it);
	return 0;
}

PROGRAM("syscall", does_not_look)
{
	struct bpf_iter_dmabuf it;

	bpf_iter_dmabuf_new(&it);
	sum = bpf_iter_dmabuf_next(&it)->size;
	bpf_iter_dmabuf_destroy(&it);
	return 0;
}

PROGRAM("syscall", writes_buffer)
{
	struct bpf_iter_dmabuf it;
	struct dma_buf *b;

	bpf_iter_dmabuf_new(&it);
	while ((b = bpf_iter_dmabuf_next(&it)))
		b->size = 0;
	bpf_iter_dmabuf_destroy(&it);
	return 0;
}

PROGRAM("tc", may_not_sleep)
{
	struct bpf_iter_dmabuf it;

	bpf_iter_dmabuf_new(&it);
	bpf_iter_dmabuf_next(&it);
	bpf_iter_dmabuf_destroy(&it);
	return 0;
}

PROGRAM("syscall", without_preemption)
{
	struct bpf_iter_dmabuf it;

	bpf_iter_dmabuf_new(&it);
	bpf_preempt_disable();
	bpf_iter_dmabuf_next(&it);
	bpf_preempt_enable();
	bpf_iter_dmabuf_destroy(&it);
	return 0;
}

PROGRAM("syscall", copied_iterator)
{
	struct bpf_iter_dmabuf it, copy;

	bpf_iter_dmabuf_new(&it);
	asm volatile("" : : "r"(&copy) : "memory");
	bpf_iter_dmabuf_next(&copy);
	bpf_iter_dmabuf_destroy(&it);
	return 0;
}

struct bpf_iter_dmabuf global;

PROGRAM("syscall", iterator_in_a_map)
{
	bpf_iter_dmabuf_new(&global);
	bpf_iter_dmabuf_destroy(&global);
	return 0;
}

PROGRAM("syscall", reads_iterator)
{
	struct bpf_iter_dmabuf it;

	bpf_iter_dmabuf_new(&it);
	sum = *(volatile u64 *)&it;
	bpf_iter_dmabuf_destroy(&it);
	return 0;
}
