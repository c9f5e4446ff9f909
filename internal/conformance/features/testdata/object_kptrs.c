// SPDX-License-Identifier: Apache-2.0
// Pointers to allocated objects in maps and in other objects.
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

PROGRAM("tc", access_lock)
{
	struct al_elem *p = new_obj(struct al_elem);
	if (!p)
		return 0;
	int r = *(volatile u32 *)&p->lock;
	drop(p);
	return r;
}

PROGRAM("tc", access_ref)
{
	struct al_node *p = new_obj(struct al_node);
	if (!p)
		return 0;
	*(volatile u32 *)&p->ref = 3;
	drop(p);
	return 0;
}

PROGRAM("tc", access_kptr)
{
	struct al_node *p = new_obj(struct al_node);
	if (!p)
		return 0;
	struct al_plain *o = *(struct al_plain *volatile *)&p->own;
	drop(p);
	return !!o;
}

PROGRAM("tc", null_own)
{
	struct al_node *p = new_obj(struct al_node);
	if (!p)
		return 0;
	*(struct al_plain *volatile *)&p->own = NULL;
	drop(p);
	return 0;
}

PROGRAM("tc", xchg_own)
{
	struct al_node *n = new_obj(struct al_node);
	if (!n)
		return 0;
	struct al_plain *p = new_obj(struct al_plain);
	if (!p) {
		drop(n);
		return 0;
	}
	p = bpf_kptr_xchg(&n->own, p);
	if (p)
		drop(p);
	drop(n);
	return 0;
}

PROGRAM("tc", xchg_own_leak)
{
	struct al_node *n = new_obj(struct al_node);
	if (!n)
		return 0;
	struct al_plain *p = new_obj(struct al_plain);
	if (!p) {
		drop(n);
		return 0;
	}
	p = bpf_kptr_xchg(&n->own, p);
	drop(n);
	return 0;
}

PROGRAM("tc", xchg_self)
{
	struct al_node *n = new_obj(struct al_node);
	if (!n)
		return 0;
	struct al_value *v = val();
	if (!v) {
		drop(n);
		return 0;
	}
	void *old = bpf_kptr_xchg(&v->n, n);
	if (old)
		drop(old);
	return n->key;
}

PROGRAM("tc", xchg_wrong)
{
	struct al_plain *n = new_obj(struct al_plain);
	if (!n)
		return 0;
	struct al_value *v = val();
	if (!v) {
		drop(n);
		return 0;
	}
	void *old = bpf_kptr_xchg(&v->n, n);
	if (old)
		drop(old);
	return 0;
}

PROGRAM("tc", xchg_null)
{
	struct al_value *v = val();
	if (!v)
		return 0;
	void *old = bpf_kptr_xchg(&v->n, NULL);
	if (old)
		drop(old);
	return 0;
}

PROGRAM("tc", xchg_maybe_null)
{
	struct al_node *n = new_obj(struct al_node);
	struct al_value *v = val();
	if (!v) {
		if (n)
			drop(n);
		return 0;
	}
	void *old = bpf_kptr_xchg(&v->n, n);
	if (old)
		drop(old);
	return 0;
}

PROGRAM("tc", xchg_untrusted_field)
{
	struct al_value *v = val();
	if (!v)
		return 0;
	void *old = bpf_kptr_xchg(&v->u, NULL);
	return 0;
}

PROGRAM("tc", xchg_plain_field)
{
	struct al_value *v = val();
	if (!v)
		return 0;
	void *old = bpf_kptr_xchg(&v->plain, NULL);
	return 0;
}

PROGRAM("tc", xchg_var)
{
	struct al_value *v = val();
	if (!v)
		return 0;
	u64 o = bpf_get_prandom_u32() & 8;
	HIDES(o);
	void *old = bpf_kptr_xchg((char *)v + o, NULL);
	return 0;
}

PROGRAM("tc", xchg_off)
{
	struct al_node *n = new_obj(struct al_node);
	if (!n)
		return 0;
	struct al_value *v = val();
	if (!v) {
		drop(n);
		return 0;
	}
	void *old = bpf_kptr_xchg(&v->n, (char *)n + 8);
	if (old)
		drop(old);
	return 0;
}

