// SPDX-License-Identifier: Apache-2.0
// Trees of allocated objects: inserted by a function that compares, taken out, looked at.
#include "objects.h"

struct al_data {
	u64 x;
};
struct al_data al_used;
struct al_node {
	u64 key;
	struct bpf_rb_node rb;
	struct bpf_list_node l;
	struct bpf_refcount ref;
	u64 data;
	struct al_data KPTR *own;
};
struct al_only {
	u64 key;
	struct bpf_rb_node rb;
	struct bpf_rb_node rb2;
	u64 data;
	struct bpf_spin_lock lock;
};
struct al_holder {
	struct bpf_spin_lock lock;
	struct bpf_rb_root tree CONTAINS(al_node, rb);
	struct bpf_list_head list CONTAINS(al_node, l);
	u64 n;
};
struct al_value {
	struct al_holder KPTR *h;
	struct al_node KPTR *n;
};
MAP(holders, HASH, 4, struct al_holder);
MAP(values, ARRAY, 1, struct al_value);
struct bpf_spin_lock glock PRIVATE(A);
struct bpf_rb_root groot CONTAINS(al_node, rb) PRIVATE(A);
struct bpf_list_head glist CONTAINS(al_node, l) PRIVATE(A);
struct bpf_rb_root gonly CONTAINS(al_only, rb) PRIVATE(A);
struct bpf_list_head garr[2] CONTAINS(al_node, l) PRIVATE(A);
u64 gplain PRIVATE(A);
struct bpf_spin_lock glock2 PRIVATE(B);
struct bpf_rb_root groot2 CONTAINS(al_node, rb) PRIVATE(B);
struct bpf_list_head glist2 CONTAINS(al_node, l) PRIVATE(B);

static bool less(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return container_of(a, struct al_node, rb)->key < container_of(b, struct al_node, rb)->key;
}

static bool less_only(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return container_of(a, struct al_only, rb)->key < container_of(b, struct al_only, rb)->key;
}

#define NEW(n) struct al_node *n = new_obj(struct al_node); if (!n) return 0
#define NEWO(n) struct al_only *n = new_obj(struct al_only); if (!n) return 0
#define LOCK bpf_spin_lock(&glock)
#define UNLOCK bpf_spin_unlock(&glock)
#define NODE(r) container_of(r, struct al_node, rb)
#define LNODE(r) container_of(r, struct al_node, l)

static struct al_holder *hold(void)
{
	u32 z = 0;
	return bpf_map_lookup_elem(&holders, &z);
}

static struct al_value *val(void)
{
	u32 z = 0;
	return bpf_map_lookup_elem(&values, &z);
}

PROGRAM("tc", add_ok)
{
	NEW(n);
	LOCK;
	add(&groot, &n->rb, less);
	UNLOCK;
	return 0;
}

PROGRAM("tc", add_only)
{
	NEWO(n);
	LOCK;
	add(&gonly, &n->rb, less_only);
	UNLOCK;
	return 0;
}

PROGRAM("tc", add_only_rb2)
{
	NEWO(n);
	LOCK;
	add(&gonly, &n->rb2, less_only);
	UNLOCK;
	return 0;
}

PROGRAM("tc", add_use)
{
	NEW(n);
	LOCK;
	add(&groot, &n->rb, less);
	n->data = 4;
	UNLOCK;
	return 0;
}

PROGRAM("tc", add_use_late)
{
	NEW(n);
	LOCK;
	add(&groot, &n->rb, less);
	UNLOCK;
	return n->data;
}

PROGRAM("tc", add_remove)
{
	NEW(n);
	struct bpf_rb_node *r;
	LOCK;
	add(&groot, &n->rb, less);
	r = bpf_rbtree_remove(&groot, &n->rb);
	UNLOCK;
	if (r)
		drop(NODE(r));
	return 0;
}

PROGRAM("tc", add_remove_leak)
{
	NEW(n);
	struct bpf_rb_node *r;
	LOCK;
	add(&groot, &n->rb, less);
	r = bpf_rbtree_remove(&groot, &n->rb);
	UNLOCK;
	return !!r;
}

