// This file defines program types.

package catalog

import "github.com/skepbpf/skep/internal/bytecode"

// ProgType is what holds for all programs of a type.
type ProgType struct {
	Type  bytecode.ProgType
	Name  string // "xdp", "socket_filter", as libbpf and bpftool print it
	Ctx   *Ctx
	Since Version
	// Caps are what loading takes (bpf_prog_load); the two types that ask for
	// none may be loaded unprivileged where the kernel allows that at all.
	Caps Caps
	// PktRead: helpers that take packet memory (Proto.PktAccess) may be given
	// it; PktWrite: stores to the packet (may_access_direct_pkt_data).
	// PktAnyHelper: every helper may be given packet memory. Loads through a
	// packet pointer are open to whoever has one.
	PktRead, PktWrite, PktAnyHelper bool
	// Attach are the expected attach types that loading accepts; nil is any.
	Attach attachList
	// BTFTarget: loading names a BTF type or another program to attach to.
	BTFTarget bool
}

// ProgTypeInfo returns the row of a type, nil for numbers that no version has.
func ProgTypeInfo(t bytecode.ProgType) *ProgType { return progTypes[t] }

// ProgTypeByName returns the type with bpftool's name.
func ProgTypeByName(name string) (*ProgType, bool) {
	for i := range progTypeTable {
		if progTypeTable[i].Name == name {
			return &progTypeTable[i], true
		}
	}
	return nil, false
}

// ProgTypes returns the types that t has, by number. Callers must not change
// the rows.
func (t *Target) ProgTypes() []*ProgType {
	var out []*ProgType
	for i := range progTypeTable {
		if p := &progTypeTable[i]; p.Since <= t.Version {
			out = append(out, p)
		}
	}
	return out
}

// LoadableAs reports whether a program of the type can be loaded with the
// expected attach type (bpf_prog_load_check_attach); EINVAL if not.
func (p *ProgType) LoadableAs(a bytecode.AttachType) bool {
	return p.Attach == nil || p.Attach.has(FixAttach(p.Type, a))
}

// CanSleep reports whether programs in e may be loaded with BPF_F_SLEEPABLE;
// if not: "Only fentry/fexit/fmod_ret, lsm, iter, uprobe, and struct_ops
// programs can be sleepable". Whether a traced function or LSM hook may sleep
// is another question.
func (e Env) CanSleep() bool {
	switch e.Type {
	case bytecode.ProgTracing:
		return trampolines.has(e.Attach) || e.Attach == AttachTraceIter
	case bytecode.ProgLSM:
		return e.Attach != AttachLSMCgroup
	case bytecode.ProgKprobe, bytecode.ProgStructOps, bytecode.ProgSyscall:
		return true
	}
	return false
}

// MustSleep reports whether programs in e cannot be loaded without
// BPF_F_SLEEPABLE: "Syscall programs can only be sleepable".
func (e Env) MustSleep() bool { return e.Type == bytecode.ProgSyscall }

// HelperTakesPacket reports whether p may be given packet memory; if not:
// "helper access to the packet is not allowed".
func (p *ProgType) HelperTakesPacket(h *Proto) bool {
	return p.PktAnyHelper || p.PktRead && h.PktAccess
}

var progTypes = indexProgTypes()

func indexProgTypes() map[bytecode.ProgType]*ProgType {
	m := make(map[bytecode.ProgType]*ProgType, len(progTypeTable))
	for i := range progTypeTable {
		m[progTypeTable[i].Type] = &progTypeTable[i]
	}
	return m
}

const (
	netCaps   = CapBPF | CapNetAdmin
	traceCaps = CapBPF | CapPerfmon
)

// noAttach is for types that have one attach type, 0.
var noAttach = attachList{0}

