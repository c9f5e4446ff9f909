// This file defines rows about loops and callbacks: what is unsafe only in a
// later turn, or only on a way round that is walked after the loop has been
// found to repeat itself.

package verify_test

// inLoop: R6 is where the value is, R7 an index that is 50 at first. A turn
// begins at "again", the loop ends at "done".
func inLoop(turn, after string) string {
	return `
		r6 = value[large]+0
		r7 = 50
		r8 = 0
	again:
		may_goto done
	` + chance + `
	` + turn + `
		goto again
	done:
	` + after + `
		r0 = 2
		exit
	`
}

// chance ends a loop in one turn of eight, so that runs do.
const chance = `
		call get_prandom_u32
		if r0 < 0x20000000 goto done
`

const useR7 = `
	r1 = r6
	r1 += r7
	r0 = *(u8 *)(r1 +0)
`

const outsideR1 = "R1 min value is outside of the allowed memory range"

// bpfLoop calls back 3 times; the callback gets the address of the slot at
// fp-8, which holds 50. Then the slot is an index.
func bpfLoop(body string) string {
	return `
		*(u64 *)(r10 -8) = 50
		*(u64 *)(r10 -16) = 0
		r1 = 3
		r2 = func body
		r3 = r10
		r3 += -8
		r4 = 0
		call loop
		r1 = value[large]+0
		r7 = *(u64 *)(r10 -8)
		r1 += r7
		r0 = *(u8 *)(r1 +0)
		r0 = 2
		exit
	static body(long, words):
	` + body + `
		r0 = 0
		exit
	`
}

var loopRows = []soundness{
	{
		// No run comes there, but a kernel does not know what the atomic read.
		name: "an atomic in a callback", line: "invalid read from stack R10 off=8 size=8",
		bad: fetchInLoop("r0 = *(u64 *)(r10 +8)"), good: fetchInLoop("r0 = *(u64 *)(r10 -16)"),
	},
	{
		// The kernel counts no callback as a loop: a mark that is found on the way
		// round does not reach the turn before.
		name: "a number that matters a turn later", kernelErrs: true, line: mathOnValue,
		bad: laterTurn(""), good: laterTurn("r2 &= 63"),
	},
	{
		name: "after the first turn", bad: inLoop(`r7 = 100`, useR7), line: outsideR1, good: inLoop(`r7 = 60`, useR7),
	},
	{
		name: "in the second turn", bad: inLoop(useR7+`r7 = 100`, ``), line: outsideR1, good: inLoop(useR7+`r7 = 60`, ``),
	},
	{
		name: "in the third turn",
		bad:  inLoop(useR7+`r7 = r8; r8 = 100`, ``), line: mathOnValue, good: inLoop(useR7+`r7 = r8; r7 &= 63; r8 = 100`, ``),
	},
	{
		name: "a counter without a bound",
		bad:  inLoop(useR7+`r7 += 1`, ``), line: outsideR1, good: inLoop(useR7+`r7 += 1; r7 &= 63`, ``),
	},
	{
		name: "a use that is walked last",
		bad:  lateUse("100"), line: outsideR1, good: lateUse("60"),
	},
	{
		name: "a change that is walked last",
		bad:  lateChange("r7 = r8"), line: mathOnValue, good: lateChange("r7 = r8; r7 &= 63"),
	},
	{
		name: "two values that take turns",
		bad:  inLoop(`call get_prandom_u32; r1 = r7; r7 = r8; r8 = r1; if r0 > 5 goto again; r8 = 100; if r0 > 3 goto again;`+useR7, ``), line: outsideR1,
		good: inLoop(`call get_prandom_u32; r1 = r7; r7 = r8; r8 = r1; if r0 > 5 goto again; r8 = 60; if r0 > 3 goto again; r7 &= 63;`+useR7, ``),
	},
	{
		name: "a spilled index that changes",
		bad:  inLoop(`*(u64 *)(r10 -8) = r7; r7 = 100; call get_prandom_u32; if r0 > 5 goto again; r7 = *(u64 *)(r10 -8);`+useR7, ``), line: outsideR1,
		good: inLoop(`*(u64 *)(r10 -8) = r7; r7 = 60; call get_prandom_u32; if r0 > 5 goto again; r7 = *(u64 *)(r10 -8);`+useR7, ``),
	},
	{
		name: "nested loops", bad: nested(""), line: mathOnValue, good: nested("r7 &= 63"),
	},
	{
		name: "a loop that ends by a number nobody looks at",
		bad:  `r6 = 0; again: r6 += 0; if r6 < 5 goto again; r0 = 2; exit`,
		line: "infinite loop detected at insn 1",
		good: `r6 = 0; again: r6 += 1; if r6 < 5 goto again; r0 = 2; exit`,
	},
	{
		name: "a callback changes what is used after it",
		bad:  bpfLoop(`*(u64 *)(r2 +0) = 100`), line: outsideR1, good: bpfLoop(`*(u64 *)(r2 +0) = 60`),
	},
	{
		name: "a callback changes it in its second turn",
		bad:  bpfLoop(`r3 = *(u64 *)(r2 -8); r3 += 30; *(u64 *)(r2 -8) = r3; if r3 < 60 goto on; *(u64 *)(r2 +0) = 100; on:`), line: outsideR1,
		good: bpfLoop(`r3 = *(u64 *)(r2 -8); r3 += 30; *(u64 *)(r2 -8) = r3; if r3 < 60 goto on; *(u64 *)(r2 +0) = 60; on:`),
	},
	{
		name: "a callback changes it by its own number",
		bad:  bpfLoop(`*(u64 *)(r2 +0) = r1`), line: "math between map_value pointer and register with unbounded min value is not allowed",
		good: bpfLoop(`r1 &= 63; *(u64 *)(r2 +0) = r1`),
	},
	{
		name: "a callback takes a pointer away",
		bad:  callbackTakes(`*(u64 *)(r2 +0) = 0`), line: scalarR6, good: callbackTakes(`r1 = *(u64 *)(r2 +0)`),
	},
	{
		name: "a callback that is not called at all",
		bad:  notCalled("100"), line: outsideR1, good: notCalled("60"),
	},
}

