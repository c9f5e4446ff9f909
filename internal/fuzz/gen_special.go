// This file defines maps whose values have special fields, and the types that
// say so.

package fuzz

import (
	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
)

const kindFunc = btfx.KindFunc

// specialMap is a map that only some fragments use.
type specialMap int

const (
	ringMap specialMap = iota
	lockedMap
	reslockedMap
	kptrMap
	graphMap
	numSpecial
)

// firstSpecial is what the numbers of special maps begin with while a program
// is written.
const firstSpecial = 1 << 16

// specialSpecs are the maps' specs; values is the name of the values' type.
var specialSpecs = [numSpecial]struct {
	spec  bytecode.MapSpec
	value string
	data  [2]int // bytes of the value that are free to use
}{
	ringMap:      {spec: bytecode.MapSpec{Name: "ring", Type: bytecode.MapRingbuf, MaxEntries: 4096}},
	lockedMap:    {bytecode.MapSpec{Name: "locked", Type: bytecode.MapArray, KeySize: 4, ValueSize: 48, MaxEntries: 1}, "locked", [2]int{8, 48}},
	reslockedMap: {bytecode.MapSpec{Name: "reslocked", Type: bytecode.MapArray, KeySize: 4, ValueSize: 48, MaxEntries: 1}, "reslocked", [2]int{8, 48}},
	kptrMap:      {bytecode.MapSpec{Name: "kptrs", Type: bytecode.MapArray, KeySize: 4, ValueSize: 48, MaxEntries: 1}, "kptrs", [2]int{32, 48}},
	graphMap:     {bytecode.MapSpec{Name: "graphs", Type: bytecode.MapArray, KeySize: 4, ValueSize: 40, MaxEntries: 1}, "graphs", [2]int{24, 40}},
}

// special gives the number that loads of a special map have.
func (g *generator) special(m specialMap) int {
	g.typed = g.typed || specialSpecs[m].value != ""
	return firstSpecial + int(m)
}

// mapAt is the map of a number, made when it is used first.
func (g *generator) mapAt(n int) *bytecode.MapSpec {
	if n < firstSpecial {
		return g.maps[n]
	}
	m := specialMap(n - firstSpecial)
	spec := specialSpecs[m].spec
	g.valueTypes = append(g.valueTypes, valueType{&spec, specialSpecs[m].value})
	return &spec
}

// valueType names the type of a map's values.
type valueType struct {
	spec *bytecode.MapSpec
	name string
}

// specialValue leaves a pointer to a special map's value in R0, and a register
// with its plain bytes for fragments.
func (g *generator) specialValue(m specialMap, body func()) {
	data := specialSpecs[m].data
	v := value{kind: memPtr, lo: data[0], hi: data[1], atomic: true}
	if g.chance(0.5) {
		g.loadValue(r0, g.special(m), 0)
		g.take(v)
		body()
		return
	}
	key := -8
	g.emit(storeK(8, r10, key, int32(g.IntN(2))), mov(r1+1, r10), addK(r1+1, int32(key)))
	g.state.wrote(key, 8)
	g.loadMap(r1, g.special(m))
	g.callPlain(1)
	g.given(v, body)
}

// types are the program's own types.
type types struct {
	*btfx.Builder
	long, int btfx.ID
}

func newTypes() *types {
	t := &types{Builder: btfx.NewBuilder(nil)}
	t.long = t.Add(btfx.Type{Kind: btfx.KindInt, Name: "long", Size: 8, IntBits: 64, IntEncoding: 1})
	t.int = t.Add(btfx.Type{Kind: btfx.KindInt, Name: "int", Size: 4, IntBits: 32, IntEncoding: 1})
	links := t.record("bpf_list_node", member{"l", t.words(3), 24})
	t.record("node", member{"l", links, 24}, member{"key", t.long, 8}, member{"more", t.long, 8})
	return t
}

// words is an array of n longs.
func (t *types) words(n int) btfx.ID {
	return t.Add(btfx.Type{Kind: btfx.KindArray, Type: t.long, Index: t.int, Nelems: uint32(n)})
}

