// This file defines the translation to the operating system's numbers where
// they differ from Linux's.

//go:build !linux

package errno

import "syscall"

// natives lists what every operating system's syscall package has a name for.
var natives = map[Errno]syscall.Errno{
	EPERM:        syscall.EPERM,
	ENOENT:       syscall.ENOENT,
	ESRCH:        syscall.ESRCH,
	EINTR:        syscall.EINTR,
	EIO:          syscall.EIO,
	E2BIG:        syscall.E2BIG,
	EBADF:        syscall.EBADF,
	EAGAIN:       syscall.EAGAIN,
	ENOMEM:       syscall.ENOMEM,
	EACCES:       syscall.EACCES,
	EFAULT:       syscall.EFAULT,
	EBUSY:        syscall.EBUSY,
	EEXIST:       syscall.EEXIST,
	ENODEV:       syscall.ENODEV,
	ENOTDIR:      syscall.ENOTDIR,
	EISDIR:       syscall.EISDIR,
	EINVAL:       syscall.EINVAL,
	ENOSPC:       syscall.ENOSPC,
	EROFS:        syscall.EROFS,
	EDOM:         syscall.EDOM,
	ERANGE:       syscall.ERANGE,
	EDEADLK:      syscall.EDEADLK,
	ENAMETOOLONG: syscall.ENAMETOOLONG,
	ENOSYS:       syscall.ENOSYS,
	ELOOP:        syscall.ELOOP,
	EPROTO:       syscall.EPROTO,
	EOVERFLOW:    syscall.EOVERFLOW,
	EILSEQ:       syscall.EILSEQ,
	EMSGSIZE:     syscall.EMSGSIZE,
	EOPNOTSUPP:   syscall.EOPNOTSUPP,
	EAFNOSUPPORT: syscall.EAFNOSUPPORT,
	ETIMEDOUT:    syscall.ETIMEDOUT,
	ESTALE:       syscall.ESTALE,
}

// native returns the system's number of the same meaning, 0 when it has none:
// 0 is no error, so nothing is equal to it.
func (e Errno) native() syscall.Errno { return natives[e] }
