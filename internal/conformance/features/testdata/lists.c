// SPDX-License-Identifier: Apache-2.0
// Lists of allocated objects, and the locks that protect them.
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

PROGRAM("tc", push_ok)
{
	NEW(n);
	LOCK;
	push(&glist, &n->l);
	n->data = 4;
	UNLOCK;
	return 0;
}

PROGRAM("tc", push_nolock)
{
	NEW(n);
	push(&glist, &n->l);
	return 0;
}

PROGRAM("tc", push_wrong_lock)
{
	NEW(n);
	bpf_spin_lock(&glock2);
	push(&glist, &n->l);
	bpf_spin_unlock(&glock2);
	return 0;
}

PROGRAM("tc", push_use_after_unlock)
{
	NEW(n);
	LOCK;
	push(&glist, &n->l);
	UNLOCK;
	return n->data;
}

PROGRAM("tc", push_twice)
{
	NEW(n);
	LOCK;
	push(&glist, &n->l);
	push(&glist, &n->l);
	UNLOCK;
	return 0;
}

PROGRAM("tc", push_drop)
{
	NEW(n);
	LOCK;
	push(&glist, &n->l);
	UNLOCK;
	drop(n);
	return 0;
}

PROGRAM("tc", push_wrong_node_off)
{
	NEW(n);
	LOCK;
	push(&glist, (void *)&n->key);
	UNLOCK;
	return 0;
}

PROGRAM("tc", push_rb_node)
{
	NEW(n);
	LOCK;
	push(&glist, (void *)&n->rb);
	UNLOCK;
	return 0;
}

PROGRAM("tc", push_other_type)
{
	NEWO(n);
	LOCK;
	push(&glist, (void *)&n->rb);
	UNLOCK;
	return 0;
}

PROGRAM("tc", push_into_plain)
{
	NEW(n);
	LOCK;
	push((void *)&gplain, &n->l);
	UNLOCK;
	return 0;
}

PROGRAM("tc", push_into_stack)
{
	NEW(n);
	struct bpf_list_head h = {};
	LOCK;
	push(&h, &n->l);
	UNLOCK;
	return 0;
}

PROGRAM("tc", push_arr1)
{
	NEW(n);
	LOCK;
	push(&garr[1], &n->l);
	UNLOCK;
	return 0;
}

PROGRAM("tc", push_arr_var)
{
	NEW(n);
	u64 i = bpf_get_prandom_u32() & 1;
	LOCK;
	push(&garr[i], &n->l);
	UNLOCK;
	return 0;
}

PROGRAM("tc", push_into_tree)
{
	NEW(n);
	LOCK;
	push((void *)&groot, &n->l);
	UNLOCK;
	return 0;
}

PROGRAM("tc", push_in_map)
{
	NEW(n);
	struct al_holder *h = hold();
	if (!h) {
		drop(n);
		return 0;
	}
	bpf_spin_lock(&h->lock);
	push(&h->list, &n->l);
	bpf_spin_unlock(&h->lock);
	return 0;
}

PROGRAM("tc", push_in_map_other_lookup)
{
	NEW(n);
	struct al_holder *h = hold(), *g = hold();
	if (!h || !g) {
		drop(n);
		return 0;
	}
	bpf_spin_lock(&h->lock);
	push(&g->list, &n->l);
	bpf_spin_unlock(&h->lock);
	return 0;
}

PROGRAM("tc", push_in_obj)
{
	NEW(n);
	struct al_holder *h = new_obj(struct al_holder);
	if (!h) {
		drop(n);
		return 0;
	}
	bpf_spin_lock(&h->lock);
	push(&h->list, &n->l);
	bpf_spin_unlock(&h->lock);
	drop(h);
	return 0;
}

PROGRAM("tc", push_in_obj_other)
{
	NEW(n);
	struct al_holder *h = new_obj(struct al_holder), *g;
	if (!h) {
		drop(n);
		return 0;
	}
	g = new_obj(struct al_holder);
	if (!g) {
		drop(n);
		drop(h);
		return 0;
	}
	bpf_spin_lock(&h->lock);
	push(&g->list, &n->l);
	bpf_spin_unlock(&h->lock);
	drop(h);
	drop(g);
	return 0;
}

PROGRAM("tc", push_in_kptr)
{
	NEW(n);
	struct al_value *v = val();
	if (!v) {
		drop(n);
		return 0;
	}
	struct al_holder *h = v->h;
	if (!h) {
		drop(n);
		return 0;
	}
	bpf_spin_lock(&h->lock);
	push(&h->list, &n->l);
	bpf_spin_unlock(&h->lock);
	return 0;
}

PROGRAM("tc", pop_ok)
{
	LOCK;
	struct bpf_list_node *l = bpf_list_pop_front(&glist);
	UNLOCK;
	if (!l)
		return 0;
	drop(LNODE(l));
	return 0;
}

PROGRAM("tc", pop_leak)
{
	LOCK;
	struct bpf_list_node *l = bpf_list_pop_back(&glist);
	UNLOCK;
	if (!l)
		return 0;
	return 0;
}

PROGRAM("tc", pop_drop_node)
{
	LOCK;
	struct bpf_list_node *l = bpf_list_pop_back(&glist);
	UNLOCK;
	if (!l)
		return 0;
	drop(l);
	return 0;
}

PROGRAM("tc", pop_nolock)
{
	struct bpf_list_node *l = bpf_list_pop_front(&glist);
	if (!l)
		return 0;
	drop(LNODE(l));
	return 0;
}

