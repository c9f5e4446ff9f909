// SPDX-License-Identifier: Apache-2.0
// A program's streams of text (Linux 6.17).
#include "features.h"

KSYM int bpf_stream_vprintk_impl(int stream, const char *format, const void *args, u32 size, void *aux);

enum { OUT = 1, ERR = 2 };

const char plain[] = "nothing to tell";
const char one_number[] = "%d";
const char two_numbers[] = "%d %llu";
const char of_string[] = "%s";
const char of_pointer[] = "%pK %px";
const char lone_percent[] = "100%";
const char unknown[] = "%y";
const char text[] = "text";
const char open_end[4] = { 'a', 'b', 'c', 'd' };
char writable[] = "%d";
u64 stored[2];

#define PRINT(stream, format, args, size) bpf_stream_vprintk_impl(stream, format, args, size, NULL)

PROGRAM("tc", plain_text)
{
	return PRINT(OUT, plain, stored, 0);
}

PROGRAM("tc", to_errors)
{
	return PRINT(ERR, plain, stored, 0);
}

PROGRAM("tc", number)
{
	u64 args[] = { 7 };

	return PRINT(OUT, one_number, args, sizeof(args));
}

PROGRAM("xdp", numbers)
{
	u64 args[] = { 7, bpf_ktime_get_ns() };

	return PRINT(OUT, two_numbers, args, sizeof(args)) & 1;
}

PROGRAM("tc", constant_string)
{
	u64 args[] = { (u64)text };

	return PRINT(OUT, of_string, args, sizeof(args));
}

PROGRAM("tc", stored_arguments)
{
	return PRINT(OUT, two_numbers, stored, sizeof(stored));
}

PROGRAM("syscall", in_a_syscall)
{
	u64 args[] = { 1 };

	return PRINT(ERR, one_number, args, sizeof(args));
}

PROGRAM("tc", unknown_stream)
{
	return PRINT(17, plain, stored, 0);
}

PROGRAM("tc", stream_by_argument)
{
	return PRINT((int)stored[0], plain, stored, 0);
}

PROGRAM("tc", too_few_arguments)
{
	u64 args[] = { 1 };

	return PRINT(OUT, two_numbers, args, sizeof(args));
}

PROGRAM("tp_btf/task_newtask", pointer_as_argument)
{
	u64 args[] = { ctx[0], ctx[0] };

	return PRINT(OUT, of_pointer, args, sizeof(args)) * 0;
}

PROGRAM("tc", under_rcu)
{
	bpf_rcu_read_lock();
	PRINT(OUT, plain, stored, 0);
	bpf_rcu_read_unlock();
	return 0;
}

PROGRAM("tc", unknown_conversion)
{
	u64 args[] = { 1 };

	return PRINT(OUT, unknown, args, sizeof(args));
}

PROGRAM("tc", unfinished_conversion)
{
	return PRINT(OUT, lone_percent, stored, 0);
}

PROGRAM("tc", writable_format)
{
	u64 args[] = { 1 };

	return PRINT(OUT, writable, args, sizeof(args));
}

PROGRAM("tc", format_on_stack)
{
	char format[8] = "%d";
	u64 args[] = { 1 };

	HIDES(args[0]);
	return PRINT(OUT, format, args, sizeof(args));
}

PROGRAM("tc", format_without_end)
{
	return PRINT(OUT, open_end, NULL, 0);
}

PROGRAM("tc", no_format)
{
	return PRINT(OUT, NULL, NULL, 0);
}

PROGRAM("tc", unset_arguments)
{
	u64 args[2];

	args[1] = 1;
	asm volatile("" : : "r"(args) : "memory");
	return bpf_stream_vprintk_impl(OUT, two_numbers, (void *)args - 16, 32, NULL);
}

PROGRAM("tc", arguments_beyond_value)
{
	return PRINT(OUT, two_numbers, stored, sizeof(stored) + 8);
}

PROGRAM("tc", size_without_bound)
{
	return PRINT(OUT, two_numbers, stored, (u32)stored[1]);
}

PROGRAM("tc", context_as_arguments)
{
	return PRINT(OUT, two_numbers, ctx, 16);
}

PROGRAM("tc", number_as_arguments)
{
	void *args = (void *)64;

	HIDES(args);
	return PRINT(OUT, one_number, args, 8);
}

PROGRAM("tc", size_without_arguments)
{
	return PRINT(OUT, one_number, NULL, 8);
}

PROGRAM("tc", number_as_format)
{
	const char *format = (void *)64;

	HIDES(format);
	return PRINT(OUT, format, NULL, 0);
}

ASM_PROGRAM("tc", stream_unset)
{
	ASM("r2 = %[format] ll;"
	    "r3 = 0;"
	    "r4 = 0;"
	    "r5 = 0;"
	    "r1 = r9;"
	    "call %[print];"
	    "r0 = 0;"
	    "exit;",
	    [print] "i"(bpf_stream_vprintk_impl), [format] "i"(plain));
}
