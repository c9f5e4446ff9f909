// This file defines which functions, hooks and iterators programs may attach
// to, as far as the kernel decides it when the program is loaded
// (bpf_check_attach_target, check_attach_btf_id).

package catalog

import (
	"fmt"
	"strings"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
)

// Limits of what a trampoline can call: arguments, and bytes of one.
const (
	maxTrampolineArgs = 12
	maxTrampolineArg  = 16
)

// AttachCheck is what is known of attaching to a target.
type AttachCheck struct {
	Refusal string // the kernel's message, "" where it allows it
	// NoSupport: the error is ENOTSUPP, else EINVAL.
	NoSupport bool
	// Unknown says what decides that is not in the kernel's types, "" where
	// the check is complete.
	Unknown string
}

// CheckAttach decides whether a program in e may attach to a, the type id of
// t's BTF; gpl is about its licence.
func (t *Target) CheckAttach(e Env, a *AttachTarget, id btfx.ID, gpl bool) AttachCheck {
	switch {
	case e.Type == bytecode.ProgStructOps:
		return t.checkMember(e, gpl)
	case e.Attach == AttachTraceRawTP:
		return AttachCheck{}
	}
	if line := trampolineRefusal(a); line != "" {
		return refuseAttach(line)
	}
	switch {
	case e.Attach == AttachTraceIter && iterArgs[e.hook()] == nil:
		return refuseAttach(fmt.Sprintf("attach_btf_id %d is not an iterator", id))
	case e.Attach == AttachTraceIter:
		return AttachCheck{}
	case e.Type == bytecode.ProgLSM:
		return refuseAttach(t.lsmRefusal(e, a, id, gpl))
	}
	if line := TraceRefusal(e, a.Name); line != "" {
		return refuseAttach(line)
	}
	return t.sleepOrModify(e, a.Name)
}

func refuseAttach(line string) AttachCheck { return AttachCheck{Refusal: line} }

// checkMember decides whether a program may implement a member of a kernel's
// struct. Members that are for nobody have no support, others not for programs
// that sleep.
func (t *Target) checkMember(e Env, gpl bool) AttachCheck {
	if !gpl {
		return refuseAttach("struct ops programs must have a GPL compatible license")
	}
	owner, member := structOf(e.AttachTo), memberOf(e.AttachTo)
	if t.StructOpsMember(owner, member, e.Sleepable()) {
		return AttachCheck{}
	}
	return AttachCheck{
		Refusal:   fmt.Sprintf("attach to unsupported member %s of struct %s", member, owner),
		NoSupport: !t.StructOpsMember(owner, member, false),
	}
}

// lsmRefusal says why a program must not attach to a hook.
func (t *Target) lsmRefusal(e Env, a *AttachTarget, id btfx.ID, gpl bool) string {
	hook := strings.TrimPrefix(a.Name, "bpf_lsm_")
	switch {
	case e.Sleepable() && !SleepableLSMHook(hook):
		return a.Name + " is not sleepable"
	case !gpl:
		return "LSM programs must have a GPL compatible license"
	case DisabledLSMHook(hook):
		return fmt.Sprintf("attach_btf_id %d points to disabled hook %s", id, a.Name)
	case hook == a.Name || !t.isLSMHook(hook):
		return fmt.Sprintf("attach_btf_id %d points to wrong type name %s", id, a.Name)
	}
	return ""
}

// isLSMHook tells hooks from other functions of that prefix. Hooks are the
// members of a union, where the types have it.
func (t *Target) isLSMHook(hook string) bool {
	id, ok := t.BTF.Find("security_list_options", btfx.KindUnion)
	if !ok {
		return true
	}
	_, ok = t.BTF.FindMember(id, hook)
	return ok
}

// trampolineRefusal says why a function cannot be called through a trampoline
// (btf_distill_func_proto).
func trampolineRefusal(a *AttachTarget) string {
	proto, name := a.Proto, a.Name
	if proto == nil {
		return ""
	}
	if n := len(proto.Params); n > maxTrampolineArgs {
		return fmt.Sprintf("The function %s has %d arguments. Too many.", name, n)
	}
	if ret := a.Spec.Strip(proto.Type); a.trampolineSize(proto.Type) < 0 || isAggregate(ret) {
		return fmt.Sprintf("The function %s return type %s is unsupported.", name, kindName(ret))
	}
	for i, p := range proto.Params {
		size := a.trampolineSize(p.Type)
		switch {
		case p.Type == 0 && i == len(proto.Params)-1:
			return fmt.Sprintf("The function %s with variable args is unsupported.", name)
		case size < 0 || size > maxTrampolineArg:
			return fmt.Sprintf("The function %s arg%d type %s is unsupported.", name, i, kindName(a.Spec.Strip(p.Type)))
		case size == 0:
			return fmt.Sprintf("The function %s has malformed void argument.", name)
		}
	}
	return ""
}

func isAggregate(t *btfx.Type) bool {
	return t != nil && (t.Kind == btfx.KindStruct || t.Kind == btfx.KindUnion)
}

// trampolineSize is the size of an argument, 0 for void, -1 for types that
// cannot be passed.
func (a *AttachTarget) trampolineSize(id btfx.ID) int {
	typ := a.Spec.Strip(id)
	switch {
	case id == 0 || typ != nil && typ.Kind == btfx.KindVoid:
		return 0
	case typ == nil:
		return -1
	case typ.Kind == btfx.KindPtr:
		return 8
	case typ.Kind == btfx.KindInt || typ.Kind == btfx.KindEnum || typ.Kind == btfx.KindEnum64 || isAggregate(typ):
		return int(typ.Size)
	}
	return -1
}

// sleepOrModify is about tracing programs that may sleep or change what the
// function returns. The kernel has a list of functions where errors may be
// injected, which its types do not show; system calls are on it.
func (t *Target) sleepOrModify(e Env, name string) AttachCheck {
	switch {
	case e.Type != bytecode.ProgTracing || t.injectable(name):
	case e.Sleepable() && neverSleeps[name]:
		return refuseAttach(name + " is not sleepable")
	case e.Sleepable() && !sleepableTargets[name]:
		return AttachCheck{Unknown: "whether " + name + " may sleep"}
	case e.Attach == AttachModifyReturn && !e.Sleepable() && !modifiable(name):
		return AttachCheck{Unknown: "whether the result of " + name + " may be changed"}
	}
	return AttachCheck{}
}

// injectable reports whether a function is a system call's, or of a module that
// lists it.
func (t *Target) injectable(name string) bool {
	for _, m := range t.modules {
		if m.Injectable[name] {
			return true
		}
	}
	for _, prefix := range []string{"__x64_sys_", "__ia32_sys_", "__arm64_sys_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

func modifiable(name string) bool {
	return strings.HasPrefix(name, "security_") || modifiableTargets[name] || sleepableTargets[name]
}

var (
	// neverSleeps: errors may be injected, but not by a program that sleeps.
	neverSleeps = nameSet(`__filemap_add_folio should_fail_alloc_page should_failslab`)
	// Functions that are there for tests (bpf_test_modify_return_ids).
	sleepableTargets  = nameSet(`bpf_fentry_test1`)
	modifiableTargets = nameSet(`update_socket_protocol bpf_modify_return_test bpf_modify_return_test2 bpf_modify_return_test_tp
		__filemap_add_folio should_fail_alloc_page should_failslab`)
)
