// This file tests arenas: casts, arithmetic and accesses through their
// pointers, and the functions that hand pages out.

package verify_test

import (
	"regexp"
	"strconv"
	"testing"

	"github.com/skepbpf/skep/internal/bytecode"
)

func init() {
	soundnessMaps["arena"] = bytecode.MapSpec{Type: bytecode.MapArena, MaxEntries: 2, Flags: bytecode.MapMmapable, Extra: 1<<44 + 1<<32 - 2*4096}
	forms = append(forms, form{regexp.MustCompile(`^r(\d+) = addr_space_cast\(r(\d+), (\d), (\d)\)$`), func(a *assembly, m []string) error {
		to, _ := strconv.Atoi(m[3])
		from, _ := strconv.Atoi(m[4])
		a.emit(bytecode.Insn{
			Op: bytecode.ClassALU64 | bytecode.ALUMov | bytecode.SrcX, Dst: number(m[1]), Src: number(m[2]),
			Off: bytecode.PseudoAddrSpace, Imm: int32(to<<16 | from),
		})
		return nil
	}})
}

// onPage has a page in R6, the context in R9.
func onPage(rest string) string {
	return "r9 = r1; r1 = map[arena]; r2 = 0; r3 = 1; r4 = -1; r5 = 0; kfunc bpf_arena_alloc_pages; r6 = r0; r6 = addr_space_cast(r6, 0, 1);" + rest + endZero
}

var arenaRows = []controlRow{
	{name: "any offset", as: sleepableProgram, text: onPage("r0 = *(u64 *)(r6 +30000); r0 = *(s8 *)(r6 -1)")},
	{name: "any store", as: sleepableProgram, text: onPage("*(u64 *)(r6 +0) = r10; *(u32 *)(r6 +1) = 7")},
	{name: "any arithmetic", as: sleepableProgram, text: onPage("r6 *= 7; r6 |= 3; r6 += r9; r6 -= r6; w6 += 8; r0 = *(u64 *)(r6 +0)")},
	{name: "a number plus a pointer", as: sleepableProgram, text: onPage("r7 = 8; r7 += r6; r0 = *(u64 *)(r7 +0)")},
	{name: "the context plus a pointer", as: sleepableProgram, text: onPage("r9 += r6; r0 = *(u64 *)(r9 +0)")},
	{name: "a negative pointer", as: sleepableProgram, text: onPage("r6 = -r6; r0 = *(u64 *)(r6 +0)"), line: "R6 invalid mem access 'scalar'"},
	{name: "half a pointer", as: sleepableProgram, text: onPage("w7 = w6; r0 = *(u64 *)(r7 +0)"), line: "R7 invalid mem access 'scalar'"},
	{name: "a byte of a pointer", as: sleepableProgram, text: onPage("r7 = (s8)r6; r0 = *(u64 *)(r7 +0)"), line: "R7 invalid mem access 'scalar'"},
	{name: "division by zero", as: sleepableProgram, text: onPage("r6 /= 0"), line: "div by zero"},
	{name: "comparisons", as: sleepableProgram, text: onPage("if r6 == 0 goto null; if r6 > r9 goto null; r0 = *(u64 *)(r6 +0); null: r0 = 0")},
	{name: "kept on the stack", as: sleepableProgram, text: onPage("*(u64 *)(r10 -8) = r6; r7 = *(u64 *)(r10 -8); r0 = *(u64 *)(r7 +0)")},
	{name: "half kept on the stack", as: sleepableProgram, text: onPage("*(u32 *)(r10 -8) = r6"), line: "invalid size of register spill"},
	{name: "a pointer of user space", as: sleepableProgram, text: onPage("r6 = addr_space_cast(r6, 1, 0); r0 = *(u64 *)(r6 +0)"), line: "R6 invalid mem access 'scalar'"},
	{name: "a pointer in a page", as: sleepableProgram, text: onPage("r1 = *(u64 *)(r6 +0); r1 = *(u64 *)(r1 +0)"), line: "R1 invalid mem access 'scalar'"},
	{name: "atomics", as: sleepableProgram, text: onPage("r7 = 1; lock *(u64 *)(r6 +1) += r7; r7 = add((u64 *)(r6 +0), r7); r0 = cmpxchg((u32 *)(r6 +0), r7); r7 = 1; lock *(u32 *)(r6 +0) &= r7")},
	{name: "an atomic that takes a loop", as: sleepableProgram, text: onPage("r7 = 1; r7 = and((u64 *)(r6 +0), r7)"), line: "BPF_ATOMIC stores into R6 arena is not allowed"},
	{
		name: "for a helper", as: sleepableProgram, text: onPage("r1 = r6; r2 = 8; r3 = 0; call probe_read_kernel"),
		line: "R1 type=arena expected=fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, trusted_ptr_",
	},
	{name: "given back, and read", as: sleepableProgram, text: onPage("r1 = map[arena]; r2 = r6; r3 = 1; kfunc bpf_arena_free_pages; r0 = *(u64 *)(r6 +0)")},
	{name: "reserved", as: sleepableProgram, text: onPage("r1 = map[arena]; r2 = r6; r3 = 1; kfunc bpf_arena_reserve_pages")},
	{name: "of no map", as: sleepableProgram, text: onPage("r1 = r10; r2 = r6; r3 = 1; kfunc bpf_arena_free_pages"), line: "pointer in R1 isn't map pointer"},
	{name: "as many pages as a pointer", as: sleepableProgram, text: onPage("r1 = map[arena]; r2 = r6; r3 = r6; kfunc bpf_arena_free_pages"), line: "R3 is not a scalar"},
	{
		name: "one store, to the arena or the stack", as: sleepableProgram, line: "same insn cannot be used with different pointers",
		text: onPage("r1 = r10; r1 += -8; if r9 == 0 goto both; r1 = r6; both: *(u64 *)(r1 +0) = 1"),
	},
	{name: "pages where the program may not sleep", text: onPage(""), line: "program must be sleepable to call sleepable kfunc bpf_arena_alloc_pages"},
	{name: "a cast without an arena", text: "r1 = addr_space_cast(r1, 0, 1)" + endZero, line: "addr_space_cast insn can only be used in a program that has an associated arena"},
	{name: "a number as the address", text: "r2 = map[arena]; r1 = 16; r1 = addr_space_cast(r1, 0, 1); *(u64 *)(r1 +0) = 1" + endZero},
	{
		name: "no progress to see", line: "infinite loop detected at insn 3",
		text: "r2 = map[arena]; r1 = addr_space_cast(r1, 0, 1); again: if r1 != 5 goto again" + endZero,
	},
}

func TestArenas(t *testing.T) { checkRows(t, arenaRows) }
