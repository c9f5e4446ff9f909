// This file defines what holds only for members of the kernel's structs of
// functions: arguments that are references, results that are objects.

package verify

import (
	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// refOffsets are the context offsets of arguments that are references.
func (w *walker) refOffsets() (offs []int32) {
	if w.prog.Type != bytecode.ProgStructOps || w.attach == nil {
		return nil
	}
	for off := range w.attach.Slots() {
		arg, ok := w.target.ArgAccess(w.env, w.attach, off, domain.SlotSize)
		if ok && arg.Flags&catalog.PtrRef != 0 {
			offs = append(offs, int32(off))
		}
	}
	return offs
}

// acquireArgs gives the program the references that its arguments are: it must
// release them, or return one.
func (w *walker) acquireArgs(st *node) {
	w.argRefs = map[int32]uint32{}
	for _, off := range w.refOffsets() {
		id := w.newID()
		st.Refs = append(st.Refs, domain.Ref{Kind: domain.RefPtr, ID: id})
		w.argRefs[off] = id
	}
}

// refArg ties an argument that is a reference to it, as long as it is held.
func (w *walker) refArg(n memNeed, v domain.Reg) (domain.Reg, error) {
	id := w.argRefs[n.off]
	if !w.cur.HoldsRef(id) {
		w.log.line(w, w.pc)
		return domain.Reg{}, w.deny(KindReference, int(n.reg), "invalid bpf_context access off=%d. Reference may already be released", n.off)
	}
	v.RefID = id
	return v, nil
}

// checkStructOps refuses tail calls by programs that are given references: the
// next program would not get them.
func (w *walker) checkStructOps() error {
	if len(w.refOffsets()) == 0 {
		return nil
	}
	for i := range w.shape.subs {
		if w.shape.subs[i].HasTailCall {
			return w.refuseLoad("program with __ref argument cannot tail call")
		}
	}
	return nil
}

// returnsTo is the kernel's struct to which the member returns a pointer, nil
// where it returns none.
func (w *walker) returnsTo() *btfx.Type {
	if w.prog.Type != bytecode.ProgStructOps || w.attach == nil || w.attach.Proto == nil {
		return nil
	}
	ptr := w.attach.Spec.Strip(w.attach.Proto.Type)
	if ptr == nil || ptr.Kind != btfx.KindPtr {
		return nil
	}
	return w.attach.Spec.Strip(ptr.Type)
}

// givesBack reports whether a path that ends returns a reference to the
// kernel: its type is checked with the result.
func (w *walker) givesBack(ref uint32) bool {
	return w.prog.Type == bytecode.ProgStructOps && w.regs()[bytecode.R0].RefID == ref
}

// checkReturnedObject requires of a member that returns a pointer an object
// that the program holds, or NULL.
func (w *walker) checkReturnedObject(reg uint8, to *btfx.Type) error {
	r := &w.regs()[reg]
	if r.Kind == domain.PtrToBTFID && r.BTF == w.attach.Spec && r.BTFID == to.ID && r.RefID != 0 && !w.cur.Frames[0].InExceptionCB {
		return w.checkPlainOffset(r, reg, false)
	}
	return w.checkReturnRange(reg, "At program exit", domain.Range{}, false)
}
