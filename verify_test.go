// This file tests verdicts and the error for rejected programs.

package skep_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/skepbpf/skep"
)

func TestVerify(t *testing.T) {
	results, err := skep.Verify(context.Background(), open(t, badObject), &skep.VerifyOptions{LogLevel: 1})
	if err != nil || len(results) != 2 {
		t.Fatalf("%d results, %v", len(results), err)
	}
	for _, row := range []struct {
		program string
		verdict skep.Verdict
		errno   skep.Errno
		source  string
	}{
		{"no_bounds", skep.Reject, skep.EACCES, "./bad.c:10"},
		{"fine", skep.Accept, 0, ""},
	} {
		i := 0
		if results[1].Program == row.program {
			i = 1
		}
		r := results[i]
		if r.Program != row.program || r.Verdict != row.verdict || r.Errno != row.errno || r.Source != row.source ||
			r.Section != "xdp" || r.Type != "xdp" || r.Target != "linux-6.18" || r.Processed == 0 || !strings.Contains(r.Log, "processed") {
			t.Errorf("%+v", r)
		}
	}
}

func TestVerifierError(t *testing.T) {
	_, err := newKernel(t, nil).Load(open(t, badObject), &skep.LoadOptions{LogLevel: 1})
	var ve *skep.VerifierError
	if !errors.As(err, &ve) {
		t.Fatalf("error %v", err)
	}
	const line = "program no_bounds: R1 offset is outside of the packet"
	if got := fmt.Sprintf("%v", err); got != line {
		t.Errorf("%%v: %s", got)
	}
	if got := fmt.Sprintf("%+v", err); !strings.HasPrefix(got, line+":\n") || !strings.Contains(got, "invalid access to packet") {
		t.Errorf("%%+v: %s", got)
	}
	if !errors.Is(err, syscall.EACCES) || !errors.Is(err, skep.EACCES) || errors.Is(err, skep.EINVAL) {
		t.Error("errno")
	}
	var cilium *ebpf.VerifierError
	if !errors.As(err, &cilium) || len(cilium.Log) < 3 || !errors.Is(cilium, syscall.EACCES) {
		t.Errorf("cilium/ebpf's error: %+v", cilium)
	}
}

func TestVerifyUnknownProgram(t *testing.T) {
	_, err := skep.Verify(context.Background(), open(t, badObject), &skep.VerifyOptions{Programs: []string{"nothing"}})
	if !errors.Is(err, skep.ErrNotFound) || !strings.Contains(err.Error(), "there are: fine, no_bounds") {
		t.Errorf("error %v", err)
	}
}

func TestCaps(t *testing.T) {
	for _, row := range []struct {
		text string
		want skep.Caps
	}{
		{"all", skep.CapsAll},
		{"none", skep.CapsNone},
		{"bpf,net_admin", skep.CapBPF | skep.CapNetAdmin},
		{"CAP_BPF, CAP_PERFMON", skep.CapBPF | skep.CapPerfmon},
	} {
		if got, err := skep.ParseCaps(row.text); got != row.want || err != nil {
			t.Errorf("%q: %v, %v", row.text, got, err)
		}
	}
	if _, err := skep.ParseCaps("bpf,chown"); err == nil {
		t.Error("an unknown capability")
	}
}

func TestTargets(t *testing.T) {
	for _, name := range append(skep.Targets(), "6.18") {
		if _, err := skep.LookupTarget(name); err != nil {
			t.Error(err)
		}
	}
	if _, err := skep.LookupTarget("linux-1.0"); err == nil {
		t.Error("an unknown target")
	}
	if got := (skep.Target{}).Name(); got != "linux-6.18" {
		t.Errorf("the zero target is %s", got)
	}
}
