// This file defines the context of each program type.

package catalog

// skbCommon are the fields that every program with an __sk_buff reads, but
// those of the flow dissector.
const (
	skbCommon = `len pkt_type queue_mapping protocol vlan_present vlan_tci vlan_proto
		priority ingress_ifindex ifindex tc_index hash napi_id gso_segs gso_size`
	skbAddresses = `remote_ip4 local_ip4 remote_ip6 local_ip6`
	skbPorts     = `family remote_port local_port`
)

// skbCtx is an __sk_buff whose fields the rules list.
func skbCtx(rules ...rule) *Ctx {
	return &Ctx{Name: "__sk_buff", KernCtx: "sk_buff", Size: 192, Fields: skBuffLayout.fields(rules...)}
}

var (
	skbScalars = rule{names: skbCommon, read: upTo4}
	skbMark    = rule{names: "mark", read: upTo4}
	skbCB      = rule{names: "cb", read: anyWide, write: anyWide, direct: true}
	skbSock    = rule{names: "sk", read: w8, kind: ValueSockCommonOrNull}
	skbData    = rule{names: "data", read: w4, kind: ValuePacket}
	skbDataEnd = rule{names: "data_end", read: w4, kind: ValuePacketEnd}
)

var socketFilterCtx = skbCtx(skbScalars, skbMark, skbCB, skbSock)

var tcCtx = skbCtx(
	skbScalars, skbMark, skbCB, skbSock, skbData, skbDataEnd,
	rule{names: "data_meta", read: w4, kind: ValuePacketMeta},
	rule{names: "wire_len tc_classid", read: upTo4},
	rule{names: "tstamp_type", read: w1},
	rule{names: "tstamp hwtstamp", read: w8},
	rule{names: "mark tc_index priority tc_classid queue_mapping", write: w4},
	rule{names: "tstamp", write: w8},
)

var cgroupSKBCtx = skbCtx(
	skbScalars, skbMark, skbCB, skbSock,
	rule{names: "data", read: w4, kind: ValuePacket, caps: CapBPF},
	rule{names: "data_end", read: w4, kind: ValuePacketEnd, caps: CapBPF},
	rule{names: skbAddresses, read: w4},
	rule{names: skbPorts, read: upTo4},
	rule{names: "tstamp hwtstamp", read: w8},
	rule{names: "mark priority", write: w4},
	rule{names: "tstamp", write: w8, caps: CapBPF},
)

var lwtCtx = skbCtx(
	skbScalars, skbMark, skbCB, skbSock, skbData, skbDataEnd,
	rule{names: "mark priority", write: w4},
)

var skSKBCtx = skbCtx(
	skbScalars, skbSock, skbData, skbDataEnd,
	rule{names: "cb", read: anyWide, direct: true},
	rule{names: skbAddresses, read: w4},
	rule{names: skbPorts, read: upTo4},
	rule{names: "tc_index priority", write: w4},
)

var flowDissectorCtx = skbCtx(
	skbData, skbDataEnd,
	rule{names: "flow_keys", read: w8, kind: ValueFlowKeys},
)

var xdpCtx = &Ctx{Name: "xdp_md", KernCtx: "xdp_buff", Size: 24, Fields: xdpLayout.fields(
	rule{names: "data", read: w4, kind: ValuePacket},
	rule{names: "data_end", read: w4, kind: ValuePacketEnd},
	rule{names: "data_meta", read: w4, kind: ValuePacketMeta},
	rule{names: "ingress_ifindex rx_queue_index", read: w4},
	rule{names: "egress_ifindex", read: w4, attach: attachList{AttachXDPDevmap}},
)}

// sockCommonRules are for any pointer to a bpf_sock; sockFullRules add what only
// a full socket has.
var sockCommonRules = []rule{
	{names: "family src_port state rx_queue_mapping", read: upTo4, start: true},
	{names: "src_ip4 src_ip6 dst_ip4 dst_ip6", read: upTo4},
	{names: "dst_port", read: upTo2},
	{names: "dst_port32", read: w4},
	{names: "bound_dev_if", read: w4},
}

var sockFullRules = append([]rule{
	{names: "type protocol", read: upTo4, start: true},
	{names: "mark priority", read: w4},
}, sockCommonRules...)

