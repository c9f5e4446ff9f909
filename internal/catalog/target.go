// This file defines Target, a kernel to verify for, and the targets there are.

package catalog

import (
	"fmt"
	"strings"

	"github.com/skepbpf/skep/internal/btfx"
)

// Limits of the verifier.
type Limits struct {
	Insns         int // processed instructions: 1,000,000
	UnprivInsns   int // program length when unprivileged: 4096
	MaxInsns      int // program length when privileged
	JumpSequence  int // pending branches: 8192
	Frames        int // 8
	Stack         int // 512
	Subprogs      int // 256
	Maps          int // 64
	Kfuncs        int // 256
	KfuncBTFs     int // 256
	TailCallStack int // 256
	TailCalls     int // 33
}

// Target is a kernel to verify for: a version's tables and its BTF. Values are
// immutable and shared.
type Target struct {
	Name    string // "linux-6.18"
	Version Version
	// BTF is the kernel's (vmlinux) BTF; nil when the target has none loaded,
	// in which case programs that need kernel types are unsupported.
	BTF    *btfx.Spec
	Limits Limits
	// Kconfig are CONFIG_ values, as kconfig externs read them ("y", "m", "1000", `"str"`).
	Kconfig map[string]string

	modules      []*Module // in the order of their ids
	moduleKfuncs map[string]*Kfunc
}

// WithBTF returns a copy of t that has the given vmlinux BTF, and no modules.
func (t *Target) WithBTF(spec *btfx.Spec) *Target {
	c := *t
	c.BTF, c.modules, c.moduleKfuncs = spec, nil, nil
	return &c
}

// VersionCode is LINUX_KERNEL_VERSION, as the kconfig extern of that name
// reads it: major<<16 | minor<<8 | patch, of the version's first release.
func (t *Target) VersionCode() uint32 {
	return uint32(t.Version>>8)<<16 | uint32(t.Version&0xff)<<8
}

// Targets. Rows of a table exist in a target by their Since; how an older
// kernel's verifier reasons is not reproduced (docs/differences.md).
var (
	Linux5_10 = newTarget(V(5, 10))
	Linux5_15 = newTarget(V(5, 15))
	Linux6_1  = newTarget(V(6, 1))
	Linux6_2  = newTarget(V(6, 2))
	Linux6_6  = newTarget(V(6, 6))
	Linux6_12 = newTarget(V(6, 12))
	Linux6_18 = newTarget(V(6, 18)) // the default
)

var targets = []*Target{Linux5_10, Linux5_15, Linux6_1, Linux6_2, Linux6_6, Linux6_12, Linux6_18}

func newTarget(v Version) *Target {
	return &Target{Name: "linux-" + v.String(), Version: v, Limits: limits, Kconfig: kconfig}
}

// limits are the same in all targets.
var limits = Limits{
	Insns: 1_000_000, UnprivInsns: 4096, MaxInsns: 1_000_000, JumpSequence: 8192,
	Frames: 8, Stack: 512, Subprogs: 256, Maps: 64,
	Kfuncs: 256, KfuncBTFs: 256, TailCallStack: 256, TailCalls: 33,
}

// String returns "6.18".
func (v Version) String() string { return fmt.Sprintf("%d.%d", v>>8, v&0xff) }

// Lookup returns the target of a name, with or without "linux-": "linux-6.18"
// or "6.18". "" is the default.
func Lookup(name string) (*Target, error) {
	if name == "" {
		return Linux6_18, nil
	}
	want := "linux-" + strings.TrimPrefix(name, "linux-")
	for _, t := range targets {
		if t.Name == want {
			return t, nil
		}
	}
	return nil, fmt.Errorf("target %q: not one of %s", name, strings.Join(Names(), ", "))
}

// Names returns the targets' names, oldest first.
func Names() []string {
	names := make([]string, len(targets))
	for i, t := range targets {
		names[i] = t.Name
	}
	return names
}
