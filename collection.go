// This file defines loading: from an object to live programs and maps.

package skep

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/maps"
	"github.com/skepbpf/skep/internal/object"
	"github.com/skepbpf/skep/internal/verify"
)

// Engine is what runs a program.
type Engine string

// Engines.
const (
	EngineAuto    Engine = "auto" // the fastest that this build has
	EngineInterp  Engine = "interp"
	EngineChecked Engine = "checked" // tests every access and every step; slow
	EngineJIT     Engine = "jit"
)

// LoadOptions say what to load and how. The zero value, and nil, load all
// programs that load by default with the kernel's capabilities.
type LoadOptions struct {
	// Programs are the names to load; nil: all that load by default. Programs
	// that a prog array of the object names are loaded too.
	Programs []string
	// Globals sets variables before anything is verified, by name: those of
	// .rodata become constants. A value is what Variable.Set takes.
	Globals map[string]any
	// MapReplacements are used in place of the object's maps, by name; type,
	// key size, value size, size and flags must agree.
	MapReplacements map[string]*Map
	// Caps are those of whoever loads; 0: the kernel's.
	Caps     Caps
	LogLevel uint32 // of the verifier's log in an error, see VerifyOptions
	Engine   Engine // "" is EngineAuto
	// Type is the type of programs whose section names none.
	Type string
	// MemorySize is how many bytes programs of type skep/memory are verified
	// for; Run refuses memory of any other size.
	MemorySize uint32
}

// Collection is what loading an object gave.
type Collection struct {
	Programs  map[string]*Program
	Maps      map[string]*Map
	Variables map[string]*Variable

	btf *btfx.Spec
}

// Load verifies an object's programs, makes its maps, and gives both. On an
// error nothing is left behind. A program that the verifier refuses gives a
// *VerifierError.
func (k *Kernel) Load(obj *Object, opts *LoadOptions) (*Collection, error) {
	return k.LoadContext(context.Background(), obj, opts)
}

// LoadContext is Load that gives up when ctx ends.
func (k *Kernel) LoadContext(ctx context.Context, obj *Object, opts *LoadOptions) (*Collection, error) {
	if opts == nil {
		opts = &LoadOptions{}
	}
	l := &loader{kernel: k, opts: opts, maps: map[*bytecode.MapSpec]*maps.Map{}}
	c, err := l.load(ctx, obj)
	if err != nil {
		l.undo()
		return nil, err
	}
	return c, nil
}

// loader is one call of Load.
type loader struct {
	kernel *Kernel
	opts   *LoadOptions
	linked *object.Linked

	maps     map[*bytecode.MapSpec]*maps.Map // one reference each
	order    []*bytecode.MapSpec
	programs []*program // one reference each
}

// load is the passes from an object to a collection.
func (l *loader) load(ctx context.Context, obj *Object) (*Collection, error) {
	for _, pass := range []func(context.Context, *Object) error{
		l.chooseEngine, l.link, l.setGlobals, l.makeMaps, l.makePrograms, l.fillSlots,
	} {
		if err := pass(ctx, obj); err != nil {
			return nil, err
		}
	}
	return l.collection()
}

func (l *loader) chooseEngine(context.Context, *Object) error { return l.opts.Engine.check() }

// link resolves the object. One program that cannot be linked fails the load,
// as with libbpf.
func (l *loader) link(_ context.Context, obj *Object) error {
	linkOpts, err := linkOptions(l.opts.Programs, l.opts.Type)
	if err != nil {
		return err
	}
	if l.linked, err = obj.link(l.kernel.opts.Target, linkOpts); err != nil {
		return err
	}
	for _, p := range obj.obj.Programs() { // in a fixed order
		if err := l.linked.Errors[p.Name]; err != nil {
			return fmt.Errorf("program %s: %w", p.Name, err)
		}
	}
	return nil
}

