// This file defines the assembler of the soundness tests: programs in the
// notation of the kernel's logs.

package verify_test

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
)

// assembly is a program being assembled. A line holds one instruction, or
// several with ";" between them; "name:" before one is a label.
type assembly struct {
	insns  []bytecode.Insn
	maps   []*bytecode.MapSpec
	funcs  []function
	labels map[string]int
	fixups []fixup
}

// function is a subprogram that has a type: "global f(int, mem):" or
// "static f():".
type function struct {
	name   string
	global bool
	params []string
	start  int
}

// fixup is a place that takes the distance to a label.
type fixup struct {
	at    int
	label string
	imm   bool // into the immediate, else into the offset
}

// form is one kind of line and what it becomes.
type form struct {
	pattern *regexp.Regexp
	put     func(a *assembly, m []string) error
}

func (a *assembly) emit(in bytecode.Insn) { a.insns = append(a.insns, in) }

// assemble translates a whole program.
func assemble(text string) (*assembly, error) {
	a := &assembly{labels: map[string]int{}}
	for _, line := range strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == ';' }) {
		line, _, _ = strings.Cut(line, "//")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if err := a.line(line); err != nil {
			return nil, fmt.Errorf("%q: %w", line, err)
		}
	}
	for _, f := range a.fixups {
		to, ok := a.labels[f.label]
		if !ok {
			return nil, fmt.Errorf("label %q is not there", f.label)
		}
		if f.imm {
			a.insns[f.at].Imm = int32(to - f.at - 1)
		} else {
			a.insns[f.at].Off = int16(to - f.at - 1)
		}
	}
	return a, nil
}

func (a *assembly) line(line string) error {
	for _, f := range forms {
		if m := f.pattern.FindStringSubmatch(line); m != nil {
			return f.put(a, m)
		}
	}
	return fmt.Errorf("no such instruction")
}

// Parts of patterns: a register (with its width), a number or register, a
// size, an offset.
var parts = strings.NewReplacer(
	"REG", `([rw])(\d+)`, "OPERAND", `(-?\w+)`, "SIZE", `([us])(\d+)`, "OFF", `([+-]\d+)`, "NAME", `(\w+)`, " ", `\s*`,
)

// forms are tried in turn.
var forms []form

func init() {
	for _, f := range []struct {
		pattern string
		put     func(a *assembly, m []string) error
	}{
		{`NAME: (.*)`, (*assembly).putLabel},
		{`(global|static) NAME\(([\w, ]*)\): (.*)`, (*assembly).putFunction},
		{`exit`, (*assembly).putExit},
		{`goto NAME`, (*assembly).putGoto},
		{`may_goto NAME`, (*assembly).putMayGoto},
		{`call NAME`, (*assembly).putCall},
		{`if REG (s?[<>]=?|==|!=|&) OPERAND goto NAME`, (*assembly).putBranch},
		{`REG = map\[NAME\]`, (*assembly).putMap},
		{`REG = value\[NAME\]OFF`, (*assembly).putMapValue},
		{`REG = func NAME`, (*assembly).putFunc},
		{`REG = OPERAND ll`, (*assembly).putWide},
		{`REG = -REG`, (*assembly).putNeg},
		{`REG = (be|le|bswap)(\d+) REG`, (*assembly).putSwap},
		{`REG = \(SIZE\)REG`, (*assembly).putSigned},
		{`REG = \*\(SIZE \*\)\(r(\d+) OFF\)`, (*assembly).putLoad},
		{`REG = load_acquire\(\(SIZE \*\)\(r(\d+) OFF\)\)`, (*assembly).putAcquire},
		{`\*\(SIZE \*\)\(r(\d+) OFF\) = OPERAND`, (*assembly).putStore},
		{`lock \*\(SIZE \*\)\(r(\d+) OFF\) ([+|&^])= r(\d+)`, (*assembly).putAtomic},
		{`r(\d+) = (add|or|and|xor|xchg|cmpxchg)\(\(SIZE \*\)\(r(\d+) OFF\), r(\d+)\)`, (*assembly).putFetch},
		{`REG (s?[-+*/|&^%]|<<|s?>>|)= OPERAND`, (*assembly).putALU},
	} {
		forms = append(forms, form{regexp.MustCompile("^" + parts.Replace(f.pattern) + "$"), f.put})
	}
}

func (a *assembly) putLabel(m []string) error {
	a.labels[m[1]] = len(a.insns)
	if m[2] == "" {
		return nil
	}
	return a.line(m[2])
}

func (a *assembly) putFunction(m []string) error {
	f := function{name: m[2], global: m[1] == "global", start: len(a.insns)}
	f.params = strings.FieldsFunc(m[3], func(r rune) bool { return r == ',' || r == ' ' })
	a.funcs = append(a.funcs, f)
	return a.putLabel([]string{m[0], f.name, m[4]})
}

