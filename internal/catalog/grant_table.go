// This file defines which helpers each program type is granted.

package catalog

import "github.com/skepbpf/skep/internal/bytecode"

// baseSet is what every program may call, given the capabilities
// (bpf_base_func_proto). Linux 6.16 widened it.
var baseSet = newGrantSet(
	grantRow{ids: `
		map_lookup_elem map_update_elem map_delete_elem map_push_elem map_pop_elem map_peek_elem
		map_lookup_percpu_elem get_prandom_u32 get_smp_processor_id.raw get_numa_node_id tail_call
		ktime_get_ns ktime_get_boot_ns ktime_get_tai_ns
		ringbuf_output ringbuf_reserve ringbuf_submit ringbuf_discard ringbuf_query
		strncmp strtol strtoul get_current_pid_tgid get_ns_current_pid_tgid`},
	grantRow{since: V(6, 16), ids: `get_current_uid_gid`},

	grantRow{caps: CapBPF, ids: `
		spin_lock spin_unlock jiffies64 per_cpu_ptr this_cpu_ptr
		timer_init timer_set_callback timer_start timer_cancel
		kptr_xchg for_each_map_elem loop user_ringbuf_drain
		ringbuf_reserve_dynptr ringbuf_submit_dynptr ringbuf_discard_dynptr
		dynptr_from_mem dynptr_read dynptr_write dynptr_data
		cgrp_storage_get cgrp_storage_delete get_current_cgroup_id get_current_ancestor_cgroup_id`},
	grantRow{caps: CapBPF, since: V(6, 16), ids: `
		current_task_under_cgroup get_cgroup_classid.current task_storage_get task_storage_delete`},

	grantRow{caps: CapBPF | CapPerfmon, ids: `
		trace_printk trace_vprintk snprintf snprintf_btf
		get_current_task get_current_task_btf task_pt_regs
		probe_read_user probe_read_user_str probe_read_kernel probe_read_kernel_str`},
	grantRow{caps: CapBPF | CapPerfmon, since: V(6, 16), when: Env.Sleepable, ids: `get_task_stack.sleepable`},
	grantRow{caps: CapBPF | CapPerfmon, since: V(6, 16), ids: `
		get_current_comm perf_event_read perf_event_read_value send_signal send_signal_thread
		get_task_stack copy_from_user copy_from_user_task get_branch_snapshot find_vma`},
)

// sockBaseSet adds what packet and socket programs share
// (bpf_sk_base_func_proto).
var sockBaseSet = newGrantSet(
	grantRow{ids: `ktime_get_coarse_ns`},
	grantRow{caps: CapPerfmon, ids: `
		skc_to_tcp6_sock skc_to_tcp_sock skc_to_tcp_timewait_sock skc_to_tcp_request_sock
		skc_to_udp6_sock skc_to_unix_sock skc_to_mptcp_sock`},
)

// noRetval are the cgroup hooks whose programs have no return value to read
// or to set.
var noRetval = concat(
	attachList{AttachCgroupInetIngress, AttachCgroupInetEgress, AttachCgroupSockOps},
	recvmsgAttach, inetNameAttach, unixNameAttach)

// cgroupSet is shared by the cgroup hooks, cgroupTaskSet by those that run in
// the context of a process (until the base set took these over).
var (
	cgroupSet = newGrantSet(
		grantRow{ids: `get_local_storage`},
		grantRow{not: noRetval, ids: `get_retval set_retval`},
	)
	cgroupTaskSet = newGrantSet(grantRow{until: V(6, 16), ids: `
		get_current_uid_gid get_current_comm get_cgroup_classid.current current_task_under_cgroup`})
)

var sockFilterSet = newGrantSet(
	grantRow{ids: `
		skb_load_bytes skb_load_bytes_relative get_socket_cookie get_socket_uid perf_event_output.skb`},
	grantRow{since: V(6, 15), ids: `get_netns_cookie.skb`},
)

var cgroupSKBSet = newGrantSet(grantRow{ids: `
	sk_fullsock sk_storage_get sk_storage_delete perf_event_output.skb
	skb_cgroup_id skb_ancestor_cgroup_id sk_cgroup_id sk_ancestor_cgroup_id
	sk_lookup_tcp sk_lookup_udp sk_release skc_lookup_tcp tcp_sock get_listener_sock skb_ecn_set_ce`})

