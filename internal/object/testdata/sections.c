// SPDX-License-Identifier: Apache-2.0
// What programs attach to.
#include "bpf.h"

#define PROG(section, name)                                                    \
	SEC(section) int name(void *ctx) { return 0; }

PROG("fentry/kernel_func", by_function)
PROG("fentry.s/vmlinux:kernel_func", by_module)
PROG("tp_btf/event", by_event)
PROG("lsm/hook", by_hook)
PROG("lsm_cgroup/hook", by_cgroup_hook)
PROG("iter/thing", by_iterator)
PROG("fexit/nowhere", by_nothing)
PROG("fmod_ret", by_silence)
PROG("freplace/left", by_program)
PROG("kprobe/do_it", by_probe)
PROG("tracepoint/sched/sched_switch", by_tracepoint)
