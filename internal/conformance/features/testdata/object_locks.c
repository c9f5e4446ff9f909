// SPDX-License-Identifier: Apache-2.0
// Locks in objects, in inner maps, two at a time: which protects what.
#include "objects.h"

struct al_data {
	u64 x, y;
};
struct al_data al_d;
struct al_node {
	struct bpf_list_node l;
	u64 key;
	struct bpf_rb_node rb;
	struct bpf_refcount ref;
	u64 data;
	struct al_data KPTR *own;
};
struct al_ex {
	struct bpf_rb_node rb;
	u64 key;
	struct bpf_spin_lock lock;
};
struct al_holder {
	struct bpf_spin_lock lock;
	struct bpf_rb_root tree CONTAINS(al_node, rb);
	struct bpf_list_head list CONTAINS(al_node, l);
	u64 n;
};
struct al_rholder {
	struct bpf_res_spin_lock lock;
	struct bpf_rb_root tree CONTAINS(al_node, rb);
	struct bpf_list_head list CONTAINS(al_node, l);
	u64 n;
};
struct al_value {
	struct al_node KPTR *n;
	struct al_data KPTR *d;
	struct al_ex KPTR *e;
	u64 plain;
};
struct al_node al_n; struct al_ex al_e;
struct inner_t { UINT(type, ARRAY); UINT(max_entries, 1); TYPE(key, u32); TYPE(value, struct al_holder); } inner SEC(".maps");
struct { UINT(type, 12); UINT(max_entries, 2); UINT(key_size, 4); UINT(value_size, 4); __typeof__(struct inner_t) *values[]; } outer SEC(".maps") = { .values = { &inner } };
struct inner_v { UINT(type, ARRAY); UINT(max_entries, 1); TYPE(key, u32); TYPE(value, struct al_value); } innerv SEC(".maps");
struct { UINT(type, 12); UINT(max_entries, 2); UINT(key_size, 4); UINT(value_size, 4); __typeof__(struct inner_v) *values[]; } outerv SEC(".maps") = { .values = { &innerv } };
MAP(holders, HASH, 4, struct al_holder);
MAP(rholders, HASH, 4, struct al_rholder);
MAP(values, ARRAY, 2, struct al_value);
struct bpf_spin_lock glock PRIVATE(A);
struct bpf_rb_root groot CONTAINS(al_node, rb) PRIVATE(A);
struct bpf_list_head glist CONTAINS(al_node, l) PRIVATE(A);
struct bpf_rb_root gex CONTAINS(al_ex, rb) PRIVATE(A);
u64 gplain;
KSYM int bpf_res_spin_lock(struct bpf_res_spin_lock *l);
KSYM void bpf_res_spin_unlock(struct bpf_res_spin_lock *l);
KSYM void *bpf_rdonly_cast(const void *p, u32 id);

static bool less(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return container_of(a, struct al_node, rb)->key < container_of(b, struct al_node, rb)->key;
}

static bool less_ex(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return container_of(a, struct al_ex, rb)->key < container_of(b, struct al_ex, rb)->key;
}

#define NEW(n) struct al_node *n = new_obj(struct al_node); if (!n) return 0
#define LOCK bpf_spin_lock(&glock)
#define UNLOCK bpf_spin_unlock(&glock)
#define NODE(r) container_of(r, struct al_node, rb)
#define LNODE(r) container_of(r, struct al_node, l)

static struct al_holder *inn(u32 k)
{
	u32 z = 0;
	void *m = bpf_map_lookup_elem(&outer, &k);
	if (!m)
		return NULL;
	return bpf_map_lookup_elem(m, &z);
}

static struct al_value *innv(u32 k)
{
	u32 z = 0;
	void *m = bpf_map_lookup_elem(&outerv, &k);
	if (!m)
		return NULL;
	return bpf_map_lookup_elem(m, &z);
}

static struct al_holder *hold(void)
{
	u32 z = 0;
	return bpf_map_lookup_elem(&holders, &z);
}

static struct al_rholder *rhold(void)
{
	u32 z = 0;
	return bpf_map_lookup_elem(&rholders, &z);
}

static struct al_value *val(u32 k)
{
	return bpf_map_lookup_elem(&values, &k);
}

