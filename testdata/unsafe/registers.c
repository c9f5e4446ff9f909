// SPDX-License-Identifier: Apache-2.0
// Registers that hold nothing yet, or nothing any more.
#include "unsafe.h"

PROGRAM("socket", return_nothing)
{
	ASM("exit;");
}

PROGRAM("socket", read_before_write)
{
	ASM("r0 = r3; exit;");
}

PROGRAM("socket", read_half_before_write)
{
	ASM("w0 = w2; exit;");
}

PROGRAM("socket", branch_on_nothing)
{
	ASM("r0 = 0; if r4 > 1 goto +0; exit;");
}

PROGRAM("socket", store_nothing)
{
	ASM("*(u64 *)(r10 - 8) = r5;" RETURN0);
}

PROGRAM("socket", read_after_call)
{
	ASM("call 7;" // get_prandom_u32
	    "r0 = r1; exit;");
}

PROGRAM("socket", set_on_one_path)
{
	ASM("call 7;"
	    "if r0 > 5 goto +1;"
	    "r6 = 1;"
	    "r0 = r6; exit;");
}

PROGRAM("socket", write_frame_pointer)
{
	ASM("r10 = 0;" RETURN0);
}

PROGRAM("socket", move_frame_pointer)
{
	ASM("r10 += -8;" RETURN0);
}

PROGRAM("socket", argument_missing)
{
	ASM("call 1;" // map_lookup_elem
	    RETURN0);
}

LICENSE("Dual MIT/GPL");
