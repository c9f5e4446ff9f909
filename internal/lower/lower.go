// This file defines the lowering of a program, pass by pass.

// Package lower rewrites a verified program into the operations that engines
// run. It takes a *verify.Verified and the addresses of the program's maps, and
// gives ir.Code: code that no path reaches and branches that are never taken
// are gone, context accesses go to Skep's context structures, calls are bound
// to numbers of host functions. internal/engine runs the result. It must not
// import internal/engine or internal/helper: what it needs of them is in Env.
//
// It decides nothing about safety. Every choice rests on the verifier's facts,
// and a fact that is missing is an error, never a guess.
package lower

import (
	"fmt"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/ir"
	"github.com/skepbpf/skep/internal/verify"
)

// Env is what a program is lowered against.
type Env struct {
	// Maps are the program's maps, by index of Program.Maps.
	Maps []ir.MapRef
	// Func gives the number of a host function's body in the engine's table;
	// nil knows none.
	Func func(catalog.FuncID) (number int32, ok bool)
	// Reason says what a host function without a body would need; nil and ""
	// say nothing.
	Reason func(catalog.FuncID) string
}

// Error says what in a program cannot be lowered. It is Skep's limitation, or
// a host function that is missing, never the program's mistake.
type Error struct {
	Program string
	Slot    int // of the instruction
	What    string
}

func (e *Error) Error() string {
	return fmt.Sprintf("lower %s: insn %d: %s", e.Program, e.Slot, e.What)
}

// Program lowers a program. Errors are *Error.
func Program(v *verify.Verified, env *Env) (*ir.Code, error) {
	return lower(v.Prog(), v.Facts(), env)
}

// lowering is a program on its way.
type lowering struct {
	prog   *bytecode.Program
	facts  *verify.Facts
	env    *Env
	ctx    *catalog.Ctx
	layout *ir.Layout // nil: the context is its UAPI image
	code   *ir.Code
	slot   int // of the instruction being lowered
}

func lower(p *bytecode.Program, facts *verify.Facts, env *Env) (*ir.Code, error) {
	if env == nil {
		env = &Env{}
	}
	if p.Type == bytecode.ProgExt {
		return nil, fmt.Errorf("program %s: extensions of other programs are not run", p.Name)
	}
	l := &lowering{prog: p, facts: facts, env: env, ctx: catalog.Context(p.Type)}
	if l.ctx != nil {
		l.layout = ir.LayoutOf(l.ctx.Name)
	}
	l.code = &ir.Code{
		Name: p.Name, Type: uint32(p.Type), ChangesPkt: facts.ChangesPkt,
		First: make([]int32, len(p.Insns)),
	}
	for _, pass := range []func() error{l.insns, l.functions, l.targets} {
		if err := pass(); err != nil {
			return nil, err
		}
	}
	return l.code, nil
}

// insns lowers each reachable instruction, in order. Off of jumps is the slot
// of the target until targets makes it an operation.
func (l *lowering) insns() error {
	for i := range l.code.First {
		l.code.First[i] = -1
	}
	for i := 0; i < len(l.prog.Insns); i++ {
		in := l.prog.Insns[i]
		if l.facts.Insns[i].Seen {
			l.slot = i
			l.code.First[i] = int32(len(l.code.Ops))
			if err := l.insn(in, &l.facts.Insns[i]); err != nil {
				return err
			}
			l.guard(in)
		}
		if in.IsLdImm64() {
			i++
		}
	}
	return nil
}

// guard ends the function after an instruction that never goes on (a call that
// does not return): what would follow is not there.
func (l *lowering) guard(in bytecode.Insn) {
	next := l.slot + 1
	if in.IsLdImm64() {
		next++
	}
	last := l.code.Ops[len(l.code.Ops)-1].Code
	if last == ir.Jump || last == ir.Exit || next < len(l.prog.Insns) && l.facts.Insns[next].Seen {
		return
	}
	l.emit(ir.Op{Code: ir.Exit})
}

func (l *lowering) insn(in bytecode.Insn, f *verify.InsnFact) error {
	switch in.Class() {
	case bytecode.ClassALU, bytecode.ClassALU64:
		return l.alu(in)
	case bytecode.ClassJMP, bytecode.ClassJMP32:
		return l.jump(in, f)
	case bytecode.ClassLD:
		return l.immediate(in, f)
	case bytecode.ClassLDX:
		return l.load(in, f.Mem)
	}
	return l.store(in, f.Mem)
}

// functions notes the entries of functions. One that no path reaches keeps its
// number and has no entry.
func (l *lowering) functions() error {
	for _, s := range l.facts.Subprogs {
		l.code.Funcs = append(l.code.Funcs, ir.Func{
			Name: s.Name, Entry: l.code.First[s.Start], Slot: int32(s.Start), Stack: (s.StackDepth + 7) &^ 7,
		})
	}
	return nil
}

// targets turns slots into operations.
func (l *lowering) targets() error {
	for i := range l.code.Ops {
		op := &l.code.Ops[i]
		if !op.Code.Jumps() {
			continue
		}
		to := l.code.First[op.Off]
		if to < 0 {
			l.slot = int(l.code.Slots[i])
			return l.errorf("jump to insn %d, which the verifier has not seen", op.Off)
		}
		op.Off = to
	}
	return nil
}

func (l *lowering) emit(op ir.Op) {
	l.code.Ops = append(l.code.Ops, op)
	l.code.Slots = append(l.code.Slots, int32(l.slot))
}

func (l *lowering) errorf(format string, args ...any) error {
	return &Error{Program: l.prog.Name, Slot: l.slot, What: fmt.Sprintf(format, args...)}
}

// operand gives Src and Imm of an operation's second operand.
func operand(in bytecode.Insn) (ir.Reg, int64) {
	if in.UsesSrc() {
		return ir.Reg(in.Src), 0
	}
	return ir.RZero, int64(in.Imm)
}
