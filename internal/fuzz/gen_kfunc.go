// This file defines fragments that call any kfunc whose arguments the program
// has, by its prototype.

package fuzz

import (
	"slices"
	"strings"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/catalog"
)

// otherKfuncs begin the names of those that have fragments of their own, and of
// those that do harm where they are run.
var otherKfuncs = []string{
	"bpf_iter_", "bpf_rcu_", "bpf_preempt_", "bpf_local_irq_", "bpf_res_spin_", "bpf_throw", "__bpf_trap", "bpf_obj_",
	"bpf_percpu_obj_", "bpf_list_", "bpf_rbtree_", "bpf_refcount_", "crash_kexec", "bpf_dynptr_from_", "bpf_dynptr_clone",
}

// releases give back what kfuncs acquire, by struct.
var releases = map[string]string{
	"task_struct": "bpf_task_release", "cgroup": "bpf_cgroup_release", "bpf_cpumask": "bpf_cpumask_release",
	"bpf_key": "bpf_key_put", "nf_conn": "bpf_ct_release", "bpf_crypto_ctx": "bpf_crypto_ctx_release",
	"xfrm_state": "bpf_xdp_xfrm_state_release",
}

// candidates are the kfuncs that the program may call by prototype.
func (g *generator) candidates() []*catalog.Kfunc {
	if g.kfuncs != nil {
		return g.kfuncs
	}
	names := g.linux.KfuncNames()
	slices.Sort(names)
	for _, name := range names {
		k, ok := g.linux.Kfunc(g.env(), name)
		if !ok || k.Flags&catalog.KfRelease != 0 || !g.has(name) ||
			slices.ContainsFunc(otherKfuncs, func(p string) bool { return strings.HasPrefix(name, p) }) {
			continue
		}
		g.kfuncs = append(g.kfuncs, k)
	}
	return g.kfuncs
}

// kfuncCall calls one of those for which there are arguments.
func (g *generator) kfuncCall() bool {
	if !g.mayCall() || !g.nests() || g.linux == nil || g.linux.BTF == nil {
		return false
	}
	list := g.candidates()
	for range 10 {
		if len(list) > 0 && g.callAny(list[g.IntN(len(list))]) {
			return true
		}
	}
	return false
}

// pass is how an argument is set; nil where there is nothing to pass.
type pass func(r reg)

func (g *generator) callAny(k *catalog.Kfunc) bool {
	proto := g.proto(k.Name)
	sleeps := k.Flags&catalog.KfSleepable != 0
	if sleeps && (g.profile.family != syscalls || g.holds > 0) && !g.slip() {
		return false
	}
	args := g.arguments(proto)
	if args == nil && len(proto.Params) > 0 || !g.varies() {
		return false
	}
	return g.callWith(k, args, proto)
}

func (g *generator) callWith(k *catalog.Kfunc, args []pass, proto *btfx.Type) bool {
	types := g.linux.BTF
	ret := types.Strip(proto.Type)
	var v value
	acquires := k.Flags&catalog.KfAcquire != 0
	if ret != nil && ret.Kind == btfx.KindPtr {
		v = value{kind: objPtr, obj: g.pointee(ret), weak: !acquires}
	}
	release := ""
	if s := types.Type(btfx.ID(v.obj)); v.kind == objPtr && s != nil {
		release = releases[s.Name]
	}
	if acquires && !g.has(release) {
		return false
	}
	at, ok := g.alloc(1)
	if !ok {
		return false
	}
	for i := len(args) - 1; i >= 0; i-- {
		args[i](r1 + reg(i))
		g.set(r1+reg(i), value{})
	}
	g.callKfunc(k.Name)
	g.result(k, v, at, release)
	return true
}

// result goes on with what a kfunc gave.
func (g *generator) result(k *catalog.Kfunc, v value, at int, release string) {
	null := k.Flags&catalog.KfRetNull != 0
	switch {
	case v.kind != objPtr:
		g.free(at, 1)
	case k.Flags&catalog.KfAcquire == 0:
		g.free(at, 1)
		g.set(r0, value{})
	case null:
		v.tag = g.newTag()
		g.acquired(v, at, func() { g.callKfunc(release) })
	default:
		v.tag = g.newTag()
		g.take(v)
		g.referring(v, at, func() { g.callKfunc(release) })
		g.state.lose(v.tag)
		g.free(at, 1)
	}
}

// proto is a kfunc's prototype.
func (g *generator) proto(name string) *btfx.Type {
	id, _ := g.kfunc(name)
	return g.linux.BTF.Type(g.linux.BTF.Type(btfx.ID(id)).Type)
}