PROGRAM("tc", inner_push)
{
	NEW(n);
	struct al_holder *h = inn(0);
	if (!h) {
		drop(n);
		return 0;
	}
	bpf_spin_lock(&h->lock);
	push(&h->list, &n->l);
	bpf_spin_unlock(&h->lock);
	return 0;
}

PROGRAM("tc", inner_two)
{
	NEW(n);
	struct al_holder *h = inn(0), *g;
	if (!h) {
		drop(n);
		return 0;
	}
	g = inn(1);
	if (!g) {
		drop(n);
		return 0;
	}
	bpf_spin_lock(&h->lock);
	push(&g->list, &n->l);
	bpf_spin_unlock(&h->lock);
	return 0;
}

PROGRAM("tc", inner_unlock_other)
{
	struct al_holder *h = inn(0), *g = inn(1);
	if (!h || !g)
		return 0;
	bpf_spin_lock(&h->lock);
	bpf_spin_unlock(&g->lock);
	return 0;
}

PROGRAM("tc", inner_xchg)
{
	struct al_data *d = new_obj(struct al_data);
	if (!d)
		return 0;
	struct al_value *v = innv(0);
	if (!v) {
		drop(d);
		return 0;
	}
	d = bpf_kptr_xchg(&v->d, d);
	if (d)
		drop(d);
	return 0;
}

PROGRAM("tc", inner_xchg_wrong)
{
	struct al_data *d = new_obj(struct al_data);
	if (!d)
		return 0;
	struct al_value *v = innv(0);
	if (!v) {
		drop(d);
		return 0;
	}
	d = bpf_kptr_xchg(&v->n, d);
	return 0;
}

PROGRAM("tc", inner_load)
{
	struct al_value *v = innv(0);
	if (!v)
		return 0;
	struct al_data *d = v->d;
	return d ? d->x : 0;
}

PROGRAM("tc", inner_plain)
{
	struct al_value *v = innv(0);
	if (!v)
		return 0;
	v->plain = 3;
	return 0;
}

PROGRAM("tc", inner_write)
{
	struct al_value *v = innv(0);
	if (!v)
		return 0;
	*(volatile u64 *)&v->d = 0;
	return 0;
}

PROGRAM("tc", res_push)
{
	NEW(n);
	struct al_rholder *h = rhold();
	if (!h) {
		drop(n);
		return 0;
	}
	if (bpf_res_spin_lock(&h->lock)) {
		drop(n);
		return 0;
	}
	push(&h->list, &n->l);
	n->data = 4;
	bpf_res_spin_unlock(&h->lock);
	return 0;
}

PROGRAM("tc", res_push_unlocked)
{
	NEW(n);
	struct al_rholder *h = rhold();
	if (!h) {
		drop(n);
		return 0;
	}
	push(&h->list, &n->l);
	return 0;
}

PROGRAM("tc", res_push_use)
{
	NEW(n);
	struct al_rholder *h = rhold();
	if (!h) {
		drop(n);
		return 0;
	}
	if (bpf_res_spin_lock(&h->lock)) {
		drop(n);
		return 0;
	}
	push(&h->list, &n->l);
	bpf_res_spin_unlock(&h->lock);
	return n->data;
}

PROGRAM("tc", res_other)
{
	NEW(n);
	struct al_rholder *h = rhold(), *g = rhold();
	if (!h || !g) {
		drop(n);
		return 0;
	}
	if (bpf_res_spin_lock(&h->lock)) {
		drop(n);
		return 0;
	}
	push(&g->list, &n->l);
	bpf_res_spin_unlock(&h->lock);
	return 0;
}

PROGRAM("tc", res_failed)
{
	NEW(n);
	struct al_rholder *h = rhold();
	if (!h) {
		drop(n);
		return 0;
	}
	if (!bpf_res_spin_lock(&h->lock)) {
		bpf_res_spin_unlock(&h->lock);
		drop(n);
		return 0;
	}
	push(&h->list, &n->l);
	return 0;
}

PROGRAM("tc", res_both)
{
	NEW(n);
	struct al_rholder *h = rhold(), *g = rhold();
	if (!h || !g) {
		drop(n);
		return 0;
	}
	if (bpf_res_spin_lock(&h->lock)) {
		drop(n);
		return 0;
	}
	if (bpf_res_spin_lock(&g->lock)) {
		bpf_res_spin_unlock(&h->lock);
		drop(n);
		return 0;
	}
	push(&h->list, &n->l);
	n->data = 1;
	bpf_res_spin_unlock(&g->lock);
	n->data = 2;
	bpf_res_spin_unlock(&h->lock);
	return 0;
}

