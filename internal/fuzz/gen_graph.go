// This file defines fragments with allocated objects, and lists of them.

package fuzz

// The members of the struct "node", which the map of graphs has lists of.
const (
	nodeList = 0  // bpf_list_node
	nodeKey  = 24 // the program's own
	nodeSize = 40
)

// headOffset is where in the map's value the list begins.
const headOffset = 8

// allocated makes an object, and drops it or puts it into a list.
func (g *generator) allocated() bool {
	if !g.mayCall() || !g.nests() || !g.varies() || !g.has("bpf_obj_new_impl", "bpf_obj_drop_impl") || !g.room(4) {
		return false
	}
	at, _ := g.alloc(1)
	g.typed = true
	g.emit(movK(r1, int32(nodeType)), movK(r1+1, 0))
	g.callKfunc("bpf_obj_new_impl")
	v := ownNode(g)
	drop := func() {
		g.argK(r1+1, 0)
		g.callKfunc("bpf_obj_drop_impl")
	}
	if g.chance(0.5) || !g.maySpin() && !g.slip() {
		g.acquired(v, at, drop)
		return true
	}
	g.given(v, func() {
		g.keep(at)
		g.put(at)
	})
	g.state.lose(v.tag)
	g.free(at, 1)
	return true
}

// put puts an object into the list. On the ways out before it is dropped.
func (g *generator) put(at int) {
	value, ok := g.alloc(1)
	if !ok {
		return
	}
	g.loadValue(r0, g.special(graphMap), 0)
	g.keep(value)
	g.underList(value, func() {
		g.argKept(r1+1, at)
		g.emit(addK(r1+1, nodeList))
		g.argKept(r1, value)
		g.emit(addK(r1, headOffset))
		g.argK(r1+2, 0)
		g.argK(r1+3, 0)
		g.callKfunc(one(g, "bpf_list_push_front_impl", "bpf_list_push_back_impl"))
	})
	g.free(value, 1)
}

// underList does something with the list's lock held.
func (g *generator) underList(value int, body func()) {
	g.argKept(r1, value)
	if !g.slip() {
		g.callPlain(helperSpinLock)
	}
	body()
	if !g.slip() {
		g.argKept(r1, value)
		g.callPlain(helperSpinUnlock)
	}
}

// popped takes an object out of the list and drops it.
func (g *generator) popped() bool {
	if !g.mayCall() || !g.nests() || !g.varies() || !g.maySpin() || !g.has("bpf_list_pop_front", "bpf_obj_drop_impl") || !g.room(3) {
		return false
	}
	value, _ := g.alloc(2)
	g.loadValue(r0, g.special(graphMap), 0)
	g.keep(value)
	g.underList(value, func() {
		g.argKept(r1, value)
		g.emit(addK(r1, headOffset))
		g.callKfunc(one(g, "bpf_list_pop_front", "bpf_list_pop_back"))
		g.keep(value + 8)
	})
	g.emit(load(8, r0, r10, value+8))
	at, ok := g.alloc(1)
	if !ok {
		return true
	}
	v := ownNode(g)
	g.acquired(v, at, func() {
		g.argK(r1+1, 0)
		g.callKfunc("bpf_obj_drop_impl")
	})
	g.free(value, 2)
	return true
}

// ownNode is a node that must be dropped.
func ownNode(g *generator) value {
	return value{kind: memPtr, lo: nodeKey, hi: nodeSize, atomic: true, tag: g.newTag()}
}