var tcSet = newGrantSet(
	grantRow{ids: `
		skb_store_bytes skb_load_bytes skb_load_bytes_relative skb_pull_data
		csum_diff csum_update csum_level l3_csum_replace l4_csum_replace
		clone_redirect redirect redirect_neigh redirect_peer
		skb_vlan_push skb_vlan_pop skb_change_proto skb_change_type skb_adjust_room skb_change_tail skb_change_head
		skb_get_tunnel_key skb_set_tunnel_key skb_get_tunnel_opt skb_set_tunnel_opt
		get_cgroup_classid get_route_realm get_hash_recalc set_hash_invalid set_hash
		perf_event_output.skb get_smp_processor_id skb_under_cgroup get_socket_cookie get_socket_uid
		fib_lookup check_mtu sk_fullsock sk_storage_get sk_storage_delete skb_get_xfrm_state
		skb_cgroup_classid skb_cgroup_id skb_ancestor_cgroup_id
		sk_lookup_tcp.tc sk_lookup_udp.tc skc_lookup_tcp.tc sk_release tcp_sock get_listener_sock
		tcp_check_syncookie tcp_gen_syncookie skb_ecn_set_ce sk_assign skb_set_tstamp
		tcp_raw_gen_syncookie_ipv4 tcp_raw_gen_syncookie_ipv6
		tcp_raw_check_syncookie_ipv4 tcp_raw_check_syncookie_ipv6`},
	grantRow{since: V(6, 15), ids: `get_netns_cookie.skb`},
)

var xdpSet = newGrantSet(grantRow{ids: `
	perf_event_output.xdp get_smp_processor_id csum_diff
	xdp_adjust_head xdp_adjust_meta xdp_adjust_tail xdp_get_buff_len xdp_load_bytes xdp_store_bytes
	redirect.xdp redirect_map fib_lookup.xdp check_mtu.xdp
	sk_lookup_udp.xdp sk_lookup_tcp.xdp skc_lookup_tcp.xdp sk_release
	tcp_check_syncookie tcp_gen_syncookie
	tcp_raw_gen_syncookie_ipv4 tcp_raw_gen_syncookie_ipv6
	tcp_raw_check_syncookie_ipv4 tcp_raw_check_syncookie_ipv6`})

var cgroupSockSet = newGrantSet(grantRow{ids: `
	get_socket_cookie.sock get_netns_cookie.sock perf_event_output.data sk_storage_get.cgroup_sock ktime_get_coarse_ns`})

// sockAddrOptions are the hooks of cgroup_sock_addr where socket options can
// be read and set.
var sockAddrOptions = concat(inetBindAttach, inetConnectAttach, attachList{AttachCgroupUnixConnect},
	recvmsgAttach, sendmsgAttach, inetNameAttach)

var sockAddrSet = newGrantSet(
	grantRow{attach: inetConnectAttach, ids: `bind`},
	grantRow{attach: sockAddrOptions, ids: `setsockopt.sock_addr getsockopt.sock_addr`},
	grantRow{since: V(6, 16), ids: `setsockopt.sock_addr getsockopt.sock_addr`},
	grantRow{ids: `
		get_socket_cookie.sock_addr get_netns_cookie.sock_addr perf_event_output.data
		sk_lookup_tcp.sock_addr sk_lookup_udp.sock_addr skc_lookup_tcp.sock_addr sk_release
		sk_storage_get sk_storage_delete`},
)

var sockOpsSet = newGrantSet(grantRow{ids: `
	setsockopt.sock_ops getsockopt.sock_ops sock_ops_cb_flags_set sock_map_update sock_hash_update
	get_socket_cookie.sock_ops get_netns_cookie.sock_ops perf_event_output.data
	sk_storage_get sk_storage_delete load_hdr_opt store_hdr_opt reserve_hdr_opt tcp_sock`})

