// SPDX-License-Identifier: Apache-2.0
// What the unsafe programs share: just enough of BPF's C to write each mistake
// down in assembly, so that no compiler repairs it.
#pragma once

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

#define SEC(name) __attribute__((section(name), used))
#define LICENSE(text) char _license[] SEC("license") = text

// A program is one block of assembly.
#define PROGRAM(section, name) SEC(section) __attribute__((naked)) int name(void)
#define ASM(text, ...) asm volatile(text : : __VA_ARGS__ : "memory")

// A function that programs call, likewise.
#define FUNCTION(name) static __attribute__((naked, noinline, used)) int name(void)

// Annotations that the test reads: with FLAG the program loads with a flag of
// BPF_PROG_LOAD, with CAPS it loads with only these capabilities.
#define FLAG(flag) __attribute__((btf_decl_tag("comment:test_prog_flags=" #flag)))
#define CAPS(caps)                                                            \
	__attribute__((btf_decl_tag("comment:test_expect_failure_unpriv")))   \
	__attribute__((btf_decl_tag("comment:test_caps_unpriv=" #caps)))

// Maps as libbpf reads them.
#define __uint(name, val) int (*name)[val]
#define __type(name, val) __typeof__(val) *name
#define MAP SEC(".maps")

enum { HASH = 1, ARRAY = 2, PROG_ARRAY = 3, RINGBUF = 27 };

struct value {
	u64 a, b;
};

#define DEFINE_MAPS                                                           \
	struct {                                                              \
		__uint(type, ARRAY);                                          \
		__uint(max_entries, 4);                                       \
		__type(key, u32);                                             \
		__type(value, struct value);                                  \
	} values MAP;                                                         \
	struct {                                                              \
		__uint(type, HASH);                                           \
		__uint(max_entries, 4);                                       \
		__type(key, u64);                                             \
		__type(value, struct value);                                  \
	} table MAP;                                                          \
	struct {                                                              \
		__uint(type, PROG_ARRAY);                                     \
		__uint(max_entries, 4);                                       \
		__type(key, u32);                                             \
		__type(value, u32);                                           \
	} jumps MAP;                                                          \
	struct {                                                              \
		__uint(type, RINGBUF);                                        \
		__uint(max_entries, 4096);                                    \
	} events MAP

#define VALUES [values] "i"(&values)
#define TABLE [table] "i"(&table)
#define JUMPS [jumps] "i"(&jumps)
#define EVENTS [events] "i"(&events)

// R0 = the value of key 0 in the array "values", or NULL.
#define LOOKUP                                                                \
	"*(u32 *)(r10 - 4) = 0;"                                              \
	"r2 = r10;"                                                           \
	"r2 += -4;"                                                           \
	"r1 = %[values] ll;"                                                  \
	"call 1;" // map_lookup_elem

// The same, with the program's end when there is none.
#define LOOKUP_OR_EXIT                                                        \
	LOOKUP                                                                \
	"if r0 != 0 goto +2;"                                                 \
	"r0 = 0;"                                                             \
	"exit;"

// R0 = the value of key 0 in the hash "table", or NULL.
#define SEARCH                                                                \
	"*(u64 *)(r10 - 8) = 0;"                                              \
	"r2 = r10;"                                                           \
	"r2 += -8;"                                                           \
	"r1 = %[table] ll;"                                                   \
	"call 1;"

#define RETURN0                                                               \
	"r0 = 0;"                                                             \
	"exit;"
