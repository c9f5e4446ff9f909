// This file defines a live map and how it is made and let go.

// Package maps stores what programs and their users share. It takes a
// bytecode.MapSpec and gives a Map, which has two faces: the program side works
// on raw addresses (internal/engine and internal/helper call it), the user
// side has the meaning of bpf(2) on byte slices (the root package and the
// system call use it). One file of this package is one kind.
//
// It must not import internal/verify, internal/engine or the root: what a map
// needs of them it declares as small interfaces.
package maps

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/errno"
)

// Deferrer delays a function until no program that runs now runs any more, as
// call_rcu does.
type Deferrer interface{ Defer(func()) }

// Program is what a prog array holds.
type Program interface {
	ID() uint32
	// TailCallClass is what caller and callee must have in common (type,
	// attach type, …); it is compared with ==.
	TailCallClass() any
	// Retain and Release bracket the time that a map holds the program.
	Retain()
	Release()
}

// Env is what maps of one kernel share. The zero value and nil work: one CPU,
// frees at once, no limits.
type Env struct {
	CPUs  int // possible CPUs; 0 is 1
	Defer Deferrer
	// Charge is asked about a new map's memory, in bytes, before any of it is
	// touched, and told with a negative number when it is released.
	Charge func(bytes int64) error
	// Rand seeds hash functions; nil is a real random number.
	Rand func() uint64
	// Program resolves the file descriptor that a client puts into a prog
	// array; nil knows none.
	Program func(fd uint32) (Program, errno.Errno)

	rings sync.Map // *Ring by the address of its memory
}

// cpus is the number of possible CPUs.
func (e *Env) cpus() int { return max(e.CPUs, 1) }

func (e *Env) later(f func()) {
	if e.Defer == nil {
		f()
		return
	}
	e.Defer.Defer(f)
}

func (e *Env) seed(flags uint32) uint64 {
	switch {
	case flags&bytecode.MapZeroSeed != 0:
		return 0
	case e.Rand != nil:
		return e.Rand()
	}
	return rand.Uint64()
}

// base is what a kind's constructor is given.
type base struct {
	spec   *bytecode.MapSpec // the map's own copy; a constructor may adjust it
	env    *Env
	fields fields
}

// reserve takes the map's memory.
func (b *base) reserve(size uint64) (*mem, errno.Errno) {
	if m := newMem(size); m != nil {
		return m, 0
	}
	return nil, errno.ENOMEM
}

// Map is a live map. Its methods may be called from several goroutines. What
// programs call is promoted from the kind's storage.
type Map struct {
	storage
	// ID is the kernel's number for the map; set before it is shared.
	ID uint32

	kind     kind
	spec     *bytecode.MapSpec
	env      *Env
	fields   fields
	userSize uint32

	refs    atomic.Int64
	noRead  bool // user space may not read
	frozen  atomic.Bool
	writers atomic.Int64 // writable views and, for constant maps, writes going on
}

// New makes a map. The reference that it returns with is the caller's; Release
// gives it back. Special fields come from the BTF of the value's type; BTF that
// does not fit the map is ignored, as libbpf does. Errors wrap what bpf(2)
// would answer, and name what is wrong.
func New(env *Env, spec *bytecode.MapSpec) (*Map, error) {
	if env == nil {
		env = &Env{}
	}
	if e := checkCommon(spec); e != 0 {
		return nil, createError(spec, e)
	}
	k, ok := kinds[spec.Type]
	if !ok {
		return nil, &KindError{spec.Type}
	}
	if e := k.check(spec); e != 0 {
		return nil, createError(spec, e)
	}
	own := *spec
	b := &base{spec: &own, env: env}
	if CheckBTF(spec) == 0 {
		b.fields = findFields(spec)
	}
	s, e := k.open(b)
	if e != 0 {
		return nil, createError(spec, e)
	}
	m := &Map{storage: s, kind: k, spec: b.spec, env: env, fields: b.fields}
	m.noRead = m.spec.Flags&bytecode.MapWronly != 0
	m.userSize = userSize(k, m.spec, env.cpus())
	m.refs.Store(1)
	if err := m.charge(); err != nil {
		m.close()
		return nil, fmt.Errorf("map %q: %w", spec.Name, err)
	}
	if err := m.fill(); err != nil {
		m.Release()
		return nil, err
	}
	return m, nil
}

func createError(spec *bytecode.MapSpec, e errno.Errno) error {
	return fmt.Errorf("map %q (%s, key %d, value %d, max_entries %d, flags %#x): %w", spec.Name,
		TypeName(spec.Type), spec.KeySize, spec.ValueSize, spec.MaxEntries, spec.Flags, e)
}

