// SPDX-License-Identifier: Apache-2.0
// User memory that task storage points to (Linux 6.13).
#include "features.h"

struct shared {
	u64 count;
	u32 small[4];
};
struct storage {
	struct shared UPTR *page;
	u64 own;
};
struct {
	UINT(type, TASK_STORAGE);
	UINT(map_flags, 1);
	TYPE(key, int);
	TYPE(value, struct storage);
} storages SEC(".maps");
static void *(*const bpf_kptr_xchg)(void *at, void *pointer) = (void *)194;
u64 sum;
struct shared *unused; /* or clang declares the type without its members */

static struct storage *mine(void)
{
	return bpf_task_storage_get(&storages, bpf_get_current_task_btf(), NULL, 0);
}

PROGRAM("syscall", reads)
{
	struct storage *s = mine();
	struct shared *page = s ? s->page : NULL;

	if (page)
		sum = page->count;
	return 0;
}

PROGRAM("syscall", writes)
{
	struct storage *s = mine();
	struct shared *page = s ? s->page : NULL;

	if (page)
		page->count = 7;
	return 0;
}

PROGRAM("tc", in_a_filter)
{
	struct storage *s = mine();
	struct shared *page = s ? s->page : NULL;

	if (page)
		page->small[3]++;
	return 0;
}

PROGRAM("kprobe", in_a_probe)
{
	struct storage *s = mine();
	struct shared *page = s ? s->page : NULL;

	if (page)
		sum += page->small[0];
	return 0;
}

PROGRAM("syscall", adds_at_once)
{
	struct storage *s = mine();
	struct shared *page = s ? s->page : NULL;

	if (page)
		__sync_fetch_and_add(&page->count, 1);
	return 0;
}

PROGRAM("syscall", index_within)
{
	struct storage *s = mine();
	struct shared *page = s ? s->page : NULL;
	u64 i = sum;

	if (page && i < 4)
		sum = page->small[i];
	return 0;
}

PROGRAM("syscall", looks_only)
{
	struct storage *s = mine();

	return s && s->page ? 1 : 0;
}

PROGRAM("syscall", twice)
{
	struct storage *s = mine();
	struct shared *a, *b;

	if (!s)
		return 0;
	a = s->page;
	b = s->page;
	if (a && b)
		a->count = b->small[1];
	return 0;
}

PROGRAM("tp_btf/task_newtask", of_a_new_task)
{
	struct storage *s = bpf_task_storage_get(&storages, (void *)ctx[0], NULL, 0);
	struct shared *page = s ? s->page : NULL;

	if (page)
		page->count = s->own;
	return 0;
}

PROGRAM("syscall", into_the_kernel)
{
	struct storage *s = mine();
	struct shared *page = s ? s->page : NULL;
	struct bpf_dynptr p;

	if (page)
		bpf_copy_from_user(page->small, sizeof(page->small), NULL);
	return 0;
}

PROGRAM("syscall", does_not_look)
{
	struct storage *s = mine();

	if (s)
		sum = s->page->count;
	return 0;
}

PROGRAM("syscall", writes_without_look)
{
	struct storage *s = mine();

	if (s)
		s->page->count = 0;
	return 0;
}

PROGRAM("syscall", replaces)
{
	struct storage *s = mine();

	if (s)
		s->page = NULL;
	return 0;
}

PROGRAM("syscall", replaces_by_own)
{
	struct storage *s = mine();

	if (s)
		s->page = (void *)&s->own;
	return 0;
}

PROGRAM("syscall", part_of_pointer)
{
	struct storage *s = mine();

	if (s)
		sum = *(volatile u32 *)&s->page;
	return 0;
}

PROGRAM("syscall", beyond_the_type)
{
	struct storage *s = mine();
	struct shared *page = s ? s->page : NULL;

	if (page)
		sum = ((u64 *)page)[3];
	return 0;
}

PROGRAM("syscall", before_the_type)
{
	struct storage *s = mine();
	struct shared *page = s ? s->page : NULL;

	if (page)
		sum = ((volatile u64 *)page)[-1];
	return 0;
}

PROGRAM("syscall", index_without_bound)
{
	struct storage *s = mine();
	struct shared *page = s ? s->page : NULL;

	if (page)
		sum = page->small[sum];
	return 0;
}

PROGRAM("syscall", exchanges)
{
	struct storage *s = mine();

	if (s)
		bpf_kptr_xchg(&s->page, NULL);
	return 0;
}

PROGRAM("syscall", no_storage)
{
	struct storage *s = mine();

	sum = (u64)s->page;
	return 0;
}

PROGRAM("syscall", stores_pointer_in_page)
{
	struct storage *s = mine();
	struct shared *page = s ? s->page : NULL;

	if (page)
		*(volatile u64 *)&page->count = (u64)bpf_task_from_pid(1);
	return 0;
}

PROGRAM("syscall", page_as_task)
{
	struct storage *s = mine();
	struct shared *page = s ? s->page : NULL;
	struct task_struct *task;

	if (!page)
		return 0;
	task = bpf_task_acquire((void *)page);
	if (task)
		bpf_task_release(task);
	return 0;
}
