// This file defines tests of reserved fields and opcodes, against the running
// kernel where there is one.

package verify

import (
	"fmt"
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/bytecode"
)

func TestReservedFields(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   bytecode.Insn
		want string
	}{
		{"plain add", insn(0x07, 1, 0, 0, 5), ""},
		{"add with operand", insn(0x07, 1, 2, 0, 5), "BPF_ALU uses reserved fields"},
		{"add of register with immediate", insn(0x0f, 1, 2, 0, 5), "BPF_ALU uses reserved fields"},
		{"signed add", insn(0x0f, 1, 2, 1, 0), "BPF_ALU uses reserved fields"},
		{"signed division", insn(0x3f, 1, 2, 1, 0), ""},
		{"sign-extending move", insn(0xbf, 1, 2, 32, 0), ""},
		{"sign-extending 32-bit move from 32 bits", insn(0xbc, 1, 2, 32, 0), "BPF_MOV uses reserved fields"},
		{"sign-extending move of a constant", insn(0xb7, 1, 0, 8, 0), "BPF_MOV uses reserved fields"},
		{"cast between address spaces", insn(0xbf, 1, 2, 1, 1<<16), ""},
		{"cast to itself", insn(0xbf, 1, 2, 1, 0), "addr_space_cast insn can only convert between address space 1 and 0"},
		{"negation", insn(0x87, 1, 0, 0, 0), ""},
		{"negation with immediate", insn(0x87, 1, 0, 0, 1), "BPF_NEG uses reserved fields"},
		{"swap of 16 bits", insn(0xd7, 1, 0, 0, 16), ""},
		{"swap of 17 bits", insn(0xd7, 1, 0, 0, 17), "BPF_END uses reserved fields"},
		{"goto with immediate", insn(0x05, 0, 0, 0, 1), "BPF_JA uses reserved fields"},
		{"gotol with offset", insn(0x06, 0, 0, 1, 0), "BPF_JA uses reserved fields"},
		{"exit with value", insn(0x95, 0, 0, 0, 1), "BPF_EXIT uses reserved fields"},
		{"branch with both operands", insn(0x1d, 1, 2, 0, 1), "BPF_JMP/JMP32 uses reserved fields"},
		{"call with destination", insn(0x85, 1, 0, 0, 7), "BPF_CALL uses reserved fields"},
		{"call of a fourth sort", insn(0x85, 0, 3, 0, 7), "BPF_CALL uses reserved fields"},
		{"store of a constant with operand", insn(0x7a, 10, 1, -8, 0), "BPF_ST uses reserved fields"},
		{"store with immediate", insn(0x7b, 10, 1, -8, 1), "BPF_STX uses reserved fields"},
		{"64-bit load with offset", insn(0x18, 1, 0, 1, 0), "BPF_LD_IMM64 uses reserved fields"},
		{"packet load with operand", insn(0x30, 0, 1, 0, 0), "BPF_LD_[ABS|IND] uses reserved fields"},
		{"may_goto with immediate", insn(0xe5, 0, 0, 0, 1), "invalid may_goto imm 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := reservedFields(tt.in); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// complaint is the kernel's about an instruction's fields, "" for any other
// answer.
func complaint(line string) string {
	for _, part := range []string{"uses reserved fields", "invalid may_goto", "address space 1 and 0"} {
		if strings.Contains(line, part) {
			return line
		}
	}
	return ""
}

// TestReservedFieldsOracle asks the kernel about every opcode with each of its
// fields set to something else.
func TestReservedFieldsOracle(t *testing.T) {
	kernel := needKernel(t)
	changes := []func(in *bytecode.Insn){
		func(*bytecode.Insn) {},
		func(in *bytecode.Insn) { in.Dst = 1 },
		func(in *bytecode.Insn) { in.Src = 1 },
		func(in *bytecode.Insn) { in.Src = 5 },
		func(in *bytecode.Insn) { in.Off = 1 },
		func(in *bytecode.Insn) { in.Off = 16 },
		func(in *bytecode.Insn) { in.Off = 32 },
		func(in *bytecode.Insn) { in.Imm = 1 },
		func(in *bytecode.Insn) { in.Imm = 32 },
		func(in *bytecode.Insn) { in.Imm, in.Off = 1, 1 },
	}
	for _, op := range opcodes() {
		for i, change := range changes {
			in := bytecode.Insn{Op: op}
			change(&in)
			var insns []bytecode.Insn
			for r := range uint8(10) {
				insns = append(insns, movK(r, 1))
			}
			insns = append(insns, in)
			if in.IsLdImm64() {
				insns = append(insns, bytecode.Insn{})
			}
			for range 33 {
				insns = append(insns, movK(0, 0))
			}
			insns = append(insns, exit())
			p := &bytecode.Program{Type: bytecode.ProgSocketFilter, License: "GPL", Insns: insns}
			_, _, r := findShape(p, testEnv(), testNames)
			ours := reservedFields(in)
			if r != nil {
				ours = r.Line
			}
			live := kernel.load(p, 0).Line()
			if c := complaint(live); c != complaint(ours) {
				t.Errorf("%s: ours %q, the kernel's %q", fmt.Sprintf("%02x change %d", op, i), ours, live)
			}
		}
	}
}

// TestOpcodesOracle compares the set of opcodes that exist.
func TestOpcodesOracle(t *testing.T) {
	kernel := needKernel(t)
	for op := range 256 {
		in := bytecode.Insn{Op: uint8(op)}
		if in.IsLdImm64() || in.Class() == bytecode.ClassLDX && !plainLoad(in) {
			continue
		}
		p := &bytecode.Program{Type: bytecode.ProgSocketFilter, License: "GPL", Insns: code(movK(0, 0), in, exit())}
		live := kernel.load(p, 0).Line()
		if exists := !strings.HasPrefix(live, "unknown opcode"); exists != opcodeExists[op] {
			t.Errorf("opcode %02x exists: %v, in the kernel: %v", op, opcodeExists[op], exists)
		}
	}
}