var cgroupSockCtx = &Ctx{Name: "bpf_sock", KernCtx: "sock", Size: 80, Fields: sockLayout.fields(
	rule{names: "family type protocol state rx_queue_mapping", read: upTo4, start: true},
	rule{names: "dst_ip4 dst_ip6", read: upTo4},
	rule{names: "dst_port", read: upTo2},
	rule{names: "dst_port32", read: w4},
	rule{names: "bound_dev_if mark priority", read: w4, write: w4, attach: sockCreateAttach},
	rule{names: "src_ip4", read: upTo4, attach: inet4PostBind},
	rule{names: "src_ip6", read: upTo4, attach: inet6PostBind},
	rule{names: "src_port", read: upTo4, start: true, attach: concat(inet4PostBind, inet6PostBind)},
)}

var (
	inet4Addr = attachList{
		AttachCgroupInet4Bind, AttachCgroupInet4Connect, AttachCgroupInet4Getpeername,
		AttachCgroupInet4Getsockname, AttachCgroupUDP4Sendmsg, AttachCgroupUDP4Recvmsg,
	}
	inet6Addr = attachList{
		AttachCgroupInet6Bind, AttachCgroupInet6Connect, AttachCgroupInet6Getpeername,
		AttachCgroupInet6Getsockname, AttachCgroupUDP6Sendmsg, AttachCgroupUDP6Recvmsg,
	}
)

var sockAddrCtx = &Ctx{Name: "bpf_sock_addr", KernCtx: "bpf_sock_addr_kern", Size: 72, Fields: sockAddrLayout.fields(
	rule{names: "user_family family type protocol", read: w4},
	rule{names: "user_ip4", read: upTo4, write: w4, attach: inet4Addr},
	rule{names: "user_ip6", read: anyWide, write: w4 | w8, attach: inet6Addr},
	rule{names: "user_port", read: upTo4, write: w4},
	rule{names: "msg_src_ip4", read: upTo4, write: w4, attach: attachList{AttachCgroupUDP4Sendmsg}},
	rule{names: "msg_src_ip6", read: anyWide, write: w4 | w8, attach: attachList{AttachCgroupUDP6Sendmsg}},
	rule{names: "sk", read: w8, kind: ValueSocket},
)}

var sockOpsCtx = &Ctx{Name: "bpf_sock_ops", KernCtx: "bpf_sock_ops_kern", Size: 224, Fields: sockOpsLayout.fields(
	rule{names: `op args family remote_ip4 local_ip4 remote_ip6 local_ip6 remote_port local_port is_fullsock
		snd_cwnd srtt_us bpf_sock_ops_cb_flags state rtt_min snd_ssthresh rcv_nxt snd_nxt snd_una
		mss_cache ecn_flags rate_delivered rate_interval_us packets_out retrans_out total_retrans segs_in
		data_segs_in segs_out data_segs_out lost_out sacked_out sk_txhash skb_len`, read: w4},
	rule{names: "skb_tcp_flags", read: upTo4, start: true},
	rule{names: "bytes_received bytes_acked skb_hwtstamp", read: w8},
	rule{names: "sk", read: w8, kind: ValueSocketOrNull},
	rule{names: "skb_data", read: w8, kind: ValuePacket},
	rule{names: "skb_data_end", read: w8, kind: ValuePacketEnd},
	rule{names: "reply sk_txhash", write: w4},
)}

var skMsgCtx = &Ctx{Name: "sk_msg_md", KernCtx: "sk_msg", Size: 80, Fields: skMsgLayout.fields(
	rule{names: "data", read: w8, kind: ValuePacket},
	rule{names: "data_end", read: w8, kind: ValuePacketEnd},
	rule{names: "sk", read: w8, kind: ValueSocket},
	rule{names: "family remote_ip4 local_ip4 remote_ip6 local_ip6 remote_port local_port size", read: w4},
)}

var cgroupDevCtx = &Ctx{Name: "bpf_cgroup_dev_ctx", KernCtx: "bpf_cgroup_dev_ctx", Size: 12, Fields: cgroupDevLayout.fields(
	rule{names: "access_type", read: upTo4},
	rule{names: "major minor", read: w4},
)}

var sysctlCtx = &Ctx{Name: "bpf_sysctl", KernCtx: "bpf_sysctl_kern", Size: 8, Fields: sysctlLayout.fields(
	rule{names: "write", read: upTo4},
	rule{names: "file_pos", read: upTo4, write: w4},
)}

