// SPDX-License-Identifier: Apache-2.0
// Loads that acquire and stores that release (Linux 6.15). Compilers of version
// 19 do not know them: each is written as its eight bytes.
#include "features.h"

#define BYTES_1 0xd3
#define BYTES_2 0xcb
#define BYTES_4 0xc3
#define BYTES_8 0xdb
#define ENCODED(size, dst, src, off, what)                                     \
	(size | (u64)(dst) << 8 | (u64)(src) << 12 | (u64)(u16)(off) << 16 | (u64)(what) << 32)
#define LOAD(name, size, to, from, off) [name] "i"(ENCODED(size, to, from, off, 0x100))
#define STORE(name, size, to, from, off) [name] "i"(ENCODED(size, to, from, off, 0x110))

MAP(values, ARRAY, 1, u64);
#define VALUES [values] "i"(&values)

/* R0 = the value of key 0. */
#define LOOKUP                                                                 \
	"*(u32 *)(r10 - 4) = 0;"                                               \
	"r2 = r10;"                                                            \
	"r2 += -4;"                                                            \
	"r1 = %[values] ll;"                                                   \
	"call 1;"                                                              \
	"if r0 != 0 goto +2;"                                                  \
	"r0 = 0;"                                                              \
	"exit;"
#define RETURN0                                                                \
	"r0 = 0;"                                                              \
	"exit;"

ASM_PROGRAM("socket", load_8_from_stack)
{
	ASM("*(u64 *)(r10 - 8) = 1;"
	    ".8byte %[load];"
	    "exit;",
	    LOAD(load, BYTES_8, 0, 10, -8));
}

ASM_PROGRAM("socket", load_4_from_stack)
{
	ASM("*(u64 *)(r10 - 8) = 1;"
	    ".8byte %[load];"
	    "exit;",
	    LOAD(load, BYTES_4, 0, 10, -4));
}

ASM_PROGRAM("socket", load_2_from_stack)
{
	ASM("*(u32 *)(r10 - 4) = 1;"
	    ".8byte %[load];"
	    "exit;",
	    LOAD(load, BYTES_2, 0, 10, -2));
}

ASM_PROGRAM("socket", load_1_from_stack)
{
	ASM("*(u8 *)(r10 - 1) = 1;"
	    ".8byte %[load];"
	    "exit;",
	    LOAD(load, BYTES_1, 0, 10, -1));
}

ASM_PROGRAM("socket", store_8_to_stack)
{
	ASM("r1 = 7;"
	    ".8byte %[store];"
	    "r0 = *(u64 *)(r10 - 8);"
	    "exit;",
	    STORE(store, BYTES_8, 10, 1, -8));
}

ASM_PROGRAM("socket", store_1_to_stack)
{
	ASM("r1 = 7;"
	    ".8byte %[store];"
	    "r0 = *(u8 *)(r10 - 1);"
	    "exit;",
	    STORE(store, BYTES_1, 10, 1, -1));
}

ASM_PROGRAM("socket", load_from_map)
{
	ASM(LOOKUP
	    ".8byte %[load];"
	    "r0 = r1;"
	    "exit;",
	    VALUES, LOAD(load, BYTES_8, 1, 0, 0));
}

ASM_PROGRAM("socket", store_to_map)
{
	ASM(LOOKUP
	    "r1 = 5;"
	    ".8byte %[store];" RETURN0,
	    VALUES, STORE(store, BYTES_4, 0, 1, 4));
}

ASM_PROGRAM("socket", load_bounds_index)
{
	ASM(LOOKUP
	    ".8byte %[load];"
	    "r1 &= 7;"
	    "r0 += r1;"
	    "r0 = *(u8 *)(r0 + 0);"
	    "exit;",
	    VALUES, LOAD(load, BYTES_1, 1, 0, 0));
}

ASM_PROGRAM("tc", load_keeps_spilled_pointer)
{
	ASM("*(u64 *)(r10 - 8) = r1;"
	    ".8byte %[load];"
	    "r0 = *(u32 *)(r6 + 0);"
	    "exit;",
	    LOAD(load, BYTES_8, 6, 10, -8));
}

