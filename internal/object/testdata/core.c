// SPDX-License-Identifier: Apache-2.0
// CO-RE relocations of every kind. The target's types are made by the test.
#include "bpf.h"

struct point {
	int x, y;
} CORE;

struct record {
	u32 id;
	struct point at;
	u64 flags : 3;
	u64 level : 5;
	int list[4];
	int gone;
	struct {
		u32 nested;
	};
	u32 small;
	int signed_one;
} CORE;

struct record___other {
	u32 renamed;
} CORE;

struct absent {
	int x;
} CORE;

enum color { RED = 1, GREEN = 2, GONE = 3 };
typedef unsigned int word;

#define FIELD(kind, expr) __builtin_preserve_field_info(expr, kind)
#define TYPE_INFO(type, kind) __builtin_preserve_type_info(*(typeof(type) *)0, kind)
#define TYPE_ID(type, kind) __builtin_btf_type_id(*(typeof(type) *)0, kind)
#define ENUM_VAL(type, value, kind) __builtin_preserve_enum_value(*(typeof(type) *)value, kind)

u64 out[32];

SEC("raw_tp/x")
int fields(struct record *r)
{
	out[0] = FIELD(0, r->at.y);   // offset
	out[1] = FIELD(1, r->list);   // size
	out[2] = FIELD(2, r->id);     // exists
	out[3] = FIELD(2, r->gone);   // does not exist
	out[4] = FIELD(3, r->id);     // signed
	out[5] = FIELD(3, r->signed_one);
	out[6] = FIELD(4, r->level);  // left shift
	out[7] = FIELD(5, r->level);  // right shift
	out[8] = FIELD(0, r->level);  // offset of the load
	out[9] = FIELD(0, r->list[2]);
	out[10] = FIELD(0, r->nested);
	return 0;
}

SEC("raw_tp/x")
int types(void *ctx)
{
	out[0] = TYPE_ID(struct point, 0);      // local
	out[1] = TYPE_ID(struct point, 1);      // target
	out[2] = TYPE_INFO(struct point, 0);    // exists
	out[3] = TYPE_INFO(struct absent, 0);
	out[4] = TYPE_INFO(struct record, 1);   // size
	out[5] = TYPE_INFO(struct point, 2);    // matches
	out[6] = TYPE_INFO(struct record, 2);   // does not
	out[7] = TYPE_INFO(word, 0);
	out[8] = ENUM_VAL(enum color, GREEN, 0); // exists
	out[9] = ENUM_VAL(enum color, GONE, 0);
	out[10] = ENUM_VAL(enum color, GREEN, 1); // value
	return 0;
}

SEC("raw_tp/x")
int loads(struct record *r)
{
	struct record___other *o = (void *)r;

	out[0] = r->small; // 4 bytes here, 8 in the target
	out[1] = o->renamed;
	return 0;
}

SEC("raw_tp/x")
int poisoned(struct record *r)
{
	return r->gone;
}

SEC("raw_tp/x")
int poisoned_enum(struct record *r)
{
	return ENUM_VAL(enum color, GONE, 1);
}
