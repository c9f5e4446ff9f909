// This file defines the replay of the kernel's walk through its log.

package domain_test

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// state is what the replay knows: the three registers that it computes.
type state map[uint8]domain.Scalar

func (s state) clone() state {
	c := state{}
	for r, v := range s {
		c[r] = v
	}
	return c
}

// pending is a path that the kernel will come back to.
type pending struct {
	from, to int
	regs     state
	ctx      pointer
}

var (
	lineInsn = regexp.MustCompile(`^(\d+): \([0-9a-f]{2}\) (?:[^;]*)(?:; (.*))?$`)
	lineRegs = regexp.MustCompile(`^(\d+): (R\d.*)$`)
	lineFrom = regexp.MustCompile(`^from (\d+) to (\d+): (.*)$`)
	scalarID = regexp.MustCompile(`id=[0-9a-f+-]+,?`)
	register = regexp.MustCompile(`R(\d+)=P?(-?[0-9][0-9a-fx]*|(?:scalar|ctx)\([^()]*(?:\([^()]*\))?[^()]*\))`)
)

// replayer follows the kernel's walk through its log.
type replayer struct {
	prog  []bytecode.Insn
	regs  state
	ctx   pointer // R8 when it is one
	stack []pending
	next  int // where the path is expected to go on; -1 after exit
	row   row // the last step
	rows  []row
	seen  map[string]int
	broke []string // violations that the last instruction should report
}

// replay returns the steps, all of which the kernel and we take alike unless
// there is an error.
func replay(prog []bytecode.Insn, log string, seen map[string]int) ([]row, error) {
	r := &replayer{prog: prog, regs: state{}, seen: seen}
	for n, line := range strings.Split(log, "\n") {
		if err := r.line(line); err != nil {
			return nil, fmt.Errorf("log line %d: %s\n%w", n+1, line, err)
		}
	}
	if len(r.stack) != 0 {
		return nil, fmt.Errorf("%d paths that the kernel did not take, the first from %d to %d", len(r.stack), r.stack[0].from, r.stack[0].to)
	}
	return r.rows, nil
}

func (r *replayer) line(line string) error {
	if m := lineInsn.FindStringSubmatch(line); m != nil {
		pc, _ := strconv.Atoi(m[1])
		if err := r.step(pc); err != nil {
			return err
		}
		return r.compare(m[2])
	}
	if m := lineRegs.FindStringSubmatch(line); m != nil {
		return r.compare(m[2])
	}
	if m := lineFrom.FindStringSubmatch(line); m != nil {
		from, _ := strconv.Atoi(m[1])
		to, _ := strconv.Atoi(m[2])
		if err := r.resume(from, to); err != nil || m[3] == "safe" {
			return err
		}
		r.note("branch", nil, nil)
		return r.compare(m[3])
	}
	if strings.Contains(line, "REG INVARIANTS VIOLATION") {
		if len(r.broke) == 0 || r.broke[0] != line {
			return fmt.Errorf("violations expected: %q", r.broke)
		}
		r.broke = r.broke[1:]
		r.seen["violation"]++
	}
	return nil
}

// row is a step as it is recorded; no outcome when it is not.
type row struct{ step, a, b, outcome string }

func (w row) String() string { return w.step + "\n a=" + w.a + "\n b=" + w.b }

// note begins a step.
func (r *replayer) note(step string, a, b fmt.Stringer) {
	if r.row.outcome != "" {
		r.rows = append(r.rows, r.row)
	}
	r.row = row{step: step, a: fmt.Sprint(a), b: fmt.Sprint(b)}
}

// resume takes up the path that was left last.
func (r *replayer) resume(from, to int) error {
	if len(r.stack) == 0 {
		return errors.New("a path that should not exist")
	}
	p := r.stack[len(r.stack)-1]
	r.stack = r.stack[:len(r.stack)-1]
	if p.from != from || p.to != to {
		return fmt.Errorf("expected the path from %d to %d", p.from, p.to)
	}
	r.regs, r.ctx, r.next = p.regs, p.ctx, to
	return nil
}

