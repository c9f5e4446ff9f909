// This file defines 64-bit immediate loads, which name maps and functions, and
// the legacy packet loads.

package verify

import (
	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// loadImm is LD_IMM64: dst = a constant, a map, a value of a map, a function.
func (w *walker) loadImm(in bytecode.Insn) error {
	if s := reservedFields(in); s != "" {
		return w.fail("%s", s)
	}
	if err := w.writableReg(in.Dst); err != nil {
		return err
	}
	dst, next := &w.regs()[in.Dst], w.insns[w.pc+1]
	switch in.Src {
	case 0:
		*dst = domain.ScalarReg(domain.Const(uint64(uint32(in.Imm)) | uint64(uint32(next.Imm))<<32))
		return nil
	case bytecode.PseudoMapIdx:
		*dst = domain.Pointer(domain.ConstPtrToMap, 0)
		dst.MapIdx = in.Imm
	case bytecode.PseudoMapIdxValue:
		if w.maps[in.Imm].Spec().Type == bytecode.MapArena {
			w.setUnknown(dst)
			return nil
		}
		*dst = domain.Pointer(domain.PtrToMapValue, 0)
		dst.MapIdx, dst.Off = in.Imm, next.Imm // no ID: every such load is the same value
	case bytecode.PseudoFunc:
		return w.loadFunc(in, dst)
	case bytecode.PseudoBTFID:
		v, err := w.loadKernelVar(in)
		if err != nil {
			return err
		}
		*dst = v
		w.facts.load(w.pc, LoadFact{MapIdx: -1, ValueOff: -1, Subprog: -1, KsymBTF: btfx.ID(in.Imm)})
		return nil
	}
	w.facts.load(w.pc, LoadFact{MapIdx: in.Imm, ValueOff: valueOff(in, next), Subprog: -1})
	return nil
}

func valueOff(in, next bytecode.Insn) int64 {
	if in.Src == bytecode.PseudoMapIdxValue {
		return int64(uint32(next.Imm))
	}
	return -1
}

func (w *walker) loadFunc(in bytecode.Insn, dst *domain.Reg) error {
	sub := w.shape.subs.at(calleeOf(in, w.pc))
	if sub < 0 || w.shape.subs[sub].IsGlobal || len(w.prog.FuncInfos) == 0 {
		return w.fail("callback function not static")
	}
	*dst = domain.Pointer(domain.PtrToFunc, 0)
	dst.Subprog = int32(sub)
	w.facts.load(w.pc, LoadFact{MapIdx: -1, ValueOff: -1, Subprog: int32(sub)})
	return nil
}

// loadPacket is LD_ABS and LD_IND: R0 = bytes of the packet in R6; a load
// outside the packet ends the program with 0.
func (w *walker) loadPacket(in bytecode.Insn) error {
	if !w.pt.LdAbs() {
		return w.fail("BPF_LD_[ABS|IND] instructions not allowed for this program type")
	}
	if s := reservedFields(in); s != "" {
		return w.fail("%s", s)
	}
	if err := w.readReg(bytecode.R6); err != nil {
		return err
	}
	if err := w.checkLeaks(leaveMain, "BPF_LD_[ABS|IND]"); err != nil {
		return err
	}
	ctx := &w.regs()[bytecode.R6]
	if ctx.Kind != domain.PtrToCtx {
		return w.fail("at the time of BPF_LD_ABS|IND R6 != pointer to skb")
	}
	if in.Mode() == bytecode.ModeIND {
		if err := w.readReg(in.Src); err != nil {
			return err
		}
	}
	if err := w.checkPlainOffset(ctx, bytecode.R6, false); err != nil {
		return err
	}
	w.clobberArgs()
	w.setUnknown(&w.regs()[bytecode.R0])
	if len(w.cur.Frames) > 1 {
		return w.leaveOnMiss()
	}
	return nil
}

// leaveOnMiss walks also the hidden exit of a packet load in a subprogram.
func (w *walker) leaveOnMiss() error {
	other := w.clone()
	if err := w.fork(other, w.pc+1, w.pc, false); err != nil {
		return err
	}
	w.regs()[bytecode.R0] = domain.ScalarReg(domain.Const(0))
	if err := w.leave(); err != nil {
		return err
	}
	w.pc-- // the caller of this function steps over the load
	return nil
}

// mayGoto walks both the loop's next round and its end.
func (w *walker) mayGoto(in bytecode.Insn) error {
	if s := reservedFields(in); s != "" {
		return w.fail("%s", s)
	}
	w.facts.branch(w.pc, true)
	w.facts.branch(w.pc, false)
	other := w.clone()
	other.MayGotoDepth++
	if prev := w.previousVisit(w.cur.parent, w.pc); prev != nil {
		w.widenIn(&prev.State, &other.State)
	}
	if err := w.fork(other, w.pc+1, w.pc, false); err != nil {
		return err
	}
	w.pc = in.JumpTarget(w.pc)
	return nil
}
