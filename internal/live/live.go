// This file defines what is asked of the running kernel and what it answers.

// Package live asks the running Linux kernel about programs, by raw bpf(2): it
// loads (BPF_PROG_LOAD) and test-runs (BPF_PROG_TEST_RUN) and attaches nothing.
// It is the oracle of tests and of internal/conformance: it takes the same
// bytecode.Program that internal/verify takes and gives the kernel's verdict
// and log. It decides nothing itself and must not import internal/verify: the
// two are compared by whoever calls both.
//
// Elsewhere than on Linux, Available says so and every call fails.
package live

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/skepbpf/skep/internal/bytecode"
)

// ErrUnavailable is wrapped by every error that says that there is no kernel
// to ask: another operating system, no permission, or too old a kernel.
var ErrUnavailable = errors.New("live kernel not available")

// Caps is a set of Linux capabilities, as bits by their number.
type Caps uint64

// Capabilities that bpf(2) looks at (linux/capability.h).
const (
	CapNetAdmin Caps = 1 << 12
	CapSysAdmin Caps = 1 << 21
	CapSysBoot  Caps = 1 << 22
	CapPerfmon  Caps = 1 << 38
	CapBPF      Caps = 1 << 39

	// CapsUnprivileged are those that the kernel's selftests drop for their
	// unprivileged verdicts.
	CapsUnprivileged = CapNetAdmin | CapSysAdmin | CapPerfmon | CapBPF
)

// LoadOptions say how a program is loaded. The zero value loads with the
// caller's capabilities and no log.
type LoadOptions struct {
	// LogLevel is bpf(2)'s log_level: bits 1 (path), 2 (states), 4 (counts).
	LogLevel uint32
	// MaxLog bounds the log in bytes; 0 is 16 MiB. A longer one keeps its end.
	MaxLog int
	// Flags are added to the program's own.
	Flags uint32
	// Drop are capabilities that the loading thread gives up meanwhile.
	Drop Caps
	// Program finds the programs that prog arrays name, nil leaves their
	// slots empty. They are loaded with the same options.
	Program func(name string) *bytecode.Program
}

// Result is the kernel's answer to BPF_PROG_LOAD.
type Result struct {
	FD        int           // the program, or -1; Set.Close closes it
	Errno     syscall.Errno // 0 when accepted
	Log       string
	Truncated bool // the log's beginning is missing
	NoBTF     bool // the kernel refused the program's BTF (Set.OptionalBTF)
}

// Accepted reports whether the kernel took the program.
func (r *Result) Accepted() bool { return r.Errno == 0 }

// Rejected reports whether the kernel's verifier refused the program, as
// opposed to what is refused before it looks (permission, unknown type): only
// the verifier writes a log. It needs LogLevel > 0.
func (r *Result) Rejected() bool { return r.Errno != 0 && r.Log != "" }

// Line is the log's last line before the counts: the kernel's reason.
func (r *Result) Line() string { return LastLine(r.Log) }

// LastLine returns the last line of a verifier log that says what is wrong:
// the kernel's reason, "" when there is none. What follows the reason in some
// logs is passed over: counts ("processed … insns", "verification time",
// "stack depth") and the two states of an infinite loop. Some reasons lack the
// end of their line, so that the counts follow on the same one.
func LastLine(log string) string {
	for log != "" {
		log = strings.TrimRight(log, "\n")
		i := strings.LastIndexByte(log, '\n') + 1
		line, _, _ := strings.Cut(log[i:], "processed ")
		if line = strings.TrimSpace(line); line != "" && !isAppendix(line) {
			return line
		}
		log = log[:i]
	}
	return ""
}

func isAppendix(line string) bool {
	for _, p := range []string{"verification time ", "stack depth ", "cur state:", "old state:"} {
		if strings.HasPrefix(line, p) {
			return true
		}
	}
	return false
}

// A SetupError says that something a program needs could not be made, so that
// the kernel was not asked about the program itself.
type SetupError struct {
	What string // "map hits", "BTF"
	Err  error
}

func (e *SetupError) Error() string { return fmt.Sprintf("%s: %v", e.What, e.Err) }

// Unwrap returns the cause, usually a syscall.Errno.
func (e *SetupError) Unwrap() error { return e.Err }

// TestInput is what BPF_PROG_TEST_RUN takes.
type TestInput struct {
	Data    []byte // the packet; nil for program types that take none
	Context []byte // the context structure, nil for the default
	Repeat  uint32 // runs; 0 is one
	OutSize int    // room for the packet afterwards, in bytes
}

// TestOutput is what BPF_PROG_TEST_RUN gives.
type TestOutput struct {
	Return   uint32
	Data     []byte // the packet afterwards, cut to OutSize
	Duration uint32 // nanoseconds a run
}
