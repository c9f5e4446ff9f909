// This file defines rows about dead stack slots: what reads or overwrites a
// slot where the instruction does not name it.

package verify_test

// twoIndexes comes to "join" with 5 at fp-8 and, walked later, with the other
// number. There the middle makes an index in R1 of it; R7 is any number.
func twoIndexes(other, middle string) string {
	return `
		r6 = value[large]+0
		r9 = r1
		call get_prandom_u32
		r7 = r0
		*(u64 *)(r10 -8) = 5
		*(u64 *)(r10 -16) = 0
		if r7 > 7 goto other
	join:
	` + middle + `
		r6 += r1
		r0 = *(u8 *)(r6 +0)
	out:
		r0 = 2
		exit
	other:
		*(u64 *)(r10 -8) = ` + other + `
		goto join
	`
}

// lent gives the address of fp-8 to f.
const (
	lent   = `r1 = r10; r1 += -8; r2 = r7; r3 = r9; call f;`
	result = lent + `r1 = r0;`
	after  = lent + `r1 = *(u64 *)(r10 -8);`
)

var slotRows = []soundness{
	{
		name: "a slot that a function reads", line: outsideValue,
		bad:  twoIndexes("99", result) + `f: r0 = *(u64 *)(r1 +0); exit`,
		good: twoIndexes("9", result) + `f: r0 = *(u64 *)(r1 +0); exit`,
	},
	{
		name: "a slot that a function reads after another one", line: outsideValue,
		bad:  twoIndexes("99", result) + `f: r6 = r1; call g; r0 = *(u64 *)(r6 +0); exit; g: r0 = 0; exit`,
		good: twoIndexes("99", result) + `f: r6 = r1; call g; r0 = *(u64 *)(r6 +0); exit; g: *(u64 *)(r1 +0) = 3; r0 = 0; exit`,
	},
	{
		name: "a slot that is read two calls away", line: outsideValue,
		bad:  twoIndexes("99", result) + `f: r1 += -8; call g; exit; g: r0 = *(u64 *)(r1 +8); exit`,
		good: twoIndexes("99", result) + `f: r1 += -8; call g; exit; g: r0 = *(u64 *)(r1 +0); exit`,
	},
	{
		name: "a slot whose address lies in another one", line: outsideValue,
		bad:  twoIndexes("99", `r1 = r10; r1 += -8; *(u64 *)(r10 -24) = r1; call get_prandom_u32; r1 = *(u64 *)(r10 -24); r1 = *(u64 *)(r1 +0)`),
		good: twoIndexes("99", `r1 = r10; r1 += -16; *(u64 *)(r10 -24) = r1; call get_prandom_u32; r1 = *(u64 *)(r10 -24); r1 = *(u64 *)(r1 +0)`),
	},
	{
		name: "a slot that a function overwrites on one way", line: outsideValue,
		bad:  twoIndexes("99", after) + `f: if r2 > 20 goto skip; *(u64 *)(r1 +0) = 3; skip: r0 = 0; exit`,
		good: twoIndexes("99", after) + `f: if r2 > 20 goto skip; *(u64 *)(r1 +0) = 3; r0 = 0; exit; skip: *(u64 *)(r1 +0) = 4; r0 = 0; exit`,
	},
	{
		// The kernel overlooks that the function may end at the call.
		name: "a slot that a function overwrites after a tail call", line: outsideValue, kernelWrong: true,
		bad:  twoIndexes("99", after) + `static f(words, long, ctx): r6 = r1; r1 = r3; r2 = map[progs]; r3 = 0; call tail_call; *(u64 *)(r6 +0) = 3; r0 = 0; exit`,
		good: twoIndexes("99", after) + `static f(words, long, ctx): r6 = r1; *(u64 *)(r6 +0) = 3; r1 = r3; r2 = map[progs]; r3 = 0; call tail_call; r0 = 0; exit`,
	},
	{
		name: "one store to two slots", line: outsideValue,
		bad:  twoStores("99"),
		good: twoStores("9"),
	},
	{
		name: "one store to two slots, in a function", line: outsideValue,
		bad:  twoCalls("99"),
		good: twoCalls("9"),
	},
	{
		name: "a slot that a callback reads", line: outsideR1,
		bad:  twoIndexes("99", callBack+`r1 = 0`) + `static body(long, words):` + readContext,
		good: twoIndexes("9", callBack+`r1 = 0`) + `static body(long, words):` + readContext,
	},
	{
		name: "a slot that a callback overwrites, if it is called", line: outsideValue,
		bad:  twoIndexes("99", callBack+`r1 = *(u64 *)(r10 -8)`) + `static body(long, words): *(u64 *)(r2 +0) = 3; r0 = 0; exit`,
		good: twoIndexes("9", callBack+`r1 = *(u64 *)(r10 -8)`) + `static body(long, words): *(u64 *)(r2 +0) = 3; r0 = 0; exit`,
	},
	{
		name: "a slot that a helper reads", line: "R2 min value is outside of the allowed memory range",
		bad:  twoPointers("+60"),
		good: twoPointers("+48"),
	},
	{
		name: "bytes of a slot", line: outsideValue,
		bad:  twoIndexes("99", `r1 = *(u8 *)(r10 -8)`),
		good: twoIndexes("99", `*(u8 *)(r10 -8) = 3; r1 = *(u8 *)(r10 -8)`),
	},
	{
		name: "a slot at an unknown offset", line: mathOnValue,
		bad:  twoIndexes("99", anySlot+`*(u64 *)(r2 +0) = 3; r1 = *(u64 *)(r10 -8)`),
		good: twoIndexes("99", anySlot+`*(u64 *)(r2 +0) = 3; r1 = *(u64 *)(r10 -8); r1 &= 63`),
	},
}

