// This file defines maps of the running kernel, to compare ours with.

package maps

import (
	"errors"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/errno"
)

// Commands of bpf(2).
const (
	cmdCreate = iota
	cmdLookup
	cmdUpdate
	cmdDelete
	cmdNextKey
	cmdTake        = 21
	cmdFreeze      = 22
	cmdBatchLookup = 24
	cmdBatchTake   = 25
	cmdBatchUpdate = 26
	cmdBatchDelete = 27
)

type createAttr struct {
	typ, keySize, valueSize, maxEntries, flags, innerFD, node uint32
	name                                                      [16]byte
	ifindex, btfFD, keyType, valueType, vmlinuxType           uint32
	extra                                                     uint64
}

type elemAttr struct {
	fd    uint32
	_     uint32
	key   unsafe.Pointer
	value unsafe.Pointer
	flags uint64
}

type batchAttr struct {
	in, out, keys, values unsafe.Pointer
	count, fd             uint32
	elemFlags, flags      uint64
}

func bpf(cmd int, attr unsafe.Pointer, size uintptr) (int, errno.Errno) {
	r, _, e := unix.Syscall(unix.SYS_BPF, uintptr(cmd), uintptr(attr), size)
	return int(r), errno.Errno(e)
}

// liveMap is a map of the running kernel with the user side of ours.
type liveMap struct{ fd uint32 }

// needLive skips the test where the kernel lets us make no maps.
func needLive(t *testing.T) {
	t.Helper()
	m, e := newLive(&bytecode.MapSpec{Type: bytecode.MapLPMTrie, KeySize: 8, ValueSize: 8, MaxEntries: 1, Flags: bytecode.MapNoPrealloc})
	if errors.Is(e, unix.EPERM) || errors.Is(e, unix.ENOSYS) {
		t.Skipf("needs bpf(2) with CAP_BPF to compare with: %v", e)
	}
	if e == 0 {
		m.close()
	}
}

func newLive(s *bytecode.MapSpec) (*liveMap, errno.Errno) {
	a := createAttr{typ: uint32(s.Type), keySize: s.KeySize, valueSize: s.ValueSize, maxEntries: s.MaxEntries,
		flags: s.Flags, node: s.NumaNode, extra: s.Extra}
	copy(a.name[:15], s.Name)
	fd, e := bpf(cmdCreate, unsafe.Pointer(&a), unsafe.Sizeof(a))
	return &liveMap{uint32(fd)}, e
}

func (l *liveMap) close() { _ = unix.Close(int(l.fd)) }

func (l *liveMap) elem(cmd int, key, value []byte, flags uint64) errno.Errno {
	a := elemAttr{fd: l.fd, key: data(key), value: data(value), flags: flags}
	if len(key) == 0 {
		a.key = nil
	}
	size := unsafe.Sizeof(a)
	if cmd == cmdDelete || cmd == cmdNextKey {
		size -= 8
	}
	_, e := bpf(cmd, unsafe.Pointer(&a), size)
	runtime.KeepAlive(key)
	runtime.KeepAlive(value)
	return e
}

func (l *liveMap) Lookup(key, value []byte, flags uint64) errno.Errno {
	return l.elem(cmdLookup, key, value, flags)
}
func (l *liveMap) Update(key, value []byte, flags uint64) errno.Errno {
	return l.elem(cmdUpdate, key, value, flags)
}
func (l *liveMap) Delete(key []byte) errno.Errno        { return l.elem(cmdDelete, key, nil, 0) }
func (l *liveMap) NextKey(key, next []byte) errno.Errno { return l.elem(cmdNextKey, key, next, 0) }
func (l *liveMap) LookupAndDelete(key, value []byte, flags uint64) errno.Errno {
	return l.elem(cmdTake, key, value, flags)
}

func (l *liveMap) Freeze() errno.Errno {
	a := l.fd
	_, e := bpf(cmdFreeze, unsafe.Pointer(&a), 4)
	return e
}

func (l *liveMap) batch(cmd int, b *Batch) (int, errno.Errno) {
	a := batchAttr{in: data(b.In), out: data(b.Out), keys: data(b.Keys), values: data(b.Values),
		count: uint32(b.Count), fd: l.fd, elemFlags: b.ElemFlags, flags: b.Flags}
	_, e := bpf(cmd, unsafe.Pointer(&a), unsafe.Sizeof(a))
	runtime.KeepAlive(b)
	if e != 0 && int(a.count) == b.Count && e != errno.ENOENT && e != errno.ENOSPC {
		return 0, e // refused before anything was counted
	}
	return int(a.count), e
}

func (l *liveMap) LookupBatch(b *Batch) (int, errno.Errno)          { return l.batch(cmdBatchLookup, b) }
func (l *liveMap) LookupAndDeleteBatch(b *Batch) (int, errno.Errno) { return l.batch(cmdBatchTake, b) }
func (l *liveMap) UpdateBatch(b *Batch) (int, errno.Errno)          { return l.batch(cmdBatchUpdate, b) }
func (l *liveMap) DeleteBatch(b *Batch) (int, errno.Errno)          { return l.batch(cmdBatchDelete, b) }

// userMap is what both kinds of maps do.
type userMap interface {
	Lookup(key, value []byte, flags uint64) errno.Errno
	Update(key, value []byte, flags uint64) errno.Errno
	Delete(key []byte) errno.Errno
	NextKey(key, next []byte) errno.Errno
	LookupAndDelete(key, value []byte, flags uint64) errno.Errno
	Freeze() errno.Errno
	LookupBatch(b *Batch) (int, errno.Errno)
	LookupAndDeleteBatch(b *Batch) (int, errno.Errno)
	UpdateBatch(b *Batch) (int, errno.Errno)
	DeleteBatch(b *Batch) (int, errno.Errno)
}

// possibleCPUs is how many CPUs the running kernel's per-CPU maps have.
func possibleCPUs(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile("/sys/devices/system/cpu/possible")
	if err != nil {
		t.Skip("needs the number of possible CPUs: ", err)
	}
	s := strings.TrimSpace(string(b))
	last, err := strconv.Atoi(s[strings.LastIndexAny(s, "-,")+1:])
	if err != nil {
		t.Fatal(err)
	}
	return last + 1
}
