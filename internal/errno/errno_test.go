package errno

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"
)

func TestIs(t *testing.T) {
	for _, c := range []struct {
		name   string
		err    error
		target error
		want   bool
	}{
		{"same number", ENOENT, syscall.ENOENT, true},
		{"other number", ENOENT, syscall.EINVAL, false},
		{"differs between systems", EAGAIN, syscall.EAGAIN, true},
		{"no success", ENOTSUPP, syscall.Errno(0), false},
		{"not exist", ENOENT, fs.ErrNotExist, true},
		{"exist", EEXIST, fs.ErrExist, true},
		{"permission", EPERM, fs.ErrPermission, true},
		{"access", EACCES, fs.ErrPermission, true},
		{"unsupported", ENOTSUPP, errors.ErrUnsupported, true},
		{"not exist is not exist only", EEXIST, fs.ErrNotExist, false},
		{"wrapped", fmt.Errorf("lookup: %w", ENOENT), ENOENT, true},
	} {
		if got := errors.Is(c.err, c.target); got != c.want {
			t.Errorf("%s: Is(%v, %v) = %v", c.name, c.err, c.target, got)
		}
	}
}

func TestErr(t *testing.T) {
	if err := Errno(0).Err(); err != nil {
		t.Errorf("0 gives %v", err)
	}
	if got := int64(EINVAL.Ret()); got != -22 {
		t.Errorf("EINVAL.Ret() = %d", got)
	}
	for e, n := range names {
		if e.Name() != n[0] || e.Error() != n[1] {
			t.Errorf("%d: %s, %s", uint32(e), e.Name(), e)
		}
	}
	if got := Errno(999).Error(); got != "errno 999" {
		t.Errorf("unknown number: %q", got)
	}
}
