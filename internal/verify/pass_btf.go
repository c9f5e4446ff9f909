// This file defines the passes that check function and line information.

package verify

import (
	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
)

// checkFuncInfos checks the records on their own, before functions are looked
// for: the exception callback is found through them.
func checkFuncInfos(p *bytecode.Program) *Rejection {
	prev := uint32(0)
	for i, info := range p.FuncInfos {
		switch {
		case i == 0 && info.Insn != 0:
			return refuse(KindDebugInfo, errEINVAL, -1,
				"nonzero insn_off %d for the first func info record", info.Insn)
		case i > 0 && info.Insn <= prev:
			return refuse(KindDebugInfo, errEINVAL, -1,
				"same or smaller insn offset (%d) than previous func info record (%d)", info.Insn, prev)
		}
		if t := btfType(p, info.TypeID); t == nil || t.Kind != btfx.KindFunc {
			return refuse(KindDebugInfo, errEINVAL, -1, "invalid type id %d in func info", int32(info.TypeID))
		}
		prev = info.Insn
	}
	return nil
}

// btfType is a type of the program's own BTF, nil when there is none.
func btfType(p *bytecode.Program, id btfx.ID) *btfx.Type {
	if p.BTF == nil {
		return nil
	}
	return p.BTF.Type(id)
}

// bindFuncInfos ties the records to the functions found, and gives these their
// names and linkage.
func bindFuncInfos(p *bytecode.Program, subs subprogs) *Rejection {
	if len(p.FuncInfos) == 0 {
		return checkAbnormalReturns(subs)
	}
	if len(p.FuncInfos) != len(subs) {
		return refuse(KindDebugInfo, errEINVAL, -1, "number of funcs in func_info doesn't match number of subprogs")
	}
	for i := range subs {
		s, info := &subs[i], p.FuncInfos[i]
		if s.Start != int(info.Insn) {
			return refuse(KindDebugInfo, errEINVAL, int(info.Insn),
				"func_info BTF section doesn't match subprog layout in BPF program")
		}
		t := btfType(p, info.TypeID)
		s.BTFFunc, s.Name, s.IsGlobal = info.TypeID, t.Name, t.Linkage == btfLinkageGlobal
		if i == 0 || returnsInt(p.BTF, t) {
			continue
		}
		if s.HasLdAbs {
			return refuse(KindDebugInfo, errEINVAL, s.Start, "LD_ABS is only allowed in functions that return 'int'.")
		}
		if s.HasTailCall {
			return refuse(KindDebugInfo, errEINVAL, s.Start, "tail_call is only allowed in functions that return 'int'.")
		}
	}
	return nil
}

// checkAbnormalReturns: a packet load or a tail call may leave a function from
// its middle, so that without BTF its return type would be a guess.
func checkAbnormalReturns(subs subprogs) *Rejection {
	for i := range subs {
		switch s := &subs[i]; {
		case i == 0:
		case s.HasLdAbs:
			return refuse(KindDebugInfo, errEINVAL, s.Start, "LD_ABS is not allowed in subprogs without BTF")
		case s.HasTailCall:
			return refuse(KindDebugInfo, errEINVAL, s.Start, "tail_call is not allowed in subprogs without BTF")
		}
	}
	return nil
}

// returnsInt reports whether a function returns an integer of at most 8 bytes
// or an enum.
func returnsInt(spec *btfx.Spec, fn *btfx.Type) bool {
	proto := spec.Type(fn.Type)
	if proto == nil {
		return false
	}
	switch ret := spec.Strip(proto.Type); {
	case ret == nil:
		return false
	case ret.Kind == btfx.KindInt:
		return ret.IntBits > 0 && ret.Size <= 8 && ret.Size&(ret.Size-1) == 0
	default:
		return ret.Kind == btfx.KindEnum || ret.Kind == btfx.KindEnum64
	}
}

// checkLineInfos checks the order of the records, their strings, and that
// every function starts with one.
func checkLineInfos(p *bytecode.Program, subs subprogs) *Rejection {
	if len(p.LineInfos) == 0 {
		return nil
	}
	next, prev := 0, uint32(0)
	for i := range p.LineInfos {
		l := &p.LineInfos[i]
		if r := checkLineInfo(p, i, prev); r != nil {
			return r
		}
		if next < len(subs) {
			switch start := subs[next].Start; {
			case start == int(l.Insn):
				next++
			case start < int(l.Insn):
				return refuse(KindDebugInfo, errEINVAL, start, "missing bpf_line_info for func#%d", next)
			}
		}
		prev = l.Insn
	}
	if next != len(subs) {
		return refuse(KindDebugInfo, errEINVAL, subs[next].Start,
			"missing bpf_line_info for %d funcs starting from func#%d", len(subs)-next, next)
	}
	return nil
}

// checkLineInfo checks one record on its own; prev is its predecessor's
// instruction.
func checkLineInfo(p *bytecode.Program, i int, prev uint32) *Rejection {
	l := &p.LineInfos[i]
	switch {
	case i > 0 && l.Insn <= prev || int(l.Insn) >= len(p.Insns):
		return refuse(KindDebugInfo, errEINVAL, -1, "Invalid line_info[%d].insn_off:%d (prev_offset:%d prog->len:%d)",
			i, l.Insn, prev, len(p.Insns))
	case p.Insns[l.Insn].Op == 0:
		return refuse(KindDebugInfo, errEINVAL, int(l.Insn), "Invalid insn code at line_info[%d].insn_off", i)
	case p.BTF == nil || !p.BTF.HasString(l.TextOff) || !p.BTF.HasString(l.FileOff):
		return refuse(KindDebugInfo, errEINVAL, int(l.Insn), "Invalid line_info[%d].line_off or .file_name_off", i)
	}
	return nil
}
