/* SPDX-License-Identifier: Apache-2.0 */
/* What the test objects need of the BPF interface, and no more. */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef _Bool bool;

#define SEC(name) __attribute__((section(name), used))
#define NOINLINE __attribute__((noinline))
#define HIDDEN __attribute__((visibility("hidden")))
#define WEAK __attribute__((weak))
#define KSYM __attribute__((section(".ksyms")))
#define KCONFIG __attribute__((section(".kconfig")))
#define TAG(text) __attribute__((btf_decl_tag(text)))
#define CORE __attribute__((preserve_access_index))
#define ARENA __attribute__((address_space(1)))

/* Members of a map definition. */
#define UINT(name, value) int(*name)[value]
#define TYPE(name, of) typeof(of) *name
#define ARRAY(name, of) typeof(of) *name[]
#define JOIN(a, b) a##b
#define UNIQUE(a, b) JOIN(a, b)
#define ULONG(name, value)                                                     \
	enum { UNIQUE(value_, __LINE__) = value } name

static void *(*const bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static long (*const bpf_tail_call)(void *ctx, void *map, u32 index) = (void *)12;
static long (*const bpf_loop)(u32 n, void *fn, void *ctx, u64 flags) = (void *)181;

char _license[] SEC("license") = "GPL";