ASM_PROGRAM("tc", store_spills_pointer)
{
	ASM(".8byte %[store];"
	    "r6 = *(u64 *)(r10 - 8);"
	    "r0 = *(u32 *)(r6 + 0);"
	    "exit;",
	    STORE(store, BYTES_8, 10, 1, -8));
}

ASM_PROGRAM("socket", load_of_nothing)
{
	ASM(".8byte %[load];"
	    "exit;",
	    LOAD(load, BYTES_8, 0, 2, 0));
}

ASM_PROGRAM("socket", load_beyond_stack)
{
	ASM(".8byte %[load];"
	    "exit;",
	    LOAD(load, BYTES_8, 0, 10, 8));
}

ASM_PROGRAM("socket", load_from_context)
{
	ASM(".8byte %[load];"
	    "exit;",
	    LOAD(load, BYTES_4, 0, 1, 0));
}

ASM_PROGRAM("socket", store_to_context)
{
	ASM("r2 = 1;"
	    ".8byte %[store];" RETURN0,
	    STORE(store, BYTES_4, 1, 2, 0));
}

ASM_PROGRAM("socket", load_from_number)
{
	ASM("r1 = 64;"
	    ".8byte %[load];"
	    "exit;",
	    LOAD(load, BYTES_8, 0, 1, 0));
}

ASM_PROGRAM("socket", load_beyond_map_value)
{
	ASM(LOOKUP
	    ".8byte %[load];"
	    "r0 = r1;"
	    "exit;",
	    VALUES, LOAD(load, BYTES_8, 1, 0, 8));
}

ASM_PROGRAM("socket", store_beyond_map_value)
{
	ASM(LOOKUP
	    "r1 = 1;"
	    ".8byte %[store];" RETURN0,
	    VALUES, STORE(store, BYTES_1, 0, 1, -1));
}

ASM_PROGRAM("socket", load_crooked)
{
	ASM(LOOKUP
	    ".8byte %[load];"
	    "r0 = r1;"
	    "exit;",
	    VALUES, LOAD(load, BYTES_4, 1, 0, 2));
}

ASM_PROGRAM("socket", store_unset_register)
{
	ASM(".8byte %[store];" RETURN0, STORE(store, BYTES_8, 10, 3, -8));
}

ASM_PROGRAM("xdp", load_from_packet)
{
	ASM("r2 = *(u32 *)(r1 + 0);"
	    "r3 = *(u32 *)(r1 + 4);"
	    "r4 = r2;"
	    "r4 += 8;"
	    "if r4 > r3 goto +1;"
	    ".8byte %[load];" RETURN0,
	    LOAD(load, BYTES_8, 0, 2, 0));
}

ASM_PROGRAM("socket", no_such_size_of_access)
{
	ASM("*(u64 *)(r10 - 8) = 1;"
	    ".8byte %[load];"
	    "exit;",
	    [load] "i"(ENCODED(BYTES_8, 0, 10, -8, 0x101)));
}

ASM_PROGRAM("socket", load_to_frame_pointer)
{
	ASM("*(u64 *)(r10 - 8) = 1;"
	    ".8byte %[load];" RETURN0,
	    LOAD(load, BYTES_8, 10, 10, -8));
}

ASM_PROGRAM("socket", load_from_context_over_it)
{
	ASM(".8byte %[load];" RETURN0, LOAD(load, BYTES_4, 1, 1, 0));
}

ASM_PROGRAM("xdp", load_from_packet_within)
{
	ASM("r2 = *(u32 *)(r1 + 0);"
	    "r3 = *(u32 *)(r1 + 4);"
	    "r4 = r2;"
	    "r4 += 8;"
	    "if r4 > r3 goto +1;"
	    ".8byte %[load];" RETURN0,
	    LOAD(load, BYTES_2, 0, 2, 0));
}

ASM_PROGRAM("tc", store_to_writable_context)
{
	ASM("r2 = 1;"
	    ".8byte %[store];" RETURN0,
	    STORE(store, BYTES_4, 1, 2, 8)); // mark
}
