// SPDX-License-Identifier: Apache-2.0
// Look-ups in arrays with a constant key (Linux 6.15): the verifier sees that
// the value is there.
#include "features.h"

struct value {
	u64 a, b;
};
MAP(values, ARRAY, 4, struct value);
MAP(table, HASH, 4, struct value);
MAP(percpu, 6, 4, struct value);
struct {
	UINT(type, 12);
	UINT(max_entries, 2);
	TYPE(key, u32);
	__typeof__(values) *values[];
} outer SEC(".maps") = { .values = { &values, &values } };
u64 sum;
u32 wanted;

#define LOOKUP(map, key) bpf_map_lookup_elem(&map, &(key))

PROGRAM("tc", first)
{
	u32 key = 0;
	struct value *v = LOOKUP(values, key);

	sum = v->a;
	return 0;
}

PROGRAM("tc", last)
{
	u32 key = 3;
	struct value *v = LOOKUP(values, key);

	v->b = 1;
	return 0;
}

PROGRAM("tc", of_each_cpu)
{
	u32 key = 1;
	struct value *v = LOOKUP(percpu, key);

	v->a++;
	return 0;
}

PROGRAM("tc", two_keys)
{
	u32 a = 1, b = 2;
	struct value *v = LOOKUP(values, a), *w = LOOKUP(values, b);

	v->a = w->b;
	return 0;
}

PROGRAM("tc", key_by_path)
{
	u32 key = 1;
	struct value *v;

	if (wanted > 5)
		key = 2;
	v = LOOKUP(values, key);
	v->a = 0;
	return 0;
}

PROGRAM("tc", looks_nevertheless)
{
	u32 key = 2;
	struct value *v = LOOKUP(values, key);

	return v ? v->a & 1 : 0;
}

PROGRAM("tc", beyond_but_looks)
{
	u32 key = 4;
	struct value *v = LOOKUP(values, key);

	return v ? v->a & 1 : 0;
}

ASM_PROGRAM("tc", key_stored_as_constant)
{
	ASM("*(u32 *)(r10 - 4) = 2;"
	    "r2 = r10;"
	    "r2 += -4;"
	    "r1 = %[values] ll;"
	    "call 1;"
	    "r0 = *(u64 *)(r0 + 0);"
	    "exit;",
	    [values] "i"(&values));
}

ASM_PROGRAM("tc", key_stored_by_register)
{
	ASM("r3 = 3;"
	    "*(u32 *)(r10 - 8) = r3;"
	    "r2 = r10;"
	    "r2 += -8;"
	    "r1 = %[values] ll;"
	    "call 1;"
	    "r0 = *(u64 *)(r0 + 8);"
	    "exit;",
	    [values] "i"(&values));
}

ASM_PROGRAM("tc", key_of_zeros)
{
	ASM("r3 = 0;"
	    "*(u64 *)(r10 - 8) = r3;"
	    "r2 = r10;"
	    "r2 += -8;"
	    "r1 = %[values] ll;"
	    "call 1;"
	    "r0 = *(u64 *)(r0 + 0);"
	    "exit;",
	    [values] "i"(&values));
}

PROGRAM("tc", in_a_loop)
{
	volatile u32 n;
	u32 key;

	for (key = 0; key < 4; key++) {
		u32 k = key;
		struct value *v = LOOKUP(values, k);

		if (v)
			sum += v->a;
	}
	return 0;
}

PROGRAM("tc", beyond)
{
	u32 key = 4;
	struct value *v = LOOKUP(values, key);

	sum = v->a;
	return 0;
}

PROGRAM("tc", far_beyond)
{
	u32 key = 0xffffffff;
	struct value *v = LOOKUP(values, key);

	sum = v->a;
	return 0;
}

PROGRAM("tc", in_a_hash)
{
	u32 key = 0;
	struct value *v = LOOKUP(table, key);

	sum = v->a;
	return 0;
}

PROGRAM("tc", variable_key)
{
	u32 key = wanted;
	struct value *v = LOOKUP(values, key);

	sum = v->a;
	return 0;
}

PROGRAM("tc", key_within)
{
	u32 key = wanted & 3;
	struct value *v = LOOKUP(values, key);

	sum = v->a;
	return 0;
}

PROGRAM("tc", key_in_a_map)
{
	struct value *v = bpf_map_lookup_elem(&values, &wanted);

	sum = v->a;
	return 0;
}

PROGRAM("tc", beyond_by_path)
{
	u32 key = 1;
	struct value *v;

	if (wanted > 5)
		key = 7;
	v = LOOKUP(values, key);
	v->a = 0;
	return 0;
}