PROGRAM("tc", add_remove_twice)
{
	NEW(n);
	struct bpf_rb_node *r, *s;
	LOCK;
	add(&groot, &n->rb, less);
	r = bpf_rbtree_remove(&groot, &n->rb);
	s = bpf_rbtree_remove(&groot, &n->rb);
	UNLOCK;
	if (r)
		drop(NODE(r));
	if (s)
		drop(NODE(s));
	return 0;
}

PROGRAM("tc", add_remove_other_tree)
{
	NEW(n);
	struct bpf_rb_node *r;
	LOCK;
	add(&groot, &n->rb, less);
	UNLOCK;
	bpf_spin_lock(&glock2);
	r = bpf_rbtree_first(&groot2);
	if (r)
		r = bpf_rbtree_remove(&groot2, r);
	bpf_spin_unlock(&glock2);
	if (r)
		drop(NODE(r));
	return 0;
}

PROGRAM("tc", remove_owned)
{
	NEW(n);
	struct bpf_rb_node *r;
	LOCK;
	r = bpf_rbtree_remove(&groot, &n->rb);
	UNLOCK;
	if (r)
		drop(NODE(r));
	drop(n);
	return 0;
}

PROGRAM("tc", remove_owned_only)
{
	NEWO(n);
	struct bpf_rb_node *r;
	LOCK;
	r = bpf_rbtree_remove(&gonly, &n->rb);
	UNLOCK;
	if (r)
		drop(container_of(r, struct al_only, rb));
	drop(n);
	return 0;
}

PROGRAM("tc", remove_first)
{
	struct bpf_rb_node *r;
	LOCK;
	r = bpf_rbtree_first(&groot);
	if (!r) {
		UNLOCK;
		return 0;
	}
	r = bpf_rbtree_remove(&groot, r);
	UNLOCK;
	if (r)
		drop(NODE(r));
	return 0;
}

PROGRAM("tc", remove_first_maybe)
{
	struct bpf_rb_node *r;
	LOCK;
	r = bpf_rbtree_first(&groot);
	r = bpf_rbtree_remove(&groot, r);
	UNLOCK;
	if (r)
		drop(NODE(r));
	return 0;
}

PROGRAM("tc", first_nolock)
{
	struct bpf_rb_node *r = bpf_rbtree_first(&groot);
	if (r)
		return NODE(r)->key;
	return 0;
}

PROGRAM("tc", walk_ok)
{
	struct bpf_rb_node *r, *l;
	int v = 0;
	LOCK;
	r = bpf_rbtree_root(&groot);
	if (r) {
		v = NODE(r)->key;
		l = bpf_rbtree_left(&groot, r);
		if (l)
			v += NODE(l)->key;
		l = bpf_rbtree_right(&groot, r);
		if (l)
			v += NODE(l)->key;
	}
	UNLOCK;
	return v;
}

PROGRAM("tc", walk_loop)
{
	struct bpf_rb_node *r;
	int v = 0;
	LOCK;
	r = bpf_rbtree_root(&groot);
	for (int i = 0; i < 20 && r; i++) {
		v += NODE(r)->key;
		r = bpf_rbtree_left(&groot, r);
	}
	UNLOCK;
	return v;
}

PROGRAM("tc", walk_late)
{
	struct bpf_rb_node *r;
	LOCK;
	r = bpf_rbtree_root(&groot);
	UNLOCK;
	if (r)
		return NODE(r)->key;
	return 0;
}

PROGRAM("tc", walk_null)
{
	struct bpf_rb_node *r, *l;
	LOCK;
	r = bpf_rbtree_root(&groot);
	l = bpf_rbtree_left(&groot, r);
	UNLOCK;
	return 0;
}

PROGRAM("tc", walk_after_unlock)
{
	struct bpf_rb_node *r, *l;
	LOCK;
	r = bpf_rbtree_root(&groot);
	UNLOCK;
	if (!r)
		return 0;
	LOCK;
	l = bpf_rbtree_left(&groot, r);
	UNLOCK;
	return 0;
}

