// This file defines the arguments of kernel functions: which kind of argument a
// parameter is, by its type and its suffix, and what each kind requires.

package verify

import (
	"slices"
	"strings"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/verify/domain"
)

// suffixed reports whether a parameter's name carries an annotation.
func suffixed(p btfx.Param, suffix string) bool { return strings.HasSuffix(p.Name, suffix) }

// checkKfuncArg checks one argument; skip is 1 where it used up the next too.
func (w *walker) checkKfuncArg(c *kfuncCall, i int) (skip int, err error) {
	p, r := c.params[i], uint8(bytecode.R1+i)
	if i >= 5 {
		return 0, w.fail("Function %s has %d > 5 args", c.Name, len(c.params))
	}
	if suffixed(p, "__ign") || suffixed(p, "__prog") {
		return 0, nil
	}
	t := c.spec.Strip(p.Type)
	switch {
	case t == nil:
		return 0, w.fail("Unrecognized arg#%d type UNKNOWN", i)
	case t.Kind == btfx.KindInt || t.Kind == btfx.KindEnum || t.Kind == btfx.KindEnum64:
		return 0, w.checkKfuncScalar(c, p, r)
	case t.Kind != btfx.KindPtr:
		return 0, w.fail("Unrecognized arg#%d type %s", i, btfKindNames[t.Kind])
	}
	return w.checkKfuncPointer(c, i, t)
}

func (w *walker) checkKfuncScalar(c *kfuncCall, p btfx.Param, r uint8) error {
	reg := &w.regs()[r]
	if reg.Kind != domain.ScalarValue {
		return w.fail("R%d is not a scalar", r)
	}
	switch {
	case suffixed(p, "__k"):
		if !reg.IsConst() {
			return w.fail("R%d must be a known constant", r)
		}
		c.constant, c.hasConst = reg.Value(), true
		return w.markPrecise(r)
	case p.Name == "rdonly_buf_size" || p.Name == "rdwr_buf_size":
		if !reg.IsConst() {
			return w.fail("R%d is not a const", r)
		}
		if reg.Value() > 1<<32-1 {
			return w.fail("R%d rdonly/rdwr_buf_size exceeds u32 max", r)
		}
		c.retSize, c.retWrite = uint32(reg.Value()), p.Name == "rdwr_buf_size"
		return w.markPrecise(r)
	}
	return nil
}

// kfuncArg is one pointer argument being checked.
type kfuncArg struct {
	i      int // index of the parameter
	r      uint8
	param  btfx.Param
	to     *btfx.Type // what the parameter points to, without typedefs and qualifiers
	strict bool       // it must be trusted and not NULL
	skip   int        // 1 where the check used up the next argument too
}

// kfuncArgKind is one kind of pointer argument.
type kfuncArgKind struct {
	is    func(*walker, *kfuncCall, *kfuncArg) bool
	check func(*walker, *kfuncCall, *kfuncArg) error
	still bool // whatever the pointer's kind, it may not have moved where its kind must not
}

// kfuncArgKinds are the kinds of pointer arguments, in the order in which they
// are told apart: the first that fits decides.
var kfuncArgKinds = []kfuncArgKind{
	{isContextArg, (*walker).checkKfuncCtx, true},
	{isNullArg, func(w *walker, _ *kfuncCall, a *kfuncArg) error { return w.markPrecise(a.r) }, false},
	{bySuffix("__alloc"), (*walker).checkAllocArg, false},
	{bySuffix("__refcounted_kptr"), (*walker).checkRefcountedArg, true},
	{byStruct("bpf_dynptr", "bpf_dynptr_kern"), (*walker).checkKfuncDynptr, true},
	{isIterArg, (*walker).checkIterArg, true},
	{byStruct("bpf_list_head"), (*walker).checkListHeadArg, true},
	{byStruct("bpf_rb_root"), (*walker).checkRBRootArg, true},
	{byStruct("bpf_list_node"), (*walker).checkListNodeArg, true},
	{byStruct("bpf_rb_node"), (*walker).checkRBNodeArg, true},
	{bySuffix("__str"), (*walker).checkKfuncStr, true},
	{bySuffix("__map"), (*walker).checkKfuncMap, false},
	{byStruct("bpf_timer", "bpf_wq"), (*walker).checkWorkQueueArg, true},
	{byStruct("bpf_task_work"), (*walker).checkTaskWorkArg, true},
	{bySuffix("__irq_flag"), (*walker).checkIRQFlagArg, true},
	{byStruct("bpf_res_spin_lock"), (*walker).checkResLockArg, true},
	{isObjectArg, (*walker).checkKfuncObject, false},
	{isCallbackArg, (*walker).checkKfuncCallback, true},
	{func(*walker, *kfuncCall, *kfuncArg) bool { return true }, (*walker).checkKfuncMem, false},
}

