// This file defines the table of bodies.

package helper

import (
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/engine"
)

// bodies has every body of this package, of helpers and of kernel functions.
var bodies = map[catalog.FuncID]engine.Func{
	"bpf_map_lookup_elem":        mapLookup,
	"bpf_map_lookup_percpu_elem": mapLookupPerCPU,
	"bpf_map_update_elem":        mapUpdate,
	"bpf_map_delete_elem":        mapDelete,
	"bpf_map_push_elem":          mapPush,
	"bpf_map_pop_elem":           mapPop,
	"bpf_map_peek_elem":          mapPeek,
	"bpf_for_each_map_elem":      forEachMapElem,
	"bpf_loop":                   loop,
	"bpf_spin_lock":              spinLock,
	"bpf_spin_unlock":            spinUnlock,

	"bpf_ringbuf_output":         ringOutput,
	"bpf_ringbuf_reserve":        ringReserve,
	"bpf_ringbuf_submit":         ringSubmit,
	"bpf_ringbuf_discard":        ringDiscard,
	"bpf_ringbuf_query":          ringQuery,
	"bpf_ringbuf_reserve_dynptr": ringReserveDynptr,
	"bpf_ringbuf_submit_dynptr":  ringSubmitDynptr,
	"bpf_ringbuf_discard_dynptr": ringDiscardDynptr,

	"bpf_dynptr_from_mem": dynptrFromMem,
	"bpf_dynptr_read":     dynptrRead,
	"bpf_dynptr_write":    dynptrWrite,
	"bpf_dynptr_data":     dynptrData,

	"bpf_rcu_read_lock":   noSection,
	"bpf_rcu_read_unlock": noSection,
	"bpf_preempt_disable": noSection,
	"bpf_preempt_enable":  noSection,

	"bpf_iter_num_new":      iterNumNew,
	"bpf_iter_num_next":     iterNumNext,
	"bpf_iter_num_destroy":  iterNumDestroy,
	"bpf_iter_bits_new":     iterBitsNew,
	"bpf_iter_bits_next":    iterBitsNext,
	"bpf_iter_bits_destroy": iterBitsDestroy,

	"bpf_ktime_get_ns":        ktimeMono,
	"bpf_ktime_get_boot_ns":   ktimeBoot,
	"bpf_ktime_get_coarse_ns": ktimeCoarse,
	"bpf_ktime_get_tai_ns":    ktimeTAI,
	"bpf_jiffies64":           jiffies,

	"bpf_get_prandom_u32":          prandom,
	"bpf_get_smp_processor_id":     processorID,
	"bpf_get_smp_processor_id.raw": processorID,
	"bpf_get_numa_node_id":         numaNode,

	"bpf_get_current_pid_tgid": currentPID,
	"bpf_get_current_uid_gid":  currentUID,
	"bpf_get_current_comm":     currentComm,

	"bpf_strtol":  strtol,
	"bpf_strtoul": strtoul,
	"bpf_strncmp": strncmp,

	"bpf_snprintf":      snprintf,
	"bpf_trace_printk":  tracePrintk,
	"bpf_trace_vprintk": traceVprintk,

	"bpf_probe_read":            probeRead,
	"bpf_probe_read_user":       probeRead,
	"bpf_probe_read_kernel":     probeReadKernel,
	"bpf_copy_from_user":        probeRead,
	"bpf_probe_read_str":        probeReadStr,
	"bpf_probe_read_user_str":   probeReadStr,
	"bpf_probe_read_kernel_str": probeReadKernelStr,

	"bpf_csum_diff":       csumDiff,
	"bpf_csum_update":     csumUpdate,
	"bpf_csum_level":      csumLevel,
	"bpf_l3_csum_replace": l3CsumReplace,
	"bpf_l4_csum_replace": l4CsumReplace,

	"bpf_skb_load_bytes":          skbLoadBytes,
	"bpf_skb_load_bytes_relative": skbLoadBytesRelative,
	"bpf_skb_store_bytes":         skbStoreBytes,
	"bpf_skb_pull_data":           skbPullData,
	"bpf_skb_change_type":         skbChangeType,
	"bpf_skb_change_tail":         skbChangeTail,
	"bpf_skb_change_head":         skbChangeHead,
	"bpf_skb_ecn_set_ce":          skbSetCE,
	"bpf_skb_set_tstamp":          skbSetTimestamp,
	"bpf_get_hash_recalc":         skbHash,
	"bpf_set_hash":                skbSetHash,
	"bpf_set_hash_invalid":        skbClearHash,

	"bpf_xdp_get_buff_len": xdpLen,
	"bpf_xdp_load_bytes":   xdpLoadBytes,
	"bpf_xdp_store_bytes":  xdpStoreBytes,
	"bpf_xdp_adjust_head":  xdpAdjustHead,
	"bpf_xdp_adjust_tail":  xdpAdjustTail,
	"bpf_xdp_adjust_meta":  xdpAdjustMeta,
}

// inlined are the helpers that lowering makes operations of: they run, and have
// no body.
var inlined = map[catalog.FuncID]bool{"bpf_tail_call": true}

// Runs reports whether a program that calls a helper can run.
func Runs(id catalog.FuncID) bool { return bodies[id] != nil || inlined[id] }

// Lookup gives the body of a helper. ok is false when it has none; where Runs
// is false too, Reason says why.
func Lookup(id catalog.FuncID) (body engine.Func, ok bool) {
	body, ok = bodies[id]
	return body, ok
}

// Bodies gives a new table of all bodies, to which the caller may add.
func Bodies() *engine.Funcs {
	f := &engine.Funcs{}
	for id, body := range bodies {
		f.Add(string(id), body)
	}
	return f
}
