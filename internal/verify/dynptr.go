// This file defines dynptrs: the two stack slots that hold one, what a function
// does with the dynptr that it is given, and how dynptrs end.

package verify

import (
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// dynptrKinds are the kinds of dynptrs: how a prototype asks for one, how
// memory inside is marked, and the log's word.
var dynptrKinds = [...]struct {
	arg  catalog.ArgFlags
	mem  domain.TypeFlags
	name string
}{
	domain.DynptrNone:    {name: "<invalid>"},
	domain.LocalDynptr:   {catalog.ArgDynptrLocal, domain.DynptrLocal, "local"},
	domain.RingbufDynptr: {catalog.ArgDynptrRingbuf, domain.DynptrRingbuf, "ringbuf"},
	domain.SKBDynptr:     {catalog.ArgDynptrSKB, domain.DynptrSKB, "skb"},
	domain.XDPDynptr:     {catalog.ArgDynptrXDP, domain.DynptrXDP, "xdp"},
	domain.SKBMetaDynptr: {0, domain.DynptrSKBMeta, "skb_meta"},
}

func dynptrKindOf(f catalog.ArgFlags) domain.DynptrKind {
	for k, row := range dynptrKinds {
		if row.arg&f != 0 {
			return domain.DynptrKind(k)
		}
	}
	return domain.DynptrNone
}

// dynptrMemory are the flags of memory inside a dynptr; packetMemory of those
// that lie in a packet.
const (
	packetMemory = domain.DynptrSKB | domain.DynptrXDP | domain.DynptrSKBMeta
	dynptrMemory = domain.DynptrLocal | domain.DynptrRingbuf | packetMemory
)

// dynptrSlots is how many stack slots a dynptr takes: it lies in slots spi-1
// and spi of its frame, of which spi has the lower address and comes first.
const dynptrSlots = 2

// dynptrUse is what a function does with the dynptr in an argument.
type dynptrUse struct {
	arg   int               // index of the argument
	kind  domain.DynptrKind // what is made or required; DynptrNone takes any
	fresh bool              // the function makes the dynptr
	refID uint32            // the reference that a clone shares
}

// checkDynptrArg checks the dynptr that a helper is given.
func (w *walker) checkDynptrArg(r uint8, arg catalog.Arg, _ *callMeta) error {
	return w.checkDynptr(r, dynptrUse{
		arg: int(r) - 1, kind: dynptrKindOf(arg.Flags), fresh: arg.Flags&catalog.ArgUninit != 0,
	})
}

func (w *walker) checkDynptr(r uint8, use dynptrUse) error {
	reg := &w.regs()[r]
	switch {
	case reg.Kind != domain.PtrToStack && reg.Kind != domain.ConstPtrToDynptr:
		return w.fail("arg#%d expected pointer to stack or const struct bpf_dynptr", use.arg)
	case use.fresh:
		return w.newDynptr(r, use)
	}
	d := w.dynptrAt(reg)
	if d == nil {
		return w.fail("Expected an initialized dynptr as arg #%d", use.arg)
	}
	if use.kind != domain.DynptrNone && use.kind != d.Dynptr {
		return w.fail("Expected a dynptr of type %s as arg #%d", dynptrKinds[use.kind].name, use.arg)
	}
	return nil
}

// dynptrAt is what is known of the dynptr that a register points to, nil
// without one.
func (w *walker) dynptrAt(r *domain.Reg) *domain.Reg {
	if r.Kind == domain.ConstPtrToDynptr {
		return r
	}
	spi, ok := w.dynptrSlot(r)
	f := w.stackOf(r)
	if !ok || spi >= len(f.Stack) {
		return nil
	}
	w.readsDynptr(f, spi)
	if first, second := &f.Stack[spi], &f.Stack[spi-1]; !first.IsDynptr() || !second.IsDynptr() || !first.Reg.FirstSlot {
		return nil
	}
	w.readsSlot(f.No, spi)
	w.readsSlot(f.No, spi-1)
	return &f.Stack[spi].Reg
}

// readsDynptr notes that what follows depends on both slots.
func (w *walker) readsDynptr(f *domain.Frame, spi int) {
	for k := range dynptrSlots {
		w.readsSlot(f.No, spi-k)
		w.log.scratchSlot(spi - k)
	}
}

// dynptrSlot is the first slot of the dynptr that could lie where a stack
// pointer points; a note says why none can.
func (w *walker) dynptrSlot(r *domain.Reg) (spi int, ok bool) {
	if !r.IsConst() {
		w.note("dynptr has to be at a constant offset")
		return 0, false
	}
	off := int(r.Off) + int(int64(r.Value()))
	spi, _ = slotOf(off)
	if off%domain.SlotSize != 0 || off >= 0 || spi+1 < dynptrSlots {
		w.note("cannot pass in dynptr at an offset=%d", off)
		return 0, false
	}
	return spi, true
}

// newDynptr makes a dynptr where a register points. One that is there already
// may be overwritten, as by a store.
func (w *walker) newDynptr(r uint8, use dynptrUse) error {
	reg := &w.regs()[r]
	spi, ok := 0, false
	if reg.Kind == domain.PtrToStack {
		spi, ok = w.dynptrSlot(reg)
	}
	if !ok {
		return w.fail("Dynptr has to be an uninitialized dynptr")
	}
	for k := range int32(dynptrSlots) {
		n := memNeed{reg: r, off: k * domain.SlotSize, size: domain.SlotSize, write: true, value: -1}
		if _, err := w.access(n); err != nil {
			return err
		}
	}
	d := domain.Pointer(domain.ConstPtrToDynptr, 0)
	d.Dynptr, d.ID = use.kind, w.newID()
	if use.kind == domain.RingbufDynptr {
		if d.RefID = use.refID; d.RefID == 0 {
			d.RefID = w.acquire()
		}
	}
	f := w.stackOf(reg)
	fillDynptr(&f.Stack[spi-1], d)
	d.FirstSlot = true
	fillDynptr(&f.Stack[spi], d)
	return nil
}

func fillDynptr(s *domain.Slot, d domain.Reg) {
	s.Reg = d
	for i := range s.Bytes {
		s.Bytes[i] = domain.ByteDynptr
	}
}

// destroyDynptr ends a dynptr one of whose slots is about to be overwritten,
// and with it plain memory inside. A referenced one must be released instead.
func (w *walker) destroyDynptr(f *domain.Frame, spi int) error {
	if !f.Stack[spi].Reg.FirstSlot {
		spi++
	}
	d := f.Stack[spi].Reg
	if d.RefID != 0 {
		return w.fail("cannot overwrite referenced dynptr")
	}
	w.clearDynptr(f, spi)
	w.cur.EachReg(func(r *domain.Reg) {
		if r.DynptrID == d.ID && r.Kind == domain.PtrToMem && r.Flags&^domain.MaybeNull == 0 {
			w.invalidate(r)
		}
	})
	return nil
}

// clearDynptr makes a dynptr's slots ones that were never written.
func (w *walker) clearDynptr(f *domain.Frame, spi int) {
	for k := range dynptrSlots {
		f.Stack[spi-k] = domain.Slot{}
		w.overwritesSlot(f.No, spi-k)
		if f == w.cur.Cur() {
			w.log.scratchSlot(spi - k)
		}
	}
}

// checkDynptrRelease requires a referenced dynptr on the stack, whose
// reference a helper takes.
func (w *walker) checkDynptrRelease(r uint8) error {
	reg := &w.regs()[r]
	if reg.Kind == domain.ConstPtrToDynptr {
		return w.fail("cannot release unowned const bpf_dynptr")
	}
	spi, ok := w.dynptrSlot(reg)
	if s := w.stackOf(reg).Slot(spi); !ok || s == nil || s.Reg.RefID == 0 {
		return w.refuse(KindReference, errEINVAL, int(r), "arg %d is an unacquired reference", r)
	}
	return nil
}

// releaseDynptr ends the dynptr that a register points to, with its clones and
// all memory inside.
func (w *walker) releaseDynptr(r *domain.Reg) error {
	id := w.dynptrAt(r).RefID
	if err := w.release(id); err != nil {
		return err
	}
	for _, f := range w.cur.Frames {
		for i := range f.Stack {
			if s := &f.Stack[i]; s.IsDynptr() && s.Reg.RefID == id {
				*s = domain.Slot{}
				w.overwritesSlot(f.No, i)
			}
		}
	}
	return nil
}
