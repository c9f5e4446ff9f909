// This file defines timers, work queues and task work: fields of map values that
// run a callback later.

package verify

import (
	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/verify/domain"
)

var timerRules = map[string]kfuncRule{
	"bpf_wq_set_callback_impl":           {check: (*walker).setWorkCallback},
	"bpf_task_work_schedule_signal_impl": {check: (*walker).scheduleTaskWork},
	"bpf_task_work_schedule_resume_impl": {check: (*walker).scheduleTaskWork},
}

// checkTimerArg checks the timer that a helper is given.
func (w *walker) checkTimerArg(r uint8, _ catalog.Arg, m *callMeta) error {
	return w.checkFieldArg(r, "bpf_timer", m)
}

func (w *walker) checkWorkQueueArg(c *kfuncCall, a *kfuncArg) error {
	if err := w.requireMapValue(a); err != nil {
		return err
	}
	return w.checkFieldArg(a.r, "bpf_wq", &c.callMeta)
}

func (w *walker) checkTaskWorkArg(c *kfuncCall, a *kfuncArg) error {
	if err := w.requireMapValue(a); err != nil {
		return err
	}
	return w.checkFieldArg(a.r, "bpf_task_work", &c.callMeta)
}

func (w *walker) requireMapValue(a *kfuncArg) error {
	if reg := &w.regs()[a.r]; !reg.Is(domain.PtrToMapValue, 0) {
		return w.fail("arg#%d doesn't point to a map value", a.i)
	}
	return nil
}

// checkFieldArg requires a pointer to the field of that name in a map's value,
// and remembers the map.
func (w *walker) checkFieldArg(r uint8, name string, m *callMeta) error {
	reg := &w.regs()[r]
	s := w.mapOf(reg).Spec()
	if !reg.IsConst() {
		return w.fail("R%d doesn't have constant offset. %s has to be at the constant offset", r, name)
	}
	if !w.typedMap(s) {
		return w.fail("map '%s' has to have BTF in order to use %s", w.mapName(reg), name)
	}
	off, ok := w.fieldOffset(reg, name)
	if !ok {
		return w.fail("map '%s' has no valid %s", w.mapName(reg), name)
	}
	if at := int64(reg.Off) + int64(reg.Value()); at != int64(off) {
		return w.fail("off %d doesn't point to 'struct %s' that is at %d", at, name, off)
	}
	m.mapCopy, m.field = *reg, name
	m.mapReg = &m.mapCopy
	return nil
}

// mapName is the name of the map that a register is about, as messages have it:
// what a map of maps describes has none.
func (w *walker) mapName(r *domain.Reg) string {
	if innerMap(r) {
		return ""
	}
	return kernelName(w.mapOf(r).Spec().Name)
}

// fieldOffset is where a map's value has the field of that name.
func (w *walker) fieldOffset(r *domain.Reg, name string) (uint32, bool) {
	for _, f := range w.mapRecord(w.mapOf(r)) {
		if f.name == name {
			return f.off, true
		}
	}
	return 0, false
}

// fieldArgs are the arguments of the functions that take a field and its map,
// as messages name them.
var fieldArgs = map[string]struct {
	what       string
	field, ptr int
}{
	"bpf_timer":     {"timer", 1, 2},
	"bpf_wq":        {"workqueue", 1, 2},
	"bpf_task_work": {"bpf_task_work", 2, 3},
}

// checkFieldMap requires that a map argument is the map that the field
// argument before it lies in: inner maps share a description, not a field.
func (w *walker) checkFieldMap(reg *domain.Reg, m *callMeta) error {
	if m.field == "" || m.mapReg.MapIdx == reg.MapIdx && m.mapReg.MapUID == reg.MapUID {
		return nil
	}
	a := fieldArgs[m.field]
	return w.fail("%s pointer in R%d map_uid=%d doesn't match map pointer in R%d map_uid=%d", a.what, a.field, m.mapReg.MapUID, a.ptr, reg.MapUID)
}

func (w *walker) checkKfuncCallback(c *kfuncCall, a *kfuncArg) error {
	reg := &w.regs()[a.r]
	if reg.Kind != domain.PtrToFunc {
		return w.fail("arg%d expected pointer to func", a.i)
	}
	c.callback = reg.Subprog
	return nil
}

// setTimerCallback is bpf_timer_set_callback(timer, callback).
func (w *walker) setTimerCallback(m *callMeta) error {
	return w.pushAsync(m, bytecode.R1, domain.Range{}, false)
}

func (w *walker) setWorkCallback(c *kfuncCall) error {
	if err := w.pushAsync(&c.callMeta, bytecode.R1, domain.Range{}, true); err != nil {
		return err
	}
	return w.checkSections(c)
}

// anyResult is the range of a callback whose result nobody looks at.
var anyResult = domain.Range{Min: -1 << 31, Max: 1<<31 - 1}

func (w *walker) scheduleTaskWork(c *kfuncCall) error {
	if err := w.pushAsync(&c.callMeta, bytecode.R3, anyResult, true); err != nil {
		return err
	}
	return w.checkSections(c)
}

// pushAsync keeps the run of an asynchronous callback for later: it begins on a
// stack of its own, with callback(map, key, value) as its arguments, and knows
// nothing of the path that asked for it. from is the register with the map.
func (w *walker) pushAsync(m *callMeta, from int, ret domain.Range, sleepable bool) error {
	sub := int(m.callback)
	w.facts.callback(sub)
	w.facts.async[sub] = true
	st := &node{State: domain.State{InSleepable: sleepable}, branches: 1, first: w.shape.subs[sub].Start}
	st.act = w.activations.into(-1, st.first, w.shape)
	f := st.Push()
	w.log.scratchAll()
	f.CallSite, f.Subprog, f.InAsync, f.CallbackRet = -1, sub, true, ret
	f.AsyncEntry = w.cur.Cur().AsyncEntry + 1
	f.Regs[bytecode.R10] = framePointer(0)
	of := w.regs()[from]
	for r, kind := range map[int]domain.RegKind{
		bytecode.R1: domain.ConstPtrToMap, bytecode.R2: domain.PtrToMapKey, bytecode.R3: domain.PtrToMapValue,
	} {
		f.Regs[r] = domain.Pointer(kind, 0)
		f.Regs[r].MapIdx, f.Regs[r].MapUID = of.MapIdx, of.MapUID
	}
	return w.fork(st, w.shape.subs[sub].Start, w.pc, false)
}

// findVMAArgs: bpf_find_vma(task, addr, callback, ctx, flags) →
// callback(task, vma, ctx).
func findVMAArgs(vma domain.Reg) callbackArgs {
	return func(callee, caller *domain.Frame, _ *callMeta) {
		callee.Regs[bytecode.R1] = caller.Regs[bytecode.R1]
		callee.Regs[bytecode.R2] = vma
		callee.Regs[bytecode.R3] = caller.Regs[bytecode.R4]
		callee.CallbackRet = domain.Range{Min: 0, Max: 1}
	}
}

// findVMA is bpf_find_vma, which runs its callback at most once.
func (w *walker) findVMA(m *callMeta) error {
	if w.target.BTF == nil {
		return w.unsupported("callbacks of %s: the target has no BTF", m.proto.Name)
	}
	id, ok := w.target.BTF.Find("vm_area_struct", btfx.KindStruct)
	if !ok {
		return w.unsupported("callbacks of %s: the target has no memory areas", m.proto.Name)
	}
	vma := domain.Pointer(domain.PtrToBTFID, 0)
	vma.BTF, vma.BTFID = w.target.BTF, id
	return w.enterCallback(m, findVMAArgs(vma))
}
