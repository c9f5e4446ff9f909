// This file defines topics: what programs may be about beside numbers, memory
// and control flow.

package fuzz

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
)

// Topics is a set of topics.
type Topics uint16

// Topics. Core is what needs no types of the kernel.
const (
	Core Topics = 1 << iota
	References
	Dynptrs
	Iterators
	Sections
	Locks
	Kfuncs
	Kptrs
	Graphs
	allTopics = 1<<iota - 1
)

// topicNames are by bit.
var topicNames = []string{"core", "references", "dynptrs", "iterators", "sections", "locks", "kfuncs", "kptrs", "graphs"}

// ParseTopics reads names with commas between them; "" is none, "all" is all.
func ParseTopics(list string) (t Topics, err error) {
	if list == "" {
		return 0, nil
	}
	if list == "all" {
		return allTopics, nil
	}
	for name := range strings.SplitSeq(list, ",") {
		i := slices.Index(topicNames, name)
		if i < 0 {
			return 0, fmt.Errorf("topic %q: none of %s", name, strings.Join(topicNames, ", "))
		}
		t |= 1 << i
	}
	return t, nil
}

// pickTopics picks what a program is about where nobody said it: half of the
// programs are about the core only.
func pickTopics(r *rand.Rand, target *catalog.Target) Topics {
	if target == nil || target.BTF == nil || r.IntN(2) == 0 {
		return Core
	}
	t := Core
	for range 1 + r.IntN(3) {
		t |= 1 << r.IntN(len(topicNames))
	}
	return t
}

// topicWeight is how much more often a program does what it is about.
const topicWeight = 4

// in is the weight of a fragment in a program about the given topics.
func (f *fragment) in(t Topics) int {
	switch {
	case f.topic == Core:
		return f.weight
	case f.topic&t == 0:
		return 0
	}
	return topicWeight * f.weight
}

// slip decides whether to break a rule of what the program holds: there are
// fewer places for it than for other mistakes.
func (g *generator) slip() bool { return g.mistakes > 0 && g.chance(5*g.mistakes) }

// env is what the catalogue is asked about.
func (g *generator) env() catalog.Env {
	return catalog.Env{Type: g.profile.typ, Attach: g.profile.attach, AttachTo: g.profile.attachTo, Flags: g.profile.flags, Caps: catalog.CapsAll}
}

// kfunc gives a kfunc's id; false where the program may not call it.
func (g *generator) kfunc(name string) (id int32, ok bool) {
	if g.linux == nil || g.linux.BTF == nil {
		return 0, false
	}
	if _, ok := g.linux.Kfunc(g.env(), name); !ok && !g.mistake() {
		return 0, false
	}
	t, ok := g.linux.BTF.Find(name, kindFunc)
	return int32(t), ok
}

// has reports whether all the kfuncs may be called here.
func (g *generator) has(names ...string) bool {
	return !slices.ContainsFunc(names, func(name string) bool {
		_, ok := g.kfunc(name)
		return !ok
	})
}

// callKfunc calls a kfunc that has been asked for.
func (g *generator) callKfunc(name string) {
	id, _ := g.kfunc(name)
	g.emit(insn{Op: bytecode.ClassJMP | bytecode.JmpCall, Src: bytecode.PseudoKfuncCall, Imm: id})
	if types := g.linux.BTF; types.Type(types.Type(btfx.ID(id)).Type).Type == 0 {
		g.afterCall(value{}) // void
		return
	}
	g.afterCall(unknown)
}

// callPlain calls a helper.
func (g *generator) callPlain(num int32) {
	g.emit(call(num))
	if voidHelpers[num] {
		g.afterCall(value{})
		return
	}
	g.afterCall(unknown)
}

// voidHelpers leave nothing in R0.
var voidHelpers = map[int32]bool{
	helperSpinLock: true, helperSpinUnlock: true, helperRingSubmit: true, helperRingDiscard: true,
	helperRingSubmitDynptr: true, helperRingDiscardDynptr: true,
}

// The arguments of calls: what follows must not take them for anything else.

func (g *generator) argK(r reg, v int32) {
	g.emit(movK(r, v))
	g.set(r, value{})
}

func (g *generator) argCopy(r, from reg) {
	g.emit(mov(r, from))
	g.set(r, value{})
}

func (g *generator) argMap(r reg, m specialMap) {
	g.loadMap(r, g.special(m))
	g.set(r, value{})
}

// argKept passes what was stored in an object's slot.
func (g *generator) argKept(r reg, off int) {
	g.emit(load(8, r, r10, off))
	g.set(r, value{})
}

func (g *generator) argSmall(r reg) {
	g.small(r)
	g.set(r, value{})
}
