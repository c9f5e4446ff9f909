// This file defines global functions: each is verified once, for any arguments
// that its BTF prototype allows, and a call is checked against the prototype.

package verify

import (
	"errors"
	"strings"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// globalArg is what one parameter of a global function takes.
type globalArg struct {
	kind     domain.RegKind // ScalarValue, PtrToCtx, ConstPtrToDynptr, PtrToMem
	size     uint32         // PtrToMem: bytes
	nullable bool
}

// walkGlobals verifies the global functions that are called, and those that
// they call.
func (w *walker) walkGlobals() error {
	done := map[int]bool{0: true}
	for i := range w.shape.subs {
		if w.shape.subs[i].IsExceptionCB {
			w.called[i] = true // by any function that throws
		}
	}
	for again := true; again; {
		again = false
		for i := range w.shape.subs {
			if done[i] || !w.shape.subs[i].IsGlobal || !w.called[i] {
				continue
			}
			done[i], again = true, true
			if err := w.walkGlobal(i); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *walker) walkGlobal(sub int) error {
	s := &w.shape.subs[sub]
	if w.log.on() {
		w.log.printf("Validating %s() func#%d...\n", s.Name, sub)
	}
	w.pc = s.Start
	w.resetStates()
	st, err := w.globalEntry(sub)
	if err != nil {
		return err
	}
	if err := w.walk(st, s.Start); err != nil {
		return err
	}
	if w.log.on() {
		w.log.printf("Func#%d ('%s') is safe for any args that match its prototype\n", sub, s.Name)
	}
	return nil
}

// globalEntry is the state at the beginning of a global function.
func (w *walker) globalEntry(sub int) (*node, error) {
	args, err := w.globalArgs(sub)
	if err != nil {
		return nil, err
	}
	st := w.entry(sub)
	if w.shape.subs[sub].IsExceptionCB {
		if err := w.enterExceptionCallback(st, args); err != nil {
			return nil, err
		}
	}
	for i, a := range args {
		r := &st.Regs()[bytecode.R1+i]
		switch a.kind {
		case domain.ScalarValue:
			w.setUnknown(r)
		case domain.PtrToCtx:
			*r = domain.Pointer(domain.PtrToCtx, 0)
		case domain.ConstPtrToDynptr:
			*r = w.givenDynptr()
		case domain.PtrToMem:
			*r = domain.Pointer(domain.PtrToMem, 0)
			r.MemSize = a.size
			if a.nullable {
				r.Flags, r.ID = domain.MaybeNull, w.newID()
			}
		}
	}
	return st, nil
}

// resetStates drops the stored states: they belong to another entry.
func (w *walker) resetStates() {
	if !w.opt.KeepStates {
		w.seen.clear()
	}
	w.sccs = sccVisits{}
	w.seen.count = 0
}

// globalArgs reads a global function's prototype.
func (w *walker) globalArgs(sub int) ([]globalArg, error) {
	s := &w.shape.subs[sub]
	spec := w.prog.BTF
	fn := spec.Type(s.BTFFunc)
	if fn == nil || fn.Kind != btfx.KindFunc {
		return nil, w.fail("Global function %s() has no BTF", s.Name)
	}
	proto := spec.Type(fn.Type)
	if len(proto.Params) > 5 {
		return nil, w.fail("Global function %s() with %d > 5 args. Buggy compiler.", s.Name, len(proto.Params))
	}
	if !returnsScalar(spec, proto.Type) {
		return nil, w.fail("Global function %s() doesn't return scalar. Only those are supported.", s.Name)
	}
	args := make([]globalArg, len(proto.Params))
	for i, p := range proto.Params {
		a, err := w.globalArg(sub, i, p.Type, spec.DeclTags(s.BTFFunc, int32(i)))
		if err != nil {
			return nil, err
		}
		args[i] = a
	}
	return args, nil
}

func returnsScalar(spec *btfx.Spec, id btfx.ID) bool {
	t := spec.Strip(id)
	return t != nil && (t.Kind == btfx.KindInt || t.Kind == btfx.KindEnum || t.Kind == btfx.KindEnum64)
}

// globalArg decides what one parameter takes.
func (w *walker) globalArg(sub, i int, id btfx.ID, tags []string) (globalArg, error) {
	s, spec := &w.shape.subs[sub], w.prog.BTF
	nullable := true
	for _, tag := range tags {
		switch tag {
		case "arg:ctx":
			return globalArg{kind: domain.PtrToCtx}, nil
		case "arg:nonnull":
			nullable = false
		case "arg:nullable":
		default:
			return globalArg{}, w.unsupported("argument tag %q of %s()", tag, s.Name)
		}
	}
	t := spec.Strip(id)
	if t == nil {
		return globalArg{}, w.fail("Arg#%d type is not known", i)
	}
	switch t.Kind {
	case btfx.KindInt, btfx.KindEnum, btfx.KindEnum64:
		return globalArg{kind: domain.ScalarValue}, nil
	case btfx.KindPtr:
		return w.globalPointer(i, t, nullable)
	}
	return globalArg{}, w.fail("Arg#%d type %s in %s() is not supported yet.", i, btfKindNames[t.Kind], s.Name)
}

var btfKindNames = map[btfx.Kind]string{
	btfx.KindStruct: "STRUCT", btfx.KindUnion: "UNION", btfx.KindArray: "ARRAY", btfx.KindFloat: "FLOAT", btfx.KindFwd: "FWD",
}

func (w *walker) globalPointer(i int, ptr *btfx.Type, nullable bool) (globalArg, error) {
	spec := w.prog.BTF
	if w.isContext(spec, ptr.Type) {
		return globalArg{kind: domain.PtrToCtx}, nil
	}
	if t := spec.Strip(ptr.Type); t != nil && t.Kind == btfx.KindStruct && t.Name == "bpf_dynptr" {
		return globalArg{kind: domain.ConstPtrToDynptr}, nil
	}
	size, ok := spec.SizeOf(ptr.Type)
	if !ok {
		t := spec.Strip(ptr.Type)
		name := ""
		if t != nil {
			name = t.Name
		}
		return globalArg{}, w.fail("arg#%d reference type('%s %s') size cannot be determined: -22", i, kindWord(t), name)
	}
	return globalArg{kind: domain.PtrToMem, size: size, nullable: nullable}, nil
}

func kindWord(t *btfx.Type) string {
	if t == nil || t.Kind == btfx.KindVoid {
		return "UNKNOWN"
	}
	if n, ok := btfKindNames[t.Kind]; ok {
		return n
	}
	return "UNKNOWN"
}

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
		if t.Name != "" && (t.Name == want.Name || strings.Contains(ctxAliases[w.prog.Type], " "+t.Name+" ")) && (t.Kind == btfx.KindStruct || t.Kind == btfx.KindTypedef) {
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

// checkGlobalArgs compares a call's arguments with the callee's prototype.
func (w *walker) checkGlobalArgs(callee int) error {
	args, err := w.globalArgs(callee)
	if err != nil {
		return w.invalidArgs(callee, err)
	}
	for i, a := range args {
		if err := w.checkGlobalArg(uint8(bytecode.R1+i), i, a); err != nil {
			return w.invalidArgs(callee, err)
		}
	}
	return nil
}

// invalidArgs adds to a rejection whose call it is about.
func (w *walker) invalidArgs(callee int, err error) error {
	var r *Rejection
	if !errors.As(err, &r) {
		return err
	}
	return w.refuse(KindCall, r.Errno, r.Reg, "Caller passes invalid args into func#%d ('%s')", callee, w.shape.subs[callee].Name)
}

func (w *walker) checkGlobalArg(r uint8, i int, a globalArg) error {
	reg := &w.regs()[r]
	switch a.kind {
	case domain.ScalarValue:
		if reg.Kind != domain.ScalarValue {
			return w.fail("R%d is not a scalar", r)
		}
		return nil
	case domain.PtrToCtx:
		if reg.Kind != domain.PtrToCtx {
			return w.fail("arg#%d expects pointer to ctx", i)
		}
		return w.checkPlainOffset(reg, r, false)
	case domain.ConstPtrToDynptr:
		if err := w.checkArgOffset(r, catalog.Arg{Kind: catalog.ArgDynptr}); err != nil {
			return err
		}
		return w.checkDynptr(r, dynptrUse{arg: i, keeps: true})
	}
	return w.checkMemReg(r, i, a)
}

// checkMemReg requires memory of the parameter's size, readable and writable;
// a pointer that may be NULL is checked as if it were not.
func (w *walker) checkMemReg(r uint8, i int, a globalArg) error {
	reg := &w.regs()[r]
	if reg.IsNull() && a.nullable {
		return w.markPrecise(r) // only NULL is allowed, not any number
	}
	if !a.nullable && reg.MayBeNull() {
		return w.fail("arg#%d is expected to be non-NULL", i)
	}
	saved := *reg
	if reg.MayBeNull() {
		w.becomeNonNull(reg)
	}
	m := callMeta{proto: new(catalog.Proto)}
	for _, write := range []bool{false, true} {
		if err := w.checkHelperMem(r, int(a.size), write, true, &m); err != nil {
			return err
		}
	}
	w.regs()[r] = saved
	return nil
}

// memoryArgs sets the arguments of Skep's own program type: memory of known
// size and its length.
func (w *walker) memoryArgs(st *node) {
	regs := st.Regs()
	regs[bytecode.R1] = domain.Pointer(domain.PtrToMem, 0)
	regs[bytecode.R1].MemSize = w.opt.MemorySize
	regs[bytecode.R2] = domain.ScalarReg(domain.Const(uint64(w.opt.MemorySize)))
}

// ctxIsView reports whether the context's UAPI layout is only a view, whose
// loads are converted.
func (w *walker) ctxIsView() bool {
	c := w.pt.Ctx
	return c != nil && c.Raw == nil && !c.BTFArgs && w.prog.Type != bytecode.ProgSyscall
}

// checkDepth bounds the stack of nested calls.
func (w *walker) checkDepth() error {
	for i := range w.uses {
		w.frames = append(w.frames, w.uses[i].Depth) // what the program as it stands touches
		w.uses[i].Depth = w.shape.trimmedDepth(i, w.shape.subs[i], w.uses[i].Depth)
		w.uses[i].IsCallback = w.facts.isCB[i]
		w.uses[i].IsAsync = w.facts.async[i]
	}
	if r := checkStackDepth(w.prog, w.shape.subs, w.uses, w.penv); r != nil {
		w.note("%s", r.Line)
		return r
	}
	w.addLoopStack()
	return nil
}

// loopStack is what an inlined bpf_loop spills, in bytes.
const loopStack = 24

// addLoopStack adds the stack of loops that a kernel inlines, which it does
// after it has checked the depth.
func (w *walker) addLoopStack() {
	for i := range w.shape.subs {
		s := &w.shape.subs[i]
		for pc := s.Start; pc < s.End; pc++ {
			if c := w.facts.facts.Insns[pc].Call; c != nil && c.InlineLoop {
				w.uses[i].Depth += loopStack
				break
			}
		}
	}
}
