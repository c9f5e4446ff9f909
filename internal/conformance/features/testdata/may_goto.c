// SPDX-License-Identifier: Apache-2.0
// Loops that a time limit ends (Linux 6.15; may_goto itself is of 6.9).
#include "features.h"

/* The instruction, as bytes: to the label when time is up. */
#define OR_GOTO(label)                                                         \
	asm volatile goto("1:.byte 0xe5;"                                      \
			  ".byte 0;"                                           \
			  ".long ((%l[" #label "] - 1b - 8) / 8) & 0xffff;"    \
			  ".short 0"                                           \
			  : : : : label)
#define MAY_GOTO(offset) ".8byte " #offset ";"

MAP(values, ARRAY, 16, u64);
u64 sum;
u32 limit;

PROGRAM("tc", endless)
{
	for (;;) {
		OR_GOTO(leave);
		sum++;
	}
leave:
	return 0;
}

PROGRAM("tc", bounded_by_variable)
{
	u32 i;

	for (i = 0; i < limit; i++) {
		OR_GOTO(leave);
		sum += i;
	}
leave:
	return 0;
}

PROGRAM("tc", updates_map)
{
	for (;;) {
		u32 key = sum & 15;
		u64 *v;

		OR_GOTO(leave);
		v = bpf_map_lookup_elem(&values, &key);
		if (!v)
			break;
		++*v;
	}
leave:
	return 0;
}

PROGRAM("tc", index_is_looked_at)
{
	char room[16] = {};
	u32 i;

	for (i = 0;; i++) {
		OR_GOTO(leave);
		if (i >= sizeof(room))
			break;
		asm volatile("" : : "r"(&room[i]) : "memory");
		room[i] = 1;
	}
leave:
	return room[3];
}

PROGRAM("tc", two_in_a_row)
{
	for (;;) {
		OR_GOTO(leave);
		sum++;
	}
leave:
	for (;;) {
		OR_GOTO(end);
		sum--;
	}
end:
	return 0;
}

PROGRAM("tc", nested)
{
	u32 i;

	for (i = 0; i < 100; i++) {
		OR_GOTO(leave);
		for (;;) {
			OR_GOTO(next);
			sum += i;
		}
next:
		sum--;
	}
leave:
	return 0;
}

static NOINLINE u64 spin(u64 n)
{
	for (;;) {
		OR_GOTO(leave);
		n = n * 3 + 1;
		HIDES(n);
	}
leave:
	return n;
}

PROGRAM("tc", in_a_function)
{
	sum = spin(sum);
	return 0;
}

PROGRAM("xdp", straight_line)
{
	OR_GOTO(leave);
	return 2;
leave:
	return 1;
}

PROGRAM("tc", calls_helpers)
{
	u64 end = bpf_ktime_get_ns() + 1000;

	for (;;) {
		OR_GOTO(leave);
		if (bpf_ktime_get_ns() > end)
			break;
	}
leave:
	return 0;
}

static int counts(u32 i, void *ctx)
{
	for (;;) {
		OR_GOTO(leave);
		sum++;
	}
leave:
	return 0;
}

PROGRAM("tc", in_a_callback)
{
	bpf_loop(3, counts, NULL, 0);
	return 0;
}

ASM_PROGRAM("socket", to_the_next)
{
	ASM(MAY_GOTO(0x0000e5)
	    "r0 = 0;"
	    "exit;", "i"(0));
}

PROGRAM("tc", index_without_look)
{
	char room[16] = {};
	u32 i = 0;

	for (;; i++) {
		OR_GOTO(leave);
		asm volatile("" : "+r"(i) : "r"(room) : "memory");
		room[i] = 1;
	}
leave:
	return room[3];
}

ASM_PROGRAM("tc", set_in_the_loop_only)
{
	ASM(MAY_GOTO(0x000200e5)
	    "r6 = 1;"
	    "goto -3;"
	    "r0 = r6;"
	    "exit;", "i"(0));
}

ASM_PROGRAM("tc", out_of_the_program)
{
	ASM(MAY_GOTO(0x000900e5)
	    "r0 = 0;"
	    "exit;", "i"(0));
}

ASM_PROGRAM("tc", before_the_program)
{
	ASM(MAY_GOTO(0xfff700e5)
	    "r0 = 0;"
	    "exit;", "i"(0));
}

ASM_PROGRAM("tc", with_a_register)
{
	ASM(MAY_GOTO(0x000001e5)
	    "r0 = 0;"
	    "exit;", "i"(0));
}

ASM_PROGRAM("tc", with_an_immediate)
{
	ASM(MAY_GOTO(0x100000000e5)
	    "r0 = 0;"
	    "exit;", "i"(0));
}

ASM_PROGRAM("tc", of_32_bits)
{
	ASM(MAY_GOTO(0x000000e6)
	    "r0 = 0;"
	    "exit;", "i"(0));
}

ASM_PROGRAM("tc", no_room_for_the_count)
{
	ASM("r1 = 0;"
	    "*(u64 *)(r10 - 512) = r1;" MAY_GOTO(0x000100e5)
	    "goto -2;"
	    "r0 = 0;"
	    "exit;", "i"(0));
}

ASM_PROGRAM("tc", pointer_becomes_number)
{
	ASM("r6 = r1;" MAY_GOTO(0x000300e5)
	    "r0 = *(u32 *)(r6 + 0);"
	    "r6 = 1;"
	    "goto -4;"
	    "r0 = 0;"
	    "exit;", "i"(0));
}

ASM_PROGRAM("tc", never_ends)
{
	ASM(MAY_GOTO(0x000000e5)
	    "goto -1;"
	    "r0 = 0;"
	    "exit;", "i"(0));
}

ASM_PROGRAM("xdp", packet_runs_out)
{
	ASM("r2 = *(u32 *)(r1 + 0);"
	    "r3 = *(u32 *)(r1 + 4);"
	    "r4 = r2;"
	    "r4 += 8;"
	    "if r4 > r3 goto +4;" MAY_GOTO(0x000300e5)
	    "r0 = *(u8 *)(r2 + 0);"
	    "r2 += 1;"
	    "goto -4;"
	    "r0 = 2;"
	    "exit;", "i"(0));
}

PROGRAM("tc", keeps_record_in_loop)
{
	struct task_struct *task;

	for (;;) {
		OR_GOTO(leave);
		task = bpf_task_from_pid(1);
		if (!task)
			break;
		sum++;
	}
leave:
	return 0;
}