// fill sets the first contents and freezes the map where the description says.
func (m *Map) fill() error {
	if c := m.spec.Contents; c != nil && m.spec.Type == bytecode.MapArray {
		value := make([]byte, m.userSize)
		copy(value, c)
		if e := m.Update(make([]byte, 4), value, 0); e != 0 {
			return fmt.Errorf("map %q: first contents: %w", m.spec.Name, e)
		}
	}
	if m.spec.Frozen {
		return m.Freeze().Err()
	}
	return nil
}

func (m *Map) charge() error {
	if m.env.Charge == nil {
		return nil
	}
	return m.env.Charge(int64(m.Usage()))
}

func (m *Map) uncharge() {
	if m.env.Charge != nil {
		_ = m.env.Charge(-int64(m.Usage()))
	}
}

// Retain takes another reference.
func (m *Map) Retain() { m.refs.Add(1) }

// TryRetain is Retain unless the last reference is gone already.
func (m *Map) TryRetain() bool {
	for {
		n := m.refs.Load()
		if n == 0 {
			return false
		}
		if m.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// Release gives a reference back. After the last one what the map holds is
// released, once no program runs that could see it, and its pages go back to
// the system. It reports whether it was the last.
func (m *Map) Release() (last bool) {
	if m.refs.Add(-1) != 0 {
		return false
	}
	m.env.later(func() {
		m.close()
		if mem := m.memory(); mem != nil {
			mem.drop()
		}
		m.uncharge()
	})
	return true
}

// Refs is the number of references, for tests and reports.
func (m *Map) Refs() int64 { return m.refs.Load() }

// Spec describes the map; its MaxEntries may have been rounded as the kernel
// rounds it. Callers must not change it.
func (m *Map) Spec() *bytecode.MapSpec { return m.spec }

// PerCPU reports whether user space sees a value for each CPU.
func (m *Map) PerCPU() bool { return m.kind.perCPU }

// CPUs is the number of values that a per-CPU map has for each key.
func (m *Map) CPUs() int { return m.env.cpus() }

// UserValueSize is the length in bytes of a value as user space reads it: for
// per-CPU kinds all CPUs' values, each rounded to 8 bytes.
func (m *Map) UserValueSize() uint32 { return m.userSize }

// Usage is the memory that the map has reserved, in bytes. Pages that were
// never touched count although they take none.
func (m *Map) Usage() uint64 {
	if mem := m.memory(); mem != nil {
		return uint64(mem.size)
	}
	return m.heap()
}

// Frozen reports whether user space can no longer write.
func (m *Map) Frozen() bool { return m.frozen.Load() }

// Freeze ends writes from user space, for ever (BPF_MAP_FREEZE). EBUSY when it
// is written to, EPERM when it is frozen, ENOTSUPP for maps with special fields.
func (m *Map) Freeze() errno.Errno {
	if m.fields.any() || m.spec.Type == bytecode.MapStructOps {
		return errno.ENOTSUPP
	}
	if m.spec.Flags&bytecode.MapRdonly != 0 {
		return errno.EPERM
	}
	if !m.frozen.CompareAndSwap(false, true) {
		return errno.EPERM
	}
	if m.writers.Load() != 0 {
		m.frozen.Store(false)
		return errno.EBUSY
	}
	return 0
}

// ReadConst copies len(p) bytes at off of the single value of a frozen array
// that programs cannot write either; ok is false for any other map.
func (m *Map) ReadConst(off uint32, p []byte) (ok bool) {
	s := m.spec
	if s.Type != bytecode.MapArray || s.MaxEntries != 1 || !m.Frozen() || s.Flags&bytecode.MapRdonlyProg == 0 ||
		uint64(off)+uint64(len(p)) > uint64(s.ValueSize) {
		return false
	}
	copy(p, view(at(m.memory().base, uintptr(off)), uintptr(len(p))))
	runtime.KeepAlive(m)
	return true
}

// DirectValue is the address of the single value of an array, for loads that
// name an offset in it; 0 where the kind has none (ENOTSUPP in the kernel).
func (m *Map) DirectValue() uintptr {
	if m.spec.Type != bytecode.MapArray || m.spec.MaxEntries != 1 {
		return 0
	}
	return addr(m.memory().base)
}

// Region is the memory that values and keys lie in; size 0 without one.
func (m *Map) Region() (start, size uintptr) {
	if mem := m.memory(); mem != nil {
		return addr(mem.base), mem.size
	}
	return 0, 0
}
