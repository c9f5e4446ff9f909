// This file defines the fake world.

package world

import (
	"math/rand/v2"
	"sync"
	"time"
)

// Fake is a world that a test sets. It stands still until the test moves it.
// It is safe for concurrent use.
type Fake struct {
	mu   sync.Mutex
	mono uint64
	rand *rand.PCG
	task Task
	cpus int
}

// What a new Fake says.
const (
	FakeStart = 1000 * second       // Mono: 1000 s after boot
	fakeEpoch = 1735689600 * second // UTC at boot: 2025-01-01
	fakeCPUs  = 2
)

// NewFake gives a world of two CPUs at FakeStart, whose current task is
// process 1000, named "skep", of user and group 1000.
func NewFake() *Fake {
	return &Fake{
		mono: FakeStart,
		rand: rand.NewPCG(1, 2),
		task: Task{TGID: 1000, PID: 1000, UID: 1000, GID: 1000, Comm: "skep"},
		cpus: fakeCPUs,
	}
}

// World gives the fake as a World.
func (f *Fake) World() *World {
	return &World{Clock: f, Rand: f, CPUs: fakeCPUCount(f.cpus), Tasks: f}
}

// Advance moves every clock on by d.
func (f *Fake) Advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mono += uint64(d)
}

// Seed starts the random numbers anew.
func (f *Fake) Seed(seed uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rand.Seed(seed, 2)
}

// SetCurrent makes t the current task; its name is cut to 15 bytes.
func (f *Fake) SetCurrent(t Task) {
	t.Comm = clip(t.Comm)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.task = t
}

// SetCPUs sets the number of CPUs of worlds that World gives from now on; less
// than 1 is 1.
func (f *Fake) SetCPUs(n int) { f.cpus = max(n, 1) }

// Mono implements Clock.
func (f *Fake) Mono() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mono
}

// Boot implements Clock: a fake world is never suspended.
func (f *Fake) Boot() uint64 { return f.Mono() }

// TAI implements Clock.
func (f *Fake) TAI() uint64 { return fakeEpoch + taiOffset*second + f.Mono() }

// Coarse implements Clock: ticks of 4 ms, as at CONFIG_HZ=250.
func (f *Fake) Coarse() uint64 { return f.Mono() / 4e6 * 4e6 }

// Uint32 implements Rand.
func (f *Fake) Uint32() uint32 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return uint32(f.rand.Uint64() >> 32)
}

// Current implements Tasks.
func (f *Fake) Current() Task {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.task
}

type fakeCPUCount int

// Count implements CPUs.
func (n fakeCPUCount) Count() int { return int(n) }
