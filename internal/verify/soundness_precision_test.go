// This file defines rows about pruning: the value that makes the second path
// unsafe must be found to matter, however it travels from where paths join to
// where it is used.

package verify_test

// branchTo50Or: the first path reaches "join" with R7=50, which is safe as an
// index of the 64 bytes at R6; the second path does with another value.
func branchTo50Or(other, rest string) string {
	return `
		r6 = value[large]+0
		call get_prandom_u32
		r7 = ` + other + `
		if r0 > 5 goto join
		r7 = 50
	join:
	` + rest + `
		r6 += r1
		r0 = *(u8 *)(r6 +0)
	out:
		r0 = 2
		exit
	`
}

const outsideValue = "R6 min value is outside of the allowed memory range"

// precisionRow is a row whose programs differ in R7 on the second path.
func precisionRow(name, rest string) soundness {
	return soundness{name: name, bad: branchTo50Or("100", rest), line: outsideValue, good: branchTo50Or("60", rest)}
}

// atomicRow is one where the kernel takes the instruction for a store, and so
// does not look for where its result came from.
func atomicRow(name, rest string) soundness {
	row := precisionRow(name, rest)
	row.kernelErrs = true
	return row
}

var precisionRows = []soundness{
	precisionRow("a move", `r1 = r7`),
	precisionRow("arithmetic", `r1 = 0; r1 += r7`),
	{
		// CVE-2023-2163: where a comparison of two registers narrowed one, the
		// other's value matters as well.
		name: "a comparison with a register",
		bad:  branchTo50Or("100", `call get_prandom_u32; r1 = r0; r1 &= 127; if r1 > r7 goto out`),
		line: outsideMax,
		good: branchTo50Or("60", `call get_prandom_u32; r1 = r0; r1 &= 127; if r1 > r7 goto out`),
	},
	precisionRow("a decided comparison", `r1 = 0; if r7 < 64 goto use; r1 = 100; use:`),
	precisionRow("a spill and a fill", `*(u64 *)(r10 -8) = r7; r1 = *(u64 *)(r10 -8)`),
	precisionRow("a narrow spill", `*(u32 *)(r10 -8) = r7; r1 = *(u32 *)(r10 -8)`),
	// CVE-2023-52920: stack that is reached by another register than R10.
	precisionRow("a spill by another register", `r3 = r10; r3 += -16; *(u64 *)(r3 +8) = r7; r1 = *(u64 *)(r10 -8)`),
	precisionRow("a fill by another register", `r3 = r10; r3 += -16; *(u64 *)(r10 -8) = r7; r1 = *(u64 *)(r3 +8)`),
	precisionRow("two slots", `*(u64 *)(r10 -8) = r7; r1 = *(u64 *)(r10 -8); r3 = r10; *(u64 *)(r3 -24) = r1; r1 = 0; r1 = *(u64 *)(r10 -24)`),
	{
		name: "a spill through the caller's frame",
		bad:  spillInCallee("100"), line: outsideValue, good: spillInCallee("60"),
	},
	{
		name: "a fill in a function",
		bad:  fillInCallee("100"), line: outsideValue, good: fillInCallee("60"),
	},
	{
		name: "an argument and a result",
		bad:  throughFunction("100"), line: outsideValue, good: throughFunction("60"),
	},
	atomicRow("the old value of an addition", `*(u64 *)(r10 -8) = r7; r1 = 0; r1 = add((u64 *)(r10 -8), r1)`),
	atomicRow("the old value of an exchange", `*(u64 *)(r10 -8) = r7; r1 = 1; r1 = xchg((u64 *)(r10 -8), r1)`),
	atomicRow("the old value of a compare and exchange",
		`*(u64 *)(r10 -8) = r7; r0 = 0; r1 = 1; r0 = cmpxchg((u64 *)(r10 -8), r1); r1 = r0`),
	precisionRow("a load-acquire", `*(u64 *)(r10 -8) = r7; r3 = r10; r1 = load_acquire((u64 *)(r3 -8))`),
	{
		name: "a zero that may be written over a zero",
		bad:  zeroOverZero("1"), line: outsideMax, good: zeroOverZero("0"),
	},
	{
		// Registers that are linked at the comparison matter together.
		name: "a link", bad: linked("r2 += 100"), line: outsideValue, good: linked("r2 += 5"),
	},
}

func spillInCallee(other string) string {
	return branchTo50Or(other, `
		r1 = r10; r1 += -8; r2 = r7
		call store
		r1 = *(u64 *)(r10 -8)
	`) + `
	store:
		*(u64 *)(r1 +0) = r2
		r0 = 0
		exit
	`
}

func fillInCallee(other string) string {
	return branchTo50Or(other, `
		*(u64 *)(r10 -8) = r7
		r1 = r10; r1 += -16
		call fetch
		r1 = r0
	`) + `
	fetch:
		r2 = r1
		r2 += 8
		r0 = *(u64 *)(r2 +0)
		exit
	`
}

func throughFunction(other string) string {
	return branchTo50Or(other, `r1 = 9; r2 = r7; call second; r1 = r0`) + `
	second:
		r0 = r2
		exit
	`
}

// zeroOverZero writes a byte of R7 somewhere into eight zeros. While R7 is
// zero they stay zeros, and so R7 has to be.
func zeroOverZero(other string) string {
	return `
		r6 = value[large]+0
		call get_prandom_u32
		r8 = r0
		r8 &= 7
		r7 = ` + other + `
		if r0 > 5 goto join
		r7 = 0
	join:
		*(u64 *)(r10 -8) = 0
		r3 = r10
		r3 += -8
		r3 += r8
		*(u8 *)(r3 +0) = r7
		r1 = *(u8 *)(r10 -8)
		r6 += r1
		r0 = *(u8 *)(r6 +0)
		r0 = 2
		exit
	`
}

// linked compares one register and uses another, which is equal to it or that
// and a constant, by the path taken.
func linked(second string) string {
	return `
		r6 = value[large]+0
		call get_prandom_u32
		r7 = r0
		call get_prandom_u32
		r2 = r0
		r8 = r0
		if r7 < 5 goto other
	join:
		if r8 > 10 goto out
		r1 = r2
		r6 += r1
		r0 = *(u8 *)(r6 +0)
	out:
		r0 = 2
		exit
	other:
		` + second + `
		goto join
	`
}
