// This file defines what a return value means to a packet, per program type.

package attach

import "github.com/skepbpf/skep/internal/bytecode"

// Hook is where packets meet programs of one type.
type Hook struct {
	Name string // "XDP"
	// L3: programs of this type see the packet from the network header on.
	L3 bool
	// names are those of the return values from -1 on; "" is none.
	names []string
	keep  func(ret uint32, n int) int
}

// Keep returns how many bytes of a packet of n bytes go on after a program
// returned ret; 0 drops the packet. What is sent elsewhere (XDP_TX, redirects)
// does not go on.
func (h *Hook) Keep(ret uint32, n int) int { return h.keep(ret, n) }

// Verdict names a return value ("XDP_DROP"); "" when it has no name.
func (h *Hook) Verdict(ret uint32) string {
	if i := ret + 1; i < uint32(len(h.names)) {
		return h.names[i]
	}
	return ""
}

// HookOf returns the hook of a program type; nil for types that see no packets.
func HookOf(t bytecode.ProgType) *Hook { return hooks[t] }

// hooks has Linux's rules: XDP actions (include/uapi/linux/bpf.h), tc actions
// of a direct-action classifier (net/sched/cls_bpf.c), a socket filter's return
// value as a snap length (socket(7)), bit 0 of a cgroup_skb program's.
var hooks = map[bytecode.ProgType]*Hook{
	bytecode.ProgXDP: {
		Name: "XDP", keep: keepIf(func(ret uint32) bool { return ret == 2 }),
		names: []string{"", "XDP_ABORTED", "XDP_DROP", "XDP_PASS", "XDP_TX", "XDP_REDIRECT"},
	},
	bytecode.ProgSchedCLS: tc,
	bytecode.ProgSchedACT: tc,
	bytecode.ProgSocketFilter: {
		Name: "socket filter", keep: func(ret uint32, n int) int { return int(min(uint64(ret), uint64(n))) },
		names: []string{"", "drop"},
	},
	bytecode.ProgCgroupSKB: {
		Name: "cgroup", L3: true, keep: keepIf(func(ret uint32) bool { return ret&1 != 0 }),
		names: []string{"", "drop", "pass", "drop, congested", "pass, congested"},
	},
}

var tc = &Hook{
	Name: "tc", keep: keepIf(tcKeeps),
	names: []string{
		"TC_ACT_UNSPEC", "TC_ACT_OK", "TC_ACT_RECLASSIFY", "TC_ACT_SHOT", "TC_ACT_PIPE",
		"TC_ACT_STOLEN", "TC_ACT_QUEUED", "TC_ACT_REPEAT", "TC_ACT_REDIRECT", "TC_ACT_TRAP",
	},
}

// tcKeeps: a direct-action classifier drops by SHOT, and takes the packet away
// by STOLEN, REDIRECT and TRAP; every other value continues.
func tcKeeps(ret uint32) bool {
	const shot, stolen, redirect, trap = 2, 4, 7, 8
	return ret != shot && ret != stolen && ret != redirect && ret != trap
}

func keepIf(ok func(ret uint32) bool) func(uint32, int) int {
	return func(ret uint32, n int) int {
		if ok(ret) {
			return n
		}
		return 0
	}
}
