// This file defines how the corpus is compiled: in parallel, each object once.

package conformance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/object"
)

// CorpusObject is one compiled selftest, or another object to compare on.
type CorpusObject struct {
	Name string // the source file without ".c"
	CPU  string // "v3" or "v4"
	Path string
	// Open reads the object at Path; nil is object.Open.
	Open func(path string) (*object.Object, error)
	// Type is that of programs whose section names none.
	Type bytecode.ProgType
	// Failed is clang's last line of a source that does not compile, else "".
	Failed string
}

// IsVerifierTest reports whether the object belongs to the verifier's own
// tests, whose runner drops CAP_SYS_ADMIN and which are compiled twice.
func (o *CorpusObject) IsVerifierTest() bool { return strings.HasPrefix(o.Name, "verifier_") }

// perFileFlags are what the selftests' Makefile adds for single files.
var perFileFlags = map[string]string{
	"bind4_prog":         "-fno-strict-aliasing",
	"bind6_prog":         "-fno-strict-aliasing",
	"dynptr_fail":        "-fno-strict-aliasing",
	"linked_list_fail":   "-fno-strict-aliasing",
	"map_kptr_fail":      "-fno-strict-aliasing",
	"syscall":            "-fno-strict-aliasing",
	"test_pkt_md_access": "-fno-strict-aliasing",
	"test_sk_lookup":     "-fno-strict-aliasing",
	"timer_crash":        "-fno-strict-aliasing",
	"test_global_func9":  "-fno-strict-aliasing",
	"verifier_nocsr":     "-fno-strict-aliasing",
	"test_l4lb_noinline": "-fno-inline",
	"test_xdp_noinline":  "-fno-inline",
}

// flags are clang's arguments for one source, without input and output.
func (s *Source) flags(name, cpu string) []string {
	dir := filepath.Join(s.tree, selftests)
	f := []string{
		"--target=bpf", "-mcpu=" + cpu, "-mlittle-endian", "-O2", "-g", "-w",
		"-D__TARGET_ARCH_" + targetArch(), "-DENABLE_ATOMICS_TESTS",
		"-I" + s.include, "-I" + dir, "-I" + filepath.Join(s.tree, "tools/include/uapi"),
	}
	if extra := perFileFlags[name]; extra != "" {
		f = append(f, extra)
	}
	return append(f, s.sysFlags...)
}

// Compile compiles every selftest whose name match accepts (nil accepts all),
// the verifier's own tests for two CPU versions. step is told how many objects
// there are and gives what is called after each. A source that does not compile
// is no error: its object says why.
func (s *Source) Compile(ctx context.Context, cache string, match func(name string) bool, workers int, step func(total int) func()) ([]*CorpusObject, error) {
	names, err := s.programs()
	if err != nil {
		return nil, fmt.Errorf("selftests: %w", err)
	}
	dir := filepath.Join(cache, "obj", s.id)
	var objs []*CorpusObject
	for _, n := range names {
		if match != nil && !match(n) {
			continue
		}
		o := &CorpusObject{Name: n, CPU: "v3"}
		objs = append(objs, o)
		if o.IsVerifierTest() {
			objs = append(objs, &CorpusObject{Name: n, CPU: "v4"})
		}
	}
	for _, cpu := range cpus {
		if err := os.MkdirAll(filepath.Join(dir, cpu), 0o755); err != nil {
			return nil, err
		}
	}
	tick := step(len(objs))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(workers)
	for _, o := range objs {
		g.Go(func() error {
			defer tick()
			o.Path = filepath.Join(dir, o.CPU, o.Name+".o")
			return s.compileOne(ctx, o)
		})
	}
	return objs, g.Wait()
}

// compileOne makes o.Path, or a note beside it of why it cannot be made.
func (s *Source) compileOne(ctx context.Context, o *CorpusObject) error {
	if _, err := os.Stat(o.Path); err == nil {
		return nil
	}
	note := strings.TrimSuffix(o.Path, ".o") + ".failed"
	if text, err := os.ReadFile(note); err == nil {
		o.Failed = string(text)
		return nil
	}
	tmp := o.Path + ".tmp"
	defer os.Remove(tmp)
	source := filepath.Join(s.tree, selftests, "progs", o.Name+".c")
	pch, err := s.pchFlags(source, o.Name, o.CPU)
	if err != nil {
		return err
	}
	args := slices.Concat(s.flags(o.Name, o.CPU), pch, []string{"-c", source, "-o", tmp})
	text, err := exec.CommandContext(ctx, s.tools.Clang, args...).CombinedOutput()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		o.Failed = firstError(string(text))
		return writeFile(note, []byte(o.Failed))
	}
	if err != nil {
		return fmt.Errorf("compile %s: %w", o.Name, err)
	}
	return os.Rename(tmp, o.Path)
}

// firstError is the line of clang's output that says what is wrong.
func firstError(text string) string {
	for line := range strings.Lines(text) {
		if _, msg, ok := strings.Cut(line, "error: "); ok {
			return strings.TrimSpace(msg)
		}
	}
	return lastLine(text)
}
