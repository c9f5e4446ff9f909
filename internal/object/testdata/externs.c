// SPDX-License-Identifier: Apache-2.0
// Externs: configuration, symbols and functions of the kernel.
#include "bpf.h"

enum libbpf_tristate { TRI_NO = 0, TRI_YES = 1, TRI_MODULE = 2 };

extern int LINUX_KERNEL_VERSION KCONFIG;
extern bool LINUX_HAS_BPF_COOKIE KCONFIG;
extern bool CONFIG_BOOL KCONFIG;
extern enum libbpf_tristate CONFIG_TRI KCONFIG;
extern char CONFIG_CHAR KCONFIG;
extern u16 CONFIG_U16 KCONFIG;
extern char CONFIG_STRING[8] KCONFIG;
extern u64 CONFIG_MISSING KCONFIG WEAK;

SEC("socket")
int config(void *ctx)
{
	return LINUX_KERNEL_VERSION + LINUX_HAS_BPF_COOKIE + CONFIG_BOOL + CONFIG_TRI + CONFIG_CHAR + CONFIG_U16 +
	       CONFIG_STRING[1] + CONFIG_MISSING;
}

extern const void untyped KSYM;
extern const void absent KSYM WEAK;
extern const int typed KSYM;
extern const int missing_var KSYM WEAK;

SEC("socket")
int symbols(void *ctx)
{
	u64 sum = (u64)&untyped + (u64)&absent;

	if (&missing_var)
		sum++;
	return sum + (u64)&typed;
}

extern int kernel_func(int x) KSYM;
extern int kernel_func___flavor(int x) KSYM;
extern int missing_func(int x) KSYM WEAK;
extern int needed_func(int x) KSYM;

SEC("tc")
int calls(void *ctx)
{
	return kernel_func(1) + kernel_func___flavor(3) + missing_func(2);
}

SEC("tc")
int unresolved(void *ctx)
{
	return needed_func(1);
}
