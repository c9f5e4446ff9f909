// This file defines which helpers take which kinds of maps, and which programs
// may use which maps.

package catalog

import (
	"strings"

	"github.com/skepbpf/skep/internal/bytecode"
)

// MapKind is what holds for all maps of a kind.
type MapKind struct {
	Type  bytecode.MapType
	Name  string // as bpftool prints it
	Since Version
	// Sleepable programs may use maps of the kind.
	Sleepable bool
	// Helpers are all that a map of the kind can be passed to, without "bpf_"
	// and separated by blanks; "" is no restriction from this side.
	Helpers string
}

// mapKinds are all kinds, by number.
var mapKinds = [...]MapKind{
	{bytecode.MapUnspec, "unspec", 0, false, ""},
	{bytecode.MapHash, "hash", V(3, 19), true, ""},
	{bytecode.MapArray, "array", V(3, 19), true, ""},
	{bytecode.MapProgArray, "prog_array", V(4, 2), false, "tail_call"},
	{bytecode.MapPerfEventArray, "perf_event_array", V(4, 3), false,
		"perf_event_read perf_event_output skb_output perf_event_read_value xdp_output"},
	{bytecode.MapPerCPUHash, "percpu_hash", V(4, 6), true, ""},
	{bytecode.MapPerCPUArray, "percpu_array", V(4, 6), true, ""},
	{bytecode.MapStackTrace, "stack_trace", V(4, 6), false, "get_stackid"},
	{bytecode.MapCgroupArray, "cgroup_array", V(4, 8), false, "skb_under_cgroup current_task_under_cgroup"},
	{bytecode.MapLRUHash, "lru_hash", V(4, 10), true, ""},
	{bytecode.MapLRUPerCPUHash, "lru_percpu_hash", V(4, 10), true, ""},
	{bytecode.MapLPMTrie, "lpm_trie", V(4, 11), false, ""},
	{bytecode.MapArrayOfMaps, "array_of_maps", V(4, 12), true, "map_lookup_elem"},
	{bytecode.MapHashOfMaps, "hash_of_maps", V(4, 12), true, "map_lookup_elem"},
	{bytecode.MapDevmap, "devmap", V(4, 14), false, "redirect_map map_lookup_elem"},
	{bytecode.MapSockmap, "sockmap", V(4, 14), false,
		"sk_redirect_map sock_map_update msg_redirect_map sk_select_reuseport map_lookup_elem"},
	{bytecode.MapCPUMap, "cpumap", V(4, 15), false, "redirect_map"},
	{bytecode.MapXSKMap, "xskmap", V(4, 18), false, "redirect_map map_lookup_elem"},
	{bytecode.MapSockhash, "sockhash", V(4, 18), false,
		"sk_redirect_hash sock_hash_update msg_redirect_hash sk_select_reuseport map_lookup_elem"},
	{bytecode.MapCgroupStorage, "cgroup_storage", V(4, 19), false, "get_local_storage"},
	{bytecode.MapReuseportSockarray, "reuseport_sockarray", V(4, 19), false, "sk_select_reuseport"},
	{bytecode.MapPerCPUCgroupStorage, "percpu_cgroup_storage", V(4, 20), false, "get_local_storage"},
	{bytecode.MapQueue, "queue", V(4, 20), true, "map_peek_elem map_pop_elem map_push_elem"},
	{bytecode.MapStack, "stack", V(4, 20), true, "map_peek_elem map_pop_elem map_push_elem"},
	{bytecode.MapSKStorage, "sk_storage", V(5, 2), true, "sk_storage_get sk_storage_delete kptr_xchg"},
	{bytecode.MapDevmapHash, "devmap_hash", V(5, 4), false, "redirect_map map_lookup_elem"},
	{bytecode.MapStructOps, "struct_ops", V(5, 6), false, ""},
	{bytecode.MapRingbuf, "ringbuf", V(5, 8), true, `ringbuf_output ringbuf_reserve ringbuf_query
		ringbuf_reserve_dynptr ringbuf_submit_dynptr ringbuf_discard_dynptr`},
	{bytecode.MapInodeStorage, "inode_storage", V(5, 10), true, "inode_storage_get inode_storage_delete kptr_xchg"},
	{bytecode.MapTaskStorage, "task_storage", V(5, 11), true, "task_storage_get task_storage_delete kptr_xchg"},
	{bytecode.MapBloomFilter, "bloom_filter", V(5, 16), false, "map_peek_elem map_push_elem"},
	{bytecode.MapUserRingbuf, "user_ringbuf", V(6, 1), true, "user_ringbuf_drain"},
	{bytecode.MapCgrpStorage, "cgrp_storage", V(6, 2), true, "cgrp_storage_get cgrp_storage_delete kptr_xchg"},
	{bytecode.MapArena, "arena", V(6, 9), true, ""},
}

