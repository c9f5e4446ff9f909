// This file defines arithmetic: moves, scalar operations, and what may be done
// to a pointer.

package verify

import (
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// maxVarOff bounds pointer offsets on either side (BPF_MAX_VAR_OFF).
const maxVarOff = 1 << 29

// aluNames are the operators as messages print them.
var aluNames = [...]string{
	bytecode.ALUAdd >> 4: "+=", bytecode.ALUSub >> 4: "-=", bytecode.ALUMul >> 4: "*=", bytecode.ALUDiv >> 4: "/=",
	bytecode.ALUOr >> 4: "|=", bytecode.ALUAnd >> 4: "&=", bytecode.ALULsh >> 4: "<<=", bytecode.ALURsh >> 4: ">>=",
	bytecode.ALUNeg >> 4: "neg", bytecode.ALUMod >> 4: "%=", bytecode.ALUXor >> 4: "^=", bytecode.ALUMov >> 4: "=",
	bytecode.ALUArsh >> 4: "s>>=", bytecode.ALUEnd >> 4: "endian",
}

// domainOps are the operations on scalars, unsigned and signed (Off 1).
var domainOps = map[uint8][2]domain.Op{
	bytecode.ALUAdd: {domain.Add}, bytecode.ALUSub: {domain.Sub}, bytecode.ALUMul: {domain.Mul},
	bytecode.ALUDiv: {domain.Div, domain.SDiv}, bytecode.ALUMod: {domain.Mod, domain.SMod},
	bytecode.ALUOr: {domain.Or}, bytecode.ALUAnd: {domain.And}, bytecode.ALUXor: {domain.Xor},
	bytecode.ALULsh: {domain.Lsh}, bytecode.ALURsh: {domain.Rsh}, bytecode.ALUArsh: {domain.Arsh},
	bytecode.ALUNeg: {domain.Neg},
}

// aluNeed is what an arithmetic instruction asks of the state.
type aluNeed struct {
	in     bytecode.Insn
	width  int // 32 or 64
	op     domain.Op
	useSrc bool
}

func requireALU(in bytecode.Insn) aluNeed {
	n := aluNeed{in: in, width: 32, useSrc: in.UsesSrc()}
	if in.Class() == bytecode.ClassALU64 {
		n.width = 64
	}
	if ops, ok := domainOps[in.ALUOp()]; ok {
		n.op = ops[in.Off&1]
	}
	return n
}

// alu checks and applies an arithmetic instruction.
func (w *walker) alu(in bytecode.Insn) error {
	if s := reservedFields(in); s != "" {
		return w.fail("%s", s)
	}
	n := requireALU(in)
	var err error
	switch in.ALUOp() {
	case bytecode.ALUNeg, bytecode.ALUEnd:
		err = w.unary(n)
	case bytecode.ALUMov:
		err = w.move(n)
	default:
		err = w.binary(n)
	}
	if err != nil {
		return err
	}
	return w.checkInvariants(in.Dst, "alu")
}

// checkInvariants tests that a scalar's parts do not contradict each other.
// When they do, the program was loaded with BPF_F_TEST_REG_INVARIANTS or the
// scalar is taken for unknown.
func (w *walker) checkInvariants(r uint8, context string) error {
	reg := &w.regs()[r]
	if reg.Kind != domain.ScalarValue {
		return nil
	}
	s := reg.Scalar.Violation(context)
	if s == "" {
		return nil
	}
	if w.prog.Flags&bytecode.FlagTestRegInvariants != 0 {
		return w.failErrno(errEFAULT, "%s", s)
	}
	reg.Scalar = reg.Scalar.ForgetRanges()
	return nil
}

// unary is negation and byte swapping.
func (w *walker) unary(n aluNeed) error {
	dst := n.in.Dst
	if err := w.readReg(dst); err != nil {
		return err
	}
	reg := &w.regs()[dst]
	if w.leaksPointer(reg) {
		return w.deny(KindPointer, int(dst), "R%d pointer arithmetic prohibited", dst)
	}
	if err := w.writableReg(dst); err != nil {
		return err
	}
	if reg.Kind != domain.ScalarValue {
		w.setUnknown(reg)
		return nil
	}
	if n.in.ALUOp() == bytecode.ALUNeg {
		reg.Scalar = domain.ALU(domain.Neg, n.width, reg.Scalar, domain.Scalar{})
	} else {
		// to_be swaps on a little-endian machine, and so does bswap; to_le only
		// cuts off what lies above.
		swap := n.width == 64 || n.useSrc
		reg.Scalar = reg.Scalar.ByteOrder(int(n.in.Imm)/8, swap)
	}
	reg.ClearLink()
	return nil
}

// move is mov in its forms: copy, truncation, sign extension, constant, cast
// between address spaces.
func (w *walker) move(n aluNeed) error {
	in, dst := n.in, n.in.Dst
	if n.useSrc {
		if err := w.readReg(in.Src); err != nil {
			return err
		}
	}
	if err := w.writableReg(dst); err != nil {
		return err
	}
	if !n.useSrc {
		v := uint64(int64(in.Imm))
		if n.width == 32 {
			v = uint64(uint32(in.Imm))
		}
		w.setUnknown(&w.regs()[dst])
		w.regs()[dst].Scalar = domain.Const(v)
		return nil
	}
	if n.width == 64 && in.Off == bytecode.PseudoAddrSpace {
		return w.castSpace(in)
	}
	if n.width == 64 && in.Off == 0 {
		src := &w.regs()[in.Src]
		w.giveID(src)
		w.regs()[dst] = *src
		return nil
	}
	return w.moveNarrow(n)
}

// moveNarrow copies part of a register, extended to 64 bits.
func (w *walker) moveNarrow(n aluNeed) error {
	in := n.in
	src, dst := &w.regs()[in.Src], &w.regs()[in.Dst]
	if w.leaksPointer(src) {
		what := "partial copy of pointer"
		if n.width == 64 {
			what = "sign-extension part of pointer"
		}
		return w.deny(KindLeak, int(in.Src), "R%d %s", in.Src, what)
	}
	if src.Kind != domain.ScalarValue {
		w.setUnknown(dst)
		if n.width == 32 {
			dst.Scalar = dst.Scalar.ZeroExtend32().Sync()
		}
		return nil
	}
	var same bool // the value does not change
	if in.Off == 0 {
		same = src.UMax>>32 == 0
	} else {
		same = src.UMax < 1<<(in.Off-1)
	}
	if same {
		w.giveID(src)
	}
	*dst = *src
	if !same {
		dst.ClearLink()
	}
	if in.Off != 0 {
		dst.Scalar = dst.Scalar.SignExtend(int(in.Off)/8, n.width)
	}
	if n.width == 32 {
		dst.Scalar = dst.Scalar.ZeroExtend32().Sync()
	}
	return nil
}

// giveID makes sure that a scalar can be told to be equal to a copy of it.
func (w *walker) giveID(r *domain.Reg) {
	if r.Kind != domain.ScalarValue {
		return
	}
	if r.Link != domain.LinkEqual {
		r.ClearLink() // a copy of "x plus a constant" starts a family of its own
	}
	if r.ID == 0 && !r.IsConst() {
		r.ID = w.newID()
	}
}

// binary is every operation with two operands.
func (w *walker) binary(n aluNeed) error {
	in := n.in
	if n.useSrc {
		if err := w.readReg(in.Src); err != nil {
			return err
		}
	}
	if err := w.readReg(in.Dst); err != nil {
		return err
	}
	if s := badConstant(n); s != "" {
		return w.fail(s, in.Imm)
	}
	if err := w.writableReg(in.Dst); err != nil {
		return err
	}
	regs := w.regs()
	dst := &regs[in.Dst]
	src := domain.ScalarReg(domain.Const(uint64(int64(in.Imm))))
	if n.useSrc {
		src = regs[in.Src]
	}
	if dst.Kind == domain.PtrToArena || src.Kind == domain.PtrToArena {
		w.arenaMath(n)
		return nil
	}
	dstPtr, srcPtr := dst.Kind != domain.ScalarValue, src.Kind != domain.ScalarValue
	switch {
	case dstPtr && srcPtr:
		return w.pointerPair(n)
	case srcPtr:
		// scalar op= pointer: the pointer is the one that moves.
		if err := w.markPrecise(in.Dst); err != nil {
			return err
		}
		src.RefID = 0 // the kernel does not carry the reference over either
		return w.pointerMath(n, src, *dst)
	case dstPtr:
		if n.useSrc {
			if err := w.markPrecise(in.Src); err != nil {
				return err
			}
		}
		return w.pointerMath(n, *dst, src)
	}
	if dst.Precise && n.useSrc {
		if err := w.markPrecise(in.Src); err != nil {
			return err
		}
	}
	return w.scalarMath(n, dst, &src)
}

// badConstant is the message for a constant that an operation cannot take.
func badConstant(n aluNeed) string {
	if n.useSrc {
		return ""
	}
	switch n.op {
	case domain.Div, domain.Mod, domain.SDiv, domain.SMod:
		if n.in.Imm == 0 {
			return "div by zero%.0d"
		}
	case domain.Lsh, domain.Rsh, domain.Arsh:
		if n.in.Imm < 0 || int(n.in.Imm) >= n.width {
			return "invalid shift %d"
		}
	}
	return ""
}

// pointerPair is an operation on two pointers, of which only a difference has
// a meaning, and only where pointers may leak.
func (w *walker) pointerPair(n aluNeed) error {
	dst := n.in.Dst
	if n.op == domain.Sub && w.priv.leaks {
		w.setUnknown(&w.regs()[dst])
		return nil
	}
	return w.deny(KindPointer, int(dst), "R%d pointer %s pointer prohibited", dst, aluNames[n.in.ALUOp()>>4])
}

// scalarMath applies an operation to two scalars and keeps "x plus a constant"
// linked to x.
func (w *walker) scalarMath(n aluNeed, dst, src *domain.Reg) error {
	if err := w.maskScalars(n); err != nil {
		return err
	}
	if forked, err := w.forkArith(n, dst, src); forked || err != nil {
		return err
	}
	kind, delta := w.linkDelta(n, dst, src)
	dst.Scalar = domain.ALU(n.op, n.width, dst.Scalar, src.Scalar)
	if kind == domain.LinkNone {
		dst.ClearLink()
		return nil
	}
	dst.Link, dst.Off = kind, delta
	return nil
}

// linkDelta is how far the result is from what dst, before the operation, was
// linked to; LinkNone where the link is lost: what is no sum with a constant, a
// second sum, a constant that does not fit.
func (w *walker) linkDelta(n aluNeed, dst, src *domain.Reg) (domain.LinkKind, int32) {
	if !w.priv.bpf || n.op != domain.Add && n.op != domain.Sub || dst.ID == 0 || dst.Link != domain.LinkEqual {
		return domain.LinkNone, 0
	}
	kind, v := domain.LinkAdd64, int64(src.Value())
	known := src.IsConst()
	if n.width == 32 {
		if dst.UMax>>32 != 0 {
			return domain.LinkNone, 0 // the sum loses an upper half that the other has
		}
		low, ok := src.Const32()
		kind, v, known = domain.LinkAdd32, int64(int32(low)), ok
	}
	if n.op == domain.Sub {
		v = -v
	}
	if !known || v != int64(int32(v)) || v == -1<<31 && n.op == domain.Sub {
		return domain.LinkNone, 0
	}
	return kind, int32(v)
}

// pointerMath adds a scalar to a pointer, or subtracts it.
func (w *walker) pointerMath(n aluNeed, ptr, off domain.Reg) error {
	dst := n.in.Dst
	if off.SMin > off.SMax || off.UMin > off.UMax {
		w.setUnknown(&w.regs()[dst]) // a path that cannot be
		return nil
	}
	if n.width == 32 {
		if n.op == domain.Sub && w.priv.leaks {
			w.setUnknown(&w.regs()[dst])
			return nil
		}
		return w.deny(KindPointer, int(dst), "R%d 32-bit pointer arithmetic prohibited", dst)
	}
	if ptr.MayBeNull() {
		return w.deny(KindNull, int(dst), "R%d pointer arithmetic on %s prohibited, null-check it first", dst, kindName(&ptr))
	}
	if untrustedMem(&ptr) {
		w.moveUntrusted(dst)
		return nil
	}
	if !movable(&ptr, &off, n.op) {
		return w.deny(KindPointer, int(dst), "R%d pointer arithmetic on %s prohibited", dst, kindName(&ptr))
	}
	if err := w.checkSaneOffset(&off, &ptr); err != nil {
		return err
	}
	move, err := w.beginMove(n, &ptr, &off)
	if err != nil {
		return err
	}
	res, err := w.shiftPointer(n, ptr, off)
	if err != nil {
		return err
	}
	w.regs()[dst] = res
	if err := w.checkSaneOffset(&w.regs()[dst], &ptr); err != nil {
		return err
	}
	w.regs()[dst].Scalar = w.regs()[dst].Scalar.Sync()
	w.facts.pointerMath(w.pc, ptr.Kind)
	return w.endMove(move, &off)
}

// movable reports whether this kind of pointer may have an offset at all.
func movable(ptr, off *domain.Reg, op domain.Op) bool {
	switch ptr.Kind {
	case domain.PtrToCtx, domain.PtrToMapValue, domain.PtrToMapKey, domain.PtrToStack, domain.PtrToPacketMeta,
		domain.PtrToPacket, domain.PtrToTPBuffer, domain.PtrToBTFID, domain.PtrToMem, domain.PtrToBuf,
		domain.PtrToFunc, domain.ConstPtrToDynptr:
		return true
	case domain.PtrToFlowKeys:
		return off.IsConst()
	case domain.ConstPtrToMap:
		return off.IsConst() && off.Value() == 0 && op == domain.Add
	}
	return false
}

// untrustedMem reports whether reads through a pointer are bytes wherever it
// points, 0 where nothing is: offsets need not be followed.
func untrustedMem(r *domain.Reg) bool {
	return r.Kind == domain.PtrToMem && r.Flags&domain.PtrUntrusted != 0
}

// moveUntrusted is any operation on such a pointer and a scalar. The pointer
// stays what it was; a scalar becomes an unknown one, where the kernel goes on
// with what it knew of it before (docs/differences.md).
func (w *walker) moveUntrusted(dst uint8) {
	if r := &w.regs()[dst]; r.Kind == domain.ScalarValue {
		w.setUnknown(r)
	}
}

// checkSaneOffset keeps pointer offsets far from overflow.
func (w *walker) checkSaneOffset(r, ptr *domain.Reg) error {
	refuse := func(format string, args ...any) error { return w.fail(format, args...) }
	if r.IsConst() && (int64(r.Value()) >= maxVarOff || int64(r.Value()) <= -maxVarOff) {
		return refuse("math between %s pointer and %d is not allowed", kindName(ptr), int64(r.Value()))
	}
	if r.Off >= maxVarOff || r.Off <= -maxVarOff { // of a linked scalar too, as in the kernel
		return refuse("%s pointer offset %d is not allowed", kindName(ptr), r.Off)
	}
	if r.SMin == -1<<63 {
		return refuse("math between %s pointer and register with unbounded min value is not allowed", kindName(ptr))
	}
	if r.SMin >= maxVarOff || r.SMin <= -maxVarOff {
		return refuse("value %d makes %s pointer be out of bounds", r.SMin, kindName(ptr))
	}
	return nil
}

// shiftPointer computes the moved pointer.
func (w *walker) shiftPointer(n aluNeed, ptr, off domain.Reg) (domain.Reg, error) {
	dst := n.in.Dst
	res := ptr
	switch n.op {
	case domain.Add, domain.Sub:
	case domain.And, domain.Or, domain.Xor:
		return res, w.deny(KindPointer, int(dst), "R%d bitwise operator %s on pointer prohibited", dst, aluNames[n.in.ALUOp()>>4])
	default:
		return res, w.deny(KindPointer, int(dst), "R%d pointer arithmetic with %s operator prohibited", dst, aluNames[n.in.ALUOp()>>4])
	}
	if n.op == domain.Sub {
		if n.useSrc && w.regs()[n.in.Src].Kind != domain.ScalarValue {
			return res, w.deny(KindPointer, int(dst), "R%d tried to subtract pointer from scalar", dst)
		}
		if ptr.Kind == domain.PtrToStack {
			return res, w.deny(KindPointer, int(dst), "R%d subtraction from stack pointer prohibited", dst)
		}
	}
	if off.IsConst() {
		delta := int64(off.Value())
		if n.op == domain.Sub {
			delta = -delta
		}
		if sum := int64(ptr.Off) + delta; sum == int64(int32(sum)) {
			res.Off = int32(sum)
			return res, nil
		}
	}
	res.Scalar = domain.Offset(n.op, ptr.Scalar, off.Scalar)
	if ptr.IsPacket() {
		res.ID = w.newID()
		if n.op == domain.Add || off.SMin < 0 {
			res.Range = 0
		}
	}
	return res, nil
}

// readReg checks that a register was written.
func (w *walker) readReg(r uint8) error {
	if r > bytecode.R10 {
		return w.fail("R%d is invalid", r)
	}
	if w.regs()[r].Kind == domain.NotInit {
		return w.deny(KindUninit, int(r), "R%d !read_ok", r)
	}
	w.log.scratchReg(r)
	return nil
}

// writableReg checks that a register may be written, and notes that it will be.
func (w *walker) writableReg(r uint8) error {
	if r > bytecode.R10 {
		return w.fail("R%d is invalid", r)
	}
	if r == bytecode.R10 {
		return w.deny(KindAccess, int(r), "frame pointer is read only")
	}
	w.log.scratchReg(r)
	return nil
}

// leaksPointer reports whether the value of r is a pointer that this program
// must not come to know.
func (w *walker) leaksPointer(r *domain.Reg) bool {
	return !w.priv.leaks && r.Kind != domain.ScalarValue
}

// forkArith walks both values of a mask that is 0 or all ones, where an and or
// an or with a constant makes each a constant.
func (w *walker) forkArith(n aluNeed, dst, src *domain.Reg) (bool, error) {
	if !n.forks() {
		return false, nil
	}
	ones, zero, ok := domain.Fork(n.op, dst.Scalar, src.Scalar)
	if !ok {
		return false, nil
	}
	other := w.clone()
	o := &other.Regs()[n.in.Dst]
	o.Scalar = zero
	o.ClearLink()
	dst.Scalar = domain.ALU(n.op, n.width, ones, src.Scalar)
	dst.ClearLink()
	return true, w.fork(other, w.pc, w.pc, false)
}

func (n aluNeed) forks() bool { return n.op == domain.And || n.op == domain.Or }
