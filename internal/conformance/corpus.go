// This file defines the corpus: the kernel's BPF selftests, unpacked and with
// the headers that they include.

package conformance

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
)

// Source is an unpacked kernel source with generated headers.
type Source struct {
	tools    *Tools
	id       string // hash of all that an object depends on but its own source
	tree     string // the kernel's source
	include  string // vmlinux.h and bpf/*.h
	pch      string // vmlinux.h precompiled
	sysFlags []string
}

// parts of the source that the selftests are built from.
var sourceParts = []string{
	"tools/testing/selftests/bpf",
	"tools/lib/bpf",
	"tools/include",
	"include/uapi/linux/bpf.h",
	"scripts/bpf_doc.py",
}

// PrepareSource unpacks what is needed and generates the headers, unless the
// cache has them.
func PrepareSource(ctx context.Context, t *Tools, cache string) (*Source, error) {
	tarID, err := fileID(t.Tarball)
	if err != nil {
		return nil, fmt.Errorf("kernel source: %w", err)
	}
	btfHash, err := hashFile(vmlinuxBTF)
	if err != nil {
		return nil, fmt.Errorf("types of the running kernel: %w", err)
	}
	version, err := output(ctx, t.Clang, "--version")
	if err != nil {
		return nil, err
	}
	sysFlags, err := systemIncludes(ctx, t.Clang)
	if err != nil {
		return nil, err
	}
	s := &Source{tools: t, sysFlags: sysFlags}
	s.tree = filepath.Join(cache, "src", hashOf(tarID, strings.Join(sourceParts, " ")))
	if err := makeDir(s.tree, func(tmp string) error { return unpack(ctx, t, tmp) }); err != nil {
		return nil, fmt.Errorf("kernel source: %w", err)
	}
	s.include = filepath.Join(cache, "include", hashOf(tarID, btfHash))
	if err := makeDir(s.include, func(tmp string) error { return s.makeHeaders(ctx, tmp) }); err != nil {
		return nil, fmt.Errorf("headers: %w", err)
	}
	s.id = hashOf(tarID, btfHash, version, strings.Join(s.flags("", ""), " "))
	s.pch = filepath.Join(cache, "pch", s.id)
	if err := makeDir(s.pch, func(tmp string) error { return s.precompile(ctx, tmp) }); err != nil {
		return nil, fmt.Errorf("precompiled headers: %w", err)
	}
	return s, nil
}

// unpack extracts sourceParts into dir.
func unpack(ctx context.Context, t *Tools, dir string) error {
	top := strings.TrimSuffix(filepath.Base(t.Tarball), ".tar.xz")
	args := []string{"-x", "--use-compress-program=xz -T0", "-f", t.Tarball, "-C", dir, "--strip-components=1"}
	for _, p := range sourceParts {
		args = append(args, top+"/"+p)
	}
	_, err := output(ctx, t.Tar, args...)
	return err
}

// makeHeaders fills dir as the selftests' build does: vmlinux.h of the running
// kernel, libbpf's headers under bpf/, and the helper declarations.
func (s *Source) makeHeaders(ctx context.Context, dir string) error {
	vmlinux, err := output(ctx, s.tools.Bpftool, "btf", "dump", "file", vmlinuxBTF, "format", "c")
	if err != nil {
		return err
	}
	defs, err := output(ctx, s.tools.Python, filepath.Join(s.tree, "scripts/bpf_doc.py"),
		"--header", "--filename", filepath.Join(s.tree, "tools/include/uapi/linux/bpf.h"))
	if err != nil {
		return err
	}
	bpf := filepath.Join(dir, "bpf")
	if err := os.Mkdir(bpf, 0o755); err != nil {
		return err
	}
	headers, err := filepath.Glob(filepath.Join(s.tree, "tools/lib/bpf/*.h"))
	if err != nil {
		return err
	}
	for _, h := range headers {
		data, err := os.ReadFile(h)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(bpf, filepath.Base(h)), data, 0o644); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(bpf, "bpf_helper_defs.h"), []byte(defs), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "vmlinux.h"), []byte(vmlinux), 0o644)
}

// programs lists the selftests' C files by name without ".c".
func (s *Source) programs() ([]string, error) {
	files, err := filepath.Glob(filepath.Join(s.tree, selftests, "progs/*.c"))
	if err != nil {
		return nil, err
	}
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = strings.TrimSuffix(filepath.Base(f), ".c")
	}
	sort.Strings(names)
	return names, nil
}

const selftests = "tools/testing/selftests/bpf"

// systemIncludes asks clang for the host's include directories: the BPF target
// has none of its own, and the selftests include linux/*.h that come from libc.
func systemIncludes(ctx context.Context, clang string) ([]string, error) {
	cmd := exec.CommandContext(ctx, clang, "-v", "-E", "-")
	text, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("include directories of %s: %w", clang, err)
	}
	var flags []string
	for line := range strings.Lines(string(text)) {
		if dir := strings.TrimSpace(line); strings.HasPrefix(line, " /") && !strings.Contains(dir, "\"") {
			flags = append(flags, "-idirafter", dir)
		}
	}
	return flags, nil
}

// output runs a program and returns what it prints; the error carries what it
// said on standard error.
func output(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var out, diag bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &diag
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", filepath.Base(name), err, lastLine(diag.String()))
	}
	return out.String(), nil
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return s[strings.LastIndexByte(s, '\n')+1:]
}
