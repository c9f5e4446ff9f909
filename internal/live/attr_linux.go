// This file defines the arguments of bpf(2), laid out as the kernel reads them
// (include/uapi/linux/bpf.h, union bpf_attr, Linux 6.18).

//lint:file-ignore U1000 the layouts are the kernel's, with the fields that nobody sets here

package live

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

type mapCreateAttr struct {
	mapType, keySize, valueSize, maxEntries uint32
	flags, innerMapFD, numaNode             uint32
	name                                    objName
	ifIndex, btfFD, keyTypeID, valueTypeID  uint32
	vmlinuxValueTypeID                      uint32
	extra                                   uint64
	valueTypeBTFFD, tokenFD                 int32
}

type mapElemAttr struct {
	mapFD, _   uint32
	key, value ptr
	flags      uint64
}

type progLoadAttr struct {
	progType, insnCnt        uint32
	insns, license           ptr
	logLevel, logSize        uint32
	logBuf                   ptr
	kernVersion, flags       uint32
	name                     objName
	ifIndex, expectedAttach  uint32
	btfFD, funcInfoRecSize   uint32
	funcInfo                 ptr
	funcInfoCnt, lineInfoRec uint32
	lineInfo                 ptr
	lineInfoCnt, attachBTFID uint32
	attachProgFD, coreCnt    uint32
	fdArray, coreRelos       ptr
	coreRecSize, logTrueSize uint32
	tokenFD                  int32
	fdArrayCnt               uint32
}

type btfLoadAttr struct {
	btf, logBuf                ptr
	size, logSize, logLevel, _ uint32
}

type testRunAttr struct {
	progFD, retval        uint32
	sizeIn, sizeOut       uint32
	dataIn, dataOut       ptr
	repeat, duration      uint32
	ctxSizeIn, ctxSizeOut uint32
	ctxIn, ctxOut         ptr
	flags, cpu, batch, _  uint32
}

// objName is BPF_OBJ_NAME_LEN bytes, NUL-terminated.
type objName [16]byte

// nameOf cuts a name to what the kernel takes: 15 of its characters.
func nameOf(s string) (n objName) {
	i := 0
	for _, c := range []byte(s) {
		if i == len(n)-1 {
			break
		}
		if c == '_' || c == '.' || c-'0' < 10 || c|0x20-'a' < 26 {
			n[i] = c
			i++
		}
	}
	return n
}

// ptr is a pointer in a 64-bit field of the kernel's; being of pointer type it
// keeps what it points to reachable during the call.
type ptr = unsafe.Pointer

// The layouts above take pointers to have eight bytes.
var _ [8]byte = [unsafe.Sizeof(ptr(nil))]byte{}

// ptrTo is NULL for a slice without elements. The kernel does not take a size of
// 0 for "no buffer": BPF_PROG_TEST_RUN copies the whole packet to any data_out
// that is not NULL, and refuses buffers of types that take none.
func ptrTo[T any](s []T) ptr {
	if len(s) == 0 {
		return nil
	}
	return unsafe.Pointer(unsafe.SliceData(s))
}

// bpf calls bpf(2). A load that a signal interrupts is repeated: the verifier
// gives up with EAGAIN when one is pending, and Go's scheduler sends some.
func bpf[T any](cmd int, attr *T) (int, error) {
	var errno unix.Errno
	for range 30 {
		var r uintptr
		r, _, errno = unix.Syscall(unix.SYS_BPF, uintptr(cmd), uintptr(unsafe.Pointer(attr)), unsafe.Sizeof(*attr))
		runtime.KeepAlive(attr)
		if errno == 0 {
			return int(r), nil
		}
		if errno != unix.EAGAIN && errno != unix.EINTR {
			break
		}
	}
	return -1, errno
}
