// This file tests that docs/verifier.md shows the log that Skep
// prints, and what may leave the verifier as a fact.

package verify_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/object"
)

// documented is the log in docs/verifier.md.
func documented(t *testing.T) string {
	t.Helper()
	doc, err := os.ReadFile("../../docs/verifier.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(strings.ReplaceAll(string(doc), "\r\n", "\n"), "```log\n")
	log, _, ok2 := strings.Cut(rest, "```\n")
	if !ok || !ok2 {
		t.Fatal("no ```log block in docs/verifier.md")
	}
	return log
}

func walkedProgram(t *testing.T) *bytecode.Program {
	t.Helper()
	o, err := object.Open("testdata/walk.o")
	if err != nil {
		t.Fatal(err)
	}
	l, err := o.Link(&object.Env{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return l.Programs[0]
}

func TestDocumentedLog(t *testing.T) {
	r := &soundnessRun{}
	v := r.verdict(t, walkedProgram(t), "", false)
	if v == nil {
		t.Fatal("the documented program is refused")
	}
	if diff := cmp.Diff(documented(t), v.Log()); diff != "" {
		t.Errorf("docs/verifier.md shows (-), Skep prints (+):\n%s", diff)
	}
}

// TestSoundnessFacts: what differs between paths is no fact.
func TestSoundnessFacts(t *testing.T) {
	r := &soundnessRun{}
	for _, row := range []struct {
		name   string
		second string // the map that the second path reads
		mapIdx int32  // of the joint access
	}{
		{"one map", "large", 0},
		{"two maps", "small", -1},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := makeProgram(t, secondWay("r6 = value[large]+0", lookUp(row.second)+"if r0 == 0 goto out; r6 = r0", "r0 = *(u8 *)(r6 +4)"+finish), 0)
			v := r.verdict(t, p, "", false)
			if v == nil {
				return
			}
			for pc, f := range v.Facts().Insns {
				if f.Mem != nil && p.Insns[pc].Class() == bytecode.ClassLDX && f.Mem.MapIdx != row.mapIdx {
					t.Errorf("insn %d reads map %d, want %d", pc, f.Mem.MapIdx, row.mapIdx)
				}
			}
		})
	}
}
