// SPDX-License-Identifier: Apache-2.0
// The context: what is not there, and what may not be written.
#include "unsafe.h"

PROGRAM("xdp", beyond_context)
{
	ASM("r0 = *(u32 *)(r1 + 24); exit;");
}

PROGRAM("xdp", before_context)
{
	ASM("r0 = *(u32 *)(r1 - 4); exit;");
}

PROGRAM("socket", misaligned_field)
{
	ASM("r0 = *(u32 *)(r1 + 2); exit;");
}

PROGRAM("socket", two_fields_at_once)
{
	ASM("r0 = *(u64 *)(r1 + 0); exit;");
}

PROGRAM("socket", write_length)
{
	ASM("*(u32 *)(r1 + 0) = 0;" RETURN0);
}

PROGRAM("socket", unknown_offset)
{
	ASM("r6 = r1; call 7; r0 &= 4;"
	    "r6 += r0; r0 = *(u32 *)(r6 + 0); exit;");
}

PROGRAM("socket", atomic_on_context)
{
	ASM("r2 = 1; lock *(u32 *)(r1 + 48) += w2;" RETURN0);
}

PROGRAM("xdp", moved_context_to_helper)
{
	ASM("r1 += 4; r2 = 0;"
	    "call 44;" // xdp_adjust_head
	    RETURN0);
}

CAPS(CAP_BPF)
PROGRAM("socket", leak_pointer_into_context)
{
	ASM("*(u64 *)(r1 + 48) = r1;" RETURN0);
}

LICENSE("Dual MIT/GPL");
