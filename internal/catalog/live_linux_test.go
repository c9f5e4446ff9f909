// This file defines how tests ask the running kernel's verifier.

package catalog

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
)

// liveKernel loads programs into the running kernel and attaches nothing.
type liveKernel struct {
	btf  *btfx.Spec
	log  []byte
	raw  []byte
	envs []liveEnv // what loads with all capabilities
}

// needKernel skips unless programs can be loaded into a 6.18 kernel. All tests
// share one; none of them runs in parallel.
func needKernel(tb testing.TB) *liveKernel {
	tb.Helper()
	k, err := openKernel()
	if err != nil {
		tb.Skip(err)
	}
	return k
}

var openKernel = sync.OnceValues(func() (*liveKernel, error) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return nil, fmt.Errorf("kernel version: %w", err)
	}
	release := string(u.Release[:bytes.IndexByte(u.Release[:], 0)])
	if !strings.HasPrefix(release, "6.18.") {
		return nil, fmt.Errorf("the running kernel is %s, the tables to compare are for 6.18", release)
	}
	raw, err := os.ReadFile("/sys/kernel/btf/vmlinux")
	if err != nil {
		return nil, fmt.Errorf("kernel BTF: %w", err)
	}
	spec, err := btfx.Parse(raw, nil)
	if err != nil {
		return nil, fmt.Errorf("kernel BTF: %w", err)
	}
	k := &liveKernel{btf: spec, log: make([]byte, 1<<16), raw: make([]byte, 0, 1<<12)}
	if log, errno := k.load(liveLoad{Type: bytecode.ProgSocketFilter, Insns: []bytecode.Insn{movK(0, 0), exit}}); errno != 0 {
		return nil, fmt.Errorf("load a program: %w %s", errno, log)
	}
	return k, nil
})

// liveLoad is what one BPF_PROG_LOAD asks for.
type liveLoad struct {
	Type   bytecode.ProgType
	Attach bytecode.AttachType
	BTFID  btfx.ID
	Flags  uint32
	NotGPL bool // a licence that is not compatible with the GPL
	Insns  []bytecode.Insn
}

// progLoadAttr is union bpf_attr as BPF_PROG_LOAD reads it, up to attach_btf_id.
type progLoadAttr struct {
	progType, insnCnt                             uint32
	insns, license                                uint64
	logLevel, logSize                             uint32
	logBuf                                        uint64
	kernVersion, flags                            uint32
	name                                          [16]byte
	ifindex, attach, btfFD, funcRecSize           uint32
	funcInfo                                      uint64
	funcCnt, lineRecSize                          uint32
	lineInfo                                      uint64
	lineCnt, attachBTFID, attachProg, coreCnt     uint32
	fdArray, coreRelos                            uint64
	coreRecSize, logTrueSize, tokenFD, fdArrayCnt uint32
}

// load returns the last line of the verifier's log and the error; a program
// that loads is closed at once.
func (k *liveKernel) load(l liveLoad) (string, unix.Errno) {
	license := [4]byte{'G', 'P', 'L'}
	if l.NotGPL {
		license[0] = 'X'
	}
	k.raw = k.raw[:0]
	var slot [bytecode.InsnSize]byte
	for _, in := range l.Insns {
		in.Encode(slot[:])
		k.raw = append(k.raw, slot[:]...)
	}
	attr := progLoadAttr{
		progType: uint32(l.Type), insnCnt: uint32(len(l.Insns)),
		insns: addr(&k.raw[0]), license: addr(&license[0]),
		logLevel: 2, logSize: uint32(len(k.log)), logBuf: addr(&k.log[0]),
		flags: l.Flags, attach: uint32(l.Attach), attachBTFID: l.BTFID,
	}
	errno := unix.EAGAIN
	var fd uintptr
	for errno == unix.EAGAIN { // a signal ended the verification
		k.log[0] = 0
		fd, _, errno = unix.Syscall(unix.SYS_BPF, unix.BPF_PROG_LOAD, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	}
	runtime.KeepAlive(&license)
	if errno == 0 {
		unix.Close(int(fd))
	}
	return lastLine(k.log), errno
}

// atLeast fails a comparison that compared too little to mean anything.
func atLeast(t *testing.T, min, n int, what string) {
	t.Helper()
	t.Logf("%d %s", n, what)
	if n < min {
		t.Errorf("%d %s compared, want at least %d", n, what, min)
	}
}

// said reports whether the log of the last load contains text.
func (k *liveKernel) said(text string) bool {
	return bytes.Contains(k.log[:max(0, bytes.IndexByte(k.log, 0))], []byte(text))
}

func addr(b *byte) uint64 { return uint64(uintptr(unsafe.Pointer(b))) }

// lastLine is the reason: the line before "processed N insns".
func lastLine(log []byte) string {
	if n := bytes.IndexByte(log, 0); n >= 0 {
		log = log[:n]
	}
	lines := strings.Split(strings.TrimSpace(string(log)), "\n")
	if n := len(lines); n > 1 && strings.HasPrefix(lines[n-1], "processed ") {
		lines = lines[:n-1]
	}
	return lines[len(lines)-1]
}

var exit = bytecode.Insn{Op: bytecode.ClassJMP | bytecode.JmpExit}

func movK(dst uint8, imm int32) bytecode.Insn {
	return bytecode.Insn{Op: bytecode.ClassALU64 | bytecode.ALUMov, Dst: dst, Imm: imm}
}

func movX(dst, src uint8) bytecode.Insn {
	return bytecode.Insn{Op: bytecode.ClassALU64 | bytecode.ALUMov | bytecode.SrcX, Dst: dst, Src: src}
}

// ldx loads into R2 from R1+off; mode is bytecode.ModeMEM or ModeMEMSX.
func ldx(mode uint8, size, off int) bytecode.Insn {
	return bytecode.Insn{Op: bytecode.ClassLDX | mode | sizeOp[size], Dst: 2, Src: 1, Off: int16(off)}
}

// stx stores R2 to R1+off.
func stx(size, off int) bytecode.Insn {
	return bytecode.Insn{Op: bytecode.ClassSTX | bytecode.ModeMEM | sizeOp[size], Dst: 1, Src: 2, Off: int16(off)}
}

var sizeOp = map[int]uint8{1: bytecode.SizeB, 2: bytecode.SizeH, 4: bytecode.SizeW, 8: bytecode.SizeDW}

func call(num int32) bytecode.Insn {
	return bytecode.Insn{Op: bytecode.ClassJMP | bytecode.JmpCall, Imm: num}
}

// withCaps runs f on a thread that has only the given capabilities among
// those that bpf(2) asks for; the thread ends with f.
func withCaps(t *testing.T, caps Caps, f func()) {
	t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread dies with its reduced capabilities
		err := dropCaps(caps)
		if err == nil {
			f()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Skipf("dropping capabilities: %v", err)
	}
}

func dropCaps(keep Caps) error {
	numbers := map[Caps]uint{
		CapBPF: unix.CAP_BPF, CapPerfmon: unix.CAP_PERFMON, CapNetAdmin: unix.CAP_NET_ADMIN,
		CapSysAdmin: unix.CAP_SYS_ADMIN, CapSysBoot: unix.CAP_SYS_BOOT,
	}
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&hdr, &data[0]); err != nil {
		return err
	}
	for c, n := range numbers {
		if keep&c == 0 {
			data[n/32].Effective &^= 1 << (n % 32)
		}
	}
	return unix.Capset(&hdr, &data[0])
}
