// This file defines the lowering of jumps and calls.

package lower

import (
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/ir"
	"github.com/skepbpf/skep/internal/verify"
)

// jumpOps gives the code of a conditional 64-bit jump, by Op >> 4; the 32-bit
// ones follow in the same order.
var jumpOps = [16]ir.Opcode{
	bytecode.JmpEq >> 4:  ir.JEq,
	bytecode.JmpGt >> 4:  ir.JGt,
	bytecode.JmpGe >> 4:  ir.JGe,
	bytecode.JmpSet >> 4: ir.JSet,
	bytecode.JmpNe >> 4:  ir.JNe,
	bytecode.JmpSGt >> 4: ir.JSGt,
	bytecode.JmpSGe >> 4: ir.JSGe,
	bytecode.JmpLt >> 4:  ir.JLt,
	bytecode.JmpLe >> 4:  ir.JLe,
	bytecode.JmpSLt >> 4: ir.JSLt,
	bytecode.JmpSLe >> 4: ir.JSLe,
}

// jumpKinds lowers what is not a conditional jump.
var jumpKinds = map[uint8]func(*lowering, bytecode.Insn, *verify.InsnFact) error{
	bytecode.JmpA:     (*lowering).always,
	bytecode.JmpCall:  (*lowering).call,
	bytecode.JmpExit:  (*lowering).exit,
	bytecode.JmpJCOND: (*lowering).mayGoto,
}

func (l *lowering) jump(in bytecode.Insn, f *verify.InsnFact) error {
	if lowerKind, ok := jumpKinds[in.JmpOp()]; ok {
		return lowerKind(l, in, f)
	}
	target := int32(in.JumpTarget(l.slot))
	switch {
	case !f.BranchTaken && f.BranchFallthrough:
		// Nothing to do, but engines that follow instructions want to see one.
		target = int32(l.slot + 1)
		fallthrough
	case f.BranchTaken && !f.BranchFallthrough:
		l.emit(ir.Op{Code: ir.Jump, Off: target})
		return nil
	}
	code := jumpOps[in.JmpOp()>>4]
	if in.Class() == bytecode.ClassJMP32 {
		code += ir.JEqW - ir.JEq
	}
	src, imm := operand(in)
	l.emit(ir.Op{Code: code, Dst: ir.Reg(in.Dst), Src: src, Imm: imm, Off: target})
	return nil
}

func (l *lowering) always(in bytecode.Insn, _ *verify.InsnFact) error {
	l.emit(ir.Op{Code: ir.Jump, Off: int32(in.JumpTarget(l.slot))})
	return nil
}

func (l *lowering) exit(bytecode.Insn, *verify.InsnFact) error {
	l.emit(ir.Op{Code: ir.Exit})
	return nil
}

func (l *lowering) mayGoto(in bytecode.Insn, _ *verify.InsnFact) error {
	l.emit(ir.Op{Code: ir.MayGoto, Off: int32(in.JumpTarget(l.slot))})
	return nil
}

// inline gives helpers that are an operation.
var inline = map[catalog.FuncID]ir.Op{
	"bpf_tail_call":                {Code: ir.TailCall},
	"bpf_get_smp_processor_id":     {Code: ir.CPU, Dst: ir.R0},
	"bpf_get_smp_processor_id.raw": {Code: ir.CPU, Dst: ir.R0},
}

func (l *lowering) call(in bytecode.Insn, f *verify.InsnFact) error {
	if in.IsSubprogCall() {
		return l.callFunc(in)
	}
	if f.Call == nil || f.Call.Proto == nil {
		return l.errorf("call without a prototype")
	}
	if op, ok := inline[f.Call.Proto.ID]; ok {
		l.emit(op)
		return nil
	}
	return l.callHost(f.Call)
}

func (l *lowering) callFunc(in bytecode.Insn) error {
	start := l.slot + 1 + int(in.Imm)
	for i, s := range l.facts.Subprogs {
		if s.Start == start {
			l.emit(ir.Op{Code: ir.CallFunc, Off: int32(start), Imm: int64(i)})
			return nil
		}
	}
	return l.errorf("call of insn %d, where no function starts", start)
}

func (l *lowering) callHost(c *verify.CallFact) error {
	body, ok := int32(0), false
	if l.env.Func != nil {
		body, ok = l.env.Func(c.Proto.ID)
	}
	if !ok {
		return l.errorf("%s%s: no body to run", c.Proto.Name, l.needs(c.Proto.ID))
	}
	site := ir.Call{Name: c.Proto.Name, Body: body, Map: c.MapIdx, Callback: c.Subprog, MemSize: c.MemSize}
	if m := c.MapIdx; c.Proto.ID == "bpf_map_lookup_elem" && m >= 0 && int(m) < len(l.env.Maps) {
		site.Lookup = l.env.Maps[m].Lookup
	}
	l.emit(ir.Op{Code: ir.CallHost, Imm: int64(len(l.code.Calls))})
	l.code.Calls = append(l.code.Calls, site)
	return nil
}

// needs says what a host function lacks, for an error message.
func (l *lowering) needs(id catalog.FuncID) string {
	if l.env.Reason == nil || l.env.Reason(id) == "" {
		return ""
	}
	return " needs " + l.env.Reason(id)
}
