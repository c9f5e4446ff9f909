// This file runs the tests' programs in the running kernel.

package helper_test

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"
)

// runKernel runs the sample in the kernel; ok is false where that is not
// permitted.
func (s *sample) runKernel(t *testing.T) (got outcome, ok bool) {
	t.Helper()
	c, err := ebpf.NewCollection(s.spec())
	if noKernel(err) {
		t.Logf("kernel not asked: %v", err)
		return got, false
	}
	if err != nil {
		t.Fatalf("kernel: %+v", err)
	}
	defer c.Close()
	if got.ret, got.packet, err = c.Programs["prog"].Test(s.packet); err != nil {
		t.Fatalf("kernel: %v", err)
	}
	if got.out, err = c.Maps[outMap].LookupBytes(uint32(0)); err != nil {
		t.Fatal(err)
	}
	if m := c.Maps[ringMap]; m != nil {
		r, err := ringbuf.NewReader(m)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		r.SetDeadline(time.Now())
		for rec, err := r.Read(); err == nil; rec, err = r.Read() {
			got.records = append(got.records, string(rec.RawSample))
		}
	}
	return got, true
}

func noKernel(err error) bool {
	return errors.Is(err, os.ErrPermission) || errors.Is(err, ebpf.ErrNotSupported) || errors.Is(err, unix.ENOSYS)
}
