// SPDX-License-Identifier: Apache-2.0
// Looking into trees and lists without taking nodes out (Linux 6.16).
#include "features.h"

struct bpf_rb_root {
	u64 opaque[2];
} __attribute__((aligned(8)));
struct bpf_rb_node {
	u64 opaque[4];
} __attribute__((aligned(8)));
struct bpf_list_head {
	u64 opaque[2];
} __attribute__((aligned(8)));
struct bpf_list_node {
	u64 opaque[3];
} __attribute__((aligned(8)));
struct bpf_refcount {
	u32 opaque[1];
} __attribute__((aligned(4)));

KSYM void *bpf_obj_new_impl(u64 type, void *meta);
KSYM void bpf_obj_drop_impl(void *p, void *meta);
KSYM void *bpf_refcount_acquire_impl(void *p, void *meta);
KSYM int bpf_rbtree_add_impl(struct bpf_rb_root *root, struct bpf_rb_node *node, bool (*less)(struct bpf_rb_node *a, const struct bpf_rb_node *b), void *meta, u64 off);
KSYM struct bpf_rb_node *bpf_rbtree_root(struct bpf_rb_root *root);
KSYM struct bpf_rb_node *bpf_rbtree_first(struct bpf_rb_root *root);
KSYM struct bpf_rb_node *bpf_rbtree_left(struct bpf_rb_root *root, struct bpf_rb_node *node);
KSYM struct bpf_rb_node *bpf_rbtree_right(struct bpf_rb_root *root, struct bpf_rb_node *node);
KSYM struct bpf_rb_node *bpf_rbtree_remove(struct bpf_rb_root *root, struct bpf_rb_node *node);
KSYM int bpf_list_push_front_impl(struct bpf_list_head *head, struct bpf_list_node *node, void *meta, u64 off);
KSYM struct bpf_list_node *bpf_list_front(struct bpf_list_head *head);
KSYM struct bpf_list_node *bpf_list_back(struct bpf_list_head *head);
KSYM struct bpf_list_node *bpf_list_pop_front(struct bpf_list_head *head);

static void (*const bpf_spin_lock)(struct bpf_spin_lock *lock) = (void *)93;
static void (*const bpf_spin_unlock)(struct bpf_spin_lock *lock) = (void *)94;

struct leaf {
	struct bpf_rb_node node;
	u64 key;
};
struct entry {
	struct bpf_list_node node;
	u64 key;
};
#define PRIVATE(name) SEC(".data." #name) __attribute__((aligned(8)))
struct bpf_spin_lock tree_lock PRIVATE(tree);
struct bpf_rb_root tree PRIVATE(tree) TAG("contains:leaf:node");
struct bpf_spin_lock list_lock PRIVATE(list);
struct bpf_list_head list PRIVATE(list) TAG("contains:entry:node");
u64 sum;

#define LEAF(p) ((struct leaf *)(p))
#define ENTRY(p) ((struct entry *)(p))

static bool less(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return LEAF(a)->key < LEAF(b)->key;
}

PROGRAM("tc", adds_leaf)
{
	struct leaf *l = bpf_obj_new_impl(__builtin_btf_type_id(*(struct leaf *)0, 0), NULL);

	if (!l)
		return 0;
	bpf_spin_lock(&tree_lock);
	bpf_rbtree_add_impl(&tree, &l->node, less, NULL, 0);
	bpf_spin_unlock(&tree_lock);
	return 0;
}

PROGRAM("tc", adds_entry)
{
	struct entry *e = bpf_obj_new_impl(__builtin_btf_type_id(*(struct entry *)0, 0), NULL);

	if (!e)
		return 0;
	bpf_spin_lock(&list_lock);
	bpf_list_push_front_impl(&list, &e->node, NULL, 0);
	bpf_spin_unlock(&list_lock);
	return 0;
}

PROGRAM("tc", reads_root)
{
	struct bpf_rb_node *n;

	bpf_spin_lock(&tree_lock);
	n = bpf_rbtree_root(&tree);
	if (n)
		sum = LEAF(n)->key;
	bpf_spin_unlock(&tree_lock);
	return 0;
}

PROGRAM("tc", descends_left)
{
	struct bpf_rb_node *n;

	bpf_spin_lock(&tree_lock);
	n = bpf_rbtree_root(&tree);
	if (n) {
		n = bpf_rbtree_left(&tree, n);
		if (n)
			sum = LEAF(n)->key;
	}
	bpf_spin_unlock(&tree_lock);
	return 0;
}

PROGRAM("tc", descends_both_ways)
{
	struct bpf_rb_node *n, *left, *right;

	bpf_spin_lock(&tree_lock);
	n = bpf_rbtree_root(&tree);
	if (n) {
		left = bpf_rbtree_left(&tree, n);
		right = bpf_rbtree_right(&tree, n);
		if (left && right)
			LEAF(n)->key = LEAF(left)->key + LEAF(right)->key;
	}
	bpf_spin_unlock(&tree_lock);
	return 0;
}

PROGRAM("tc", searches)
{
	struct bpf_rb_node *n;
	volatile int i;
	int depth;

	bpf_spin_lock(&tree_lock);
	n = bpf_rbtree_root(&tree);
	for (depth = 0; n && depth < 8; depth++)
		n = LEAF(n)->key < 7 ? bpf_rbtree_right(&tree, n) : bpf_rbtree_left(&tree, n);
	bpf_spin_unlock(&tree_lock);
	return 0;
}