func bySuffix(suffix string) func(*walker, *kfuncCall, *kfuncArg) bool {
	return func(_ *walker, _ *kfuncCall, a *kfuncArg) bool { return suffixed(a.param, suffix) }
}

func byStruct(names ...string) func(*walker, *kfuncCall, *kfuncArg) bool {
	return func(_ *walker, _ *kfuncCall, a *kfuncArg) bool {
		return a.to.Kind == btfx.KindStruct && slices.Contains(names, a.to.Name)
	}
}

func isContextArg(w *walker, c *kfuncCall, a *kfuncArg) bool {
	return c.Name == "bpf_cast_to_kern_ctx" || w.isContext(c.spec, a.to.ID)
}

func isNullArg(w *walker, _ *kfuncCall, a *kfuncArg) bool {
	return suffixed(a.param, "__nullable") && w.regs()[a.r].IsNull()
}

func isIterArg(_ *walker, c *kfuncCall, a *kfuncArg) bool {
	return a.i == 0 && c.has(iterFlags) || suffixed(a.param, "__iter")
}

func isObjectArg(w *walker, _ *kfuncCall, a *kfuncArg) bool {
	k := w.regs()[a.r].Kind
	return k == domain.PtrToBTFID || objectOf[k] != ""
}

func isCallbackArg(_ *walker, _ *kfuncCall, a *kfuncArg) bool { return a.to.Kind == btfx.KindFuncProto }

// checkKfuncPointer checks a pointer by what the parameter points to.
func (w *walker) checkKfuncPointer(c *kfuncCall, i int, ptr *btfx.Type) (skip int, err error) {
	a := &kfuncArg{i: i, r: uint8(bytecode.R1 + i), param: c.params[i], to: c.spec.Strip(ptr.Type)}
	a.strict = c.has(catalog.KfTrustedArgs | catalog.KfRCU | catalog.KfRelease)
	reg := &w.regs()[a.r]
	if a.strict && (reg.IsNull() || reg.MayBeNull()) && !suffixed(a.param, "__nullable") {
		return 0, w.deny(KindNull, int(a.r), "Possibly NULL pointer passed to trusted arg%d", i)
	}
	if reg.RefID != 0 {
		c.refID = reg.RefID
		if c.has(catalog.KfRelease) {
			c.releaseReg = int(a.r)
		}
	}
	if a.to == nil {
		return 0, w.fail("Unrecognized arg#%d type UNKNOWN", i)
	}
	for _, k := range kfuncArgKinds {
		if !k.is(w, c, a) {
			continue
		}
		if k.still {
			if err := w.checkArgOffset(a.r, catalog.Arg{}); err != nil {
				return 0, err
			}
		}
		err := k.check(w, c, a)
		return a.skip, err
	}
	return 0, nil // not reached: the last kind fits everything
}

func (w *walker) checkKfuncStr(_ *kfuncCall, a *kfuncArg) error {
	if reg := &w.regs()[a.r]; reg.Kind != domain.PtrToMapValue || reg.Flags != 0 {
		return w.deny(KindCall, int(a.r), "arg#%d doesn't point to a const string", a.i)
	}
	return w.checkConstStr(a.r)
}

func (w *walker) checkKfuncCtx(_ *kfuncCall, a *kfuncArg) error {
	reg := &w.regs()[a.r]
	if reg.Kind != domain.PtrToCtx {
		return w.fail("arg#%d expected pointer to ctx, but got %s", a.i, kindName(reg))
	}
	return nil
}
