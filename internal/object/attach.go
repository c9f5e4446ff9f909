// This file defines how what a program attaches to is found in BTF.

package object

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
)

// attachKinds say how BTF names what programs of an attach type attach to.
// Others name functions as they are.
var attachKinds = map[bytecode.AttachType]struct {
	prefix string
	kind   btfx.Kind
}{
	attachTraceRawTP: {"btf_trace_", btfx.KindTypedef},
	attachLSMMac:     {"bpf_lsm_", btfx.KindFunc},
	attachLSMCgroup:  {"bpf_lsm_", btfx.KindFunc},
	attachTraceIter:  {"bpf_iter_", btfx.KindFunc},
}

// attach fills in what a program is for.
func (l *linker) attach(fn *function, p *bytecode.Program) error {
	if p.Type == bytecode.ProgStructOps {
		return l.attachCallback(fn, p)
	}
	target := l.opts.Targets[fn.name]
	p.AttachProg, p.AttachTo = target.Prog, target.Func
	if p.AttachTo == "" && strings.HasSuffix(fn.def.name, "+") {
		_, p.AttachTo, _ = strings.Cut(strings.TrimPrefix(fn.section, fn.def.name[:len(fn.def.name)-1]), "/")
	}
	if !fn.def.btf {
		return nil
	}
	if p.AttachTo == "" {
		return fmt.Errorf("section %q: names nothing to attach to", fn.section)
	}
	var err error
	if p.AttachBTFID, err = attachID(l.env, p); err != nil {
		return fmt.Errorf("attach target %q: %w", p.AttachTo, err)
	}
	return nil
}

func (l *linker) attachCallback(fn *function, p *bytecode.Program) error {
	if err := l.unbound[fn]; err != nil {
		return err
	}
	use, ok := l.callbacks[fn]
	if !ok {
		return errors.New("no struct_ops map uses the program")
	}
	p.AttachTo, p.AttachBTFID, p.ExpectedAttach = use.to, use.typeID, bytecode.AttachType(use.member)
	return nil
}

// attachID finds the target of a program in another program or the kernel.
func attachID(env *Env, p *bytecode.Program) (btfx.ID, error) {
	if p.Type == bytecode.ProgExt || p.AttachProg != nil {
		return attachProgID(p)
	}
	if env.BTF == nil {
		return 0, ErrNoBTF
	}
	name := p.AttachTo
	if module, fn, ok := strings.Cut(name, ":"); ok {
		if module != "vmlinux" && !slices.Contains(env.Modules, module) {
			return 0, fmt.Errorf("module %q: %w", module, ErrUnresolved)
		}
		name = fn
	}
	k, ok := attachKinds[p.ExpectedAttach]
	if !ok {
		k.kind = btfx.KindFunc
	}
	id, ok := env.BTF.Find(k.prefix+name, k.kind)
	if !ok {
		return 0, ErrUnresolved
	}
	return id, nil
}

func attachProgID(p *bytecode.Program) (btfx.ID, error) {
	switch {
	case p.AttachProg == nil:
		return 0, errors.New("no program to attach to is given")
	case p.AttachProg.BTF == nil:
		return 0, errors.New("the program to attach to has no BTF")
	}
	id, ok := p.AttachProg.BTF.Find(p.AttachTo, btfx.KindFunc)
	if !ok {
		return 0, fmt.Errorf("not in program %q", p.AttachProg.Name)
	}
	return id, nil
}