var progTypeTable = []ProgType{
	{Type: bytecode.ProgSocketFilter, Name: "socket_filter", Ctx: socketFilterCtx, Since: V(3, 19)},
	{Type: bytecode.ProgKprobe, Name: "kprobe", Ctx: kprobeCtx, Since: V(4, 1), Caps: traceCaps},
	{Type: bytecode.ProgSchedCLS, Name: "sched_cls", Ctx: tcCtx, Since: V(4, 1), Caps: netCaps, PktRead: true, PktWrite: true},
	{Type: bytecode.ProgSchedACT, Name: "sched_act", Ctx: tcCtx, Since: V(4, 1), Caps: netCaps, PktRead: true, PktWrite: true},
	{Type: bytecode.ProgTracepoint, Name: "tracepoint", Ctx: tracepointCtx, Since: V(4, 7), Caps: traceCaps},
	{Type: bytecode.ProgXDP, Name: "xdp", Ctx: xdpCtx, Since: V(4, 8), Caps: netCaps, PktRead: true, PktWrite: true},
	{Type: bytecode.ProgPerfEvent, Name: "perf_event", Ctx: perfEventCtx, Since: V(4, 9), Caps: traceCaps},
	{Type: bytecode.ProgCgroupSKB, Name: "cgroup_skb", Ctx: cgroupSKBCtx, Since: V(4, 10), PktRead: true,
		Attach: attachList{AttachCgroupInetIngress, AttachCgroupInetEgress}},
	{Type: bytecode.ProgCgroupSock, Name: "cgroup_sock", Ctx: cgroupSockCtx, Since: V(4, 10), Caps: netCaps,
		Attach: concat(sockCreateAttach, inet4PostBind, inet6PostBind)},
	{Type: bytecode.ProgLWTIn, Name: "lwt_in", Ctx: lwtCtx, Since: V(4, 10), Caps: netCaps, PktRead: true},
	{Type: bytecode.ProgLWTOut, Name: "lwt_out", Ctx: lwtCtx, Since: V(4, 10), Caps: netCaps, PktRead: true},
	{Type: bytecode.ProgLWTXmit, Name: "lwt_xmit", Ctx: lwtCtx, Since: V(4, 10), Caps: netCaps, PktRead: true, PktWrite: true},
	{Type: bytecode.ProgSockOps, Name: "sock_ops", Ctx: sockOpsCtx, Since: V(4, 13), Caps: netCaps},
	{Type: bytecode.ProgSKSKB, Name: "sk_skb", Ctx: skSKBCtx, Since: V(4, 14), Caps: netCaps, PktRead: true, PktWrite: true},
	{Type: bytecode.ProgCgroupDevice, Name: "cgroup_device", Ctx: cgroupDevCtx, Since: V(4, 15), Caps: netCaps},
	{Type: bytecode.ProgSKMsg, Name: "sk_msg", Ctx: skMsgCtx, Since: V(4, 17), Caps: netCaps, PktRead: true, PktWrite: true},
	{Type: bytecode.ProgRawTracepoint, Name: "raw_tracepoint", Ctx: rawTracepointCtx, Since: V(4, 17), Caps: traceCaps},
	{Type: bytecode.ProgCgroupSockAddr, Name: "cgroup_sock_addr", Ctx: sockAddrCtx, Since: V(4, 17), Caps: netCaps,
		Attach: concat(inetBindAttach, inetConnectAttach, attachList{AttachCgroupUnixConnect},
			inetNameAttach, unixNameAttach, sendmsgAttach, recvmsgAttach)},
	{Type: bytecode.ProgLWTSeg6local, Name: "lwt_seg6local", Ctx: lwtCtx, Since: V(4, 18), Caps: netCaps, PktRead: true},
	{Type: bytecode.ProgLircMode2, Name: "lirc_mode2", Ctx: lircCtx, Since: V(4, 18), Caps: CapBPF},
	{Type: bytecode.ProgSKReuseport, Name: "sk_reuseport", Ctx: skReuseportCtx, Since: V(4, 19), Caps: CapBPF, PktRead: true,
		Attach: attachList{AttachSKReuseportSelect, AttachSKReuseportSelectOrMigrate}},
	{Type: bytecode.ProgFlowDissector, Name: "flow_dissector", Ctx: flowDissectorCtx, Since: V(4, 20), Caps: netCaps, PktRead: true},
	{Type: bytecode.ProgCgroupSysctl, Name: "cgroup_sysctl", Ctx: sysctlCtx, Since: V(5, 2), Caps: netCaps},
	{Type: bytecode.ProgRawTracepointWritable, Name: "raw_tracepoint_writable", Ctx: rawTracepointWritableCtx, Since: V(5, 2), Caps: traceCaps},
	{Type: bytecode.ProgCgroupSockopt, Name: "cgroup_sockopt", Ctx: sockoptCtx, Since: V(5, 3), Caps: netCaps,
		PktRead: true, PktWrite: true, PktAnyHelper: true,
		Attach: concat(getsockoptAttach, setsockoptAttach)},
	{Type: bytecode.ProgTracing, Name: "tracing", Ctx: btfArgsCtx, Since: V(5, 5), Caps: traceCaps, BTFTarget: true},
	{Type: bytecode.ProgStructOps, Name: "struct_ops", Ctx: btfArgsCtx, Since: V(5, 6), Caps: traceCaps, BTFTarget: true},
	{Type: bytecode.ProgExt, Name: "ext", Ctx: btfArgsCtx, Since: V(5, 6), Caps: netCaps | traceCaps, BTFTarget: true, Attach: noAttach},
	{Type: bytecode.ProgLSM, Name: "lsm", Ctx: btfArgsCtx, Since: V(5, 7), Caps: traceCaps, BTFTarget: true},
	{Type: bytecode.ProgSKLookup, Name: "sk_lookup", Ctx: skLookupCtx, Since: V(5, 9), Caps: CapBPF,
		Attach: attachList{AttachSKLookup}},
	{Type: bytecode.ProgSyscall, Name: "syscall", Ctx: syscallCtx, Since: V(5, 14), Caps: CapBPF, Attach: noAttach},
	{Type: bytecode.ProgNetfilter, Name: "netfilter", Ctx: netfilterCtx, Since: V(6, 4), Caps: netCaps,
		Attach: attachList{AttachNetfilter}},
	{Type: bytecode.ProgMemory, Name: "skep/memory", Ctx: memoryCtx},
}
