// This file defines the assembler: lines to instructions.

package isa

import (
	"fmt"
	"math"
	"strings"

	"github.com/skepbpf/skep/internal/bytecode"
)

// Assemble translates lines of the vectors' assembler language, which is
// ubpf's: "add32 %r1, 5", "ldxw %r2, [%r1+4]", "jne %r1, %r2, label", "label:".
// A comment runs from # to the end of a line. The last exit is a label "exit"
// unless the program has its own.
func Assemble(lines []string) ([]bytecode.Insn, error) {
	a := assembler{labels: make(map[string]int), exit: -1}
	for n, line := range lines {
		if err := a.line(line); err != nil {
			return nil, fmt.Errorf("line %d, %q: %w", n+1, line, err)
		}
	}
	if err := a.resolve(); err != nil {
		return nil, err
	}
	return a.insns, nil
}

// assembler is what has been translated so far.
type assembler struct {
	insns  []bytecode.Insn
	labels map[string]int // slot that a label stands before
	exit   int            // slot of the last exit, -1 before there is one
	jumps  []fixup
}

// fixup is a jump whose label is not known yet.
type fixup struct {
	at    int
	label string
	put   func(in *bytecode.Insn, distance int) error
}

func (a *assembler) line(line string) error {
	line, _, _ = strings.Cut(line, "#")
	line = strings.TrimSpace(line)
	if line == "" {
		return nil
	}
	if label, ok := strings.CutSuffix(line, ":"); ok {
		return a.label(label)
	}
	name, rest := cutMnemonic(line)
	m, ok := mnemonics[name]
	if !ok {
		return fmt.Errorf("unknown mnemonic %q", name)
	}
	ops := operands(rest)
	if len(ops) != len(m.shape) {
		return fmt.Errorf("%s takes %d operands, not %d", name, len(m.shape), len(ops))
	}
	return a.encode(m, ops)
}

func (a *assembler) label(label string) error {
	if _, ok := a.labels[label]; ok {
		return fmt.Errorf("label %s stands twice", label)
	}
	a.labels[label] = len(a.insns)
	return nil
}

// cutMnemonic splits a line after its mnemonic: one word, save that "lock",
// "lock fetch" and "call local" belong to it.
func cutMnemonic(line string) (name, rest string) {
	name, rest, _ = strings.Cut(line, " ")
	for name == "lock" || name == "lock fetch" || name == "call" && strings.HasPrefix(rest, "local ") {
		word, after, _ := strings.Cut(strings.TrimSpace(rest), " ")
		if word == "" {
			break
		}
		name, rest = name+" "+word, after
	}
	return name, rest
}

func operands(text string) []string {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	ops := strings.Split(text, ",")
	for i := range ops {
		ops[i] = strings.TrimSpace(ops[i])
	}
	return ops
}

// encode appends an instruction: each operand fills in its part.
func (a *assembler) encode(m mnemonic, ops []string) error {
	in := m.insn
	if in.Op == bytecode.ClassJMP|bytecode.JmpExit {
		a.exit = len(a.insns)
	}
	a.insns = append(a.insns, in)
	at := len(a.insns) - 1
	for i, put := range m.shape {
		if err := put(a, at, ops[i]); err != nil {
			return err
		}
	}
	return nil
}

// resolve fills in the distances of jumps to labels.
func (a *assembler) resolve() error {
	for _, j := range a.jumps {
		target, ok := a.labels[j.label]
		if !ok && j.label == "exit" && a.exit >= 0 {
			target, ok = a.exit, true
		}
		if !ok {
			return fmt.Errorf("unknown label %q", j.label)
		}
		if err := j.put(&a.insns[j.at], target-j.at-1); err != nil {
			return err
		}
	}
	return nil
}

// putOff puts a number into the 16-bit offset.
func putOff(in *bytecode.Insn, v int) error {
	if v < math.MinInt16 || v > math.MaxInt16 {
		return fmt.Errorf("offset %d does not fit 16 bits", v)
	}
	in.Off = int16(v)
	return nil
}

// putImm puts a distance into the immediate.
func putImm(in *bytecode.Insn, v int) error {
	in.Imm = int32(v)
	return nil
}
