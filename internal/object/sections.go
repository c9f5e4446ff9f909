// This file defines what a program's section name says: libbpf's table.

package object

import (
	"strings"

	"github.com/skepbpf/skep/internal/bytecode"
)

// Expected attach types that sections name, with bpf(2)'s numbers.
const (
	attachCgroupInetIngress     bytecode.AttachType = 0
	attachCgroupInetEgress      bytecode.AttachType = 1
	attachCgroupSockCreate      bytecode.AttachType = 2
	attachCgroupSockOps         bytecode.AttachType = 3
	attachSKSKBStreamParser     bytecode.AttachType = 4
	attachSKSKBStreamVerdict    bytecode.AttachType = 5
	attachCgroupDevice          bytecode.AttachType = 6
	attachSKMsgVerdict          bytecode.AttachType = 7
	attachCgroupBind4           bytecode.AttachType = 8
	attachCgroupBind6           bytecode.AttachType = 9
	attachCgroupConnect4        bytecode.AttachType = 10
	attachCgroupConnect6        bytecode.AttachType = 11
	attachCgroupPostBind4       bytecode.AttachType = 12
	attachCgroupPostBind6       bytecode.AttachType = 13
	attachCgroupSendmsg4        bytecode.AttachType = 14
	attachCgroupSendmsg6        bytecode.AttachType = 15
	attachLircMode2             bytecode.AttachType = 16
	attachFlowDissector         bytecode.AttachType = 17
	attachCgroupSysctl          bytecode.AttachType = 18
	attachCgroupRecvmsg4        bytecode.AttachType = 19
	attachCgroupRecvmsg6        bytecode.AttachType = 20
	attachCgroupGetsockopt      bytecode.AttachType = 21
	attachCgroupSetsockopt      bytecode.AttachType = 22
	attachTraceRawTP            bytecode.AttachType = 23
	attachTraceFentry           bytecode.AttachType = 24
	attachTraceFexit            bytecode.AttachType = 25
	attachModifyReturn          bytecode.AttachType = 26
	attachLSMMac                bytecode.AttachType = 27
	attachTraceIter             bytecode.AttachType = 28
	attachCgroupGetpeername4    bytecode.AttachType = 29
	attachCgroupGetpeername6    bytecode.AttachType = 30
	attachCgroupGetsockname4    bytecode.AttachType = 31
	attachCgroupGetsockname6    bytecode.AttachType = 32
	attachXDPDevmap             bytecode.AttachType = 33
	attachCgroupSockRelease     bytecode.AttachType = 34
	attachXDPCpumap             bytecode.AttachType = 35
	attachSKLookup              bytecode.AttachType = 36
	attachXDP                   bytecode.AttachType = 37
	attachSKSKBVerdict          bytecode.AttachType = 38
	attachReuseportSelect       bytecode.AttachType = 39
	attachReuseportMigrate      bytecode.AttachType = 40
	attachKprobeMulti           bytecode.AttachType = 42
	attachLSMCgroup             bytecode.AttachType = 43
	attachNetfilter             bytecode.AttachType = 45
	attachTCXIngress            bytecode.AttachType = 46
	attachTCXEgress             bytecode.AttachType = 47
	attachUprobeMulti           bytecode.AttachType = 48
	attachCgroupUnixConnect     bytecode.AttachType = 49
	attachCgroupUnixSendmsg     bytecode.AttachType = 50
	attachCgroupUnixRecvmsg     bytecode.AttachType = 51
	attachCgroupUnixGetpeername bytecode.AttachType = 52
	attachCgroupUnixGetsockname bytecode.AttachType = 53
	attachNetkitPrimary         bytecode.AttachType = 54
	attachNetkitPeer            bytecode.AttachType = 55
	attachKprobeSession         bytecode.AttachType = 56
	attachUprobeSession         bytecode.AttachType = 57
)

// sectionDef is what a section name says about the programs in it.
type sectionDef struct {
	// name is the whole section name, or, ending in "+", a name that "/…" may
	// follow.
	name   string
	typ    bytecode.ProgType
	attach bytecode.AttachType
	flags  uint32 // of BPF_PROG_LOAD
	// btf: the program attaches to something in BTF that "/…" names.
	btf bool
}

