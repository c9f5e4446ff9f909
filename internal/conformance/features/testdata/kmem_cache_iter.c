// SPDX-License-Identifier: Apache-2.0
// Walks over the kernel's slab caches (Linux 6.14) and the cache of an address
// (6.13).
#include "features.h"

struct bpf_iter_kmem_cache {
	u64 opaque[1];
};
struct kmem_cache {
	unsigned int size, object_size;
	const char *name;
} CORE;

KSYM int bpf_iter_kmem_cache_new(struct bpf_iter_kmem_cache *it);
KSYM struct kmem_cache *bpf_iter_kmem_cache_next(struct bpf_iter_kmem_cache *it);
KSYM void bpf_iter_kmem_cache_destroy(struct bpf_iter_kmem_cache *it);
KSYM struct kmem_cache *bpf_get_kmem_cache(u64 address);

u64 sum, address;
struct kmem_cache *kept;

PROGRAM("syscall", adds_sizes)
{
	struct bpf_iter_kmem_cache it;
	struct kmem_cache *c;

	bpf_iter_kmem_cache_new(&it);
	while ((c = bpf_iter_kmem_cache_next(&it)))
		sum += c->size;
	bpf_iter_kmem_cache_destroy(&it);
	return 0;
}

PROGRAM("syscall", takes_one)
{
	struct bpf_iter_kmem_cache it;
	struct kmem_cache *c;

	bpf_iter_kmem_cache_new(&it);
	c = bpf_iter_kmem_cache_next(&it);
	if (c)
		sum = c->object_size;
	bpf_iter_kmem_cache_destroy(&it);
	return 0;
}

PROGRAM("syscall", takes_none)
{
	struct bpf_iter_kmem_cache it;

	bpf_iter_kmem_cache_new(&it);
	bpf_iter_kmem_cache_destroy(&it);
	return 0;
}

PROGRAM("syscall", stops_early)
{
	struct bpf_iter_kmem_cache it;
	struct kmem_cache *c;

	bpf_iter_kmem_cache_new(&it);
	while ((c = bpf_iter_kmem_cache_next(&it)))
		if (c->size > 4096)
			break;
	bpf_iter_kmem_cache_destroy(&it);
	return 0;
}

PROGRAM("syscall", nested)
{
	struct bpf_iter_kmem_cache outer, inner;
	struct kmem_cache *c, *d;

	bpf_iter_kmem_cache_new(&outer);
	while ((c = bpf_iter_kmem_cache_next(&outer))) {
		bpf_iter_kmem_cache_new(&inner);
		d = bpf_iter_kmem_cache_next(&inner);
		if (d)
			sum += c->size;
		bpf_iter_kmem_cache_destroy(&inner);
	}
	bpf_iter_kmem_cache_destroy(&outer);
	return 0;
}

PROGRAM("syscall", twice_the_same_slot)
{
	struct bpf_iter_kmem_cache it;

	bpf_iter_kmem_cache_new(&it);
	bpf_iter_kmem_cache_destroy(&it);
	bpf_iter_kmem_cache_new(&it);
	bpf_iter_kmem_cache_next(&it);
	bpf_iter_kmem_cache_destroy(&it);
	return 0;
}

PROGRAM("syscall", cache_of_address)
{
	struct kmem_cache *c = bpf_get_kmem_cache(address);

	if (c)
		sum = c->size;
	return 0;
}

PROGRAM("tc", cache_of_address_in_filter)
{
	struct kmem_cache *c = bpf_get_kmem_cache(address);

	if (c)
		sum = c->object_size;
	return 0;
}

PROGRAM("syscall", reads_name)
{
	struct kmem_cache *c = bpf_get_kmem_cache(address);

	if (c)
		sum = *c->name;
	return 0;
}

PROGRAM("kprobe", cache_of_address_in_probe)
{
	struct kmem_cache *c = bpf_get_kmem_cache(bpf_ktime_get_ns());

	return c ? c->size & 1 : 0;
}

PROGRAM("syscall", does_not_end)
{
	struct bpf_iter_kmem_cache it;

	bpf_iter_kmem_cache_new(&it);
	return 0;
}

PROGRAM("syscall", no_beginning)
{
	struct bpf_iter_kmem_cache it = {};

	bpf_iter_kmem_cache_next(&it);
	return 0;
}

PROGRAM("syscall", ends_only)
{
	struct bpf_iter_kmem_cache it = {};

	bpf_iter_kmem_cache_destroy(&it);
	return 0;
}

PROGRAM("syscall", next_after_end)
{
	struct bpf_iter_kmem_cache it;

	bpf_iter_kmem_cache_new(&it);
	bpf_iter_kmem_cache_destroy(&it);
	bpf_iter_kmem_cache_next(&it);
	return 0;
}

PROGRAM("syscall", does_not_look)
{
	struct bpf_iter_kmem_cache it;
	struct kmem_cache *c;

	bpf_iter_kmem_cache_new(&it);
	c = bpf_iter_kmem_cache_next(&it);
	sum = c->size;
	bpf_iter_kmem_cache_destroy(&it);
	return 0;
}

PROGRAM("syscall", address_without_look)
{
	sum = bpf_get_kmem_cache(address)->size;
	return 0;
}

PROGRAM("syscall", writes_cache)
{
	struct kmem_cache *c = bpf_get_kmem_cache(address);

	if (c)
		c->size = 0;
	return 0;
}

PROGRAM("syscall", begins_twice)
{
	struct bpf_iter_kmem_cache it;

	bpf_iter_kmem_cache_new(&it);
	bpf_iter_kmem_cache_new(&it);
	bpf_iter_kmem_cache_destroy(&it);
	return 0;
}

PROGRAM("tc", may_not_sleep)
{
	struct bpf_iter_kmem_cache it;

	bpf_iter_kmem_cache_new(&it);
	bpf_iter_kmem_cache_destroy(&it);
	return 0;
}

PROGRAM("syscall", sleeps_under_rcu)
{
	struct bpf_iter_kmem_cache it;

	bpf_rcu_read_lock();
	bpf_iter_kmem_cache_new(&it);
	bpf_iter_kmem_cache_destroy(&it);
	bpf_rcu_read_unlock();
	return 0;
}

PROGRAM("syscall", overwrites_iterator)
{
	struct bpf_iter_kmem_cache it;

	bpf_iter_kmem_cache_new(&it);
	*(volatile u64 *)&it = 0;
	bpf_iter_kmem_cache_destroy(&it);
	return 0;
}

PROGRAM("syscall", reads_beyond_cache)
{
	struct kmem_cache *c = bpf_get_kmem_cache(address);

	if (c)
		sum = *((u8 *)c + 100000);
	return 0;
}

PROGRAM("syscall", pointer_as_address)
{
	struct kmem_cache *c = bpf_get_kmem_cache((u64)&sum);

	if (c)
		sum = c->size;
	return 0;
}
