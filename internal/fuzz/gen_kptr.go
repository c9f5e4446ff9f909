// This file defines fragments with objects of the kernel in map values.

package fuzz

import "github.com/skepbpf/skep/internal/bytecode"

// kptrField is a pointer in the value of the map of kptrs.
type kptrField struct {
	off     int
	object  string // a struct of the kernel
	acquire string // a kfunc that gives one or NULL
	release string
	args    func(*generator)
	plain   bool // untrusted, not counted
}

var kptrFields = []kptrField{
	{0, "task_struct", "bpf_task_from_pid", "bpf_task_release", func(g *generator) { g.argK(r1, 1) }, false},
	{8, "cgroup", "bpf_cgroup_from_id", "bpf_cgroup_release", func(g *generator) { g.argK(r1, 1) }, false},
	{16, "bpf_cpumask", "bpf_cpumask_create", "bpf_cpumask_release", func(*generator) {}, false},
	{24, "task_struct", "bpf_task_from_pid", "bpf_task_release", func(g *generator) { g.argK(r1, 1) }, true},
}

const helperKptrXchg = 194

// kptr uses a pointer in a map's value.
func (g *generator) kptr() bool {
	f := &kptrFields[g.IntN(len(kptrFields))]
	if !g.mayCall() || !g.nests() || !g.varies() || !g.has(f.acquire, f.release) || !g.room(4) {
		return false
	}
	at, _ := g.alloc(2)
	g.specialValue(kptrMap, func() {
		g.keep(at)
		switch {
		case g.chance(0.3):
			g.loadKptr(f, at)
		case f.plain && !g.slip():
			g.storeKptr(f, at)
		case g.chance(0.5):
			g.argK(r1+1, 0)
			g.exchange(f, at)
		default:
			g.putKptr(f, at)
		}
	})
	g.free(at, 2)
	return true
}

// loadKptr reads the pointer; it is good only for reading.
func (g *generator) loadKptr(f *kptrField, at int) {
	g.emit(load(8, r0, r10, at), load(8, r0, r0, f.off))
	g.given(value{kind: objPtr, obj: g.structOf(f.object), weak: true}, func() { g.block(1 + g.IntN(4)) })
}

// storeKptr stores NULL, or what was there.
func (g *generator) storeKptr(f *kptrField, at int) {
	g.emit(load(8, r0, r10, at))
	if g.chance(0.5) {
		g.emit(storeK(8, r0, f.off, int32(b2i(g.slip()))))
	} else {
		g.argKept(r1, at)
		g.emit(load(8, r1, r1, f.off), storeX(8, r0, f.off, r1))
	}
	g.set(r0, value{})
	g.set(r1, value{})
}

// exchange puts R2 there and gives back what was there.
func (g *generator) exchange(f *kptrField, at int) {
	g.argKept(r1, at)
	g.emit(addK(r1, int32(f.off)))
	if g.slip() {
		g.emit(addK(r1, one(g, int32(8), 4)))
	}
	g.callPlain(helperKptrXchg)
	slot, ok := g.alloc(1)
	if !ok {
		return
	}
	v := value{kind: objPtr, obj: g.structOf(f.object), tag: g.newTag()}
	g.acquired(v, slot, func() { g.callKfunc(f.release) })
}

// putKptr acquires an object and puts it there.
func (g *generator) putKptr(f *kptrField, at int) {
	f.args(g)
	g.callKfunc(f.acquire)
	end := g.newLabel()
	if !g.slip() {
		g.jump(jmpK(w64, bytecode.JmpEq, r0, 0), end)
	}
	before := g.state
	g.emit(mov(r1+1, r0))
	g.exchange(f, at)
	g.place(end)
	g.state.meet(&before)
}