func (a *assembly) putExit([]string) error {
	a.emit(bytecode.Insn{Op: bytecode.ClassJMP | bytecode.JmpExit})
	return nil
}

func (a *assembly) jump(in bytecode.Insn, label string, imm bool) error {
	a.fixups = append(a.fixups, fixup{len(a.insns), label, imm})
	a.emit(in)
	return nil
}

func (a *assembly) putGoto(m []string) error {
	return a.jump(bytecode.Insn{Op: bytecode.ClassJMP | bytecode.JmpA}, m[1], false)
}

func (a *assembly) putMayGoto(m []string) error {
	return a.jump(bytecode.Insn{Op: bytecode.ClassJMP | bytecode.JmpJCOND}, m[1], false)
}

// putCall calls a helper by its name, else a function of the program.
func (a *assembly) putCall(m []string) error {
	call := bytecode.Insn{Op: bytecode.ClassJMP | bytecode.JmpCall}
	for num := int32(1); num < catalog.NumHelpers; num++ {
		if catalog.HelperName(num) == "bpf_"+m[1] {
			call.Imm = num
			a.emit(call)
			return nil
		}
	}
	call.Src = bytecode.PseudoCall
	return a.jump(call, m[1], true)
}

var comparisons = map[string]uint8{
	"==": bytecode.JmpEq, "!=": bytecode.JmpNe, "&": bytecode.JmpSet,
	">": bytecode.JmpGt, ">=": bytecode.JmpGe, "<": bytecode.JmpLt, "<=": bytecode.JmpLe,
	"s>": bytecode.JmpSGt, "s>=": bytecode.JmpSGe, "s<": bytecode.JmpSLt, "s<=": bytecode.JmpSLe,
}

func (a *assembly) putBranch(m []string) error {
	class := map[string]uint8{"r": bytecode.ClassJMP, "w": bytecode.ClassJMP32}[m[1]]
	in, err := operand(bytecode.Insn{Op: class | comparisons[m[3]], Dst: number(m[2])}, m[4])
	if err != nil {
		return err
	}
	return a.jump(in, m[5], false)
}

func (a *assembly) pair(dst string, src uint8, lo, hi int32) error {
	a.emit(bytecode.Insn{Op: bytecode.OpLdImm64, Dst: number(dst), Src: src, Imm: lo})
	a.emit(bytecode.Insn{Imm: hi})
	return nil
}

// mapIndex is the index of a map in the program, which gets it if it has not.
func (a *assembly) mapIndex(name string) (int32, error) {
	for i, s := range a.maps {
		if s.Name == name {
			return int32(i), nil
		}
	}
	s, ok := soundnessMaps[name]
	if !ok {
		return 0, fmt.Errorf("no map %q", name)
	}
	s.Name = name
	a.maps = append(a.maps, &s)
	return int32(len(a.maps) - 1), nil
}

func (a *assembly) putMap(m []string) error {
	i, err := a.mapIndex(m[3])
	if err != nil {
		return err
	}
	return a.pair(m[2], bytecode.PseudoMapIdx, i, 0)
}

func (a *assembly) putMapValue(m []string) error {
	i, err := a.mapIndex(m[3])
	if err != nil {
		return err
	}
	off, err := strconv.Atoi(m[4])
	if err != nil {
		return err
	}
	return a.pair(m[2], bytecode.PseudoMapIdxValue, i, int32(off))
}

func (a *assembly) putFunc(m []string) error {
	a.fixups = append(a.fixups, fixup{len(a.insns), m[3], true})
	return a.pair(m[2], bytecode.PseudoFunc, 0, 0)
}

func (a *assembly) putWide(m []string) error {
	v, err := strconv.ParseInt(m[3], 0, 64)
	if err != nil {
		u, uerr := strconv.ParseUint(m[3], 0, 64)
		if uerr != nil {
			return err
		}
		v = int64(u)
	}
	return a.pair(m[2], 0, int32(v), int32(v>>32))
}

// aluClass is the class of arithmetic on r or w registers.
func aluClass(letter string) uint8 {
	if letter == "w" {
		return bytecode.ClassALU
	}
	return bytecode.ClassALU64
}

func (a *assembly) putNeg(m []string) error {
	a.emit(bytecode.Insn{Op: aluClass(m[1]) | bytecode.ALUNeg, Dst: number(m[2])})
	return nil
}

func (a *assembly) putSwap(m []string) error {
	class := map[string]uint8{"be": bytecode.ClassALU | bytecode.SrcX, "le": bytecode.ClassALU, "bswap": bytecode.ClassALU64}[m[3]]
	a.emit(bytecode.Insn{Op: class | bytecode.ALUEnd, Dst: number(m[2]), Imm: int32(number(m[4]))})
	return nil
}

func (a *assembly) putSigned(m []string) error {
	a.emit(bytecode.Insn{Op: aluClass(m[1]) | bytecode.ALUMov | bytecode.SrcX, Dst: number(m[2]), Src: number(m[6]), Off: int16(number(m[4]))})
	return nil
}

