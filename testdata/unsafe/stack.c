// SPDX-License-Identifier: Apache-2.0
// The stack: outside of it, before it was written, and too much of it.
#include "unsafe.h"

DEFINE_MAPS;

PROGRAM("xdp", write_above)
{
	ASM("*(u64 *)(r10 + 8) = 0;" RETURN0);
}

PROGRAM("xdp", write_below)
{
	ASM("*(u64 *)(r10 - 520) = 0;" RETURN0);
}

PROGRAM("xdp", read_above)
{
	ASM("r0 = *(u64 *)(r10 + 0); exit;");
}

CAPS(CAP_BPF|CAP_NET_ADMIN)
PROGRAM("xdp", read_unwritten)
{
	ASM("r0 = *(u64 *)(r10 - 8); exit;");
}

CAPS(CAP_BPF|CAP_NET_ADMIN)
PROGRAM("xdp", key_unwritten)
{
	ASM("r2 = r10; r2 += -8;"
	    "r1 = %[table] ll;"
	    "call 1;" RETURN0, TABLE);
}

PROGRAM("xdp", key_across_the_end)
{
	ASM("*(u64 *)(r10 - 8) = 0;"
	    "r2 = r10; r2 += -4;"
	    "r1 = %[table] ll;"
	    "call 1;" RETURN0, TABLE);
}

PROGRAM("xdp", write_at_unknown_offset)
{
	ASM("call 7;"
	    "r2 = r10; r2 += r0;"
	    "*(u8 *)(r2 - 1) = 0;" RETURN0);
}

PROGRAM("xdp", read_at_unknown_offset)
{
	ASM("*(u64 *)(r10 - 8) = 0;"
	    "call 7; r0 &= 15;"
	    "r2 = r10; r2 += r0;"
	    "r0 = *(u8 *)(r2 - 8); exit;");
}

PROGRAM("xdp", subtract_from_frame)
{
	ASM("r0 = 8; r2 = r10; r2 -= r0;" RETURN0);
}

PROGRAM("xdp", misaligned_spill)
{
	ASM("*(u64 *)(r10 - 12) = r1;" RETURN0);
}

CAPS(CAP_BPF|CAP_NET_ADMIN)
PROGRAM("xdp", corrupt_spill)
{
	ASM("*(u64 *)(r10 - 8) = r1;"
	    "*(u8 *)(r10 - 7) = 0;" RETURN0);
}

FUNCTION(needs_300)
{
	ASM("*(u64 *)(r10 - 304) = 0;" RETURN0);
}

PROGRAM("xdp", combined_too_large)
{
	ASM("*(u64 *)(r10 - 304) = 0;"
	    "call %[f]; exit;", [f] "i"(needs_300));
}

FUNCTION(returns_its_frame)
{
	ASM("r0 = r10; exit;");
}

PROGRAM("xdp", frame_of_the_dead)
{
	ASM("call %[f];" RETURN0, [f] "i"(returns_its_frame));
}

LICENSE("Dual MIT/GPL");
