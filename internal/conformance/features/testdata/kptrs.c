// SPDX-License-Identifier: Apache-2.0
// Pointers to the kernel's objects in maps: exchanged, stored, read.
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

PROGRAM("tc", task_in)
{
	V;
	T;
	t = bpf_kptr_xchg(&v->t, t);
	if (t)
		bpf_task_release(t);
	return 0;
}

PROGRAM("tc", task_in_leak)
{
	V;
	T;
	t = bpf_kptr_xchg(&v->t, t);
	return 0;
}

PROGRAM("tc", task_in_use)
{
	V;
	T;
	struct task_struct *o = bpf_kptr_xchg(&v->t, t);
	if (o)
		bpf_task_release(o);
	return t->pid;
}

PROGRAM("tc", task_in_release)
{
	V;
	T;
	struct task_struct *o = bpf_kptr_xchg(&v->t, t);
	if (o)
		bpf_task_release(o);
	bpf_task_release(t);
	return 0;
}

PROGRAM("tc", task_in_cgroup)
{
	V;
	T;
	void *o = bpf_kptr_xchg(&v->c, t);
	return 0;
}

PROGRAM("tc", task_in_local)
{
	V;
	T;
	void *o = bpf_kptr_xchg(&v->d, t);
	return 0;
}

PROGRAM("tc", local_in_task)
{
	V;
	struct al_data *d = new_obj(struct al_data);
	if (!d)
		return 0;
	void *o = bpf_kptr_xchg(&v->t, d);
	return 0;
}

PROGRAM("tc", big_in_data)
{
	V;
	struct al_big *d = new_obj(struct al_big);
	if (!d)
		return 0;
	void *o = bpf_kptr_xchg(&v->d, d);
	return 0;
}

PROGRAM("tc", task_load)
{
	V;
	struct task_struct *t = v->t;
	if (!t)
		return 0;
	return t->pid;
}

PROGRAM("tc", task_load_nonull)
{
	V;
	struct task_struct *t = v->t;
	return t->pid;
}

PROGRAM("tc", task_load_acquire)
{
	V;
	struct task_struct *t = v->t;
	if (!t)
		return 0;
	t = bpf_task_acquire(t);
	if (!t)
		return 0;
	bpf_task_release(t);
	return 0;
}

PROGRAM("tc", task_load_release)
{
	V;
	struct task_struct *t = v->t;
	if (!t)
		return 0;
	bpf_task_release(t);
	return 0;
}

PROGRAM("syscall", task_load_acquire_sleep)
{
	V;
	struct task_struct *t = v->t;
	if (!t)
		return 0;
	t = bpf_task_acquire(t);
	if (!t)
		return 0;
	bpf_task_release(t);
	return 0;
}

PROGRAM("tc", cpumask_load)
{
	V;
	struct bpf_cpumask *m = v->m;
	return !!m;
}

PROGRAM("tc", cgroup_load)
{
	V;
	struct cgroup *m = v->c;
	if (!m)
		return 0;
	m = bpf_cgroup_acquire(m);
	if (m)
		bpf_cgroup_release(m);
	return 0;
}

PROGRAM("tc", u_store)
{
	V;
	T;
	v->u = t;
	bpf_task_release(t);
	return 0;
}

PROGRAM("tc", u_store_null)
{
	V;
	v->u = NULL;
	return 0;
}

PROGRAM("tc", u_store_imm)
{
	V;
	v->u = (void *)5;
	return 0;
}

PROGRAM("tc", u_store_zero_reg)
{
	V;
	u64 z = bpf_get_prandom_u32();
	if (z)
		return 0;
	*(volatile u64 *)&v->u = z;
	return 0;
}

PROGRAM("tc", u_store_any)
{
	V;
	u64 z = bpf_get_prandom_u32();
	*(volatile u64 *)&v->u = z;
	return 0;
}

PROGRAM("tc", u_store_ctx)
{
	V;
	*(volatile u64 *)&v->u = (u64)ctx;
	return 0;
}

PROGRAM("tc", u_store_cgroup)
{
	V;
	struct cgroup *c = v->c;
	*(void *volatile *)&v->u = c;
	return 0;
}

