// SPDX-License-Identifier: Apache-2.0
// The types that core.c is relocated against: fields moved, grown, gone and
// renamed.
typedef unsigned int u32;
typedef unsigned long long u64;
typedef unsigned int word;

struct point {
	int pad;
	int x;
	int y;
};

struct record {
	u64 new_at_front;
	struct point at;
	u32 id;
	u64 small;
	u64 flags : 4;
	u64 level : 7;
	int list[8];
	struct {
		struct {
			u32 pad;
			u32 nested;
		};
	};
	unsigned int signed_one;
	u32 renamed;
};

enum color { RED = 1, BLUE = 2, GREEN = 7 };

struct record keep_record;
enum color keep_color;
word keep_word;