PROGRAM("tc", removes_root)
{
	struct bpf_rb_node *n;

	bpf_spin_lock(&tree_lock);
	n = bpf_rbtree_root(&tree);
	if (n)
		n = bpf_rbtree_remove(&tree, n);
	bpf_spin_unlock(&tree_lock);
	if (n)
		bpf_obj_drop_impl(LEAF(n), NULL);
	return 0;
}

PROGRAM("tc", reads_front)
{
	struct bpf_list_node *n;

	bpf_spin_lock(&list_lock);
	n = bpf_list_front(&list);
	if (n)
		sum = ENTRY(n)->key;
	bpf_spin_unlock(&list_lock);
	return 0;
}

PROGRAM("tc", compares_ends)
{
	struct bpf_list_node *a, *b;

	bpf_spin_lock(&list_lock);
	a = bpf_list_front(&list);
	b = bpf_list_back(&list);
	if (a && b)
		sum = ENTRY(a)->key - ENTRY(b)->key;
	bpf_spin_unlock(&list_lock);
	return 0;
}

PROGRAM("tc", writes_back)
{
	struct bpf_list_node *n;

	bpf_spin_lock(&list_lock);
	n = bpf_list_back(&list);
	if (n)
		ENTRY(n)->key = 7;
	bpf_spin_unlock(&list_lock);
	return 0;
}

PROGRAM("tc", looks_then_pops)
{
	struct bpf_list_node *n;

	bpf_spin_lock(&list_lock);
	n = bpf_list_front(&list);
	n = n ? bpf_list_pop_front(&list) : NULL;
	bpf_spin_unlock(&list_lock);
	if (n)
		bpf_obj_drop_impl(ENTRY(n), NULL);
	return 0;
}

PROGRAM("tc", root_without_lock)
{
	sum = bpf_rbtree_root(&tree) != NULL;
	return 0;
}

PROGRAM("tc", front_without_lock)
{
	sum = bpf_list_front(&list) != NULL;
	return 0;
}

PROGRAM("tc", root_under_other_lock)
{
	bpf_spin_lock(&list_lock);
	sum = bpf_rbtree_root(&tree) != NULL;
	bpf_spin_unlock(&list_lock);
	return 0;
}

PROGRAM("tc", root_unlooked)
{
	bpf_spin_lock(&tree_lock);
	sum = LEAF(bpf_rbtree_root(&tree))->key;
	bpf_spin_unlock(&tree_lock);
	return 0;
}

PROGRAM("tc", left_of_maybe)
{
	bpf_spin_lock(&tree_lock);
	sum = bpf_rbtree_left(&tree, bpf_rbtree_root(&tree)) != NULL;
	bpf_spin_unlock(&tree_lock);
	return 0;
}

PROGRAM("tc", read_after_unlock)
{
	struct bpf_rb_node *n;

	bpf_spin_lock(&tree_lock);
	n = bpf_rbtree_root(&tree);
	bpf_spin_unlock(&tree_lock);
	if (n)
		sum = LEAF(n)->key;
	return 0;
}

PROGRAM("tc", entry_after_unlock)
{
	struct bpf_list_node *n;

	bpf_spin_lock(&list_lock);
	n = bpf_list_back(&list);
	bpf_spin_unlock(&list_lock);
	if (n)
		sum = ENTRY(n)->key;
	return 0;
}

PROGRAM("tc", drops_root)
{
	struct bpf_rb_node *n;

	bpf_spin_lock(&tree_lock);
	n = bpf_rbtree_root(&tree);
	if (n)
		bpf_obj_drop_impl(LEAF(n), NULL);
	bpf_spin_unlock(&tree_lock);
	return 0;
}

PROGRAM("tc", adds_root_again)
{
	struct bpf_rb_node *n;

	bpf_spin_lock(&tree_lock);
	n = bpf_rbtree_root(&tree);
	if (n)
		bpf_rbtree_add_impl(&tree, n, less, NULL, 0);
	bpf_spin_unlock(&tree_lock);
	return 0;
}

PROGRAM("tc", keeps_removed)
{
	struct bpf_rb_node *n;

	bpf_spin_lock(&tree_lock);
	n = bpf_rbtree_root(&tree);
	if (n)
		n = bpf_rbtree_remove(&tree, n);
	bpf_spin_unlock(&tree_lock);
	return 0;
}

PROGRAM("tc", left_of_removed)
{
	struct bpf_rb_node *n, *taken;

	bpf_spin_lock(&tree_lock);
	n = bpf_rbtree_root(&tree);
	if (n) {
		taken = bpf_rbtree_remove(&tree, n);
		bpf_rbtree_left(&tree, n);
	}
	bpf_spin_unlock(&tree_lock);
	return 0;
}

PROGRAM("tc", left_of_own)
{
	struct leaf *l = bpf_obj_new_impl(__builtin_btf_type_id(*(struct leaf *)0, 0), NULL);

	if (!l)
		return 0;
	bpf_spin_lock(&tree_lock);
	bpf_rbtree_left(&tree, &l->node);
	bpf_spin_unlock(&tree_lock);
	bpf_obj_drop_impl(l, NULL);
	return 0;
}

PROGRAM("tc", root_of_list)
{
	bpf_spin_lock(&list_lock);
	sum = bpf_rbtree_root((void *)&list) != NULL;
	bpf_spin_unlock(&list_lock);
	return 0;
}

PROGRAM("tc", writes_node)
{
	struct bpf_list_node *n;

	bpf_spin_lock(&list_lock);
	n = bpf_list_front(&list);
	if (n)
		*(volatile u64 *)n = 0;
	bpf_spin_unlock(&list_lock);
	return 0;
}
