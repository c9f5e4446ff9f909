// This file defines the kernels that programs are verified for.

package skep

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/catalog/corebtf"
	"github.com/skepbpf/skep/internal/object"
)

// Target is a kernel to verify for: which program types, helpers, fields and
// limits it has, and its types (BTF). The zero Target is Linux6_18.
type Target struct{ t *catalog.Target }

// Linux6_18 is the default target. Its BTF is a part of the kernel's: what
// program types, contexts and helpers name. WithBTF takes a whole one.
var Linux6_18 = Target{catalog.Linux6_18}

// Where a running Linux tells about itself.
const (
	hostBTF     = "/sys/kernel/btf/vmlinux"
	hostRelease = "/proc/sys/kernel/osrelease"
)

// LookupTarget returns the target with a name such as "linux-6.18" or "6.18".
// "host" is HostTarget. An unknown name gets an error that lists the known ones.
func LookupTarget(name string) (Target, error) {
	if name == "host" {
		return HostTarget()
	}
	t, err := catalog.Lookup(name)
	if err != nil {
		return Target{}, err
	}
	return Target{t}, nil
}

// Targets returns the names that LookupTarget knows, oldest first, without
// "host".
func Targets() []string { return catalog.Names() }

// HostTarget is the running kernel: its BTF, and the tables of the newest known
// version that is not newer. It needs Linux with /sys/kernel/btf/vmlinux.
func HostTarget() (Target, error) {
	raw, err := os.ReadFile(hostBTF)
	if err != nil {
		return Target{}, fmt.Errorf("target host: kernel types: %w", err)
	}
	release, err := os.ReadFile(hostRelease)
	if err != nil {
		return Target{}, fmt.Errorf("target host: kernel version: %w", err)
	}
	base, err := nearestTarget(strings.TrimSpace(string(release)))
	if err != nil {
		return Target{}, fmt.Errorf("target host: %w", err)
	}
	t, err := Target{base}.WithBTF(raw)
	if err != nil {
		return Target{}, fmt.Errorf("target host: %w", err)
	}
	t.t.Name = "host"
	return t, nil
}

// nearestTarget finds the tables for a release such as "6.17.3-arch1".
func nearestTarget(release string) (*catalog.Target, error) {
	want, err := parseRelease(release)
	if err != nil {
		return nil, err
	}
	var best *catalog.Target
	for _, name := range catalog.Names() {
		t, err := catalog.Lookup(name)
		if err != nil {
			return nil, err
		}
		if t.Version <= want && (best == nil || t.Version > best.Version) {
			best = t
		}
	}
	if best == nil {
		return nil, fmt.Errorf("kernel %s is older than every known target", release)
	}
	return best, nil
}

func parseRelease(release string) (catalog.Version, error) {
	parts := strings.SplitN(release, ".", 3)
	if len(parts) < 2 {
		return 0, fmt.Errorf("kernel release %q", release)
	}
	major, err1 := strconv.ParseUint(parts[0], 10, 8)
	digits := strings.IndexFunc(parts[1]+"-", func(r rune) bool { return r < '0' || r > '9' })
	minor, err2 := strconv.ParseUint(parts[1][:digits], 10, 8)
	if err1 != nil || err2 != nil {
		return 0, fmt.Errorf("kernel release %q", release)
	}
	return catalog.V(uint8(major), uint8(minor)), nil
}

// Name is the target's name, "linux-6.18".
func (t Target) Name() string {
	if t.t == nil {
		return catalog.Linux6_18.Name
	}
	return t.t.Name
}

// HasBTF reports whether the target knows any kernel types.
func (t Target) HasBTF() bool { return t.get().BTF != nil }

// WithBTF returns the target with other kernel types: a raw BTF blob, as in
// /sys/kernel/btf/vmlinux. The blob is kept and must not change.
func (t Target) WithBTF(raw []byte) (Target, error) {
	spec, err := btfx.Parse(raw, nil)
	if err != nil {
		return Target{}, fmt.Errorf("kernel types: %w", err)
	}
	return t.WithTypes(spec), nil
}

// WithTypes is WithBTF for Skep's own packages, which hold parsed BTF.
func (t Target) WithTypes(spec *btfx.Spec) Target {
	if t.t == nil {
		t = Linux6_18
	}
	return Target{t.t.WithBTF(spec)}
}

// get is the target in the catalog's form. The default one has the types that
// the library carries, unless it was given others.
func (t Target) get() *catalog.Target {
	switch {
	case t.t == nil, t.t == catalog.Linux6_18:
		return withCoreTypes()
	}
	return t.t
}

// withCoreTypes unpacks the library's types when they are first needed.
var withCoreTypes = sync.OnceValue(func() *catalog.Target {
	spec, err := corebtf.Load()
	if err != nil {
		return catalog.Linux6_18 // what needs kernel types is refused for want of them
	}
	return catalog.Linux6_18.WithBTF(spec)
})

// linkEnv is what linking an object takes from the target.
func (t Target) linkEnv() *object.Env {
	c := t.get()
	return &object.Env{
		BTF: c.BTF, Kconfig: c.Kconfig,
		KernelVersion: c.VersionCode(),
	}
}
