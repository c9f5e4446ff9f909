// This file defines programs that attach to a function of another program:
// extensions, which take its place, and tracing programs.

package verify

import (
	"fmt"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// host is the program that a program attaches to, and the function in it.
type host struct {
	w   *walker // of the host, its functions found
	fn  *btfx.Type
	sub int
}

// maxHosts bounds chains of programs: what is given may run in a circle.
const maxHosts = 8

// attachToProg finds the function of another program that the context follows,
// and that an extension must be like. The other program has to be one that
// verifies.
func (w *walker) attachToProg() error {
	prog := w.prog.AttachProg
	if prog.BTF == nil {
		return w.refuseLoad("FENTRY/FEXIT program can only be attached to another program annotated with BTF")
	}
	fn := prog.BTF.Type(w.prog.AttachBTFID)
	switch {
	case w.prog.AttachBTFID == 0:
		return w.refuseLoad("Tracing programs must provide btf_id")
	case fn == nil:
		return w.refuseLoad(fmt.Sprintf("attach_btf_id %d is invalid", w.prog.AttachBTFID))
	}
	n := 0
	for p := prog; p != nil && n <= maxHosts; p = p.AttachProg {
		n++
	}
	if n > maxHosts {
		return w.unsupported("chains of more than %d programs", maxHosts)
	}
	h := &host{w: newWalker(w.ctx, prog, &Options{Target: w.opt.Target, Caps: w.opt.Caps}), fn: fn, sub: -1}
	for _, pass := range []func() error{h.w.checkLoad, h.w.findShape} {
		if err := pass(); err != nil {
			return w.unsupported("attaching to a program that is refused: %v", err)
		}
	}
	for i := range h.w.shape.subs {
		if h.w.shape.subs[i].BTFFunc == fn.ID {
			h.sub = i
			break
		}
	}
	if line := w.hostRefusal(h); line != "" {
		return w.refuseLoad(line)
	}
	w.host = h
	if w.prog.Type == bytecode.ProgExt {
		return w.extend(h)
	}
	return w.trace(h)
}

// hostRefusal says why a program must not attach to a function, "" when it may.
func (w *walker) hostRefusal(h *host) string {
	ext, target := w.prog.Type == bytecode.ProgExt, h.w.prog
	tracing := w.prog.Type == bytecode.ProgTracing
	switch {
	case h.sub < 0:
		return fmt.Sprintf("Subprog %s doesn't exist", h.fn.Name)
	case ext && h.w.shape.subs[h.sub].IsExceptionCB:
		return "Extension programs cannot attach to exception callback"
	case h.w.shape.subs[h.sub].IsExceptionCB:
		return "FENTRY/FEXIT programs cannot attach to exception callback"
	case ext && h.sub == 0 && h.unreliable():
		return "Cannot replace static functions"
	case tracing && target.Type == bytecode.ProgTracing && target.AttachProg != nil && target.AttachProg.Type == bytecode.ProgTracing:
		return "Cannot nest tracing program attach more than once"
	case !tracing && target.Type == w.prog.Type:
		return "Cannot recursively attach"
	case ext && target.Type == bytecode.ProgTracing && (target.ExpectedAttach == catalog.AttachTraceFentry || target.ExpectedAttach == catalog.AttachTraceFexit):
		return "Cannot extend fentry/fexit"
	case tracing && w.prog.ExpectedAttach == catalog.AttachTraceRawTP:
		return "Only FENTRY/FEXIT progs are attachable to another BPF prog"
	case tracing && w.prog.ExpectedAttach == catalog.AttachModifyReturn:
		return "can't modify return codes of BPF programs"
	}
	return ""
}

// unreliable reports that the types of the host's main function are not those
// of its context, so that nothing may be concluded from them.
func (h *host) unreliable() bool {
	args, err := h.w.globalArgs(0)
	return err != nil || len(args) != 1 || args[0].kind != domain.PtrToCtx
}

// extend gives an extension the rules of the program that it becomes part of.
func (w *walker) extend(h *host) error {
	if line := w.prototypeMismatch(h); line != "" {
		return w.refuseLoad(line)
	}
	e := h.w.env
	e.Flags, e.Caps = w.env.Flags, w.env.Caps
	w.setEnv(e)
	w.pt, w.attach = h.w.pt, h.w.attach
	return nil
}

// trace lets a tracing program see the function's arguments.
func (w *walker) trace(h *host) error {
	if w.prog.Type != bytecode.ProgTracing || w.prog.ExpectedAttach == catalog.AttachTraceIter {
		return w.unsupported("programs of type %s that attach to other programs", w.pt.Name)
	}
	if h.sub > 0 && !h.w.shape.subs[h.sub].IsGlobal {
		return w.unsupported("tracing of static functions of other programs")
	}
	w.attach = &catalog.AttachTarget{Name: h.fn.Name, Spec: h.w.prog.BTF, Proto: h.w.prog.BTF.Type(h.fn.Type)}
	if h.sub == 0 && h.unreliable() {
		w.attach.Proto = nil
	}
	return nil
}

// checkExtension requires that an extension does to the packet, and to the
// time that a call takes, nothing that its callers do not expect.
func (w *walker) checkExtension() error {
	if w.host == nil || w.prog.Type != bytecode.ProgExt {
		return nil
	}
	own, theirs := &w.shape.subs[0], &w.host.w.shape.subs[w.host.sub]
	switch {
	case own.ChangesPkt && !theirs.ChangesPkt:
		return w.refuseLoad("Extension program changes packet data, while original does not")
	case own.MightSleep && !theirs.MightSleep:
		return w.refuseLoad("Extension program may sleep, while original does not")
	}
	return nil
}

// hostContext is what a traced function's pointer to its context is to the
// program that traces it: a pointer to the kernel's own struct.
func (w *walker) hostContext(id btfx.ID) (domain.Reg, error) {
	h := w.host.w
	if kern, ok := h.kernCtx(); ok && h.isContext(h.prog.BTF, id) {
		return w.objectPointer(w.target.BTF, kern, 0), nil
	}
	return w.unsupportedValue("pointers that are no context in functions of other programs")
}
