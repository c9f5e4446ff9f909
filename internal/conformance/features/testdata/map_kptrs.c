// SPDX-License-Identifier: Apache-2.0
// Pointers in maps of all kinds, and to objects that each CPU has one of.
#include "objects.h"

struct al_data {
	u64 x, y;
};
struct al_big {
	struct al_data d;
	u64 z;
};
struct al_scal {
	u64 v[4];
};
struct prog_test_ref_kfunc {
	int c;
} CORE;
struct al_value {
	struct task_struct KPTR *t;
	struct task_struct UNTRUSTED_KPTR *u;
	struct cgroup KPTR *c;
	struct al_data KPTR *d;
	struct al_scal PERCPU_KPTR *pc;
	struct bpf_cpumask KPTR *m;
	struct al_big UNTRUSTED_KPTR *b;
	u64 plain;
	struct al_data UNTRUSTED_KPTR *ud;
};
MAP(values, ARRAY, 1, struct al_value);
MAP(hashed, HASH, 4, struct al_value);
MAP(lru, LRU_HASH, 4, struct al_value);
MAP(pcpu, 6, 4, struct al_value);
MAP(pcpuhash, 5, 4, struct al_value);
struct bpf_cpumask {
	u64 bits;
} CORE;
struct cgroup al_cg;
struct bpf_cpumask al_mask;
struct task_struct al_task;
struct al_data al_d;
struct al_big al_b;
struct al_scal al_s;
struct task_struct KPTR *gtask;
struct task_struct KPTR *garr[3];
struct al_data KPTR *gdata;

static struct al_value *val(void)
{
	u32 z = 0;
	return bpf_map_lookup_elem(&values, &z);
}

#define V struct al_value *v = val(); if (!v) return 0
#define T struct task_struct *t = bpf_task_from_pid(1); if (!t) return 0

PROGRAM("tc", percpu_in)
{
	V;
	struct al_scal *d = new_percpu(struct al_scal);
	if (!d)
		return 0;
	d = bpf_kptr_xchg(&v->pc, d);
	if (d)
		drop_percpu(d);
	return 0;
}

PROGRAM("tc", percpu_in_drop_wrong)
{
	V;
	struct al_scal *d = new_percpu(struct al_scal);
	if (!d)
		return 0;
	d = bpf_kptr_xchg(&v->pc, d);
	if (d)
		drop(d);
	return 0;
}

PROGRAM("tc", percpu_in_data)
{
	V;
	struct al_scal *d = new_percpu(struct al_scal);
	if (!d)
		return 0;
	d = bpf_kptr_xchg(&v->d, d);
	if (d)
		drop(d);
	return 0;
}

PROGRAM("tc", percpu_in_drop_after)
{
	V;
	struct al_scal *d = new_percpu(struct al_scal), *o;
	if (!d)
		return 0;
	o = bpf_kptr_xchg(&v->pc, d);
	if (o)
		drop_percpu(o);
	drop_percpu(d);
	return 0;
}

PROGRAM("tc", percpu_in_twice)
{
	V;
	struct al_scal *d = new_percpu(struct al_scal), *o;
	if (!d)
		return 0;
	o = bpf_kptr_xchg(&v->pc, d);
	if (o)
		drop_percpu(o);
	o = bpf_kptr_xchg(&v->pc, d);
	if (o)
		drop_percpu(o);
	return 0;
}

PROGRAM("tc", percpu_this)
{
	V;
	struct al_scal *d = v->pc;
	if (!d)
		return 0;
	struct al_scal *p = bpf_this_cpu_ptr(d);
	p->v[1] = 4;
	return p->v[0];
}

PROGRAM("tc", percpu_per)
{
	V;
	struct al_scal *d = v->pc;
	if (!d)
		return 0;
	struct al_scal *p = bpf_per_cpu_ptr(d, 0);
	if (!p)
		return 0;
	p->v[1] = 4;
	return p->v[0];
}

PROGRAM("tc", percpu_null)
{
	V;
	struct al_scal *d = v->pc;
	struct al_scal *p = bpf_this_cpu_ptr(d);
	p->v[1] = 4;
	return p->v[0];
}

PROGRAM("tc", percpu_past)
{
	V;
	struct al_scal *d = v->pc;
	if (!d)
		return 0;
	struct al_scal *p = bpf_this_cpu_ptr(d);
	u64 *q = (u64 *)p;
	HIDES(q);
	q[4] = 4;
	return 0;
}

PROGRAM("tc", percpu_drop_cpu)
{
	V;
	struct al_scal *d = v->pc;
	if (!d)
		return 0;
	struct al_scal *p = bpf_this_cpu_ptr(d);
	drop(p);
	return 0;
}

PROGRAM("tc", percpu_own_this)
{
	V;
	struct al_scal *d = new_percpu(struct al_scal);
	if (!d)
		return 0;
	struct al_scal *p = bpf_this_cpu_ptr(d);
	drop_percpu(d);
	return 0;
}

PROGRAM("tc", percpu_stash_this)
{
	V;
	struct al_scal *d = new_percpu(struct al_scal);
	if (!d)
		return 0;
	void *o = bpf_kptr_xchg(&v->pc, d);
	if (o)
		drop_percpu(o);
	struct al_scal *p = bpf_this_cpu_ptr(d);
	return p->v[0];
}

