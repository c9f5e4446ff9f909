// This file tests that packages import each other only as ARCHITECTURE.md says.

package skep_test

import (
	"cmp"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/skepbpf/skep"

// edges lists, for each package, the packages of this module that it may
// import; "." is the root. A package stands below all that import it. Tests may
// import what they like.
var edges = []struct {
	pkg     string
	imports string
}{
	// Above the library.
	{"cmd/skep", ". ringbuf internal/attach internal/attach/capture internal/catalog/vmlinux"},
	{"examples/embed", "."},
	{"internal/fuzz/cmd/fuzz", "internal/fuzz internal/catalog internal/conformance"},
	{"internal/fuzz", ". internal/conformance world internal/btfx internal/bytecode internal/catalog internal/catalog/vmlinux internal/engine internal/helper internal/ir internal/live internal/lower" +
		" internal/maps internal/object internal/report internal/shadow internal/verify"},
	{"internal/realworld/cmd/realworld", "internal/realworld internal/conformance"},
	{"internal/realworld", "internal/conformance internal/bytecode internal/object"},
	{"internal/conformance/cmd/conformance", ". internal/conformance"},
	{"internal/conformance/cmd/benchverify", "internal/conformance"},
	{"internal/conformance", ". internal/btfx internal/bytecode internal/catalog internal/catalog/vmlinux internal/conformance/isa internal/conformance/testmod internal/engine internal/helper" +
		" internal/live internal/lower internal/maps internal/object internal/shadow internal/verify"},
	{"internal/conformance/testmod", "internal/btfx internal/catalog"},
	{"internal/conformance/isa", "internal/bytecode"},
	{"internal/tools/pcapgen", "internal/attach internal/attach/capture"},
	{"ringbuf", ". internal/maps"},

	// The root wires.
	{".", "world internal/attach internal/btfval internal/btfx internal/bytecode internal/catalog internal/catalog/corebtf internal/engine internal/errno" +
		" internal/helper internal/ir internal/lower internal/maps internal/object internal/report internal/shadow internal/verify"},

	// Running.
	{"internal/shadow", "internal/engine internal/verify internal/verify/domain"},
	{"internal/attach/capture", "internal/attach"},
	{"internal/attach", "world internal/bytecode internal/engine"},
	{"internal/helper", "world internal/bytecode internal/btfx internal/catalog internal/engine internal/errno internal/ir internal/maps"},
	{"internal/engine", "world internal/ir internal/maps"},
	{"internal/engine/gen", ""},
	{"internal/lower", "internal/bytecode internal/catalog internal/ir internal/verify internal/verify/domain"},
	{"internal/maps", "internal/btfx internal/bytecode internal/errno internal/ir"},
	{"internal/ir", ""},

	// Verifying.
	{"internal/report", "internal/bytecode internal/catalog internal/verify"},
	{"internal/verify", "internal/btfx internal/bytecode internal/catalog internal/verify/domain"},
	{"internal/verify/domain", "internal/btfx"},
	{"internal/catalog/gen", "internal/btfx internal/catalog/corebtf"},
	{"internal/catalog/vmlinux", "internal/btfx internal/catalog/corebtf"},
	{"internal/catalog", "kfunc internal/btfx internal/bytecode internal/catalog/corebtf"},
	{"internal/catalog/corebtf", "internal/btfx"},
	{"kfunc", "internal/btfx internal/errno internal/hostfn"},
	{"internal/hostfn", "internal/btfx"},

	// Reading.
	{"internal/live", "internal/btfx internal/bytecode"},
	{"internal/object", "internal/btfx internal/bytecode"},
	{"internal/bytecode", "internal/btfx"},
	{"internal/btfval", "internal/btfx"},
	{"internal/btfx", ""},
	{"internal/errno", ""},
	{"world", ""},
}

// light lists what the library itself may import of others: the command's
// dependencies stay with the command.
var light = []string{"github.com/cilium/ebpf", "golang.org/x/sys", "golang.org/x/net"}

// heavy are the packages that may import more.
var heavy = []string{"cmd", "internal/attach/capture", "internal/conformance", "internal/fuzz", "internal/tools", "internal/catalog/gen"}

func TestImports(t *testing.T) {
	allowed := map[string][]string{}
	for _, e := range edges {
		allowed[e.pkg] = strings.Fields(e.imports)
	}
	for pkg, imports := range readImports(t) {
		list, known := allowed[pkg]
		if !known {
			t.Errorf("package %s is not in the table of edges", pkg)
			continue
		}
		for imported, file := range imports {
			own, inside := strings.CutPrefix(imported, module)
			own = cmp.Or(strings.TrimPrefix(own, "/"), ".")
			switch {
			case inside && !slices.Contains(list, own):
				t.Errorf("%s: package %s must not import %s", file, pkg, own)
			case !inside && isForeign(imported) && !isHeavy(pkg) && !hasPrefix(imported, light):
				t.Errorf("%s: package %s must not import %s: the library stays light", file, pkg, imported)
			}
		}
	}
}

// TestEdgesPointDown checks that the table itself goes down only.
func TestEdgesPointDown(t *testing.T) {
	above := map[string]bool{}
	for _, e := range edges {
		above[e.pkg] = true
		for _, to := range strings.Fields(e.imports) {
			if above[to] {
				t.Errorf("%s is imported by %s, which stands below it", to, e.pkg)
			}
		}
	}
}

// readImports gives, for each package's folder, what its files import and a
// file that does.
func readImports(t *testing.T) map[string]map[string]string {
	t.Helper()
	out := map[string]map[string]string{}
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || len(d.Name()) > 1 && d.Name()[0] == '.'):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go"):
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		pkg := path.Dir(filepath.ToSlash(file))
		if out[pkg] == nil {
			out[pkg] = map[string]string{}
		}
		for _, s := range parsed.Imports {
			if p, err := strconv.Unquote(s.Path.Value); err == nil {
				out[pkg][p] = file
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// isForeign reports whether an import path is of another module.
func isForeign(p string) bool {
	first, _, _ := strings.Cut(p, "/")
	return strings.Contains(first, ".")
}

func isHeavy(pkg string) bool { return hasPrefix(pkg, heavy) }

func hasPrefix(p string, list []string) bool {
	return slices.ContainsFunc(list, func(l string) bool { return p == l || strings.HasPrefix(p, l+"/") })
}
