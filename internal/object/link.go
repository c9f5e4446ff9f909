// This file defines linking: an object against a target, program by program.

package object

import (
	"errors"
	"fmt"
	"slices"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
)

// Limits of linking. Many programs may share large functions, and functions may
// call each other in a long row. The kernel allows 256 functions a program.
const (
	maxLinked    = 32 << 20 // slots that one Link makes
	maxFunctions = 4096     // of a program
)

// linker is one run of Link.
type linker struct {
	o    *elfObject
	env  *Env
	opts *LinkOptions

	specs     map[*mapDef]*bytecode.MapSpec
	noKconfig map[*extern]error // .kconfig variables without a value
	callbacks map[*function]structOpsAttach
	unbound   map[*function]error // callbacks of structs that the target does not have

	core    relocator
	patched map[*function]patchedCode
	externs map[*extern]resolved
	left    int // slots that may still be made
}

// patchedCode is a function after CO-RE.
type patchedCode struct {
	insns []bytecode.Insn
	err   error
}

// link implements source.
func (o *elfObject) link(objName string, env *Env, opts *LinkOptions) (*Linked, error) {
	l := &linker{
		o: o, env: env, opts: opts,
		specs:     map[*mapDef]*bytecode.MapSpec{},
		callbacks: map[*function]structOpsAttach{},
		unbound:   map[*function]error{},
		core: relocator{
			matcher: matcher{local: o.btf, target: env.BTF, left: maxMatchSteps},
			cands:   map[btfx.ID][]btfx.ID{},
		},
		patched: map[*function]patchedCode{},
		externs: map[*extern]resolved{},
		left:    maxLinked,
	}
	out := &Linked{Errors: map[string]error{}, License: o.license, BTF: o.btf, BTFError: o.refused}
	autoload := l.autoload()
	out.Maps = l.makeMaps(objName, autoload)
	for _, fn := range o.entries() {
		if !opts.selected(fn.name, autoload(fn)) {
			continue
		}
		p, err := l.program(fn)
		if err != nil {
			out.Errors[fn.name] = fmt.Errorf("program %q: %w", fn.name, err)
			continue
		}
		out.Programs = append(out.Programs, p)
	}
	return out, nil
}

// autoload says which programs load by default. For a callback it is the
// struct_ops maps that decide, not its section.
func (l *linker) autoload() func(*function) bool {
	wanted := map[*function]bool{}
	for _, m := range l.o.maps {
		if m.structOps == nil {
			continue
		}
		for _, fn := range m.structOps.progs {
			if fn != nil {
				wanted[fn] = wanted[fn] || !m.manual
			}
		}
	}
	return func(fn *function) bool {
		if w, ok := wanted[fn]; ok {
			return w
		}
		return fn.autoload
	}
}

// makeMaps makes the maps' descriptions, in order.
func (l *linker) makeMaps(objName string, autoload func(*function) bool) []*bytecode.MapSpec {
	var out []*bytecode.MapSpec
	for _, m := range l.o.maps {
		spec := m.spec
		spec.Contents = slices.Clone(spec.Contents)
		l.specs[m] = &spec
		if l.o.refused != nil {
			spec.BTF, spec.KeyTypeID, spec.ValueTypeID = nil, 0, 0
		}
		if m.internal {
			spec.Name = dataMapName(objName, spec.Section)
		}
		if m.inner != nil {
			inner := *m.inner
			if l.o.refused != nil {
				inner.BTF, inner.KeyTypeID, inner.ValueTypeID = nil, 0, 0
			}
			spec.Inner = &inner
		}
		switch {
		case m == l.o.kconfig:
			spec.Contents = make([]byte, spec.ValueSize)
			l.noKconfig = fillKconfig(l.o.externs, l.env, spec.Contents)
		case m.structOps != nil:
			if !l.bindStructOps(m, &spec, autoload) {
				continue
			}
		}
		out = append(out, &spec)
	}
	for m, spec := range l.specs {
		for _, s := range m.slots {
			spec.Slots = append(spec.Slots, l.slot(s))
		}
	}
	return out
}