// arguments plans the arguments; nil where one cannot be had.
func (g *generator) arguments(proto *btfx.Type) []pass {
	var list []pass
	for i := range proto.Params {
		size := 0
		if i+1 < len(proto.Params) && isSize(proto.Params[i+1].Name) {
			size = 4 * (1 + g.IntN(4))
		}
		p := g.parameter(proto.Params[i], size)
		if isSize(proto.Params[i].Name) && i > 0 {
			p = g.sizeOfLast
		}
		if p == nil {
			return nil
		}
		list = append(list, p)
	}
	return list
}

func isSize(name string) bool {
	return strings.HasSuffix(name, "__sz") || strings.HasSuffix(name, "__szk")
}

// sizeOfLast passes the size of the buffer that is passed before: buffers are
// that large at least.
func (g *generator) sizeOfLast(r reg) { g.emit(movK(r, 4)) }

// parameter plans an argument, with the size of memory where the next parameter
// is one.
func (g *generator) parameter(p btfx.Param, size int) pass {
	t := g.linux.BTF.Strip(p.Type)
	suffix := func(s string) bool { return strings.HasSuffix(p.Name, s) }
	switch {
	case t == nil:
		return nil
	case t.Kind != btfx.KindPtr:
		if suffix("__k") {
			return nil
		}
		return g.anyNumber
	case suffix("__str"):
		return func(r reg) { g.loadValue(r, constsMap, 0) }
	case suffix("__ign"):
		return func(r reg) { g.bytes(r, 8, true) }
	case (suffix("__nullable") || suffix("__opt")) && g.chance(0.5):
		return func(r reg) { g.emit(movK(r, 0)) }
	case size > 0:
		return func(r reg) { g.bytes(r, 16, true) }
	case suffix("__map"), suffix("__uninit"), suffix("__irq_flag"), suffix("__prog"), suffix("__alloc"):
		return nil
	}
	return g.pointer(g.linux.BTF.Strip(t.Type))
}

// constsMap is the number of the map with constant contents.
const constsMap = 7

// contexts are the structs that stand for the context, by family.
var contexts = map[string]family{"__sk_buff": skbs, "xdp_md": xdp}

// pointer plans a pointer to a type of the kernel.
func (g *generator) pointer(t *btfx.Type) pass {
	switch {
	case t == nil:
		return nil
	case contexts[t.Name]&g.profile.family != 0:
		if r, ok := g.having(isContext); ok && r > r5 {
			return func(to reg) { g.emit(mov(to, r)) }
		}
		return nil
	case t.Name == "bpf_dynptr":
		if len(g.dynptrs) == 0 {
			return nil
		}
		d := g.dynptrs[g.IntN(len(g.dynptrs))]
		return func(to reg) { g.frameAddr(to, d.off) }
	case t.Kind == btfx.KindInt:
		return func(to reg) { g.bytes(to, 8, true) }
	}
	return g.objectOf(t)
}

// objectOf plans a pointer to an object that a register holds.
func (g *generator) objectOf(t *btfx.Type) pass {
	mask := g.structOf("bpf_cpumask")
	r, ok := g.having(func(v value) bool {
		return v.kind == objPtr && (v.obj == objID(t.ID) || v.obj == mask && t.Name == "cpumask") && (!v.weak || g.slip())
	})
	if !ok || r <= r5 {
		return nil
	}
	return func(to reg) { g.emit(mov(to, r)) }
}

// currentTask gives a task that nothing must give back.
func (g *generator) currentTask() bool {
	if !g.mayCall() || g.linux == nil || g.linux.BTF == nil || g.profile.family&(trace|syscalls) == 0 || !g.varies() {
		return false
	}
	g.callPlain(helperCurrentTask)
	g.take(value{kind: objPtr, obj: g.structOf("task_struct")})
	return true
}

const helperCurrentTask = 158

// throw ends the program where a condition holds.
func (g *generator) throw() bool {
	if !g.mayCall() || g.holds > 0 && !g.slip() || g.fn.callback || !g.has("bpf_throw") {
		return false
	}
	in, ok := g.condition()
	if !ok {
		return false
	}
	over := g.newLabel()
	g.jump(in, over)
	before := g.state
	g.argK(r1, int32(g.IntN(2)))
	g.callKfunc("bpf_throw")
	g.place(over)
	g.state = before
	g.state.clobber()
	g.set(r0, value{})
	return true
}
