// SPDX-License-Identifier: Apache-2.0
// Extended attributes of cgroups (Linux 6.17).
#include "features.h"

KSYM int bpf_cgroup_read_xattr(struct cgroup *cgroup, const char *name, struct bpf_dynptr *value);
KSYM struct cgroup *bpf_cgroup_from_id(u64 id);
KSYM void bpf_cgroup_release(struct cgroup *cgroup);
KSYM struct cgroup *bpf_cgroup_ancestor(struct cgroup *cgroup, int level);
KSYM struct cgroup *bpf_cgroup_acquire(struct cgroup *cgroup);

struct {
	UINT(type, RINGBUF);
	UINT(max_entries, 4096);
} events SEC(".maps");
struct slot {
	struct cgroup KPTR *cgroup;
};
MAP(slots, ARRAY, 1, struct slot);
char value[64];
char writable[] = "user.a";
u64 id = 1;

#define INTO(p) bpf_dynptr_from_mem(value, sizeof(value), 0, p)

PROGRAM("syscall", reads)
{
	struct cgroup *g = bpf_cgroup_from_id(id);
	struct bpf_dynptr p;

	if (!g)
		return 0;
	INTO(&p);
	bpf_cgroup_read_xattr(g, "user.a", &p);
	bpf_cgroup_release(g);
	return 0;
}

PROGRAM("tp_btf/cgroup_mkdir", reads_of_tracepoint)
{
	struct bpf_dynptr p;

	INTO(&p);
	bpf_cgroup_read_xattr((void *)ctx[0], "user.a", &p);
	return 0;
}

PROGRAM("tp_btf/cgroup_mkdir", reads_twice)
{
	struct bpf_dynptr p;

	INTO(&p);
	bpf_cgroup_read_xattr((void *)ctx[0], "user.a", &p);
	bpf_cgroup_read_xattr((void *)ctx[0], "user.b", &p);
	return 0;
}

PROGRAM("syscall", reads_of_ancestor)
{
	struct cgroup *g = bpf_cgroup_from_id(id), *a;
	struct bpf_dynptr p;

	if (!g)
		return 0;
	a = bpf_cgroup_ancestor(g, 1);
	if (a) {
		INTO(&p);
		bpf_cgroup_read_xattr(a, "user.a", &p);
		bpf_cgroup_release(a);
	}
	bpf_cgroup_release(g);
	return 0;
}

PROGRAM("syscall", reads_into_record)
{
	struct cgroup *g = bpf_cgroup_from_id(id);
	struct bpf_dynptr p;

	if (!g)
		return 0;
	bpf_ringbuf_reserve_dynptr(&events, 64, 0, &p);
	bpf_cgroup_read_xattr(g, "user.a", &p);
	bpf_ringbuf_submit_dynptr(&p, 0);
	bpf_cgroup_release(g);
	return 0;
}

PROGRAM("syscall", of_map_under_rcu)
{
	u32 key = 0;
	struct slot *s = bpf_map_lookup_elem(&slots, &key);
	struct bpf_dynptr p;
	struct cgroup *g;

	if (!s)
		return 0;
	INTO(&p);
	bpf_rcu_read_lock();
	g = s->cgroup;
	if (g)
		bpf_cgroup_read_xattr(g, "user.a", &p);
	bpf_rcu_read_unlock();
	return 0;
}

PROGRAM("tc", in_a_filter)
{
	struct cgroup *g = bpf_cgroup_from_id(id);
	struct bpf_dynptr p;

	if (!g)
		return 0;
	INTO(&p);
	bpf_cgroup_read_xattr(g, "user.a", &p);
	bpf_cgroup_release(g);
	return 0;
}

PROGRAM("syscall", other_prefix)
{
	struct cgroup *g = bpf_cgroup_from_id(id);
	struct bpf_dynptr p;

	if (!g)
		return 0;
	INTO(&p);
	bpf_cgroup_read_xattr(g, "security.a", &p);
	bpf_cgroup_release(g);
	return 0;
}

