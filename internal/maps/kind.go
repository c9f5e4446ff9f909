// This file defines the table of map kinds.

package maps

import (
	"fmt"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/errno"
)

// kind is one map type: what bpf(2) refuses of it and how it is made. A file
// of this package registers it; nothing else names it.
type kind struct {
	typ bytecode.MapType
	// check judges a description as the kernel's map_alloc_check does.
	check func(*bytecode.MapSpec) errno.Errno
	open  func(*base) (storage, errno.Errno)

	// perCPU: user space reads and writes a value for each CPU, each rounded
	// to 8 bytes.
	perCPU bool
	// objects: programs or maps are held; user space sees 4-byte numbers.
	objects bool
	batch   batchSet
	btf     btfRule
	merge   MergeMode // what MergeDefault means
}

// batchSet says which batch commands a kind has.
type batchSet uint8

const (
	batchLookup batchSet = 1 << iota
	batchTake
	batchUpdate
	batchDelete

	batchAll = batchLookup | batchTake | batchUpdate | batchDelete
)

// kinds is filled by init functions and constant afterwards.
var kinds = map[bytecode.MapType]kind{}

func register(k kind) { kinds[k.typ] = k }

// typeNames are the kinds' names as bpftool prints them.
var typeNames = map[bytecode.MapType]string{
	bytecode.MapUnspec:              "unspec",
	bytecode.MapHash:                "hash",
	bytecode.MapArray:               "array",
	bytecode.MapProgArray:           "prog_array",
	bytecode.MapPerfEventArray:      "perf_event_array",
	bytecode.MapPerCPUHash:          "percpu_hash",
	bytecode.MapPerCPUArray:         "percpu_array",
	bytecode.MapStackTrace:          "stack_trace",
	bytecode.MapCgroupArray:         "cgroup_array",
	bytecode.MapLRUHash:             "lru_hash",
	bytecode.MapLRUPerCPUHash:       "lru_percpu_hash",
	bytecode.MapLPMTrie:             "lpm_trie",
	bytecode.MapArrayOfMaps:         "array_of_maps",
	bytecode.MapHashOfMaps:          "hash_of_maps",
	bytecode.MapDevmap:              "devmap",
	bytecode.MapSockmap:             "sockmap",
	bytecode.MapCPUMap:              "cpumap",
	bytecode.MapXSKMap:              "xskmap",
	bytecode.MapSockhash:            "sockhash",
	bytecode.MapCgroupStorage:       "cgroup_storage",
	bytecode.MapReuseportSockarray:  "reuseport_sockarray",
	bytecode.MapPerCPUCgroupStorage: "percpu_cgroup_storage",
	bytecode.MapQueue:               "queue",
	bytecode.MapStack:               "stack",
	bytecode.MapSKStorage:           "sk_storage",
	bytecode.MapDevmapHash:          "devmap_hash",
	bytecode.MapStructOps:           "struct_ops",
	bytecode.MapRingbuf:             "ringbuf",
	bytecode.MapInodeStorage:        "inode_storage",
	bytecode.MapTaskStorage:         "task_storage",
	bytecode.MapBloomFilter:         "bloom_filter",
	bytecode.MapUserRingbuf:         "user_ringbuf",
	bytecode.MapCgrpStorage:         "cgrp_storage",
	bytecode.MapArena:               "arena",
}

// TypeName returns a kind's name, "lru_hash"; "type N" for numbers that no
// kernel has.
func TypeName(t bytecode.MapType) string {
	if n, ok := typeNames[t]; ok {
		return n
	}
	return fmt.Sprintf("type %d", uint32(t))
}

// KindError says that there is no storage for a map kind.
type KindError struct{ Type bytecode.MapType }

func (e *KindError) Error() string {
	return fmt.Sprintf("map kind %s: not supported", TypeName(e.Type))
}

// Unwrap gives what bpf(2) answers for a type that the kernel lacks.
func (e *KindError) Unwrap() error { return errno.EINVAL }

// Supported reports whether maps of a type can be made.
func Supported(t bytecode.MapType) bool {
	_, ok := kinds[t]
	return ok
}
