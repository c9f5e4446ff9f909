// This file defines rows about what is known of numbers: widths, links between
// registers, operators, branches.

package verify_test

// indexBy uses what the middle leaves in R1 as an index of 64 bytes.
func indexBy(middle string) string {
	return `
		r6 = value[large]+0
		call ktime_get_ns
		` + middle + `
		r6 += r1
		r0 = *(u8 *)(r6 +0)
	out:
		r0 = 2
		exit
	`
}

const (
	unbounded   = "R6 unbounded memory access, make sure to bounds check any such access"
	negative    = "R6 min value is negative, either use unsigned index or do a if (index >=0) check."
	outsideMax  = "R6 max value is outside of the allowed memory range"
	mathOnValue = "math between map_value pointer and register with unbounded min value is not allowed"
)

var scalarRows = []soundness{
	{
		name: "links across a byte swap",
		bad:  indexBy(`r0 &= 0xffff; r1 = r0; r1 = bswap16 r1; if r0 > 50 goto out`),
		line: outsideMax,
		good: indexBy(`r0 &= 0xffff; r1 = r0; r0 = bswap16 r0; if r1 > 50 goto out`),
	},
	{
		name: "links across a conversion to big endian",
		bad:  indexBy(`r0 &= 0xffff; r1 = r0; r1 = be16 r1; if r0 > 50 goto out`),
		line: outsideMax,
		good: indexBy(`r0 &= 0xffff; r0 = be16 r0; r1 = r0; if r0 > 50 goto out`),
	},
	{
		name: "links across a negation",
		bad:  indexBy(`r0 &= 0xffff; r1 = r0; r1 = -r1; if r0 > 50 goto out`),
		line: negative,
		good: indexBy(`r0 &= 0xffff; r1 = r0; r1 = -r1; r1 = -r1; r1 &= 31; if r0 > 50 goto out`),
	},
	{
		name: "a sum of 32 bits says nothing about the upper half",
		bad:  indexBy(`r1 = r0; w0 += 1; if r0 > 50 goto out; if r0 == 0 goto out`),
		line: mathOnValue,
		good: indexBy(`r1 = r0; r0 += 1; if r0 > 50 goto out; if r0 == 0 goto out`),
	},
	{
		name: "a sum of 32 bits wraps",
		bad:  indexBy(`w0 = w0; r1 = r0; r0 += 10; if w0 > 50 goto out`),
		line: unbounded,
		good: indexBy(`w0 = w0; r1 = r0; r0 += 10; if w0 > 50 goto out; if w0 < 10 goto out; w1 &= 63`),
	},
	{
		name: "a second sum",
		bad:  indexBy(`r1 = r0; r1 += 0x7fffffff; r1 += 0x7fffffff; r1 += 2; if r0 > 50 goto out`),
		line: mathOnValue,
		good: indexBy(`r1 = r0; r1 += 10; if r0 > 50 goto out`),
	},
	{
		name: "a sum that is too large for a link",
		bad:  indexBy(`r1 = r0; r2 = 0x100000000 ll; r1 += r2; if r0 > 50 goto out`),
		line: mathOnValue,
		good: indexBy(`r1 = r0; r2 = 10 ll; r1 += r2; if r0 > 50 goto out`),
	},
	{
		name: "a narrow copy is not linked",
		bad:  indexBy(`r1 = r0; w0 = w0; if r0 > 50 goto out`),
		line: mathOnValue,
		good: indexBy(`w0 = w0; r1 = r0; w0 = w0; if r0 > 50 goto out`),
	},
	{
		name: "a sign-extended copy is not linked",
		bad:  indexBy(`r0 &= 0xff; r1 = (s8)r0; if r0 > 200 goto out; r1 += 100`),
		line: negative,
		good: indexBy(`r0 &= 0x7f; r1 = (s8)r0; if r0 > 50 goto out`),
	},
	{
		name: "or is not and, where a sign is spread",
		bad:  indexBy(`r0 s>>= 63; r0 |= 8; r1 = r0`),
		line: outsideValue,
		good: indexBy(`r0 s>>= 63; r0 &= 8; r1 = r0`),
	},
	{
		name: "or is not and, in 32 bits",
		bad:  indexBy(`w0 s>>= 31; w0 |= 8; r1 = r0`),
		line: "math between map_value pointer and 4294967295 is not allowed",
		good: indexBy(`w0 s>>= 31; w0 &= 8; r1 = r0`),
	},
	{
		// CVE-2024-41003: the constant of a comparison that cannot hold.
		name: "an impossible way",
		bad:  indexBy(`w0 &= 0x7fffffff; w0 |= 2; if w0 != 0x7ffffffd goto on; r0 = 0; on: r1 = r0`),
		line: unbounded,
		good: indexBy(`w0 &= 0x3d; w0 |= 2; if w0 != 0x3d goto on; r0 = 0; on: r1 = r0`),
	},
	{
		name: "a comparison with itself",
		bad:  indexBy(`r1 = r0; if r1 != r1 goto out; if r1 s> r1 goto out`),
		line: mathOnValue,
		good: indexBy(`r1 = r0; r1 &= 63; if r1 != r1 goto out; if r1 s> r1 goto out`),
	},
	{
		name: "32 bits compared, 64 used",
		bad:  indexBy(`r1 = r0; if w1 > 50 goto out`),
		line: mathOnValue,
		good: indexBy(`r1 = r0; if w1 > 50 goto out; w1 = w1`),
	},
	{
		name: "32 bits compared as signed, 64 used",
		bad:  indexBy(`w0 = w0; r1 = r0; if w1 s> 50 goto out`),
		line: unbounded,
		good: indexBy(`w0 = w0; r1 = r0; if w1 s> 50 goto out; if w1 s< 0 goto out`),
	},
	{
		name: "64 bits compared as signed only above",
		bad:  indexBy(`r1 = r0; if r1 s> 50 goto out`),
		line: mathOnValue,
		good: indexBy(`r1 = r0; if r1 s> 50 goto out; if r1 s< 0 goto out`),
	},
	{
		name: "a bit tested is not a bit cleared",
		bad:  indexBy(`r0 &= 127; r1 = r0; if r1 & 64 goto use; goto out; use:`),
		line: outsideValue,
		good: indexBy(`r0 &= 127; r1 = r0; if r1 & 64 goto out`),
	},
	{
		name: "a constant that sign-extends",
		bad:  indexBy(`r1 = r0; if r1 > 0xffffff00 goto out`),
		line: mathOnValue,
		good: indexBy(`w1 = w0; w1 &= 0xffffff3f; if w1 > 50 goto out`),
	},
	{
		name: "zero extension of a 32-bit move",
		bad:  indexBy(`r1 = r0; r1 s>>= 32`),
		line: "value -2147483648 makes map_value pointer be out of bounds",
		good: indexBy(`w1 = w0; r1 s>>= 32`),
	},
	{
		name: "zero extension of a sign-extending move",
		bad:  indexBy(`r1 = (s8)r0; r1 >>= 32`),
		line: unbounded,
		good: indexBy(`w1 = (s8)w0; r1 >>= 32`),
	},
	{
		name: "zero extension of a load",
		bad:  indexBy(`*(u64 *)(r10 -8) = r0; r1 = *(s32 *)(r10 -8); r1 >>= 32`),
		line: unbounded,
		good: indexBy(`*(u64 *)(r10 -8) = r0; r1 = *(u32 *)(r10 -8); r1 >>= 32`),
	},
	{
		name: "zero extension of an exchange",
		bad:  indexBy(`*(u64 *)(r10 -8) = r0; r1 = -1; r1 = xchg((u64 *)(r10 -8), r1); r1 >>= 32`),
		line: unbounded,
		good: indexBy(`*(u64 *)(r10 -8) = r0; r1 = -1; r1 = xchg((u32 *)(r10 -8), r1); r1 >>= 32`),
	},
	{
		name: "zero extension of a failed compare and exchange",
		bad:  indexBy(`*(u64 *)(r10 -8) = r0; r0 = -1; r1 = 0; r0 = cmpxchg((u64 *)(r10 -8), r1); r1 = r0; r1 >>= 32`),
		line: unbounded,
		good: indexBy(`*(u64 *)(r10 -8) = r0; r0 = -1; r1 = 0; r0 = cmpxchg((u32 *)(r10 -8), r1); r1 = r0; r1 >>= 32`),
	},
	{
		name: "a remainder by what is 0 in 32 bits",
		bad:  indexBy(`r1 = 100; r2 = 0x100000000 ll; w1 %= w2`),
		line: mathOnValue,
		good: indexBy(`r1 = 100; r2 = 0x100000000 ll; w1 %= w2; r1 &= 63`),
	},
	{
		name: "a quotient by what is 0 in 32 bits",
		bad:  indexBy(`w1 = w0; r2 = 0x100000000 ll; w1 /= w2; r1 += 64`),
		line: mathOnValue,
		good: indexBy(`w1 = w0; r2 = 0x100000000 ll; w1 /= w2; r1 &= 63`),
	},
	{
		name: "a signed quotient of the least number",
		bad:  indexBy(`r1 = 0x8000000000000000 ll; r2 = -1; r1 s/= r2`),
		line: mathOnValue,
		good: indexBy(`r1 = 0x8000000000000000 ll; r2 = -1; r1 s%= r2; r1 &= 63`),
	},
	{
		name: "a shift by more than is known to fit",
		bad:  indexBy(`r2 = r0; r1 = 1; r1 <<= r2; r1 &= 127`),
		line: outsideMax,
		good: indexBy(`r2 = r0; r2 &= 3; r1 = 1; r1 <<= r2; r1 &= 63`),
	},
	{
		name: "an arithmetic shift in 32 bits",
		bad:  indexBy(`w1 = w0; w1 s>>= 28`),
		line: unbounded,
		good: indexBy(`w1 = w0; w1 >>= 28`),
	},
	{
		name: "a product that wraps",
		bad:  indexBy(`w1 = w0; r1 *= r1; if r1 > 100 goto out`),
		line: outsideMax,
		good: indexBy(`w1 = w0; r1 *= r1; if r1 > 60 goto out`),
	},
}
