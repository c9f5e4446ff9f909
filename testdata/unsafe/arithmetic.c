// SPDX-License-Identifier: Apache-2.0
// Arithmetic: by zero, by too much, and on pointers.
#include "unsafe.h"

DEFINE_MAPS;

PROGRAM("socket", divide_by_zero)
{
	ASM("r0 = 1; r0 /= 0; exit;");
}

PROGRAM("socket", modulo_zero)
{
	ASM("w0 = 1; w0 %%= 0; exit;");
}

PROGRAM("socket", shift_by_64)
{
	ASM("r0 = 1; r0 <<= 64; exit;");
}

PROGRAM("socket", shift_half_by_32)
{
	ASM("w0 = 1; w0 >>= 32; exit;");
}

PROGRAM("socket", half_of_pointer)
{
	ASM("w1 += 1;" RETURN0);
}

PROGRAM("socket", multiply_pointer)
{
	ASM("r1 *= 2;" RETURN0);
}

CAPS(CAP_BPF)
PROGRAM("socket", negate_pointer)
{
	ASM("r1 = -r1;" RETURN0);
}

PROGRAM("socket", add_pointers)
{
	ASM("r1 += r10;" RETURN0);
}

PROGRAM("socket", number_minus_pointer)
{
	ASM("r2 = 1; r2 -= r10;" RETURN0);
}

CAPS(CAP_BPF)
PROGRAM("socket", pointer_minus_pointer)
{
	ASM("r2 = r10; r2 -= r1;" RETURN0);
}

PROGRAM("socket", offset_too_far)
{
	ASM("r1 = %[values] ll;" LOOKUP_OR_EXIT
	    "r0 += 0x20000000;" RETURN0, VALUES);
}

PROGRAM("socket", move_map_pointer)
{
	ASM("r1 = %[values] ll; r1 += 8;"
	    "r0 = *(u32 *)(r1 + 0); exit;", VALUES);
}

PROGRAM("socket", follow_number)
{
	ASM("r1 = 4096; r0 = *(u64 *)(r1 + 0); exit;");
}

PROGRAM("socket", swap_odd_width)
{
	ASM(".8byte 0x00000007000001dc;" // byte swap of 7 bits
	    RETURN0);
}

PROGRAM("socket", reserved_field)
{
	ASM(".8byte 0x00000000000100b7;" // r0 = 0, with an offset
	    "exit;");
}

PROGRAM("socket", register_11)
{
	ASM(".8byte 0x0000000000000bb7;" // r11 = 0
	    RETURN0);
}

PROGRAM("socket", unknown_instruction)
{
	ASM(".8byte 0x00000000000000ff;" RETURN0);
}

LICENSE("Dual MIT/GPL");
