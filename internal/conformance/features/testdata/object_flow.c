// SPDX-License-Identifier: Apache-2.0
// Owned objects through calls, callbacks, loops, branches that meet.
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

PROGRAM("tc", node_at_zero)
{
	LOCK;
	struct bpf_list_node *l = bpf_list_pop_front(&glist);
	UNLOCK;
	if (!l)
		return 0;
	drop(l);
	return 0;
}

PROGRAM("tc", cast_obj)
{
	NEW(n);
	struct al_node *m = bpf_rdonly_cast(n, __builtin_btf_type_id(*(struct task_struct *)0, 1));
	int r = ((struct task_struct *)m)->pid;
	drop(n);
	return r;
}

PROGRAM("tc", cmp_obj)
{
	NEW(n);
	struct al_node *m = new_obj(struct al_node);
	if (m == n)
		gplain = 1;
	if (m)
		drop(m);
	drop(n);
	return 0;
}

PROGRAM("tc", cmp_obj_null)
{
	struct al_node *n = new_obj(struct al_node), *m = new_obj(struct al_node);
	if (m == n) {
		if (m)
			drop(m);
		if (n)
			drop(n);
		return 0;
	}
	if (m)
		drop(m);
	if (n)
		drop(n);
	return 0;
}

PROGRAM("tc", half_spill)
{
	NEW(n);
	volatile u32 s = (u32)(u64)n;
	drop(n);
	return s;
}

PROGRAM("tc", obj_in_map)
{
	NEW(n);
	gplain = (u64)n;
	drop(n);
	return 0;
}

PROGRAM("tc", obj_minus)
{
	NEW(n);
	u64 d = (u64)n - 8;
	HIDES(d);
	int r = *(u64 *)(d + 32);
	drop(n);
	return r;
}

PROGRAM("tc", obj_and)
{
	NEW(n);
	u64 d = (u64)n & ~7ULL;
	HIDES(d);
	int r = *(u64 *)d;
	drop(n);
	return r;
}

NOINLINE int glob(struct al_node *n)
{
	if (!n)
		return 0;
	return n->key;
}

PROGRAM("tc", obj_to_global)
{
	NEW(n);
	int r = glob(n);
	drop(n);
	return r;
}

NOINLINE int glob_new(void)
{
	NEW(n);
	gplain = n->key;
	drop(n);
	return 0;
}

PROGRAM("tc", new_in_global)
{
	return glob_new();
}

NOINLINE int glob_leak(void)
{
	NEW(n);
	return n->key;
}

PROGRAM("tc", leak_in_global)
{
	return glob_leak();
}

NOINLINE static struct al_node *maker(void)
{
	return new_obj(struct al_node);
}

PROGRAM("tc", made_in_static)
{
	struct al_node *n = maker();
	if (!n)
		return 0;
	drop(n);
	return 0;
}

PROGRAM("tc", made_in_static_leak)
{
	struct al_node *n = maker();
	if (!n)
		return 0;
	return n->key;
}

PROGRAM("tc", array_of_objs)
{
	struct al_node *a[3];
	for (int i = 0; i < 3; i++)
		a[i] = new_obj(struct al_node);
	for (int i = 0; i < 3; i++) {
		if (a[i])
			drop(a[i]);
	}
	return 0;
}

PROGRAM("tc", array_of_objs_double)
{
	struct al_node *a[3];
	for (int i = 0; i < 3; i++)
		a[i] = new_obj(struct al_node);
	for (int i = 0; i < 3; i++) {
		if (a[0])
			drop(a[0]);
	}
	return 0;
}

PROGRAM("tc", swap_owned)
{
	NEW(n);
	struct al_node *m = new_obj(struct al_node), *t;
	if (!m) {
		drop(n);
		return 0;
	}
	if (bpf_get_prandom_u32() & 1) {
		t = n;
		n = m;
		m = t;
	}
	LOCK;
	push(&glist, &n->l);
	UNLOCK;
	m->data = 1;
	drop(m);
	return 0;
}

PROGRAM("tc", swap_owned_bad)
{
	NEW(n);
	struct al_node *m = new_obj(struct al_node), *t = n;
	if (!m) {
		drop(n);
		return 0;
	}
	if (bpf_get_prandom_u32() & 1)
		t = m;
	LOCK;
	push(&glist, &t->l);
	UNLOCK;
	drop(m);
	return 0;
}

