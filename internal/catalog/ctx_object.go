// This file defines the structs that contexts and helpers point to: sockets
// as programs see them.

package catalog

// Object is a struct that a pointer other than the context leads to.
type Object uint8

// Objects.
const (
	ObjectSockCommon Object = iota // PTR_TO_SOCK_COMMON: a bpf_sock that may be a mini socket
	ObjectSocket                   // PTR_TO_SOCKET: a full bpf_sock
	ObjectTCPSock                  // PTR_TO_TCP_SOCK: a bpf_tcp_sock
	ObjectXDPSock                  // PTR_TO_XDP_SOCK: a bpf_xdp_sock
)

// FlowKeysSize is sizeof(struct bpf_flow_keys): every byte of it may be read
// and written ("invalid access to flow keys off=%d size=%d").
const FlowKeysSize = 56

var objectFields = map[Object][]CtxField{
	ObjectSockCommon: sockLayout.fields(sockCommonRules...),
	ObjectSocket:     sockLayout.fields(sockFullRules...),
	ObjectTCPSock: tcpSockLayout.fields(
		rule{names: `snd_cwnd srtt_us rtt_min snd_ssthresh rcv_nxt snd_nxt snd_una mss_cache ecn_flags
			rate_delivered rate_interval_us packets_out retrans_out total_retrans segs_in data_segs_in
			segs_out data_segs_out lost_out sacked_out dsack_dups delivered delivered_ce icsk_retransmits`, read: w4},
		rule{names: "bytes_received bytes_acked", read: w8},
	),
	ObjectXDPSock: xdpSockLayout.fields(rule{names: "queue_id", read: w4}),
}

// ObjectAccess looks up a load of size bytes at off; false is "R%d invalid %s
// access off=%d size=%d". Programs never write to these objects.
func (t *Target) ObjectAccess(o Object, off, size int) (CtxResult, bool) {
	if off < 0 || size <= 0 || off%size != 0 {
		return CtxResult{}, false
	}
	q := CtxQuery{Off: off, Size: size}
	fields := objectFields[o]
	for i := range fields {
		if f := &fields[i]; f.allows(t.Version, &q) {
			return f.result(&q), true
		}
	}
	return CtxResult{}, false
}