PROGRAM("tc", pop_push)
{
	LOCK;
	struct bpf_list_node *l = bpf_list_pop_front(&glist);
	if (l)
		push_back(&glist, l);
	UNLOCK;
	return 0;
}

PROGRAM("tc", pop_push_other_list)
{
	LOCK;
	struct bpf_list_node *l = bpf_list_pop_front(&glist);
	UNLOCK;
	if (!l)
		return 0;
	bpf_spin_lock(&glock2);
	push_back(&glist2, l);
	bpf_spin_unlock(&glock2);
	return 0;
}

PROGRAM("tc", pop_null_use)
{
	LOCK;
	struct bpf_list_node *l = bpf_list_pop_front(&glist);
	UNLOCK;
	return LNODE(l)->key;
}

PROGRAM("tc", front_ok)
{
	int r = 0;
	LOCK;
	struct bpf_list_node *l = bpf_list_front(&glist);
	if (l)
		r = LNODE(l)->key;
	UNLOCK;
	return r;
}

PROGRAM("tc", back_late)
{
	LOCK;
	struct bpf_list_node *l = bpf_list_back(&glist);
	UNLOCK;
	if (l)
		return LNODE(l)->key;
	return 0;
}

PROGRAM("tc", front_push)
{
	LOCK;
	struct bpf_list_node *l = bpf_list_front(&glist);
	if (l)
		push(&glist, l);
	UNLOCK;
	return 0;
}

PROGRAM("tc", front_drop)
{
	LOCK;
	struct bpf_list_node *l = bpf_list_front(&glist);
	UNLOCK;
	if (l)
		drop(LNODE(l));
	return 0;
}

PROGRAM("tc", front_nolock)
{
	struct bpf_list_node *l = bpf_list_front(&glist);
	if (l)
		return LNODE(l)->key;
	return 0;
}

PROGRAM("tc", front_nullread)
{
	int r;
	LOCK;
	struct bpf_list_node *l = bpf_list_front(&glist);
	r = LNODE(l)->key;
	UNLOCK;
	return r;
}

PROGRAM("tc", front_write)
{
	LOCK;
	struct bpf_list_node *l = bpf_list_front(&glist);
	if (l)
		LNODE(l)->data = 5;
	UNLOCK;
	return 0;
}

PROGRAM("tc", front_touch_node)
{
	int r = 0;
	LOCK;
	struct bpf_list_node *l = bpf_list_front(&glist);
	if (l)
		r = *(volatile u64 *)l;
	UNLOCK;
	return r;
}

PROGRAM("tc", front_acquire)
{
	struct al_node *m = NULL;
	LOCK;
	struct bpf_list_node *l = bpf_list_front(&glist);
	if (l)
		m = acquire(LNODE(l));
	UNLOCK;
	if (m)
		drop(m);
	return 0;
}

PROGRAM("tc", front_acquire_leak)
{
	struct al_node *m = NULL;
	LOCK;
	struct bpf_list_node *l = bpf_list_front(&glist);
	if (l)
		m = acquire(LNODE(l));
	UNLOCK;
	return !!m;
}

PROGRAM("tc", helper_under_lock)
{
	LOCK;
	bpf_ktime_get_ns();
	UNLOCK;
	return 0;
}

PROGRAM("tc", new_under_lock)
{
	LOCK;
	struct al_node *n = new_obj(struct al_node);
	UNLOCK;
	if (n)
		drop(n);
	return 0;
}

static int cb_loop(u32 i, void *c)
{
	return 0;
}

PROGRAM("tc", loop_under_lock)
{
	LOCK;
	bpf_loop(3, cb_loop, NULL, 0);
	UNLOCK;
	return 0;
}

PROGRAM("tc", loop_pop)
{
	for (int i = 0; i < 8; i++) {
		LOCK;
		struct bpf_list_node *l = bpf_list_pop_front(&glist);
		UNLOCK;
		if (!l)
			break;
		drop(LNODE(l));
	}
	return 0;
}

PROGRAM("tc", loop_front_in_lock)
{
	int s = 0;
	LOCK;
	for (int i = 0; i < 5; i++) {
		struct bpf_list_node *l = bpf_list_pop_front(&glist);
		if (!l)
			break;
		s += LNODE(l)->key;
		push_back(&glist, l);
	}
	UNLOCK;
	return s;
}

static int cb_pop(u32 i, void *c)
{
	LOCK;
	struct bpf_list_node *l = bpf_list_pop_front(&glist);
	UNLOCK;
	if (l)
		drop(LNODE(l));
	return 0;
}

PROGRAM("tc", loop_cb_pop)
{
	bpf_loop(100, cb_pop, NULL, 0);
	return 0;
}

static int cb_poplk(u32 i, void *c)
{
	LOCK;
	return 0;
}

PROGRAM("tc", loop_cb_keeps_lock)
{
	bpf_loop(100, cb_poplk, NULL, 0);
	UNLOCK;
	return 0;
}

PROGRAM("kprobe", traced)
{
	LOCK;
	UNLOCK;
	return 0;
}

PROGRAM("syscall", sys_front)
{
	int r = 0;
	LOCK;
	struct bpf_list_node *l = bpf_list_front(&glist);
	if (l)
		r = LNODE(l)->key;
	UNLOCK;
	return r;
}

PROGRAM("tc", touch_root)
{
	return *(volatile u64 *)&groot;
}

PROGRAM("tc", touch_lock)
{
	*(volatile u32 *)&glock = 0;
	return 0;
}

PROGRAM("tc", update_map)
{
	struct al_holder h = {};
	u32 k = 0;
	bpf_map_update_elem(&holders, &k, &h, 0);
	return 0;
}