PROGRAM("tc", xchg_number)
{
	struct al_value *v = val();
	if (!v)
		return 0;
	void *old = bpf_kptr_xchg(&v->n, (void *)5);
	if (old)
		drop(old);
	return 0;
}

PROGRAM("tc", load_local)
{
	struct al_value *v = val();
	if (!v)
		return 0;
	struct al_plain *p = v->p;
	if (!p)
		return 0;
	return p->a;
}

PROGRAM("tc", load_local_write)
{
	struct al_value *v = val();
	if (!v)
		return 0;
	struct al_plain *p = v->p;
	if (!p)
		return 0;
	p->a = 3;
	return 0;
}

PROGRAM("tc", load_local_null)
{
	struct al_value *v = val();
	if (!v)
		return 0;
	struct al_plain *p = v->p;
	return p->a;
}

PROGRAM("tc", load_local_drop)
{
	struct al_value *v = val();
	if (!v)
		return 0;
	struct al_plain *p = v->p;
	if (!p)
		return 0;
	drop(p);
	return 0;
}

PROGRAM("tc", load_local_xchg)
{
	struct al_value *v = val();
	if (!v)
		return 0;
	struct al_plain *p = v->p;
	if (!p)
		return 0;
	bpf_kptr_xchg(&v->p, p);
	return 0;
}

PROGRAM("syscall", load_local_sleepable)
{
	struct al_value *v = val();
	if (!v)
		return 0;
	struct al_plain *p = v->p;
	if (!p)
		return 0;
	return p->a;
}

PROGRAM("syscall", load_local_sleepable_write)
{
	struct al_value *v = val();
	if (!v)
		return 0;
	struct al_plain *p = v->p;
	if (!p)
		return 0;
	p->a = 1;
	return 0;
}

PROGRAM("syscall", load_local_rcu)
{
	struct al_value *v = val();
	if (!v)
		return 0;
	bpf_rcu_read_lock();
	struct al_plain *p = v->p;
	int r = p ? p->a : 0;
	bpf_rcu_read_unlock();
	return r;
}

PROGRAM("syscall", load_local_rcu_after)
{
	struct al_value *v = val();
	if (!v)
		return 0;
	bpf_rcu_read_lock();
	struct al_plain *p = v->p;
	if (!p) {
		bpf_rcu_read_unlock();
		return 0;
	}
	bpf_rcu_read_unlock();
	return p->a;
}

PROGRAM("syscall", load_local_rcu_after_write)
{
	struct al_value *v = val();
	if (!v)
		return 0;
	bpf_rcu_read_lock();
	struct al_plain *p = v->p;
	if (!p) {
		bpf_rcu_read_unlock();
		return 0;
	}
	bpf_rcu_read_unlock();
	p->a = 1;
	return 0;
}

PROGRAM("tc", load_node)
{
	struct al_value *v = val();
	if (!v)
		return 0;
	struct al_node *p = v->n;
	if (!p)
		return 0;
	return p->key;
}

PROGRAM("tc", load_node_acquire)
{
	struct al_value *v = val();
	if (!v)
		return 0;
	struct al_node *p = v->n;
	if (!p)
		return 0;
	struct al_node *m = acquire(p);
	if (!m)
		return 0;
	m->data = 1;
	drop(m);
	return 0;
}

PROGRAM("tc", load_node_acquire_null)
{
	struct al_value *v = val();
	if (!v)
		return 0;
	struct al_node *p = v->n;
	if (!p)
		return 0;
	struct al_node *m = acquire(p);
	m->data = 1;
	drop(m);
	return 0;
}

PROGRAM("tc", load_node_data)
{
	struct al_value *v = val();
	if (!v)
		return 0;
	struct al_node *p = v->n;
	if (!p)
		return 0;
	return p->key + p->data;
}

