// This file defines rows about packet pointers: what has been compared with the
// packet's end, and what makes a comparison void.

package verify_test

const (
	outsidePacket = "R6 offset is outside of the packet"
	stalePacket   = "R6 invalid mem access 'scalar'"
)

// inPacket proves 8 bytes at R6, and R7 is the packet's end, R8 the context.
func inPacket(middle string) string {
	return `
		r8 = r1
		r6 = *(u32 *)(r8 +0)
		r7 = *(u32 *)(r8 +4)
		r2 = r6
		r2 += 8
		if r2 > r7 goto out
	` + middle + `
	out:
		r0 = 2
		exit
	`
}

var packetRows = []soundness{
	{
		name: "a byte too many",
		bad:  inPacket(`r0 = *(u8 *)(r6 +8)`), line: outsidePacket, good: inPacket(`r0 = *(u8 *)(r6 +7)`),
	},
	{
		name: "the other way of the comparison",
		bad:  inPacket(`r2 = r6; r2 += 12; if r2 > r7 goto short; goto out; short: r0 = *(u32 *)(r6 +8)`), line: outsidePacket,
		good: inPacket(`r2 = r6; r2 += 12; if r2 > r7 goto out; r0 = *(u32 *)(r6 +8)`),
	},
	{
		name: "a pointer that equals the end",
		bad:  inPacket(`r2 = r6; r2 += 12; if r2 >= r7 goto equal; goto out; equal: r0 = *(u8 *)(r6 +8)`), line: outsidePacket,
		good: inPacket(`r2 = r6; r2 += 12; if r2 >= r7 goto out; r0 = *(u8 *)(r6 +12)`),
	},
	{
		name: "a comparison before a step of unknown length",
		bad:  inPacket(`call get_prandom_u32; r0 &= 7; r6 += r0; r0 = *(u8 *)(r6 +0)`), line: outsidePacket,
		good: inPacket(`call get_prandom_u32; r0 &= 7; r6 += r0; r2 = r6; r2 += 1; if r2 > r7 goto out; r0 = *(u8 *)(r6 +0)`),
	},
	{
		name: "a number that a pointer is added to",
		bad:  inPacket(`r1 = 4; r1 += r6; r6 = r1; r0 = *(u64 *)(r6 +0)`), line: outsidePacket,
		good: inPacket(`r1 = 4; r1 += r6; r6 = r1; r0 = *(u32 *)(r6 +0)`),
	},
	{
		name: "a helper that moves the packet",
		bad:  inPacket(`r1 = r8; r2 = 0; call xdp_adjust_head; r0 = *(u8 *)(r6 +0)`), line: stalePacket,
		good: inPacket(`r1 = r8; r2 = 0; call xdp_adjust_head; r6 = *(u32 *)(r8 +0); r7 = *(u32 *)(r8 +4); r2 = r6; r2 += 1; if r2 > r7 goto out; r0 = *(u8 *)(r6 +0)`),
	},
	{
		name: "a function that moves the packet",
		bad:  inPacket(`r1 = r8; call mover; r0 = *(u8 *)(r6 +0)`) + mover("static mover(ctx)", `call xdp_adjust_head`), line: stalePacket,
		good: inPacket(`r1 = r8; call mover; r0 = *(u8 *)(r6 +0)`) + mover("static mover(ctx)", `call get_prandom_u32`),
	},
	{
		name: "a global function that moves the packet",
		bad:  inPacket(`r1 = r8; call mover; r0 = *(u8 *)(r6 +0)`) + mover("global mover(ctx)", `call xdp_adjust_head`), line: stalePacket,
		good: inPacket(`r1 = r8; call mover; r0 = *(u8 *)(r6 +0)`) + mover("global mover(ctx)", `call get_prandom_u32`),
	},
	{
		name: "a global function that calls another",
		bad:  inPacket(`r1 = r8; call first; r0 = *(u8 *)(r6 +0)`) + callsMover + mover("global mover(ctx)", `call xdp_adjust_head`), line: stalePacket,
		good: inPacket(`r1 = r8; call first; r0 = *(u8 *)(r6 +0)`) + callsMover + mover("global mover(ctx)", `call get_prandom_u32`),
	},
	{
		name: "a tail call in a function",
		bad:  inPacket(`r1 = r8; call mover; r0 = *(u8 *)(r6 +0)`) + mover("global mover(ctx)", `r2 = map[progs]; r3 = 0; call tail_call`), line: stalePacket,
		good: inPacket(`r1 = r8; call mover`) + mover("global mover(ctx)", `r2 = map[progs]; r3 = 0; call tail_call`),
	},
}

// mover is a function that does something with the context.
func mover(head, body string) string {
	return "\n" + head + `:
		r2 = 0
	` + body + `
		r0 = 0
		exit
	`
}

const callsMover = `
	global first(ctx):
		call mover
		r0 = 0
		exit
`
