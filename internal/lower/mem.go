// This file defines the lowering of loads and stores.

package lower

import (
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/ir"
	"github.com/skepbpf/skep/internal/verify"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// Codes by access width in bytes.
var (
	loadOps         = map[int]ir.Opcode{1: ir.Load8, 2: ir.Load16, 4: ir.Load32, 8: ir.Load64}
	loadSignedOps   = map[int]ir.Opcode{1: ir.LoadS8, 2: ir.LoadS16, 4: ir.LoadS32}
	loadAcquireOps  = map[int]ir.Opcode{1: ir.LoadAcq8, 2: ir.LoadAcq16, 4: ir.LoadAcq32, 8: ir.LoadAcq64}
	storeOps        = map[int]ir.Opcode{1: ir.Store8, 2: ir.Store16, 4: ir.Store32, 8: ir.Store64}
	storeReleaseOps = map[int]ir.Opcode{1: ir.StoreRel8, 2: ir.StoreRel16, 4: ir.StoreRel32, 8: ir.StoreRel64}
	atomicOps       = map[int]ir.Opcode{4: ir.Atomic32, 8: ir.Atomic64}
)

func (l *lowering) load(in bytecode.Insn, m *verify.MemFact) error {
	a, err := l.access(in, m)
	if err != nil {
		return err
	}
	signed := in.Mode() == bytecode.ModeMEMSX
	op := ir.Op{Code: loadOps[a.size], Dst: ir.Reg(in.Dst), Src: ir.Reg(in.Src), Off: a.off}
	switch {
	case m.MayFault:
		op.Code, op.Imm = ir.LoadProbe, int64(a.size)
		if signed {
			op.Imm |= ir.ProbeSigned
		}
	case signed:
		op.Code = loadSignedOps[a.size]
	}
	l.emit(op)
	return nil
}

func (l *lowering) store(in bytecode.Insn, m *verify.MemFact) error {
	a, err := l.access(in, m)
	if err != nil {
		return err
	}
	if m.MayFault {
		return l.errorf("store to memory that may not be there")
	}
	if in.Mode() == bytecode.ModeATOMIC {
		return l.atomic(in, a)
	}
	op := ir.Op{Code: storeOps[a.size], Dst: ir.Reg(in.Dst), Src: ir.Reg(in.Src), Off: a.off}
	if in.Class() == bytecode.ClassST {
		op.Src, op.Imm = ir.RZero, int64(in.Imm)
	}
	l.emit(op)
	return nil
}

func (l *lowering) atomic(in bytecode.Insn, a access) error {
	op := ir.Op{Dst: ir.Reg(in.Dst), Src: ir.Reg(in.Src), Off: a.off}
	switch in.Imm {
	case bytecode.AtomicLoadAcq:
		op.Code = loadAcquireOps[a.size]
	case bytecode.AtomicStoreRel:
		op.Code = storeReleaseOps[a.size]
	default:
		op.Code, op.Imm = atomicOps[a.size], int64(in.Imm)
	}
	l.emit(op)
	return nil
}

// access is where an access goes and how wide it is.
type access struct {
	off  int32
	size int // bytes
}

// unknownKinds are memory that no engine has yet.
var unknownKinds = map[domain.RegKind]string{
	domain.PtrToArena: "arena memory",
}

// access finds the place of a load or store.
func (l *lowering) access(in bytecode.Insn, m *verify.MemFact) (access, error) {
	a := access{off: int32(in.Off), size: in.MemSize()}
	if m == nil {
		return a, l.errorf("memory access without facts")
	}
	if what, ok := unknownKinds[m.Kind]; ok {
		return a, l.errorf("access to %s", what)
	}
	if m.Flags&(domain.MemPercpu|domain.MemUser) != 0 {
		return a, l.errorf("access to per-CPU or user memory")
	}
	if m.Kind == domain.PtrToCtx {
		return l.contextAccess(a, m.CtxOff)
	}
	return a, nil
}

// contextAccess moves an access to where Skep's structure has the field. A
// pointer that UAPI has in 32 bits is a 64-bit word there:
//
//	UAPI   | data 4 | data_end 4 | … |
//	Skep   | unused | unused     | … | data 8 | data_end 8 | …
func (l *lowering) contextAccess(a access, ctxOff int32) (access, error) {
	f := l.field(int(ctxOff))
	if f == nil { // raw and BTF-typed contexts are as programs see them
		if int(ctxOff)+a.size > ir.MaxContext {
			return a, l.errorf("access at %d to a context of at most %d bytes", ctxOff, ir.MaxContext)
		}
		return a, nil
	}
	at := ctxOff
	if l.layout != nil {
		at = l.layout.Offset(f.Name, ctxOff)
	}
	switch {
	case at != ctxOff:
		a.size = 8
	case pointerKinds[f.Kind] && f.Size < 8:
		return a, l.errorf("field %s of %s has no storage", f.Name, l.ctx.Name)
	}
	a.off += at - ctxOff
	return a, nil
}

// pointerKinds are the context values that are addresses.
var pointerKinds = map[catalog.ValueKind]bool{
	catalog.ValuePacket: true, catalog.ValuePacketMeta: true, catalog.ValuePacketEnd: true,
}

// field gives the field of the context that a byte is in.
func (l *lowering) field(off int) *catalog.CtxField {
	if l.ctx == nil {
		return nil
	}
	for i := range l.ctx.Fields {
		if f := &l.ctx.Fields[i]; off >= int(f.Off) && off < int(f.Off)+int(f.Size) {
			return f
		}
	}
	return nil
}
