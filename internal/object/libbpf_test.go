// This file defines the comparison with what libbpf sends for the same objects.

package object

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
)

func openTest(t testing.TB, name string) *Object {
	t.Helper()
	o, err := Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// linkAll links every program of an object whose section names a type.
func linkAll(t testing.TB, o *Object, env *Env) *Linked {
	t.Helper()
	var names []string
	for _, p := range o.Programs() {
		if p.Type != bytecode.ProgUnspec {
			names = append(names, p.Name)
		}
	}
	l, err := o.Link(env, &LinkOptions{Programs: names})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// targetTypes is the BTF that core.o is relocated against.
func targetTypes(t testing.TB) *btfx.Spec { return openTest(t, "core_target.o").BTF() }

// TestAsLibbpf compares programs and maps, to the last bit, with what libbpf
// was recorded to send (testdata/libbpf/record.c).
func TestAsLibbpf(t *testing.T) {
	recorded, err := os.ReadFile("testdata/libbpf.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range strings.Split(string(recorded), "object ")[1:] {
		name, want, _ := strings.Cut(block, "\n")
		t.Run(name, func(t *testing.T) {
			l := linkAll(t, openTest(t, name), &Env{BTF: targetTypes(t)})
			for prog, err := range l.Errors {
				t.Errorf("%s: %v", prog, err)
			}
			var got strings.Builder
			for _, m := range l.Maps {
				printMap(&got, m)
			}
			for _, p := range l.Programs {
				printProgram(&got, p)
			}
			if diff := cmp.Diff(withoutTypes(want), withoutTypes(got.String())); diff != "" {
				t.Errorf("libbpf (-), Skep (+):\n%s", diff)
			}
		})
	}
}

// withoutTypes drops the ids of maps for which libbpf keeps them from the
// kernel, which takes none.
func withoutTypes(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		for _, kind := range []string{"type 3 ", "type 12 ", "type 33 "} {
			if strings.HasPrefix(line, "map ") && strings.Contains(line, kind) {
				lines[i], _, _ = strings.Cut(line, " types ")
			}
		}
	}
	return strings.Join(lines, "\n")
}

func printMap(w *strings.Builder, m *bytecode.MapSpec) {
	if m.Inner != nil {
		printMap(w, m.Inner)
	}
	fmt.Fprintf(w, "map %s type %d key %d value %d entries %d flags %d extra %d types %d %d\n",
		m.Name, m.Type, m.KeySize, m.ValueSize, m.MaxEntries, m.Flags, m.Extra, m.KeyTypeID, m.ValueTypeID)
}

func printProgram(w *strings.Builder, p *bytecode.Program) {
	fmt.Fprintf(w, "program %s type %d attach %d flags %d\n", p.Name, p.Type, p.ExpectedAttach, p.Flags)
	for _, in := range p.Insns {
		name := ""
		if in.IsLdImm64() && (in.Src == bytecode.PseudoMapIdx || in.Src == bytecode.PseudoMapIdxValue) {
			name = " " + p.Maps[in.Imm].Name
			in.Src, in.Imm = in.Src-bytecode.PseudoMapIdx+bytecode.PseudoMapFD, 0
		}
		fmt.Fprintf(w, "\t%02x %x %x %d %d%s\n", in.Op, in.Dst, in.Src, in.Off, in.Imm, name)
	}
	for _, f := range p.FuncInfos {
		fmt.Fprintf(w, "\tfunc %d %d\n", f.Insn, f.TypeID)
	}
	for _, l := range p.LineInfos {
		fmt.Fprintf(w, "\tline %d %d %d %d\n", l.Insn, l.FileOff, l.TextOff, l.Line<<10|l.Column)
	}
}