// makeMaps makes the object's maps, or takes those that are given.
func (l *loader) makeMaps(context.Context, *Object) error {
	have := map[string]*bytecode.MapSpec{}
	for _, s := range l.linked.Maps {
		have[s.Name] = s
	}
	for name, m := range l.opts.MapReplacements {
		if have[name] == nil {
			return unknownName("map", name, have)
		}
		if m == nil {
			return fmt.Errorf("replacement of map %q: nil: %w", name, EINVAL)
		}
	}
	for _, s := range l.linked.Maps {
		if err := l.makeMap(s); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) makeMap(s *bytecode.MapSpec) error {
	m, err := l.findOrMake(s)
	if err != nil {
		return err
	}
	l.maps[s] = m
	l.order = append(l.order, s)
	return nil
}

func (l *loader) findOrMake(s *bytecode.MapSpec) (*maps.Map, error) {
	if given := l.opts.MapReplacements[s.Name]; given != nil {
		return given.share(s)
	}
	m, err := maps.New(l.kernel.env, s)
	if err != nil {
		return nil, err
	}
	if err := l.kernel.addMap(m); err != nil {
		m.Release()
		return nil, fmt.Errorf("map %q: %w", s.Name, err)
	}
	return m, nil
}

func (l *loader) makePrograms(ctx context.Context, _ *Object) error {
	for _, p := range l.linked.Programs {
		if err := l.makeProgram(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// makeProgram verifies, lowers and binds a program.
func (l *loader) makeProgram(ctx context.Context, linked *bytecode.Program) error {
	k := l.kernel
	live := make([]*maps.Map, len(linked.Maps))
	views := make([]verify.MapView, len(linked.Maps))
	for i, s := range linked.Maps {
		live[i] = l.maps[s]
		views[i] = mapView{live[i]}
	}
	v, err := verify.Program(ctx, linked, &verify.Options{
		Target: k.opts.Target.get(), Maps: views, Caps: l.caps().set(), LogLevel: verify.LogLevel(l.opts.LogLevel),
		KeepStates: l.opts.Engine == EngineChecked, MemorySize: l.opts.MemorySize,
	})
	if err != nil {
		return verifyError(linked, err)
	}
	exe, err := k.lower(v, live, l.opts.Engine)
	if err != nil {
		return fmt.Errorf("program %s: %w", linked.Name, err)
	}
	p := &program{
		kernel: k, cpus: k.cpus, linked: linked, exe: exe, enter: enterOf(linked.Type), maps: live,
		loaded: time.Now(), insns: v.Stats().Processed, measured: k.opts.Stats || k.opts.Limits.RunTime > 0,
		memory: int(l.opts.MemorySize),
	}
	p.way.Store(p.wayIn())
	p.refs.Store(1)
	if err := k.addProgram(p); err != nil {
		return fmt.Errorf("program %s: %w", linked.Name, err)
	}
	for _, m := range live {
		m.Retain()
	}
	l.programs = append(l.programs, p)
	return nil
}

func (l *loader) caps() Caps {
	if l.opts.Caps != 0 {
		return l.opts.Caps
	}
	return l.kernel.opts.Caps
}

func verifyError(p *bytecode.Program, err error) error {
	var r *verify.Rejection
	if errors.As(err, &r) {
		return newVerifierError(p, r)
	}
	return fmt.Errorf("program %s: %w", p.Name, err)
}

// collection hands everything to the caller.
func (l *loader) collection() (*Collection, error) {
	c := &Collection{
		Programs: map[string]*Program{}, Maps: map[string]*Map{}, Variables: map[string]*Variable{},
		btf: l.linked.BTF,
	}
	for _, s := range l.order {
		c.Maps[s.Name] = newMap(l.kernel, l.maps[s])
	}
	for _, p := range l.programs {
		c.Programs[p.linked.Name] = newProgramHandle(p)
	}
	c.addVariables(l.order)
	return c, nil
}

// undo releases what a failed load has made.
func (l *loader) undo() {
	for _, p := range l.programs {
		p.release()
	}
	for _, m := range l.maps {
		l.kernel.releaseMap(m)
	}
}

// Close closes all programs and maps that the collection still has.
func (c *Collection) Close() error {
	var errs []error
	for _, p := range c.Programs {
		errs = append(errs, p.Close())
	}
	for _, m := range c.Maps {
		errs = append(errs, m.Close())
	}
	return errors.Join(errs...)
}