// anySlot points R2 to fp-8 or fp-16.
const anySlot = `r2 = r7; r2 &= 8; r2 += r10; r2 += -16;`

// callBack runs body any number of times, or never, with the address of fp-8.
const callBack = `
	r1 = r7
	r1 &= 3
	r2 = func body
	r3 = r10
	r3 += -8
	r4 = 0
	call loop
`

const readContext = `
	r3 = *(u64 *)(r2 +0)
	r1 = value[large]+0
	r1 += r3
	r0 = *(u8 *)(r1 +0)
	r0 = 0
	exit
`

// threeWays comes to "join" with R8 = fp-8, then with R8 = fp-16, then again
// with R8 = fp-16 and the other number at fp-8. The middle makes an index of
// fp-8 in R1.
func threeWays(other, middle string) string {
	return `
		r6 = value[large]+0
		call get_prandom_u32
		*(u64 *)(r10 -8) = 5
		*(u64 *)(r10 -16) = 0
		r8 = r10
		r8 += -8
		if r0 > 7 goto second
	join:
	` + middle + `
		r6 += r1
		r0 = *(u8 *)(r6 +0)
		r0 = 2
		exit
	second:
		r8 += -8
		if r0 > 9 goto third
		goto join
	third:
		*(u64 *)(r10 -8) = ` + other + `
		goto join
	`
}

func twoStores(other string) string {
	return threeWays(other, `*(u64 *)(r8 +0) = 3; r1 = *(u64 *)(r10 -8)`)
}

func twoCalls(other string) string {
	return threeWays(other, `r1 = r8; call f; r1 = *(u64 *)(r10 -8)`) + `f: *(u64 *)(r1 +0) = 3; r0 = 0; exit`
}

// twoPointers keeps one of two addresses in fp-24; a helper reads eight bytes
// there.
func twoPointers(off string) string {
	return `
		r7 = value[large]+0
		*(u64 *)(r10 -24) = r7
		call get_prandom_u32
		if r0 > 7 goto other
	join:
		r1 = map[hash]
		r2 = *(u64 *)(r10 -24)
		call map_lookup_elem
		r0 = 2
		exit
	other:
		r7 = value[large]` + off + `
		*(u64 *)(r10 -24) = r7
		goto join
	`
}
