// This file defines fragments that run in a section: of RCU, without
// preemption or interrupts, under a lock.

package fuzz

import "github.com/skepbpf/skep/internal/bytecode"

// sections are pairs of kfuncs; the flags of an IRQ section lie in the stack.
var sections = []struct {
	enter, leave string
	flags        bool // in the stack
	once         bool // not within another
}{
	{"bpf_rcu_read_lock", "bpf_rcu_read_unlock", false, true},
	{"bpf_preempt_disable", "bpf_preempt_enable", false, false},
	{"bpf_local_irq_save", "bpf_local_irq_restore", true, false},
}

func (g *generator) section() bool {
	s := sections[g.IntN(len(sections))]
	if !g.mayCall() || !g.nests() || !g.has(s.enter, s.leave) || s.once && (g.rcu > 0 || g.fn.level > 0) && !g.slip() {
		return false
	}
	off, ok := g.alloc(1)
	if !ok {
		return false
	}
	change := func(name string) {
		if s.flags {
			g.frameAddr(r1, off)
		}
		g.callKfunc(name)
	}
	change(s.enter)
	g.rcu += b2i(s.once)
	g.held(func() { g.block(2 + g.IntN(12)) }, func() { change(s.leave) })
	g.rcu -= b2i(s.once)
	g.free(off, 1)
	return true
}

// nests reports whether one more block within others is small enough.
func (g *generator) nests() bool { return g.depth <= maxDepth }

// lockKind is a kind of lock, in a map's value.
type lockKind struct {
	spec   specialMap
	lock   func(g *generator, flags int)
	unlock func(g *generator, flags int)
	fails  bool // the lock may not be given
}

var lockKinds = []lockKind{
	{
		spec:   lockedMap,
		lock:   func(g *generator, _ int) { g.callPlain(helperSpinLock) },
		unlock: func(g *generator, _ int) { g.callPlain(helperSpinUnlock) },
	},
	{
		spec:   reslockedMap,
		lock:   func(g *generator, _ int) { g.callKfunc("bpf_res_spin_lock") },
		unlock: func(g *generator, _ int) { g.callKfunc("bpf_res_spin_unlock") },
		fails:  true,
	},
	{
		spec: reslockedMap,
		lock: func(g *generator, flags int) {
			g.frameAddr(r1+1, flags)
			g.callKfunc("bpf_res_spin_lock_irqsave")
		},
		unlock: func(g *generator, flags int) {
			g.frameAddr(r1+1, flags)
			g.callKfunc("bpf_res_spin_unlock_irqrestore")
		},
		fails: true,
	},
}

const (
	helperSpinLock   = 93
	helperSpinUnlock = 94
)

// lock takes a lock, changes what it guards, and gives it back.
func (g *generator) lock() bool {
	k := &lockKinds[g.IntN(len(lockKinds))]
	if !g.mayCall() || !g.nests() || !g.maySpin() && !g.mistake() || !g.has("bpf_res_spin_lock") {
		return false
	}
	at, ok := g.alloc(2)
	if !ok {
		return false
	}
	defer g.free(at, 2)
	g.specialValue(k.spec, func() {
		g.keep(at)
		g.argKept(r1, at)
		k.lock(g, at+8)
		if k.fails && !g.slip() {
			g.ifZero(func() { g.underLock(k, at) })
		} else {
			g.underLock(k, at)
		}
	})
	return true
}

// maySpin reports whether the program's type may have locks.
func (g *generator) maySpin() bool { return g.profile.family&(tc|cgroup|xdp) != 0 }

func (g *generator) underLock(k *lockKind, at int) {
	body := func() {
		g.quiet(func() { g.block(1 + g.IntN(8)) })
		if g.slip() {
			g.callPlain(helperKtime)
		}
	}
	g.held(body, func() {
		g.argKept(r1, at)
		k.unlock(g, at+8)
	})
}

const helperKtime = 5

// ifZero writes what is done where R0 is 0.
func (g *generator) ifZero(body func()) {
	if g.chance(0.5) {
		g.jump(jmpK(one(g, w64, w32), bytecode.JmpNe, r0, 0), g.out)
		body()
		return
	}
	end, before := g.newLabel(), g.state
	g.jump(jmpK(one(g, w64, w32), bytecode.JmpNe, r0, 0), end)
	body()
	g.place(end)
	g.state.meet(&before)
}
