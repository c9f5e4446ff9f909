// This file defines the precompiled vmlinux.h: parsing it takes most of the
// time that clang needs for a selftest that includes it.

package conformance

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

// cpus are the CPU versions that selftests are compiled for.
var cpus = []string{"v3", "v4"}

// precompile makes dir's vmlinux.h for each CPU version, which a precompiled
// header depends on.
func (s *Source) precompile(ctx context.Context, dir string) error {
	for _, cpu := range cpus {
		args := append(s.flags("", cpu), "-x", "c-header", filepath.Join(s.include, "vmlinux.h"), "-o", pchIn(dir, cpu))
		if _, err := output(ctx, s.tools.Clang, args...); err != nil {
			return fmt.Errorf("vmlinux.h for %s: %w", cpu, err)
		}
	}
	return nil
}

func pchIn(dir, cpu string) string { return filepath.Join(dir, cpu+".pch") }

// pchFlags make clang read the precompiled vmlinux.h before a source, where
// that is the first thing the source does itself and is compiled as all others.
func (s *Source) pchFlags(path, name, cpu string) ([]string, error) {
	if perFileFlags[name] != "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil || !startsWithVmlinux(text) {
		return nil, err
	}
	return []string{"-include-pch", pchIn(s.pch, cpu)}, nil
}

var (
	directive      = regexp.MustCompile(`(?m)^[ \t]*#.*$`)
	includeVmlinux = regexp.MustCompile(`^[ \t]*#[ \t]*include[ \t]*["<]vmlinux\.h[">]`)
)

// startsWithVmlinux reports whether a C source's first directive includes
// vmlinux.h, so that no macro changes what that means.
func startsWithVmlinux(text []byte) bool {
	return includeVmlinux.Match(bytes.TrimSpace(directive.Find(text)))
}
