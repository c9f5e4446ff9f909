// SPDX-License-Identifier: Apache-2.0
// The flow of control: loops without end, code that nothing reaches, jumps and
// calls that lead nowhere, and what a program may return.
#include "unsafe.h"

PROGRAM("socket", loop_forever)
{
	ASM("r0 = 0; goto -1;");
}

PROGRAM("socket", loop_without_progress)
{
	ASM("r0 = 0;"
	    "call 7;"
	    "if r0 == 3 goto +1;"
	    "goto -3;" RETURN0);
}

PROGRAM("socket", too_many_ways_out)
{
	ASM("r6 = 0;"
	    "call 7;"
	    "if r0 == 0 goto +2;"
	    "r6 += 1;"
	    "if r6 < 100000 goto -4;" RETURN0);
}

PROGRAM("socket", unreachable)
{
	ASM("r0 = 0; goto +1; r0 = 1; exit;");
}

PROGRAM("socket", unreachable_after_exit)
{
	ASM("r0 = 0; exit; r0 = 1; exit;");
}

PROGRAM("socket", jump_past_end)
{
	ASM("r0 = 0; goto +9; exit;");
}

PROGRAM("socket", jump_before_start)
{
	ASM("r0 = 0; if r0 != 0 goto -9; exit;");
}

PROGRAM("socket", jump_into_wide_load)
{
	ASM("r0 = 0; if r0 == 0 goto +1; r1 = 1 ll; exit;");
}

PROGRAM("socket", no_exit)
{
	ASM("r0 = 0;");
}

FUNCTION(calls_itself)
{
	ASM("call %[f]; exit;", [f] "i"(calls_itself));
}

PROGRAM("socket", recursion)
{
	ASM("call %[f]; exit;", [f] "i"(calls_itself));
}

FUNCTION(depth9) { ASM(RETURN0); }
FUNCTION(depth8) { ASM("call %[f]; exit;", [f] "i"(depth9)); }
FUNCTION(depth7) { ASM("call %[f]; exit;", [f] "i"(depth8)); }
FUNCTION(depth6) { ASM("call %[f]; exit;", [f] "i"(depth7)); }
FUNCTION(depth5) { ASM("call %[f]; exit;", [f] "i"(depth6)); }
FUNCTION(depth4) { ASM("call %[f]; exit;", [f] "i"(depth5)); }
FUNCTION(depth3) { ASM("call %[f]; exit;", [f] "i"(depth4)); }
FUNCTION(depth2) { ASM("call %[f]; exit;", [f] "i"(depth3)); }

PROGRAM("socket", calls_too_deep)
{
	ASM("call %[f]; exit;", [f] "i"(depth2));
}

FUNCTION(falls_through)
{
	ASM("r0 = 0;");
}

PROGRAM("socket", function_without_exit)
{
	ASM("call %[f]; exit;", [f] "i"(falls_through));
}

PROGRAM("cgroup_skb/ingress", returns_too_much)
{
	ASM("r0 = 2; exit;");
}

PROGRAM("cgroup/sock_create", returns_anything)
{
	ASM("call 7; exit;");
}

CAPS(CAP_BPF)
PROGRAM("socket", returns_pointer)
{
	ASM("r0 = r1; exit;");
}

LICENSE("Dual MIT/GPL");
