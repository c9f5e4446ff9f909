// This file defines kernel functions that only change the type of a pointer,
// and those whose result says less or more than their prototype.

package verify

import (
	"strings"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/verify/domain"
)

var castRules = map[string]kfuncRule{
	"bpf_cast_to_kern_ctx": {check: (*walker).checkKernCtx, result: (*walker).kernCtxResult},
	"bpf_rdonly_cast":      {result: (*walker).rdonlyCast},
	"bpf_session_cookie":   {result: (*walker).cookieResult},
	"bpf_get_kmem_cache":   {result: (*walker).kmemCacheResult},
}

// kernCtx is the kernel's struct behind the program's context.
func (w *walker) kernCtx() (id btfx.ID, ok bool) {
	if w.pt.Ctx == nil {
		return 0, false
	}
	return w.target.BTF.Find(w.pt.Ctx.KernCtx, btfx.KindStruct)
}

// checkKernCtx refuses contexts that are no struct to the kernel.
func (w *walker) checkKernCtx(c *kfuncCall) error {
	if _, ok := w.kernCtx(); !ok {
		return w.fail("kern ctx type id %d is not a struct", w.kernCtxID())
	}
	return w.checkSections(c)
}

// kernCtxID is the id of a context's type that is no struct, as messages say
// it.
func (w *walker) kernCtxID() btfx.ID {
	conv, ok := w.target.BTF.Find("bpf_ctx_convert", btfx.KindStruct)
	if !ok {
		return 0
	}
	m, _ := w.target.BTF.FindMember(conv, "BPF_PROG_TYPE_"+strings.ToUpper(w.pt.Name)+"_kern")
	return m.Type
}

func (w *walker) kernCtxResult(_ *kfuncCall, r0 *domain.Reg) error {
	id, _ := w.kernCtx()
	*r0 = w.objectPointer(w.target.BTF, id, domain.PtrTrusted)
	return nil
}

// rdonlyCast gives any value a type, for reads that may fault: a struct, or
// bytes where the type is void.
func (w *walker) rdonlyCast(c *kfuncCall, r0 *domain.Reg) error {
	id := btfx.ID(c.constant) // the parameter has 32 bits, whatever the register holds
	t := c.spec.Type(id)
	switch {
	case id == 0:
		*r0 = domain.Pointer(domain.PtrToMem, domain.MemRdonly|domain.PtrUntrusted)
	case t == nil:
		return w.fail("Unknown type ID %d passed to kfunc bpf_rdonly_cast", int64(c.constant))
	case t.Kind == btfx.KindStruct || t.Kind == btfx.KindUnion:
		*r0 = w.objectPointer(c.spec, t.ID, domain.PtrUntrusted)
	default:
		return w.fail("kfunc bpf_rdonly_cast type ID argument must be of a struct or void")
	}
	return nil
}

// cookieResult is eight bytes that the program may write.
func (w *walker) cookieResult(_ *kfuncCall, r0 *domain.Reg) error {
	*r0 = domain.Pointer(domain.PtrToMem, 0)
	r0.MemSize = 8
	return nil
}

// kmemCacheResult is an object that nobody holds.
func (w *walker) kmemCacheResult(c *kfuncCall, r0 *domain.Reg) error {
	to := c.spec.Strip(c.spec.Strip(c.result).Type)
	*r0 = w.objectPointer(c.spec, to.ID, domain.PtrUntrusted)
	return nil
}
