// This file defines how maps are made from their descriptions, with libbpf's
// adjustments.

package live

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"os"
	"runtime"
	"time"
	"unsafe"

	"github.com/skepbpf/skep/internal/bytecode"
	"golang.org/x/sys/unix"
)

// withoutTypes are the kinds whose key and value have no BTF in the kernel.
var withoutTypes = map[bytecode.MapType]bool{
	bytecode.MapPerfEventArray: true,
	bytecode.MapCgroupArray:    true,
	bytecode.MapStackTrace:     true,
	bytecode.MapArrayOfMaps:    true,
	bytecode.MapHashOfMaps:     true,
	bytecode.MapDevmap:         true,
	bytecode.MapDevmapHash:     true,
	bytecode.MapCPUMap:         true,
	bytecode.MapXSKMap:         true,
	bytecode.MapSockmap:        true,
	bytecode.MapSockhash:       true,
	bytecode.MapQueue:          true,
	bytecode.MapStack:          true,
	bytecode.MapArena:          true,
}

// mapFDs makes the maps of a program: the fd_array of bpf(2).
func (s *Set) mapFDs(specs []*bytecode.MapSpec) ([]int32, error) {
	fds := make([]int32, len(specs))
	for i, m := range specs {
		fd, err := s.Map(m)
		if err != nil {
			return nil, err
		}
		fds[i] = int32(fd)
	}
	return fds, nil
}

// Map makes a map with its first contents, once, and returns its descriptor.
func (s *Set) Map(m *bytecode.MapSpec) (int, error) {
	if fd, ok := s.maps[m]; ok {
		return fd, nil
	}
	fd, err := s.createMap(m)
	if err != nil {
		return -1, &SetupError{"map " + m.Name, err}
	}
	s.maps[m] = s.own(fd)
	if err := s.fill(m, fd); err != nil {
		return -1, &SetupError{"contents of map " + m.Name, err}
	}
	return fd, nil
}

func (s *Set) createMap(m *bytecode.MapSpec) (int, error) {
	attr := mapCreateAttr{
		mapType: uint32(m.Type), keySize: m.KeySize, valueSize: m.ValueSize, maxEntries: entriesOf(m),
		flags: m.Flags, numaNode: m.NumaNode, name: nameOf(m.Name), ifIndex: m.IfIndex, extra: m.Extra,
	}
	if m.Inner != nil {
		fd, err := s.Map(m.Inner)
		if err != nil {
			return -1, err
		}
		attr.innerMapFD = uint32(fd)
	}
	if err := s.setTypes(&attr, m); err != nil {
		return -1, err
	}
	fd, err := bpf(unix.BPF_MAP_CREATE, &attr)
	if err != nil && attr.btfFD != 0 && m.Type != bytecode.MapStructOps {
		attr.btfFD, attr.keyTypeID, attr.valueTypeID = 0, 0, 0
		fd, err = bpf(unix.BPF_MAP_CREATE, &attr)
	}
	return fd, err
}

func (s *Set) setTypes(attr *mapCreateAttr, m *bytecode.MapSpec) error {
	switch {
	case m.Type == bytecode.MapStructOps:
		attr.vmlinuxValueTypeID = m.ValueTypeID
	case m.BTF == nil || withoutTypes[m.Type] || m.KeyTypeID == 0 && m.ValueTypeID == 0:
	default:
		fd, err := s.loadBTF(m.BTF)
		if err != nil {
			return err
		}
		if fd != 0 {
			attr.btfFD, attr.keyTypeID, attr.valueTypeID = uint32(fd), m.KeyTypeID, m.ValueTypeID
		}
	}
	return nil
}

// entriesOf is max_entries as libbpf sends it: ring buffers get a power of two
// of pages, event arrays one entry a CPU.
func entriesOf(m *bytecode.MapSpec) uint32 {
	switch m.Type {
	case bytecode.MapPerfEventArray:
		if m.MaxEntries == 0 {
			return uint32(runtime.NumCPU())
		}
	case bytecode.MapRingbuf, bytecode.MapUserRingbuf:
		page := uint32(os.Getpagesize())
		if n := m.MaxEntries; n != 0 && (n%page != 0 || n&(n-1) != 0) {
			return max(page, uint32(1)<<bits.Len32(n-1))
		}
	}
	return m.MaxEntries
}

