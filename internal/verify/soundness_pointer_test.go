// This file defines rows about pointers that may be NULL, and pointers of two
// kinds at one instruction.

package verify_test

// lookUp calls bpf_map_lookup_elem with key 0.
func lookUp(m string) string {
	return `
		*(u64 *)(r10 -8) = 0
		r1 = map[` + m + `]
		r2 = r10
		r2 += -8
		call map_lookup_elem
	`
}

const (
	orNullR7 = "R7 invalid mem access 'map_value_or_null'"
	finish   = "\nout: r0 = 2; exit"
)

var pointerRows = []soundness{
	{
		name: "not compared with NULL",
		bad:  lookUp("hash") + `r7 = r0; r0 = *(u8 *)(r7 +0)` + finish, line: orNullR7,
		good: lookUp("hash") + `r7 = r0; if r7 == 0 goto out; r0 = *(u8 *)(r7 +0)` + finish,
	},
	{
		name: "another look-up compared with NULL",
		bad:  lookUp("hash") + `r6 = r0;` + lookUp("hash") + `r7 = r0; if r6 == 0 goto out; r0 = *(u8 *)(r7 +0)` + finish, line: orNullR7,
		good: lookUp("hash") + `r6 = r0; r7 = r0; if r6 == 0 goto out; r0 = *(u8 *)(r7 +0)` + finish,
	},
	{
		name: "half of it compared with NULL",
		bad:  lookUp("hash") + `r7 = r0; if w7 == 0 goto out; r0 = *(u8 *)(r7 +0)` + finish, line: orNullR7,
		good: lookUp("hash") + `r7 = r0; if r7 == 0 goto out; r0 = *(u8 *)(r7 +0)` + finish,
	},
	{
		name: "a step before the comparison",
		bad:  lookUp("hash") + `r0 += 8; if r0 == 0 goto out; r0 = *(u8 *)(r0 +0)` + finish,
		line: "R0 pointer arithmetic on map_value_or_null prohibited, null-check it first",
		good: lookUp("hash") + `if r0 == 0 goto out; r0 += 8; r0 = *(u8 *)(r0 +0)` + finish,
	},
	{
		name: "copies on one path, two look-ups on the other",
		bad:  lookUp("hash") + `r6 = r0; r7 = r0; call get_prandom_u32; if r0 < 9 goto two; join: if r6 == 0 goto out; r0 = *(u8 *)(r7 +0)` + finish + "\n two:" + lookUp("hash") + `r7 = r0; goto join`,
		line: orNullR7,
		good: lookUp("hash") + `r6 = r0; r7 = r0; call get_prandom_u32; if r0 < 9 goto two; join: if r6 == 0 goto out; r0 = *(u8 *)(r7 +0)` + finish + "\n two:" + lookUp("hash") + `r6 = r0; r7 = r0; goto join`,
	},
	{
		name: "values of two maps",
		bad:  eitherValue("small", 40), line: outsideValue, good: eitherValue("small", 4),
	},
	{
		name: "a value or the stack",
		bad:  secondWay("r6 = value[large]+0", "r6 = r10; r6 += -8", `*(u64 *)(r10 -8) = 0; r0 = *(u8 *)(r6 +8)`+finish),
		line: "invalid read from stack R6 off=0 size=1",
		good: secondWay("r6 = value[large]+0", "r6 = r10; r6 += -8", `*(u64 *)(r10 -8) = 0; r0 = *(u8 *)(r6 +7)`+finish),
	},
	{
		name: "a value or the context",
		bad:  secondWay("r6 = value[large]+0", "r6 = r9", `r0 = *(u32 *)(r6 +16)`+finish),
		line: "R9 !read_ok",
		good: secondWay("r6 = value[large]+0", "r6 = value[large]+8", `r0 = *(u32 *)(r6 +16)`+finish),
	},
}

// eitherValue reads at an offset of one of two maps' values.
func eitherValue(second string, off int) string {
	return secondWay("r6 = value[large]+0", lookUp(second)+`if r0 == 0 goto out; r6 = r0`,
		"r0 = *(u8 *)(r6 +"+string(rune('0'+off/10))+string(rune('0'+off%10))+")"+finish)
}
