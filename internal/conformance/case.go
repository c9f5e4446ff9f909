// This file defines Case, one question put to both verifiers, and which cases
// an object has.

package conformance

import (
	"strings"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/live"
	"github.com/skepbpf/skep/internal/object"
)

// Case is one program, loaded with certain capabilities.
type Case struct {
	Object  *CorpusObject
	Program string
	Section string
	Unpriv  bool
	// Annotated: the program says what is expected of it.
	Annotated bool
	Expect    ModeExpectation
	LogLevel  uint32
	Flags     uint32
	Drop      live.Caps

	prog    *bytecode.Program // nil when LinkErr is set
	program func(name string) *bytecode.Program
	LinkErr error
	// Module: the program is linked for a kernel that has bpf_testmod.
	Module bool
	types  *btfx.Spec // stand for the kernel's types, nil for the running one's
	// noRun is why the program cannot be test-run here, "" when it can.
	noRun string
}

// Name is how a case is printed and asked for: "file/program", "@unpriv" and
// "@v4" added where they apply.
func (c *Case) Name() string {
	n := c.Object.Name + "/" + c.Program
	if c.Unpriv {
		n += "@unpriv"
	}
	if c.Object.CPU != "v3" {
		n += "@" + c.Object.CPU
	}
	return n
}

// Cases lists what is asked about an object: each program as its annotations
// want it, or once with all capabilities.
func Cases(o *CorpusObject, env *object.Env, f Filter) ([]*Case, error) {
	return casesFor(o, env, nil, f)
}

// casesFor links what does not link for env for module, unless that is nil.
func casesFor(o *CorpusObject, env, module *object.Env, f Filter) ([]*Case, error) {
	l, err := newLinking(o, env, module)
	if err != nil {
		return nil, err
	}
	var cases []*Case
	for _, p := range l.obj.Programs() {
		if !f.program.MatchString(p.Name) {
			continue
		}
		e, err := ParseExpectation(l.obj.BTF(), p.Name)
		if err != nil {
			return nil, err
		}
		c, err := l.cases(p, e)
		if err != nil {
			return nil, err
		}
		cases = append(cases, c...)
	}
	return cases, nil
}

// cases lists the modes that a program is loaded in.
func (l *linking) cases(p object.ProgramInfo, e *Expectation) ([]*Case, error) {
	var out []*Case
	for _, m := range []struct{ wanted, unpriv bool }{
		{e.Priv.Wanted || e.Auxiliary, false},
		{e.Unpriv.Wanted && !e.Auxiliary, true},
	} {
		if !m.wanted || e.OtherArch() {
			continue
		}
		c, err := l.oneCase(p, e, m.unpriv)
		if err != nil {
			return nil, err
		}
		c.types = l.types[e.BTFPath]
		out = append(out, c)
	}
	return out, nil
}

// oneCase links a program for the kernel, and with the module where it needs
// that.
func (l *linking) oneCase(p object.ProgramInfo, e *Expectation, unpriv bool) (*Case, error) {
	// Loading BTF needs CAP_BPF.
	key := linkKey{btfPath: e.BTFPath, noBTF: unpriv && e.Keep&live.CapBPF == 0}
	linked, err := l.link(key)
	if err != nil {
		return nil, err
	}
	c := newCase(l.corpus, p, e, linked, unpriv)
	if c.LinkErr == nil || l.module == nil || e.BTFPath != "" {
		return c, nil
	}
	key.module = true
	if linked, err = l.link(key); err != nil {
		return nil, err
	}
	if m := newCase(l.corpus, p, e, linked, unpriv); m.LinkErr == nil {
		m.Module = true
		return m, nil
	}
	return c, nil
}

func newCase(o *CorpusObject, p object.ProgramInfo, e *Expectation, l *object.Linked, unpriv bool) *Case {
	c := &Case{
		Object: o, Program: p.Name, Section: p.Section, Unpriv: unpriv,
		Annotated: e.Annotated && !e.Auxiliary, Expect: e.Priv, LogLevel: e.LogLevel, Flags: e.Flags, Drop: dropsOf(o.Name),
	}
	if unpriv {
		c.Expect, c.Drop = e.Unpriv, (c.Drop|live.CapsUnprivileged)&^e.Keep
	}
	if c.LogLevel&3 == 0 {
		c.LogLevel |= 1
	}
	c.prog, c.LinkErr = l.Program(p.Name)
	if c.LinkErr == nil && c.Drop&live.CapBPF != 0 {
		c.LinkErr = needsCapsForMaps(c.prog)
	}
	c.program = func(name string) *bytecode.Program { q, _ := l.Program(name); return q }
	for _, m := range l.Maps {
		if m.Type == bytecode.MapStructOps {
			c.noRun = "the run needs a struct_ops map to be attached"
		}
	}
	return c
}

// dropsOf are the capabilities that a file's runner does without.
func dropsOf(file string) live.Caps {
	switch {
	case file == "verifier_mtu":
		return live.CapSysAdmin | live.CapPerfmon
	case strings.HasPrefix(file, "verifier_"):
		return live.CapSysAdmin
	}
	return 0
}
