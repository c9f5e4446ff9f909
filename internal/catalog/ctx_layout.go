// This file defines where the fields of context structs lie, as in
// include/uapi/linux/bpf.h of Linux 6.18.

package catalog

import "strings"

// layout is the members of a UAPI struct.
type layout []member

type member struct {
	name  string
	off   uint16
	size  uint16
	elem  uint16 // of an array
	since Version
}

// rule says how some members of a layout can be accessed.
type rule struct {
	names       string // separated by blanks
	read, write Widths
	kind        ValueKind
	btf         string
	start       bool
	direct      bool
	caps        Caps
	attach      attachList
}

// fields applies rules to a layout. A rule for a member that the layout does
// not have is dropped: a test finds it.
func (l layout) fields(rules ...rule) []CtxField {
	var out []CtxField
	for _, r := range rules {
		for _, name := range strings.Fields(r.names) {
			if m := l.member(name); m != nil {
				out = append(out, m.field(&r))
			}
		}
	}
	return out
}

func (l layout) member(name string) *member {
	for i := range l {
		if l[i].name == name {
			return &l[i]
		}
	}
	return nil
}

func (m *member) field(r *rule) CtxField {
	f := CtxField{
		Name: m.name, Off: m.off, Size: m.size, Elem: m.elem, Since: m.since,
		Kind: r.kind, BTF: r.btf, Read: r.read, Write: r.write,
		Start: r.start, Direct: r.direct, Caps: r.caps, Attach: r.attach,
	}
	if f.Elem == 0 {
		f.Elem = f.Size
	}
	return f
}

// words32 lays 4-byte members out one after the other.
func words32(off uint16, names string) layout {
	var l layout
	for i, name := range strings.Fields(names) {
		l = append(l, member{name: name, off: off + uint16(4*i), size: 4})
	}
	return l
}

func join(ls ...layout) layout {
	var out layout
	for _, l := range ls {
		out = append(out, l...)
	}
	return out
}

var skBuffLayout = join(
	words32(0, `len pkt_type mark queue_mapping protocol vlan_present vlan_tci vlan_proto
		priority ingress_ifindex ifindex tc_index`),
	layout{{name: "cb", off: 48, size: 20, elem: 4}},
	words32(68, `hash tc_classid data data_end napi_id family remote_ip4 local_ip4`),
	layout{
		{name: "remote_ip6", off: 100, size: 16, elem: 4},
		{name: "local_ip6", off: 116, size: 16, elem: 4},
	},
	words32(132, `remote_port local_port data_meta`),
	layout{
		{name: "flow_keys", off: 144, size: 8, since: V(4, 20)},
		{name: "tstamp", off: 152, size: 8, since: V(5, 0)},
		{name: "wire_len", off: 160, size: 4, since: V(5, 0)},
		{name: "gso_segs", off: 164, size: 4, since: V(5, 1)},
		{name: "sk", off: 168, size: 8, since: V(5, 1)},
		{name: "gso_size", off: 176, size: 4, since: V(5, 7)},
		{name: "tstamp_type", off: 180, size: 1, since: V(5, 18)},
		{name: "hwtstamp", off: 184, size: 8, since: V(5, 16)},
	},
)

var xdpLayout = join(
	words32(0, `data data_end data_meta ingress_ifindex rx_queue_index`),
	layout{{name: "egress_ifindex", off: 20, size: 4, since: V(5, 8)}},
)

var sockLayout = join(
	words32(0, `bound_dev_if family type protocol mark priority src_ip4`),
	layout{
		{name: "src_ip6", off: 28, size: 16, elem: 4},
		{name: "src_port", off: 44, size: 4},
		{name: "dst_port", off: 48, size: 2},
		{name: "dst_port32", off: 48, size: 4}, // dst_port before it was 2 bytes wide (5.18)
		{name: "dst_ip4", off: 52, size: 4},
		{name: "dst_ip6", off: 56, size: 16, elem: 4},
		{name: "state", off: 72, size: 4},
		{name: "rx_queue_mapping", off: 76, size: 4, since: V(5, 8)},
	},
)

var tcpSockLayout = join(
	words32(0, `snd_cwnd srtt_us rtt_min snd_ssthresh rcv_nxt snd_nxt snd_una mss_cache ecn_flags
		rate_delivered rate_interval_us packets_out retrans_out total_retrans segs_in data_segs_in
		segs_out data_segs_out lost_out sacked_out`),
	layout{{name: "bytes_received", off: 80, size: 8}, {name: "bytes_acked", off: 88, size: 8}},
	words32(96, `dsack_dups delivered delivered_ce icsk_retransmits`),
)

var xdpSockLayout = words32(0, `queue_id`)

