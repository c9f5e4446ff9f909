// SPDX-License-Identifier: Apache-2.0
// Objects that programs allocate: made, freed, counted, read and written.
#include "objects.h"

struct al_elem {
	u64 a;
	struct bpf_spin_lock lock;
	struct bpf_list_node l;
	u32 *p;
	struct task_struct *q;
	u64 tail[];
};
struct al_plain {
	u64 a, b;
	struct al_plain *next;
	u8 *bytes;
};
struct al_node {
	u64 key;
	struct bpf_rb_node rb;
	struct bpf_list_node l;
	struct bpf_refcount ref;
	u64 data;
	struct al_plain KPTR *own;
};
struct al_plain al_p; struct al_node al_n; struct task_struct al_t;
struct al_holder {
	struct bpf_spin_lock lock;
	struct bpf_rb_root tree CONTAINS(al_node, rb);
	struct bpf_list_head list CONTAINS(al_node, l);
	u64 n;
};
struct al_value {
	struct al_plain KPTR *p;
	struct task_struct KPTR *t;
	struct al_node KPTR *n;
	struct al_plain PERCPU_KPTR *pc;
	struct task_struct UNTRUSTED_KPTR *u;
	u64 plain;
};
MAP(values, ARRAY, 1, struct al_value);
MAP(holders, HASH, 4, struct al_holder);
struct bpf_spin_lock glock PRIVATE(A);
struct bpf_rb_root groot CONTAINS(al_node, rb) PRIVATE(A);
struct bpf_list_head glist CONTAINS(al_node, l) PRIVATE(A);
struct bpf_spin_lock glock2 PRIVATE(B);
struct bpf_rb_root groot2 CONTAINS(al_node, rb) PRIVATE(B);

static bool less(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return container_of(a, struct al_node, rb)->key < container_of(b, struct al_node, rb)->key;
}

static struct al_value *val(void)
{
	u32 z = 0;
	return bpf_map_lookup_elem(&values, &z);
}

PROGRAM("tc", new_drop)
{
	struct al_plain *p = new_obj(struct al_plain);
	if (!p)
		return 0;
	p->a = 1;
	p->b = p->a + 1;
	drop(p);
	return 0;
}

PROGRAM("tc", leak_obj)
{
	struct al_plain *p = new_obj(struct al_plain);
	if (!p)
		return 0;
	p->a = 1;
	return 0;
}

PROGRAM("tc", no_null_check)
{
	struct al_plain *p = new_obj(struct al_plain);
	p->a = 1;
	drop(p);
	return 0;
}

PROGRAM("tc", drop_null)
{
	struct al_plain *p = new_obj(struct al_plain);
	drop(p);
	return 0;
}

PROGRAM("tc", drop_twice)
{
	struct al_plain *p = new_obj(struct al_plain);
	if (!p)
		return 0;
	drop(p);
	drop(p);
	return 0;
}

PROGRAM("tc", use_after_drop)
{
	struct al_plain *p = new_obj(struct al_plain);
	if (!p)
		return 0;
	drop(p);
	return p->a;
}

PROGRAM("tc", read_past)
{
	struct al_plain *p = new_obj(struct al_plain);
	if (!p)
		return 0;
	u64 *q = (u64 *)p;
	HIDES(q);
	int r = q[4];
	drop(p);
	return r;
}

PROGRAM("tc", read_neg)
{
	struct al_plain *p = new_obj(struct al_plain);
	if (!p)
		return 0;
	u64 *q = (u64 *)p;
	HIDES(q);
	int r = q[-1];
	drop(p);
	return r;
}

PROGRAM("tc", read_ptr)
{
	struct al_plain *p = new_obj(struct al_plain);
	if (!p)
		return 0;
	struct al_plain *n = p->next;
	int r = n->a;
	drop(p);
	return r;
}

PROGRAM("tc", read_bytes)
{
	struct al_plain *p = new_obj(struct al_plain);
	if (!p)
		return 0;
	u8 *n = p->bytes;
	int r = n[5];
	drop(p);
	return r;
}

PROGRAM("tc", write_ptr)
{
	struct al_plain *p = new_obj(struct al_plain);
	if (!p)
		return 0;
	p->next = p;
	drop(p);
	return 0;
}

PROGRAM("tc", write_ctx)
{
	struct al_plain *p = new_obj(struct al_plain);
	if (!p)
		return 0;
	p->a = (u64)ctx;
	drop(p);
	return 0;
}

PROGRAM("tc", partial_ptr)
{
	struct al_plain *p = new_obj(struct al_plain);
	if (!p)
		return 0;
	*(volatile u32 *)&p->next = 1;
	drop(p);
	return 0;
}

