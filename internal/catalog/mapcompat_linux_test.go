// This file compares map and helper compatibility with the running kernel.

package catalog

import (
	"fmt"
	"slices"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/skepbpf/skep/internal/bytecode"
)

// mapShape is how a map of a kind can be made without BTF.
type mapShape struct{ key, value, entries, flags uint32 }

var mapShapes = map[bytecode.MapType]mapShape{
	bytecode.MapHash: {4, 8, 1, 0}, bytecode.MapArray: {4, 8, 1, 0}, bytecode.MapProgArray: {4, 4, 1, 0},
	bytecode.MapPerfEventArray: {4, 4, 1, 0}, bytecode.MapPerCPUHash: {4, 8, 1, 0}, bytecode.MapPerCPUArray: {4, 8, 1, 0},
	bytecode.MapStackTrace: {4, 8, 1, 0}, bytecode.MapCgroupArray: {4, 4, 1, 0}, bytecode.MapLRUHash: {4, 8, 64, 0},
	bytecode.MapLRUPerCPUHash: {4, 8, 64, 0}, bytecode.MapLPMTrie: {8, 8, 1, bytecode.MapNoPrealloc},
	bytecode.MapDevmap: {4, 4, 1, 0}, bytecode.MapSockmap: {4, 4, 1, 0}, bytecode.MapCPUMap: {4, 4, 1, 0},
	bytecode.MapXSKMap: {4, 4, 1, 0}, bytecode.MapSockhash: {4, 4, 1, 0}, bytecode.MapCgroupStorage: {8, 8, 0, 0},
	bytecode.MapReuseportSockarray: {4, 8, 1, 0}, bytecode.MapPerCPUCgroupStorage: {8, 8, 0, 0},
	bytecode.MapQueue: {0, 8, 1, 0}, bytecode.MapStack: {0, 8, 1, 0}, bytecode.MapDevmapHash: {4, 4, 1, 0},
	bytecode.MapRingbuf: {0, 0, 4096, 0}, bytecode.MapBloomFilter: {0, 8, 1, 0}, bytecode.MapUserRingbuf: {0, 0, 4096, 0},
	bytecode.MapArena: {0, 0, 1, bytecode.MapMmapable},
}

func createMap(kind bytecode.MapType, s mapShape) (int, error) {
	attr := [5]uint32{uint32(kind), s.key, s.value, s.entries, s.flags}
	fd, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_MAP_CREATE, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
}

func TestMapHelpersAgainstKernel(t *testing.T) {
	k := needKernel(t)
	cells := 0
	for _, kind := range Linux6_18.MapKinds() {
		shape, ok := mapShapes[kind.Type]
		if !ok {
			continue
		}
		fd, err := createMap(kind.Type, shape)
		if err != nil {
			t.Errorf("create %s: %v", kind.Name, err)
			continue
		}
		for _, typ := range []bytecode.ProgType{
			bytecode.ProgSocketFilter, bytecode.ProgSchedCLS, bytecode.ProgXDP, bytecode.ProgSKMsg, bytecode.ProgSKSKB,
			bytecode.ProgSockOps, bytecode.ProgSKReuseport, bytecode.ProgKprobe, bytecode.ProgCgroupSock,
		} {
			e := liveEnv{Env: Env{Type: typ, Caps: CapsAll}}
			for num := int32(1); num < NumHelpers; num++ {
				p, grant := Linux6_18.Helper(e.Env, num)
				prog := passMap(p, fd)
				if grant != Granted || prog == nil || machineOnly[p.Name] != "" {
					continue
				}
				log, loaded := e.load(k, prog...)
				refused := k.said(fmt.Sprintf("cannot pass map_type %d into func %s#%d", kind.Type, p.Name, num)) ||
					k.said("expected prog array map for tail call") // since 6.17 for this helper
				ok, note := Linux6_18.HelperTakesMap(e.Env, kind.Type, num)
				if !ok && !refused && !loaded {
					continue // some check that comes first refused
				}
				cells++
				if ok == refused || !ok && loaded || note != "" && !k.said(note) {
					t.Errorf("%v: %s into %s: %v %q, kernel %v (%s)", typ, kind.Name, p.Name, ok, note, loaded, log)
				}
			}
		}
		unix.Close(fd)
	}
	atLeast(t, 2000, cells, "cells")
}

// passMap returns a program that calls p with the map and otherwise the plainest
// arguments. It is nil where p takes no map, or something that has none.
func passMap(p *Proto, fd int) []bytecode.Insn {
	at := slices.IndexFunc(p.Args[:], func(a Arg) bool { return a.Kind == ArgConstMapPtr })
	if at < 0 {
		return nil
	}
	for _, a := range p.Args {
		if a.Kind != ArgNone && plain(a, 1, fd) == nil {
			return nil
		}
	}
	return callWith(p, at, func(r uint8) []bytecode.Insn { return plain(p.Args[at], r, fd) }, fd)
}
