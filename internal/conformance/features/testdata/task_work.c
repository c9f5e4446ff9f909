// SPDX-License-Identifier: Apache-2.0
// Callbacks in a task's own context (Linux 6.18).
#include "features.h"

struct bpf_task_work {
	u64 opaque;
};
struct bpf_map {
	u32 id;
};
typedef int (*callback_fn)(struct bpf_map *map, void *key, void *value);

KSYM int bpf_task_work_schedule_signal_impl(struct task_struct *task, struct bpf_task_work *tw, void *map, callback_fn callback, void *aux);
KSYM int bpf_task_work_schedule_resume_impl(struct task_struct *task, struct bpf_task_work *tw, void *map, callback_fn callback, void *aux);

struct work {
	u64 seen;
	struct bpf_task_work tw;
};

MAP(works, ARRAY, 2, struct work);
MAP(others, ARRAY, 2, struct work);
MAP(plain, ARRAY, 2, u64);
struct {
	UINT(type, HASH);
	UINT(max_entries, 4);
	UINT(map_flags, 1);
	TYPE(key, u32);
	TYPE(value, struct work);
} table SEC(".maps");
MAP(lru, LRU_HASH, 4, struct work);
u64 runs;
char word[8];

static int counts(struct bpf_map *map, void *key, void *value)
{
	runs++;
	return 0;
}

static int reads_user(struct bpf_map *map, void *key, void *value)
{
	bpf_copy_from_user(word, sizeof(word), NULL);
	return 0;
}

static int writes_value(struct bpf_map *map, void *key, struct work *value)
{
	value->seen++;
	return 0;
}

static int writes_work(struct bpf_map *map, void *key, struct work *value)
{
	*(volatile u64 *)&value->tw = 1;
	return 0;
}

static int beyond_value(struct bpf_map *map, void *key, struct work *value)
{
	return ((u8 *)value)[sizeof(*value)];
}

static int returns_two(struct bpf_map *map, void *key, void *value)
{
	return 2;
}

static int leaks(struct bpf_map *map, void *key, void *value)
{
	bpf_task_from_pid(1);
	return 0;
}

static struct work *work(void *map)
{
	u32 key = 1;

	return bpf_map_lookup_elem(map, &key);
}

#define SIGNAL(task, w, map, fn) bpf_task_work_schedule_signal_impl(task, &(w)->tw, map, (void *)fn, NULL)
#define RESUME(task, w, map, fn) bpf_task_work_schedule_resume_impl(task, &(w)->tw, map, (void *)fn, NULL)

PROGRAM("tc", by_signal)
{
	struct work *w = work(&works);

	if (w)
		SIGNAL(bpf_get_current_task_btf(), w, &works, counts);
	return 0;
}

PROGRAM("tc", by_resume)
{
	struct work *w = work(&works);

	if (w)
		RESUME(bpf_get_current_task_btf(), w, &works, counts);
	return 0;
}

PROGRAM("tc", callback_sleeps)
{
	struct work *w = work(&works);

	if (w)
		SIGNAL(bpf_get_current_task_btf(), w, &works, reads_user);
	return 0;
}

PROGRAM("tc", callback_writes_value)
{
	struct work *w = work(&works);

	if (w)
		SIGNAL(bpf_get_current_task_btf(), w, &works, writes_value);
	return 0;
}

PROGRAM("tc", in_a_hash)
{
	struct work *w = work(&table);

	if (w)
		SIGNAL(bpf_get_current_task_btf(), w, &table, counts);
	return 0;
}

PROGRAM("tc", in_an_lru_hash)
{
	struct work *w = work(&lru);

	if (w)
		RESUME(bpf_get_current_task_btf(), w, &lru, counts);
	return 0;
}

PROGRAM("syscall", task_by_number)
{
	struct work *w = work(&works);
	struct task_struct *task = bpf_task_from_pid(1);

	if (!task)
		return 0;
	if (w)
		SIGNAL(task, w, &works, counts);
	bpf_task_release(task);
	return 0;
}

PROGRAM("tp_btf/task_newtask", task_of_tracepoint)
{
	struct work *w = work(&works);

	if (w)
		SIGNAL((void *)ctx[0], w, &works, counts);
	return 0;
}

PROGRAM("perf_event", in_a_perf_event)
{
	struct work *w = work(&works);

	if (w)
		SIGNAL(bpf_get_current_task_btf(), w, &works, counts);
	return 0;
}

PROGRAM("tc", two_callbacks)
{
	struct work *w = work(&works), *o = work(&others);

	if (w && o) {
		SIGNAL(bpf_get_current_task_btf(), w, &works, counts);
		RESUME(bpf_get_current_task_btf(), o, &others, writes_value);
	}
	return 0;
}

PROGRAM("tc", other_map)
{
	struct work *w = work(&works);

	if (w)
		SIGNAL(bpf_get_current_task_btf(), w, &others, counts);
	return 0;
}

PROGRAM("tc", map_without_work)
{
	struct work *w = work(&plain);

	if (w)
		bpf_task_work_schedule_signal_impl(bpf_get_current_task_btf(), (void *)w, &plain, counts, NULL);
	return 0;
}

PROGRAM("tc", crooked_work)
{
	struct work *w = work(&works);

	if (w)
		bpf_task_work_schedule_signal_impl(bpf_get_current_task_btf(), (void *)&w->seen, &works, counts, NULL);
	return 0;
}

PROGRAM("tc", no_task)
{
	struct work *w = work(&works);

	if (w)
		SIGNAL(NULL, w, &works, counts);
	return 0;
}

PROGRAM("tc", no_map)
{
	struct work *w = work(&works);

	if (w)
		SIGNAL(bpf_get_current_task_btf(), w, NULL, counts);
	return 0;
}

PROGRAM("tc", may_be_null)
{
	u32 key = 0;
	struct work *w = bpf_map_lookup_elem(&table, &key);

	SIGNAL(bpf_get_current_task_btf(), w, &table, counts);
	return 0;
}

PROGRAM("tc", work_on_stack)
{
	struct work w = {};

	SIGNAL(bpf_get_current_task_btf(), &w, &works, counts);
	return 0;
}

PROGRAM("tc", number_for_callback)
{
	struct work *w = work(&works);
	callback_fn fn = (void *)16;

	HIDES(fn);
	if (w)
		SIGNAL(bpf_get_current_task_btf(), w, &works, fn);
	return 0;
}

PROGRAM("tc", callback_writes_work)
{
	struct work *w = work(&works);

	if (w)
		SIGNAL(bpf_get_current_task_btf(), w, &works, writes_work);
	return 0;
}

PROGRAM("tc", callback_reads_beyond)
{
	struct work *w = work(&works);

	if (w)
		SIGNAL(bpf_get_current_task_btf(), w, &works, beyond_value);
	return 0;
}

PROGRAM("tc", callback_keeps_reference)
{
	struct work *w = work(&works);

	if (w)
		SIGNAL(bpf_get_current_task_btf(), w, &works, leaks);
	return 0;
}

PROGRAM("tc", callback_returns_two)
{
	struct work *w = work(&works);

	if (w)
		SIGNAL(bpf_get_current_task_btf(), w, &works, returns_two);
	return 0;
}

PROGRAM("tc", writes_the_work)
{
	struct work *w = work(&works);

	if (w)
		*(volatile u64 *)&w->tw = 0;
	return 0;
}

PROGRAM("tc", untrusted_parent)
{
	struct work *w = work(&works);
	struct task_struct *task = bpf_get_current_task_btf();

	if (w)
		SIGNAL((void *)*(u64 *)task, w, &works, counts);
	return 0;
}