var skMsgSet = newGrantSet(grantRow{ids: `
	msg_redirect_map msg_redirect_hash msg_apply_bytes msg_cork_bytes msg_pull_data msg_push_data msg_pop_data
	perf_event_output.data get_current_uid_gid sk_storage_get sk_storage_delete
	get_netns_cookie.sk_msg get_cgroup_classid.current`})

var skSKBSet = newGrantSet(grantRow{ids: `
	skb_store_bytes skb_load_bytes skb_pull_data.sk_skb skb_change_tail.sk_skb skb_change_head.sk_skb
	skb_adjust_room.sk_skb get_socket_cookie get_socket_uid sk_redirect_map sk_redirect_hash
	perf_event_output.skb sk_lookup_tcp sk_lookup_udp sk_release skc_lookup_tcp`})

var flowDissectorSet = newGrantSet(grantRow{ids: `skb_load_bytes.flow_dissector`})

var (
	lwtSet = newGrantSet(grantRow{ids: `
		skb_load_bytes skb_pull_data csum_diff get_cgroup_classid get_route_realm get_hash_recalc
		perf_event_output.skb get_smp_processor_id skb_under_cgroup`})
	lwtInSet   = newGrantSet(grantRow{ids: `lwt_push_encap.lwt_in`})
	lwtXmitSet = newGrantSet(grantRow{ids: `
		skb_get_tunnel_key skb_set_tunnel_key skb_get_tunnel_opt skb_set_tunnel_opt
		redirect clone_redirect skb_change_tail skb_change_head skb_store_bytes
		csum_update csum_level l3_csum_replace l4_csum_replace set_hash_invalid lwt_push_encap.lwt_xmit`})
	lwtSeg6Set = newGrantSet(
		grantRow{until: V(6, 16), deny: true, ids: `skb_pull_data`},
		grantRow{ids: `lwt_seg6_store_bytes lwt_seg6_action lwt_seg6_adjust_srh`},
	)
)

var skReuseportSet = newGrantSet(grantRow{ids: `
	sk_select_reuseport skb_load_bytes.sk_reuseport skb_load_bytes_relative.sk_reuseport
	get_socket_cookie.ptr ktime_get_coarse_ns`})

var skLookupSet = newGrantSet(grantRow{ids: `perf_event_output.data sk_assign.sk_lookup sk_release`})

var dataOutputSet = newGrantSet(grantRow{ids: `perf_event_output.data`})

var sysctlSet = newGrantSet(grantRow{ids: `
	sysctl_get_name sysctl_get_current_value sysctl_get_new_value sysctl_set_new_value
	ktime_get_coarse_ns perf_event_output.data`})

var sockoptSet = newGrantSet(
	grantRow{attach: attachList{AttachCgroupSetsockopt}, ids: `setsockopt getsockopt`},
	grantRow{ids: `get_netns_cookie.sockopt sk_storage_get sk_storage_delete tcp_sock perf_event_output.data`},
)

var lircSet = newGrantSet(
	grantRow{ids: `
		rc_repeat rc_keydown rc_pointer_rel
		map_lookup_elem map_update_elem map_delete_elem map_push_elem map_pop_elem map_peek_elem
		ktime_get_ns ktime_get_boot_ns tail_call get_prandom_u32`},
	grantRow{caps: CapPerfmon, ids: `trace_printk`},
)

// traceSet is shared by everything that looks at the kernel
// (bpf_tracing_func_proto); most of it moved to the base set.
var traceSet = newGrantSet(
	grantRow{ids: `
		get_smp_processor_id probe_write_user probe_read probe_read_str get_func_ip.tracing`},
	grantRow{until: V(6, 16), when: Env.Sleepable, ids: `get_task_stack.sleepable`},
	grantRow{until: V(6, 16), ids: `
		get_current_task get_current_task_btf task_pt_regs get_current_uid_gid get_current_comm
		trace_printk trace_vprintk snprintf snprintf_btf perf_event_read perf_event_read_value
		probe_read_user probe_read_kernel probe_read_user_str probe_read_kernel_str
		cgrp_storage_get cgrp_storage_delete current_task_under_cgroup task_storage_get task_storage_delete
		send_signal send_signal_thread get_task_stack copy_from_user copy_from_user_task
		jiffies64 per_cpu_ptr this_cpu_ptr for_each_map_elem get_branch_snapshot find_vma`},
)

