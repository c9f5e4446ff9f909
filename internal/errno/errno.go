// This file defines Linux error numbers as Go errors.

// Package errno names Linux's error numbers, with Linux's values on every
// operating system: they are part of what bpf(2) and helpers answer. It is a
// leaf: every package above may import it, it imports none of ours.
package errno

import (
	"errors"
	"io/fs"
	"strconv"
	"syscall"
)

// Errno is a Linux error number; 0 is success. Functions that programs reach
// return it negated in R0, so it is a plain number and no interface: compare
// it with 0, and use Err where an error is wanted.
type Errno uint32

// The numbers that BPF gives, from include/uapi/asm-generic/errno*.h and, for
// ENOTSUPP, include/linux/errno.h.
const (
	EPERM        Errno = 1
	ENOENT       Errno = 2
	ESRCH        Errno = 3
	EINTR        Errno = 4
	EIO          Errno = 5
	E2BIG        Errno = 7
	EBADF        Errno = 9
	EAGAIN       Errno = 11
	ENOMEM       Errno = 12
	EACCES       Errno = 13
	EFAULT       Errno = 14
	EBUSY        Errno = 16
	EEXIST       Errno = 17
	ENODEV       Errno = 19
	ENOTDIR      Errno = 20
	EISDIR       Errno = 21
	EINVAL       Errno = 22
	ENOSPC       Errno = 28
	EROFS        Errno = 30
	EDOM         Errno = 33
	ERANGE       Errno = 34
	EDEADLK      Errno = 35
	ENAMETOOLONG Errno = 36
	ENOSYS       Errno = 38
	ELOOP        Errno = 40
	ENODATA      Errno = 61
	EPROTO       Errno = 71
	EOVERFLOW    Errno = 75
	EILSEQ       Errno = 84
	EMSGSIZE     Errno = 90
	EOPNOTSUPP   Errno = 95
	EAFNOSUPPORT Errno = 97
	ETIMEDOUT    Errno = 110
	ESTALE       Errno = 116
	ENOTSUPP     Errno = 524 // internal to the kernel, yet bpf(2) lets it out
)

// names has the number's name and the text that strerror(3) gives.
var names = map[Errno][2]string{
	EPERM:        {"EPERM", "operation not permitted"},
	ENOENT:       {"ENOENT", "no such file or directory"},
	ESRCH:        {"ESRCH", "no such process"},
	EINTR:        {"EINTR", "interrupted system call"},
	EIO:          {"EIO", "input/output error"},
	E2BIG:        {"E2BIG", "argument list too long"},
	EBADF:        {"EBADF", "bad file descriptor"},
	EAGAIN:       {"EAGAIN", "resource temporarily unavailable"},
	ENOMEM:       {"ENOMEM", "cannot allocate memory"},
	EACCES:       {"EACCES", "permission denied"},
	EFAULT:       {"EFAULT", "bad address"},
	EBUSY:        {"EBUSY", "device or resource busy"},
	EEXIST:       {"EEXIST", "file exists"},
	ENODEV:       {"ENODEV", "no such device"},
	ENOTDIR:      {"ENOTDIR", "not a directory"},
	EISDIR:       {"EISDIR", "is a directory"},
	EINVAL:       {"EINVAL", "invalid argument"},
	ENOSPC:       {"ENOSPC", "no space left on device"},
	EROFS:        {"EROFS", "read-only file system"},
	EDOM:         {"EDOM", "numerical argument out of domain"},
	ERANGE:       {"ERANGE", "numerical result out of range"},
	EDEADLK:      {"EDEADLK", "resource deadlock avoided"},
	ENAMETOOLONG: {"ENAMETOOLONG", "file name too long"},
	ENOSYS:       {"ENOSYS", "function not implemented"},
	ELOOP:        {"ELOOP", "too many levels of symbolic links"},
	ENODATA:      {"ENODATA", "no data available"},
	EPROTO:       {"EPROTO", "protocol error"},
	EOVERFLOW:    {"EOVERFLOW", "value too large for defined data type"},
	EILSEQ:       {"EILSEQ", "invalid or incomplete multibyte or wide character"},
	EMSGSIZE:     {"EMSGSIZE", "message too long"},
	EOPNOTSUPP:   {"EOPNOTSUPP", "operation not supported"},
	EAFNOSUPPORT: {"EAFNOSUPPORT", "address family not supported by protocol"},
	ETIMEDOUT:    {"ETIMEDOUT", "connection timed out"},
	ESTALE:       {"ESTALE", "stale file handle"},
	ENOTSUPP:     {"ENOTSUPP", "operation not supported by this kind of object"},
}

// Error returns strerror's text.
func (e Errno) Error() string {
	if n, ok := names[e]; ok {
		return n[1]
	}
	return "errno " + strconv.FormatUint(uint64(e), 10)
}

// Name returns the symbol, "ENOENT"; "errno 999" for a number without one.
func (e Errno) Name() string {
	if n, ok := names[e]; ok {
		return n[0]
	}
	return "errno " + strconv.FormatUint(uint64(e), 10)
}

// Err returns e as an error: nil for 0.
func (e Errno) Err() error {
	if e == 0 {
		return nil
	}
	return e
}

// Ret returns e as a helper's result: 0, or -e.
func (e Errno) Ret() uint64 { return uint64(-int64(e)) }

// Is makes errors.Is match syscall.Errno (hence unix.ENOENT) of the same
// meaning on every operating system, io/fs's sentinels, and
// errors.ErrUnsupported.
func (e Errno) Is(target error) bool {
	switch target {
	case fs.ErrNotExist:
		return e == ENOENT
	case fs.ErrExist:
		return e == EEXIST
	case fs.ErrPermission:
		return e == EPERM || e == EACCES
	case errors.ErrUnsupported:
		return e == ENOSYS || e == EOPNOTSUPP || e == ENOTSUPP
	}
	n, ok := target.(syscall.Errno)
	return ok && n != 0 && n == e.native()
}