// compare checks every register of ours in a printed state.
func (r *replayer) compare(text string) error {
	for _, m := range register.FindAllStringSubmatch(text, -1) {
		n, _ := strconv.Atoi(m[1])
		var ours fmt.Stringer = r.ctx
		if n != 8 || !r.ctx.live {
			known, ok := r.regs[uint8(n)]
			if !ok {
				continue
			}
			ours = known
		}
		theirs := scalarID.ReplaceAllString(m[2], "")
		theirs = strings.Replace(theirs, ",)", ")", 1)
		if ours.String() != theirs {
			return fmt.Errorf("%s\nkernel R%d=%s\nours   R%d=%s", r.row, n, theirs, n, ours)
		}
		r.seen[strings.Fields(r.row.step)[0]]++
	}
	return nil
}

// step replays the instruction at pc.
func (r *replayer) step(pc int) error {
	if len(r.broke) != 0 {
		return fmt.Errorf("%s\nviolations not reported: %q", r.row, r.broke)
	}
	if pc != r.next {
		return fmt.Errorf("expected to be at %d after %s", r.next, r.row)
	}
	in := r.prog[pc]
	r.next = pc + 1
	switch in.Op & 7 {
	case bytecode.ClassLD:
		v := uint64(uint32(in.Imm)) | uint64(uint32(r.prog[pc+1].Imm))<<32
		r.note("lddw", nil, nil)
		r.regs[in.Dst] = domain.Const(v)
		r.next = pc + 2
	case bytecode.ClassLDX:
		r.load(in)
	case bytecode.ClassALU, bytecode.ClassALU64:
		r.alu(pc, in)
	case bytecode.ClassJMP, bytecode.ClassJMP32:
		r.jump(pc, in)
	}
	return nil
}

// pointer is a context pointer on its way.
type pointer struct {
	live     bool
	fixed    int64
	variable domain.Scalar
}

// move adds or subtracts v; a constant goes to the fixed offset.
func (p *pointer) move(op domain.Op, v domain.Scalar) {
	delta := int64(v.Value())
	switch {
	case !v.IsConst():
		p.variable = domain.Offset(op, p.variable, v).Sync()
	case op == domain.Sub:
		p.fixed -= delta
	default:
		p.fixed += delta
	}
}

// String is what the log prints.
func (p pointer) String() string {
	var b []byte
	if p.fixed != 0 {
		b = domain.AppendSigned([]byte("off="), p.fixed)
	}
	if !p.variable.IsConst() {
		b = p.variable.AppendLog(b, len(b) == 0)
	}
	return fmt.Sprintf("ctx(%s)", b)
}

// load replays a load of unknown bytes.
func (r *replayer) load(in bytecode.Insn) {
	bytes := map[uint8]int{bytecode.SizeB: 1, bytecode.SizeH: 2, bytecode.SizeW: 4}[in.Op&0x18]
	if in.Op == 0x79 {
		r.note("ctx", nil, nil)
		r.ctx = pointer{live: true, variable: domain.Const(0)}
		delete(r.regs, in.Dst)
		return
	}
	r.note(fmt.Sprintf("load %d %#x", bytes, in.Mode()), nil, nil)
	if in.Mode() == bytecode.ModeMEMSX {
		r.regs[in.Dst] = domain.Unknown().SignExtend(bytes, 64)
		return
	}
	r.regs[in.Dst] = domain.Unknown().Truncate(bytes)
}

// jump replays a conditional jump, and the three others.
func (r *replayer) jump(pc int, in bytecode.Insn) {
	switch in.Op {
	case 0x85: // call: R0 is some number
		r.note("call", nil, nil)
		delete(r.regs, 0)
		return
	case 0x95:
		r.next = -1
		return
	case 0x05:
		r.next = pc + 1 + int(in.Off)
		return
	}
	c, is32 := cmps[in.Op&0xf0], in.Op&7 == bytecode.ClassJMP32
	a, b := r.regs[in.Dst], r.source(in)
	target := pc + 1 + int(in.Off)
	width := map[bool]int{false: 64, true: 32}[is32]
	r.note(fmt.Sprintf("%s %d", cmpNames[c], width), a, b)
	if !in.UsesSrc() || in.Src != in.Dst {
		r.row.outcome = outcome(a, b, c, is32)
	}
	switch domain.BranchTaken(a, b, c, is32) {
	case domain.Always:
		r.next = target
		return
	case domain.Never:
		return
	}
	taken := r.regs.clone()
	ta, tb := refine(in, a, b, c, is32)
	fa, fb := refine(in, a, b, c.Negate(), is32)
	r.refined(taken, in, ta, tb, "true_reg")
	r.refined(r.regs, in, fa, fb, "false_reg")
	r.stack = append(r.stack, pending{pc, target, taken, r.ctx})
}