var (
	getsockoptAttach = attachList{AttachCgroupGetsockopt}
	setsockoptAttach = attachList{AttachCgroupSetsockopt}
)

var sockoptCtx = &Ctx{Name: "bpf_sockopt", KernCtx: "bpf_sockopt_kern", Size: 40, Fields: sockoptLayout.fields(
	rule{names: "sk", read: w8, kind: ValueSocket},
	rule{names: "optval", read: w8, kind: ValuePacket},
	rule{names: "optval_end", read: w8, kind: ValuePacketEnd},
	rule{names: "level optname", read: w4},
	rule{names: "level optname", write: w4, attach: setsockoptAttach},
	rule{names: "optlen", read: w4, write: w4},
	rule{names: "retval", read: w4, write: w4, attach: getsockoptAttach},
)}

var skReuseportCtx = &Ctx{Name: "sk_reuseport_md", KernCtx: "sk_reuseport_kern", Size: 56, Fields: skReuseportLayout.fields(
	rule{names: "data", read: w8, kind: ValuePacket},
	rule{names: "data_end", read: w8, kind: ValuePacketEnd},
	rule{names: "sk", read: w8, kind: ValueSocket},
	rule{names: "migrating_sk", read: w8, kind: ValueSockCommonOrNull},
	rule{names: "hash", read: w4},
	rule{names: "eth_protocol", read: upTo4 &^ w1},
	rule{names: "ip_protocol bind_inany len", read: upTo4},
)}

var skLookupCtx = &Ctx{Name: "bpf_sk_lookup", KernCtx: "bpf_sk_lookup_kern", Size: 72, Fields: skLookupLayout.fields(
	rule{names: "sk", read: w8, kind: ValueSocketOrNull},
	rule{names: `family protocol remote_ip4 remote_ip6 local_ip4 local_ip6 local_port ingress_ifindex`, read: upTo4},
	rule{names: "remote_port32", read: w4},
	rule{names: "remote_port padding", read: upTo2},
)}

var netfilterCtx = &Ctx{Name: "bpf_nf_ctx", KernCtx: "bpf_nf_ctx", Size: 16, Fields: nfLayout.fields(
	rule{names: "state", read: w8, kind: ValueBTF, btf: "nf_hook_state"},
	rule{names: "skb", read: w8, kind: ValueBTF, btf: "sk_buff"},
)}

var perfEventCtx = &Ctx{
	Name: "bpf_perf_event_data", KernCtx: "bpf_perf_event_data_kern", Size: ptRegsSize + 16,
	Fields: perfEventLayout.fields(
		rule{names: "regs", read: w8},
		rule{names: "sample_period addr", read: anyWide},
	),
}

// maxArgs is how many 8-byte arguments a traced function has at most.
const maxArgs = 12

var (
	kprobeCtx = &Ctx{
		Name: "bpf_user_pt_regs_t", KernCtx: "pt_regs", Size: ptRegsSize,
		Raw: &RawCtx{Max: ptRegsSize, EndsInMax: true},
	}
	// The first 8 bytes of a tracepoint's record are the kernel's.
	tracepointCtx = &Ctx{Name: "__u64", KernCtx: "u64", Size: 8192, Raw: &RawCtx{Min: 8, Max: 8192}}

	rawTracepointCtx = &Ctx{
		Name: "bpf_raw_tracepoint_args", KernCtx: "u64", Size: 8 * maxArgs, Raw: &RawCtx{Max: 8 * maxArgs},
	}
	rawTracepointWritableCtx = &Ctx{
		Name: "bpf_raw_tracepoint_args", KernCtx: "u64", Size: 8 * maxArgs, Raw: &RawCtx{Max: 8 * maxArgs},
		Fields: []CtxField{{Name: "buffer", Size: 8, Elem: 8, Kind: ValueTPBuffer, Read: w8}},
	}
	syscallCtx = &Ctx{Name: "void", KernCtx: "void", Size: 65535, Raw: &RawCtx{Max: 65535, Write: true}}
	lircCtx    = &Ctx{Name: "__u32", KernCtx: "u32", Size: 4, Fields: words32(0, "sample").fields(
		rule{names: "sample", read: w4})}
	btfArgsCtx = &Ctx{BTFArgs: true, Size: 8 * maxArgs, Raw: &RawCtx{Max: 8 * maxArgs}}
	memoryCtx  = &Ctx{Name: "void"} // PTR_TO_MEM in R1, not a context
)
