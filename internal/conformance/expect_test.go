// This file defines tests of how annotations are read.

package conformance

import (
	"fmt"
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/live"
)

// describe is an Expectation in one line.
func describe(e *Expectation) string {
	var b strings.Builder
	for _, m := range []struct {
		name string
		*ModeExpectation
	}{{"priv", &e.Priv}, {"unpriv", &e.Unpriv}} {
		fmt.Fprintf(&b, "%s:", m.name)
		if m.Wanted {
			b.WriteString(" wanted")
		}
		if m.Failure {
			b.WriteString(" failure")
		}
		for _, p := range m.Messages {
			fmt.Fprintf(&b, " %q", p.Text)
		}
		if m.Return != nil {
			fmt.Fprintf(&b, " returns %d", int32(*m.Return))
		}
		if m.AnyReturn {
			b.WriteString(" returns anything")
		}
		b.WriteString("; ")
	}
	fmt.Fprintf(&b, "log %d, flags %#x", e.LogLevel, e.Flags&^runnerFlags)
	return b.String()
}

func TestExpectation(t *testing.T) {
	for _, tt := range []struct {
		name string
		tags []string
		want string
	}{
		{"nothing", nil, "priv: wanted; unpriv:; log 0, flags 0x0"},
		{"success", []string{"expect_success", "description=some words"}, "priv: wanted; unpriv:; log 0, flags 0x0"},
		{"failure is taken over", []string{"expect_failure", "expect_msg=0=one", "expect_msg=1=two=2"},
			`priv: wanted failure "one" "two=2"; unpriv: failure "one" "two=2"; log 0, flags 0x0`},
		{"unprivileged only", []string{"expect_failure_unpriv", "expect_msg_unpriv=7=no"},
			`priv:; unpriv: wanted failure "no"; log 0, flags 0x0`},
		{"both", []string{"expect_success", "expect_failure_unpriv", "retval=-1"},
			"priv: wanted returns -1; unpriv: wanted failure returns -1; log 0, flags 0x0"},
		{"own return value", []string{"expect_success", "expect_success_unpriv", "retval=0xff", "retval_unpriv=2"},
			"priv: wanted returns 255; unpriv: wanted returns 2; log 0, flags 0x0"},
		{"named return values", []string{"retval=INT_MIN", "retval_unpriv=POINTER_VALUE"},
			"priv: wanted returns -2147483648; unpriv: wanted returns anything; log 0, flags 0x0"},
		{"level and flags", []string{"log_level=2", "prog_flags=BPF_F_STRICT_ALIGNMENT", "prog_flags=8"},
			"priv: wanted; unpriv:; log 2, flags 0x9"},
		{"what the kernel makes of it", []string{"expect_xlated=0=1: r0 = 1", "arch=X86_64", "jited=1=nop"},
			"priv: wanted; unpriv:; log 0, flags 0x0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := &Expectation{Flags: runnerFlags}
			for _, tag := range tt.tags {
				if err := e.read(tagPrefix + tag); err != nil {
					t.Fatal(err)
				}
			}
			e.settle()
			if got := describe(e); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestExpectationFlags(t *testing.T) {
	e := &Expectation{Flags: runnerFlags}
	for _, tag := range []string{"prog_flags=!BPF_F_TEST_REG_INVARIANTS", "caps_unpriv=CAP_BPF|CAP_NET_ADMIN"} {
		if err := e.read(tagPrefix + tag); err != nil {
			t.Fatal(err)
		}
	}
	if e.Flags != bytecode.FlagTestRndHi32 {
		t.Errorf("flags %#x, want only BPF_F_TEST_RND_HI32", e.Flags)
	}
	if e.Keep != live.CapBPF|live.CapNetAdmin {
		t.Errorf("keeps %#x", e.Keep)
	}
}

// Tags that are not the test loader's are left alone.
func TestExpectationOtherTags(t *testing.T) {
	e := &Expectation{}
	if err := e.read("exception_callback:cb"); err != nil || e.Annotated {
		t.Errorf("error %v, annotated %v", err, e.Annotated)
	}
}

func TestExpectationErrors(t *testing.T) {
	for _, tt := range []struct{ name, tag string }{
		{"unknown tag", "unheard_of"},
		{"return value", "retval=many"},
		{"log level", "log_level=high"},
		{"flag", "prog_flags=BPF_F_UNHEARD_OF"},
		{"capability", "caps_unpriv=CAP_UNHEARD_OF"},
		{"open braces", "expect_msg=0=a{{b"},
		{"bad expression", "expect_msg=0=a{{[}}"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := (&Expectation{}).read(tagPrefix + tt.tag); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestFirstMissing(t *testing.T) {
	const log = "0: R1=ctx() R10=fp0\n0: (b7) r0 = 1 ; R0_w=1\n1: (95) exit\n"
	for _, tt := range []struct {
		name     string
		patterns []string
		missing  string
	}{
		{"none", nil, ""},
		{"plain", []string{"R1=ctx()"}, ""},
		{"in order", []string{"R10=fp0", "exit"}, ""},
		{"out of order", []string{"exit", "R10=fp0"}, "R10=fp0"},
		{"same text needs two places", []string{"R10=fp0", "R10=fp0"}, "R10=fp0"},
		{"literal outside of braces", []string{"R1=ctx.)"}, "R1=ctx.)"},
		{"expression", []string{"r0 = {{[0-9]+}} ; R0{{(_w)?}}=1"}, ""},
		{"whole line", []string{"{{^}}1: (95) exit{{$}}"}, ""},
		{"expression that does not match", []string{"r0 = {{[a-z]+}}"}, "r0 = {{[a-z]+}}"},
		{"longest match moves on", []string{"{{0|0: R1=ctx}}", "R1=ctx"}, "R1=ctx"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var patterns []Pattern
			for _, s := range tt.patterns {
				p, err := ParsePattern(s)
				if err != nil {
					t.Fatal(err)
				}
				patterns = append(patterns, p)
			}
			missing, ok := FirstMissing(log, patterns)
			if missing.Text != tt.missing || ok != (tt.missing == "") {
				t.Errorf("missing %q, %v, want %q", missing.Text, ok, tt.missing)
			}
		})
	}
}
