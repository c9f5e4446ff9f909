// This file defines the calls that make, read and end dynptrs: helpers and
// kernel functions, and memory inside dynptrs.

package verify

import (
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// Helpers of dynptrs, by number (UAPI, stable).
const (
	helperDynptrFromMem = 197
	helperDynptrWrite   = 202
	helperDynptrData    = 203
)

// dynptrRules are the kernel functions whose results point into a dynptr, and
// those that write into one, byte by byte where it must be.
var dynptrRules = map[string]kfuncRule{
	"bpf_dynptr_slice":      {result: (*walker).sliceResult},
	"bpf_dynptr_slice_rdwr": {result: (*walker).writableSliceResult},

	"bpf_dynptr_copy":                    writesDynptr,
	"bpf_dynptr_memset":                  writesDynptr,
	"bpf_probe_read_user_dynptr":         writesDynptr,
	"bpf_probe_read_user_str_dynptr":     writesDynptr,
	"bpf_probe_read_kernel_dynptr":       writesDynptr,
	"bpf_probe_read_kernel_str_dynptr":   writesDynptr,
	"bpf_copy_from_user_dynptr":          writesDynptr,
	"bpf_copy_from_user_str_dynptr":      writesDynptr,
	"bpf_copy_from_user_task_dynptr":     writesDynptr,
	"bpf_copy_from_user_task_str_dynptr": writesDynptr,

	"bpf_dynptr_from_file": {unknown: true}, // after 6.18
}

// writesDynptr: a write into a frame may move it.
var writesDynptr = kfuncRule{after: func(w *walker, c *kfuncCall) error {
	if movesPacket(c.written) {
		w.forgetPackets()
	}
	return nil
}}

// madeDynptr is the kind of dynptr that a kernel function makes. A clone is of
// its parent's.
var madeDynptr = map[string]domain.DynptrKind{
	"bpf_dynptr_from_skb":      domain.SKBDynptr,
	"bpf_dynptr_from_skb_meta": domain.SKBMetaDynptr,
	"bpf_dynptr_from_xdp":      domain.XDPDynptr,
}

// movesPacket reports whether a write into such a dynptr may move the packet.
func movesPacket(k domain.DynptrKind) bool { return k == domain.SKBDynptr || k == domain.SKBMetaDynptr }

// checkKfuncDynptr checks the dynptr that a kernel function is given.
func (w *walker) checkKfuncDynptr(c *kfuncCall, a *kfuncArg) error {
	if err := w.checkArgOffset(a.r, catalog.Arg{}); err != nil {
		return err
	}
	if suffixed(a.param, "__uninit") {
		return w.makeDynptr(c, a)
	}
	if err := w.checkDynptr(a.r, dynptrUse{arg: a.i}); err != nil {
		return err
	}
	c.dynptr = *w.dynptrAt(&w.regs()[a.r])
	if a.i == 0 {
		c.written = c.dynptr.Dynptr
	}
	return nil
}

// makeDynptr makes the dynptr that a kernel function fills in.
func (w *walker) makeDynptr(c *kfuncCall, a *kfuncArg) error {
	if w.regs()[a.r].Kind == domain.ConstPtrToDynptr {
		return w.failErrno(errEFAULT, "verifier bug: misconfigured dynptr helper type flags")
	}
	use := dynptrUse{arg: a.i, kind: madeDynptr[c.Name], fresh: true}
	if c.Name == "bpf_dynptr_clone" {
		use.kind, use.refID = c.dynptr.Dynptr, c.dynptr.RefID
	}
	if use.kind == domain.DynptrNone {
		return w.unsupported("the dynptr that %s makes", c.Name)
	}
	return w.checkDynptr(a.r, use)
}

// checkDynptrCall applies what the prototypes of dynptr helpers cannot say.
func (w *walker) checkDynptrCall(m *callMeta) error {
	switch m.proto.Num {
	case helperDynptrFromMem:
		if r1 := &w.regs()[bytecode.R1]; !r1.Is(domain.PtrToMapValue, 0) {
			return w.deny(KindCall, 1, "Unsupported reg type %s for bpf_dynptr_from_mem data", kindName(r1))
		}
	case helperDynptrWrite:
		m.changesPacket = movesPacket(w.dynptrAt(&w.regs()[bytecode.R1]).Dynptr)
	case helperDynptrData:
		d := w.dynptrAt(&w.regs()[bytecode.R1])
		m.dynptrID, m.refID = d.ID, d.RefID
	}
	return nil
}

// sliceResult is memory inside the dynptr, of the size that was asked for, or
// a copy of it in the buffer; NULL where there is not so much.
func (w *walker) sliceResult(c *kfuncCall, r0 *domain.Reg) error {
	return w.slice(c, r0, domain.MemRdonly)
}

func (w *walker) writableSliceResult(c *kfuncCall, r0 *domain.Reg) error {
	if !w.mayWritePacket() {
		return w.fail("the prog does not allow writes to packet data")
	}
	return w.slice(c, r0, 0)
}

func (w *walker) slice(c *kfuncCall, r0 *domain.Reg, flags domain.TypeFlags) error {
	*r0 = domain.Pointer(domain.PtrToMem, flags|dynptrKinds[c.dynptr.Dynptr].mem|domain.MaybeNull)
	r0.MemSize, r0.ID = uint32(c.constant), w.newID()
	r0.DynptrID, r0.RefID = c.dynptr.ID, c.dynptr.RefID
	return nil
}

// drainArgs: bpf_user_ringbuf_drain(map, callback, ctx, flags) →
// callback(dynptr, ctx).
func (w *walker) drainArgs(callee, caller *domain.Frame, _ *callMeta) {
	callee.Regs[bytecode.R1] = w.givenDynptr()
	callee.Regs[bytecode.R2] = caller.Regs[bytecode.R3]
	callee.CallbackRet = domain.Range{Min: 0, Max: 1}
}

// givenDynptr is a dynptr that a function is given and that it must not
// change: one of plain memory, as far as it knows.
func (w *walker) givenDynptr() domain.Reg {
	r := domain.Pointer(domain.ConstPtrToDynptr, 0)
	r.Dynptr, r.FirstSlot, r.ID = domain.LocalDynptr, true, w.newID()
	return r
}
