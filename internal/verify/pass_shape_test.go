// This file defines tests of what the static passes refuse, against the
// running kernel where there is one.

package verify

import (
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/live"
)

// manyFunctions makes n functions after the first, each called once.
func manyFunctions(n int) []bytecode.Insn {
	var insns []bytecode.Insn
	for i := range n {
		insns = append(insns, callSubprog(int32(n-i-1+2+2*i)))
	}
	insns = append(insns, movK(0, 0), exit())
	for range n {
		insns = append(insns, movK(0, 0), exit())
	}
	return insns
}

// manyMaps loads the addresses of n maps.
func manyMaps(n int) []bytecode.Insn {
	var insns []bytecode.Insn
	for i := range n {
		insns = append(insns, mapLoad(1, int32(i))...)
	}
	return append(insns, movK(0, 0), exit())
}

func arrays(n int) []*bytecode.MapSpec {
	maps := make([]*bytecode.MapSpec, n)
	for i := range maps {
		maps[i] = &bytecode.MapSpec{Type: bytecode.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1}
	}
	return maps
}

var (
	wideArray = []*bytecode.MapSpec{{Type: bytecode.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 2}}
	hash      = []*bytecode.MapSpec{{Type: bytecode.MapHash, KeySize: 4, ValueSize: 8, MaxEntries: 2}}
)

// structureTests are programs with one mistake that is found before the walk.
// line is the kernel's, "" where it accepts or finds the mistake later.
var structureTests = []struct {
	name   string
	insns  []bytecode.Insn
	maps   []*bytecode.MapSpec
	unpriv bool
	line   string
	errno  int
}{
	{name: "smallest", insns: code(movK(0, 0), exit())},
	{name: "no exit", insns: code(movK(0, 0)), line: "last insn is not an exit or jmp", errno: errEINVAL},
	{name: "jump past the end", insns: code(ja(5), exit()), line: "jump out of range from insn 0 to 6", errno: errEINVAL},
	{name: "jump before the start", insns: code(movK(0, 0), jeqK(0, 0, -3), exit()), line: "jump out of range from insn 1 to -1", errno: errEINVAL},
	{name: "gotol past the end", insns: code(gotol(70000), exit()), line: "jump out of range from insn 0 to 70001", errno: errEINVAL},
	{name: "may_goto past the end", insns: code(mayGoto(9), movK(0, 0), exit()), line: "jump out of range from insn 0 to 10", errno: errEINVAL},
	{name: "jump into another function", insns: code(callSubprog(3), movK(0, 0), jeqK(0, 0, 1), exit(), movK(0, 0), exit()),
		line: "jump out of range from insn 2 to 4", errno: errEINVAL},
	{name: "function falls through", insns: code(callSubprog(1), movK(0, 0), movK(0, 0), exit()),
		line: "last insn is not an exit or jmp", errno: errEINVAL},
	{name: "call past the end", insns: code(callSubprog(9), movK(0, 0), exit()), line: "call to invalid destination", errno: errEINVAL},
	{name: "call before the start", insns: code(callSubprog(-9), movK(0, 0), exit()), line: "call to invalid destination", errno: errEINVAL},
	{name: "function reference past the end", insns: code(funcRef(2, 9), movK(0, 0), exit()), line: "call to invalid destination", errno: errEINVAL},
	{name: "256 functions", insns: manyFunctions(255)},
	{name: "257 functions", insns: manyFunctions(256), line: "too many subprograms", errno: errE2BIG},
	{name: "unreachable", insns: code(movK(0, 0), exit(), movK(0, 0), exit()), line: "unreachable insn 2", errno: errEINVAL},
	{name: "unreachable after goto", insns: code(movK(0, 0), ja(1), movK(0, 0), exit()), line: "unreachable insn 2", errno: errEINVAL},
	{name: "unreachable 64-bit load", insns: code(movK(0, 0), exit(), ldImm64(1, 0, 0, 0), exit()), line: "unreachable insn 2", errno: errEINVAL},
	{name: "into a 64-bit load", insns: code(movK(0, 0), jeqK(0, 0, 1), ldImm64(1, 0, 0, 0), exit()),
		line: "jump into the middle of ldimm64 insn 2", errno: errEINVAL},
	{name: "loop", insns: code(movK(0, 0), addK(0, 1), jeqK(0, 9, -2), exit())},
	{name: "loop, unprivileged", insns: code(movK(0, 0), addK(0, 1), jeqK(0, 9, -2), exit()), unpriv: true,
		line: "back-edge from insn 2 to 1", errno: errEINVAL},
	{name: "loop by goto, unprivileged", insns: code(movK(0, 0), jeqK(0, 9, 1), ja(-2), exit()), unpriv: true,
		line: "back-edge from insn 2 to 1", errno: errEINVAL},
	{name: "forward branches, unprivileged", insns: code(movK(0, 0), jeqK(0, 9, 1), movK(0, 1), exit()), unpriv: true},
	{name: "call, unprivileged", insns: code(callSubprog(1), exit(), movK(0, 0), exit()), unpriv: true,
		line: "loading/calling other bpf or kernel functions are allowed for CAP_BPF and CAP_SYS_ADMIN", errno: errEPERM},
	{name: "packet load in a function", insns: code(movX(6, 1), callSubprog(1), exit(), ldAbs(0), exit()),
		line: "LD_ABS is not allowed in subprogs without BTF", errno: errEINVAL},
	{name: "tail call in a function", insns: code(callSubprog(1), exit(), callHelper(12), movK(0, 0), exit()),
		line: "tail_call is not allowed in subprogs without BTF", errno: errEINVAL},

	{name: "unknown opcode", insns: code(insn(0xff, 0, 0, 0, 0), exit()), line: "unknown opcode ff", errno: errEINVAL},
	{name: "callx", insns: code(insn(0x8d, 0, 0, 0, 0), movK(0, 0), exit()), line: "unknown opcode 8d", errno: errEINVAL},
	{name: "gotox", insns: code(insn(0x0d, 1, 0, 0, 0), movK(0, 0), exit()), line: "unknown opcode 0d", errno: errEINVAL},
	{name: "zero opcode", insns: code(insn(0, 0, 0, 0, 0), movK(0, 0), exit()), line: "unknown opcode 00", errno: errEINVAL},
	{name: "load with immediate", insns: code(insn(0x61, 0, 1, 0, 1), exit()), line: "BPF_LDX uses reserved fields", errno: errEINVAL},
	{name: "load mode", insns: code(insn(0xe1, 0, 1, 0, 0), exit()), line: "BPF_LDX uses reserved fields", errno: errEINVAL},
	{name: "64-bit sign-extending load", insns: code(insn(0x99, 0, 1, 0, 0), exit()), line: "unknown opcode 99", errno: errEINVAL},
	{name: "half a 64-bit load", insns: code(movK(0, 0), insn(0x18, 1, 0, 0, 0), exit()), line: "invalid bpf_ld_imm64 insn", errno: errEINVAL},
	{name: "64-bit load, stray second slot", insns: code(insn(0x18, 1, 0, 0, 0), insn(0, 1, 0, 0, 0), movK(0, 0), exit()),
		line: "invalid bpf_ld_imm64 insn", errno: errEINVAL},
	{name: "64-bit load of an unknown sort", insns: code(ldImm64(1, 7, 0, 0), movK(0, 0), exit()), line: "unrecognized bpf_ld_imm64 insn", errno: errEINVAL},
	{name: "map address with offset", insns: code(ldImm64(1, 5, 0, 8), movK(0, 0), exit()), maps: wideArray,
		line: "unrecognized bpf_ld_imm64 insn", errno: errEINVAL},

	{name: "value of a one-element array", insns: code(ldImm64(1, 6, 0, 7), movK(0, 0), exit()), maps: arrays(1)},
	{name: "value beyond its end", insns: code(ldImm64(1, 6, 0, 8), movK(0, 0), exit()), maps: arrays(1),
		line: "invalid access to map value pointer, value_size=8 off=8", errno: errEINVAL},
	{name: "value far away", insns: code(ldImm64(1, 6, 0, 1<<29), movK(0, 0), exit()), maps: arrays(1),
		line: "direct value offset of 536870912 is not allowed", errno: errEINVAL},
	{name: "value of a longer array", insns: code(ldImm64(1, 6, 0, 0), movK(0, 0), exit()), maps: wideArray,
		line: "invalid access to map value pointer, value_size=8 off=0", errno: errENOTSUPP},
	{name: "value of a hash", insns: code(ldImm64(1, 6, 0, 0), movK(0, 0), exit()), maps: hash,
		line: "no direct value access support for this map type", errno: errEINVAL},
	{name: "64 maps", insns: manyMaps(64), maps: arrays(64)},
	{name: "65 maps", insns: manyMaps(65), maps: arrays(65),
		line: "The total number of maps per program has reached the limit of 64", errno: errE2BIG},
}

