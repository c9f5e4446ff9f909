// SPDX-License-Identifier: Apache-2.0
// Probes of a function's entry and return together (user functions: Linux 6.13),
// with a word that the entry leaves for the return.
#include "features.h"

KSYM bool bpf_session_is_return(void);
KSYM u64 *bpf_session_cookie(void);

MAP(values, ARRAY, 1, u64);
u64 sum;

PROGRAM("uprobe.session", returns_zero)
{
	return 0;
}

PROGRAM("uprobe.session", skips_return)
{
	return 1;
}

PROGRAM("uprobe.session", leaves_time)
{
	u64 *at = bpf_session_cookie();

	if (bpf_session_is_return())
		sum = bpf_ktime_get_ns() - *at;
	else
		*at = bpf_ktime_get_ns();
	return 0;
}

PROGRAM("kprobe.session", kernel_function)
{
	u64 *at = bpf_session_cookie();

	*at += 1;
	return *at > 4;
}

PROGRAM("kprobe.session", asks_only)
{
	return bpf_session_is_return() ? 0 : 1;
}

PROGRAM("uprobe.session", part_of_cookie)
{
	u32 *at = (void *)bpf_session_cookie();

	at[1] = 7;
	return at[0] & 1;
}

PROGRAM("uprobe.session", adds_at_once)
{
	__sync_fetch_and_add(bpf_session_cookie(), 1);
	return 0;
}

PROGRAM("uprobe.session.s", sleeps)
{
	u64 word;

	bpf_copy_from_user(&word, sizeof(word), NULL);
	*bpf_session_cookie() = word;
	return 0;
}

PROGRAM("kprobe.session", reads_registers)
{
	sum = ctx[3];
	return 0;
}

static NOINLINE u64 cookie(void)
{
	return *bpf_session_cookie();
}

PROGRAM("uprobe.session", in_a_function)
{
	sum = cookie();
	return 0;
}

PROGRAM("uprobe.session", returns_two)
{
	return 2;
}

PROGRAM("kprobe.session", returns_minus_one)
{
	return -1;
}

PROGRAM("uprobe.session", returns_cookie)
{
	return *bpf_session_cookie();
}

PROGRAM("kprobe", in_a_plain_probe)
{
	return bpf_session_is_return();
}

PROGRAM("uprobe", in_a_plain_user_probe)
{
	sum = *bpf_session_cookie();
	return 0;
}

PROGRAM("tracepoint", in_a_tracepoint)
{
	sum = *bpf_session_cookie();
	return 0;
}

PROGRAM("uprobe.session", beyond_cookie)
{
	sum = bpf_session_cookie()[1];
	return 0;
}

PROGRAM("uprobe.session", before_cookie)
{
	sum = *((volatile u64 *)bpf_session_cookie() - 1);
	return 0;
}

PROGRAM("uprobe.session", across_the_end)
{
	sum = *(volatile u64 *)((char *)bpf_session_cookie() + 4);
	return 0;
}

PROGRAM("kprobe.session", index_in_cookie)
{
	u8 *at = (void *)bpf_session_cookie();

	sum = at[sum & 15];
	return 0;
}

PROGRAM("kprobe.session", writes_registers)
{
	ctx[0] = 1;
	return 0;
}

PROGRAM("uprobe.session", leaves_pointer)
{
	*(void *volatile *)bpf_session_cookie() = bpf_task_from_pid(1);
	return 0;
}

PROGRAM("tc", in_a_filter)
{
	return bpf_session_is_return();
}

PROGRAM("kprobe.session", returns_variable)
{
	return sum;
}