// helperMaps are the kinds that a helper takes, by names as in mapKinds;
// helpers that are absent take every kind that takes them.
var helperMaps = map[string]string{
	"tail_call":                 "prog_array",
	"perf_event_read":           "perf_event_array",
	"perf_event_output":         "perf_event_array",
	"perf_event_read_value":     "perf_event_array",
	"skb_output":                "perf_event_array",
	"xdp_output":                "perf_event_array",
	"ringbuf_output":            "ringbuf",
	"ringbuf_reserve":           "ringbuf",
	"ringbuf_query":             "ringbuf",
	"ringbuf_reserve_dynptr":    "ringbuf",
	"ringbuf_submit_dynptr":     "ringbuf",
	"ringbuf_discard_dynptr":    "ringbuf",
	"user_ringbuf_drain":        "user_ringbuf",
	"get_stackid":               "stack_trace",
	"current_task_under_cgroup": "cgroup_array",
	"skb_under_cgroup":          "cgroup_array",
	"redirect_map":              "devmap devmap_hash cpumap xskmap",
	"sk_redirect_map":           "sockmap",
	"msg_redirect_map":          "sockmap",
	"sock_map_update":           "sockmap",
	"sk_redirect_hash":          "sockhash",
	"msg_redirect_hash":         "sockhash",
	"sock_hash_update":          "sockhash",
	"get_local_storage":         "cgroup_storage percpu_cgroup_storage",
	"sk_select_reuseport":       "reuseport_sockarray sockmap sockhash",
	"map_pop_elem":              "queue stack",
	"map_peek_elem":             "queue stack bloom_filter",
	"map_push_elem":             "queue stack bloom_filter",
	"map_lookup_percpu_elem":    "percpu_array percpu_hash lru_percpu_hash",
	"sk_storage_get":            "sk_storage",
	"sk_storage_delete":         "sk_storage",
	"inode_storage_get":         "inode_storage",
	"inode_storage_delete":      "inode_storage",
	"task_storage_get":          "task_storage",
	"task_storage_delete":       "task_storage",
	"cgrp_storage_get":          "cgrp_storage",
	"cgrp_storage_delete":       "cgrp_storage",
}

// mapTaking holds the same for look-up: which helpers a kind restricts itself
// to, and which kinds a helper restricts itself to. nil is no restriction.
var mapTaking = indexMapTaking()

type mapTakingIndex struct {
	byKind   [len(mapKinds)]map[string]bool
	byHelper [NumHelpers]map[string]bool
}

func indexMapTaking() (idx mapTakingIndex) {
	for i := range mapKinds {
		if mapKinds[i].Helpers != "" {
			idx.byKind[i] = nameSet(mapKinds[i].Helpers)
		}
	}
	for num := range variants {
		if kinds, ok := helperMaps[strings.TrimPrefix(HelperName(int32(num)), "bpf_")]; ok {
			idx.byHelper[num] = nameSet(kinds)
		}
	}
	return idx
}

// MapKindInfo returns the row of a kind; nil for numbers that none has.
func MapKindInfo(kind bytecode.MapType) *MapKind {
	if int(kind) >= len(mapKinds) {
		return nil
	}
	return &mapKinds[kind]
}

// MapKinds returns the kinds that t has, by number.
func (t *Target) MapKinds() []*MapKind {
	var out []*MapKind
	for i := range mapKinds[1:] {
		if k := &mapKinds[i+1]; k.Since <= t.Version {
			out = append(out, k)
		}
	}
	return out
}

