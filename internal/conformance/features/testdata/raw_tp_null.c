// SPDX-License-Identifier: Apache-2.0
// Arguments of raw tracepoints that may be NULL (Linux 6.14): the verifier knows
// which, and wants those looked at.
#include "features.h"

u64 sum;

#define ARG(n) ((volatile u64 *)ctx[n])

PROGRAM("tp_btf/sched_pi_setprio", looks_at_waiter)
{
	struct task_struct *waiter = (void *)ctx[1];

	if (waiter)
		sum = waiter->pid;
	return 0;
}

PROGRAM("tp_btf/sched_pi_setprio", reads_task)
{
	struct task_struct *task = (void *)ctx[0];

	sum = task->pid;
	return 0;
}

PROGRAM("tp_btf/kfree_skb", looks_at_socket)
{
	if (ctx[3])
		sum = *ARG(3);
	return 0;
}

PROGRAM("tp_btf/kfree_skb", part_of_pointer)
{
	sum = *(volatile u32 *)ctx[0];
	return 0;
}

PROGRAM("tp_btf/kfree_skb", reads_packet)
{
	sum = *ARG(0);
	return 0;
}

PROGRAM("tp_btf/mm_page_alloc", looks_at_page)
{
	if (ctx[0])
		sum = *ARG(0);
	return 0;
}

PROGRAM("tp_btf/qdisc_dequeue", looks_at_packet)
{
	sum = *ARG(0);
	if (ctx[3])
		sum = *ARG(3);
	return 0;
}

PROGRAM("tp_btf/tcp_send_reset", looks_at_both)
{
	if (ctx[0])
		sum = *ARG(0);
	if (ctx[1])
		sum = *ARG(1);
	return 0;
}

PROGRAM("tp_btf/posix_lock_inode", looks_at_lock)
{
	if (ctx[1])
		sum = *ARG(1);
	return 0;
}

PROGRAM("tp_btf/sched_pi_setprio", acquires_waiter)
{
	struct task_struct *waiter = (void *)ctx[1], *kept;

	if (!waiter)
		return 0;
	kept = bpf_task_acquire(waiter);
	if (kept)
		bpf_task_release(kept);
	return 0;
}

PROGRAM("tp_btf/sched_pi_setprio", compares_only)
{
	return ctx[1] == ctx[0];
}

PROGRAM("raw_tp/sched_pi_setprio", untyped)
{
	sum = ctx[1];
	return 0;
}

PROGRAM("tp_btf/sched_pi_setprio", waiter)
{
	sum = ((struct task_struct *)ctx[1])->pid;
	return 0;
}

PROGRAM("tp_btf/kfree_skb", socket_of_packet)
{
	sum = *ARG(3);
	return 0;
}

PROGRAM("tp_btf/mm_page_alloc", page)
{
	sum = *ARG(0);
	return 0;
}

PROGRAM("tp_btf/qdisc_dequeue", dequeued)
{
	sum = *ARG(3);
	return 0;
}

PROGRAM("tp_btf/tcp_send_reset", socket_of_reset)
{
	sum = *ARG(0);
	return 0;
}

PROGRAM("tp_btf/tcp_send_reset", packet_of_reset)
{
	if (ctx[0])
		sum = *ARG(1);
	return 0;
}

PROGRAM("tp_btf/posix_lock_inode", lock)
{
	sum = *ARG(1);
	return 0;
}

PROGRAM("tp_btf/fcntl_setlk", lock_of_call)
{
	sum = *ARG(1);
	return 0;
}

PROGRAM("tp_btf/mm_khugepaged_scan_pmd", scanned)
{
	sum = *ARG(1);
	return 0;
}

PROGRAM("tp_btf/tcp_sendmsg_locked", sent)
{
	sum = *ARG(2);
	return 0;
}

PROGRAM("tp_btf/sched_pi_setprio", acquires_maybe_waiter)
{
	struct task_struct *kept = bpf_task_acquire((void *)ctx[1]);

	if (kept)
		bpf_task_release(kept);
	return 0;
}

PROGRAM("tp_btf/fib_table_lookup", next_hop)
{
	sum = *ARG(2);
	return 0;
}

PROGRAM("tp_btf/sched_pi_setprio", writes_waiter)
{
	if (ctx[1])
		*ARG(1) = 0;
	return 0;
}

PROGRAM("tp_btf/sched_pi_setprio", no_such_argument)
{
	sum = ctx[2];
	return 0;
}
