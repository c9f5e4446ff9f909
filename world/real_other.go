// This file defines the real world elsewhere: Go's clock, counted from the
// start of the process, and the process as its own thread.

//go:build !linux

package world

import (
	"os"
	"path/filepath"
	"time"
)

type realClock struct{ start time.Time }

func newClock() Clock { return realClock{start: time.Now()} }

func (c realClock) Mono() uint64   { return uint64(time.Since(c.start)) }
func (c realClock) Boot() uint64   { return c.Mono() }
func (c realClock) TAI() uint64    { return uint64(time.Now().UnixNano()) + taiOffset*second }
func (c realClock) Coarse() uint64 { return c.Mono() }

type realTasks struct{}

func (realTasks) Current() Task {
	pid := uint32(os.Getpid())
	return Task{
		TGID: pid, PID: pid, UID: uint32(os.Getuid()), GID: uint32(os.Getgid()),
		Comm: clip(filepath.Base(os.Args[0])),
	}
}
