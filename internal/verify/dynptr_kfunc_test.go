// This file tests kernel functions that are given dynptrs or buffers: those
// that read memory of others into one, print, encrypt.

package verify_test

import (
	"testing"

	"github.com/skepbpf/skep/internal/bytecode"
)

// Pieces of programs, beside those of dynptrs.
const (
	// into sets the first four arguments: the dynptr, offset, size, address.
	into = this + `r2 = 0; r3 = 8; r4 = 0;`
	// task has the running task in R5.
	task     = `; call get_current_task_btf; r6 = r0;`
	intoTask = into + `r5 = r6;`
	buffer   = `; *(u64 *)(r10 -24) = 0; r1 = r10; r1 += -24;`
	// vprintk prints to a stream with the arguments at fp-24.
	text    = `; r1 = 1; r2 = value[format]+0;`
	vprintk = text + `*(u64 *)(r10 -24) = 0; r3 = r10; r3 += -24; r4 = 8; r5 = 0; kfunc bpf_stream_vprintk_impl;`

	mustSleep = "program must be sleepable to call sleepable kfunc "
	badPair   = "arg#2 arg#3 memory, len pair leads to invalid memory access"
)

var dynptrKfuncRows = []controlRow{
	{name: "probe, kernel", text: local + into + `kfunc bpf_probe_read_kernel_dynptr` + none},
	{name: "probe, kernel string", text: local + into + `kfunc bpf_probe_read_kernel_str_dynptr` + none},
	{name: "probe, user", text: local + into + `kfunc bpf_probe_read_user_dynptr` + none},
	{name: "probe, user string", text: record + into + `kfunc bpf_probe_read_user_str_dynptr` + late},
	{name: "probe, none", text: into + `kfunc bpf_probe_read_kernel_dynptr` + none, line: uninitialised},
	{name: "probe, given back", text: record + submitRecord + into + `kfunc bpf_probe_read_kernel_dynptr` + none, line: uninitialised},
	{name: "probe, size is a pointer", text: local + into + `r3 = r10; kfunc bpf_probe_read_kernel_dynptr` + none, line: "R3 is not a scalar"},
	{name: "probe, address is a pointer", text: local + into + `r4 = r10; kfunc bpf_probe_read_kernel_dynptr` + none},
	{name: "probe, address is nothing", text: local + this + `r2 = 0; r3 = 8; kfunc bpf_probe_read_kernel_dynptr` + none},
	{name: "copy from user", text: local + into + `kfunc bpf_copy_from_user_dynptr` + none, as: sleepableProgram},
	{name: "copy string from user", text: local + into + `kfunc bpf_copy_from_user_str_dynptr` + none, as: sleepableProgram},
	{name: "copy from user, may not sleep", text: local + into + `kfunc bpf_copy_from_user_dynptr` + none, line: mustSleep + "bpf_copy_from_user_dynptr"},
	{name: "copy from user, in an RCU section", text: local + `; kfunc bpf_rcu_read_lock` + into + `kfunc bpf_copy_from_user_dynptr; kfunc bpf_rcu_read_unlock` + none, line: "kernel func bpf_copy_from_user_dynptr is sleepable within rcu_read_lock region", as: sleepableProgram},
	{name: "copy from a task", text: task + local + intoTask + `kfunc bpf_copy_from_user_task_dynptr` + none, as: sleepableProgram},
	{name: "copy string from a task", text: task + local + intoTask + `kfunc bpf_copy_from_user_task_str_dynptr` + none, as: sleepableProgram},
	{name: "copy from no task", text: `r6 = 0` + local + intoTask + `kfunc bpf_copy_from_user_task_dynptr` + none, line: "Possibly NULL pointer passed to trusted arg4", as: sleepableProgram},
	{name: "copy from no task into no dynptr", text: `r6 = 0; r1 = 0; r2 = 0; r3 = 8; r4 = 0; r5 = r6; kfunc bpf_copy_from_user_task_dynptr` + none, line: "Possibly NULL pointer passed to trusted arg0", as: sleepableProgram},
	{name: "copy string into the stack", text: buffer + `r2 = 8; r3 = 0; r4 = 0; kfunc bpf_copy_from_user_str` + none, as: sleepableProgram},
	{name: "copy string past the stack", text: buffer + `r2 = 32; r3 = 0; r4 = 0; kfunc bpf_copy_from_user_str` + none, line: "arg#0 arg#1 memory, len pair leads to invalid memory access", as: sleepableProgram},
	{name: "copy string over a dynptr", text: local + this + `r2 = 8; r3 = 0; r4 = 0; kfunc bpf_copy_from_user_str` + none, line: "arg#0 arg#1 memory, len pair leads to invalid memory access", as: sleepableProgram},
	{name: "copy string of a task", text: task + buffer + `r2 = 8; r3 = 0; r4 = r6; r5 = 0; kfunc bpf_copy_from_user_task_str` + none, as: sleepableProgram},

	{name: "adjust", text: local + this + `r2 = 1; r3 = 2; kfunc bpf_dynptr_adjust` + useIt + none},
	{name: "adjust a clone of a record", text: record + cloned + `r1 = r10; r1 += -32; r2 = 1; r3 = 2; kfunc bpf_dynptr_adjust` + late},
	{name: "adjust what is given", text: drain(`r2 = 0; r3 = 1; kfunc bpf_dynptr_adjust`)},
	{name: "copy", text: local + `r4 = r10; r4 += -32` + localAt + this + `r2 = 0; r3 = r10; r3 += -32; r4 = 0; r5 = 8; kfunc bpf_dynptr_copy` + none},
	{name: "copy to itself", text: local + this + `r2 = 0; r3 = r10; r3 += -16; r4 = 0; r5 = 8; kfunc bpf_dynptr_copy` + none},
	{name: "copy from none", text: local + this + `r2 = 0; r3 = r10; r3 += -32; r4 = 0; r5 = 8; kfunc bpf_dynptr_copy` + none, line: "Expected an initialized dynptr as arg #2"},
	{name: "memset", text: local + this + `r2 = 0; r3 = 8; r4 = 1; kfunc bpf_dynptr_memset` + none},
	{name: "memset of what is given", text: drain(`r2 = 0; r3 = 8; r4 = 1; kfunc bpf_dynptr_memset`)},
	{name: "is null, read-only", text: local + this + `kfunc bpf_dynptr_is_null` + this + `kfunc bpf_dynptr_is_rdonly` + none},
	{name: "clone into what is given", text: drain(`r2 = r1; r1 = r10; r1 += -16; r4 = r1; r6 = r1; r7 = r2` + localAt + `r1 = r6; r2 = r7; kfunc bpf_dynptr_clone`), line: "verifier bug: misconfigured dynptr helper type flags"},
	{name: "clone into a map value", text: local + this + `r2 = value[large]+0; kfunc bpf_dynptr_clone` + none, line: "arg#1 expected pointer to stack or const struct bpf_dynptr"},
	{name: "of a frame in an XDP program", text: fromSKB + none, line: "calling kernel function bpf_dynptr_from_skb is not allowed"},
	{name: "of no context", text: `r1 = 0` + fromXDP + none, line: "arg#0 expected pointer to ctx, but got scalar"},
	{name: "of a moved context", text: `r1 += 8` + fromXDP + none, line: "dereference of modified ctx ptr R1 off=8 disallowed"},

	{name: "stream", text: vprintk + none},
	{name: "stream, no arguments", text: text + `r3 = 0; r4 = 0; r5 = 0; kfunc bpf_stream_vprintk_impl` + none, line: "Possibly NULL pointer passed to trusted arg2"},
	{name: "stream, too many", text: text + `*(u64 *)(r10 -24) = 0; r3 = r10; r3 += -24; r4 = 32; r5 = 0; kfunc bpf_stream_vprintk_impl` + none, line: badPair},
	{name: "stream, a text that may change", text: `r1 = 1; r2 = value[large]+0; *(u64 *)(r10 -24) = 0; r3 = r10; r3 += -24; r4 = 8; r5 = 0; kfunc bpf_stream_vprintk_impl` + none, line: "R2 does not point to a readonly map'"},
	{name: "stream, no text", text: `r1 = 1; r2 = 0; r3 = 0; r4 = 0; r5 = 0; kfunc bpf_stream_vprintk_impl` + none, line: "Possibly NULL pointer passed to trusted arg1"},

	{name: "a tracepoint's buffer comes back as a number", text: `r1 = *(u64 *)(r1 +0); *(u64 *)(r10 -8) = r1; r1 = *(u64 *)(r10 -8); r0 = *(u64 *)(r1 +0)` + none, line: "R1 invalid mem access 'scalar'", as: controlProgram{typ: bytecode.ProgRawTracepointWritable}},
}

func TestDynptrKfuncs(t *testing.T) { checkRows(t, dynptrKfuncRows) }