PROGRAM("tc", res_tree)
{
	NEW(n);
	struct al_rholder *h = rhold();
	if (!h) {
		drop(n);
		return 0;
	}
	if (bpf_res_spin_lock(&h->lock)) {
		drop(n);
		return 0;
	}
	add(&h->tree, &n->rb, less);
	bpf_res_spin_unlock(&h->lock);
	return 0;
}

PROGRAM("tc", res_then_spin)
{
	NEW(n);
	struct al_rholder *h = rhold();
	if (!h) {
		drop(n);
		return 0;
	}
	if (bpf_res_spin_lock(&h->lock)) {
		drop(n);
		return 0;
	}
	LOCK;
	UNLOCK;
	bpf_res_spin_unlock(&h->lock);
	drop(n);
	return 0;
}

PROGRAM("tc", spin_then_res)
{
	NEW(n);
	struct al_rholder *h = rhold();
	if (!h) {
		drop(n);
		return 0;
	}
	LOCK;
	if (bpf_res_spin_lock(&h->lock)) {
		UNLOCK;
		drop(n);
		return 0;
	}
	bpf_res_spin_unlock(&h->lock);
	UNLOCK;
	drop(n);
	return 0;
}

PROGRAM("tc", spin_then_res_order)
{
	NEW(n);
	struct al_rholder *h = rhold();
	if (!h) {
		drop(n);
		return 0;
	}
	LOCK;
	if (bpf_res_spin_lock(&h->lock)) {
		UNLOCK;
		drop(n);
		return 0;
	}
	UNLOCK;
	bpf_res_spin_unlock(&h->lock);
	drop(n);
	return 0;
}

NOINLINE int glob_lock(void)
{
	LOCK;
	UNLOCK;
	return gplain;
}

PROGRAM("tc", lock_in_global)
{
	return glob_lock();
}

PROGRAM("tc", global_in_lock)
{
	LOCK;
	int r = glob_lock();
	UNLOCK;
	return r;
}

NOINLINE int glob_keep(void)
{
	LOCK;
	return 0;
}

PROGRAM("tc", keep_in_global)
{
	glob_keep();
	UNLOCK;
	return 0;
}

PROGRAM("tc", lock_states)
{
	struct al_holder *h = hold(), *g = hold();
	if (!h || !g)
		return 0;
	struct al_holder *x = h;
	if (bpf_get_prandom_u32() & 1)
		x = g;
	bpf_spin_lock(&x->lock);
	bpf_spin_unlock(&h->lock);
	return 0;
}

PROGRAM("tc", lock_states_ok)
{
	struct al_holder *h = hold(), *g = hold();
	if (!h || !g)
		return 0;
	struct al_holder *x = h;
	if (bpf_get_prandom_u32() & 1)
		x = g;
	bpf_spin_lock(&x->lock);
	x->n++;
	bpf_spin_unlock(&x->lock);
	return 0;
}

PROGRAM("tc", lock_maybe)
{
	u32 c = bpf_get_prandom_u32() & 1;
	if (c)
		LOCK;
	gplain++;
	if (c)
		UNLOCK;
	return 0;
}

PROGRAM("tc", lock_maybe_bad)
{
	u32 c = bpf_get_prandom_u32() & 1;
	if (c)
		LOCK;
	gplain++;
	UNLOCK;
	return 0;
}

PROGRAM("tc", lock_obj_or_map)
{
	NEW(n);
	struct al_ex *e = new_obj(struct al_ex);
	if (!e) {
		drop(n);
		return 0;
	}
	bpf_spin_lock(&e->lock);
	push(&glist, &n->l);
	bpf_spin_unlock(&e->lock);
	drop(e);
	return 0;
}

PROGRAM("tc", lock_node_of_tree)
{
	struct al_ex *e = new_obj(struct al_ex);
	if (!e)
		return 0;
	LOCK;
	add(&gex, &e->rb, less_ex);
	bpf_spin_lock(&e->lock);
	UNLOCK;
	return 0;
}

PROGRAM("tc", lock_node_nonown)
{
	struct al_ex *e = new_obj(struct al_ex);
	if (!e)
		return 0;
	LOCK;
	add(&gex, &e->rb, less_ex);
	UNLOCK;
	bpf_spin_lock(&e->lock);
	bpf_spin_unlock(&e->lock);
	return 0;
}

