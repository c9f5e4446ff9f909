// This file defines how the path that led to a rejection is read from the log,
// and where on it a register got its value.

package report

import (
	"strconv"
	"strings"

	"github.com/skepbpf/skep/internal/bytecode"
)

// logPath is what the log says about the path that was refused.
type logPath struct {
	pcs   []int          // instructions in the order they were checked
	state map[int]string // what each register held last, as printed
}

// readPath reads the last path of a log: up to the instruction that was
// refused, without the branches that were finished before.
func readPath(log string, refused int) logPath {
	p := logPath{state: map[int]string{}}
	for line := range strings.Lines(log) {
		line = strings.TrimRight(line, "\n")
		if from, ok := branchLine(line); ok {
			p.backTo(from)
			_, states, _ := strings.Cut(line, ":")
			p.noteStates(states)
			continue
		}
		pc, rest, ok := insnLine(line)
		if !ok {
			continue
		}
		if strings.HasPrefix(rest, "(") {
			p.pcs = append(p.pcs, pc)
			rest = statesAfter(rest)
		}
		p.noteStates(rest)
	}
	if n := len(p.pcs); n > 0 && p.pcs[n-1] == refused {
		p.pcs = p.pcs[:n-1]
	}
	return p
}

// branchLine reads "from 3 to 7: …", which says that the walk takes up a
// branch of instruction 3.
func branchLine(line string) (from int, ok bool) {
	rest, ok := strings.CutPrefix(line, "from ")
	if !ok {
		return 0, false
	}
	number, _, _ := strings.Cut(rest, " ")
	from, err := strconv.Atoi(number)
	return from, err == nil
}

// insnLine reads "7: (61) r1 = …" and "7: R0=… R1=…".
func insnLine(line string) (pc int, rest string, ok bool) {
	number, rest, ok := strings.Cut(line, ": ")
	if !ok {
		return 0, "", false
	}
	pc, err := strconv.Atoi(number)
	return pc, rest, err == nil
}

// statesAfter is the part of an instruction's line that lists registers: after
// the semicolon, or after the index of the instruction that is next.
func statesAfter(insn string) string {
	if _, states, ok := strings.Cut(insn, " ; "); ok {
		return states
	}
	if i := strings.Index(insn, ": R"); i >= 0 {
		return insn[i+len(": "):]
	}
	return ""
}

// backTo cuts the path back to the last visit of an instruction.
func (p *logPath) backTo(pc int) {
	for i := len(p.pcs) - 1; i >= 0; i-- {
		if p.pcs[i] == pc {
			p.pcs = p.pcs[:i+1]
			return
		}
	}
}

// noteStates reads "R0=… R1=…". A list of all registers begins with "frame" or
// has R10; others only change some.
func (p *logPath) noteStates(text string) {
	if strings.Contains(text, "R10=") {
		clear(p.state)
	}
	for _, word := range strings.Fields(text) {
		name, value, ok := strings.Cut(word, "=")
		number, isReg := strings.CutPrefix(name, "R")
		if reg, err := strconv.Atoi(number); ok && isReg && err == nil {
			p.state[reg] = value
		}
	}
}

// maxOrigin bounds how many steps back a report goes.
const maxOrigin = 4

// origin returns the instructions that gave a register its value, oldest
// first: the last that wrote it and, through moves, fills from the stack and
// arithmetic, those before.
func origin(insns []bytecode.Insn, path []int, reg int) []int {
	var steps []int
	t := tracer{insns: insns, reg: uint8(reg)}
	for i := len(path) - 1; i >= 0 && len(steps) < maxOrigin; i-- {
		pc := path[i]
		if pc < 0 || pc >= len(insns) {
			return nil
		}
		found, more := t.back(insns[pc])
		if found {
			steps = append([]int{pc}, steps...)
		}
		if !more {
			break
		}
	}
	return steps
}

// tracer follows one value backwards: in a register, or in a stack slot.
type tracer struct {
	insns  []bytecode.Insn
	reg    uint8
	slot   int16 // with inSlot: its offset from R10
	inSlot bool
	depth  int // functions returned from, going backwards
}

// back goes over one instruction. found: it made the value; more: it made it
// from another that can be followed.
func (t *tracer) back(in bytecode.Insn) (found, more bool) {
	switch {
	case in.IsExit(): // a callee ends here
		t.depth++
		return false, true
	case in.IsSubprogCall() && t.depth > 0:
		t.depth--
		if t.depth == 0 && !t.inSlot && t.reg <= bytecode.R5 {
			return true, false
		}
		return false, true
	case t.depth > 0:
		return false, true
	case in.IsSubprogCall(): // the caller passed it
		return false, !t.inSlot && t.reg >= bytecode.R1 && t.reg <= bytecode.R5
	case t.inSlot:
		return t.backSlot(in)
	}
	return t.backReg(in)
}

// backSlot looks for the spill that filled the slot.
func (t *tracer) backSlot(in bytecode.Insn) (found, more bool) {
	isStore := in.Class() == bytecode.ClassST || in.Class() == bytecode.ClassSTX
	if !isStore || in.Dst != bytecode.R10 || in.Off != t.slot {
		return false, true
	}
	if in.Class() == bytecode.ClassST {
		return true, false
	}
	t.inSlot, t.reg = false, in.Src
	return true, true
}

// backReg looks for what wrote the register.
func (t *tracer) backReg(in bytecode.Insn) (found, more bool) {
	if !writes(in, t.reg) {
		return false, true
	}
	switch in.Class() {
	case bytecode.ClassALU, bytecode.ClassALU64:
		if in.ALUOp() == bytecode.ALUMov {
			t.reg = in.Src
			return true, in.UsesSrc()
		}
		return true, true
	case bytecode.ClassLDX:
		if in.Src == bytecode.R10 {
			t.inSlot, t.slot = true, in.Off
			return true, true
		}
	}
	return true, false
}

// writes reports whether the instruction changes the register.
func writes(in bytecode.Insn, reg uint8) bool {
	switch in.Class() {
	case bytecode.ClassALU, bytecode.ClassALU64, bytecode.ClassLDX:
		return in.Dst == reg
	case bytecode.ClassLD:
		return in.IsLdImm64() && in.Dst == reg || !in.IsLdImm64() && reg <= bytecode.R5
	case bytecode.ClassSTX:
		if in.Mode() != bytecode.ModeATOMIC {
			return false
		}
		switch {
		case in.Imm == bytecode.AtomicCmpXchg:
			return reg == bytecode.R0
		case in.Imm == bytecode.AtomicLoadAcq:
			return in.Dst == reg
		}
		return in.Imm&bytecode.AtomicFetch != 0 && in.Src == reg
	case bytecode.ClassJMP:
		return in.JmpOp() == bytecode.JmpCall && reg <= bytecode.R5
	}
	return false
}