PROGRAM("tc", xchg_moves)
{
	struct al_value *v = val();
	if (!v)
		return 0;
	struct al_plain *p = bpf_kptr_xchg(&v->p, NULL);
	if (!p)
		return 0;
	struct al_node *n = new_obj(struct al_node);
	if (!n) {
		drop(p);
		return 0;
	}
	p = bpf_kptr_xchg(&n->own, p);
	if (p)
		drop(p);
	n = bpf_kptr_xchg(&v->n, n);
	if (n)
		drop(n);
	return 0;
}

PROGRAM("tc", xchg_moves_twice)
{
	struct al_value *v = val();
	if (!v)
		return 0;
	struct al_plain *p = bpf_kptr_xchg(&v->p, NULL), *q;
	if (!p)
		return 0;
	struct al_node *n = new_obj(struct al_node);
	if (!n) {
		drop(p);
		return 0;
	}
	q = bpf_kptr_xchg(&n->own, p);
	if (q)
		drop(q);
	q = bpf_kptr_xchg(&v->p, p);
	if (q)
		drop(q);
	drop(n);
	return 0;
}

PROGRAM("tc", load_both)
{
	struct al_value *v = val();
	if (!v)
		return 0;
	struct al_plain *p = v->p;
	struct al_node *n = v->n;
	if (!p || !n)
		return 0;
	return p->a + n->key;
}

PROGRAM("syscall", load_node_late_read)
{
	struct al_value *v = val();
	if (!v)
		return 0;
	bpf_rcu_read_lock();
	struct al_node *p = v->n;
	if (!p) {
		bpf_rcu_read_unlock();
		return 0;
	}
	bpf_rcu_read_unlock();
	return p->key;
}

PROGRAM("syscall", load_node_late_write)
{
	struct al_value *v = val();
	if (!v)
		return 0;
	bpf_rcu_read_lock();
	struct al_node *p = v->n;
	if (!p) {
		bpf_rcu_read_unlock();
		return 0;
	}
	bpf_rcu_read_unlock();
	p->data = 1;
	return 0;
}

PROGRAM("syscall", load_node_late_push)
{
	struct al_value *v = val();
	if (!v)
		return 0;
	bpf_rcu_read_lock();
	struct al_node *p = v->n;
	if (!p) {
		bpf_rcu_read_unlock();
		return 0;
	}
	bpf_rcu_read_unlock();
	bpf_spin_lock(&glock);
	push(&glist, &p->l);
	bpf_spin_unlock(&glock);
	return 0;
}

PROGRAM("syscall", load_node_late_lock)
{
	struct al_value *v = val();
	if (!v)
		return 0;
	bpf_rcu_read_lock();
	struct al_node *p = v->n;
	if (!p) {
		bpf_rcu_read_unlock();
		return 0;
	}
	bpf_rcu_read_unlock();
	bpf_spin_lock(&glock);
	bpf_spin_unlock(&glock);
	return p->data;
}

PROGRAM("syscall", load_node_late_remove)
{
	struct al_value *v = val();
	if (!v)
		return 0;
	bpf_rcu_read_lock();
	struct al_node *p = v->n;
	if (!p) {
		bpf_rcu_read_unlock();
		return 0;
	}
	bpf_rcu_read_unlock();
	bpf_spin_lock(&glock);
	struct bpf_rb_node *r = bpf_rbtree_remove(&groot, &p->rb);
	bpf_spin_unlock(&glock);
	if (r)
		drop(container_of(r, struct al_node, rb));
	return 0;
}

PROGRAM("syscall", load_node_late_xchg)
{
	struct al_value *v = val();
	if (!v)
		return 0;
	bpf_rcu_read_lock();
	struct al_node *p = v->n;
	if (!p) {
		bpf_rcu_read_unlock();
		return 0;
	}
	bpf_rcu_read_unlock();
	struct al_plain *o = bpf_kptr_xchg(&p->own, NULL);
	if (o)
		drop(o);
	return 0;
}

PROGRAM("syscall", load_node_late_touch)
{
	struct al_value *v = val();
	if (!v)
		return 0;
	bpf_rcu_read_lock();
	struct al_node *p = v->n;
	if (!p) {
		bpf_rcu_read_unlock();
		return 0;
	}
	bpf_rcu_read_unlock();
	return *(volatile u32 *)&p->ref;
}
