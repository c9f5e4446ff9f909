// This file defines Kernel, the value that everything loaded belongs to.

package skep

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/skepbpf/skep/internal/engine"
	"github.com/skepbpf/skep/internal/helper"
	"github.com/skepbpf/skep/internal/maps"
	"github.com/skepbpf/skep/world"
)

// ErrClosed is what a closed Kernel, Program or Link answers.
var ErrClosed = errors.New("closed")

// ErrLimit is wrapped by errors about Limits.
var ErrLimit = errors.New("limit reached")

// KernelOptions say what a Kernel is. The zero value, and nil, are a Linux 6.18
// on the machine's own clock and CPUs, for one who has all capabilities.
type KernelOptions struct {
	Target Target       // what programs are verified for; zero: Linux6_18
	World  *world.World // clock, randomness, CPUs, tasks; nil: the machine's own
	Caps   Caps         // of whoever loads; 0: all
	// Unprivileged is short for Caps: CapsNone.
	Unprivileged bool
	Limits       Limits
	// Log receives what programs print (bpf_trace_printk), with the program's
	// name. It may be called by several goroutines at once. nil drops it.
	Log func(program, text string)
	// Stats counts runs and their time (Program.Stats), at the price of two
	// clock readings a run.
	Stats bool
}

// Limits bound what loaded objects may take. 0 is no limit.
type Limits struct {
	MapBytes uint64        // memory of all maps
	Maps     int           // number of maps
	Programs int           // number of programs
	RunTime  time.Duration // of one run; a longer one is stopped with an error
}

// Kernel loads programs and maps and runs them. Ids, limits and the world
// belong to it; kernels share nothing. It is safe for concurrent use.
type Kernel struct {
	opts  KernelOptions
	cpus  *cpus
	funcs *engine.Funcs
	env   *maps.Env

	mapBytes atomic.Int64

	mu       sync.Mutex
	closed   bool
	nextID   uint32
	programs map[uint32]*program
	maps     map[uint32]*maps.Map
}

// cpus is the slots that programs run on. Programs and kernels share it, and
// its memory goes back when the last of them is gone: a run that comes late,
// after Close, still finds a slot and is then told that all is closed.
type cpus struct{ *engine.Pool }

// NewKernel makes a kernel. Close it when done.
func NewKernel(opts *KernelOptions) (*Kernel, error) {
	k := &Kernel{programs: map[uint32]*program{}, maps: map[uint32]*maps.Map{}}
	if opts != nil {
		k.opts = *opts
	}
	if k.opts.Unprivileged {
		k.opts.Caps = CapsNone
	}
	pool, err := engine.NewPool(engine.Host{World: k.opts.World, Trace: k.opts.Log})
	if err != nil {
		return nil, fmt.Errorf("CPUs: %w", err)
	}
	k.cpus = &cpus{pool}
	runtime.AddCleanup(k.cpus, (*engine.Pool).Close, pool)
	k.funcs = helper.Bodies()
	k.env = &maps.Env{
		CPUs: pool.Size(), Defer: pool, Charge: k.charge, Rand: k.randomSeed,
	}
	return k, nil
}

// charge accounts for a map's memory.
func (k *Kernel) charge(bytes int64) error {
	total := k.mapBytes.Add(bytes)
	if limit := k.opts.Limits.MapBytes; bytes > 0 && limit > 0 && uint64(total) > limit {
		k.mapBytes.Add(-bytes)
		return fmt.Errorf("%d bytes of maps, at most %d: %w (%w)", total, limit, ErrLimit, ENOMEM)
	}
	return nil
}

func (k *Kernel) randomSeed() uint64 {
	r := k.cpus.Host().World.Rand
	return uint64(r.Uint32())<<32 | uint64(r.Uint32())
}

// Target is the kernel that programs are verified for.
func (k *Kernel) Target() Target { return k.opts.Target }

// newID gives the next number; programs and maps share the sequence. The
// caller holds mu.
func (k *Kernel) newID() uint32 {
	k.nextID++
	return k.nextID
}

// addMap makes a map.
func (k *Kernel) addMap(m *maps.Map) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return fmt.Errorf("kernel: %w", ErrClosed)
	}
	if limit := k.opts.Limits.Maps; limit > 0 && len(k.maps) >= limit {
		return fmt.Errorf("%d maps: %w (%w)", limit, ErrLimit, EPERM)
	}
	m.ID = k.newID()
	k.maps[m.ID] = m
	return nil
}

// addProgram gives a program its number.
func (k *Kernel) addProgram(p *program) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return fmt.Errorf("kernel: %w", ErrClosed)
	}
	if limit := k.opts.Limits.Programs; limit > 0 && len(k.programs) >= limit {
		return fmt.Errorf("%d programs: %w (%w)", limit, ErrLimit, EPERM)
	}
	p.id = k.newID()
	k.programs[p.id] = p
	return nil
}

// releaseMap gives a reference back and forgets the map after the last.
func (k *Kernel) releaseMap(m *maps.Map) {
	if !m.Release() {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.maps, m.ID)
}

func (k *Kernel) forgetProgram(p *program) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.programs, p.id)
}

// Close closes all programs of the kernel and returns when the last run has
// ended and what was to be freed is freed. Maps that somebody still holds live
// on until their own Close. A second Close does nothing.
func (k *Kernel) Close() error {
	k.mu.Lock()
	closed := k.closed
	k.closed = true
	programs := make([]*program, 0, len(k.programs))
	for _, p := range k.programs {
		programs = append(programs, p)
	}
	k.mu.Unlock()
	if closed {
		return nil
	}
	for _, p := range programs {
		p.stop()
	}
	k.cpus.Synchronize()
	k.cpus.Barrier()
	return nil
}