func TestStructure(t *testing.T) {
	for _, tt := range structureTests {
		t.Run(tt.name, func(t *testing.T) {
			p := &bytecode.Program{Type: bytecode.ProgSocketFilter, License: "GPL", Insns: tt.insns, Maps: tt.maps}
			env := testEnv()
			env.Privileged = !tt.unpriv
			_, _, r := findShape(p, env, testNames)
			if tt.line == "" {
				if r != nil {
					t.Fatalf("refused: %v", r)
				}
				return
			}
			if r == nil {
				t.Fatalf("accepted, want %q", tt.line)
			}
			if r.Line != tt.line || r.Errno != tt.errno {
				t.Errorf("got %q, errno %d; want %q, errno %d", r.Line, r.Errno, tt.line, tt.errno)
			}
		})
	}
}

// TestStructureOracle asks the kernel about the same programs.
func TestStructureOracle(t *testing.T) {
	needKernel(t)
	for _, tt := range structureTests {
		t.Run(tt.name, func(t *testing.T) {
			p := &bytecode.Program{Type: bytecode.ProgSocketFilter, License: "GPL", Insns: tt.insns, Maps: tt.maps}
			var drop live.Caps
			if tt.unpriv {
				drop = live.CapsUnprivileged
				if !live.UnprivilegedAllowed() {
					t.Skip("needs kernel.unprivileged_bpf_disabled = 0")
				}
			}
			r := oracle{t}.load(p, drop)
			line := r.Line()
			switch {
			case tt.line == "" && (strings.Contains(r.Log, "R10=fp0") || r.Accepted()):
			case line != tt.line || int(r.Errno) != tt.errno:
				t.Errorf("the kernel says %q, errno %d; want %q, errno %d", line, int(r.Errno), tt.line, tt.errno)
			}
		})
	}
}
