// This file defines what a selftest says of itself: the BTF decl tags that the
// kernel's test loader reads (bpf_misc.h and test_loader.c of Linux 6.12).

package conformance

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/live"
)

// Expectation is what a program's annotations say.
type Expectation struct {
	Annotated    bool // it says success or failure in some mode
	Auxiliary    bool // loaded only for other programs' sake
	Priv, Unpriv ModeExpectation
	LogLevel     uint32
	Flags        uint32    // BPF_F_*, the runner's own included
	Keep         live.Caps // capabilities that the unprivileged mode has all the same
	BTFPath      string    // object whose BTF stands for the kernel's in CO-RE, "" for none
	arches       map[string]bool
}

// OtherArch reports whether the test is not for this machine's architecture.
func (e *Expectation) OtherArch() bool { return e.arches != nil && !e.arches[archTags[runtime.GOARCH]] }

// archTags are the tags' names of architectures.
var archTags = map[string]string{"amd64": "X86_64", "arm64": "ARM64", "riscv64": "RISCV64"}

func (e *Expectation) arch(name string) error {
	if e.arches == nil {
		e.arches = map[string]bool{}
	}
	e.arches[name] = true
	return nil
}

func (e *Expectation) logLevel(text string) error {
	n, err := strconv.ParseUint(text, 0, 32)
	e.LogLevel = uint32(n)
	return err
}

// capNames are the capabilities that __caps_unpriv takes, joined by "|"
// (since Linux 6.14).
var capNames = map[string]live.Caps{
	"CAP_BPF":       live.CapBPF,
	"CAP_PERFMON":   live.CapPerfmon,
	"CAP_NET_ADMIN": live.CapNetAdmin,
	"CAP_SYS_ADMIN": live.CapSysAdmin,
}

func (e *Expectation) keep(text string) error {
	for _, name := range strings.FieldsFunc(text, func(r rune) bool { return r == '|' || r == ' ' }) {
		c, ok := capNames[name]
		if !ok {
			return fmt.Errorf("unknown capability %s", name)
		}
		e.Keep |= c
	}
	return nil
}

// flagNames are the flags that __flag takes by name; "!" before one clears it.
var flagNames = map[string]uint32{
	"BPF_F_STRICT_ALIGNMENT":    bytecode.FlagStrictAlignment,
	"BPF_F_ANY_ALIGNMENT":       bytecode.FlagAnyAlignment,
	"BPF_F_TEST_RND_HI32":       bytecode.FlagTestRndHi32,
	"BPF_F_TEST_STATE_FREQ":     bytecode.FlagTestStateFreq,
	"BPF_F_SLEEPABLE":           bytecode.FlagSleepable,
	"BPF_F_XDP_HAS_FRAGS":       bytecode.FlagXDPHasFrags,
	"BPF_F_TEST_REG_INVARIANTS": bytecode.FlagTestRegInvariants,
}

func (e *Expectation) flag(text string) error {
	name, clear := strings.CutPrefix(text, "!")
	bits, ok := flagNames[name]
	if !ok {
		n, err := strconv.ParseUint(name, 0, 32)
		if err != nil {
			return err
		}
		bits = uint32(n)
	}
	if clear {
		e.Flags &^= bits
	} else {
		e.Flags |= bits
	}
	return nil
}

// ModeExpectation is what is expected with or without capabilities.
type ModeExpectation struct {
	Wanted   bool // the test runs in this mode
	Failure  bool
	Messages []Pattern // in this order in the log
	Return   *uint32   // of a run over 64 zero bytes; nil when it is not run
	// AnyReturn: it is run, but returns something that is not the same twice.
	AnyReturn bool

	verdict, ret bool // said explicitly, not taken from the other mode
}

func (m *ModeExpectation) verdictIs(e *Expectation, failure bool) error {
	m.Wanted, m.verdict, m.Failure = true, true, failure
	e.Annotated = true
	return nil
}

func (m *ModeExpectation) message(text string) error {
	p, err := ParsePattern(text)
	m.Wanted = true
	m.Messages = append(m.Messages, p)
	return err
}

// namedReturns are the names that __retval takes besides numbers.
var namedReturns = map[string]uint32{
	"INT_MIN":       1 << 31,
	"TEST_DATA_LEN": 64,
}

