// SPDX-License-Identifier: Apache-2.0
// Maps: values that may be NULL, their bounds, and maps of the wrong kind.
#include "unsafe.h"

DEFINE_MAPS;

const volatile u64 limit = 7;

PROGRAM("xdp", null_not_checked)
{
	ASM(SEARCH "r0 = *(u64 *)(r0 + 0); exit;", TABLE);
}

PROGRAM("xdp", null_checked_wrong_way)
{
	ASM(SEARCH "if r0 == 0 goto +2;" RETURN0
	    "r0 = *(u64 *)(r0 + 0); exit;", TABLE);
}

PROGRAM("xdp", arithmetic_before_null_check)
{
	ASM(SEARCH "r0 += 8;" RETURN0, TABLE);
}

PROGRAM("xdp", beyond_value)
{
	ASM(LOOKUP_OR_EXIT "r0 = *(u64 *)(r0 + 16); exit;", VALUES);
}

PROGRAM("xdp", across_value_end)
{
	ASM(LOOKUP_OR_EXIT "*(u64 *)(r0 + 12) = 0;" RETURN0, VALUES);
}

PROGRAM("xdp", before_value)
{
	ASM(LOOKUP_OR_EXIT "r0 = *(u8 *)(r0 - 1); exit;", VALUES);
}

PROGRAM("xdp", index_not_checked)
{
	ASM(LOOKUP_OR_EXIT
	    "r6 = r0; call 7;"
	    "r6 += r0; *(u8 *)(r6 + 0) = 0;" RETURN0, VALUES);
}

PROGRAM("xdp", index_off_by_one)
{
	ASM(LOOKUP_OR_EXIT
	    "r6 = r0; call 7;"
	    "if r0 > 16 goto +2;"
	    "r6 += r0; *(u8 *)(r6 + 0) = 0;" RETURN0, VALUES);
}

PROGRAM("xdp", index_may_be_negative)
{
	ASM(LOOKUP_OR_EXIT
	    "r6 = *(u64 *)(r0 + 0);"
	    "if r6 s> 8 goto +2;"
	    "r0 += r6; *(u8 *)(r0 + 0) = 0;" RETURN0, VALUES);
}

PROGRAM("xdp", write_rodata)
{
	ASM("r1 = %[limit] ll;"
	    "*(u64 *)(r1 + 0) = 0;" RETURN0, [limit] "i"(&limit));
}

PROGRAM("xdp", write_map_pointer)
{
	ASM("r1 = %[values] ll;"
	    "*(u64 *)(r1 + 0) = 0;" RETURN0, VALUES);
}

PROGRAM("xdp", lookup_in_ringbuf)
{
	ASM("*(u64 *)(r10 - 8) = 0;"
	    "r2 = r10; r2 += -8;"
	    "r1 = %[events] ll;"
	    "call 1;" RETURN0, EVENTS);
}

PROGRAM("xdp", ringbuf_output_to_array)
{
	ASM("*(u64 *)(r10 - 8) = 0;"
	    "r2 = r10; r2 += -8; r3 = 8; r4 = 0;"
	    "r1 = %[values] ll;"
	    "call 130;" // ringbuf_output
	    RETURN0, VALUES);
}

PROGRAM("xdp", lookup_in_number)
{
	ASM("*(u64 *)(r10 - 8) = 0;"
	    "r2 = r10; r2 += -8;"
	    "r1 = 1;"
	    "call 1;" RETURN0);
}

PROGRAM("xdp", key_is_a_number)
{
	ASM("r1 = %[table] ll;"
	    "r2 = 4;"
	    "call 1;" RETURN0, TABLE);
}

CAPS(CAP_BPF|CAP_NET_ADMIN)
PROGRAM("xdp", leak_pointer_into_value)
{
	ASM("r6 = r1;" LOOKUP_OR_EXIT
	    "*(u64 *)(r0 + 0) = r6;" RETURN0, VALUES);
}

LICENSE("Dual MIT/GPL");
