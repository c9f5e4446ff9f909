// SPDX-License-Identifier: Apache-2.0
// The mark that compilers leave where a program must not come (Linux 6.17).
#include "features.h"

KSYM void __bpf_trap(void);
MAP(values, ARRAY, 1, u64);
u64 sum;
const u64 one = 1;

static NOINLINE int traps(int n)
{
	if (n > 9)
		__bpf_trap();
	return n;
}

static int callback(u32 i, void *ctx)
{
	if (i > 100)
		__bpf_trap();
	return 0;
}

PROGRAM("tc", behind_a_range)
{
	u64 n = sum & 7;

	HIDES(n);
	n &= 7;
	if (n > 7)
		__bpf_trap();
	return 0;
}

PROGRAM("tc", behind_a_constant)
{
	if (one != 1)
		__bpf_trap();
	return 0;
}

PROGRAM("tc", function_with_small_number)
{
	return traps(3);
}

PROGRAM("tc", function_with_bounded_number)
{
	return traps(sum & 7);
}

ASM_PROGRAM("tc", behind_equal_branches)
{
	ASM("r0 = *(u32 *)(r1 + 0);"
	    "if r0 > 5 goto 1f;"
	    "if r0 <= 5 goto 2f;"
	    "call %[trap];"
	    "1: r0 = 0;"
	    "exit;"
	    "2: r0 = 1;"
	    "exit;",
	    [trap] "i"(__bpf_trap));
}

ASM_PROGRAM("socket", behind_a_known_register)
{
	ASM("r6 = 7;"
	    "if r6 == 7 goto 1f;"
	    "call %[trap];"
	    "1: r0 = 0;"
	    "exit;",
	    [trap] "i"(__bpf_trap));
}

PROGRAM("kprobe", after_masking)
{
	u8 byte = sum;

	HIDES(byte);
	if ((byte & 15) > 15)
		__bpf_trap();
	return 0;
}

ASM_PROGRAM("xdp", behind_a_present_value)
{
	ASM("*(u32 *)(r10 - 4) = 0;"
	    "r2 = r10;"
	    "r2 += -4;"
	    "r1 = %[values] ll;"
	    "call 1;"
	    "if r0 != 0 goto 1f;"
	    "call %[trap];"
	    "1: r0 = 2;"
	    "exit;",
	    [values] "i"(&values), [trap] "i"(__bpf_trap));
}

ASM_PROGRAM("tc", twice_behind)
{
	ASM("r6 = 1;"
	    "if r6 s> 0 goto 1f;"
	    "call %[trap];"
	    "call %[trap];"
	    "1: r0 = 0;"
	    "exit;",
	    [trap] "i"(__bpf_trap));
}

ASM_PROGRAM("syscall", behind_a_shift)
{
	ASM("r0 = *(u32 *)(r1 + 0);"
	    "r0 >>= 28;"
	    "if r0 < 16 goto 1f;"
	    "call %[trap];"
	    "1: r0 = 0;"
	    "exit;",
	    [trap] "i"(__bpf_trap));
}

PROGRAM("tc", at_once)
{
	__bpf_trap();
	return 0;
}

PROGRAM("tc", on_a_path)
{
	if (sum > 7)
		__bpf_trap();
	return 0;
}

PROGRAM("tc", function_with_large_number)
{
	return traps(11);
}

PROGRAM("tc", function_with_any_number)
{
	return traps(sum);
}

PROGRAM("tc", in_a_callback)
{
	bpf_loop(200, callback, NULL, 0);
	return 0;
}

PROGRAM("tc", where_a_value_is_missing)
{
	u32 key = sum;
	u64 *v = bpf_map_lookup_elem(&values, &key);

	if (!v)
		__bpf_trap();
	return 0;
}

PROGRAM("tc", range_too_wide)
{
	u64 n = sum;

	HIDES(n);
	n &= 15;
	if (n > 14)
		__bpf_trap();
	return 0;
}

ASM_PROGRAM("socket", as_the_end)
{
	ASM("r0 = 0;"
	    "if r0 == 0 goto +1;"
	    "exit;"
	    "call %[trap];"
	    "exit;",
	    [trap] "i"(__bpf_trap));
}

ASM_PROGRAM("socket", last_instruction)
{
	ASM("r0 = 0;"
	    "call %[trap];",
	    [trap] "i"(__bpf_trap));
}

PROGRAM("xdp", in_a_frame)
{
	if (bpf_ktime_get_ns() & 1)
		__bpf_trap();
	return 2;
}

PROGRAM("kprobe", in_a_probe)
{
	if (ctx[0] == 3)
		__bpf_trap();
	return 0;
}

ASM_PROGRAM("tc", unset_register_first)
{
	ASM("if r0 == 0 goto 1f;"
	    "call %[trap];"
	    "1: r0 = 0;"
	    "exit;",
	    [trap] "i"(__bpf_trap));
}
