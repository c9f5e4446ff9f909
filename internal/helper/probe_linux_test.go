// This file tests reads of memory that nothing is known of.

package helper_test

import (
	"runtime"
	"testing"
	"unsafe"

	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"
)

// lastPage gives a page with nothing readable behind it.
func lastPage(t *testing.T) []byte {
	t.Helper()
	size := unix.Getpagesize()
	p, err := unix.Mmap(-1, 0, 2*size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Munmap(p) })
	if err := unix.Mprotect(p[size:], unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	return p[:size]
}

func addressOf(p []byte) uint64 { return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(p)))) }

// pinned gives memory that stays where it is until the end of the test.
func pinned(t *testing.T, text string) []byte {
	p := []byte(text)
	var pin runtime.Pinner
	pin.Pin(&p[0])
	t.Cleanup(pin.Unpin)
	return p
}

// The programs run on behalf of this process, in the kernel too, so its memory
// is the user memory that they see.
func TestProbeRead(t *testing.T) {
	heap := pinned(t, "in Go's heap\x00 and more, more than one chunk of a string takes, and a bit more of it\x00")
	page := lastPage(t)
	tail := page[len(page)-8:]
	copy(tail, "1234567\x00")
	open := lastPage(t)
	openTail := open[len(open)-8:]
	copy(openTail, "12345678")

	const (
		kernel, user       = asm.FnProbeReadKernel, asm.FnProbeReadUser
		kernelStr, userStr = asm.FnProbeReadKernelStr, asm.FnProbeReadUserStr
		nowhere            = 16
	)
	for _, row := range []struct {
		name string
		fn   asm.BuiltinFunc
		size int
		from any
		ret  uint32
		out  string
		ours bool
	}{
		{"map value", kernel, 8, constAt(0), 0, "map valu\xff", false},
		{"nothing from nowhere", kernel, 0, nowhere, minus(erange), "\xff", false},
		{"kernel at NULL", kernel, 4, 0, minus(erange), "\x00\x00\x00\x00\xff", false},
		{"kernel nowhere", kernel, 4, 1 << 20, minus(efault), "\x00\x00\x00\x00\xff", true},
		{"heap", user, 12, addressOf(heap), 0, "in Go's heap\xff", false},
		{"user at NULL", user, 4, 0, minus(efault), "\x00\x00\x00\x00\xff", false},
		{"user not canonical", user, 4, 1 << 62, minus(efault), "\x00\x00\x00\x00\xff", false},
		{"end of a page", user, 8, addressOf(tail), 0, "1234567\x00\xff", false},
		{"past the end of a page", user, 9, addressOf(tail), minus(efault), "\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff", false},

		{"string in a map", kernelStr, 16, constAt(4), 6, "value\x00\xff", false},
		{"string that is cut", kernelStr, 4, constAt(4), 4, "val\x00\xff", false},
		{"string that just fits", kernelStr, 6, constAt(4), 6, "value\x00\xff", false},
		{"string of one byte", kernelStr, 1, constAt(4), 1, "\x00\xff", false},
		{"string of nothing", kernelStr, 0, constAt(4), 0, "\xff", false},
		{"empty string", kernelStr, 4, constAt(9), 1, "\x00\xff", false},
		{"kernel string at NULL", kernelStr, 4, 0, minus(erange), "\x00\x00\x00\x00\xff", false},
		{"string in the heap", userStr, 16, addressOf(heap), 13, "in Go's heap\x00\x00\x00\x00\xff", false},
		{"string shorter than a word", userStr, 16, addressOf(heap[8:]), 5, "heap\x00\x00\x00\x00\xff", false},
		{"string in less than a word", userStr, 7, addressOf(tail[4:]), 4, "567\x00\xff", false},
		{"long string", userStr, 80, addressOf(heap[13:]), uint32(len(heap) - 13), string(heap[13:]) + "\x00\xff", false},
		{"user string at NULL", userStr, 4, 0, minus(efault), "\x00\x00\x00\x00\xff", false},
		{"string at the end of a page", userStr, 16, addressOf(tail), 8, "1234567\x00\xff", false},
		{"string past the end of a page", userStr, 9, addressOf(openTail), minus(efault), "\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff", false},
		{"string cut at the end of a page", userStr, 8, addressOf(openTail), 8, "1234567\x00\xff", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := &sample{consts: []byte("map value\x00"), ret: row.ret, out: []byte(row.out), ours: row.ours}
			for i := outAt(0); i < 96; i += 8 {
				s.body = append(s.body, store(i, -1)...)
			}
			s.body = append(s.body, call(row.fn, outAt(0), row.size, row.from)...)
			s.check(t)
		})
	}
}
