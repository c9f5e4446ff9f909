// This file defines the lowering of 64-bit immediates and legacy packet loads.

package lower

import (
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/ir"
	"github.com/skepbpf/skep/internal/verify"
)

func (l *lowering) immediate(in bytecode.Insn, f *verify.InsnFact) error {
	if !in.IsLdImm64() {
		return l.packetWord(in)
	}
	v := uint64(uint32(in.Imm)) | uint64(uint32(l.prog.Insns[l.slot+1].Imm))<<32
	if in.Src != 0 {
		var err error
		if v, err = l.reference(f.Load); err != nil {
			return err
		}
	}
	l.emit(ir.Op{Code: ir.Mov, Dst: ir.Reg(in.Dst), Src: ir.RZero, Imm: int64(v)})
	return nil
}

// reference gives the value of an immediate that names something.
func (l *lowering) reference(f *verify.LoadFact) (uint64, error) {
	switch {
	case f == nil:
		return 0, l.errorf("reference without facts")
	case f.Subprog >= 0:
		return ir.FuncHandle(int(f.Subprog)), nil
	case f.MapIdx >= 0:
		return l.mapReference(f)
	}
	return 0, l.errorf("address of a kernel variable")
}

func (l *lowering) mapReference(f *verify.LoadFact) (uint64, error) {
	if int(f.MapIdx) >= len(l.env.Maps) {
		return 0, l.errorf("map %d does not exist", f.MapIdx)
	}
	m := l.env.Maps[f.MapIdx]
	switch {
	case f.ValueOff < 0:
		return m.Handle, nil
	case m.Value == 0:
		return 0, l.errorf("map %d has no value at a fixed address", f.MapIdx)
	}
	return m.Value + uint64(f.ValueOff), nil
}

// packetWord lowers LD_ABS and LD_IND.
func (l *lowering) packetWord(in bytecode.Insn) error {
	op := ir.Op{Code: ir.PacketWord, Dst: ir.Reg(in.MemSize()), Src: ir.RZero, Imm: int64(in.Imm)}
	if in.Mode() == bytecode.ModeIND {
		op.Src = ir.Reg(in.Src)
	}
	l.emit(op)
	return nil
}
