// This file defines rows about memory inside dynptrs: those that are accepted
// run, and the checked interpreter follows them.

package verify_test

// inside has eight bytes of the dynptr at fp-16 in R6, which is of a map value,
// or where some may be missing.
func inside(rest string) string {
	return `
		r6 = value[large]+8
		` + local + this + `
		r2 = 16
		r3 = 8
		call dynptr_data
		if r0 == 0 goto out
		r6 = r0
	` + rest + finish
}

// kept has a record of eight bytes in a dynptr at fp-16; R6 is the result of
// the reservation.
func kept(rest string) string { return record + `r6 = r0;` + rest + submitRecord + finish }

const (
	// copyOut reads eight bytes from the dynptr at fp-16 into fp-48.
	copyOut = `; r1 = r10; r1 += -48; r2 = 8; r3 = r10; r3 += -16; r4 = 3; r5 = 0; call dynptr_read;`
	// copyIn writes the eight bytes at fp-48.
	copyIn = `; *(u64 *)(r10 -48) = 7` + this + `r2 = 3; r3 = r10; r3 += -48; r4 = 8; r5 = 0; call dynptr_write;`
)

var dynptrSoundness = []soundness{
	{name: "past what was asked for", bad: inside(`*(u8 *)(r6 +8) = 1`), line: outsideR6, good: inside(`*(u8 *)(r6 +7) = 1; r0 = *(u64 *)(r6 +0)`)},
	{name: "after the dynptr", bad: inside(`*(u64 *)(r10 -8) = 0; *(u8 *)(r6 +0) = 1`), line: scalarR6, good: inside(`*(u8 *)(r6 +0) = 1; *(u64 *)(r10 -8) = 0`)},
	{name: "one dynptr for another", bad: inside(local + `*(u8 *)(r6 +0) = 1`), line: scalarR6, good: inside(`r4 = r10; r4 += -32` + localAt + `*(u8 *)(r6 +0) = 1`)},
	{name: "a record given back by one way", bad: kept(`if r6 == 0 goto out`), line: leak, good: kept(`if r6 == 0 goto on; r7 = 1; on:`)},
	{name: "what was read out", bad: local + copyOut + `r6 = *(u64 *)(r10 -48); r1 = value[large]+0; r1 += r6; *(u8 *)(r1 +0) = 1` + finish,
		line: "math between map_value pointer and register with unbounded min value is not allowed",
		good: local + copyIn + copyOut + `r6 = *(u64 *)(r10 -48); r6 &= 63; r1 = value[large]+0; r1 += r6; *(u8 *)(r1 +0) = 1` + finish},
	{name: "what was known of the stack", bad: local + `*(u64 *)(r10 -48) = 1` + copyOut + `r6 = *(u64 *)(r10 -48); r1 = value[large]+0; r1 += r6; *(u8 *)(r1 +0) = 1` + finish,
		line: "math between map_value pointer and register with unbounded min value is not allowed",
		good: local + `*(u64 *)(r10 -56) = 1` + copyOut + `r6 = *(u64 *)(r10 -56); r1 = value[large]+0; r1 += r6; *(u8 *)(r1 +0) = 1` + finish},
	{name: "in a callback", bad: local + `r1 = 3; r2 = func each; r3 = r10; r3 += -16; r4 = 0; call loop` + useHelper + finish + overEach, line: uninitialised, good: local + `r1 = 3; r2 = func each; r3 = r10; r3 += -16; r4 = 0; call loop` + useHelper + finish + readEach},
}

const (
	useHelper = this + `r2 = 0; r3 = 1; call dynptr_data;`
	overEach  = `; static each(long, long): *(u8 *)(r2 +15) = 0; r0 = 0; exit;`
	readEach  = `; static each(long, long): r1 = r2; r2 = 0; r3 = 1; call dynptr_data; r0 = 0; exit;`
)