PROGRAM("tp_btf/cgroup_mkdir", acquired)
{
	struct cgroup *g = bpf_cgroup_acquire((void *)ctx[0]);
	struct bpf_dynptr p;

	if (!g)
		return 0;
	INTO(&p);
	bpf_cgroup_read_xattr(g, "", &p);
	bpf_cgroup_release(g);
	return 0;
}

PROGRAM("tp_btf/cgroup_mkdir", uses_answer)
{
	struct bpf_dynptr p;
	int n;

	INTO(&p);
	n = bpf_cgroup_read_xattr((void *)ctx[0], "user.a", &p);
	if (n > 0 && n < sizeof(value))
		value[n] = 0;
	return 0;
}

PROGRAM("syscall", of_no_cgroup)
{
	struct bpf_dynptr p;

	INTO(&p);
	bpf_cgroup_read_xattr(NULL, "user.a", &p);
	return 0;
}

PROGRAM("syscall", of_maybe_cgroup)
{
	struct cgroup *g = bpf_cgroup_from_id(id);
	struct bpf_dynptr p;

	INTO(&p);
	bpf_cgroup_read_xattr(g, "user.a", &p);
	if (g)
		bpf_cgroup_release(g);
	return 0;
}

PROGRAM("syscall", after_release)
{
	struct cgroup *g = bpf_cgroup_from_id(id);
	struct bpf_dynptr p;

	if (!g)
		return 0;
	INTO(&p);
	bpf_cgroup_release(g);
	bpf_cgroup_read_xattr(g, "user.a", &p);
	return 0;
}

PROGRAM("syscall", keeps_cgroup)
{
	struct cgroup *g = bpf_cgroup_from_id(id);
	struct bpf_dynptr p;

	if (!g)
		return 0;
	INTO(&p);
	bpf_cgroup_read_xattr(g, "user.a", &p);
	return 0;
}

PROGRAM("tp_btf/cgroup_mkdir", writable_name)
{
	struct bpf_dynptr p;

	INTO(&p);
	bpf_cgroup_read_xattr((void *)ctx[0], writable, &p);
	return 0;
}

PROGRAM("tp_btf/cgroup_mkdir", name_on_stack)
{
	char name[8] = "user.a";
	struct bpf_dynptr p;

	INTO(&p);
	bpf_cgroup_read_xattr((void *)ctx[0], name, &p);
	return 0;
}

PROGRAM("tp_btf/cgroup_mkdir", no_name)
{
	struct bpf_dynptr p;

	INTO(&p);
	bpf_cgroup_read_xattr((void *)ctx[0], NULL, &p);
	return 0;
}

PROGRAM("tp_btf/cgroup_mkdir", into_a_buffer)
{
	bpf_cgroup_read_xattr((void *)ctx[0], "user.a", (void *)value);
	return 0;
}

PROGRAM("tp_btf/cgroup_mkdir", into_nothing)
{
	struct bpf_dynptr p;

	asm volatile("" : : "r"(&p) : "memory");
	bpf_cgroup_read_xattr((void *)ctx[0], "user.a", &p);
	return 0;
}

PROGRAM("tp_btf/task_newtask", of_a_task)
{
	struct bpf_dynptr p;

	INTO(&p);
	bpf_cgroup_read_xattr((void *)ctx[0], "user.a", &p);
	return 0;
}

PROGRAM("syscall", of_map_without_rcu)
{
	u32 key = 0;
	struct slot *s = bpf_map_lookup_elem(&slots, &key);
	struct bpf_dynptr p;
	struct cgroup *g;

	if (!s)
		return 0;
	INTO(&p);
	g = s->cgroup;
	if (g)
		bpf_cgroup_read_xattr(g, "user.a", &p);
	return 0;
}

PROGRAM("syscall", number_as_cgroup)
{
	struct bpf_dynptr p;

	INTO(&p);
	bpf_cgroup_read_xattr((void *)id, "user.a", &p);
	return 0;
}
