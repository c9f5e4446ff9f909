// This file defines the comparison with the running kernel: it must take what we link.

package object

import (
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/live"
)

func TestKernelTakes(t *testing.T) {
	if err := live.Available(); err != nil {
		t.Skip(err)
	}
	for _, row := range []struct {
		object, program string
		env             *Env
		line            string // why the kernel refuses it, "" when it does not
	}{
		{"maps.o", "entry", nil, ""},
		{"funcs.o", "both", nil, ""},
		{"funcs.o", "only_right", nil, ""},
		{"funcs.o", "looping", nil, ""},
		{"arena.o", "use", nil, ""},
		{"badbtf.o", "anonymous", nil, ""},
		{"core.o", "types", &Env{BTF: targetTypes(t)}, ""},
		{"core.o", "fields", &Env{BTF: targetTypes(t)}, ""},
		{"core.o", "poisoned", &Env{BTF: targetTypes(t)}, "invalid func unknown#195896080"},
	} {
		t.Run(row.object+"/"+row.program, func(t *testing.T) {
			p, err := linkAll(t, openTest(t, row.object), row.env).Program(row.program)
			if err != nil {
				t.Fatal(err)
			}
			set := live.NewSet()
			defer set.Close()
			res, err := set.Load(p, live.LoadOptions{LogLevel: 1})
			if err != nil {
				t.Fatal(err)
			}
			if res.Accepted() != (row.line == "") || !strings.Contains(res.Line(), row.line) {
				t.Errorf("%v %q, want %q\n%s", res.Errno, res.Line(), row.line, res.Log)
			}
		})
	}
}
