// This file defines which values programs and callbacks may return.

package catalog

import (
	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
)

// Range is an inclusive range of return values, as signed 32- or 64-bit.
type Range struct{ Min, Max int32 }

// ReturnRule is what R0 must be when a program or callback ends.
type ReturnRule struct {
	// Check: R0 must be a scalar inside Range; else any value passes that is
	// readable and no pointer.
	Check bool
	Range Range
	// Bits32: Range is about the low 32 bits alone (return_32bit).
	Bits32 bool
	// NoRet: the attach target returns void and R0 need not even be written.
	NoRet bool
	// VoidHook: a rejection is followed by "Note, BPF_LSM_CGROUP that attach to
	// void LSM hooks can't modify return value!".
	VoidHook bool
}

// MaxErrno is the largest errno that a hook may return, negated.
const MaxErrno = 4095

func between(min, max int32) ReturnRule { return ReturnRule{Check: true, Range: Range{min, max}} }

// returnRow is the range of a type, for some attach types.
type returnRow struct {
	attach attachList // nil is any
	rule   ReturnRule
}

// zeroOrOne is the range of hooks that allow or deny.
var zeroOrOne = []returnRow{{rule: between(0, 1)}}

// returnRows are the ranges by type; the first row that matches counts. Types
// that are absent may return anything.
var returnRows = map[bytecode.ProgType][]returnRow{
	bytecode.ProgCgroupSockAddr: {
		{concat(recvmsgAttach, inetNameAttach, unixNameAttach), between(1, 1)},
		{inetBindAttach, between(0, 3)},
		{nil, between(0, 1)},
	},
	bytecode.ProgCgroupSKB: {
		{attachList{AttachCgroupInetEgress}, between(0, 3)},
		{nil, between(0, 1)},
	},
	bytecode.ProgCgroupSock:    zeroOrOne,
	bytecode.ProgSockOps:       zeroOrOne,
	bytecode.ProgCgroupDevice:  zeroOrOne,
	bytecode.ProgCgroupSysctl:  zeroOrOne,
	bytecode.ProgCgroupSockopt: zeroOrOne,
	bytecode.ProgSKLookup:      zeroOrOne,
	bytecode.ProgNetfilter:     zeroOrOne,
	bytecode.ProgTracing: {
		{attachList{AttachTraceFentry, AttachTraceFexit}, between(0, 0)},
		{attachList{AttachTraceIter}, between(0, 1)},
	},
	bytecode.ProgKprobe: {
		{attachList{AttachTraceKprobeSession, AttachTraceUprobeSession}, between(0, 1)},
	},
}

// ReturnRange returns the rule for a program in e at its own exit: "At program
// exit the register R0 has %s should have been in [%d, %d]". The end of a
// subprogram is not its business.
func (t *Target) ReturnRange(e Env) ReturnRule {
	e = e.fixed()
	switch e.Type {
	case bytecode.ProgLSM:
		return t.lsmReturn(e)
	case bytecode.ProgStructOps:
		return ReturnRule{NoRet: t.memberReturnsVoid(e.AttachTo)}
	}
	for _, r := range returnRows[e.Type] {
		if r.attach == nil || r.attach.has(e.Attach) {
			return r.rule
		}
	}
	return ReturnRule{}
}

// lsmReturn: hooks return 0 or a negative errno, some of them a truth value;
// a cgroup's program allows or denies, and where the hook returns nothing it
// can only allow.
func (t *Target) lsmReturn(e Env) ReturnRule {
	void := t.funcReturnsVoid("bpf_lsm_" + e.hook())
	switch {
	case e.Attach == AttachLSMCgroup && void:
		r := between(1, 1)
		r.VoidHook = true
		return r
	case e.Attach == AttachLSMCgroup:
		return between(0, 1)
	case void:
		return ReturnRule{NoRet: true}
	case BoolLSMHook(e.hook()):
		return ReturnRule{Check: true, Range: Range{0, 1}, Bits32: true}
	}
	return ReturnRule{Check: true, Range: Range{-MaxErrno, 0}, Bits32: true}
}

// funcReturnsVoid is false for functions that the target's BTF does not have.
func (t *Target) funcReturnsVoid(name string) bool {
	if t.BTF == nil {
		return false
	}
	id, ok := t.BTF.Find(name, btfx.KindFunc)
	if !ok {
		return false
	}
	proto := t.BTF.Type(t.BTF.Type(id).Type)
	return proto != nil && proto.Kind == btfx.KindFuncProto && proto.Type == 0
}

// memberReturnsVoid is about a struct_ops member, "tcp_congestion_ops.init".
func (t *Target) memberReturnsVoid(attachTo string) bool {
	proto := t.memberProto(attachTo)
	return proto != nil && proto.Type == 0
}

// memberProto returns the prototype of a struct_ops member; nil when the
// target's BTF has no such function pointer.
func (t *Target) memberProto(attachTo string) *btfx.Type {
	if t.BTF == nil {
		return nil
	}
	id, ok := t.BTF.Find(structOf(attachTo), btfx.KindStruct)
	if !ok {
		return nil
	}
	for _, m := range t.BTF.Type(id).Members {
		if m.Name == memberOf(attachTo) {
			return t.pointedProto(m.Type)
		}
	}
	return nil
}

// CallbackRule is how a callback of a helper or kfunc ends.
type CallbackRule struct {
	Range Range
	// Async callbacks run later, on their own: "At async callback return".
	// Others run inside the call: "At callback return".
	Async bool
}

// CallbackReturn returns the rule for callbacks that are given to the function
// of that name ("bpf_loop"); ok is false for functions that take none.
func CallbackReturn(name string) (r CallbackRule, ok bool) {
	r, ok = callbacks[name]
	return r, ok
}

var callbacks = map[string]CallbackRule{
	"bpf_for_each_map_elem":              {Range: Range{0, 1}},
	"bpf_loop":                           {Range: Range{0, 1}},
	"bpf_find_vma":                       {Range: Range{0, 1}},
	"bpf_user_ringbuf_drain":             {Range: Range{0, 1}},
	"bpf_rbtree_add_impl":                {Range: Range{0, 1}},
	"bpf_timer_set_callback":             {Async: true},
	"bpf_wq_set_callback_impl":           {Async: true},
	"bpf_task_work_schedule_signal_impl": {Async: true},
	"bpf_task_work_schedule_resume_impl": {Async: true},
}
