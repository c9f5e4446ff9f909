// This file defines what the harness needs of the machine, and how it says
// what is missing.

package conformance

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// vmlinuxBTF is where a running kernel shows its types.
const vmlinuxBTF = "/sys/kernel/btf/vmlinux"

// Tools are the programs and files that the corpus is made with. The harness
// installs none of them.
type Tools struct {
	Tarball string // the kernel's source, tar.xz
	Clang   string
	Bpftool string
	Python  string // runs the kernel's own generator of helper declarations
	Tar     string
}

// MissingError lists what FindTools did not find, with the Debian package that
// brings each.
type MissingError struct{ Items []MissingTool }

// MissingTool is one thing that FindTools did not find.
type MissingTool struct{ What, Package string }

func (e *MissingError) Error() string {
	var b strings.Builder
	b.WriteString("conformance corpus: missing")
	for i, it := range e.Items {
		if i > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(&b, " %s (apt-get install %s)", it.What, it.Package)
	}
	return b.String()
}

// FindTools looks for everything at once, so that its error names all that is
// missing.
func FindTools() (*Tools, error) {
	var t Tools
	var missing []MissingTool
	for _, want := range []struct {
		into      *string
		names     []string
		what, pkg string
	}{
		{&t.Tarball, []string{"/usr/src/linux-source-6.12.tar.xz"}, "the source of Linux 6.12", "linux-source-6.12"},
		{&t.Clang, []string{"clang-19"}, "clang-19", "clang-19"},
		{&t.Bpftool, []string{"bpftool", "/usr/sbin/bpftool"}, "bpftool", "bpftool"},
		{&t.Python, []string{"python3"}, "python3", "python3"},
		{&t.Tar, []string{"tar"}, "tar", "tar"},
	} {
		path, err := findFile(want.names)
		if err != nil {
			missing = append(missing, MissingTool{want.what, want.pkg})
		}
		*want.into = path
	}
	if _, err := exec.LookPath("xz"); err != nil {
		missing = append(missing, MissingTool{"xz", "xz-utils"})
	}
	if len(missing) > 0 {
		return nil, &MissingError{missing}
	}
	if _, err := os.Stat(vmlinuxBTF); err != nil {
		return nil, fmt.Errorf("types of the running kernel: %w", err)
	}
	return &t, nil
}

// findFile takes the first name that is a file (absolute names) or a program
// on the path.
func findFile(names []string) (string, error) {
	for _, n := range names {
		if filepath.IsAbs(n) {
			if st, err := os.Stat(n); err == nil && st.Mode().IsRegular() {
				return n, nil
			}
			continue
		}
		if p, err := exec.LookPath(n); err == nil {
			return p, nil
		}
	}
	return "", errors.New("not found")
}

// targetArch is the name that libbpf's headers give this machine's
// architecture.
func targetArch() string {
	switch runtime.GOARCH {
	case "amd64":
		return "x86"
	case "arm64":
		return "arm64"
	}
	return runtime.GOARCH
}
