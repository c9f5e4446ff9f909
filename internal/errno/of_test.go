// This file tests which numbers errors stand for.

package errno

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"
)

func TestOf(t *testing.T) {
	for _, row := range []struct {
		err  error
		want Errno
	}{
		{nil, 0},
		{ENOSPC, ENOSPC},
		{fmt.Errorf("wrapped: %w", ESRCH), ESRCH},
		{syscall.EAGAIN, EAGAIN},
		{&fs.PathError{Op: "open", Path: "x", Err: syscall.ENOENT}, ENOENT},
		{fs.ErrExist, EEXIST},
		{errors.New("other"), EINVAL},
	} {
		if got := Of(row.err); got != row.want {
			t.Errorf("%v: %v, want %v", row.err, got.Name(), row.want.Name())
		}
	}
}
