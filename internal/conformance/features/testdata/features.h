/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs share: just enough of BPF's C, so that they build without a
 * kernel's headers. */
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef int s32;
typedef unsigned long long u64;
typedef _Bool bool;

#define NULL ((void *)0)
#define SEC(name) __attribute__((section(name), used))
#define KSYM __attribute__((section(".ksyms"))) extern
#define CORE __attribute__((preserve_access_index))
#define NOINLINE __attribute__((noinline))
#define TAG(text) __attribute__((btf_decl_tag(text)))
#define KPTR __attribute__((btf_type_tag("kptr")))
#define UPTR __attribute__((btf_type_tag("uptr")))
#define HIDES(value) asm volatile("" : "+r"(value)) /* from the compiler */

/* A program, and one written in assembly. */
#define PROGRAM(section, name) SEC(section) int name(u64 *ctx)
#define ASM_PROGRAM(section, name) SEC(section) __attribute__((naked)) int name(void)
#define ASM(text, ...) asm volatile(text : : __VA_ARGS__ : "memory")

/* Maps as libbpf reads them. */
#define UINT(name, value) int(*name)[value]
#define TYPE(name, of) __typeof__(of) *name
#define MAP(name, kind, entries, of)                                           \
	struct {                                                               \
		UINT(type, kind);                                              \
		UINT(max_entries, entries);                                    \
		TYPE(key, u32);                                                \
		TYPE(value, of);                                               \
	} name SEC(".maps")
enum { HASH = 1, ARRAY = 2, LRU_HASH = 9, RINGBUF = 27, TASK_STORAGE = 29 };

/* Types of the kernel's, as far as the programs look at them. */
struct task_struct {
	s32 pid;
	struct task_struct *real_parent;
} CORE;
struct cgroup {
	int level;
} CORE;
struct __sk_buff {
	u32 len;
};
struct xdp_md {
	u32 data, data_end, data_meta;
};
struct bpf_dynptr {
	u64 opaque[2];
};
struct bpf_spin_lock {
	u32 val;
};
struct bpf_res_spin_lock {
	u32 val;
};

static void *(*const bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static long (*const bpf_map_update_elem)(void *map, const void *key, const void *value, u64 flags) = (void *)2;
static u64 (*const bpf_ktime_get_ns)(void) = (void *)5;
static u64 (*const bpf_get_current_pid_tgid)(void) = (void *)14;
static long (*const bpf_loop)(u32 n, void *fn, void *ctx, u64 flags) = (void *)181;
static struct task_struct *(*const bpf_get_current_task_btf)(void) = (void *)158;
static long (*const bpf_ringbuf_reserve_dynptr)(void *map, u32 size, u64 flags, struct bpf_dynptr *p) = (void *)198;
static void (*const bpf_ringbuf_submit_dynptr)(struct bpf_dynptr *p, u64 flags) = (void *)199;
static void (*const bpf_ringbuf_discard_dynptr)(struct bpf_dynptr *p, u64 flags) = (void *)200;
static long (*const bpf_dynptr_from_mem)(void *data, u64 size, u64 flags, struct bpf_dynptr *p) = (void *)197;
static long (*const bpf_dynptr_read)(void *to, u64 size, const struct bpf_dynptr *p, u64 offset, u64 flags) = (void *)201;
static long (*const bpf_dynptr_write)(const struct bpf_dynptr *p, u64 offset, void *from, u64 size, u64 flags) = (void *)202;
static void *(*const bpf_dynptr_data)(const struct bpf_dynptr *p, u64 offset, u64 size) = (void *)203;
static void *(*const bpf_ringbuf_reserve)(void *map, u64 size, u64 flags) = (void *)131;
static void (*const bpf_ringbuf_discard)(void *data, u64 flags) = (void *)133;
static long (*const bpf_copy_from_user)(void *to, u32 size, const void *from) = (void *)148;
static void *(*const bpf_task_storage_get)(void *map, struct task_struct *task, void *value, u64 flags) = (void *)156;

KSYM struct task_struct *bpf_task_acquire(struct task_struct *p);
KSYM void bpf_task_release(struct task_struct *p);
KSYM struct task_struct *bpf_task_from_pid(s32 pid);
KSYM void bpf_rcu_read_lock(void);
KSYM void bpf_rcu_read_unlock(void);
KSYM void bpf_preempt_disable(void);
KSYM void bpf_preempt_enable(void);
KSYM int bpf_dynptr_clone(const struct bpf_dynptr *p, struct bpf_dynptr *clone);
KSYM int bpf_dynptr_adjust(const struct bpf_dynptr *p, u32 start, u32 end);
KSYM void *bpf_dynptr_slice(const struct bpf_dynptr *p, u32 offset, void *buffer, u32 size);
KSYM void *bpf_dynptr_slice_rdwr(const struct bpf_dynptr *p, u32 offset, void *buffer, u32 size);

char _license[] SEC("license") = "GPL";