const (
	sleepable = bytecode.FlagSleepable
	frags     = bytecode.FlagXDPHasFrags
)

// sectionDefs are libbpf's sections (1.6, Linux 6.18) and Skep's own. The
// first that matches counts.
var sectionDefs = []sectionDef{
	{name: "socket", typ: bytecode.ProgSocketFilter},
	{name: "sk_reuseport/migrate", typ: bytecode.ProgSKReuseport, attach: attachReuseportMigrate},
	{name: "sk_reuseport", typ: bytecode.ProgSKReuseport, attach: attachReuseportSelect},
	{name: "kprobe+", typ: bytecode.ProgKprobe},
	{name: "uprobe+", typ: bytecode.ProgKprobe},
	{name: "uprobe.s+", typ: bytecode.ProgKprobe, flags: sleepable},
	{name: "kretprobe+", typ: bytecode.ProgKprobe},
	{name: "uretprobe+", typ: bytecode.ProgKprobe},
	{name: "uretprobe.s+", typ: bytecode.ProgKprobe, flags: sleepable},
	{name: "kprobe.multi+", typ: bytecode.ProgKprobe, attach: attachKprobeMulti},
	{name: "kretprobe.multi+", typ: bytecode.ProgKprobe, attach: attachKprobeMulti},
	{name: "kprobe.session+", typ: bytecode.ProgKprobe, attach: attachKprobeSession},
	{name: "uprobe.multi+", typ: bytecode.ProgKprobe, attach: attachUprobeMulti},
	{name: "uretprobe.multi+", typ: bytecode.ProgKprobe, attach: attachUprobeMulti},
	{name: "uprobe.session+", typ: bytecode.ProgKprobe, attach: attachUprobeSession},
	{name: "uprobe.multi.s+", typ: bytecode.ProgKprobe, attach: attachUprobeMulti, flags: sleepable},
	{name: "uretprobe.multi.s+", typ: bytecode.ProgKprobe, attach: attachUprobeMulti, flags: sleepable},
	{name: "uprobe.session.s+", typ: bytecode.ProgKprobe, attach: attachUprobeSession, flags: sleepable},
	{name: "ksyscall+", typ: bytecode.ProgKprobe},
	{name: "kretsyscall+", typ: bytecode.ProgKprobe},
	{name: "usdt+", typ: bytecode.ProgKprobe, attach: attachUprobeMulti},
	{name: "usdt.s+", typ: bytecode.ProgKprobe, attach: attachUprobeMulti, flags: sleepable},
	{name: "tc/ingress", typ: bytecode.ProgSchedCLS, attach: attachTCXIngress},
	{name: "tc/egress", typ: bytecode.ProgSchedCLS, attach: attachTCXEgress},
	{name: "tcx/ingress", typ: bytecode.ProgSchedCLS, attach: attachTCXIngress},
	{name: "tcx/egress", typ: bytecode.ProgSchedCLS, attach: attachTCXEgress},
	{name: "tc", typ: bytecode.ProgSchedCLS},
	{name: "classifier", typ: bytecode.ProgSchedCLS},
	{name: "action", typ: bytecode.ProgSchedACT},
	{name: "netkit/primary", typ: bytecode.ProgSchedCLS, attach: attachNetkitPrimary},
	{name: "netkit/peer", typ: bytecode.ProgSchedCLS, attach: attachNetkitPeer},
	{name: "tracepoint+", typ: bytecode.ProgTracepoint},
	{name: "tp+", typ: bytecode.ProgTracepoint},
	{name: "raw_tracepoint+", typ: bytecode.ProgRawTracepoint},
	{name: "raw_tp+", typ: bytecode.ProgRawTracepoint},
	{name: "raw_tracepoint.w+", typ: bytecode.ProgRawTracepointWritable},
	{name: "raw_tp.w+", typ: bytecode.ProgRawTracepointWritable},
	{name: "tp_btf+", typ: bytecode.ProgTracing, attach: attachTraceRawTP, btf: true},
	{name: "fentry+", typ: bytecode.ProgTracing, attach: attachTraceFentry, btf: true},
	{name: "fmod_ret+", typ: bytecode.ProgTracing, attach: attachModifyReturn, btf: true},
	{name: "fexit+", typ: bytecode.ProgTracing, attach: attachTraceFexit, btf: true},
	{name: "fentry.s+", typ: bytecode.ProgTracing, attach: attachTraceFentry, flags: sleepable, btf: true},
	{name: "fmod_ret.s+", typ: bytecode.ProgTracing, attach: attachModifyReturn, flags: sleepable, btf: true},
	{name: "fexit.s+", typ: bytecode.ProgTracing, attach: attachTraceFexit, flags: sleepable, btf: true},
	{name: "freplace+", typ: bytecode.ProgExt, btf: true},
	{name: "lsm+", typ: bytecode.ProgLSM, attach: attachLSMMac, btf: true},
	{name: "lsm.s+", typ: bytecode.ProgLSM, attach: attachLSMMac, flags: sleepable, btf: true},
	{name: "lsm_cgroup+", typ: bytecode.ProgLSM, attach: attachLSMCgroup, btf: true},
	{name: "iter+", typ: bytecode.ProgTracing, attach: attachTraceIter, btf: true},
	{name: "iter.s+", typ: bytecode.ProgTracing, attach: attachTraceIter, flags: sleepable, btf: true},
	{name: "syscall", typ: bytecode.ProgSyscall, flags: sleepable},
	{name: "xdp.frags/devmap", typ: bytecode.ProgXDP, attach: attachXDPDevmap, flags: frags},
	{name: "xdp/devmap", typ: bytecode.ProgXDP, attach: attachXDPDevmap},
	{name: "xdp.frags/cpumap", typ: bytecode.ProgXDP, attach: attachXDPCpumap, flags: frags},
	{name: "xdp/cpumap", typ: bytecode.ProgXDP, attach: attachXDPCpumap},
	{name: "xdp.frags", typ: bytecode.ProgXDP, attach: attachXDP, flags: frags},
	{name: "xdp", typ: bytecode.ProgXDP, attach: attachXDP},
	{name: "perf_event", typ: bytecode.ProgPerfEvent},
	{name: "lwt_in", typ: bytecode.ProgLWTIn},
	{name: "lwt_out", typ: bytecode.ProgLWTOut},
	{name: "lwt_xmit", typ: bytecode.ProgLWTXmit},
	{name: "lwt_seg6local", typ: bytecode.ProgLWTSeg6local},
	{name: "sockops", typ: bytecode.ProgSockOps, attach: attachCgroupSockOps},
	{name: "sk_skb/stream_parser", typ: bytecode.ProgSKSKB, attach: attachSKSKBStreamParser},
	{name: "sk_skb/stream_verdict", typ: bytecode.ProgSKSKB, attach: attachSKSKBStreamVerdict},
	{name: "sk_skb/verdict", typ: bytecode.ProgSKSKB, attach: attachSKSKBVerdict},
	{name: "sk_skb", typ: bytecode.ProgSKSKB},
	{name: "sk_msg", typ: bytecode.ProgSKMsg, attach: attachSKMsgVerdict},
	{name: "lirc_mode2", typ: bytecode.ProgLircMode2, attach: attachLircMode2},
	{name: "flow_dissector", typ: bytecode.ProgFlowDissector, attach: attachFlowDissector},
	{name: "cgroup_skb/ingress", typ: bytecode.ProgCgroupSKB, attach: attachCgroupInetIngress},
	{name: "cgroup_skb/egress", typ: bytecode.ProgCgroupSKB, attach: attachCgroupInetEgress},
	{name: "cgroup/skb", typ: bytecode.ProgCgroupSKB},
	{name: "cgroup/sock_create", typ: bytecode.ProgCgroupSock, attach: attachCgroupSockCreate},
	{name: "cgroup/sock_release", typ: bytecode.ProgCgroupSock, attach: attachCgroupSockRelease},
	{name: "cgroup/sock", typ: bytecode.ProgCgroupSock, attach: attachCgroupSockCreate},
	{name: "cgroup/post_bind4", typ: bytecode.ProgCgroupSock, attach: attachCgroupPostBind4},
	{name: "cgroup/post_bind6", typ: bytecode.ProgCgroupSock, attach: attachCgroupPostBind6},
	{name: "cgroup/bind4", typ: bytecode.ProgCgroupSockAddr, attach: attachCgroupBind4},
	{name: "cgroup/bind6", typ: bytecode.ProgCgroupSockAddr, attach: attachCgroupBind6},
	{name: "cgroup/connect4", typ: bytecode.ProgCgroupSockAddr, attach: attachCgroupConnect4},
	{name: "cgroup/connect6", typ: bytecode.ProgCgroupSockAddr, attach: attachCgroupConnect6},
	{name: "cgroup/connect_unix", typ: bytecode.ProgCgroupSockAddr, attach: attachCgroupUnixConnect},
	{name: "cgroup/sendmsg4", typ: bytecode.ProgCgroupSockAddr, attach: attachCgroupSendmsg4},
	{name: "cgroup/sendmsg6", typ: bytecode.ProgCgroupSockAddr, attach: attachCgroupSendmsg6},
	{name: "cgroup/sendmsg_unix", typ: bytecode.ProgCgroupSockAddr, attach: attachCgroupUnixSendmsg},
	{name: "cgroup/recvmsg4", typ: bytecode.ProgCgroupSockAddr, attach: attachCgroupRecvmsg4},
	{name: "cgroup/recvmsg6", typ: bytecode.ProgCgroupSockAddr, attach: attachCgroupRecvmsg6},
	{name: "cgroup/recvmsg_unix", typ: bytecode.ProgCgroupSockAddr, attach: attachCgroupUnixRecvmsg},
	{name: "cgroup/getpeername4", typ: bytecode.ProgCgroupSockAddr, attach: attachCgroupGetpeername4},
	{name: "cgroup/getpeername6", typ: bytecode.ProgCgroupSockAddr, attach: attachCgroupGetpeername6},
	{name: "cgroup/getpeername_unix", typ: bytecode.ProgCgroupSockAddr, attach: attachCgroupUnixGetpeername},
	{name: "cgroup/getsockname4", typ: bytecode.ProgCgroupSockAddr, attach: attachCgroupGetsockname4},
	{name: "cgroup/getsockname6", typ: bytecode.ProgCgroupSockAddr, attach: attachCgroupGetsockname6},
	{name: "cgroup/getsockname_unix", typ: bytecode.ProgCgroupSockAddr, attach: attachCgroupUnixGetsockname},
	{name: "cgroup/sysctl", typ: bytecode.ProgCgroupSysctl, attach: attachCgroupSysctl},
	{name: "cgroup/getsockopt", typ: bytecode.ProgCgroupSockopt, attach: attachCgroupGetsockopt},
	{name: "cgroup/setsockopt", typ: bytecode.ProgCgroupSockopt, attach: attachCgroupSetsockopt},
	{name: "cgroup/dev", typ: bytecode.ProgCgroupDevice, attach: attachCgroupDevice},
	{name: "struct_ops+", typ: bytecode.ProgStructOps},
	{name: "struct_ops.s+", typ: bytecode.ProgStructOps, flags: sleepable},
	{name: "sk_lookup", typ: bytecode.ProgSKLookup, attach: attachSKLookup},
	{name: "netfilter", typ: bytecode.ProgNetfilter, attach: attachNetfilter},

	{name: "skep/memory+", typ: bytecode.ProgMemory},
}

// matches reports whether the definition is for a section of that name.
func (d *sectionDef) matches(section string) bool {
	prefix, open := strings.CutSuffix(d.name, "+")
	rest, ok := strings.CutPrefix(section, prefix)
	return ok && (rest == "" || open && rest[0] == '/')
}

// unknownSection is the definition of a section that names no type.
var unknownSection = sectionDef{}

// findSection returns what a section name says; &unknownSection when nothing.
func findSection(section string) *sectionDef {
	for i := range sectionDefs {
		if sectionDefs[i].matches(section) {
			return &sectionDefs[i]
		}
	}
	return &unknownSection
}
