// This file defines small lists of the verifier: fields that keep their
// pointer's trust, functions that must not be traced.

package catalog

// Trust is how far a pointer that is read from a field of a trusted object can
// be trusted.
type Trust uint8

// Degrees of trust. Fields that no table lists give TrustNone: an untrusted
// pointer.
const (
	TrustNone       Trust = iota
	TrustRCU              // valid in an RCU section, never NULL
	TrustRCUOrNull        // valid in an RCU section, may be NULL
	TrustFull             // valid as long as the object, never NULL
	TrustFullOrNull       // valid as long as the object, may be NULL
)

type structField struct{ structName, field string }

// safeField is a field that keeps trust, from one version on.
type safeField struct {
	trust        Trust
	since, until Version // until is the first version without the row; 0 is none
}

// safeFields are the BTF_TYPE_SAFE_ lists of the verifier.
var safeFields = map[structField][]safeField{
	{"task_struct", "cpus_ptr"}:       {{trust: TrustRCU}},
	{"task_struct", "cgroups"}:        {{trust: TrustRCU}},
	{"task_struct", "real_parent"}:    {{trust: TrustRCU}},
	{"task_struct", "group_leader"}:   {{trust: TrustRCU}},
	{"cgroup", "kn"}:                  {{trust: TrustRCU}},
	{"css_set", "dfl_cgrp"}:           {{trust: TrustRCU}},
	{"cgroup_subsys_state", "cgroup"}: {{trust: TrustRCU, since: V(6, 17)}},
	{"mm_struct", "exe_file"}:         {{trust: TrustRCUOrNull}},
	{"sk_buff", "sk"}:                 {{trust: TrustRCUOrNull}},
	{"request_sock", "sk"}:            {{trust: TrustRCUOrNull}},
	{"bpf_iter_meta", "seq"}:          {{trust: TrustFull}},
	{"bpf_iter__task", "meta"}:        {{trust: TrustFull}},
	{"bpf_iter__task", "task"}:        {{trust: TrustFull}},
	{"linux_binprm", "file"}:          {{trust: TrustFull}},
	{"file", "f_inode"}:               {{trust: TrustFull}},
	{"dentry", "d_inode"}:             {{trust: TrustFull, until: V(6, 13)}, {trust: TrustFullOrNull, since: V(6, 13)}},
	{"socket", "sk"}:                  {{trust: TrustFullOrNull}},
}

// FieldTrust returns what a pointer read from the named field of a trusted
// struct is good for.
func (t *Target) FieldTrust(structName, field string) Trust {
	for _, f := range safeFields[structField{structName, field}] {
		if t.Version >= f.since && (f.until == 0 || t.Version < f.until) {
			return f.trust
		}
	}
	return TrustNone
}

// TraceRefusal returns why a program must not attach to a kernel function of
// that name, "" where nothing speaks against it.
func TraceRefusal(e Env, name string) string {
	switch {
	case !trampolines.has(e.Attach):
		return ""
	case deniedFuncs[name]:
		return "Attaching tracing programs to function '" + name + "' is rejected."
	case e.Attach != AttachTraceFentry && noReturnFuncs[name]:
		return "Attaching fexit/fmod_ret to __noreturn function '" + name + "' is rejected."
	}
	return ""
}

var (
	deniedFuncs = nameSet(`
		migrate_disable migrate_enable rcu_read_unlock_strict preempt_count_add preempt_count_sub
		__rcu_read_lock __rcu_read_unlock`)
	noReturnFuncs = nameSet(`
		__ia32_sys_exit __ia32_sys_exit_group __x64_sys_exit __x64_sys_exit_group do_exit do_group_exit
		kthread_complete_and_exit kthread_exit __module_put_and_kthread_exit
		__kunit_abort kunit_try_catch_throw make_task_dead`)
)
