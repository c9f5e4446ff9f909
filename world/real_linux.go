// This file defines the real world on Linux: its own clocks and task.

package world

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// realClock reads CLOCK_MONOTONIC the cheap way: Go's monotonic time is that
// clock, counted from another start.
type realClock struct {
	start time.Time
	mono  uint64 // CLOCK_MONOTONIC at start
}

func newClock() Clock {
	return realClock{start: time.Now(), mono: gettime(unix.CLOCK_MONOTONIC)}
}

func (c realClock) Mono() uint64 { return c.mono + uint64(time.Since(c.start)) }
func (realClock) Boot() uint64   { return gettime(unix.CLOCK_BOOTTIME) }
func (realClock) TAI() uint64    { return gettime(unix.CLOCK_TAI) }
func (realClock) Coarse() uint64 { return gettime(unix.CLOCK_MONOTONIC_COARSE) }

func gettime(clock int32) uint64 {
	var ts unix.Timespec
	if unix.ClockGettime(clock, &ts) != nil {
		return 0
	}
	return uint64(ts.Nano())
}

type realTasks struct{}

func (realTasks) Current() Task {
	return Task{
		TGID: uint32(unix.Getpid()), PID: uint32(unix.Gettid()),
		UID: uint32(unix.Getuid()), GID: uint32(unix.Getgid()),
		Comm: comm(),
	}
}

// comm is the calling thread's name.
func comm() string {
	var name [maxComm + 1]byte
	if unix.Prctl(unix.PR_GET_NAME, uintptr(unsafe.Pointer(&name[0])), 0, 0, 0) != nil {
		return ""
	}
	return unix.ByteSliceToString(name[:])
}
