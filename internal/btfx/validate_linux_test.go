// This file defines the comparison of Validate with the running kernel.

package btfx

import (
	"bytes"
	"math/rand"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// btfLoadAttr is what BPF_BTF_LOAD takes of union bpf_attr.
type btfLoadAttr struct {
	btf, log                unsafe.Pointer
	size, logSize, logLevel uint32
	_                       [68]byte
}

// kernelLoads asks the kernel to take a blob. The error is its errno, line the
// end of its log.
func kernelLoads(raw []byte) (line string, err error) {
	log := make([]byte, 1<<16)
	attr := btfLoadAttr{
		btf: unsafe.Pointer(unsafe.SliceData(raw)), log: unsafe.Pointer(unsafe.SliceData(log)),
		size: uint32(len(raw)), logSize: uint32(len(log)), logLevel: 1,
	}
	fd, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_BTF_LOAD, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	if errno != 0 {
		log, _, _ = bytes.Cut(log, []byte{0})
		lines := strings.Split(strings.TrimSpace(string(log)), "\n")
		return lines[len(lines)-1], errno
	}
	_ = unix.Close(int(fd))
	return "", nil
}

func needKernel(t *testing.T) {
	t.Helper()
	raw, err := builderOf(int32Type).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kernelLoads(raw); err != nil {
		t.Skip("the kernel takes no BTF from us: ", err)
	}
}

func TestValidateAsKernel(t *testing.T) {
	needKernel(t)
	for _, row := range validateRows {
		t.Run(row.name, func(t *testing.T) {
			raw, err := builderOf(row.types...).Bytes()
			if err != nil {
				t.Fatal(err)
			}
			line, err := kernelLoads(raw)
			if (err == nil) != (row.want == "") || !strings.HasSuffix(line, row.want) {
				t.Errorf("kernel: %v %q, want %q", err, line, row.want)
			}
		})
	}
}

// TestValidateMutants changes bytes at random and asks both.
func TestValidateMutants(t *testing.T) {
	needKernel(t)
	b := NewBuilder(nil)
	everyKind(b)
	good, err := b.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewSource(1))
	accepted := 0
	for range 4000 {
		raw := bytes.Clone(good)
		for range 1 + r.Intn(2) {
			at := 24 + r.Intn(len(raw)-24)
			raw[at] ^= 1 << r.Intn(8)
		}
		line, kerr := kernelLoads(raw)
		s, err := Parse(raw, nil)
		if err == nil {
			err = s.Validate()
		}
		if (err == nil) != (kerr == nil) {
			t.Errorf("kernel %v %q, Skep %v\n%x", kerr, line, err, raw)
		}
		if err == nil {
			accepted++
		}
	}
	if accepted == 0 || accepted == 4000 {
		t.Errorf("%d of 4000 accepted: the test shows nothing", accepted)
	}
}
