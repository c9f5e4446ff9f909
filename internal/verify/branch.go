// This file defines conditional jumps: which ways are possible, and what is
// known on each.

package verify

import (
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// conditions are the jump operations as comparisons.
var conditions = map[uint8]domain.Cmp{
	bytecode.JmpEq: domain.Eq, bytecode.JmpNe: domain.Ne, bytecode.JmpSet: domain.Set,
	bytecode.JmpGt: domain.Gt, bytecode.JmpGe: domain.Ge, bytecode.JmpLt: domain.Lt, bytecode.JmpLe: domain.Le,
	bytecode.JmpSGt: domain.SGt, bytecode.JmpSGe: domain.SGe, bytecode.JmpSLt: domain.SLt, bytecode.JmpSLe: domain.SLe,
}

// branchNeed is what a conditional jump asks of the state.
type branchNeed struct {
	in     bytecode.Insn
	cmp    domain.Cmp
	is32   bool
	useSrc bool
	target int
}

func requireBranch(in bytecode.Insn, pc int) branchNeed {
	return branchNeed{
		in: in, cmp: conditions[in.JmpOp()], is32: in.Class() == bytecode.ClassJMP32,
		useSrc: in.UsesSrc(), target: in.JumpTarget(pc),
	}
}

// branch checks a conditional jump and walks what is possible of it.
func (w *walker) branch(in bytecode.Insn) error {
	if in.JmpOp() == bytecode.JmpJCOND {
		return w.mayGoto(in)
	}
	n := requireBranch(in, w.pc)
	if err := w.readReg(in.Dst); err != nil {
		return err
	}
	if s := reservedFields(in); s != "" {
		return w.fail("%s", s)
	}
	if n.useSrc {
		if err := w.readReg(in.Src); err != nil {
			return err
		}
	}
	if n.useSrc && w.leaksPointer(&w.regs()[in.Src]) && !w.packetComparison(n) {
		return w.deny(KindLeak, int(in.Src), "R%d pointer comparison prohibited", in.Src)
	}
	dst, src := w.operands(n)
	if n.useSrc {
		w.noteStackOperands(&dst, &src)
	}
	taken, err := w.outcome(n, &dst, &src)
	if err != nil {
		return err
	}
	switch taken {
	case domain.Always:
		return w.goOne(n, true)
	case domain.Never:
		return w.goOne(n, false)
	}
	return w.walkBoth(n)
}

// noteStackOperands remembers operands that are stack pointers: backtracking
// must not ask for their precision.
func (w *walker) noteStackOperands(dst, src *domain.Reg) {
	var f stepFlags
	if dst.Kind == domain.PtrToStack {
		f |= stepDstStack
	}
	if src.Kind == domain.PtrToStack {
		f |= stepSrcStack
	}
	if f != 0 {
		w.record(f, nil)
	}
}

// operands are the values compared; a constant is viewed as a register.
func (w *walker) operands(n branchNeed) (dst, src domain.Reg) {
	regs := w.regs()
	if n.useSrc {
		return regs[n.in.Dst], regs[n.in.Src]
	}
	return regs[n.in.Dst], domain.ScalarReg(domain.Const(uint64(int64(n.in.Imm))))
}

// outcome decides a comparison where the state does; the values that decided
// it are then precise.
func (w *walker) outcome(n branchNeed, dst, src *domain.Reg) (domain.Tri, error) {
	t := w.decide(n, dst, src)
	if t == domain.Maybe {
		return t, nil
	}
	// Where a pointer was compared, the decision did not rest on its value.
	if dst.Kind == domain.ScalarValue {
		if err := w.markPrecise(n.in.Dst); err != nil {
			return t, err
		}
	}
	if n.useSrc && src.Kind == domain.ScalarValue {
		return t, w.markPrecise(n.in.Src)
	}
	return t, nil
}

func (w *walker) decide(n branchNeed, dst, src *domain.Reg) domain.Tri {
	if dst.IsAnyPacket() && src.IsAnyPacket() && !n.is32 {
		return packetOutcome(dst, src, n.cmp)
	}
	if dst.IsPointer() || src.IsPointer() {
		return pointerOutcome(n, dst, src)
	}
	return domain.BranchTaken(dst.Scalar, src.Scalar, n.cmp, n.is32)
}

// pointerOutcome decides comparisons of a pointer that is not NULL with 0.
func pointerOutcome(n branchNeed, dst, src *domain.Reg) domain.Tri {
	if n.is32 {
		return domain.Maybe
	}
	ptr, other := dst, src
	if !other.IsConstScalar() {
		ptr, other = src, dst
	}
	if !other.IsNull() || !notNull(ptr) {
		return domain.Maybe
	}
	switch n.cmp {
	case domain.Eq:
		return domain.Never
	case domain.Ne:
		return domain.Always
	}
	return domain.Maybe
}

// notNull reports whether a pointer cannot be NULL.
func notNull(r *domain.Reg) bool {
	if r.MayBeNull() {
		return false
	}
	switch r.Kind {
	case domain.PtrToSocket, domain.PtrToTCPSock, domain.PtrToMapValue, domain.PtrToMapKey, domain.PtrToSockCommon,
		domain.PtrToXDPSock, domain.ConstPtrToMap:
		return true
	case domain.PtrToBTFID:
		return trusted(r)
	case domain.PtrToMem:
		return r.Flags&domain.PtrUntrusted == 0
	}
	return false
}

// packetOutcome decides a second comparison with the packet's end.
func packetOutcome(dst, src *domain.Reg, c domain.Cmp) domain.Tri {
	var pkt *domain.Reg
	switch {
	case src.Kind == domain.PtrToPacketEnd:
		pkt = dst
	case dst.Kind == domain.PtrToPacketEnd:
		pkt, c = src, c.Flip()
	default:
		return domain.Maybe
	}
	if pkt.Range >= 0 {
		return domain.Maybe
	}
	switch c {
	case domain.Le:
		if pkt.Range == domain.BeyondPacketEnd {
			return domain.Never
		}
	case domain.Gt:
		if pkt.Range == domain.BeyondPacketEnd {
			return domain.Always
		}
	case domain.Lt:
		return domain.Never
	case domain.Ge:
		return domain.Always
	}
	return domain.Maybe
}

// goOne follows the only way that is possible. (Without CAP_PERFMON a kernel
// also walks the other way as speculation, but what fails there only gets a
// barrier: it never decides the verdict. docs/differences.md.)
func (w *walker) goOne(n branchNeed, taken bool) error {
	w.facts.branch(w.pc, taken)
	w.log.afterBranch(w)
	if taken {
		w.pc = n.target
	} else {
		w.pc++
	}
	return nil
}

// walkBoth follows the fall-through and keeps the jump for later.
func (w *walker) walkBoth(n branchNeed) error {
	w.facts.branch(w.pc, true)
	w.facts.branch(w.pc, false)
	w.noteLinks(n)
	other := w.clone()
	if err := w.fork(other, n.target, w.pc, false); err != nil {
		return err
	}
	settled, err := w.narrow(n, other)
	if err != nil {
		return err
	}
	if dst := n.in.Dst; !settled && w.leaksPointer(&w.regs()[dst]) {
		return w.deny(KindLeak, int(dst), "R%d pointer comparison prohibited", dst)
	}
	w.log.afterBranch(w)
	w.pc++
	return nil
}

// noteLinks lists what is linked to the operands, for the history and for both
// ways.
func (w *walker) noteLinks(n branchNeed) {
	regs := w.regs()
	w.links = linkedRegs{}
	dst := &regs[n.in.Dst]
	if n.useSrc && regs[n.in.Src].Kind == domain.ScalarValue && regs[n.in.Src].ID != 0 {
		w.collectLinked(regs[n.in.Src].ID, &w.links)
	}
	if dst.Kind == domain.ScalarValue && dst.ID != 0 {
		w.collectLinked(dst.ID, &w.links)
	}
	if w.links.n > 1 {
		l := w.links
		w.record(0, &l)
	}
}

// narrow applies what the comparison says: to taken where it holds, to the
// current state where it does not. settled reports a comparison that is about
// pointers.
func (w *walker) narrow(n branchNeed, taken *node) (settled bool, err error) {
	regs, tregs := w.regs(), taken.Regs()
	dst, tdst := &regs[n.in.Dst], &tregs[n.in.Dst]
	imm := domain.ScalarReg(domain.Const(uint64(int64(n.in.Imm))))
	timm := imm
	src, tsrc := &imm, &timm
	if n.useSrc {
		src, tsrc = &regs[n.in.Src], &tregs[n.in.Src]
	}
	if dst.Kind == domain.ScalarValue && src.Kind == domain.ScalarValue {
		refineBoth(dst, src, n.cmp.Negate(), n.is32)
		refineBoth(tdst, tsrc, n.cmp, n.is32)
		if err := w.checkNarrowed(n, taken); err != nil {
			return false, err
		}
	}
	if n.useSrc {
		w.syncLinks(n.in.Src, taken)
	}
	w.syncLinks(n.in.Dst, taken)
	return w.narrowPointers(n, taken), nil
}

// refineBoth narrows both operands by a comparison that holds.
func refineBoth(a, b *domain.Reg, c domain.Cmp, is32 bool) {
	if a == b {
		a.Scalar = domain.RefineSelf(a.Scalar, c, is32)
		return
	}
	a.Scalar, b.Scalar = domain.Refine(a.Scalar, b.Scalar, c, is32)
}

// checkNarrowed tests the refined operands' consistency.
func (w *walker) checkNarrowed(n branchNeed, taken *node) error {
	check := func(st *node, r uint8, context string) error {
		cur := w.cur
		w.cur = st
		err := w.checkInvariants(r, context)
		w.cur = cur
		return err
	}
	for _, side := range []struct {
		st   *node
		name string
	}{{taken, "true_reg"}, {w.cur, "false_reg"}} {
		if err := check(side.st, n.in.Dst, side.name+"1"); err != nil {
			return err
		}
		if n.useSrc {
			if err := check(side.st, n.in.Src, side.name+"2"); err != nil {
				return err
			}
		}
	}
	return nil
}

// syncLinks hands what became known of a register to its links, on both ways.
func (w *walker) syncLinks(r uint8, taken *node) {
	known := &w.regs()[r]
	if known.Kind != domain.ScalarValue || known.ID == 0 {
		return
	}
	syncLinked(&w.cur.State, known, &w.links)
	syncLinked(&taken.State, &taken.Regs()[r], &w.links)
}

// narrowPointers handles comparisons that say something about pointers:
// with NULL, of equal pointers, with the packet's end.
func (w *walker) narrowPointers(n branchNeed, taken *node) (settled bool) {
	if n.is32 {
		return false
	}
	in, dst := n.in, w.regs()[n.in.Dst]
	equality := n.cmp == domain.Eq || n.cmp == domain.Ne
	if n.useSrc {
		src := w.regs()[in.Src]
		if equality && dst.IsPointer() && src.IsPointer() {
			w.equalPointers(n, &dst, &src, taken)
		}
		return w.packetBounds(n, taken)
	}
	if !equality || in.Imm != 0 || !dst.MayBeNull() {
		return false
	}
	isNull := n.cmp == domain.Eq
	w.settleNull(&taken.State, in.Dst, isNull)
	w.settleNull(&w.cur.State, in.Dst, !isNull)
	return true
}

// equalPointers: a pointer that may be NULL is not, where it equals one that
// is not.
func (w *walker) equalPointers(n branchNeed, dst, src *domain.Reg, taken *node) {
	if dst.Kind == domain.PtrToBTFID || src.Kind == domain.PtrToBTFID {
		return
	}
	st := &taken.State
	if n.cmp == domain.Ne {
		st = &w.cur.State
	}
	if notNull(dst) && src.MayBeNull() {
		w.becomeNonNull(&st.Regs()[n.in.Src])
	}
	if notNull(src) && dst.MayBeNull() {
		w.becomeNonNull(&st.Regs()[n.in.Dst])
	}
}

// settleNull makes every pointer of r's family NULL, or not.
func (w *walker) settleNull(st *domain.State, r uint8, null bool) {
	reg := &st.Regs()[r]
	id, ref := reg.ID, reg.RefID
	if ref != 0 && ref == id && null {
		st.DropRef(id) // nothing was acquired
	}
	st.EachReg(func(r *domain.Reg) {
		if r.MayBeNull() && r.ID == id {
			w.settleReg(r, null)
		}
	})
}

func (w *walker) settleReg(r *domain.Reg, null bool) {
	if null {
		r.SetScalar(domain.Const(0))
		r.Precise = !w.priv.bpf
		return
	}
	w.becomeNonNull(r)
	// The family keeps its identity only where it stands for a reference or a
	// lock in this value.
	if !w.hasLock(r) {
		r.ID = 0
	}
}

// packetComparison reports whether this is a comparison of packet pointers,
// which even programs that may not leak pointers make.
func (w *walker) packetComparison(n branchNeed) bool {
	regs := w.regs()
	return !n.is32 && regs[n.in.Dst].IsAnyPacket() && regs[n.in.Src].IsAnyPacket()
}