PROGRAM("tc", beyond_the_value)
{
	u32 key = 0;
	u64 *v = LOOKUP(values, key);

	sum = v[2];
	return 0;
}

PROGRAM("tc", through_another_map)
{
	u32 key = 0;
	void *inner = bpf_map_lookup_elem(&outer, &key);
	struct value *v;

	if (!inner)
		return 0;
	v = bpf_map_lookup_elem(inner, &key);
	sum = v->a;
	return 0;
}

PROGRAM("tc", inner_map_itself)
{
	u32 key = 0;
	void *inner = bpf_map_lookup_elem(&outer, &key);

	return bpf_map_lookup_elem(inner, &key) != NULL;
}

ASM_PROGRAM("tc", key_partly_unknown)
{
	ASM("r3 = *(u32 *)(r1 + 0);"
	    "*(u32 *)(r10 - 4) = 0;"
	    "*(u8 *)(r10 - 2) = r3;"
	    "r2 = r10;"
	    "r2 += -4;"
	    "r1 = %[values] ll;"
	    "call 1;"
	    "r0 = *(u64 *)(r0 + 0);"
	    "exit;",
	    [values] "i"(&values));
}

ASM_PROGRAM("tc", key_across_slots)
{
	ASM("r3 = 0;"
	    "*(u64 *)(r10 - 8) = r3;"
	    "r3 = 1;"
	    "*(u64 *)(r10 - 16) = r3;"
	    "r2 = r10;"
	    "r2 += -10;"
	    "r1 = %[values] ll;"
	    "call 1;"
	    "r0 = *(u64 *)(r0 + 0);"
	    "exit;",
	    [values] "i"(&values));
}

ASM_PROGRAM("tc", upper_half_as_key)
{
	ASM("r3 = 1;"
	    "*(u64 *)(r10 - 8) = r3;"
	    "r2 = r10;"
	    "r2 += -4;"
	    "r1 = %[values] ll;"
	    "call 1;"
	    "r0 = *(u64 *)(r0 + 0);"
	    "exit;",
	    [values] "i"(&values));
}

ASM_PROGRAM("tc", key_in_its_own_slot)
{
	ASM("*(u32 *)(r10 - 8) = 2;"
	    "r2 = r10;"
	    "r2 += -8;"
	    "r1 = %[values] ll;"
	    "call 1;"
	    "r0 = *(u64 *)(r0 + 0);"
	    "exit;",
	    [values] "i"(&values));
}

ASM_PROGRAM("xdp", of_this_cpu)
{
	ASM("*(u32 *)(r10 - 16) = 3;"
	    "r2 = r10;"
	    "r2 += -16;"
	    "r1 = %[percpu] ll;"
	    "call 1;"
	    "r1 = *(u64 *)(r0 + 8);"
	    "r0 = 2;"
	    "exit;",
	    [percpu] "i"(&percpu));
}

ASM_PROGRAM("tc", either_key)
{
	ASM("r6 = *(u32 *)(r1 + 0);"
	    "r3 = 1;"
	    "if r6 > 9 goto +1;"
	    "r3 = 3;"
	    "*(u32 *)(r10 - 8) = r3;"
	    "r2 = r10;"
	    "r2 += -8;"
	    "r1 = %[values] ll;"
	    "call 1;"
	    "r0 = *(u64 *)(r0 + 0);"
	    "exit;",
	    [values] "i"(&values));
}

ASM_PROGRAM("tc", key_known_by_comparison)
{
	ASM("r3 = *(u32 *)(r1 + 0);"
	    "if r3 == 2 goto +2;"
	    "r0 = 0;"
	    "exit;"
	    "*(u32 *)(r10 - 8) = r3;"
	    "r2 = r10;"
	    "r2 += -8;"
	    "r1 = %[values] ll;"
	    "call 1;"
	    "r0 = *(u64 *)(r0 + 0);"
	    "exit;",
	    [values] "i"(&values));
}

ASM_PROGRAM("tc", either_key_beyond)
{
	ASM("r6 = *(u32 *)(r1 + 0);"
	    "r3 = 1;"
	    "if r6 > 9 goto +1;"
	    "r3 = 4;"
	    "*(u32 *)(r10 - 8) = r3;"
	    "r2 = r10;"
	    "r2 += -8;"
	    "r1 = %[values] ll;"
	    "call 1;"
	    "r0 = *(u64 *)(r0 + 0);"
	    "exit;",
	    [values] "i"(&values));
}
