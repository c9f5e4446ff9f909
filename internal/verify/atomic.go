// This file defines atomic instructions.

package verify

import (
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// atomic checks and applies an atomic instruction.
func (w *walker) atomic(in bytecode.Insn) error {
	switch in.Imm {
	case bytecode.AtomicAdd, bytecode.AtomicAdd | bytecode.AtomicFetch,
		bytecode.AtomicAnd, bytecode.AtomicAnd | bytecode.AtomicFetch,
		bytecode.AtomicOr, bytecode.AtomicOr | bytecode.AtomicFetch,
		bytecode.AtomicXor, bytecode.AtomicXor | bytecode.AtomicFetch,
		bytecode.AtomicXchg, bytecode.AtomicCmpXchg:
		return w.atomicRMW(in)
	case bytecode.AtomicLoadAcq:
		return w.loadAcquire(in)
	case bytecode.AtomicStoreRel:
		return w.storeRelease(in)
	}
	return w.fail("BPF_ATOMIC uses invalid atomic opcode %02x", uint32(in.Imm))
}

// atomicRMW is a read-modify-write, with or without the old value as result.
func (w *walker) atomicRMW(in bytecode.Insn) error {
	if size := in.MemSize(); size != 4 && size != 8 {
		return w.fail("invalid atomic operand size")
	}
	if err := w.readReg(in.Src); err != nil {
		return err
	}
	if err := w.readReg(in.Dst); err != nil {
		return err
	}
	if in.Imm == bytecode.AtomicCmpXchg {
		if err := w.readReg(bytecode.R0); err != nil {
			return err
		}
		if w.leaksPointer(&w.regs()[bytecode.R0]) {
			return w.deny(KindLeak, 0, "R0 leaks addr into mem")
		}
	}
	if w.leaksPointer(&w.regs()[in.Src]) {
		return w.deny(KindLeak, int(in.Src), "R%d leaks addr into mem", in.Src)
	}
	if err := w.checkAtomicBase(in, in.Dst, &w.regs()[in.Dst], "stores into"); err != nil {
		return err
	}
	target, fetches := fetchReg(in)
	if fetches {
		if err := w.writableReg(target); err != nil {
			return err
		}
	}
	return w.readModifyWrite(in, target, fetches)
}

// readModifyWrite checks the read, puts the old value into its register, and
// checks the write: in this order, as the kernel does, so that a register that
// is base and source at once must not be a pointer any more by then.
func (w *walker) readModifyWrite(in bytecode.Insn, target uint8, fetches bool) error {
	n := memNeed{reg: in.Dst, off: int32(in.Off), size: in.MemSize(), value: -1, aligned: true}
	base := w.regs()[in.Dst]
	if _, err := w.access(n); err != nil {
		return err
	}
	if fetches {
		n.want = true
		if err := w.loadInto(n, target); err != nil {
			return err
		}
	}
	n.write, n.want = true, false
	if _, err := w.access(n); err != nil {
		return err
	}
	return w.facts.access(w, base, n)
}

// checkAtomicBase refuses memory that has no atomic access; base is what
// register r points to.
func (w *walker) checkAtomicBase(in bytecode.Insn, r uint8, base *domain.Reg, what string) error {
	allowed := true
	switch base.Kind {
	case domain.PtrToCtx, domain.PtrToPacket, domain.PtrToPacketMeta, domain.PtrToFlowKeys,
		domain.PtrToSocket, domain.PtrToSockCommon, domain.PtrToTCPSock, domain.PtrToXDPSock:
		allowed = false
	case domain.PtrToArena:
		allowed = !noArenaAtomic[in.Imm]
	}
	if !allowed {
		return w.deny(KindAccess, int(r), "BPF_ATOMIC %s R%d %s is not allowed", what, r, kindName(base))
	}
	return nil
}

func (w *walker) loadAcquire(in bytecode.Insn) error {
	if err := w.readReg(in.Src); err != nil {
		return err
	}
	if err := w.writableReg(in.Dst); err != nil {
		return err
	}
	// Linux looks at the base after the access, too, when it may have been
	// loaded over.
	base := w.regs()[in.Src]
	n := memNeed{reg: in.Src, off: int32(in.Off), size: in.MemSize(), value: -1, want: true, aligned: true}
	if err := w.loadInto(n, in.Dst); err != nil {
		return err
	}
	if err := w.checkAtomicBase(in, in.Src, &base, "loads from"); err != nil {
		return err
	}
	return w.facts.access(w, base, n)
}

func (w *walker) storeRelease(in bytecode.Insn) error {
	if err := w.readReg(in.Src); err != nil {
		return err
	}
	if err := w.readReg(in.Dst); err != nil {
		return err
	}
	base := w.regs()[in.Dst]
	n := memNeed{reg: in.Dst, off: int32(in.Off), size: in.MemSize(), write: true, value: int(in.Src), aligned: true}
	if err := w.store(n); err != nil {
		return err
	}
	return w.checkAtomicBase(in, in.Dst, &base, "stores into")
}
