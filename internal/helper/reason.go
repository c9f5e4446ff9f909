// This file defines why a helper has no body.

package helper

import (
	"strings"

	"github.com/skepbpf/skep/internal/catalog"
)

// verifyOnly lists the helpers without a body, by what they would need. A name
// stands for all its variants that have none; a name with a variant for that
// one. Programs that call them are verified, and refused when they are to run.
var verifyOnly = []struct {
	needs string
	ids   string // without "bpf_", separated by blanks
}{
	{"devices and routes to send packets to", `clone_redirect redirect redirect_map redirect_neigh
		redirect_peer fib_lookup check_mtu get_route_realm`},
	{"packets that change their protocol or size in the middle", `skb_vlan_push skb_vlan_pop skb_change_proto
		skb_adjust_room lwt_push_encap lwt_seg6_store_bytes lwt_seg6_adjust_srh lwt_seg6_action`},
	{"tunnels and security associations of packets", `skb_get_tunnel_key skb_set_tunnel_key skb_get_tunnel_opt
		skb_set_tunnel_opt skb_get_xfrm_state`},
	{"flow dissectors", `skb_load_bytes.flow_dissector`},
	{"reuseport groups", `skb_load_bytes.sk_reuseport skb_load_bytes_relative.sk_reuseport sk_select_reuseport`},
	{"streams of sockets", `skb_change_tail.sk_skb skb_change_head.sk_skb skb_pull_data.sk_skb skb_adjust_room.sk_skb
		sk_redirect_map sk_redirect_hash msg_redirect_map msg_redirect_hash msg_apply_bytes msg_cork_bytes
		msg_pull_data msg_push_data msg_pop_data sock_map_update sock_hash_update`},
	{"sockets", `get_socket_cookie get_socket_uid setsockopt getsockopt bind sock_ops_cb_flags_set sk_lookup_tcp
		sk_lookup_udp skc_lookup_tcp sk_release sk_fullsock tcp_sock get_listener_sock tcp_check_syncookie
		tcp_gen_syncookie tcp_send_ack get_netns_cookie sk_assign skc_to_tcp6_sock skc_to_tcp_sock
		skc_to_tcp_timewait_sock skc_to_tcp_request_sock skc_to_udp6_sock skc_to_unix_sock skc_to_mptcp_sock
		load_hdr_opt store_hdr_opt reserve_hdr_opt sock_from_file tcp_raw_gen_syncookie_ipv4
		tcp_raw_gen_syncookie_ipv6 tcp_raw_check_syncookie_ipv4 tcp_raw_check_syncookie_ipv6`},
	{"storage that belongs to sockets, tasks, inodes or cgroups", `sk_storage_get sk_storage_delete
		task_storage_get task_storage_delete inode_storage_get inode_storage_delete cgrp_storage_get
		cgrp_storage_delete get_local_storage`},
	{"cgroups", `get_cgroup_classid skb_cgroup_classid skb_under_cgroup skb_cgroup_id skb_ancestor_cgroup_id
		sk_cgroup_id sk_ancestor_cgroup_id current_task_under_cgroup get_current_cgroup_id
		get_current_ancestor_cgroup_id get_retval set_retval sysctl_get_name sysctl_get_current_value
		sysctl_get_new_value sysctl_set_new_value`},

	{"perf event arrays", `perf_event_output perf_event_read perf_event_read_value perf_prog_read_value skb_output
		xdp_output read_branch_records get_branch_snapshot`},
	{"stacks of tasks and of the kernel", `get_stackid get_stack get_task_stack`},
	{"the kernel's tasks, files and types", `get_current_task get_current_task_btf task_pt_regs find_vma d_path
		snprintf_btf seq_printf seq_printf_btf seq_write get_ns_current_pid_tgid copy_from_user_task
		xdp_get_buff_len.tracing bprm_opts_set ima_inode_hash ima_file_hash kallsyms_lookup_name`},
	{"attachment to functions and events", `get_func_ip get_func_arg get_func_ret get_func_arg_cnt
		get_attach_cookie override_return`},
	{"other processes to signal or write to", `send_signal send_signal_thread probe_write_user`},
	{"the bpf system call", `sys_bpf sys_close btf_find_by_name_kind`},
	{"timers", `timer_init timer_set_callback timer_start timer_cancel`},
	{"objects of the kernel in map values and per-CPU variables", `kptr_xchg per_cpu_ptr this_cpu_ptr`},
	{"user ring buffers", `user_ringbuf_drain`},
	{"infrared receivers", `rc_repeat rc_keydown rc_pointer_rel`},
}

// reasons is verifyOnly by id or name.
var reasons = indexReasons()

func indexReasons() map[string]string {
	m := map[string]string{}
	for _, row := range verifyOnly {
		for _, id := range strings.Fields(row.ids) {
			m["bpf_"+id] = row.needs
		}
	}
	return m
}

// Reason gives what a helper without a body needs that is not here, "" for one
// with a body and for one that nobody knows.
func Reason(id catalog.FuncID) string {
	if bodies[id] != nil {
		return ""
	}
	if needs := reasons[string(id)]; needs != "" {
		return needs
	}
	name, _, _ := strings.Cut(string(id), ".")
	return reasons[name]
}