PROGRAM("tc", straddle)
{
	struct al_plain *p = new_obj(struct al_plain);
	if (!p)
		return 0;
	char *c=(char *)p;
	HIDES(c);
	*(volatile u64 *)(c + 4) = 1;
	drop(p);
	return 0;
}

PROGRAM("tc", atomic_obj)
{
	struct al_plain *p = new_obj(struct al_plain);
	if (!p)
		return 0;
	__sync_fetch_and_add(&p->a, 5);
	drop(p);
	return 0;
}

PROGRAM("tc", var_off)
{
	struct al_plain *p = new_obj(struct al_plain);
	if (!p)
		return 0;
	u64 o = bpf_get_prandom_u32() & 8;
	HIDES(o);
	int r = *(u64 *)((char *)p + o);
	drop(p);
	return r;
}

PROGRAM("tc", drop_off)
{
	struct al_plain *p = new_obj(struct al_plain);
	if (!p)
		return 0;
	drop(&p->b);
	return 0;
}

PROGRAM("tc", probe_obj)
{
	struct al_plain *p = new_obj(struct al_plain);
	u64 x;
	if (!p)
		return 0;
	bpf_map_update_elem(&values, p, p, 0);
	drop(p);
	return 0;
}

PROGRAM("tc", mem_arg)
{
	struct al_plain *p = new_obj(struct al_plain);
	if (!p)
		return 0;
	u64 x;
	long r = bpf_probe_read_kernel(p, 8, &x);
	drop(p);
	return r;
}

PROGRAM("tc", ret_obj)
{
	struct al_plain *p = new_obj(struct al_plain);
	if (!p)
		return 0;
	return (long)p;
}

PROGRAM("tc", spill_drop)
{
	struct al_plain *p = new_obj(struct al_plain);
	if (!p)
		return 0;
	struct al_plain *volatile s = p;
	drop(p);
	return s->a;
}

NOINLINE static int dropper(struct al_plain *p)
{
	drop(p);
	return 0;
}

PROGRAM("tc", drop_in_sub)
{
	struct al_plain *p = new_obj(struct al_plain);
	if (!p)
		return 0;
	dropper(p);
	return 0;
}

PROGRAM("tc", drop_in_sub_use)
{
	struct al_plain *p = new_obj(struct al_plain);
	if (!p)
		return 0;
	dropper(p);
	return p->a;
}

static int cb_drop(u32 i, void **c)
{
	drop(*c);
	return 0;
}

PROGRAM("tc", drop_in_cb)
{
	struct al_plain *p = new_obj(struct al_plain);
	if (!p)
		return 0;
	bpf_loop(1, cb_drop, &p, 0);
	return 0;
}

static int cb_new(u32 i, void *c)
{
	struct al_plain *p = new_obj(struct al_plain);
	return 0;
}

PROGRAM("tc", leak_in_cb)
{
	bpf_loop(2, cb_new, NULL, 0);
	return 0;
}

static int cb_newdrop(u32 i, void *c)
{
	struct al_plain *p = new_obj(struct al_plain);
	if (p)
		drop(p);
	return 0;
}

PROGRAM("tc", newdrop_in_cb)
{
	bpf_loop(20, cb_newdrop, NULL, 0);
	return 0;
}

PROGRAM("tc", loop_new)
{
	for (int i = 0; i < 4; i++) {
		struct al_plain *p = new_obj(struct al_plain);
		if (!p)
			return 0;
		p->a = i;
		drop(p);
	}
	return 0;
}

PROGRAM("tc", one_path)
{
	struct al_plain *p = new_obj(struct al_plain);
	if (!p)
		return 0;
	if (bpf_get_prandom_u32())
		drop(p);
	return 0;
}

PROGRAM("tc", lock_of_obj)
{
	struct al_elem *p = new_obj(struct al_elem);
	if (!p)
		return 0;
	bpf_spin_lock(&p->lock);
	p->a = 1;
	bpf_spin_unlock(&p->lock);
	drop(p);
	return 0;
}

PROGRAM("tc", lock_two)
{
	struct al_elem *p = new_obj(struct al_elem), *q;
	if (!p)
		return 0;
	q = new_obj(struct al_elem);
	if (!q) {
		drop(p);
		return 0;
	}
	bpf_spin_lock(&p->lock);
	bpf_spin_unlock(&q->lock);
	drop(p);
	drop(q);
	return 0;
}

PROGRAM("tc", lock_nest)
{
	struct al_elem *p = new_obj(struct al_elem), *q;
	if (!p)
		return 0;
	q = new_obj(struct al_elem);
	if (!q) {
		drop(p);
		return 0;
	}
	bpf_spin_lock(&p->lock);
	bpf_spin_lock(&q->lock);
	bpf_spin_unlock(&q->lock);
	bpf_spin_unlock(&p->lock);
	drop(p);
	drop(q);
	return 0;
}

