// This file tests prog arrays.

package maps

import (
	"testing"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/errno"
)

type fakeProg struct {
	id    uint32
	class string
	refs  int
}

func (p *fakeProg) ID() uint32         { return p.id }
func (p *fakeProg) TailCallClass() any { return p.class }
func (p *fakeProg) Retain()            { p.refs++ }
func (p *fakeProg) Release()           { p.refs-- }

func TestProgArray(t *testing.T) {
	a, b := &fakeProg{id: 7, class: "xdp"}, &fakeProg{id: 8, class: "xdp"}
	later := &held{}
	env := &Env{Defer: later, Program: func(fd uint32) (Program, errno.Errno) {
		if fd == 3 {
			return a, 0
		}
		return nil, errno.EBADF
	}}
	spec := bytecode.MapSpec{Type: bytecode.MapProgArray, KeySize: 4, ValueSize: 4, MaxEntries: 2000}
	m, err := New(env, &spec)
	if err != nil {
		t.Fatal(err)
	}
	id := make([]byte, 4)
	for _, c := range []struct {
		name string
		got  errno.Errno
		want errno.Errno
	}{
		{"empty", m.Lookup(k4(1500), id, 0), errno.ENOENT},
		{"put", m.Update(k4(1500), k4(3), 0), 0},
		{"bad descriptor", m.Update(k4(0), k4(4), 0), errno.EBADF},
		{"beyond the end", m.Update(k4(2000), k4(3), 0), errno.E2BIG},
		{"flags", m.Update(k4(0), k4(3), FlagNoExist), errno.EINVAL},
		{"id", m.Lookup(k4(1500), id, 0), 0},
		{"replace", m.SetProgram(1500, b), 0},
		{"other class", m.SetProgram(1, &fakeProg{class: "tc"}), errno.EINVAL},
		{"caller of the class", m.Claim("xdp"), 0},
		{"caller of another", m.Claim("tc"), errno.EINVAL},
		{"delete nothing", m.Delete(k4(0)), errno.ENOENT},
		{"delete beyond", m.Delete(k4(2000)), errno.E2BIG},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v, want %v", c.name, c.got, c.want)
		}
	}
	if id[0] != 7 {
		t.Errorf("id %d", id[0])
	}
	if m.ProgramAt(1500) != b || m.ProgramAt(0) != nil || m.ProgramAt(5000) != nil {
		t.Error("programs")
	}
	if a.refs != 1 {
		t.Errorf("a replaced program was released while programs ran: %d", a.refs)
	}
	if later.run(); a.refs != 0 || b.refs != 1 {
		t.Errorf("references: %d, %d", a.refs, b.refs)
	}
	cur, _ := m.Walk()
	if k, v, ok := cur.Next(); !ok || string(k) != string(k4(1500)) || v[0] != 8 {
		t.Errorf("walk: %x %x %v", k, v, ok)
	}
	if _, _, ok := cur.Next(); ok {
		t.Error("walk: a second entry")
	}
	m.Release()
	if later.run(); b.refs != 0 {
		t.Errorf("references after release: %d", b.refs)
	}
}
