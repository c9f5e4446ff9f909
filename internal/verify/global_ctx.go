// This file defines the program's context as a parameter: how its type is
// recognised, and what may be tagged as one.

package verify

import (
	"strings"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
)

// isContext reports whether a type is the program's context, by its name or
// through a typedef.
func (w *walker) isContext(spec *btfx.Spec, id btfx.ID) bool {
	want := w.pt.Ctx
	if want == nil {
		return false
	}
	for range 64 {
		t := spec.Type(id)
		if t == nil {
			return false
		}
		if t.Name != "" && (t.Name == want.Name || strings.Contains(ctxAliases[w.env.Type], " "+t.Name+" ")) && (t.Kind == btfx.KindStruct || t.Kind == btfx.KindTypedef) {
			return true
		}
		if !t.Kind.IsModifier() {
			return false
		}
		id = t.Type
	}
	return false
}

// ctxAliases are other names of contexts, between blanks.
var ctxAliases = map[bytecode.ProgType]string{
	bytecode.ProgKprobe: " bpf_user_pt_regs_t pt_regs ", bytecode.ProgPerfEvent: " bpf_perf_event_data ",
}

// checkTaggedContext requires of a parameter that is tagged as the context that
// its type can be one. A pointer to void always can.
func (w *walker) checkTaggedContext(p *globalParam) error {
	if p.to == nil || p.to.Kind == btfx.KindVoid || w.isUserRegs(p.ptr.Type) || w.isContextAs(p.to) {
		return nil
	}
	if p.to.Name == "" {
		return w.fail("arg#%d type doesn't have a name", p.i)
	}
	if w.env.Type == bytecode.ProgTracepoint || w.env.Type == bytecode.ProgSyscall || w.prog.Type == bytecode.ProgExt {
		return nil
	}
	want := w.contextStruct()
	switch {
	case want == "":
		return w.fail("arg#%d should be void pointer", p.i)
	case p.to.Kind != btfx.KindStruct || p.to.Name != want:
		return w.fail("arg#%d should be struct %s", p.i, want)
	}
	return nil
}

// isUserRegs reports whether a type is bpf_user_pt_regs_t, by that name, in a
// program whose context begins with the registers.
func (w *walker) isUserRegs(id btfx.ID) bool {
	if w.env.Type != bytecode.ProgKprobe && w.env.Type != bytecode.ProgPerfEvent {
		return false
	}
	t := w.prog.BTF.Type(id)
	for t != nil && t.Kind.IsModifier() && t.Kind != btfx.KindTypedef {
		t = w.prog.BTF.Type(t.Type)
	}
	return t != nil && t.Kind == btfx.KindTypedef && t.Name == "bpf_user_pt_regs_t"
}

// taggedContexts are names of structs that may be tagged as the context beside
// the type's own; a final "*" stands for any ending.
var taggedContexts = map[bytecode.ProgType]map[bytecode.AttachType]string{
	bytecode.ProgKprobe:    {anyAttach: "pt_regs"},
	bytecode.ProgPerfEvent: {anyAttach: "pt_regs"},
	bytecode.ProgTracing:   {catalog.AttachTraceRawTP: "bpf_raw_tracepoint_args", catalog.AttachTraceIter: "bpf_iter__*"},
}

// anyAttach stands for every attach type.
const anyAttach bytecode.AttachType = 1<<32 - 1

// isContextAs reports whether a type may stand for the context of this program
// though it is not the struct of its type.
func (w *walker) isContextAs(t *btfx.Type) bool {
	if t.Kind == btfx.KindInt && t.Size == 8 {
		return w.isWordsContext()
	}
	for _, at := range []bytecode.AttachType{anyAttach, w.env.Attach} {
		name, ok := taggedContexts[w.env.Type][at]
		prefix, any := strings.CutSuffix(name, "*")
		if ok && t.Kind == btfx.KindStruct && (t.Name == name || any && strings.HasPrefix(t.Name, prefix)) {
			return true
		}
	}
	return false
}

// isWordsContext reports whether the context may be called an array of
// 64-bit words.
func (w *walker) isWordsContext() bool {
	switch w.env.Type {
	case bytecode.ProgRawTracepoint, bytecode.ProgRawTracepointWritable, bytecode.ProgLSM, bytecode.ProgStructOps:
		return true
	case bytecode.ProgTracing:
		return w.env.Attach != catalog.AttachTraceIter
	}
	return false
}

// contextStruct names the struct that the program's context is, "" where it is
// none.
func (w *walker) contextStruct() string {
	switch name := w.pt.Ctx.Name; name {
	case "__u64", "__u32", "void":
		return ""
	case "bpf_user_pt_regs_t":
		return w.pt.Ctx.KernCtx
	default:
		return name
	}
}