PROGRAM("tc", lock_first)
{
	LOCK;
	struct bpf_rb_node *r = bpf_rbtree_first(&gex);
	UNLOCK;
	if (!r)
		return 0;
	return 0;
}

PROGRAM("tc", lock_removed)
{
	LOCK;
	struct bpf_rb_node *r = bpf_rbtree_first(&gex);
	if (!r) {
		UNLOCK;
		return 0;
	}
	r = bpf_rbtree_remove(&gex, r);
	UNLOCK;
	if (!r)
		return 0;
	struct al_ex *e = container_of(r, struct al_ex, rb);
	bpf_spin_lock(&e->lock);
	e->key = 1;
	bpf_spin_unlock(&e->lock);
	drop(e);
	return 0;
}

PROGRAM("tc", lock_removed_swap)
{
	LOCK;
	struct bpf_rb_node *r = bpf_rbtree_first(&gex), *s;
	if (!r) {
		UNLOCK;
		return 0;
	}
	r = bpf_rbtree_remove(&gex, r);
	s = bpf_rbtree_first(&gex);
	if (s)
		s = bpf_rbtree_remove(&gex, s);
	UNLOCK;
	if (!r) {
		if (s)
			drop(container_of(s, struct al_ex, rb));
		return 0;
	}
	if (!s) {
		drop(container_of(r, struct al_ex, rb));
		return 0;
	}
	struct al_ex *e = container_of(r, struct al_ex, rb), *f = container_of(s, struct al_ex, rb);
	bpf_spin_lock(&e->lock);
	bpf_spin_unlock(&f->lock);
	drop(e);
	drop(f);
	return 0;
}

PROGRAM("tc", xchged_lock)
{
	struct al_value *v = val(0);
	if (!v)
		return 0;
	struct al_ex *e = bpf_kptr_xchg(&v->e, NULL);
	if (!e)
		return 0;
	bpf_spin_lock(&e->lock);
	bpf_spin_unlock(&e->lock);
	drop(e);
	return 0;
}

PROGRAM("tc", xchged_lock_two)
{
	struct al_value *v = val(0);
	if (!v)
		return 0;
	struct al_ex *e = bpf_kptr_xchg(&v->e, NULL), *f;
	if (!e)
		return 0;
	f = bpf_kptr_xchg(&v->e, NULL);
	if (!f) {
		drop(e);
		return 0;
	}
	bpf_spin_lock(&e->lock);
	bpf_spin_unlock(&f->lock);
	drop(e);
	drop(f);
	return 0;
}

PROGRAM("tc", loaded_lock)
{
	struct al_value *v = val(0);
	if (!v)
		return 0;
	struct al_ex *e = v->e;
	if (!e)
		return 0;
	bpf_spin_lock(&e->lock);
	bpf_spin_unlock(&e->lock);
	return 0;
}

PROGRAM("tc", load_node_own)
{
	struct al_value *v = val(0);
	if (!v)
		return 0;
	struct al_node *n = v->n;
	if (!n)
		return 0;
	struct al_data *d = bpf_kptr_xchg(&n->own, NULL);
	if (d)
		drop(d);
	return 0;
}

PROGRAM("tc", load_node_push)
{
	struct al_value *v = val(0);
	if (!v)
		return 0;
	struct al_node *n = v->n;
	if (!n)
		return 0;
	LOCK;
	push(&glist, &n->l);
	UNLOCK;
	return 0;
}

PROGRAM("tc", load_node_remove)
{
	struct al_value *v = val(0);
	if (!v)
		return 0;
	struct al_node *n = v->n;
	if (!n)
		return 0;
	LOCK;
	struct bpf_rb_node *r = bpf_rbtree_remove(&groot, &n->rb);
	UNLOCK;
	if (r)
		drop(NODE(r));
	return 0;
}

PROGRAM("tc", load_node_over_lock)
{
	struct al_value *v = val(0);
	if (!v)
		return 0;
	struct al_node *n = v->n;
	if (!n)
		return 0;
	LOCK;
	UNLOCK;
	return n->key;
}

PROGRAM("syscall", unlock_rcu_in_lock)
{
	bpf_rcu_read_lock();
	LOCK;
	bpf_rcu_read_unlock();
	UNLOCK;
	return 0;
}