// fill writes a map's first contents and freezes it.
func (s *Set) fill(m *bytecode.MapSpec, fd int) error {
	if m.Type == bytecode.MapArena {
		return s.mapArena(m, fd)
	}
	if m.Type == bytecode.MapStructOps {
		return nil
	}
	if len(m.Contents) > 0 {
		value := make([]byte, m.ValueSize)
		copy(value, m.Contents)
		if err := updateElem(fd, 0, value); err != nil {
			return err
		}
	}
	for _, slot := range m.Slots {
		if slot.Map == nil {
			continue
		}
		inner, err := s.Map(slot.Map)
		if err != nil {
			return err
		}
		if err := updateElem(fd, slot.Key, fdValue(inner)); err != nil {
			return err
		}
	}
	if !m.Frozen {
		return nil
	}
	_, err := bpf(unix.BPF_MAP_FREEZE, &mapElemAttr{mapFD: uint32(fd)})
	return err
}

// mapArena maps an arena: until user space has, its address is not known and
// no program that uses it loads. The address that map_extra asks for is used
// only to write first contents.
func (s *Set) mapArena(m *bytecode.MapSpec, fd int) error {
	if m.Extra != 0 && len(m.Contents) == 0 {
		return nil
	}
	mem, err := mmapArena(fd, m.Extra, uintptr(m.MaxEntries)*uintptr(os.Getpagesize()))
	if err != nil {
		return fmt.Errorf("map arena: %w", err)
	}
	s.areas = append(s.areas, mem)
	copy(mem, m.Contents)
	return nil
}

// mmapArena maps at addr, anywhere when that is 0. The selftests' arenas all
// ask for the same address, so one may have to wait until another set of this
// process has given it back.
func mmapArena(fd int, addr uint64, size uintptr) ([]byte, error) {
	flags := unix.MAP_SHARED
	if addr != 0 {
		flags |= unix.MAP_FIXED_NOREPLACE
	}
	var err error
	for range 200 {
		var area unsafe.Pointer
		area, err = unix.MmapPtr(fd, 0, unsafe.Add(nil, addr), size, unix.PROT_READ|unix.PROT_WRITE, flags)
		if err == nil {
			return unsafe.Slice((*byte)(area), size), nil
		}
		if err != unix.EEXIST {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	return nil, err
}

// fillSlots puts the programs that prog arrays name into them.
func (s *Set) fillSlots(p *bytecode.Program, o LoadOptions) error {
	for _, m := range p.Maps {
		if m.Type != bytecode.MapProgArray {
			continue
		}
		for _, slot := range m.Slots {
			if err := s.fillSlot(m, slot, o); err != nil {
				return &SetupError{"contents of map " + m.Name, err}
			}
		}
	}
	return nil
}

func (s *Set) fillSlot(m *bytecode.MapSpec, slot bytecode.MapSlot, o LoadOptions) error {
	callee := o.Program(slot.Program)
	if callee == nil {
		return nil
	}
	r, err := s.Load(callee, o)
	if err != nil {
		return err
	}
	if !r.Accepted() {
		return fmt.Errorf("program %s: %w", slot.Program, r.Errno)
	}
	return updateElem(s.maps[m], slot.Key, fdValue(r.FD))
}

func fdValue(fd int) []byte { return binary.NativeEndian.AppendUint32(nil, uint32(fd)) }

func updateElem(fd int, key uint32, value []byte) error {
	k := binary.NativeEndian.AppendUint32(nil, key)
	_, err := bpf(unix.BPF_MAP_UPDATE_ELEM, &mapElemAttr{mapFD: uint32(fd), key: ptrTo(k), value: ptrTo(value)})
	return err
}
