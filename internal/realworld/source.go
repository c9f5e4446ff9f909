// This file defines where objects come from and how a package is fetched.

package realworld

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/skepbpf/skep/internal/bytecode"
)

// Source is a package that carries compiled BPF programs.
type Source struct {
	Project string // what the table calls it
	Kind    Kind
	Package string
	Version string
	// Type is that of programs whose section names none: the project's loader
	// sets it.
	Type bytecode.ProgType
}

func (s *Source) String() string { return fmt.Sprintf("%s %s %s", s.Kind, s.Package, s.Version) }

// Kind is a kind of package.
type Kind string

// Kinds.
const (
	Debian Kind = "deb" // a Debian package for this machine's architecture
	Module Kind = "go"  // a Go module
)

// Sources are the packages that the table is made of.
var Sources = []*Source{
	{Project: "libbpf-tools", Kind: Debian, Package: "libbpf-tools", Version: "0.26.0+ds-1"},
	{Project: "xdp-tools", Kind: Debian, Package: "libxdp1", Version: "1.3.1-1"},
	{Project: "xdp-tools", Kind: Debian, Package: "xdp-tools", Version: "1.3.1-1"},
	{Project: "xdp-tools", Kind: Debian, Package: "xdp-tests", Version: "1.3.1-1"},
	{Project: "cilium/ebpf", Kind: Module, Package: "github.com/cilium/ebpf", Version: "v0.22.0", Type: bytecode.ProgSocketFilter},
	{Project: "cilium/ebpf", Kind: Debian, Package: "golang-github-cilium-ebpf-dev", Version: "0.9.1-1", Type: bytecode.ProgSocketFilter},
	{Project: "Performance Co-Pilot", Kind: Debian, Package: "pcp", Version: "6.0.3-1.1"},
	{Project: "Knot DNS", Kind: Debian, Package: "libknot13", Version: "3.2.6-1"},
	{Project: "QEMU", Kind: Debian, Package: "qemu-system-x86", Version: "1:7.2+dfsg-7+deb12u18+b3", Type: bytecode.ProgSocketFilter},
}

// fetch unpacks the package and returns the folder with its files, which lies
// under tmp or is not ours to change.
func (s *Source) fetch(ctx context.Context, tmp string) (dir string, err error) {
	switch s.Kind {
	case Debian:
		dir, err = s.fetchDebian(ctx, tmp)
	case Module:
		dir, err = s.fetchModule(ctx, tmp)
	default:
		err = errors.New("unknown kind of package")
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", s, err)
	}
	return dir, nil
}

func (s *Source) fetchDebian(ctx context.Context, tmp string) (string, error) {
	if _, err := output(ctx, tmp, "apt-get", "-q", "download", s.Package+"="+s.Version); err != nil {
		return "", err
	}
	debs, err := filepath.Glob(filepath.Join(tmp, s.Package+"_*.deb"))
	if err != nil {
		return "", err
	}
	if len(debs) != 1 {
		return "", fmt.Errorf("%d package files", len(debs))
	}
	dir := filepath.Join(tmp, "files")
	_, err = output(ctx, tmp, "dpkg-deb", "-x", debs[0], dir)
	return dir, err
}

func (s *Source) fetchModule(ctx context.Context, tmp string) (string, error) {
	text, err := output(ctx, tmp, "go", "mod", "download", "-json", s.Package+"@"+s.Version)
	if err != nil {
		return "", err
	}
	var answer struct{ Dir string }
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		return "", err
	}
	return answer.Dir, nil
}

// output runs a program in dir and returns what it prints; the error carries
// the last line of what it said on standard error.
func output(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var out, diag bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &diag
	if err := cmd.Run(); err != nil {
		said := strings.TrimSpace(diag.String())
		return "", fmt.Errorf("%s: %w: %s", name, err, said[strings.LastIndexByte(said, '\n')+1:])
	}
	return out.String(), nil
}

// withPackage calls f with the folder of the package's files.
func (s *Source) withPackage(ctx context.Context, f func(dir string) error) error {
	tmp, err := os.MkdirTemp("", "realworld-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	dir, err := s.fetch(ctx, tmp)
	if err != nil {
		return err
	}
	return f(dir)
}
