// This file defines global functions: each is verified once, for any arguments
// that its BTF prototype allows, and a call is checked against the prototype.

package verify

import (
	"errors"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/verify/domain"
)

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
	for i := range args {
		st.Regs()[bytecode.R1+i] = w.givenArg(&args[i])
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

// checkGlobalArgs compares a call's arguments with the callee's prototype.
func (w *walker) checkGlobalArgs(callee int) error {
	args, err := w.globalArgs(callee)
	if err != nil {
		return w.invalidArgs(callee, err)
	}
	for i, a := range args {
		if err := w.checkGlobalArg(uint8(bytecode.R1+i), i, &a); err != nil {
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

// checkMemReg requires memory of the parameter's size, readable and writable;
// a pointer that may be NULL is checked as if it were not.
func (w *walker) checkMemReg(r uint8, i int, a globalArg) error {
	reg := &w.regs()[r]
	if reg.IsNull() && a.mayBeNull() {
		return w.markPrecise(r) // only NULL is allowed, not any number
	}
	if !a.mayBeNull() && reg.MayBeNull() {
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
	return c != nil && c.Raw == nil && !c.BTFArgs && w.env.Type != bytecode.ProgSyscall
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