// HelperTakesMap reports whether a map of the kind may be passed to helper num
// (check_map_func_compatibility); if not: "cannot pass map_type %d into func
// %s#%d", after note where that is not empty.
func (t *Target) HelperTakesMap(e Env, kind bytecode.MapType, num int32) (ok bool, note string) {
	if int(kind) >= len(mapKinds) || num < 0 || num >= NumHelpers {
		return false, ""
	}
	name := strings.TrimPrefix(HelperName(num), "bpf_")
	if helpers := mapTaking.byKind[kind]; helpers != nil && !helpers[name] {
		if !isSockMap(kind) || !isMapUpdate(name) {
			return false, ""
		}
		if !mayUpdateSockMap(e, name) {
			return false, "cannot update sockmap in this context"
		}
	}
	kinds := mapTaking.byHelper[num]
	return kinds == nil || kinds[mapKinds[kind].Name], ""
}

func isSockMap(kind bytecode.MapType) bool {
	return kind == bytecode.MapSockmap || kind == bytecode.MapSockhash
}

func isMapUpdate(name string) bool { return name == "map_update_elem" || name == "map_delete_elem" }

// mayUpdateSockMap: where no locked socket can be at hand, updating is safe.
func mayUpdateSockMap(e Env, name string) bool {
	switch e.Type {
	case bytecode.ProgTracing:
		return e.Attach == AttachTraceIter
	case bytecode.ProgSockOps:
		return name == "map_delete_elem"
	case bytecode.ProgSocketFilter, bytecode.ProgSchedCLS, bytecode.ProgSchedACT, bytecode.ProgXDP,
		bytecode.ProgSKReuseport, bytecode.ProgFlowDissector, bytecode.ProgSKLookup:
		return true
	}
	return false
}

// ValueFields are the special fields in a map's value that decide which
// programs may use the map.
type ValueFields uint32

// Special fields.
const (
	FieldSpinLock ValueFields = 1 << iota
	FieldResSpinLock
	FieldTimer
	FieldWorkqueue
	FieldTaskWork
	FieldKptr
	FieldListHead
	FieldRBRoot
)

// fieldRule refuses maps with some fields to some programs.
type fieldRule struct {
	fields  ValueFields
	refused func(bytecode.ProgType) bool
	line    string
}

var fieldRules = []fieldRule{
	{FieldListHead | FieldRBRoot, isEventType, "tracing progs cannot use bpf_{list_head,rb_root} yet"},
	{FieldSpinLock | FieldResSpinLock, isSocketFilter, "socket filter progs cannot use bpf_spin_lock yet"},
	{FieldSpinLock | FieldResSpinLock, isEventType, "tracing progs cannot use bpf_spin_lock yet"},
	{FieldTimer, isEventType, "tracing progs cannot use bpf_timer yet"},
	{FieldWorkqueue, isEventType, "tracing progs cannot use bpf_wq yet"},
}

func isSocketFilter(t bytecode.ProgType) bool { return t == bytecode.ProgSocketFilter }

// isEventType is is_tracing_prog_type: what may run in any context.
func isEventType(t bytecode.ProgType) bool {
	switch t {
	case bytecode.ProgKprobe, bytecode.ProgTracepoint, bytecode.ProgPerfEvent,
		bytecode.ProgRawTracepoint, bytecode.ProgRawTracepointWritable:
		return true
	}
	return false
}

// MapRefusal returns why a program in e may not use a map of the kind whose
// value has the fields (check_map_prog_compatibility), "" when it may.
func (t *Target) MapRefusal(e Env, kind bytecode.MapType, fields ValueFields) string {
	for _, r := range fieldRules {
		if fields&r.fields != 0 && r.refused(e.Type) {
			return r.line
		}
	}
	if kind == bytecode.MapStructOps {
		return "bpf_struct_ops map cannot be used in prog"
	}
	if k := MapKindInfo(kind); e.Sleepable() && (k == nil || !k.Sleepable) {
		return "Sleepable programs can only use array, hash, ringbuf and local storage maps"
	}
	return ""
}
