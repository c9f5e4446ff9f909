// SPDX-License-Identifier: Apache-2.0
// Helpers: not for this program, not with these arguments, not left like this.
#include "unsafe.h"

DEFINE_MAPS;

char writable_format[8] = "%d";

PROGRAM("socket", no_such_helper)
{
	ASM("call 9999;" RETURN0);
}

PROGRAM("socket", helper_of_other_type)
{
	ASM("r2 = 0;"
	    "call 44;" // xdp_adjust_head
	    RETURN0);
}

PROGRAM("xdp", number_for_context)
{
	ASM("r1 = 0; r2 = 0;"
	    "call 44;" RETURN0);
}

PROGRAM("xdp", number_for_memory)
{
	ASM("r1 = 8; r2 = 8; r3 = 0; r4 = 0; r5 = 0;"
	    "call 28;" // csum_diff
	    RETURN0);
}

PROGRAM("xdp", size_zero)
{
	ASM("r1 = r10; r1 += -8; r2 = 0;"
	    "call 16;" // get_current_comm
	    RETURN0);
}

PROGRAM("socket", size_negative)
{
	ASM("r6 = r1; call 7; r4 = r0; r4 -= 10;"
	    "r1 = r6; r2 = 0; r3 = r10; r3 += -8;"
	    "call 26;" // skb_load_bytes
	    RETURN0);
}

PROGRAM("socket", size_unbounded)
{
	ASM("r6 = r1; call 7; r4 = r0;"
	    "r1 = r6; r2 = 0; r3 = r10; r3 += -8;"
	    "call 26;" RETURN0);
}

PROGRAM("socket", size_beyond_buffer)
{
	ASM("r2 = 0; r3 = r10; r3 += -8; r4 = 16;"
	    "call 26;" RETURN0);
}

PROGRAM("socket", buffer_beyond_value)
{
	ASM("r6 = r1;" LOOKUP_OR_EXIT
	    "r1 = r6; r2 = 0; r3 = r0; r4 = 17;"
	    "call 26;" RETURN0, VALUES);
}

PROGRAM("socket", format_not_constant)
{
	ASM("r1 = r10; r1 += -16; r2 = 16;"
	    "*(u64 *)(r10 - 8) = 0; *(u64 *)(r10 - 16) = 0;"
	    "r3 = %[format] ll;"
	    "r4 = 0; r5 = 0;"
	    "call 165;" // snprintf
	    RETURN0, [format] "i"(&writable_format));
}

PROGRAM("socket", tail_call_without_context)
{
	ASM("r1 = 0; r2 = %[jumps] ll; r3 = 0;"
	    "call 12;" // tail_call
	    RETURN0, JUMPS);
}

PROGRAM("socket", tail_call_into_array)
{
	ASM("r2 = %[values] ll; r3 = 0;"
	    "call 12;" RETURN0, VALUES);
}

PROGRAM("socket", look_up_programs)
{
	ASM("*(u32 *)(r10 - 4) = 0;"
	    "r2 = r10; r2 += -4; r1 = %[jumps] ll;"
	    "call 1;" RETURN0, JUMPS);
}

#define RESERVE                                                               \
	"r1 = %[events] ll; r2 = 16; r3 = 0;"                                 \
	"call 131;" // ringbuf_reserve

PROGRAM("socket", record_not_checked)
{
	ASM(RESERVE "*(u64 *)(r0 + 0) = 1;" RETURN0, EVENTS);
}

PROGRAM("socket", record_kept)
{
	ASM(RESERVE RETURN0, EVENTS);
}

PROGRAM("socket", beyond_record)
{
	ASM(RESERVE "if r0 == 0 goto +4;"
	    "*(u64 *)(r0 + 16) = 1;"
	    "r1 = r0; r2 = 0;"
	    "call 132;" // ringbuf_submit
	    RETURN0, EVENTS);
}

PROGRAM("socket", record_after_submit)
{
	ASM(RESERVE "if r0 == 0 goto +5;"
	    "r6 = r0; r1 = r0; r2 = 0;"
	    "call 132;"
	    "*(u64 *)(r6 + 0) = 1;" RETURN0, EVENTS);
}

LICENSE("Dual MIT/GPL");
