// This file defines how maps get their first contents back.

package live

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/skepbpf/skep/internal/bytecode"
	"golang.org/x/sys/unix"
)

// errNotReset is given for maps that cannot be made as new.
var errNotReset = errors.New("contents that stay")

// Reset gives every map of the set its first contents again, so that a program
// can be run as if it had just been loaded. It fails where a map's kind has
// more to it than its elements; the set is then to be made anew.
func (s *Set) Reset() error {
	for m, fd := range s.maps {
		if err := s.resetMap(m, fd); err != nil {
			return fmt.Errorf("reset map %s: %w", m.Name, err)
		}
	}
	return nil
}

func (s *Set) resetMap(m *bytecode.MapSpec, fd int) error {
	switch m.Type {
	case bytecode.MapArray:
		return resetArray(m, fd, int(m.ValueSize))
	case bytecode.MapPerCPUArray:
		if err := s.countCPUs(); err != nil {
			return err
		}
		return resetArray(m, fd, s.cpus*(int(m.ValueSize+7)&^7))
	case bytecode.MapHash, bytecode.MapPerCPUHash:
		return emptyHash(m, fd)
	case bytecode.MapProgArray:
		return nil // programs cannot change it
	}
	return errNotReset
}

// resetArray writes every element; size is how many bytes bpf(2) takes for one.
func resetArray(m *bytecode.MapSpec, fd, size int) error {
	switch {
	case m.Flags&bytecode.MapRdonlyProg != 0:
		return nil
	case m.Frozen || len(m.Slots) > 0:
		return errNotReset
	}
	value := make([]byte, size)
	for key := m.MaxEntries; key > 0; key-- {
		if key == 1 {
			copy(value, m.Contents)
		}
		if err := updateElem(fd, key-1, value); err != nil {
			return err
		}
	}
	return nil
}

// emptyHash deletes every element.
func emptyHash(m *bytecode.MapSpec, fd int) error {
	key := make([]byte, m.KeySize)
	attr := mapElemAttr{mapFD: uint32(fd), value: ptrTo(key)}
	for {
		_, err := bpf(unix.BPF_MAP_GET_NEXT_KEY, &attr)
		if errors.Is(err, unix.ENOENT) {
			return nil
		}
		if err == nil {
			_, err = bpf(unix.BPF_MAP_DELETE_ELEM, &mapElemAttr{mapFD: uint32(fd), key: ptrTo(key)})
		}
		if err != nil {
			return err
		}
	}
}

// countCPUs finds out how many values a per-CPU element has in bpf(2).
func (s *Set) countCPUs() error {
	if s.cpus > 0 {
		return nil
	}
	b, err := os.ReadFile("/sys/devices/system/cpu/possible")
	if err != nil {
		return fmt.Errorf("number of CPUs: %w", err)
	}
	var last int
	text := strings.TrimSpace(string(b))
	if _, err := fmt.Sscan(text[strings.LastIndexAny(text, "-,")+1:], &last); err != nil {
		return fmt.Errorf("number of CPUs: %w", err)
	}
	s.cpus = last + 1
	return nil
}
