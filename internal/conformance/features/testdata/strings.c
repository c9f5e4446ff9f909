// SPDX-License-Identifier: Apache-2.0
// String functions (Linux 6.17; bpf_strcasecmp 6.18). They read memory that may
// not be there, so that most anything may be passed.
#include "features.h"

KSYM int bpf_strcmp(const char *a, const char *b);
KSYM int bpf_strcasecmp(const char *a, const char *b);
KSYM int bpf_strchr(const char *s, char c);
KSYM int bpf_strchrnul(const char *s, char c);
KSYM int bpf_strnchr(const char *s, unsigned long n, char c);
KSYM int bpf_strrchr(const char *s, int c);
KSYM int bpf_strlen(const char *s);
KSYM int bpf_strnlen(const char *s, unsigned long n);
KSYM int bpf_strspn(const char *s, const char *accept);
KSYM int bpf_strcspn(const char *s, const char *reject);
KSYM int bpf_strstr(const char *a, const char *b);
KSYM int bpf_strnstr(const char *a, const char *b, unsigned long n);

static void (*const bpf_spin_lock)(struct bpf_spin_lock *lock) = (void *)93;
static void (*const bpf_spin_unlock)(struct bpf_spin_lock *lock) = (void *)94;
struct locked {
	struct bpf_spin_lock lock;
	u32 n;
};
MAP(lockeds, ARRAY, 1, struct locked);
char text[16] = "text";
char other[16];
const char constant[16] = "constant";
u64 sum;

PROGRAM("tc", compares)
{
	return bpf_strcmp(text, constant);
}

PROGRAM("xdp", compares_without_case)
{
	return bpf_strcasecmp(text, other) ? 1 : 2;
}

PROGRAM("syscall", measures)
{
	return bpf_strlen(text) + bpf_strnlen(other, sizeof(other));
}

PROGRAM("kprobe", finds_characters)
{
	return bpf_strchr(text, 't') + bpf_strrchr(text, 't') + bpf_strchrnul(text, 'x') + bpf_strnchr(text, 4, 'e');
}

PROGRAM("tc", spans)
{
	return bpf_strspn(text, "tx") + bpf_strcspn(text, constant);
}

PROGRAM("raw_tp/sys_enter", finds_strings)
{
	return bpf_strstr(constant, "ant") + bpf_strnstr(constant, text, sizeof(constant));
}

PROGRAM("tc", of_the_stack)
{
	char room[8] = "ab";

	HIDES(sum);
	asm volatile("" : : "r"(room) : "memory");
	return bpf_strlen(room);
}

PROGRAM("tc", of_a_number)
{
	return bpf_strlen((const char *)sum);
}

PROGRAM("tc", of_nothing)
{
	return bpf_strcmp(NULL, text);
}

PROGRAM("tp_btf/task_newtask", of_the_kernel)
{
	return bpf_strcmp((const char *)ctx[0], text) * 0;
}

PROGRAM("tc", of_the_context)
{
	return bpf_strnlen((const char *)ctx, 4);
}

PROGRAM("tc", beyond_the_text)
{
	return bpf_strnlen(text + 12, 64);
}

#define UNSET(name, function, setup)                                           \
	ASM_PROGRAM("tc", name)                                                \
	{                                                                      \
		ASM(setup "call %[f];"                                         \
			  "r0 = 0;"                                            \
			  "exit;", [f] "i"(function));                         \
	}

UNSET(second_unset, bpf_strcmp, "")
UNSET(character_unset, bpf_strchr, "")
UNSET(length_unset, bpf_strnlen, "")
UNSET(third_unset, bpf_strnstr, "r2 = r10;")
UNSET(substring_unset, bpf_strstr, "")
UNSET(set_unset, bpf_strspn, "")

PROGRAM("tc", pointer_as_length)
{
	return bpf_strnlen(text, (unsigned long)other);
}

PROGRAM("tc", pointer_as_character)
{
	return bpf_strrchr(text, (int)(u64)ctx);
}

PROGRAM("tc", pointer_as_count)
{
	return bpf_strnchr(text, (unsigned long)ctx, 't');
}

PROGRAM("tc", under_a_lock)
{
	u32 key = 0;
	struct locked *l = bpf_map_lookup_elem(&lockeds, &key);

	if (!l)
		return 0;
	bpf_spin_lock(&l->lock);
	l->n = bpf_strlen(text);
	bpf_spin_unlock(&l->lock);
	return 0;
}

PROGRAM("tc", result_as_index)
{
	return other[bpf_strlen(text)];
}

PROGRAM("tc", result_within_as_index)
{
	int n = bpf_strnlen(text, 8);

	return n < 8 ? other[n] : 0;
}

PROGRAM("tc", result_as_pointer)
{
	return *(char *)(u64)(u32)bpf_strchr(text, 't');
}