PROGRAM("tc", walk_owned)
{
	NEW(n);
	struct bpf_rb_node *l;
	LOCK;
	l = bpf_rbtree_left(&groot, &n->rb);
	UNLOCK;
	drop(n);
	return 0;
}

PROGRAM("tc", walk_other_root)
{
	struct bpf_rb_node *r, *l;
	LOCK;
	r = bpf_rbtree_root(&groot);
	if (r)
		l = bpf_rbtree_left(&gonly, r);
	UNLOCK;
	return 0;
}

PROGRAM("tc", walk_remove)
{
	struct bpf_rb_node *r;
	LOCK;
	r = bpf_rbtree_root(&groot);
	if (!r) {
		UNLOCK;
		return 0;
	}
	r = bpf_rbtree_left(&groot, r);
	if (!r) {
		UNLOCK;
		return 0;
	}
	r = bpf_rbtree_remove(&groot, r);
	UNLOCK;
	if (r)
		drop(NODE(r));
	return 0;
}

PROGRAM("tc", only_nonown_nolock_write)
{
	NEWO(n);
	LOCK;
	add(&gonly, &n->rb, less_only);
	n->data = 1;
	UNLOCK;
	n->data = 2;
	return 0;
}

static bool less_add(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	add(&groot, a, less);
	return 0;
}

PROGRAM("tc", cb_adds)
{
	NEW(n);
	LOCK;
	add(&groot, &n->rb, less_add);
	UNLOCK;
	return 0;
}

static bool less_remove(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	bpf_rbtree_remove(&groot, a);
	return 0;
}

PROGRAM("tc", cb_removes)
{
	NEW(n);
	LOCK;
	add(&groot, &n->rb, less_remove);
	UNLOCK;
	return 0;
}

static bool less_left(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return !!bpf_rbtree_left(&groot, a);
}

PROGRAM("tc", cb_walks)
{
	NEW(n);
	LOCK;
	add(&groot, &n->rb, less_left);
	UNLOCK;
	return 0;
}

static bool less_first(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return !!bpf_rbtree_first(&groot);
}

PROGRAM("tc", cb_first)
{
	NEW(n);
	LOCK;
	add(&groot, &n->rb, less_first);
	UNLOCK;
	return 0;
}

static bool less_unlock(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	UNLOCK;
	return 0;
}

PROGRAM("tc", cb_unlocks)
{
	NEW(n);
	LOCK;
	add(&groot, &n->rb, less_unlock);
	UNLOCK;
	return 0;
}

static bool less_ret(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return *(volatile bool *)&gplain;
}

static int less_two(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return 2;
}

PROGRAM("tc", cb_returns_two)
{
	NEW(n);
	LOCK;
	add(&groot, &n->rb, (void *)less_two);
	UNLOCK;
	return 0;
}

static bool less_helper(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return bpf_get_prandom_u32() & 1;
}

PROGRAM("tc", cb_helper)
{
	NEW(n);
	LOCK;
	add(&groot, &n->rb, less_helper);
	UNLOCK;
	return 0;
}

static bool less_write(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	NODE(a)->data = 1;
	return 0;
}

PROGRAM("tc", cb_writes)
{
	NEW(n);
	LOCK;
	add(&groot, &n->rb, less_write);
	UNLOCK;
	return 0;
}

static bool less_touch(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return *(volatile u64 *)a;
}

PROGRAM("tc", cb_touches)
{
	NEW(n);
	LOCK;
	add(&groot, &n->rb, less_touch);
	UNLOCK;
	return 0;
}

static bool less_acq(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	acquire(NODE(a));
	return 0;
}

PROGRAM("tc", cb_acquires)
{
	NEW(n);
	LOCK;
	add(&groot, &n->rb, less_acq);
	UNLOCK;
	return 0;
}

static bool less_rcu(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	bpf_rcu_read_lock();
	bpf_rcu_read_unlock();
	return 0;
}

