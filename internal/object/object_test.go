// This file defines tests of reading objects: maps, functions, sections, and what is refused.

package object

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/bytecode"
)

// mapNamed returns a map of a linked object by its name.
func mapNamed(t *testing.T, l *Linked, name string) *bytecode.MapSpec {
	t.Helper()
	for _, m := range l.Maps {
		if m.Name == name {
			return m
		}
	}
	t.Fatalf("no map %q in %v", name, l.Maps)
	return nil
}

func TestMapContents(t *testing.T) {
	l := linkAll(t, openTest(t, "maps.o"), nil)
	for _, row := range []struct {
		name     string
		section  string
		contents []byte
		frozen   bool
	}{
		{"maps.data", ".data", []byte{7, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0}, false},
		{"maps.rodata", ".rodata", []byte{42, 0, 0, 0}, true},
		{"maps.bss", ".bss", nil, false},
		{".data.mine", ".data.mine", []byte{9, 0, 0, 0}, false},
		{".bss.alone", ".bss.alone", nil, false},
		{".rodata.veiled", ".rodata.veiled", []byte{1, 0, 0, 0}, true},
	} {
		m := mapNamed(t, l, row.name)
		if m.Section != row.section || !bytes.Equal(m.Contents, row.contents) || m.Frozen != row.frozen {
			t.Errorf("%s: section %q contents %v frozen %v", m.Name, m.Section, m.Contents, m.Frozen)
		}
	}
	if sizes := mapNamed(t, l, "sizes"); !sizes.PinByName {
		t.Error("sizes: not pinned by name")
	}
}

func TestFirstValues(t *testing.T) {
	l := linkAll(t, openTest(t, "maps.o"), nil)
	outer, jumps := mapNamed(t, l, "outer"), mapNamed(t, l, "jumps")
	want := []bytecode.MapSlot{{Key: 1, Map: mapNamed(t, l, "in0")}, {Key: 3, Map: mapNamed(t, l, "in1")}}
	if fmt.Sprint(outer.Slots) != fmt.Sprint(want) {
		t.Errorf("outer: %v, want %v", outer.Slots, want)
	}
	if len(jumps.Slots) != 1 || jumps.Slots[0] != (bytecode.MapSlot{Key: 1, Program: "entry"}) {
		t.Errorf("jumps: %v", jumps.Slots)
	}
	if outer.Inner == nil || outer.Inner.Name != "outer.inner" || outer.Inner.ValueSize != 8 {
		t.Errorf("outer: template %+v", outer.Inner)
	}
}

func TestArenaGlobals(t *testing.T) {
	l := linkAll(t, openTest(t, "arena.o"), nil)
	if m := mapNamed(t, l, "arena"); !bytes.Equal(m.Contents, []byte{11, 0, 0, 0, 22, 0, 0, 0}) {
		t.Errorf("contents %v", m.Contents)
	}
}

// TestLinkIsFresh: what one owner does to its maps is not seen by another.
func TestLinkIsFresh(t *testing.T) {
	o := openTest(t, "maps.o")
	a, b := linkAll(t, o, nil), linkAll(t, o, nil)
	mapNamed(t, a, "maps.data").Contents[0] = 99
	if got := mapNamed(t, b, "maps.data").Contents[0]; got != 7 {
		t.Errorf("counter %d, want 7", got)
	}
	if a.Programs[0].Maps[0] != mapNamed(t, a, a.Programs[0].Maps[0].Name) {
		t.Error("programs and Linked.Maps do not share their maps")
	}
}

// layout names the functions of a program with their first slots.
func layout(p *bytecode.Program) string {
	var out []string
	for _, f := range p.FuncInfos {
		out = append(out, fmt.Sprintf("%s@%d", p.BTF.Type(f.TypeID).Name, f.Insn))
	}
	return strings.Join(out, " ")
}

func TestFunctionLayout(t *testing.T) {
	l := linkAll(t, openTest(t, "funcs.o"), nil)
	for _, row := range []struct{ program, want string }{
		{"both", "both@0 left@7 leaf@10 right@14"},
		{"only_right", "only_right@0 right@3 leaf@7"},
		{"looping", "looping@0 step@11"},
		{"throwing", "throwing@0 rescue@2"},
	} {
		p, err := l.Program(row.program)
		if err != nil {
			t.Fatal(err)
		}
		if got := layout(p); got != row.want {
			t.Errorf("%s: %s, want %s", row.program, got, row.want)
		}
		for i, in := range p.Insns {
			if !in.IsSubprogCall() && !in.IsFuncRef() {
				continue
			}
			if at := fmt.Sprintf("@%d", i+1+int(in.Imm)); !strings.Contains(row.want+" ", at+" ") {
				t.Errorf("%s: instruction %d refers to slot %s, where no function starts", row.program, i, at)
			}
		}
	}
}

