// SPDX-License-Identifier: Apache-2.0
// Maps of every form: declared, of data sections, with first values.
#include "bpf.h"

struct key {
	u32 a;
	u16 b;
};

struct value {
	u64 packets;
	u64 bytes;
};

struct {
	UINT(type, 1);
	UINT(max_entries, 10);
	UINT(map_flags, 1);
	TYPE(key, struct key);
	TYPE(value, struct value);
} flows SEC(".maps");

struct {
	UINT(type, 2);
	UINT(key_size, 4);
	UINT(value_size, 24);
	UINT(max_entries, 3);
	UINT(pinning, 1);
} sizes SEC(".maps");

struct {
	UINT(type, 27);
	UINT(max_entries, 5000);
} events SEC(".maps");

struct {
	UINT(type, 30);
	UINT(max_entries, 7);
	TYPE(value, u32);
	ULONG(map_extra, 5);
} bloom SEC(".maps");

struct inner {
	UINT(type, 2);
	UINT(max_entries, 1);
	TYPE(key, int);
	TYPE(value, u64);
} in0 SEC(".maps"), in1 SEC(".maps");

struct {
	UINT(type, 12);
	UINT(max_entries, 4);
	UINT(key_size, 4);
	ARRAY(values, struct inner);
} outer SEC(".maps") = {.values = {[1] = &in0, [3] = &in1}};

int entry(void *ctx);

struct {
	UINT(type, 3);
	UINT(max_entries, 2);
	UINT(key_size, 4);
	ARRAY(values, int(void *));
} jumps SEC(".maps") = {.values = {[1] = (void *)&entry}};

u64 counter = 7;                    // .data
const volatile u32 limit = 42;      // .rodata
u32 zeroed;                         // .bss
static volatile u32 unseen = 5;     // .data, static
u32 mine SEC(".data.mine") = 9;     // its own map
static volatile u64 alone SEC(".bss.alone");
HIDDEN const volatile u32 veiled SEC(".rodata.veiled") = 1;

SEC("xdp")
int entry(void *ctx)
{
	struct key k = {};
	struct value *v = bpf_map_lookup_elem(&flows, &k);
	u32 zero = 0;

	if (v)
		v->packets += limit + veiled + unseen;
	bpf_map_lookup_elem(&sizes, &zero);
	bpf_map_lookup_elem(&outer, &zero);
	counter++;
	zeroed++;
	mine++;
	alone++;
	bpf_tail_call(ctx, &jumps, 1);
	return 2;
}
