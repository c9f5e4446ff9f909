// This file defines rows about the stack: what is left of a spill when part of
// it is overwritten, and who else can reach it.

package verify_test

const (
	scalarR6 = "R6 invalid mem access 'scalar'"
	fillSize = "invalid size of register fill"
)

// spilledPointer spills a map value's address to fp-8 and, after the middle,
// fills it into R6 and reads there.
func spilledPointer(middle string) string {
	return `
		r6 = value[large]+0
		*(u64 *)(r10 -8) = r6
		*(u64 *)(r10 -16) = r6
		*(u64 *)(r10 -24) = 0
		call get_prandom_u32
	` + middle + `
		r6 = *(u64 *)(r10 -8)
		r0 = *(u8 *)(r6 +0)
		r0 = 2
		exit
	`
}

var stackRows = []soundness{
	{
		name: "a narrow spill leaves the upper half",
		bad:  indexBy(`*(u64 *)(r10 -8) = r0; r1 = 5; *(u32 *)(r10 -8) = r1; r1 = *(u64 *)(r10 -8)`),
		line: mathOnValue,
		good: indexBy(`*(u64 *)(r10 -8) = 0; r1 = 5; *(u32 *)(r10 -8) = r1; r1 = *(u32 *)(r10 -8)`),
	},
	{
		name: "part of a spill overwritten",
		bad:  indexBy(`*(u64 *)(r10 -8) = 5; *(u8 *)(r10 -7) = 1; r1 = *(u64 *)(r10 -8)`),
		line: mathOnValue,
		good: indexBy(`*(u64 *)(r10 -8) = 5; *(u8 *)(r10 -16) = 1; r1 = *(u64 *)(r10 -8)`),
	},
	{
		name: "the lowest byte of a spill overwritten",
		bad:  indexBy(`*(u64 *)(r10 -8) = 5; *(u8 *)(r10 -8) = 99; r1 = *(u8 *)(r10 -8)`),
		line: outsideValue,
		good: indexBy(`*(u64 *)(r10 -8) = 99; *(u8 *)(r10 -8) = 5; r1 = *(u8 *)(r10 -8)`),
	},
	{
		name: "the upper bytes of a spill",
		bad:  indexBy(`r0 &= 0xffff; if r0 > 50 goto out; r0 <<= 8; *(u64 *)(r10 -8) = r0; r1 = *(u16 *)(r10 -7)`),
		line: "misaligned stack access off 0+0+-7 size 2",
		good: indexBy(`*(u64 *)(r10 -8) = r0; r1 = *(u8 *)(r10 -7); r1 &= 63`),
	},
	{
		name: "a wider fill than the spill",
		bad:  indexBy(`w0 &= 15; *(u16 *)(r10 -8) = r0; r1 = *(u32 *)(r10 -8)`),
		line: unbounded,
		good: indexBy(`w0 &= 15; *(u32 *)(r10 -8) = r0; r1 = *(u16 *)(r10 -8)`),
	},
	{
		name: "a narrow fill of a wide number",
		bad:  indexBy(`r1 = r0; *(u64 *)(r10 -8) = r0; r2 = *(u32 *)(r10 -8); if r2 > 50 goto out`),
		line: mathOnValue,
		good: indexBy(`w0 = w0; r1 = r0; *(u64 *)(r10 -8) = r0; r2 = *(u32 *)(r10 -8); if r2 > 50 goto out`),
	},
	{
		// CVE-2023-52462.
		name: "a byte over a spilled pointer",
		bad:  spilledPointer(`*(u8 *)(r10 -8) = 0`), line: scalarR6,
		good: spilledPointer(`*(u8 *)(r10 -24) = 0`),
	},
	{
		name: "the highest byte over a spilled pointer",
		bad:  spilledPointer(`*(u8 *)(r10 -1) = 0`), line: scalarR6,
		good: spilledPointer(`*(u8 *)(r10 -17) = 0`),
	},
	{
		name: "part of a spilled pointer",
		bad:  spilledPointer(`r1 = *(u32 *)(r10 -8)`), line: fillSize,
		good: spilledPointer(`r1 = *(u64 *)(r10 -8)`),
	},
	{
		name: "a byte somewhere over two spilled pointers",
		bad:  spilledPointer(`r0 &= 15; r1 = r10; r1 += -16; r1 += r0; *(u8 *)(r1 +0) = 0`), line: scalarR6,
		good: spilledPointer(`r0 &= 15; r1 = r10; r1 += -32; r1 += r0; *(u8 *)(r1 +0) = 0`),
	},
	{
		name: "an atomic over a spilled pointer",
		bad:  spilledPointer(`r1 = 1; lock *(u64 *)(r10 -8) += r1`), line: scalarR6,
		good: spilledPointer(`r1 = 1; lock *(u64 *)(r10 -24) += r1`),
	},
	{
		name: "a helper that writes over a spilled pointer",
		bad:  spilledPointer(`r1 = 2; r2 = r10; r2 += -8; call helper`) + fibHelper, line: scalarR6,
		good: spilledPointer(`r1 = 2; r2 = r10; r2 += -24; call helper`) + fibHelper,
	},
	{
		// CVE-2023-52452.
		name: "above the frame",
		bad:  indexBy(`r0 &= 8; r2 = r10; r2 += -8; r2 += r0; r1 = *(u64 *)(r2 +0)`),
		line: "invalid variable-offset read from stack R2 var_off=(0x0; 0x8) off=-8 size=8",
		good: indexBy(`r0 &= 8; r2 = r10; r2 += -16; r2 += r0; r1 = *(u64 *)(r2 +0); r1 &= 63`),
	},
	{
		name: "below the frame",
		bad:  indexBy(`r0 &= 8; r2 = r10; r2 += -520; r2 += r0; *(u64 *)(r2 +0) = 0; r1 = 0`),
		line: "invalid variable-offset write to stack R2 var_off=(0x0; 0x8) off=-520 size=8",
		good: indexBy(`r0 &= 8; r2 = r10; r2 += -512; r2 += r0; *(u64 *)(r2 +0) = 0; r1 = 0`),
	},
	{
		name: "a number added to the frame of a caller",
		bad:  spilledPointer(`r1 = r10; call clear`) + clear, line: scalarR6,
		good: spilledPointer(`r1 = r10; r1 += -16; call clear`) + clear,
	},
	{
		name: "two frames up",
		bad:  spilledPointer(`r1 = r10; r1 += -8; r2 = r10; r2 += -24; call outer`) + outerInner("r1"), line: scalarR6,
		good: spilledPointer(`r1 = r10; r1 += -8; r2 = r10; r2 += -24; call outer`) + outerInner("r2"),
	},
	{
		name: "a frame pointer kept in memory",
		bad:  spilledPointer(`r1 = r10; r1 += -8; *(u64 *)(r10 -24) = r1; r1 = r10; call indirect`) + indirect, line: scalarR6,
		good: spilledPointer(`r1 = r10; r1 += -32; *(u64 *)(r10 -24) = r1; r1 = r10; call indirect`) + indirect,
	},
	{
		name: "a slot that only a function reads",
		bad:  onlyReadBelow("r7 = 100"), line: outsideValue, good: onlyReadBelow("r7 = 60"),
	},
	{
		name: "a slot that only a callback reads",
		bad:  onlyReadInCallback("r7 = 7"), line: "R3 invalid mem access 'scalar'", good: onlyReadInCallback("r7 = value[large]+8"),
	},
	{
		name: "a slot read again after the call",
		bad:  readAfterCall("r7 = 7"), line: scalarR6, good: readAfterCall("r7 = value[large]+8"),
	},
	{
		name: "a slot at an unknown place",
		bad:  readSomewhere("r7 = 100"), line: outsideMax, good: readSomewhere("r7 = 7"),
	},
}