var (
	kprobeMulti  = attachList{AttachTraceKprobeMulti, AttachTraceKprobeSession}
	uprobeCookie = attachList{AttachTraceUprobeMulti, AttachTraceUprobeSession}
)

var kprobeSet = newGrantSet(
	grantRow{when: Env.Sleepable, ids: `get_stack.sleepable`},
	grantRow{attach: kprobeMulti, ids: `get_func_ip.kprobe_multi get_attach_cookie.kprobe_multi`},
	grantRow{attach: uprobeCookie, ids: `get_func_ip.uprobe_multi get_attach_cookie.uprobe_multi`},
	grantRow{ids: `
		perf_event_output get_stackid get_stack override_return get_func_ip.kprobe get_attach_cookie.trace`},
)

var (
	tracepointSet = newGrantSet(grantRow{ids: `
		perf_event_output.tracepoint get_stackid.tracepoint get_stack.tracepoint get_attach_cookie.trace`})
	perfEventSet = newGrantSet(grantRow{ids: `
		perf_event_output.tracepoint get_stackid.perf_event get_stack.perf_event
		perf_prog_read_value read_branch_records get_attach_cookie.perf_event`})
	rawTracepointSet = newGrantSet(grantRow{ids: `
		perf_event_output.raw_tp get_stackid.raw_tp get_stack.raw_tp get_attach_cookie.tracing`})
)

func hasTrampoline(e Env) bool {
	switch e.Type {
	case bytecode.ProgTracing:
		return trampolines.has(e.Attach)
	case bytecode.ProgLSM:
		return e.Attach == AttachLSMMAC
	}
	return false
}

func noTrampolineCookie(e Env) bool {
	return !hasTrampoline(e) && (e.Type != bytecode.ProgTracing || e.Attach != AttachTraceRawTP)
}

// tracingSet is what programs with BTF-typed arguments add
// (tracing_prog_func_proto).
var tracingSet = newGrantSet(
	grantRow{ids: `
		skb_output xdp_output
		skc_to_tcp6_sock skc_to_tcp_sock skc_to_tcp_timewait_sock skc_to_tcp_request_sock
		skc_to_udp6_sock skc_to_unix_sock skc_to_mptcp_sock
		sk_storage_get.tracing sk_storage_delete.tracing sock_from_file get_socket_cookie.ptr
		xdp_get_buff_len.tracing d_path`},
	grantRow{attach: attachList{AttachTraceIter}, ids: `seq_printf seq_write seq_printf_btf`},
	grantRow{when: hasTrampoline, ids: `get_func_arg get_func_ret get_func_arg_cnt`},
	grantRow{when: noTrampolineCookie, deny: true, ids: `get_attach_cookie.tracing`},
)

// iterSockSet is for iterators over sockets.
var iterSockSet = newGrantSet(grantRow{
	when: func(e Env) bool { return e.hook() == "tcp" || e.hook() == "unix" },
	ids:  `setsockopt getsockopt`,
})

var lsmSet = newGrantSet(
	grantRow{ids: `
		inode_storage_get inode_storage_delete sk_storage_get sk_storage_delete spin_lock spin_unlock
		bprm_opts_set ima_inode_hash ima_file_hash`},
	grantRow{when: hasTrampoline, ids: `get_attach_cookie.lsm`},
	grantRow{deny: true, ids: `get_attach_cookie.lsm`},
	grantRow{attach: attachList{AttachLSMCgroup}, when: lockedSockoptHook, ids: `setsockopt getsockopt`},
	grantRow{attach: attachList{AttachLSMCgroup}, when: unlockedSockoptHook, ids: `setsockopt.unlocked getsockopt.unlocked`},
)

var syscallSet = newGrantSet(
	grantRow{caps: CapPerfmon, ids: `sys_bpf`},
	grantRow{ids: `btf_find_by_name_kind sys_close kallsyms_lookup_name`},
)

var (
	tcpCASet = newGrantSet(
		grantRow{ids: `tcp_send_ack sk_storage_get sk_storage_delete ktime_get_coarse_ns`},
		grantRow{
			when: func(e Env) bool { return memberOf(e.AttachTo) != "release" },
			ids:  `setsockopt getsockopt`,
		},
	)
	schedExtSet = newGrantSet(grantRow{ids: `task_storage_get task_storage_delete`})
)

