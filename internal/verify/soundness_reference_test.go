// This file defines rows about what a program takes and must give back, once
// and on every path.

package verify_test

// reserved has a record of 8 bytes of a ring buffer in R6.
func reserved(rest string) string {
	return `
		r1 = map[events]
		r2 = 8
		r3 = 0
		call ringbuf_reserve
		if r0 == 0 goto out
		r6 = r0
	` + rest + finish
}

// foundSocket has a socket in R6, R8 is the context.
func foundSocket(rest string) string {
	return `
		r8 = r1
		*(u64 *)(r10 -8) = 0
		*(u64 *)(r10 -16) = 0
		r2 = r10
		r2 += -16
		r3 = 12
		r4 = -1
		r5 = 0
		call sk_lookup_tcp
		if r0 == 0 goto out
		r6 = r0
	` + rest + finish
}

const (
	submit  = `; r1 = r6; r2 = 0; call ringbuf_submit;`
	discard = `; r1 = r6; r2 = 0; call ringbuf_discard;`
	release = `; r1 = r6; call sk_release;`
	leak    = "BPF_EXIT instruction in main prog would lead to reference leak"
)

var referenceRows = []soundness{
	{name: "a record never given back", bad: reserved(`*(u64 *)(r6 +0) = 1`), line: leak, good: reserved(`*(u64 *)(r6 +0) = 1` + submit)},
	{
		name: "a record given back on one path", line: leak,
		bad:  reserved(`call get_prandom_u32; if r0 > 5 goto out` + submit),
		good: reserved(`call get_prandom_u32; if r0 > 5 goto other` + submit + `goto out; other:` + discard),
	},
	{name: "a record submitted twice", bad: reserved(submit + submit), line: "R1 type=scalar expected=ringbuf_mem", good: reserved(submit)},
	{
		name: "a record used after it was submitted",
		bad:  reserved(`r7 = r6` + submit + `*(u64 *)(r7 +0) = 1`), line: "R7 invalid mem access 'scalar'",
		good: reserved(`r7 = r6; *(u64 *)(r7 +0) = 1` + submit),
	},
	{
		name: "a spilled record used after it was submitted",
		bad:  reserved(`*(u64 *)(r10 -8) = r6` + submit + `r7 = *(u64 *)(r10 -8); *(u64 *)(r7 +0) = 1`), line: "R7 invalid mem access 'scalar'",
		good: reserved(`*(u64 *)(r10 -8) = r6; r7 = *(u64 *)(r10 -8); *(u64 *)(r7 +0) = 1` + submit),
	},
	{
		name: "past the end of a record",
		bad:  reserved(`*(u64 *)(r6 +1) = 1` + submit), line: outsideValue, good: reserved(`*(u32 *)(r6 +4) = 1` + submit),
	},
	{
		name: "the middle of a record submitted",
		bad:  reserved(`r6 += 4` + submit), line: "R1 must have zero offset when passed to release func or trusted arg to kfunc",
		good: reserved(`r6 += 4; r6 += -4` + submit),
	},
	{
		name: "a record passed to a function that submits it",
		bad:  reserved(`r1 = r6; call give; *(u64 *)(r6 +0) = 1`) + give, line: scalarR6, good: reserved(`r1 = r6; call give`) + give,
	},
	{name: "a socket never released", bad: foundSocket(``), line: leak, good: foundSocket(release)},
	{
		name: "a socket released on one path", line: leak,
		bad: foundSocket(`r1 = *(u32 *)(r6 +4); if r1 > 5 goto out` + release), good: foundSocket(`r1 = *(u32 *)(r6 +4); if r1 > 5 goto on; on:` + release),
	},
	{name: "a socket released twice", bad: foundSocket(release + release), line: "R1 type=scalar expected=sock_common, sock, tcp_sock, xdp_sock, ptr_, trusted_ptr_", good: foundSocket(release)},
	{name: "a socket read after its release", bad: foundSocket(release + `r0 = *(u32 *)(r6 +4)`), line: scalarR6, good: foundSocket(`r0 = *(u32 *)(r6 +4)` + release)},
	{
		name: "a socket overwritten by the next one", line: leak,
		bad: foundSocket(lookUpAgain + `if r0 == 0 goto out; r6 = r0` + release), good: foundSocket(release + lookUpAgain + `if r0 == 0 goto out; r6 = r0` + release),
	},
	{
		name: "a tail call while a socket is held", line: "tail_call would lead to reference leak",
		bad: foundSocket(`r1 = r8; r2 = map[progs]; r3 = 0; call tail_call` + release), good: foundSocket(release + `r1 = r8; r2 = map[progs]; r3 = 0; call tail_call`),
	},
}

const lookUpAgain = `
	r1 = r8
	r2 = r10
	r2 += -16
	r3 = 12
	r4 = -1
	r5 = 0
	call sk_lookup_tcp
`

const give = `
	give:
		r2 = 0
		call ringbuf_submit
		r0 = 0
		exit
`
