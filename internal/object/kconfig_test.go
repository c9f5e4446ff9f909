// This file defines tests of .kconfig variables.

package object

import (
	"bytes"
	"testing"

	"github.com/skepbpf/skep/internal/btfx"
)

func TestKconfigValues(t *testing.T) {
	spec, _ := smallKernel(t)
	env := &Env{BTF: spec, KernelVersion: 6<<16 | 18<<8, Kconfig: map[string]string{
		"CONFIG_BOOL": "y", "CONFIG_TRI": "m", "CONFIG_CHAR": "n", "CONFIG_U16": "0x1234", "CONFIG_STRING": `"a long one"`,
	}}
	o := openTest(t, "externs.o")
	l := linkAll(t, o, env)
	if _, err := l.Program("config"); err != nil {
		t.Fatal(err)
	}
	if len(l.Maps) != 1 || l.Maps[0].Section != kconfigSection || !l.Maps[0].Frozen {
		t.Fatalf("maps %v, want a frozen %s", l.Maps, kconfigSection)
	}
	sec, _ := l.BTF.Find(kconfigSection, btfx.KindDatasec)
	want := map[string][]byte{
		"LINUX_KERNEL_VERSION": {0, 18, 6, 0},
		"LINUX_HAS_BPF_COOKIE": {1},
		"CONFIG_BOOL":          {1},
		"CONFIG_TRI":           {2, 0, 0, 0},
		"CONFIG_CHAR":          {'n'},
		"CONFIG_U16":           {0x34, 0x12},
		"CONFIG_STRING":        []byte("a long \x00"),
		"CONFIG_MISSING":       make([]byte, 8),
	}
	for _, v := range l.BTF.Type(sec).Vars {
		name := l.BTF.Type(v.Type).Name
		if got := l.Maps[0].Contents[v.Offset:][:v.Size]; !bytes.Equal(got, want[name]) {
			t.Errorf("%s = %v, want %v", name, got, want[name])
		}
		delete(want, name)
	}
	if len(want) > 0 {
		t.Errorf("not in the section: %v", want)
	}
}

func TestKconfigMissing(t *testing.T) {
	l := linkAll(t, openTest(t, "externs.o"), &Env{Kconfig: map[string]string{"CONFIG_BOOL": "y"}})
	wantError(t, l.Errors["config"], `kconfig extern "CONFIG_`)
}

func TestKconfigSet(t *testing.T) {
	for _, row := range []struct {
		name  string
		v     kconfigVar
		value string
		want  []byte // nil: refused
	}{
		{"bool", kconfigVar{kind: kconfigBool, size: 1}, "y", []byte{1}},
		{"bool of a module", kconfigVar{kind: kconfigBool, size: 1}, "m", nil},
		{"bool of a number", kconfigVar{kind: kconfigBool, size: 1}, "1", nil},
		{"tristate", kconfigVar{kind: kconfigTristate, size: 4}, "n", []byte{0, 0, 0, 0}},
		{"char of a module", kconfigVar{kind: kconfigChar, size: 1, signed: true}, "m", []byte{'m'}},
		{"char of a number", kconfigVar{kind: kconfigChar, size: 1, signed: true}, "-128", []byte{0x80}},
		{"char too large", kconfigVar{kind: kconfigChar, size: 1, signed: true}, "128", nil},
		{"int of y", kconfigVar{kind: kconfigInt, size: 4}, "y", nil},
		{"int", kconfigVar{kind: kconfigInt, size: 4}, "4096", []byte{0, 16, 0, 0}},
		{"octal", kconfigVar{kind: kconfigInt, size: 2}, "010", []byte{8, 0}},
		{"unsigned negative", kconfigVar{kind: kconfigInt, size: 4}, "-1", nil},
		{"64 bits", kconfigVar{kind: kconfigInt, size: 8}, "0xffffffffffffffff", bytes.Repeat([]byte{0xff}, 8)},
		{"no number", kconfigVar{kind: kconfigInt, size: 4}, "12x", nil},
		{"string", kconfigVar{kind: kconfigString, size: 4}, `"ab"`, []byte("ab\x00\x00")},
		{"string cut", kconfigVar{kind: kconfigString, size: 3}, `"abcd"`, []byte("ab\x00")},
		{"string unbalanced", kconfigVar{kind: kconfigString, size: 4}, `"ab`, nil},
		{"string into int", kconfigVar{kind: kconfigInt, size: 4}, `"1"`, nil},
		{"empty", kconfigVar{kind: kconfigInt, size: 4}, "", nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			dst := make([]byte, row.v.size)
			err := row.v.set(dst, row.value)
			if (err == nil) != (row.want != nil) {
				t.Fatalf("error %v", err)
			}
			if err == nil && !bytes.Equal(dst, row.want) {
				t.Errorf("%v, want %v", dst, row.want)
			}
		})
	}
}