func (m *ModeExpectation) returns(text string) error {
	m.Wanted, m.ret = true, true
	if m.AnyReturn = text == "POINTER_VALUE"; m.AnyReturn {
		return nil
	}
	v, ok := namedReturns[text]
	if !ok {
		n, err := strconv.ParseInt(text, 0, 64)
		if err != nil {
			return err
		}
		v = uint32(n)
	}
	m.Return = &v
	return nil
}

// Runs reports whether the program is run after it was accepted.
func (m *ModeExpectation) Runs() bool { return m.Return != nil || m.AnyReturn }

// runnerFlags are what the selftests' runner sets on every program.
const runnerFlags = bytecode.FlagTestRndHi32 | bytecode.FlagTestRegInvariants

// tagPrefix starts every tag of the selftests.
const tagPrefix = "comment:test_"

// tag is one kind of annotation. Numbered ones carry a counter before their
// value, "msg=3=text", since a compiler drops a repeated tag.
type tag struct {
	prefix   string
	numbered bool
	apply    func(e *Expectation, value string) error
}

var tags = []tag{
	{"expect_failure_unpriv", false, func(e *Expectation, _ string) error { return e.Unpriv.verdictIs(e, true) }},
	{"expect_success_unpriv", false, func(e *Expectation, _ string) error { return e.Unpriv.verdictIs(e, false) }},
	{"expect_failure", false, func(e *Expectation, _ string) error { return e.Priv.verdictIs(e, true) }},
	{"expect_success", false, func(e *Expectation, _ string) error { return e.Priv.verdictIs(e, false) }},
	{"expect_msg_unpriv=", true, func(e *Expectation, v string) error { return e.Unpriv.message(v) }},
	{"expect_msg=", true, func(e *Expectation, v string) error { return e.Priv.message(v) }},
	{"retval_unpriv=", false, func(e *Expectation, v string) error { return e.Unpriv.returns(v) }},
	{"retval=", false, func(e *Expectation, v string) error { return e.Priv.returns(v) }},
	{"auxiliary_unpriv", false, func(e *Expectation, _ string) error { e.Auxiliary = true; return nil }},
	{"auxiliary", false, func(e *Expectation, _ string) error { e.Auxiliary = true; return nil }},
	{"caps_unpriv=", false, (*Expectation).keep},
	{"log_level=", false, (*Expectation).logLevel},
	{"prog_flags=", false, (*Expectation).flag},
	{"arch=", false, (*Expectation).arch},
	// What the kernel makes of an accepted program says nothing of the verdict.
	{"expect_xlated", false, ignored},
	{"jited", false, ignored},
	{"description=", false, ignored},
	{"btf_path=", false, func(e *Expectation, v string) error { e.BTFPath = v; return nil }},
}

func ignored(*Expectation, string) error { return nil }

// ParseExpectation reads the annotations of the program with that name.
func ParseExpectation(spec *btfx.Spec, program string) (*Expectation, error) {
	e := &Expectation{Flags: runnerFlags}
	if spec != nil {
		if id, ok := spec.Find(program, btfx.KindFunc); ok {
			for _, text := range spec.DeclTags(id, -1) {
				if err := e.read(text); err != nil {
					return nil, fmt.Errorf("annotation %q of %s: %w", text, program, err)
				}
			}
		}
	}
	e.settle()
	return e, nil
}

func (e *Expectation) read(text string) error {
	text, ok := strings.CutPrefix(text, tagPrefix)
	if !ok {
		return nil
	}
	for _, t := range tags {
		value, ok := strings.CutPrefix(text, t.prefix)
		if !ok {
			continue
		}
		if t.numbered {
			_, value, _ = strings.Cut(value, "=")
		}
		return t.apply(e, value)
	}
	return fmt.Errorf("unknown tag")
}

// settle fills what one mode takes from the other, as the test loader does.
func (e *Expectation) settle() {
	p, u := &e.Priv, &e.Unpriv
	if !p.Wanted && !u.Wanted {
		p.Wanted = true
	}
	if !u.verdict {
		u.Failure = p.Failure
	}
	if !u.ret {
		u.Return, u.AnyReturn = p.Return, p.AnyReturn
	}
	if len(u.Messages) == 0 {
		u.Messages = p.Messages
	}
}
