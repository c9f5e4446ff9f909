// This file defines the test of which sources take a precompiled vmlinux.h.

package conformance

import "testing"

func TestStartsWithVmlinux(t *testing.T) {
	for _, tt := range []struct {
		name, source string
		want         bool
	}{
		{"first", "// comment\n\n#include \"vmlinux.h\"\n#include <x.h>\n", true},
		{"in angle brackets", "#include <vmlinux.h>\n", true},
		{"spaces", "/* c */\n  # include <vmlinux.h>\n", true},
		{"after a macro", "#define X\n#include \"vmlinux.h\"\n", false},
		{"another header", "#include <linux/bpf.h>\n", false},
		{"another name", "#include \"vmlinux.hpp\"\n", false},
		{"nothing", "int x;\n", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := startsWithVmlinux([]byte(tt.source)); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}