func TestHiddenIsStatic(t *testing.T) {
	btf := openTest(t, "funcs.o").BTF()
	for _, row := range []struct {
		name    string
		linkage uint32
	}{{"left", linkageGlobal}, {"right", linkageStatic}, {"leaf", linkageStatic}} {
		if got := btf.Type(btf.Named(row.name)[0]).Linkage; got != row.linkage {
			t.Errorf("%s: linkage %d, want %d", row.name, got, row.linkage)
		}
	}
}

func TestAutoload(t *testing.T) {
	l, err := openTest(t, "funcs.o").Link(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Program("only_right"); !errors.Is(err, ErrNoProgram) {
		t.Errorf("only_right: %v, want it left out", err)
	}
	if !errors.Is(l.Errors["nameless"], ErrNoType) {
		t.Errorf("nameless: %v, want %v", l.Errors["nameless"], ErrNoType)
	}
}

func TestTypeOverride(t *testing.T) {
	o := openTest(t, "funcs.o")
	l, err := o.Link(nil, &LinkOptions{TypeOverride: bytecode.ProgXDP})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		program string
		want    bytecode.ProgType
	}{{"nameless", bytecode.ProgXDP}, {"both", bytecode.ProgSchedCLS}} {
		if p, err := l.Program(row.program); err != nil || p.Type != row.want {
			t.Errorf("%s: %+v %v, want type %d", row.program, p, err, row.want)
		}
	}
	if _, err := o.Link(nil, &LinkOptions{Programs: []string{"nobody"}}); !errors.Is(err, ErrNoProgram) {
		t.Errorf("error %v, want %v", err, ErrNoProgram)
	}
}

func TestRefusedBTF(t *testing.T) {
	l := linkAll(t, openTest(t, "badbtf.o"), nil)
	wantError(t, l.BTFError, "Invalid arg#1")
	if p := l.Programs[0]; p.BTF != nil || p.FuncInfos != nil || p.LineInfos != nil || p.Maps[0].BTF != nil {
		t.Errorf("program %+v, want it without BTF", p)
	}
}

func TestFindSection(t *testing.T) {
	for _, row := range []struct {
		section string
		typ     bytecode.ProgType
		attach  bytecode.AttachType
		flags   uint32
	}{
		{"socket", bytecode.ProgSocketFilter, 0, 0},
		{"socket/x", bytecode.ProgUnspec, 0, 0},
		{"xdp", bytecode.ProgXDP, attachXDP, 0},
		{"xdp/devmap", bytecode.ProgXDP, attachXDPDevmap, 0},
		{"xdp.frags/cpumap", bytecode.ProgXDP, attachXDPCpumap, frags},
		{"xdp_prog", bytecode.ProgUnspec, 0, 0},
		{"kprobe", bytecode.ProgKprobe, 0, 0},
		{"kprobe/do_sys_open", bytecode.ProgKprobe, 0, 0},
		{"kprobes", bytecode.ProgUnspec, 0, 0},
		{"kprobe.session/x", bytecode.ProgKprobe, attachKprobeSession, 0},
		{"uprobe.session.s/x", bytecode.ProgKprobe, attachUprobeSession, sleepable},
		{"usdt/lib:a:b", bytecode.ProgKprobe, attachUprobeMulti, 0},
		{"fentry.s/f", bytecode.ProgTracing, attachTraceFentry, sleepable},
		{"lsm.s/file_open", bytecode.ProgLSM, attachLSMMac, sleepable},
		{"tc/ingress", bytecode.ProgSchedCLS, attachTCXIngress, 0},
		{"syscall", bytecode.ProgSyscall, 0, sleepable},
		{"struct_ops.s/init", bytecode.ProgStructOps, 0, sleepable},
		{"cgroup/connect_unix", bytecode.ProgCgroupSockAddr, attachCgroupUnixConnect, 0},
		{"netfilter", bytecode.ProgNetfilter, attachNetfilter, 0},
		{"skep/memory", bytecode.ProgMemory, 0, 0},
		{"skep/memory/case", bytecode.ProgMemory, 0, 0},
		{"skep/memories", bytecode.ProgUnspec, 0, 0},
		{"", bytecode.ProgUnspec, 0, 0},
	} {
		d := findSection(row.section)
		if d.typ != row.typ || d.attach != row.attach || d.flags != row.flags {
			t.Errorf("%q: type %d attach %d flags %d, want %d %d %d",
				row.section, d.typ, d.attach, d.flags, row.typ, row.attach, row.flags)
		}
	}
}

