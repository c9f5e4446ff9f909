// This file tests which targets programs may attach to.

package catalog

import (
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog/vmlinux"
)

func TestCheckAttach(t *testing.T) {
	spec, err := vmlinux.Load()
	if err != nil {
		t.Fatal(err)
	}
	target := Linux6_18.WithBTF(spec)
	tracing := func(a bytecode.AttachType, flags uint32) Env {
		return Env{Type: bytecode.ProgTracing, Attach: a, Flags: flags}
	}
	lsmHook := func(flags uint32) Env {
		return Env{Type: bytecode.ProgLSM, Attach: AttachLSMMAC, Flags: flags}
	}
	const sleeps = bytecode.FlagSleepable
	for _, row := range []struct {
		name    string
		e       Env
		to      string
		refusal string // after the number of the type
		unknown bool
	}{
		{name: "an iterator", e: tracing(AttachTraceIter, 0), to: "bpf_iter_task"},
		{name: "no iterator", e: tracing(AttachTraceIter, 0), to: "bpf_iter_get_info", refusal: "is not an iterator"},
		{name: "a hook", e: lsmHook(0), to: "bpf_lsm_file_open"},
		{name: "a hook that may sleep", e: lsmHook(sleeps), to: "bpf_lsm_file_open"},
		{name: "a hook that may not sleep", e: lsmHook(sleeps), to: "bpf_lsm_task_free", refusal: "bpf_lsm_task_free is not sleepable"},
		{name: "a function named as a hook", e: lsmHook(0), to: "bpf_lsm_verify_prog", refusal: "points to wrong type name bpf_lsm_verify_prog"},
		{name: "a function that is no hook", e: lsmHook(0), to: "security_file_open", refusal: "points to wrong type name security_file_open"},
		{name: "a function", e: tracing(AttachTraceFentry, 0), to: "security_file_open"},
		{name: "with variable arguments", e: tracing(AttachTraceFentry, 0), to: "_printk", refusal: "The function _printk with variable args is unsupported."},
		{name: "a system call that sleeps", e: tracing(AttachTraceFentry, sleeps), to: "__x64_sys_getpgid"},
		{name: "some function that sleeps", e: tracing(AttachTraceFentry, sleeps), to: "security_file_open", unknown: true},
		{name: "an error that is injected without sleep", e: tracing(AttachTraceFentry, sleeps), to: "__filemap_add_folio", refusal: "__filemap_add_folio is not sleepable"},
		{name: "another result of a hook", e: tracing(AttachModifyReturn, 0), to: "security_file_open"},
		{name: "another result of some function", e: tracing(AttachModifyReturn, 0), to: "do_sys_openat2", unknown: true},
	} {
		t.Run(row.name, func(t *testing.T) {
			id, ok := target.BTF.Find(row.to, btfx.KindFunc)
			if !ok {
				t.Fatalf("no %s", row.to)
			}
			row.e.AttachTo = row.to
			a, err := target.AttachTarget(row.e, id)
			if err != nil {
				t.Fatal(err)
			}
			got := target.CheckAttach(row.e, a, id, true)
			if (got.Unknown != "") != row.unknown || !strings.HasSuffix(got.Refusal, row.refusal) || (got.Refusal == "") != (row.refusal == "") {
				t.Errorf("%+v, want refusal %q, unknown %v", got, row.refusal, row.unknown)
			}
		})
	}
}
