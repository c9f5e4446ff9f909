// SPDX-License-Identifier: Apache-2.0
// A helper that only programs under a GPL-compatible licence may call.
#include "unsafe.h"

char format[] = "x";

PROGRAM("socket", gpl_only_helper)
{
	ASM("*(u64 *)(r10 - 8) = 0;"
	    "r1 = r10; r1 += -8; r2 = 8;"
	    "call 6;" // trace_printk
	    RETURN0);
}

LICENSE("Proprietary");