func TestDataMapName(t *testing.T) {
	for _, row := range []struct{ object, section, want string }{
		{"my_object_name", ".rodata", "my_objec.rodata"},
		{"my_object_name", ".bss", "my_objec.bss"},
		{"my_object_name", ".kconfig", "my_obje.kconfig"},
		{"x", ".data", "x.data"},
		{"x", ".data.custom", ".data.custom"},
		{"x", ".rodata.abracadabra", ".rodata.abracad"},
		{"", ".bss", ".bss"},
		{"a-b", ".data", "a_b.data"},
		{"x", ".data.a b", ".data.a_b"},
	} {
		if got := dataMapName(row.object, row.section); got != row.want {
			t.Errorf("dataMapName(%q, %q) = %q, want %q", row.object, row.section, got, row.want)
		}
	}
}

func TestRingSize(t *testing.T) {
	for _, row := range []struct{ in, want uint32 }{
		{0, 0}, {1, 4096}, {4096, 4096}, {4097, 8192}, {12288, 16384}, {1 << 31, 1 << 31}, {1<<31 + 1, 1<<31 + 1},
	} {
		if got := ringSize(row.in); got != row.want {
			t.Errorf("ringSize(%d) = %d, want %d", row.in, got, row.want)
		}
	}
}

// TestReadRefuses changes good objects into bad ones.
func TestReadRefuses(t *testing.T) {
	at := func(off int, v byte) func([]byte) []byte {
		return func(b []byte) []byte { b[off] = v; return b }
	}
	rename := func(from, to string) func([]byte) []byte {
		return func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(from), []byte(to)) }
	}
	for _, row := range []struct {
		name, object string
		change       func([]byte) []byte
		want         string
	}{
		{"empty", "maps.o", func([]byte) []byte { return nil }, "ELF header"},
		{"header only", "maps.o", func(b []byte) []byte { return b[:64] }, "ELF"},
		{"truncated", "maps.o", func(b []byte) []byte { return b[:len(b)/2] }, "ELF"},
		{"32 bits", "maps.o", at(4, 1), "ELF header"},
		{"big-endian", "maps.o", at(5, 2), "ELF header"},
		{"executable", "maps.o", at(16, 2), "want a relocatable object file"},
		{"x86-64", "maps.o", at(18, 62), "want BPF"},
		{"legacy maps", "funcs.o", rename("license\x00", "maps\x00\x00\x00\x00"), "legacy map definitions"},
		{"no BTF", "maps.o", rename(".BTF\x00", ".XTF\x00"), ".maps"},
		{"broken BTF", "maps.o", rename("\x9f\xeb\x01\x00", "\x9f\xeb\x07\x00"), "BTF header: version 7"},
		{"map without a type", "maps.o", rename("\x00type\x00", "\x00tipe\x00"), `unknown field "tipe"`},
		{"no such variable", "maps.o", rename("\x00counter\x00", "\x00encount\x00"), ""},
		{"no kconfig section", "externs.o", rename("\x00.kconfig\x00", "\x00.xconfig\x00"), "unknown extern section"},
	} {
		t.Run(row.name, func(t *testing.T) {
			data, err := os.ReadFile("testdata/" + row.object)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Read(bytes.NewReader(row.change(data)))
			if row.want == "" {
				if err != nil {
					t.Errorf("error %v, want none: both names changed alike", err)
				}
				return
			}
			wantError(t, err, row.want)
		})
	}
}

func TestKallsyms(t *testing.T) {
	k, err := ReadKallsyms(strings.NewReader(
		"ffffffff81000000 T _text\nffffffff81000010 t twice\nffffffff81000020 t twice\n" +
			"ffffffff81000030 d data.llvm.123\nffffffffc0000000 t func\t[module]\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name string
		want uint64
		err  string
	}{
		{"_text", 0xffffffff81000000, ""},
		{"data", 0xffffffff81000030, ""},
		{"func", 0xffffffffc0000000, ""},
		{"twice", 0, "several addresses"},
		{"none", 0, ErrUnresolved.Error()},
	} {
		got, err := k.Lookup(row.name)
		if row.err != "" {
			wantError(t, err, row.err)
		} else if got != row.want || err != nil {
			t.Errorf("%s: %#x %v, want %#x", row.name, got, err, row.want)
		}
	}
	if _, err := ReadKallsyms(strings.NewReader("nonsense\n")); err == nil {
		t.Error("nonsense: no error")
	}
}
