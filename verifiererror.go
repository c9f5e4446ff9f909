// This file defines the error for a rejected program.

package skep

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/report"
	"github.com/skepbpf/skep/internal/verify"
)

// VerifierError says that the verifier refused a program. Under %v it is one
// line, the kernel's; under %+v the whole log and the reason in words. errors.Is matches the errno that
// bpf(2) would answer (unix.EACCES, …), and errors.As also fills cilium/ebpf's
// *ebpf.VerifierError.
type VerifierError struct {
	Program string
	Line    string // the kernel's reason, "R1 invalid mem access 'scalar'"
	Insn    int    // instruction slot, -1 when it is about no single one
	Source  string // "file.c:31", "" when unknown
	Errno   Errno
	Log     string // the verifier's log; at level 0 its last part
	// Explanation says in several lines of words what is wrong, where the value
	// came from and what to do. It knows more at log level 1 and above.
	Explanation string
}

func newVerifierError(p *bytecode.Program, r *verify.Rejection) *VerifierError {
	return &VerifierError{
		Program: p.Name, Line: r.Line, Insn: r.Insn, Source: sourceOf(p, r.Insn),
		Errno: Errno(r.Errno), Log: r.Log, Explanation: report.Explain(p, r).String(),
	}
}

// Error returns one line.
func (e *VerifierError) Error() string {
	return fmt.Sprintf("program %s: %s", e.Program, e.Line)
}

// Format prints one line under %v and %s; the log, and the reason in words,
// under %+v.
func (e *VerifierError) Format(f fmt.State, verb rune) {
	if verb == 'v' && f.Flag('+') && e.Log != "" {
		fmt.Fprintf(f, "%s:\n%s\n\n%s", e.Error(), strings.TrimRight(e.Log, "\n"), e.Explanation)
		return
	}
	fmt.Fprint(f, e.Error())
}

// Unwrap returns the errno.
func (e *VerifierError) Unwrap() error { return e.Errno }

// As fills cilium/ebpf's error, so that tools written for it show the log.
func (e *VerifierError) As(target any) bool {
	t, ok := target.(**ebpf.VerifierError)
	if !ok {
		return false
	}
	lines := strings.Split(strings.TrimRight(e.Log, "\n"), "\n")
	if e.Log == "" {
		lines = []string{e.Line}
	}
	*t = &ebpf.VerifierError{Cause: e.Errno, Log: lines}
	return true
}

// errnoOf is the errno that an error carries, EINVAL when it carries none.
func errnoOf(err error) Errno {
	var e Errno
	if errors.As(err, &e) {
		return e
	}
	return EINVAL
}
