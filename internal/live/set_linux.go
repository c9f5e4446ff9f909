// This file defines Set, the kernel objects that the programs of one object
// share, and how programs are loaded into it.

package live

import (
	"errors"
	"fmt"
	"syscall"
	"unsafe"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
	"golang.org/x/sys/unix"
)

// Set holds what the kernel made: BTF, maps and programs, by what they were
// made of. Programs that share a *bytecode.MapSpec share the map. A Set
// belongs to one goroutine.
type Set struct {
	// OptionalBTF makes the set do without BTF that the kernel refuses, as
	// libbpf does for objects that do not need any.
	OptionalBTF bool

	btfs  map[*btfx.Spec]int // 0: refused, done without
	maps  map[*bytecode.MapSpec]int
	progs map[*bytecode.Program]*Result
	fds   []int
	cpus  int      // 0: not known yet
	areas [][]byte // arenas are mapped while their set lives
}

// NewSet makes an empty Set. Close it to give everything back.
func NewSet() *Set {
	return &Set{
		btfs:  map[*btfx.Spec]int{},
		maps:  map[*bytecode.MapSpec]int{},
		progs: map[*bytecode.Program]*Result{},
	}
}

// Close closes every file descriptor of the set; results of its loads are
// invalid afterwards.
func (s *Set) Close() {
	for _, fd := range s.fds {
		unix.Close(fd)
	}
	for _, a := range s.areas {
		_ = unix.MunmapPtr(unsafe.Pointer(unsafe.SliceData(a)), uintptr(len(a)))
	}
	*s = Set{OptionalBTF: s.OptionalBTF, btfs: map[*btfx.Spec]int{}, maps: map[*bytecode.MapSpec]int{}, progs: map[*bytecode.Program]*Result{}}
}

func (s *Set) own(fd int) int {
	s.fds = append(s.fds, fd)
	return fd
}

// Available says whether the kernel can be asked: nil, or an error that wraps
// ErrUnavailable and says why not.
func Available() error {
	s := NewSet()
	defer s.Close()
	p := &bytecode.Program{Name: "available", Type: bytecode.ProgSocketFilter, License: "GPL", Insns: []bytecode.Insn{
		{Op: bytecode.ClassALU64 | bytecode.ALUMov},
		{Op: bytecode.ClassJMP | bytecode.JmpExit},
	}}
	r, err := s.Load(p, LoadOptions{})
	if err == nil && r.Errno != 0 {
		err = r.Errno
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return nil
}

// Load makes what p needs and asks the kernel for its verdict. A rejection is
// a Result; the error is a *SetupError, or one of capabilities. A program that
// was accepted before is not loaded again.
func (s *Set) Load(p *bytecode.Program, o LoadOptions) (*Result, error) {
	if r, ok := s.progs[p]; ok {
		return r, nil
	}
	var res *Result
	err := withoutCaps(o.Drop, func() error {
		attr, err := s.prepare(p, o)
		if err != nil {
			return err
		}
		res = s.submit(attr, o)
		res.NoBTF = p.BTF != nil && attr.btfFD == 0
		return nil
	})
	if err != nil {
		return nil, err
	}
	if !res.Accepted() {
		return res, nil
	}
	s.progs[p] = res
	if o.Program != nil {
		err = s.fillSlots(p, o)
	}
	return res, err
}

// prepare makes BTF, maps and the target of an extension, and the call's
// arguments but for the log.
func (s *Set) prepare(p *bytecode.Program, o LoadOptions) (*progLoadAttr, error) {
	attr := &progLoadAttr{
		progType:       uint32(p.Type),
		license:        ptrTo(append([]byte(p.License), 0)),
		kernVersion:    p.KernVersion,
		flags:          p.Flags | o.Flags,
		name:           nameOf(p.Name),
		expectedAttach: uint32(p.ExpectedAttach),
		attachBTFID:    p.AttachBTFID,
	}
	attr.setCode(p)
	fds, err := s.mapFDs(p.Maps)
	if err != nil {
		return nil, err
	}
	if len(fds) > 0 {
		attr.fdArray = ptrTo(fds)
	}
	if p.BTF != nil {
		fd, err := s.loadBTF(p.BTF)
		if err != nil {
			return nil, err
		}
		if fd != 0 {
			attr.setInfo(p, fd)
		}
	}
	if p.AttachProg != nil {
		r, err := s.Load(p.AttachProg, LoadOptions{})
		if err == nil && !r.Accepted() {
			err = r.Errno
		}
		if err != nil {
			return nil, &SetupError{"program " + p.AttachProg.Name, err}
		}
		attr.attachProgFD = uint32(r.FD)
	}
	return attr, nil
}

// submit asks, with a log that grows to hold everything, unless that is more
// than MaxLog. The kernel answers ENOSPC instead of its verdict when the log was
// cut, so the verdict is then asked for once more, without a log.
func (s *Set) submit(attr *progLoadAttr, o LoadOptions) *Result {
	limit := o.MaxLog
	if limit <= 0 {
		limit = 16 << 20
	}
	size := min(limit, firstLog(o.LogLevel))
	for {
		buf := attr.setLog(o.LogLevel, size)
		fd, err := bpf(unix.BPF_PROG_LOAD, attr)
		log := unix.ByteSliceToString(buf)
		if err == nil {
			return &Result{FD: s.own(fd), Log: log}
		}
		want := int(attr.logTrueSize)
		switch {
		case err != unix.ENOSPC || want <= size:
			return &Result{FD: -1, Errno: errnoOf(err), Log: log}
		case want > limit:
			r := s.submit(attr, LoadOptions{})
			r.Log, r.Truncated = log, true
			return r
		}
		size = want
	}
}

// firstLog is how large a log is asked for at first: counts and a reason are
// short.
func firstLog(level uint32) int {
	const states = 3 // bits 1 and 2
	if level&states == 0 {
		return 4 << 10
	}
	return 256 << 10
}

func errnoOf(err error) syscall.Errno {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return unix.EINVAL
}
