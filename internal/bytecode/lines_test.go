// This file defines tests of source lines.

package bytecode

import "testing"

func TestLineAt(t *testing.T) {
	p := &Program{LineInfos: []LineInfo{
		{Insn: 2, File: "/src/dir/a.c", Text: "\t int x = 1;", Line: 7},
		{Insn: 5, File: "a.c", Text: "return x;", Line: 8},
	}}
	for pc, want := range map[int]string{0: "", 1: "", 2: "int x = 1; @ a.c:7", 4: "int x = 1; @ a.c:7", 5: "return x; @ a.c:8", 99: "return x; @ a.c:8"} {
		got := ""
		if l := p.LineAt(pc); l != nil {
			got = l.String()
		}
		if got != want {
			t.Errorf("insn %d: %q, want %q", pc, got, want)
		}
	}
}