PROGRAM("syscall", percpu_stash_this_sleep)
{
	V;
	struct al_scal *d = new_percpu(struct al_scal);
	if (!d)
		return 0;
	void *o = bpf_kptr_xchg(&v->pc, d);
	if (o)
		drop_percpu(o);
	struct al_scal *p = bpf_this_cpu_ptr(d);
	return p->v[0];
}

PROGRAM("syscall", percpu_this_sleep)
{
	V;
	struct al_scal *d = v->pc;
	if (!d)
		return 0;
	struct al_scal *p = bpf_this_cpu_ptr(d);
	return p->v[0];
}

PROGRAM("syscall", percpu_this_rcu)
{
	V;
	bpf_rcu_read_lock();
	struct al_scal *d = v->pc;
	int r = 0;
	if (d) {
		struct al_scal *p = bpf_this_cpu_ptr(d);
		r = p->v[0];
	}
	bpf_rcu_read_unlock();
	return r;
}

PROGRAM("syscall", percpu_this_rcu_late)
{
	V;
	bpf_rcu_read_lock();
	struct al_scal *d = v->pc, *p;
	if (!d) {
		bpf_rcu_read_unlock();
		return 0;
	}
	p = bpf_this_cpu_ptr(d);
	bpf_rcu_read_unlock();
	return p->v[0];
}

PROGRAM("syscall", percpu_this_rcu_late_w)
{
	V;
	bpf_rcu_read_lock();
	struct al_scal *d = v->pc, *p;
	if (!d) {
		bpf_rcu_read_unlock();
		return 0;
	}
	p = bpf_this_cpu_ptr(d);
	bpf_rcu_read_unlock();
	p->v[0] = 1;
	return 0;
}

PROGRAM("tc", percpu_read_raw)
{
	V;
	struct al_scal *d = v->pc;
	if (!d)
		return 0;
	return d->v[0];
}

PROGRAM("tc", percpu_indirect)
{
	V;
	u64 x;
	return bpf_probe_read_kernel(&v->pc, 8, &x);
}

PROGRAM("tc", kptr_indirect)
{
	V;
	u64 x;
	return bpf_probe_read_kernel(&v->t, 8, &x);
}

PROGRAM("tc", percpu_half)
{
	V;
	*(volatile u32 *)&v->pc = 0;
	return 0;
}

PROGRAM("tc", percpu_mis)
{
	V;
	return *(volatile u64 *)((char *)&v->pc + 4);
}

PROGRAM("tc", percpu_store)
{
	V;
	v->pc = NULL;
	return 0;
}

PROGRAM("tc", global_task)
{
	T;
	t = bpf_kptr_xchg(&gtask, t);
	if (t)
		bpf_task_release(t);
	return 0;
}

PROGRAM("tc", global_arr)
{
	T;
	t = bpf_kptr_xchg(&garr[2], t);
	if (t)
		bpf_task_release(t);
	return 0;
}

PROGRAM("tc", global_arr_var)
{
	T;
	u64 i = bpf_get_prandom_u32() & 1;
	t = bpf_kptr_xchg(&garr[i], t);
	if (t)
		bpf_task_release(t);
	return 0;
}

PROGRAM("tc", in_hash)
{
	T;
	u32 k = 1;
	struct al_value *v = bpf_map_lookup_elem(&hashed, &k);
	if (v)
		t = bpf_kptr_xchg(&v->t, t);
	if (t)
		bpf_task_release(t);
	return 0;
}

PROGRAM("tc", in_lru)
{
	T;
	u32 k = 1;
	struct al_value *v = bpf_map_lookup_elem(&lru, &k);
	if (v)
		t = bpf_kptr_xchg(&v->t, t);
	if (t)
		bpf_task_release(t);
	return 0;
}

PROGRAM("tc", in_pcpu)
{
	T;
	u32 k = 1;
	struct al_value *v = bpf_map_lookup_elem(&pcpu, &k);
	if (v)
		t = bpf_kptr_xchg(&v->t, t);
	if (t)
		bpf_task_release(t);
	return 0;
}

PROGRAM("tc", in_pcpuhash)
{
	T;
	u32 k = 1;
	struct al_value *v = bpf_map_lookup_elem(&pcpuhash, &k);
	if (v)
		t = bpf_kptr_xchg(&v->t, t);
	if (t)
		bpf_task_release(t);
	return 0;
}

static int each(void *map, u32 *key, struct al_value *v, void *c)
{
	struct task_struct *t = bpf_kptr_xchg(&v->t, NULL);
	if (t)
		bpf_task_release(t);
	return 0;
}

PROGRAM("tc", each_drain)
{
	bpf_for_each_map_elem(&hashed, each, NULL, 0);
	return 0;
}

static int each_leak(void *map, u32 *key, struct al_value *v, void *c)
{
	struct task_struct *t = bpf_kptr_xchg(&v->t, NULL);
	return 0;
}

PROGRAM("tc", each_leaks)
{
	bpf_for_each_map_elem(&hashed, each_leak, NULL, 0);
	return 0;
}