PROGRAM("tc", u_store_loaded)
{
	V;
	struct task_struct *c = v->u;
	*(void *volatile *)&v->u = c;
	return 0;
}

PROGRAM("tc", u_store_parent)
{
	V;
	T;
	*(void *volatile *)&v->u = t->real_parent;
	bpf_task_release(t);
	return 0;
}

PROGRAM("tc", u_load)
{
	V;
	struct task_struct *c = v->u;
	if (!c)
		return 0;
	return c->pid;
}

PROGRAM("tc", u_load_acq)
{
	V;
	struct task_struct *c = v->u;
	if (!c)
		return 0;
	c = bpf_task_acquire(c);
	if (c)
		bpf_task_release(c);
	return 0;
}

PROGRAM("tc", u_xchg)
{
	V;
	T;
	t = bpf_kptr_xchg(&v->u, t);
	if (t)
		bpf_task_release(t);
	return 0;
}

PROGRAM("tc", b_store_big)
{
	V;
	struct al_big *b = new_obj(struct al_big);
	if (!b)
		return 0;
	v->b = b;
	drop(b);
	return 0;
}

PROGRAM("tc", b_store_first)
{
	V;
	struct al_big *b = new_obj(struct al_big);
	if (!b)
		return 0;
	v->ud = &b->d;
	drop(b);
	return 0;
}

PROGRAM("tc", b_store_off)
{
	V;
	struct al_big *b = new_obj(struct al_big);
	if (!b)
		return 0;
	*(void *volatile *)&v->b = (char *)b + 8;
	drop(b);
	return 0;
}

PROGRAM("tc", b_load)
{
	V;
	struct al_big *b = v->b;
	if (!b)
		return 0;
	return b->z;
}

PROGRAM("tc", t_store)
{
	V;
	T;
	*(void *volatile *)&v->t = t;
	bpf_task_release(t);
	return 0;
}

PROGRAM("tc", t_atomic)
{
	V;
	__sync_fetch_and_add((u64 *)&v->t, 1);
	return 0;
}

PROGRAM("tc", u_atomic)
{
	V;
	__sync_fetch_and_add((u64 *)&v->u, 1);
	return 0;
}

PROGRAM("tc", copy_value)
{
	V;
	u32 k = 1;
	bpf_map_update_elem(&hashed, &k, v, 0);
	return 0;
}

PROGRAM("tc", xchg_args_swapped)
{
	V;
	T;
	t = bpf_kptr_xchg(t, &v->t);
	return 0;
}

PROGRAM("tc", xchg_stack)
{
	u64 x = 0;
	T;
	t = bpf_kptr_xchg(&x, t);
	return 0;
}

PROGRAM("tc", xchg_maybe)
{
	struct al_value *v = val();
	T;
	t = bpf_kptr_xchg(&v->t, t);
	if (t)
		bpf_task_release(t);
	return 0;
}

PROGRAM("tc", xchg_task_maybe)
{
	V;
	struct task_struct *t = bpf_task_from_pid(1);
	t = bpf_kptr_xchg(&v->t, t);
	if (t)
		bpf_task_release(t);
	return 0;
}

PROGRAM("tc", xchg_rcu_task)
{
	V;
	struct task_struct *t = v->t;
	if (!t)
		return 0;
	t = bpf_kptr_xchg(&v->t, t);
	if (t)
		bpf_task_release(t);
	return 0;
}

PROGRAM("tp_btf/task_newtask", xchg_trusted)
{
	V;
	struct task_struct *t = (void *)ctx[0];
	t = bpf_kptr_xchg(&v->t, t);
	if (t)
		bpf_task_release(t);
	return 0;
}

PROGRAM("tc", prune_ref)
{
	V;
	struct task_struct *t = bpf_task_from_pid(1), *s;
	if (!t)
		return 0;
	s = bpf_task_from_pid(2);
	if (!s) {
		bpf_task_release(t);
		return 0;
	}
	if (bpf_get_prandom_u32() & 1) {
		struct task_struct *x = t;
		t = s;
		s = x;
	}
	bpf_task_release(t);
	t = bpf_kptr_xchg(&v->t, s);
	if (t)
		bpf_task_release(t);
	return 0;
}
