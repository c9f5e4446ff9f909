/* SPDX-License-Identifier: Apache-2.0 */
/* What programs with objects of their own share. Their types have names that no
 * type of the kernel's has: a pointer to such a type would be the kernel's. */
#pragma once
#include "features.h"

/* The programs to reject mix types up on purpose. */
#pragma clang diagnostic ignored "-Wincompatible-pointer-types"
#pragma clang diagnostic ignored "-Wincompatible-function-pointer-types"
#pragma clang diagnostic ignored "-Wint-conversion"

struct bpf_list_head {
	u64 opaque[2];
} __attribute__((aligned(8)));
struct bpf_list_node {
	u64 opaque[3];
} __attribute__((aligned(8)));
struct bpf_rb_root {
	u64 opaque[2];
} __attribute__((aligned(8)));
struct bpf_rb_node {
	u64 opaque[4];
} __attribute__((aligned(8)));
struct bpf_refcount {
	u32 opaque[1];
} __attribute__((aligned(4)));
struct bpf_timer {
	u64 opaque[2];
} __attribute__((aligned(8)));
struct bpf_cpumask;

KSYM void *bpf_obj_new_impl(u64 id, void *meta);
KSYM void bpf_obj_drop_impl(void *p, void *meta);
KSYM void *bpf_percpu_obj_new_impl(u64 id, void *meta);
KSYM void bpf_percpu_obj_drop_impl(void *p, void *meta);
KSYM void *bpf_refcount_acquire_impl(void *p, void *meta);
KSYM int bpf_list_push_front_impl(struct bpf_list_head *h, struct bpf_list_node *n, void *meta, u64 off);
KSYM int bpf_list_push_back_impl(struct bpf_list_head *h, struct bpf_list_node *n, void *meta, u64 off);
KSYM struct bpf_list_node *bpf_list_pop_front(struct bpf_list_head *h);
KSYM struct bpf_list_node *bpf_list_pop_back(struct bpf_list_head *h);
KSYM struct bpf_list_node *bpf_list_front(struct bpf_list_head *h);
KSYM struct bpf_list_node *bpf_list_back(struct bpf_list_head *h);
KSYM struct bpf_rb_node *bpf_rbtree_remove(struct bpf_rb_root *r, struct bpf_rb_node *n);
KSYM int bpf_rbtree_add_impl(struct bpf_rb_root *r, struct bpf_rb_node *n, bool (less)(struct bpf_rb_node *a, const struct bpf_rb_node *b), void *meta, u64 off);
KSYM struct bpf_rb_node *bpf_rbtree_first(struct bpf_rb_root *r);
KSYM struct bpf_rb_node *bpf_rbtree_root(struct bpf_rb_root *r);
KSYM struct bpf_rb_node *bpf_rbtree_left(struct bpf_rb_root *r, struct bpf_rb_node *n);
KSYM struct bpf_rb_node *bpf_rbtree_right(struct bpf_rb_root *r, struct bpf_rb_node *n);
KSYM struct cgroup *bpf_cgroup_from_id(u64 id);
KSYM struct cgroup *bpf_cgroup_acquire(struct cgroup *c);
KSYM void bpf_cgroup_release(struct cgroup *c);
KSYM struct bpf_cpumask *bpf_cpumask_create(void);
KSYM void bpf_cpumask_release(struct bpf_cpumask *m);

static void *(*const bpf_kptr_xchg)(void *p, void *n) = (void *)194;
static long (*const bpf_spin_lock)(void *l) = (void *)93;
static long (*const bpf_spin_unlock)(void *l) = (void *)94;
static u32 (*const bpf_get_prandom_u32)(void) = (void *)7;
static long (*const bpf_for_each_map_elem)(void *map, void *fn, void *ctx, u64 flags) = (void *)164;
static void *(*const bpf_per_cpu_ptr)(const void *p, u32 cpu) = (void *)153;
static void *(*const bpf_this_cpu_ptr)(const void *p) = (void *)154;
static long (*const bpf_probe_read_kernel)(void *to, u32 size, const void *from) = (void *)113;

#define CONTAINS(type, node) TAG("contains:" #type ":" #node)
#define UNTRUSTED_KPTR __attribute__((btf_type_tag("kptr_untrusted")))
#define PERCPU_KPTR __attribute__((btf_type_tag("percpu_kptr")))
#define PRIVATE(name) SEC(".data." #name) __attribute__((aligned(8)))
#define new_obj(type) ((type *)bpf_obj_new_impl(__builtin_btf_type_id(*(type *)0, 0), NULL))
#define new_percpu(type) ((type *)bpf_percpu_obj_new_impl(__builtin_btf_type_id(*(type *)0, 0), NULL))
#define drop(p) bpf_obj_drop_impl(p, NULL)
#define drop_percpu(p) bpf_percpu_obj_drop_impl(p, NULL)
#define acquire(p) ((__typeof__(p))bpf_refcount_acquire_impl(p, NULL))
#define push(h, n) bpf_list_push_front_impl(h, n, NULL, 0)
#define push_back(h, n) bpf_list_push_back_impl(h, n, NULL, 0)
#define add(r, n, less) bpf_rbtree_add_impl(r, n, less, NULL, 0)
#define offsetof(t, m) __builtin_offsetof(t, m)
#define container_of(p, t, m) ((t *)((char *)(p) - offsetof(t, m)))