var sockOpsLayout = join(
	layout{
		{name: "op", off: 0, size: 4},
		{name: "reply", off: 4, size: 4},
		{name: "args", off: 4, size: 16, elem: 4},
	},
	words32(20, `family remote_ip4 local_ip4`),
	layout{
		{name: "remote_ip6", off: 32, size: 16, elem: 4},
		{name: "local_ip6", off: 48, size: 16, elem: 4},
	},
	words32(64, `remote_port local_port is_fullsock snd_cwnd srtt_us bpf_sock_ops_cb_flags state rtt_min
		snd_ssthresh rcv_nxt snd_nxt snd_una mss_cache ecn_flags rate_delivered rate_interval_us
		packets_out retrans_out total_retrans segs_in data_segs_in segs_out data_segs_out lost_out
		sacked_out sk_txhash`),
	layout{
		{name: "bytes_received", off: 168, size: 8},
		{name: "bytes_acked", off: 176, size: 8},
		{name: "sk", off: 184, size: 8, since: V(5, 3)},
		{name: "skb_data", off: 192, size: 8, since: V(5, 10)},
		{name: "skb_data_end", off: 200, size: 8, since: V(5, 10)},
		{name: "skb_len", off: 208, size: 4, since: V(5, 10)},
		{name: "skb_tcp_flags", off: 212, size: 4, since: V(5, 10)},
		{name: "skb_hwtstamp", off: 216, size: 8, since: V(6, 2)},
	},
)

var skMsgLayout = join(
	layout{{name: "data", off: 0, size: 8}, {name: "data_end", off: 8, size: 8}},
	words32(16, `family remote_ip4 local_ip4`),
	layout{
		{name: "remote_ip6", off: 28, size: 16, elem: 4},
		{name: "local_ip6", off: 44, size: 16, elem: 4},
	},
	words32(60, `remote_port local_port size`),
	layout{{name: "sk", off: 72, size: 8, since: V(5, 8)}},
)

var sockAddrLayout = layout{
	{name: "user_family", off: 0, size: 4},
	{name: "user_ip4", off: 4, size: 4},
	{name: "user_ip6", off: 8, size: 16, elem: 4},
	{name: "user_port", off: 24, size: 4},
	{name: "family", off: 28, size: 4},
	{name: "type", off: 32, size: 4},
	{name: "protocol", off: 36, size: 4},
	{name: "msg_src_ip4", off: 40, size: 4},
	{name: "msg_src_ip6", off: 44, size: 16, elem: 4},
	{name: "sk", off: 64, size: 8, since: V(5, 3)},
}

var (
	cgroupDevLayout = words32(0, `access_type major minor`)
	sysctlLayout    = words32(0, `write file_pos`)
	sockoptLayout   = join(
		layout{
			{name: "sk", off: 0, size: 8},
			{name: "optval", off: 8, size: 8},
			{name: "optval_end", off: 16, size: 8},
		},
		words32(24, `level optname optlen retval`),
	)
)

var skReuseportLayout = join(
	layout{{name: "data", off: 0, size: 8}, {name: "data_end", off: 8, size: 8}},
	words32(16, `len eth_protocol ip_protocol bind_inany hash`),
	layout{
		{name: "sk", off: 40, size: 8, since: V(5, 14)},
		{name: "migrating_sk", off: 48, size: 8, since: V(5, 14)},
	},
)

var skLookupLayout = layout{
	{name: "sk", off: 0, size: 8},
	{name: "family", off: 8, size: 4},
	{name: "protocol", off: 12, size: 4},
	{name: "remote_ip4", off: 16, size: 4},
	{name: "remote_ip6", off: 20, size: 16, elem: 4},
	{name: "remote_port", off: 36, size: 2},
	{name: "remote_port32", off: 36, size: 4}, // remote_port before it was 2 bytes wide
	{name: "padding", off: 38, size: 2},
	{name: "local_ip4", off: 40, size: 4},
	{name: "local_ip6", off: 44, size: 16, elem: 4},
	{name: "local_port", off: 60, size: 4},
	{name: "ingress_ifindex", off: 64, size: 4, since: V(5, 17)},
}

var (
	nfLayout        = layout{{name: "state", off: 0, size: 8}, {name: "skb", off: 8, size: 8}}
	perfEventLayout = layout{
		{name: "regs", off: 0, size: ptRegsSize, elem: 8},
		{name: "sample_period", off: ptRegsSize, size: 8},
		{name: "addr", off: ptRegsSize + 8, size: 8},
	}
)

// ptRegsSize is sizeof(struct pt_regs) on x86-64, which all targets are.
const ptRegsSize = 168