static int cb_push(u32 i, struct al_node **n)
{
	struct al_node *x = *n;
	if (!x)
		return 1;
	LOCK;
	push(&glist, &x->l);
	UNLOCK;
	return 0;
}

PROGRAM("tc", push_in_cb)
{
	NEW(n);
	bpf_loop(1, cb_push, &n, 0);
	return 0;
}

static int cb_read(u32 i, struct al_node **n)
{
	gplain += (*n)->key;
	return 0;
}

PROGRAM("tc", read_in_cb)
{
	NEW(n);
	bpf_loop(10, cb_read, &n, 0);
	drop(n);
	return 0;
}

PROGRAM("tc", read_in_cb_leak)
{
	NEW(n);
	bpf_loop(10, cb_read, &n, 0);
	return 0;
}

PROGRAM("tc", may_goto_new)
{
	for (int i = 0; ; i++) {
		asm volatile goto("may_goto %l[out]" :::: out);
		struct al_node *n = new_obj(struct al_node);
		if (!n)
			break;
		LOCK;
		push(&glist, &n->l);
		UNLOCK;
	}
out:
	return 0;
}

PROGRAM("tc", may_goto_leak)
{
	for (int i = 0; ; i++) {
		asm volatile goto("may_goto %l[out]" :::: out);
		struct al_node *n = new_obj(struct al_node);
		if (!n)
			break;
		gplain = n->key;
	}
out:
	return 0;
}

PROGRAM("tc", refs_on_paths)
{
	struct al_node *n = NULL;
	if (bpf_get_prandom_u32() & 1)
		n = new_obj(struct al_node);
	if (n)
		drop(n);
	return 0;
}

PROGRAM("tc", refs_merge)
{
	struct al_node *n;
	if (bpf_get_prandom_u32() & 1) {
		n = new_obj(struct al_node);
	} else {
		LOCK;
		struct bpf_list_node *l = bpf_list_pop_front(&glist);
		UNLOCK;
		n = l ? LNODE(l) : NULL;
	}
	if (n) {
		n->data = 1;
		drop(n);
	}
	return 0;
}

PROGRAM("tc", walk_all)
{
	u64 s = 0;
	LOCK;
	struct bpf_rb_node *r = bpf_rbtree_root(&groot);
	while (r) {
		asm volatile goto("may_goto %l[out]" :::: out);
		s += NODE(r)->key;
		r = NODE(r)->key > 5 ? bpf_rbtree_left(&groot, r) : bpf_rbtree_right(&groot, r);
	}
out:
	UNLOCK;
	return s;
}

PROGRAM("tc", data_kptr_in_node)
{
	NEW(n);
	struct al_data *d = new_obj(struct al_data);
	if (!d) {
		drop(n);
		return 0;
	}
	d = bpf_kptr_xchg(&n->own, d);
	if (d)
		drop(d);
	LOCK;
	push(&glist, &n->l);
	UNLOCK;
	return 0;
}

PROGRAM("tc", data_kptr_of_nonown)
{
	NEW(n);
	LOCK;
	push(&glist, &n->l);
	UNLOCK;
	struct al_data *d = bpf_kptr_xchg(&n->own, NULL);
	if (d)
		drop(d);
	return 0;
}

PROGRAM("raw_tp", rawtp_new)
{
	NEW(n);
	drop(n);
	return 0;
}

PROGRAM("kprobe", kprobe_new)
{
	NEW(n);
	drop(n);
	return 0;
}

PROGRAM("xdp", xdp_new)
{
	NEW(n);
	drop(n);
	return 0;
}

PROGRAM("syscall", sleep_new)
{
	NEW(n);
	LOCK;
	push(&glist, &n->l);
	UNLOCK;
	return 0;
}

PROGRAM("syscall", sleep_refcounted_rcu)
{
	NEW(n);
	struct al_node *m;
	bpf_rcu_read_lock();
	LOCK;
	push(&glist, &n->l);
	m = acquire(n);
	UNLOCK;
	bpf_rcu_read_unlock();
	if (m)
		drop(m);
	return 0;
}