var sizes = map[string]uint8{"8": bytecode.SizeB, "16": bytecode.SizeH, "32": bytecode.SizeW, "64": bytecode.SizeDW}

func (a *assembly) putLoad(m []string) error {
	mode := map[string]uint8{"u": bytecode.ModeMEM, "s": bytecode.ModeMEMSX}[m[3]]
	a.emit(bytecode.Insn{Op: bytecode.ClassLDX | mode | sizes[m[4]], Dst: number(m[2]), Src: number(m[5]), Off: offset(m[6])})
	return nil
}

func (a *assembly) putAcquire(m []string) error {
	a.emit(bytecode.Insn{
		Op: bytecode.ClassSTX | bytecode.ModeATOMIC | sizes[m[4]], Dst: number(m[2]), Src: number(m[5]), Off: offset(m[6]),
		Imm: bytecode.AtomicLoadAcq,
	})
	return nil
}

func (a *assembly) putStore(m []string) error {
	in, err := operand(bytecode.Insn{Dst: number(m[3]), Off: offset(m[4])}, m[5])
	class := uint8(bytecode.ClassST)
	if in.Op == bytecode.SrcX {
		class = bytecode.ClassSTX
	}
	in.Op = class | bytecode.ModeMEM | sizes[m[2]]
	a.emit(in)
	return err
}

func (a *assembly) putAtomic(m []string) error {
	op := map[string]int32{"+": bytecode.AtomicAdd, "|": bytecode.AtomicOr, "&": bytecode.AtomicAnd, "^": bytecode.AtomicXor}[m[5]]
	a.emit(bytecode.Insn{
		Op: bytecode.ClassSTX | bytecode.ModeATOMIC | sizes[m[2]], Dst: number(m[3]), Src: number(m[6]), Off: offset(m[4]), Imm: op,
	})
	return nil
}

var fetches = map[string]int32{
	"add": bytecode.AtomicAdd | bytecode.AtomicFetch, "or": bytecode.AtomicOr | bytecode.AtomicFetch,
	"and": bytecode.AtomicAnd | bytecode.AtomicFetch, "xor": bytecode.AtomicXor | bytecode.AtomicFetch,
	"xchg": bytecode.AtomicXchg, "cmpxchg": bytecode.AtomicCmpXchg,
}

// putFetch is an atomic with a result: in the operand's register, or R0.
func (a *assembly) putFetch(m []string) error {
	if m[2] != "cmpxchg" && m[1] != m[7] || m[2] == "cmpxchg" && m[1] != "0" {
		return fmt.Errorf("the result cannot be in r%s", m[1])
	}
	a.emit(bytecode.Insn{
		Op: bytecode.ClassSTX | bytecode.ModeATOMIC | sizes[m[4]], Dst: number(m[5]), Src: number(m[7]), Off: offset(m[6]), Imm: fetches[m[2]],
	})
	return nil
}

var operators = map[string]bytecode.Insn{
	"": {Op: bytecode.ALUMov}, "+": {Op: bytecode.ALUAdd}, "-": {Op: bytecode.ALUSub}, "*": {Op: bytecode.ALUMul},
	"/": {Op: bytecode.ALUDiv}, "s/": {Op: bytecode.ALUDiv, Off: 1}, "%": {Op: bytecode.ALUMod}, "s%": {Op: bytecode.ALUMod, Off: 1},
	"|": {Op: bytecode.ALUOr}, "&": {Op: bytecode.ALUAnd}, "^": {Op: bytecode.ALUXor},
	"<<": {Op: bytecode.ALULsh}, ">>": {Op: bytecode.ALURsh}, "s>>": {Op: bytecode.ALUArsh},
}

func (a *assembly) putALU(m []string) error {
	in, ok := operators[m[3]]
	if !ok {
		return fmt.Errorf("no operator %q", m[3])
	}
	in.Op |= aluClass(m[1])
	in.Dst = number(m[2])
	in, err := operand(in, m[4])
	a.emit(in)
	return err
}

// operand adds a register or a constant to an instruction.
func operand(in bytecode.Insn, text string) (bytecode.Insn, error) {
	if text[0] == 'r' || text[0] == 'w' {
		in.Op |= bytecode.SrcX
		in.Src = number(text[1:])
		return in, nil
	}
	v, err := strconv.ParseInt(text, 0, 64)
	if err == nil && (v < math.MinInt32 || v > math.MaxUint32) {
		err = fmt.Errorf("constant %s does not fit 32 bits", text)
	}
	in.Imm = int32(v)
	return in, err
}

// number reads what a pattern has matched as digits.
func number(digits string) uint8 {
	v, _ := strconv.ParseUint(digits, 10, 8)
	return uint8(v)
}

func offset(digits string) int16 {
	v, _ := strconv.ParseInt(digits, 10, 16)
	return int16(v)
}