func (l *linker) slot(s mapSlot) bytecode.MapSlot {
	if s.prog != nil {
		return bytecode.MapSlot{Key: s.key, Program: s.prog.name}
	}
	return bytecode.MapSlot{Key: s.key, Map: l.specs[s.m]}
}

// bindStructOps ties a struct_ops map to the target, and reports whether
// loading creates it.
func (l *linker) bindStructOps(m *mapDef, spec *bytecode.MapSpec, autoload func(*function) bool) bool {
	uses := map[*function]structOpsAttach{}
	err := m.structOps.bind(l.o.btf, l.env.BTF, spec, uses)
	create := !m.manual
	for _, fn := range m.structOps.progs {
		if fn == nil {
			continue
		}
		create = create || l.opts.selected(fn.name, autoload(fn))
		before, again := l.callbacks[fn]
		switch use := uses[fn]; {
		case err != nil && !again:
			l.unbound[fn] = fmt.Errorf("struct_ops %q: %w", spec.Name, err)
		case err == nil && again && before != use:
			l.unbound[fn] = fmt.Errorf("struct_ops %q: the program is already %s", spec.Name, before.to)
		case err == nil:
			l.callbacks[fn] = use
			delete(l.unbound, fn)
		}
	}
	return create && err == nil
}

// program links one entry program.
func (l *linker) program(fn *function) (*bytecode.Program, error) {
	p := &bytecode.Program{
		Name: fn.name, Section: fn.section,
		Type: fn.def.typ, ExpectedAttach: fn.def.attach, Flags: fn.def.flags,
		License: l.o.license, KernVersion: l.o.version, BTF: l.o.btf,
	}
	if p.KernVersion == 0 {
		p.KernVersion = l.env.KernelVersion
	}
	if p.Type == bytecode.ProgUnspec {
		p.Type = l.opts.TypeOverride
	}
	if p.Type == bytecode.ProgUnspec {
		return nil, fmt.Errorf("section %q: %w", fn.section, ErrNoType)
	}
	code := &assembly{l: l, at: map[*function]int{}, mapIdx: map[*mapDef]int32{}}
	if err := code.assemble(fn); err != nil {
		return nil, err
	}
	p.Insns, p.Maps, p.FuncInfos, p.LineInfos = code.insns, code.maps, code.funcs, code.lines
	if err := l.dropRefused(p); err != nil {
		return nil, err
	}
	if err := l.attach(fn, p); err != nil {
		return nil, err
	}
	return p, nil
}

// dropRefused takes BTF that a kernel refuses out of a program. An object with
// struct_ops cannot do without.
func (l *linker) dropRefused(p *bytecode.Program) error {
	if l.o.refused == nil {
		return nil
	}
	for _, m := range l.o.maps {
		if m.structOps != nil {
			return fmt.Errorf("struct_ops without valid BTF: %w", l.o.refused)
		}
	}
	p.BTF, p.FuncInfos, p.LineInfos = nil, nil, nil
	return nil
}

// code returns a function's instructions with its CO-RE relocations applied.
func (l *linker) code(fn *function) ([]bytecode.Insn, error) {
	done, ok := l.patched[fn]
	if !ok {
		done.insns, done.err = l.applyCore(fn)
		l.patched[fn] = done
	}
	return done.insns, done.err
}

func (l *linker) applyCore(fn *function) ([]bytecode.Insn, error) {
	if fn.err != nil {
		return nil, fn.err
	}
	insns := slices.Clone(fn.insns)
	for _, r := range fn.cores {
		v, err := l.core.resolve(r)
		if err == nil {
			err = patchCore(insns, r.slot, v)
		}
		if err != nil {
			return nil, fmt.Errorf("instruction %d: CO-RE %s of %s: %w",
				r.slot, coreKinds[r.kind].name, l.describe(r), err)
		}
	}
	return insns, nil
}

// describe names what a CO-RE relocation is about, for people.
func (l *linker) describe(r coreReloc) string {
	t := l.o.btf.Type(r.typeID)
	if t.Name == "" {
		return fmt.Sprintf("type %d", r.typeID)
	}
	return fmt.Sprintf("%q (%s)", t.Name, r.access)
}

var errTooLarge = errors.New("too many instructions, with the functions that it calls")
