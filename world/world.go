// This file defines the world: what programs can learn of their surroundings.

// Package world supplies what a kernel would know and user space has to be
// told: the time, randomness, processors, the task that is running. Each is a
// small interface with a real implementation and a fake one. A test that uses
// NewFake gets the same bytes every time:
//
//	fake := world.NewFake()
//	k, err := skep.NewKernel(&skep.KernelOptions{World: fake.World()})
//	fake.Advance(time.Second)
//
// The helpers and attachments of a Kernel are what reads it next. It imports
// nothing of Skep's.
package world

// World is the surroundings of one Kernel. No field may be nil; Real and
// Fake.World fill them all. It is not changed while in use.
type World struct {
	Clock Clock
	Rand  Rand
	CPUs  CPUs
	Tasks Tasks
}

// Clock tells the time, in nanoseconds. Implementations are safe for
// concurrent use.
type Clock interface {
	// Mono is CLOCK_MONOTONIC: time since boot without suspension
	// (bpf_ktime_get_ns).
	Mono() uint64
	// Boot is CLOCK_BOOTTIME: time since boot (bpf_ktime_get_boot_ns).
	Boot() uint64
	// TAI is CLOCK_TAI: atomic time since 1970 (bpf_ktime_get_tai_ns).
	TAI() uint64
	// Coarse is CLOCK_MONOTONIC_COARSE: Mono as of the last tick
	// (bpf_ktime_get_coarse_ns).
	Coarse() uint64
}

// Rand gives random numbers that need not be secret (bpf_get_prandom_u32).
// Implementations are safe for concurrent use.
type Rand interface {
	Uint32() uint32
}

// CPUs says how many processors there are. A Kernel gives each of them a slot
// to run programs on and a row in per-CPU maps.
type CPUs interface {
	// Count is at least 1 and never changes.
	Count() int
}

// Tasks knows the tasks of the system. Implementations are safe for
// concurrent use.
type Tasks interface {
	// Current is the task on whose behalf the caller runs.
	Current() Task
}

// Task is what programs can ask about a task.
type Task struct {
	TGID uint32 // process
	PID  uint32 // thread
	UID  uint32
	GID  uint32
	Comm string // at most 15 bytes
}

// Real is the machine's own world: its clocks, a random generator, the number
// of processors this process may use, and this process as the current task.
func Real() *World {
	return &World{Clock: newClock(), Rand: realRand{}, CPUs: realCPUs{}, Tasks: realTasks{}}
}

// taiOffset is TAI minus UTC in seconds, since 2017 (IERS Bulletin C).
const taiOffset = 37

const second = uint64(1e9)

// maxComm is TASK_COMM_LEN without the terminating NUL.
const maxComm = 15

// clip cuts a name as the kernel does.
func clip(comm string) string { return comm[:min(len(comm), maxComm)] }
