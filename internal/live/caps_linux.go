// This file defines how a thread gives up capabilities for a while, and how
// the kernel is asked to take programs from those who have none.

package live

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// withoutCaps runs f on a thread whose effective set lacks drop. The permitted
// set is kept, so that the thread can take them back; a thread that cannot is
// left locked, and ends with its goroutine.
func withoutCaps(drop Caps, f func() error) error {
	if drop == 0 {
		return f()
	}
	runtime.LockOSThread()
	before, err := getCaps()
	if err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("capabilities: %w", err)
	}
	after := before
	after[0].Effective &^= uint32(drop)
	after[1].Effective &^= uint32(drop >> 32)
	if err := setCaps(after); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("drop capabilities: %w", err)
	}
	err = f()
	if err2 := setCaps(before); err2 != nil {
		return fmt.Errorf("restore capabilities: %w", err2)
	}
	runtime.UnlockOSThread()
	return err
}

type capSets [2]unix.CapUserData

func capHeader() *unix.CapUserHeader {
	return &unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
}

func getCaps() (c capSets, err error) {
	err = unix.Capget(capHeader(), &c[0])
	return c, err
}

func setCaps(c capSets) error { return unix.Capset(capHeader(), &c[0]) }

const unprivilegedSysctl = "/proc/sys/kernel/unprivileged_bpf_disabled"

// UnprivilegedAllowed reports whether the kernel takes programs from callers
// without CAP_BPF at all (sysctl kernel.unprivileged_bpf_disabled is 0).
func UnprivilegedAllowed() bool {
	v, err := os.ReadFile(unprivilegedSysctl)
	return err == nil && strings.TrimSpace(string(v)) == "0"
}

// AllowUnprivileged sets kernel.unprivileged_bpf_disabled to 0, for the whole
// machine, and returns what puts the old value back. It fails where the value
// is 1, which the kernel does not let anyone change. Callers must have been
// asked to: while it is 0 every user may load programs.
func AllowUnprivileged() (restore func() error, err error) {
	old, err := os.ReadFile(unprivilegedSysctl)
	if err != nil {
		return nil, fmt.Errorf("unprivileged bpf(2): %w", err)
	}
	if strings.TrimSpace(string(old)) == "0" {
		return func() error { return nil }, nil
	}
	if err := os.WriteFile(unprivilegedSysctl, []byte("0"), 0); err != nil {
		return nil, fmt.Errorf("unprivileged bpf(2): %w", err)
	}
	return func() error { return os.WriteFile(unprivilegedSysctl, old, 0) }, nil
}
