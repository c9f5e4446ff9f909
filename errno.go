// This file defines the error numbers and sentinels of the API.

package skep

import (
	"github.com/cilium/ebpf"

	"github.com/skepbpf/skep/internal/errno"
)

// Errno is a Linux error number, with Linux's value on every operating system.
// errors.Is matches it with syscall.Errno and unix.E… of the same meaning and
// with the sentinels of io/fs.
type Errno = errno.Errno

// Error numbers that loading, maps and helpers give.
const (
	EPERM      = errno.EPERM
	ENOENT     = errno.ENOENT
	E2BIG      = errno.E2BIG
	EBADF      = errno.EBADF
	EAGAIN     = errno.EAGAIN
	ENOMEM     = errno.ENOMEM
	EACCES     = errno.EACCES
	EFAULT     = errno.EFAULT
	EBUSY      = errno.EBUSY
	EEXIST     = errno.EEXIST
	EINVAL     = errno.EINVAL
	ENOSPC     = errno.ENOSPC
	EOPNOTSUPP = errno.EOPNOTSUPP
	ENOTSUPP   = errno.ENOTSUPP
)

// Errors of maps: cilium/ebpf's own values, so that code written for it goes on
// working.
var (
	ErrKeyNotExist      = ebpf.ErrKeyNotExist
	ErrKeyExist         = ebpf.ErrKeyExist
	ErrIterationAborted = ebpf.ErrIterationAborted
	ErrMapIncompatible  = ebpf.ErrMapIncompatible
	ErrNotSupported     = ebpf.ErrNotSupported
)

// mapError is what an operation on a map gives: it is its error number, and the
// sentinel that goes with it.
type mapError struct {
	op       string
	sentinel error // nil for numbers without one
	errno    Errno
}

// sentinels are the errors that have a meaning of their own on maps.
var sentinels = map[Errno]error{
	ENOENT:   ErrKeyNotExist,
	EEXIST:   ErrKeyExist,
	ENOTSUPP: ErrNotSupported,
}

// errLookupMiss is by far the most frequent error, and made once.
var errLookupMiss error = &mapError{"lookup", ErrKeyNotExist, ENOENT}

// mapErr gives an operation's error, nil for 0.
func mapErr(op string, e Errno) error {
	switch {
	case e == 0:
		return nil
	case e == ENOENT && op == "lookup":
		return errLookupMiss
	}
	return &mapError{op, sentinels[e], e}
}

func (e *mapError) Error() string {
	if e.sentinel != nil {
		return e.op + ": " + e.sentinel.Error()
	}
	return e.op + ": " + e.errno.Error()
}

func (e *mapError) Unwrap() []error {
	if e.sentinel != nil {
		return []error{e.sentinel, e.errno}
	}
	return []error{e.errno}
}