// record adds a struct; each member is 8-byte aligned and has a size.
func (t *types) record(name string, members ...member) btfx.ID {
	s := btfx.Type{Kind: btfx.KindStruct, Name: name}
	for _, m := range members {
		s.Members = append(s.Members, btfx.Member{Name: m.name, Type: m.typ, BitOffset: 8 * s.Size})
		s.Size += (m.size + 7) &^ 7
	}
	return t.Add(s)
}

type member struct {
	name string
	typ  btfx.ID
	size uint32
}

// nodeType is the id of the struct "node", which newTypes adds as its fifth type.
const nodeType btfx.ID = 5

// kptr adds a pointer to a struct of the kernel, tagged.
func (t *types) kptr(tag, name string) btfx.ID {
	s := t.Add(btfx.Type{Kind: btfx.KindStruct, Name: name})
	return t.Add(btfx.Type{Kind: btfx.KindPtr, Type: t.Add(btfx.Type{Kind: btfx.KindTypeTag, Name: tag, Type: s})})
}

// addValues adds the types of values and gives their ids by name.
func (t *types) addValues() map[string]btfx.ID {
	spin := t.Add(btfx.Type{Kind: btfx.KindStruct, Name: "bpf_spin_lock", Size: 4, Members: []btfx.Member{{Name: "val", Type: t.int}}})
	res := t.Add(btfx.Type{Kind: btfx.KindStruct, Name: "bpf_res_spin_lock", Size: 4, Members: []btfx.Member{{Name: "val", Type: t.int}}})
	head := t.record("bpf_list_head", member{"h", t.words(2), 16})
	graphs := t.record("graphs", member{"lock", spin, 4}, member{"head", head, 16}, member{"data", t.words(2), 16})
	t.Add(btfx.Type{Kind: btfx.KindDeclTag, Name: "contains:node:l", Type: graphs, ComponentIdx: 1})
	return map[string]btfx.ID{
		"graphs": graphs,
		"kptrs": t.record("kptrs", member{"task", t.kptr("kptr", "task_struct"), 8}, member{"cgroup", t.kptr("kptr", "cgroup"), 8},
			member{"mask", t.kptr("kptr", "bpf_cpumask"), 8}, member{"plain", t.kptr("kptr_untrusted", "task_struct"), 8},
			member{"data", t.words(2), 16}),
		"locked":    t.record("locked", member{"lock", spin, 4}, member{"data", t.words(5), 40}),
		"reslocked": t.record("reslocked", member{"lock", res, 4}, member{"data", t.words(5), 40}),
	}
}

// describe adds types where something needs them: callbacks, global functions,
// special fields in the values of maps.
func (g *generator) describe(p *bytecode.Program) {
	needed := g.typed
	for _, f := range g.funcs {
		needed = needed || f.callback || f.global
	}
	if !needed {
		return
	}
	t := newTypes()
	var values map[string]btfx.ID
	if g.typed {
		values = t.addValues()
	}
	for i, f := range g.funcs {
		p.FuncInfos = append(p.FuncInfos, bytecode.FuncInfo{Insn: uint32(g.at[f.entry]), TypeID: g.describeFunc(t, i, f)})
	}
	spec, err := t.Spec()
	if err != nil {
		return
	}
	p.BTF = spec
	for _, v := range g.valueTypes {
		if v.name != "" {
			v.spec.BTF, v.spec.KeyTypeID, v.spec.ValueTypeID = spec, t.int, values[v.name]
		}
	}
}

// describeFunc adds the type of a function.
func (g *generator) describeFunc(t *types, i int, f *function) btfx.ID {
	proto := btfx.Type{Kind: btfx.KindFuncProto, Type: t.long}
	for j := range max(len(f.args), b2i(i == 0)) {
		proto.Params = append(proto.Params, btfx.Param{Name: string(rune('a' + j)), Type: t.long})
	}
	return t.Add(btfx.Type{Kind: btfx.KindFunc, Name: "f" + string(rune('0'+i)), Type: t.Add(proto), Linkage: uint32(b2i(f.global))})
}
