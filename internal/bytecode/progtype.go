// This file defines the names of program types.

package bytecode

import (
	"fmt"
	"strconv"
)

// progTypeNames are the names that libbpf_bpf_prog_type_str gives.
var progTypeNames = map[ProgType]string{
	ProgUnspec:                "unspec",
	ProgSocketFilter:          "socket_filter",
	ProgKprobe:                "kprobe",
	ProgSchedCLS:              "sched_cls",
	ProgSchedACT:              "sched_act",
	ProgTracepoint:            "tracepoint",
	ProgXDP:                   "xdp",
	ProgPerfEvent:             "perf_event",
	ProgCgroupSKB:             "cgroup_skb",
	ProgCgroupSock:            "cgroup_sock",
	ProgLWTIn:                 "lwt_in",
	ProgLWTOut:                "lwt_out",
	ProgLWTXmit:               "lwt_xmit",
	ProgSockOps:               "sock_ops",
	ProgSKSKB:                 "sk_skb",
	ProgCgroupDevice:          "cgroup_device",
	ProgSKMsg:                 "sk_msg",
	ProgRawTracepoint:         "raw_tracepoint",
	ProgCgroupSockAddr:        "cgroup_sock_addr",
	ProgLWTSeg6local:          "lwt_seg6local",
	ProgLircMode2:             "lirc_mode2",
	ProgSKReuseport:           "sk_reuseport",
	ProgFlowDissector:         "flow_dissector",
	ProgCgroupSysctl:          "cgroup_sysctl",
	ProgRawTracepointWritable: "raw_tracepoint_writable",
	ProgCgroupSockopt:         "cgroup_sockopt",
	ProgTracing:               "tracing",
	ProgStructOps:             "struct_ops",
	ProgExt:                   "ext",
	ProgLSM:                   "lsm",
	ProgSKLookup:              "sk_lookup",
	ProgSyscall:               "syscall",
	ProgNetfilter:             "netfilter",
	ProgMemory:                "skep/memory",
}

// String returns the type's name as libbpf and bpftool print it, "xdp".
func (t ProgType) String() string {
	if s, ok := progTypeNames[t]; ok {
		return s
	}
	return "type " + strconv.FormatUint(uint64(t), 10)
}

// ParseProgType returns the type with the given name.
func ParseProgType(name string) (ProgType, error) {
	for t, s := range progTypeNames {
		if s == name && t != ProgUnspec {
			return t, nil
		}
	}
	return ProgUnspec, fmt.Errorf("program type %q: unknown", name)
}