// fibHelper is a function "helper" that has the kernel write at R2.
const fibHelper = `
	helper:
		r6 = r2
		r1 = value[large]+0
		r2 = 8
		r3 = r6
		r4 = r1
		r1 = r6
		r2 = 8
		r3 = 0
		call probe
		exit
	probe:
		*(u64 *)(r1 +0) = 0
		r0 = 0
		exit
`

// clear is a function that writes 8 below what it is given, reckoning from a
// number.
const clear = `
	clear:
		r0 = -8
		r0 += r1
		*(u64 *)(r0 +0) = 0
		r0 = 0
		exit
`

func outerInner(which string) string {
	return `
	outer:
		r1 = ` + which + `
		call inner
		exit
	inner:
		*(u32 *)(r1 +0) = 1
		r0 = 0
		exit
	`
}

// indirect writes where a pointer in its caller's frame leads.
const indirect = `
	indirect:
		r1 = *(u64 *)(r1 -24)
		*(u64 *)(r1 +0) = 0
		r0 = 0
		exit
`

// secondWay: the first path comes to "join" with a good R7, the second with
// another.
func secondWay(first, second, rest string) string {
	return `
		call get_prandom_u32
		r8 = r0
		` + second + `
		if r8 > 5 goto join
		` + first + `
	join:
	` + rest
}

func onlyReadBelow(second string) string {
	return secondWay("r7 = 50", second, `
		*(u64 *)(r10 -8) = r7
		r7 = 0
		r1 = r10
		r1 += -8
		call reader
		r0 = 2
		exit
	reader:
		r6 = r1
		call get_prandom_u32
		if r0 > 5 goto on
		r0 = 1
	on:
		r1 = *(u64 *)(r6 +0)
		r2 = value[large]+0
		r6 = r2
		r6 += r1
		r0 = *(u8 *)(r6 +0)
		exit
	`)
}

func onlyReadInCallback(second string) string {
	return secondWay("r7 = value[large]+0", second, `
		*(u64 *)(r10 -8) = r7
		r7 = 0
		r1 = 3
		r2 = func body
		r3 = r10
		r3 += -8
		r4 = 0
		call loop
		r0 = 2
		exit
	static body(long, words):
		r3 = *(u64 *)(r2 +0)
		r0 = *(u8 *)(r3 +0)
		r0 = 0
		exit
	`)
}

func readAfterCall(second string) string {
	return secondWay("r7 = value[large]+0", second, `
		*(u64 *)(r10 -8) = r7
		r7 = 0
		r1 = 1
		call nothing
		r6 = *(u64 *)(r10 -8)
		r0 = *(u8 *)(r6 +0)
		r0 = 2
		exit
	nothing:
		call get_prandom_u32
		if r0 > 5 goto on
		r0 = 1
	on:
		r0 = 0
		exit
	`)
}

func readSomewhere(second string) string {
	return secondWay("r7 = 5", second, `
		*(u64 *)(r10 -8) = 0
		*(u64 *)(r10 -16) = r7
		r8 &= 8
		r1 = r10
		r1 += -16
		r1 += r8
		r1 = *(u64 *)(r1 +0)
		r6 = value[large]+0
		if r1 > 100 goto out
		r1 &= 127
		if r7 > 50 goto use
		r1 &= 31
	use:
		r6 += r1
		r0 = *(u8 *)(r6 +0)
	out:
		r0 = 2
		exit
	`)
}
