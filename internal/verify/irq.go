// This file defines sections with interrupts disabled; the flags that they save
// lie on the stack.

package verify

import (
	"strings"

	"github.com/skepbpf/skep/internal/verify/domain"
)

var irqClassNames = [...]string{domain.IRQNative: "native", domain.IRQLock: "lock"}

// irqClass tells the functions apart that save and restore flags: those of
// sections alone, and those of locks.
func irqClass(name string) domain.IRQClass {
	if strings.HasPrefix(name, "bpf_local_irq_") {
		return domain.IRQNative
	}
	return domain.IRQLock
}

// checkIRQFlagArg begins or ends a section.
func (w *walker) checkIRQFlagArg(c *kfuncCall, a *kfuncArg) error {
	reg := &w.regs()[a.r]
	if reg.Kind != domain.PtrToStack {
		return w.fail("arg#%d doesn't point to an irq flag on stack", a.i)
	}
	saves := strings.HasSuffix(c.Name, "save")
	spi, err := w.irqFlagAt(reg)
	if err != nil {
		state := "an initialized"
		if saves {
			state = "uninitialized"
		}
		return w.fail("expected %s irq flag as arg#%d", state, a.i)
	}
	if saves {
		return w.saveIRQ(c, a, spi)
	}
	return w.restoreIRQ(c, a, spi)
}

// irqFlagAt finds the slot that a pointer to a flag names, -1 for the one above
// the frame: an access there is refused.
func (w *walker) irqFlagAt(r *domain.Reg) (int, error) {
	if !r.IsConst() {
		return 0, w.fail("irq_flag has to be at a constant offset")
	}
	off := int(r.Off) + int(int64(r.Value()))
	if off%domain.SlotSize != 0 || off > 0 {
		return 0, w.fail("cannot pass in irq_flag at an offset=%d", off)
	}
	return -off/domain.SlotSize - 1, nil
}

// saveIRQ disables interrupts and saves what they were in a slot.
func (w *walker) saveIRQ(c *kfuncCall, a *kfuncArg, spi int) error {
	f := w.stackOf(&w.regs()[a.r])
	if s := f.Slot(spi); s != nil && s.Bytes[0] == domain.ByteIRQFlag {
		return w.fail("expected uninitialized irq flag as arg#%d", a.i)
	}
	n := memNeed{reg: a.r, size: domain.SlotSize, write: true, value: -1}
	if _, err := w.access(n); err != nil {
		return err
	}
	id := w.newID()
	w.cur.Refs = append(w.cur.Refs, domain.Ref{Kind: domain.RefIRQ, ID: id, Insn: w.pc})
	w.cur.ActiveIRQ = id
	s := &f.Stack[spi]
	s.Reg = domain.Pointer(domain.PtrToStack, 0)
	s.Reg.RefID, s.Reg.IRQClass = id, irqClass(c.Name)
	for b := range s.Bytes {
		s.Bytes[b] = domain.ByteIRQFlag
	}
	w.overwritesSlot(f.No, spi)
	w.scratchSlotOf(f, spi)
	return nil
}

// restoreIRQ ends the section that began last.
func (w *walker) restoreIRQ(c *kfuncCall, a *kfuncArg, spi int) error {
	f := w.stackOf(&w.regs()[a.r])
	s := f.Slot(spi)
	if s != nil {
		w.readsSlot(f.No, spi)
	}
	if s == nil || s.Bytes[0] != domain.ByteIRQFlag {
		return w.fail("expected an initialized irq flag as arg#%d", a.i)
	}
	if used := irqClass(c.Name); s.Reg.IRQClass != used {
		return w.fail("irq flag acquired by %s kfuncs cannot be restored with %s kfuncs", irqClassNames[s.Reg.IRQClass], irqClassNames[used])
	}
	if s.Reg.RefID != w.cur.ActiveIRQ {
		return w.deny(KindCall, -1, "cannot restore irq state out of order, expected id=%d acquired at insn_idx=%d", w.cur.ActiveIRQ, w.irqBegin())
	}
	w.cur.EndIRQ()
	*s = domain.Slot{}
	w.overwritesSlot(f.No, spi)
	w.scratchSlotOf(f, spi)
	return nil
}

// irqBegin is where the innermost section began.
func (w *walker) irqBegin() int {
	for _, r := range w.cur.Refs {
		if r.Kind == domain.RefIRQ && r.ID == w.cur.ActiveIRQ {
			return r.Insn
		}
	}
	return 0
}

// scratchSlotOf has the log print a slot, if it is the running function's.
func (w *walker) scratchSlotOf(f *domain.Frame, spi int) {
	if f == w.cur.Cur() {
		w.log.scratchSlot(spi)
	}
}
