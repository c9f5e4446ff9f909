// This file defines where the programs come from that are mutated.

package fuzz

import (
	"context"
	"fmt"
	"strings"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/conformance"
	"github.com/skepbpf/skep/internal/object"
)

// maxCorpusInsns keeps large programs out: their verification takes long.
const maxCorpusInsns = 400

// uncommon are the types that cannot be loaded without something to attach to.
var uncommon = map[bytecode.ProgType]bool{
	bytecode.ProgTracing: true, bytecode.ProgLSM: true, bytecode.ProgStructOps: true, bytecode.ProgExt: true,
}

// Corpus links the programs of the kernel's selftests for the running kernel.
// They are compiled where the conformance harness's cache lacks them; the error
// says what the machine lacks.
func Corpus(ctx context.Context, env *object.Env) ([]*bytecode.Program, error) {
	cache, err := conformance.DefaultCacheDir()
	if err != nil {
		return nil, err
	}
	tools, err := conformance.FindTools()
	if err != nil {
		return nil, err
	}
	src, err := conformance.PrepareSource(ctx, tools, cache)
	if err != nil {
		return nil, err
	}
	step := func(int) func() { return func() {} }
	objs, err := src.Compile(ctx, cache, nil, 2, step)
	if err != nil {
		return nil, err
	}
	var list []*bytecode.Program
	for _, o := range objs {
		if o.Failed == "" && !strings.HasSuffix(o.Name, "_fail") {
			list = append(list, linkAll(o, env)...)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("corpus: no program in %d objects can be linked", len(objs))
	}
	return list, nil
}

// linkAll links what it can of an object.
func linkAll(o *conformance.CorpusObject, env *object.Env) (list []*bytecode.Program) {
	obj, err := object.Open(o.Path)
	if err != nil {
		return nil
	}
	var names []string
	for _, p := range obj.Programs() {
		names = append(names, p.Name)
	}
	linked, err := obj.Link(env, &object.LinkOptions{Programs: names})
	if err != nil {
		return nil
	}
	for _, p := range linked.Programs {
		if len(p.Insns) <= maxCorpusInsns && !uncommon[p.Type] {
			c := *p
			c.Section = strings.TrimSuffix(o.Name, ".o")
			list = append(list, withoutTypes(&c))
		}
	}
	return list
}

// withoutTypes drops types that nothing in the program needs: loading them
// takes longer than loading the program.
func withoutTypes(p *bytecode.Program) *bytecode.Program {
	for _, in := range p.Insns {
		if in.IsFuncRef() || in.IsKfuncCall() || in.IsSubprogCall() {
			return p
		}
	}
	p.BTF, p.FuncInfos, p.LineInfos = nil, nil, nil
	return p
}
