// SPDX-License-Identifier: Apache-2.0
// Resilient spin locks (Linux 6.15): they may fail, so that who takes one has
// to look whether it is held.
#include "features.h"

KSYM int bpf_res_spin_lock(struct bpf_res_spin_lock *lock);
KSYM void bpf_res_spin_unlock(struct bpf_res_spin_lock *lock);
KSYM int bpf_res_spin_lock_irqsave(struct bpf_res_spin_lock *lock, unsigned long *flags);
KSYM void bpf_res_spin_unlock_irqrestore(struct bpf_res_spin_lock *lock, unsigned long *flags);

struct counter {
	struct bpf_res_spin_lock lock;
	u64 hits, misses;
};

MAP(counters, ARRAY, 2, struct counter);
MAP(table, HASH, 8, struct counter);
struct bpf_res_spin_lock first SEC(".data.first");
struct bpf_res_spin_lock second SEC(".data.second");
u64 total;

static struct counter *counter(u32 key)
{
	return bpf_map_lookup_elem(&counters, &key);
}

PROGRAM("tc", takes_and_gives_back)
{
	if (bpf_res_spin_lock(&first))
		return 0;
	bpf_res_spin_unlock(&first);
	return 0;
}

PROGRAM("tc", takes_two)
{
	if (bpf_res_spin_lock(&first))
		return 0;
	if (!bpf_res_spin_lock(&second))
		bpf_res_spin_unlock(&second);
	bpf_res_spin_unlock(&first);
	return 0;
}

PROGRAM("tc", counts_in_array)
{
	struct counter *c = counter(0);

	if (!c || bpf_res_spin_lock(&c->lock))
		return 0;
	c->hits++;
	bpf_res_spin_unlock(&c->lock);
	return 0;
}

PROGRAM("tc", counts_in_hash)
{
	u32 key = 3;
	struct counter *c = bpf_map_lookup_elem(&table, &key);

	if (c && bpf_res_spin_lock(&c->lock) == 0) {
		c->misses--;
		bpf_res_spin_unlock(&c->lock);
	}
	return 0;
}

PROGRAM("tc", counts_global)
{
	if (bpf_res_spin_lock(&first) < 0)
		return 1;
	total += 2;
	bpf_res_spin_unlock(&first);
	return 0;
}

PROGRAM("tc", saves_interrupts)
{
	unsigned long flags;

	if (bpf_res_spin_lock_irqsave(&first, &flags))
		return 0;
	total++;
	bpf_res_spin_unlock_irqrestore(&first, &flags);
	return 0;
}

PROGRAM("tc", saves_interrupts_inside)
{
	unsigned long flags;

	if (bpf_res_spin_lock(&first))
		return 0;
	if (bpf_res_spin_lock_irqsave(&second, &flags) == 0)
		bpf_res_spin_unlock_irqrestore(&second, &flags);
	bpf_res_spin_unlock(&first);
	return 0;
}

PROGRAM("tc", one_after_the_other)
{
	if (bpf_res_spin_lock(&first))
		return 0;
	bpf_res_spin_unlock(&first);
	if (bpf_res_spin_lock(&first))
		return 0;
	bpf_res_spin_unlock(&first);
	return 0;
}

PROGRAM("xdp", two_values_of_one_map)
{
	struct counter *a = counter(0), *b = counter(1);

	if (!a || !b || bpf_res_spin_lock(&a->lock))
		return 0;
	if (!bpf_res_spin_lock(&b->lock)) {
		b->hits += a->hits;
		bpf_res_spin_unlock(&b->lock);
	}
	bpf_res_spin_unlock(&a->lock);
	return 0;
}

PROGRAM("raw_tp/sys_enter", in_a_tracepoint)
{
	struct counter *c = counter(1);

	if (!c)
		return 0;
	if (bpf_res_spin_lock(&c->lock))
		return 0;
	c->hits = c->misses;
	bpf_res_spin_unlock(&c->lock);
	return 0;
}

PROGRAM("tc", keeps_it)
{
	if (bpf_res_spin_lock(&first))
		return 0;
	return 0;
}

PROGRAM("tc", gives_what_it_has_not)
{
	bpf_res_spin_unlock(&first);
	return 0;
}

PROGRAM("tc", does_not_look)
{
	bpf_res_spin_lock(&first);
	bpf_res_spin_unlock(&first);
	return 0;
}

PROGRAM("tc", twice_the_same)
{
	if (bpf_res_spin_lock(&first))
		return 0;
	if (!bpf_res_spin_lock(&first))
		bpf_res_spin_unlock(&first);
	bpf_res_spin_unlock(&first);
	return 0;
}

PROGRAM("tc", twice_the_same_value)
{
	struct counter *c = counter(0);

	if (!c || bpf_res_spin_lock(&c->lock))
		return 0;
	if (!bpf_res_spin_lock(&c->lock))
		bpf_res_spin_unlock(&c->lock);
	bpf_res_spin_unlock(&c->lock);
	return 0;
}

PROGRAM("tc", wrong_order)
{
	if (bpf_res_spin_lock(&first))
		return 0;
	if (bpf_res_spin_lock(&second)) {
		bpf_res_spin_unlock(&first);
		return 0;
	}
	bpf_res_spin_unlock(&first);
	bpf_res_spin_unlock(&second);
	return 0;
}

PROGRAM("tc", gives_another)
{
	if (bpf_res_spin_lock(&first))
		return 0;
	bpf_res_spin_unlock(&second);
	return 0;
}

PROGRAM("tc", gives_back_without_interrupts)
{
	unsigned long flags;

	if (bpf_res_spin_lock_irqsave(&first, &flags))
		return 0;
	bpf_res_spin_unlock(&first);
	return 0;
}

PROGRAM("tc", restores_what_was_not_saved)
{
	unsigned long flags = 0;

	if (bpf_res_spin_lock(&first))
		return 0;
	bpf_res_spin_unlock_irqrestore(&first, &flags);
	return 0;
}

PROGRAM("tc", calls_a_helper)
{
	if (bpf_res_spin_lock(&first))
		return 0;
	total = bpf_ktime_get_ns();
	bpf_res_spin_unlock(&first);
	return 0;
}

PROGRAM("tc", looks_up_meanwhile)
{
	if (bpf_res_spin_lock(&first))
		return 0;
	counter(0);
	bpf_res_spin_unlock(&first);
	return 0;
}

PROGRAM("tc", no_lock_there)
{
	struct counter *c = counter(0);

	if (!c || bpf_res_spin_lock((void *)&c->hits))
		return 0;
	bpf_res_spin_unlock((void *)&c->hits);
	return 0;
}

PROGRAM("tc", writes_the_lock)
{
	struct counter *c = counter(0);

	if (c)
		*(volatile u32 *)&c->lock = 1;
	return 0;
}

PROGRAM("tc", may_be_null)
{
	struct counter *c = counter(0);

	if (bpf_res_spin_lock(&c->lock))
		return 0;
	bpf_res_spin_unlock(&c->lock);
	return 0;
}
