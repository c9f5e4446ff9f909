// SPDX-License-Identifier: Apache-2.0
// Packets: bytes beyond what was compared with the end.
#include "unsafe.h"

// xdp_md: data at 0, data_end at 4.
#define DATA "r2 = *(u32 *)(r1 + 0); r3 = *(u32 *)(r1 + 4);"

PROGRAM("xdp", not_compared)
{
	ASM(DATA "r0 = *(u8 *)(r2 + 0); exit;");
}

PROGRAM("xdp", one_too_far)
{
	ASM(DATA "r4 = r2; r4 += 14;"
	    "if r4 > r3 goto +1;"
	    "r5 = *(u8 *)(r2 + 14);" RETURN0);
}

PROGRAM("xdp", compared_wrong_way)
{
	ASM(DATA "r4 = r2; r4 += 14;"
	    "if r4 < r3 goto +1;"
	    "r5 = *(u8 *)(r2 + 13);" RETURN0);
}

PROGRAM("xdp", length_from_packet)
{
	ASM(DATA "r4 = r2; r4 += 1;"
	    "if r4 > r3 goto +3;"
	    "r5 = *(u8 *)(r2 + 0);"
	    "r2 += r5;"
	    "r5 = *(u8 *)(r2 + 0);" RETURN0);
}

PROGRAM("xdp", end_moved)
{
	ASM(DATA "r3 += 8;" RETURN0);
}

PROGRAM("xdp", read_at_end)
{
	ASM(DATA "r0 = *(u8 *)(r3 - 1); exit;");
}

PROGRAM("xdp", stale_after_adjust)
{
	ASM("r6 = *(u32 *)(r1 + 0); r7 = *(u32 *)(r1 + 4);"
	    "r8 = r6; r8 += 14;"
	    "if r8 > r7 goto +3;"
	    "r2 = 4;"
	    "call 44;" // xdp_adjust_head
	    "r0 = *(u8 *)(r6 + 0);" RETURN0);
}

FLAG(BPF_F_STRICT_ALIGNMENT)
PROGRAM("xdp", misaligned_strict)
{
	ASM(DATA "r4 = r2; r4 += 14;"
	    "if r4 > r3 goto +1;"
	    "r5 = *(u32 *)(r2 + 1);" RETURN0);
}

PROGRAM("socket", direct_in_socket_filter)
{
	ASM("r2 = *(u32 *)(r1 + 76);" RETURN0);
}

PROGRAM("cgroup_skb/ingress", write_where_read_only)
{
	ASM("r2 = *(u32 *)(r1 + 76); r3 = *(u32 *)(r1 + 80);"
	    "r4 = r2; r4 += 8;"
	    "if r4 > r3 goto +1;"
	    "*(u8 *)(r2 + 0) = 0;" RETURN0);
}

LICENSE("Dual MIT/GPL");