func refine(in bytecode.Insn, a, b domain.Scalar, c domain.Cmp, is32 bool) (domain.Scalar, domain.Scalar) {
	if in.UsesSrc() && in.Src == in.Dst {
		a = domain.RefineSelf(a, c, is32)
		return a, a
	}
	return domain.Refine(a, b, c, is32)
}

// refined puts a and b in the place of in's operands.
func (r *replayer) refined(s state, in bytecode.Insn, a, b domain.Scalar, context string) {
	s[in.Dst] = r.check(a, context+"1")
	if in.UsesSrc() && in.Src != in.Dst {
		s[in.Src] = r.check(b, context+"2")
	}
}

// check is what becomes of a scalar whose views contradict each other.
func (r *replayer) check(s domain.Scalar, context string) domain.Scalar {
	if line := s.Violation(context); line != "" {
		r.broke = append(r.broke, line)
		return s.ForgetRanges()
	}
	return s
}

func (r *replayer) source(in bytecode.Insn) domain.Scalar {
	if in.UsesSrc() {
		return r.regs[in.Src]
	}
	return domain.Const(uint64(int64(in.Imm)))
}

// alu replays an arithmetic instruction.
func (r *replayer) alu(pc int, in bytecode.Insn) {
	width := 32
	if in.Op&7 == bytecode.ClassALU64 {
		width = 64
	}
	dst, src := r.regs[in.Dst], r.source(in)
	op := in.Op & 0xf0
	if r.ctx.live && in.Dst == 8 && op != bytecode.ALUMov {
		r.note("pointer", r.ctx, src)
		r.ctx.move(ops[op], src)
		return
	}
	if in.Dst == 8 {
		r.ctx = pointer{}
	}
	if ones, zero, ok := domain.Fork(ops[op], dst, src); ok {
		regs := r.regs.clone()
		regs[in.Dst] = zero
		r.stack = append(r.stack, pending{pc, pc, regs, r.ctx})
		r.seen["fork"]++
		dst = ones
	}
	r.note(fmt.Sprintf("%s %d", opNames[op], width), dst, src)
	res := r.result(in, op, width, dst, src)
	r.row.outcome = res.String()
	r.regs[in.Dst] = r.check(res, "alu")
}

// result is what an arithmetic instruction computes.
func (r *replayer) result(in bytecode.Insn, op uint8, width int, dst, src domain.Scalar) domain.Scalar {
	switch {
	case op == bytecode.ALUEnd:
		swap := width == 64 || in.UsesSrc()
		r.row.step = fmt.Sprintf("%s %d", map[bool]string{false: "order", true: "swap"}[swap], in.Imm)
		return dst.ByteOrder(int(in.Imm)/8, swap)
	case op == bytecode.ALUMov && in.Off != 0:
		r.row.step = fmt.Sprintf("sext %d %d", width, in.Off)
		return src.SignExtend(int(in.Off)/8, width)
	case op == bytecode.ALUMov && in.UsesSrc() && in.Src == 0:
		return domain.Unknown() // the result of a call
	}
	return domain.ALU(ops[op], width, dst, src)
}

var cmps = map[uint8]domain.Cmp{
	0x10: domain.Eq, 0x20: domain.Gt, 0x30: domain.Ge, 0x40: domain.Set, 0x50: domain.Ne, 0x60: domain.SGt,
	0x70: domain.SGe, 0xa0: domain.Lt, 0xb0: domain.Le, 0xc0: domain.SLt, 0xd0: domain.SLe,
}