PROGRAM("tc", cb_rcu)
{
	NEW(n);
	LOCK;
	add(&groot, &n->rb, less_rcu);
	UNLOCK;
	return 0;
}

NOINLINE static int inner_cmp(struct al_node *a, struct al_node *b)
{
	return a->key < b->key;
}

static bool less_sub(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return inner_cmp(NODE(a), NODE(b));
}

PROGRAM("tc", cb_sub)
{
	NEW(n);
	LOCK;
	add(&groot, &n->rb, less_sub);
	UNLOCK;
	return 0;
}

PROGRAM("tc", cb_null)
{
	NEW(n);
	LOCK;
	add(&groot, &n->rb, NULL);
	UNLOCK;
	return 0;
}

PROGRAM("tc", xchg_under_lock)
{
	NEW(n);
	LOCK;
	add(&groot, &n->rb, less);
	struct bpf_rb_node *r = bpf_rbtree_first(&groot);
	void *old = NULL;
	if (r)
		old = bpf_kptr_xchg(&NODE(r)->own, NULL);
	UNLOCK;
	if (old)
		drop(old);
	return 0;
}

PROGRAM("tc", xchg_nonown_stash)
{
	NEW(n);
	struct al_value *v = val();
	if (!v) {
		drop(n);
		return 0;
	}
	LOCK;
	add(&groot, &n->rb, less);
	void *old = bpf_kptr_xchg(&v->n, n);
	UNLOCK;
	if (old)
		drop(old);
	return 0;
}

PROGRAM("tc", acquire_push_both)
{
	NEW(n);
	struct al_node *m = acquire(n);
	LOCK;
	add(&groot, &n->rb, less);
	push(&glist, &m->l);
	UNLOCK;
	return 0;
}

PROGRAM("tc", acquire_nonown)
{
	NEW(n);
	LOCK;
	add(&groot, &n->rb, less);
	struct al_node *m = acquire(n);
	UNLOCK;
	if (m) {
		m->data = 1;
		drop(m);
	}
	return 0;
}

PROGRAM("tc", acquire_nonown_nonull)
{
	NEW(n);
	LOCK;
	add(&groot, &n->rb, less);
	struct al_node *m = acquire(n);
	UNLOCK;
	m->data = 1;
	drop(m);
	return 0;
}

PROGRAM("tc", spill_nonown)
{
	NEW(n);
	struct al_node *volatile s;
	LOCK;
	add(&groot, &n->rb, less);
	s = n;
	UNLOCK;
	return s->data;
}

NOINLINE static int unlocker(void)
{
	UNLOCK;
	return 0;
}

PROGRAM("tc", unlock_in_sub)
{
	NEW(n);
	LOCK;
	add(&groot, &n->rb, less);
	unlocker();
	return n->data;
}

NOINLINE static int adder(struct al_node *n)
{
	add(&groot, &n->rb, less);
	return 0;
}

PROGRAM("tc", add_in_sub)
{
	NEW(n);
	LOCK;
	adder(n);
	n->data = 1;
	UNLOCK;
	return 0;
}

PROGRAM("tc", add_in_sub_late)
{
	NEW(n);
	LOCK;
	adder(n);
	UNLOCK;
	n->data = 1;
	return 0;
}

PROGRAM("tc", cmp_states)
{
	NEW(n);
	if (bpf_get_prandom_u32()) {
		LOCK;
		add(&groot, &n->rb, less);
		UNLOCK;
		n = new_obj(struct al_node);
		if (!n)
			return 0;
	}
	drop(n);
	return 0;
}

PROGRAM("tc", cmp_states2)
{
	NEW(n);
	u32 c = bpf_get_prandom_u32();
	LOCK;
	if (c)
		add(&groot, &n->rb, less);
	UNLOCK;
	if (!c)
		drop(n);
	return 0;
}

PROGRAM("tc", cmp_states3)
{
	NEW(n);
	u32 c = bpf_get_prandom_u32();
	LOCK;
	if (c)
		add(&groot, &n->rb, less);
	n->data = 5;
	UNLOCK;
	if (c)
		drop(n);
	return 0;
}