PROGRAM("tc", lock_wrong_off)
{
	struct al_elem *p = new_obj(struct al_elem);
	if (!p)
		return 0;
	bpf_spin_lock((void *)&p->a);
	bpf_spin_unlock(&p->lock);
	drop(p);
	return 0;
}

PROGRAM("tc", lock_none)
{
	struct al_plain *p = new_obj(struct al_plain);
	if (!p)
		return 0;
	bpf_spin_lock(p);
	bpf_spin_unlock(p);
	drop(p);
	return 0;
}

PROGRAM("tc", drop_locked)
{
	struct al_elem *p = new_obj(struct al_elem);
	if (!p)
		return 0;
	bpf_spin_lock(&p->lock);
	drop(p);
	return 0;
}

PROGRAM("tc", exit_locked)
{
	struct al_elem *p = new_obj(struct al_elem);
	if (!p)
		return 0;
	bpf_spin_lock(&p->lock);
	return 0;
}

PROGRAM("tc", push_lock_obj)
{
	struct al_elem *p = new_obj(struct al_elem);
	if (!p)
		return 0;
	bpf_spin_lock(&glock);
	push(&glist, &p->l);
	bpf_spin_unlock(&glock);
	return 0;
}

PROGRAM("tc", acquire_owned)
{
	struct al_node *p = new_obj(struct al_node);
	if (!p)
		return 0;
	struct al_node *m = acquire(p);
	m->data = 1;
	drop(m);
	drop(p);
	return 0;
}

PROGRAM("tc", acquire_owned_use)
{
	struct al_node *p = new_obj(struct al_node);
	if (!p)
		return 0;
	struct al_node *m = acquire(p);
	drop(p);
	m->data = 1;
	drop(m);
	return 0;
}

PROGRAM("tc", acquire_plain)
{
	struct al_plain *p = new_obj(struct al_plain);
	if (!p)
		return 0;
	struct al_plain *m = acquire(p);
	drop(m);
	drop(p);
	return 0;
}

PROGRAM("tc", acquire_inside)
{
	struct al_node *p = new_obj(struct al_node);
	if (!p)
		return 0;
	struct al_node *m = bpf_refcount_acquire_impl(&p->ref, NULL);
	drop(m);
	drop(p);
	return 0;
}

PROGRAM("tc", acquire_leak)
{
	struct al_node *p = new_obj(struct al_node);
	if (!p)
		return 0;
	struct al_node *m = acquire(p);
	drop(p);
	return 0;
}

PROGRAM("tc", percpu_new)
{
	struct al_plain *p = new_percpu(struct al_plain);
	if (p)
		drop_percpu(p);
	return 0;
}

struct scal {
	u64 a[4];
	u32 b;
};

PROGRAM("tc", percpu_new2)
{
	struct scal *p = new_percpu(struct scal);
	if (p)
		drop_percpu(p);
	return 0;
}

PROGRAM("tc", percpu_drop_as_obj)
{
	struct scal *p = new_percpu(struct scal);
	if (p)
		drop(p);
	return 0;
}

PROGRAM("tc", obj_drop_as_percpu)
{
	struct scal *p = new_obj(struct scal);
	if (p)
		drop_percpu(p);
	return 0;
}

PROGRAM("tc", percpu_read)
{
	struct scal *p = new_percpu(struct scal);
	if (!p)
		return 0;
	int r = p->a[0];
	drop_percpu(p);
	return r;
}

PROGRAM("tc", drop_value)
{
	struct al_value *v = val();
	if (!v)
		return 0;
	drop(v);
	return 0;
}

PROGRAM("tc", drop_task)
{
	struct task_struct *t = bpf_task_from_pid(1);
	if (!t)
		return 0;
	drop(t);
	return 0;
}

PROGRAM("tc", release_obj)
{
	struct al_plain *p = new_obj(struct al_plain);
	if (!p)
		return 0;
	bpf_task_release((void *)p);
	return 0;
}

PROGRAM("tc", new_bad_id)
{
	void *p = bpf_obj_new_impl(0x7fffffff, NULL);
	if (p)
		drop(p);
	return 0;
}

PROGRAM("tc", new_big_id)
{
	void *p = bpf_obj_new_impl(0x100000001ULL, NULL);
	if (p)
		drop(p);
	return 0;
}

PROGRAM("tc", new_int)
{
	void *p = bpf_obj_new_impl(__builtin_btf_type_id((u64)0, 0), NULL);
	if (p)
		drop(p);
	return 0;
}

PROGRAM("tc", new_var_id)
{
	void *p = bpf_obj_new_impl(bpf_get_prandom_u32(), NULL);
	if (p)
		drop(p);
	return 0;
}
