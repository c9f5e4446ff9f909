// This file defines versions, capabilities and Env, the key that the tables of
// this package are asked by.

// Package catalog says what a program may see, as data per kernel version:
// program types, their contexts, helpers, return ranges, limits. It takes
// nothing but a question (an Env: type, attach point, flags, capabilities) and
// gives rows of tables; internal/verify reads them and judges, so an import of
// internal/verify here would be wrong.
package catalog

import (
	"strings"

	"github.com/skepbpf/skep/internal/bytecode"
)

// Version is a kernel version, major<<8 | minor: 6.18 is 0x612.
type Version uint16

// V makes a Version.
func V(major, minor uint8) Version { return Version(major)<<8 | Version(minor) }

// Caps is a set of capabilities of whoever loads.
type Caps uint32

// Capabilities that bpf(2) asks for.
const (
	CapBPF Caps = 1 << iota
	CapPerfmon
	CapNetAdmin
	CapSysAdmin
	CapSysBoot

	CapsAll = CapBPF | CapPerfmon | CapNetAdmin | CapSysAdmin | CapSysBoot
)

// Has reports whether c grants what need asks for. CAP_SYS_ADMIN stands in for
// CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN, as in bpf_capable and friends.
func (c Caps) Has(need Caps) bool {
	if c&CapSysAdmin != 0 {
		c |= CapBPF | CapPerfmon | CapNetAdmin
	}
	return c&need == need
}

// Env is what of a program and its loader decides what the program may see.
type Env struct {
	Type   bytecode.ProgType
	Attach bytecode.AttachType // expected attach type
	// AttachTo names what a tracing, LSM or struct_ops program is for, as a
	// section or as the kernel's BTF spells it: "task_newtask" or
	// "btf_trace_task_newtask", "file_open" or "bpf_lsm_file_open", "task" or
	// "bpf_iter_task", "tcp_congestion_ops.ssthresh".
	AttachTo string
	Flags    uint32 // of BPF_PROG_LOAD: bytecode.FlagSleepable decides some grants
	Caps     Caps
}

// Sleepable reports whether the program was loaded with BPF_F_SLEEPABLE.
func (e Env) Sleepable() bool { return e.Flags&bytecode.FlagSleepable != 0 }

// attachPrefixes is what the kernel's BTF puts before the names of hooks.
var attachPrefixes = map[bytecode.AttachType]string{
	AttachTraceRawTP: "btf_trace_",
	AttachTraceIter:  "bpf_iter_",
	AttachLSMMAC:     "bpf_lsm_",
	AttachLSMCgroup:  "bpf_lsm_",
}

// hook is AttachTo as a section spells it.
func (e Env) hook() string {
	name := strings.TrimPrefix(e.AttachTo, "vmlinux:")
	if e.Type != bytecode.ProgTracing && e.Type != bytecode.ProgLSM {
		return name
	}
	return strings.TrimPrefix(name, attachPrefixes[e.Attach])
}

// fixed replaces an attach type that was left out by the one that the kernel
// assumes for old programs (bpf_prog_load_fixup_attach_type).
func (e Env) fixed() Env {
	e.Attach = FixAttach(e.Type, e.Attach)
	return e
}

// FixAttach returns the attach type that a program of type t has when it is
// loaded with a: types that once had none take 0 for their oldest.
func FixAttach(t bytecode.ProgType, a bytecode.AttachType) bytecode.AttachType {
	switch {
	case a != 0:
		return a
	case t == bytecode.ProgCgroupSock:
		return AttachCgroupInetSockCreate
	case t == bytecode.ProgSKReuseport:
		return AttachSKReuseportSelect
	}
	return a
}
