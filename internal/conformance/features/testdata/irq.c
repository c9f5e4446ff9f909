// SPDX-License-Identifier: Apache-2.0
// Sections without interrupts (Linux 6.14).
#include "features.h"

KSYM void bpf_local_irq_save(unsigned long *flags);
KSYM void bpf_local_irq_restore(unsigned long *flags);

MAP(values, ARRAY, 1, u64);
u64 total;

PROGRAM("tc", saves_and_restores)
{
	unsigned long flags;

	bpf_local_irq_save(&flags);
	bpf_local_irq_restore(&flags);
	return 0;
}

PROGRAM("tc", nested)
{
	unsigned long outer, inner;

	bpf_local_irq_save(&outer);
	bpf_local_irq_save(&inner);
	bpf_local_irq_restore(&inner);
	bpf_local_irq_restore(&outer);
	return 0;
}

PROGRAM("tc", one_slot_twice)
{
	unsigned long flags;

	bpf_local_irq_save(&flags);
	bpf_local_irq_restore(&flags);
	bpf_local_irq_save(&flags);
	bpf_local_irq_restore(&flags);
	return 0;
}

PROGRAM("tc", on_both_paths)
{
	unsigned long flags;

	bpf_local_irq_save(&flags);
	if (total > 7) {
		bpf_local_irq_restore(&flags);
		return 1;
	}
	bpf_local_irq_restore(&flags);
	return 0;
}

PROGRAM("tc", calls_helpers)
{
	unsigned long flags;

	bpf_local_irq_save(&flags);
	total += bpf_ktime_get_ns();
	bpf_local_irq_restore(&flags);
	return 0;
}

PROGRAM("tc", looks_up)
{
	unsigned long flags;
	u32 key = 0;
	u64 *v;

	bpf_local_irq_save(&flags);
	v = bpf_map_lookup_elem(&values, &key);
	if (v)
		++*v;
	bpf_local_irq_restore(&flags);
	return 0;
}

PROGRAM("tc", in_a_loop)
{
	unsigned long flags;
	volatile int i;

	for (i = 0; i < 3; i++) {
		bpf_local_irq_save(&flags);
		total++;
		bpf_local_irq_restore(&flags);
	}
	return 0;
}

static NOINLINE int adds(int n)
{
	total += n;
	HIDES(n);
	return n;
}

PROGRAM("tc", calls_a_function)
{
	unsigned long flags;

	bpf_local_irq_save(&flags);
	adds(total & 7);
	bpf_local_irq_restore(&flags);
	return 0;
}

static NOINLINE void restores(unsigned long *flags)
{
	bpf_local_irq_restore(flags);
}

PROGRAM("tc", function_restores)
{
	unsigned long flags;

	bpf_local_irq_save(&flags);
	restores(&flags);
	return 0;
}

PROGRAM("syscall", sleeps_afterwards)
{
	unsigned long flags;
	u64 word;

	bpf_local_irq_save(&flags);
	bpf_local_irq_restore(&flags);
	bpf_copy_from_user(&word, sizeof(word), NULL);
	return 0;
}

PROGRAM("tc", with_preemption)
{
	unsigned long flags;

	bpf_preempt_disable();
	bpf_local_irq_save(&flags);
	bpf_local_irq_restore(&flags);
	bpf_preempt_enable();
	return 0;
}

PROGRAM("tc", does_not_restore)
{
	unsigned long flags;

	bpf_local_irq_save(&flags);
	return 0;
}

PROGRAM("tc", forgets_on_a_path)
{
	unsigned long flags;

	bpf_local_irq_save(&flags);
	if (total == 5)
		return 0;
	bpf_local_irq_restore(&flags);
	return 0;
}

PROGRAM("tc", restores_a_number)
{
	unsigned long flags = 512;

	HIDES(flags);
	bpf_local_irq_restore(&flags);
	return 0;
}

PROGRAM("tc", restores_twice)
{
	unsigned long flags;

	bpf_local_irq_save(&flags);
	bpf_local_irq_restore(&flags);
	bpf_local_irq_restore(&flags);
	return 0;
}

PROGRAM("tc", saves_twice)
{
	unsigned long flags;

	bpf_local_irq_save(&flags);
	bpf_local_irq_save(&flags);
	bpf_local_irq_restore(&flags);
	return 0;
}

PROGRAM("tc", wrong_order)
{
	unsigned long outer, inner;

	bpf_local_irq_save(&outer);
	bpf_local_irq_save(&inner);
	bpf_local_irq_restore(&outer);
	bpf_local_irq_restore(&inner);
	return 0;
}

PROGRAM("tc", overwrites)
{
	volatile unsigned long flags;

	bpf_local_irq_save((unsigned long *)&flags);
	flags = 1;
	bpf_local_irq_restore((unsigned long *)&flags);
	return 0;
}

PROGRAM("tc", reads_the_flags)
{
	unsigned long flags;

	bpf_local_irq_save(&flags);
	total = *(volatile unsigned long *)&flags;
	bpf_local_irq_restore(&flags);
	return 0;
}

PROGRAM("tc", flags_in_a_map)
{
	u32 key = 0;
	u64 *v = bpf_map_lookup_elem(&values, &key);

	if (!v)
		return 0;
	bpf_local_irq_save((unsigned long *)v);
	bpf_local_irq_restore((unsigned long *)v);
	return 0;
}

PROGRAM("syscall", sleeps_meanwhile)
{
	unsigned long flags;
	u64 word;

	bpf_local_irq_save(&flags);
	bpf_copy_from_user(&word, sizeof(word), NULL);
	bpf_local_irq_restore(&flags);
	return 0;
}

ASM_PROGRAM("tc", crooked_slot)
{
	ASM("r6 = r10;"
	    "r6 += -12;"
	    "r1 = r6;"
	    "call %[save];"
	    "r1 = r6;"
	    "call %[restore];"
	    "r0 = 0;"
	    "exit;",
	    [save] "i"(bpf_local_irq_save), [restore] "i"(bpf_local_irq_restore));
}