type sets = []*grantSet

// typeSets lists, for each program type, the sets that are asked in order.
// Types that are absent may call no helper.
var typeSets = map[bytecode.ProgType]sets{
	bytecode.ProgSocketFilter:          {sockFilterSet, sockBaseSet, baseSet},
	bytecode.ProgKprobe:                {kprobeSet, traceSet, baseSet},
	bytecode.ProgSchedCLS:              {tcSet, sockBaseSet, baseSet},
	bytecode.ProgSchedACT:              {tcSet, sockBaseSet, baseSet},
	bytecode.ProgTracepoint:            {tracepointSet, traceSet, baseSet},
	bytecode.ProgXDP:                   {xdpSet, sockBaseSet, baseSet},
	bytecode.ProgPerfEvent:             {perfEventSet, traceSet, baseSet},
	bytecode.ProgCgroupSKB:             {cgroupSet, cgroupSKBSet, sockFilterSet, sockBaseSet, baseSet},
	bytecode.ProgCgroupSock:            {cgroupSet, cgroupTaskSet, cgroupSockSet, baseSet},
	bytecode.ProgLWTIn:                 {lwtInSet, lwtSet, sockBaseSet, baseSet},
	bytecode.ProgLWTOut:                {lwtSet, sockBaseSet, baseSet},
	bytecode.ProgLWTXmit:               {lwtXmitSet, lwtSet, sockBaseSet, baseSet},
	bytecode.ProgLWTSeg6local:          {lwtSeg6Set, lwtSet, sockBaseSet, baseSet},
	bytecode.ProgSockOps:               {cgroupSet, sockOpsSet, sockBaseSet, baseSet},
	bytecode.ProgSKSKB:                 {skSKBSet, sockBaseSet, baseSet},
	bytecode.ProgCgroupDevice:          {cgroupSet, cgroupTaskSet, dataOutputSet, baseSet},
	bytecode.ProgSKMsg:                 {skMsgSet, sockBaseSet, baseSet},
	bytecode.ProgRawTracepoint:         {rawTracepointSet, traceSet, baseSet},
	bytecode.ProgRawTracepointWritable: {rawTracepointSet, traceSet, baseSet},
	bytecode.ProgCgroupSockAddr:        {cgroupSet, cgroupTaskSet, sockAddrSet, sockBaseSet, baseSet},
	bytecode.ProgLircMode2:             {lircSet},
	bytecode.ProgSKReuseport:           {skReuseportSet, baseSet},
	bytecode.ProgFlowDissector:         {flowDissectorSet, sockBaseSet, baseSet},
	bytecode.ProgCgroupSysctl:          {cgroupSet, cgroupTaskSet, sysctlSet, baseSet},
	bytecode.ProgCgroupSockopt:         {cgroupSet, cgroupTaskSet, sockoptSet, baseSet},
	bytecode.ProgTracing:               {tracingSet, rawTracepointSet, traceSet, baseSet},
	bytecode.ProgLSM:                   {lsmSet, tracingSet, rawTracepointSet, traceSet, baseSet},
	bytecode.ProgSKLookup:              {skLookupSet, sockBaseSet, baseSet},
	bytecode.ProgSyscall:               {syscallSet, tracingSet, rawTracepointSet, traceSet, baseSet},
	bytecode.ProgNetfilter:             {baseSet},
	bytecode.ProgMemory:                {baseSet},
}

var (
	lsmCgroupSets = sets{cgroupSet, lsmSet, tracingSet, rawTracepointSet, traceSet, baseSet}
	iterSets      = sets{tracingSet, rawTracepointSet, traceSet, baseSet, iterSockSet}
)

// structOpsSets are the sets of struct_ops programs, by the struct.
// bpf_dummy_ops has none.
var structOpsSets = map[string]sets{
	"tcp_congestion_ops": {tcpCASet, baseSet},
	"sched_ext_ops":      {schedExtSet, baseSet},
	"hid_bpf_ops":        {baseSet},
	"Qdisc_ops":          {baseSet},
}
