// This file defines rows about global functions, which are verified by their
// prototypes alone.

package verify_test

// callGlobal calls the function f with R1 set up.
func callGlobal(setup, function string) string {
	return `
		r8 = r1
		*(u64 *)(r10 -8) = 0
		*(u64 *)(r10 -16) = 0
	` + setup + `
		call f
		r0 &= 63
		r6 = value[large]+0
		r6 += r0
		r0 = *(u8 *)(r6 +0)
		r0 = 2
		exit
	` + function
}

const (
	readsWords = "\nglobal f(words): if r1 == 0 goto null; r0 = *(u64 *)(r1 +8); r0 &= 63; exit; null: r0 = 0; exit"
)

var functionRows = []soundness{
	{
		name: "a result is any number",
		bad:  indexBy("r1 = 5; call f; r1 = r0") + "\nglobal f(int): r0 = 5; exit", line: mathOnValue,
		good: indexBy("r1 = 5; call f; r1 = r0") + "\nstatic f(int): r0 = 5; exit",
	},
	{
		name: "an argument is any number",
		bad:  callGlobal("r1 = 5", "\nglobal f(long): r2 = value[large]+0; r2 += r1; r0 = *(u8 *)(r2 +0); exit"), line: mathOnValue,
		good: callGlobal("r1 = 5", "\nstatic f(long): r2 = value[large]+0; r2 += r1; r0 = *(u8 *)(r2 +0); r0 &= 63; exit"),
	},
	{
		name: "an argument that may be NULL",
		bad:  callGlobal("r1 = r10; r1 += -16", "\nglobal f(words): r0 = *(u64 *)(r1 +8); exit"), line: "R1 invalid mem access 'mem_or_null'",
		good: callGlobal("r1 = r10; r1 += -16", "\nstatic f(words): r0 = *(u64 *)(r1 +8); r0 &= 63; exit"),
	},
	{
		name: "memory that is too small",
		bad:  callGlobal("r1 = r10; r1 += -8", readsWords), line: "Caller passes invalid args into func#1 ('f')", good: callGlobal("r1 = 0", "\nstatic f(words): r0 = 0; exit"),
	},
	{
		name: "a number for a pointer",
		bad:  callGlobal("r1 = 7", readsWords), line: "Caller passes invalid args into func#1 ('f')", good: callGlobal("r1 = 7", "\nstatic f(long): r0 = r1; exit"),
	},
	{
		name: "another pointer for the context",
		bad:  callGlobal("r1 = r10", "\nglobal f(ctx): r0 = 0; exit"), line: "Caller passes invalid args into func#1 ('f')", good: callGlobal("r1 = r8", "\nstatic f(ctx): r0 = 0; exit"),
	},
	{
		name: "what lies behind an argument",
		bad:  callGlobal("r1 = r10; r1 += -16", "\nglobal f(words): if r1 == 0 goto null; r0 = *(u64 *)(r1 +16); null: r0 = 0; exit"), line: "R1 min value is outside of the allowed memory range",
		good: callGlobal("r1 = r10; r1 += -16; r0 = 0", "\nstatic f(words): r0 = *(u64 *)(r1 +8); exit"),
	},
	{
		name: "a packet pointer for memory, after the packet moved",
		bad:  callGlobal("r1 = *(u32 *)(r8 +0)", readsWords), line: "Caller passes invalid args into func#1 ('f')",
		good: callGlobal("r1 = r10; r1 += -16", "\nstatic f(words): r0 = *(u64 *)(r1 +0); exit"),
	},
}
