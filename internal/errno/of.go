// This file defines which number an error of Go stands for.

package errno

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// sentinels are Go's own errors that have a number.
var sentinels = []struct {
	err error
	n   Errno
}{
	{fs.ErrNotExist, ENOENT}, {fs.ErrExist, EEXIST}, {fs.ErrPermission, EACCES}, {fs.ErrInvalid, EINVAL}, {fs.ErrClosed, EBADF},
	{os.ErrDeadlineExceeded, ETIMEDOUT}, {context.DeadlineExceeded, ETIMEDOUT}, {context.Canceled, EINTR}, {errors.ErrUnsupported, EOPNOTSUPP},
}

// Of gives the number that an error stands for: 0 for nil, its own if it wraps
// an Errno or a syscall.Errno, that of io/fs's, os's and context's sentinels,
// and EINVAL for every other error.
func Of(err error) Errno {
	var own Errno
	var system syscall.Errno
	switch {
	case err == nil:
		return 0
	case errors.As(err, &own):
		return own
	case errors.As(err, &system):
		for n := range names {
			if n.native() == system {
				return n
			}
		}
	}
	for _, s := range sentinels {
		if errors.Is(err, s.err) {
			return s.n
		}
	}
	return EINVAL
}