// lateUse uses the index on the way that is walked last, where the second path
// into the loop has brought another.
func lateUse(other string) string {
	return `
		r6 = value[large]+0
		call get_prandom_u32
		r7 = ` + other + `
		if r0 > 5 goto again
		r7 = 50
	again:
		may_goto done
	` + chance + `
		call get_prandom_u32
		if r0 > 5 goto use
		goto again
	use:
	` + useR7 + `
		goto again
	done:
		r0 = 2
		exit
	`
}

// lateChange changes the index on the way that is walked last.
func lateChange(take string) string {
	return `
		r6 = value[large]+0
		r7 = 50
		r8 = 50
	again:
		may_goto done
	` + chance + `
		call get_prandom_u32
		if r0 > 7 goto use
		if r0 > 5 goto change
		goto again
	use:
	` + useR7 + `
	` + take + `
		goto again
	change:
		r8 = 100
		goto again
	done:
		r0 = 2
		exit
	`
}

// nested changes the index in the outer loop and uses it in the inner one.
func nested(mask string) string {
	return inLoop(`
	inner:
		may_goto outer
		call get_prandom_u32
		if r0 < 0x20000000 goto outer
		`+mask+useR7+`
		call get_prandom_u32
		if r0 > 5 goto inner
	outer:
		r7 = r8
		r8 = 100
	`, ``)
}

func callbackTakes(body string) string {
	return `
		r6 = value[large]+0
		*(u64 *)(r10 -8) = r6
		r1 = 3
		r2 = func body
		r3 = r10
		r3 += -8
		r4 = 0
		call loop
		r6 = *(u64 *)(r10 -8)
		r0 = *(u8 *)(r6 +0)
		r0 = 2
		exit
	static body(long, words):
	` + body + `
		r0 = 0
		exit
	`
}

// notCalled has an index that only a callback makes good.
func notCalled(first string) string {
	return `
		*(u64 *)(r10 -8) = ` + first + `
		call get_prandom_u32
		r1 = r0
		r1 &= 1
		r2 = func body
		r3 = r10
		r3 += -8
		r4 = 0
		call loop
		r1 = value[large]+0
		r7 = *(u64 *)(r10 -8)
		r1 += r7
		r0 = *(u8 *)(r1 +0)
		r0 = 2
		exit
	static body(long, words):
		*(u64 *)(r2 +0) = 50
		r0 = 0
		exit
	`
}

// laterTurn calls back 30 times. From the second turn on the callback may put
// 99 into the slot at fp-8, which any turn may use as an index after a check.
// The way that shows that the number matters is walked last.
func laterTurn(check string) string {
	return `
		*(u64 *)(r10 -8) = 7
		*(u64 *)(r10 -16) = 0
		r1 = 30
		r2 = func body
		r3 = r10
		r3 += -16
		r4 = 0
		call loop
		r0 = 2
		exit
	static body(long, words):
		r6 = r2
		call get_prandom_u32
		w0 &= 3
		if r0 > 1 goto use
		r8 = *(u64 *)(r6 +0)
		if r8 == 0 goto first
		call get_prandom_u32
		w0 &= 3
		r9 = 7
		if r0 > 1 goto other
	join:
		*(u64 *)(r6 +8) = r9
		r0 = 0
		exit
	first:
		*(u64 *)(r6 +0) = 1
		*(u64 *)(r6 +8) = 7
		r0 = 0
		exit
	other:
		r9 = 99
		goto join
	use:
		r1 = value[large]+0
		r2 = *(u64 *)(r6 +8)
	` + check + `
		r1 += r2
		r0 = *(u8 *)(r1 +0)
		r0 = 0
		exit
	`
}

// fetchInLoop calls back 3 times; the callback compares what an atomic read of
// the slot at fp-8, which is 2 in the first turn and 7 later, with 99.
func fetchInLoop(equal string) string {
	return `
		*(u64 *)(r10 -8) = 2
		*(u64 *)(r10 -16) = 0
		r1 = 3
		r2 = func body
		r3 = r10
		r3 += -8
		r4 = 0
		call loop
		r0 = 2
		exit
	static body(long, words):
		r1 = 0
		r1 = xor((u64 *)(r2 +0), r1)
		if r1 == 99 goto equal
		*(u64 *)(r2 +0) = 7
		r0 = 0
		exit
	equal:
	` + equal + `
		r0 = 0
		exit
	`
}
