// This file defines the checks of a description that kinds share.

package maps

import (
	"strings"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/errno"
)

const (
	accessFlags = bytecode.MapRdonly | bytecode.MapWronly | bytecode.MapRdonlyProg | bytecode.MapWronlyProg

	// maxAlloc is KMALLOC_MAX_SIZE of x86-64 and arm64 with 4 KiB pages.
	maxAlloc = 4 << 20
	// maxPerCPUValue is PCPU_MIN_UNIT_SIZE.
	maxPerCPUValue = 32 << 10
	// pageSize is the page of the kernel that is matched, not of this machine.
	pageSize = 4096
)

// checkCommon judges what bpf(2) judges for every kind.
func checkCommon(s *bytecode.MapSpec) errno.Errno {
	const user = bytecode.MapRdonly | bytecode.MapWronly
	switch {
	case s.Extra != 0 && s.Type != bytecode.MapBloomFilter && s.Type != bytecode.MapArena,
		s.Flags&user == user,
		s.Flags&bytecode.MapNumaNode != 0 && s.NumaNode != 0, // Skep's machine has one node
		strings.Trim(s.Name, nameChars) != "":
		return errno.EINVAL
	}
	return 0
}

// nameChars are what a map's name may consist of (bpf_obj_name_cpy).
const nameChars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_."

// checkFlags judges flags: only allowed ones, and programs may not be shut out
// of both reading and writing.
func checkFlags(s *bytecode.MapSpec, allowed uint32) errno.Errno {
	const prog = bytecode.MapRdonlyProg | bytecode.MapWronlyProg
	if s.Flags&^allowed != 0 || s.Flags&prog == prog {
		return errno.EINVAL
	}
	return 0
}

// userSize is how many bytes user space passes for a value.
func userSize(k kind, s *bytecode.MapSpec, cpus int) uint32 {
	switch {
	case k.objects:
		return 4
	case k.perCPU:
		return roundUp8(s.ValueSize) * uint32(cpus)
	}
	return s.ValueSize
}
