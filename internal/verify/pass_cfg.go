// This file defines the pass that checks the control flow and marks where the
// walk keeps states.

package verify

import (
	"github.com/skepbpf/skep/internal/bytecode"
)

// cfg is what the control flow says about each slot.
type cfg struct {
	// prune: the walk looks for an equal earlier state here.
	prune []bool
	// jump: control may arrive here other than from the slot before, so the
	// walk records where it came from.
	jump []bool
	// force: the walk always keeps a state here.
	force []bool
	// callsSyncCallback: the call runs a callback before it returns.
	callsSyncCallback []bool
	// target: a jump or a call leads here.
	target []bool
	// scc numbers the loops: two instructions with the same number other than
	// 0 lie on a common cycle.
	scc []int32
	// postorder lists every instruction, those that others lead to first,
	// function by function.
	postorder []int32
}

// checkCFG checks that every instruction can be reached and, without
// privilege, that nothing leads back. It fills in the side effects of subs.
// Jumps are known to be in range (checkSubprogs).
func checkCFG(p *bytecode.Program, subs subprogs, env *passEnv) (*cfg, *Rejection) {
	g := flow{prog: p, subs: subs, env: env, state: make([]visit, len(p.Insns))}
	if r := g.walk(); r != nil {
		return nil, r
	}
	if r := g.checkReached(); r != nil {
		return nil, r
	}
	markEffects(p.Insns, subs, env)
	c := newCFG(len(p.Insns))
	c.markPoints(p.Insns, env)
	starts := make([]int, len(subs))
	for i := range subs {
		starts[i] = subs[i].Start
	}
	c.postorder = bytecode.Postorder(p.Insns, starts...)
	c.scc = bytecode.SCC(p.Insns)
	return c, nil
}

func newCFG(n int) *cfg {
	return &cfg{
		prune:             make([]bool, n),
		jump:              make([]bool, n),
		force:             make([]bool, n),
		callsSyncCallback: make([]bool, n),
		target:            make([]bool, n),
	}
}

// visit is the state of an instruction in the depth-first search.
type visit uint8

const (
	visitNone visit = iota
	visitOpen       // entered, not left
	visitDone
)

// flow is the depth-first search over jumps and calls.
type flow struct {
	prog  *bytecode.Program
	subs  subprogs
	env   *passEnv
	state []visit
	stack []flowFrame
}

// flowFrame is an instruction whose edges are being followed.
type flowFrame struct{ pc, edge int }

// walk explores from the first instruction and from the exception callback.
func (g *flow) walk() *Rejection {
	if r := g.explore(0); r != nil {
		return r
	}
	for i := range g.subs {
		if s := g.subs[i]; s.IsExceptionCB && g.state[s.Start] == visitNone {
			if r := g.explore(s.Start); r != nil {
				return r
			}
		}
	}
	return nil
}

func (g *flow) explore(root int) *Rejection {
	g.enter(root)
	for len(g.stack) > 0 {
		top := &g.stack[len(g.stack)-1]
		to, more := g.edge(top.pc, top.edge)
		if !more {
			g.state[top.pc] = visitDone
			g.stack = g.stack[:len(g.stack)-1]
			continue
		}
		from := top.pc
		top.edge++
		switch {
		case g.state[to] == visitNone:
			g.enter(to)
		case g.state[to] == visitOpen && !g.env.Privileged:
			return refuse(KindBackEdge, errEINVAL, from, "back-edge from insn %d to %d", from, to)
		}
	}
	return nil
}

func (g *flow) enter(pc int) {
	g.state[pc] = visitOpen
	g.stack = append(g.stack, flowFrame{pc: pc})
}

// edge returns the i-th place that control may go to from pc: the next
// instruction, then the jump target or the function called or named.
func (g *flow) edge(pc, i int) (to int, ok bool) {
	insns := g.prog.Insns
	succ, n := bytecode.Successors(insns, pc)
	if i < n {
		return succ[i], true
	}
	if in := insns[pc]; i == n && (in.IsSubprogCall() || in.IsFuncRef()) {
		return calleeOf(in, pc), true
	}
	return 0, false
}

// checkReached finds the first instruction that no path reaches, or whose
// second slot one does.
func (g *flow) checkReached() *Rejection {
	for pc := 0; pc < len(g.state); {
		in := g.prog.Insns[pc]
		if g.state[pc] != visitDone {
			return refuse(KindUnreached, errEINVAL, pc, "unreachable insn %d", pc)
		}
		if in.IsLdImm64() && g.state[pc+1] != visitNone {
			return refuse(KindStructure, errEINVAL, pc, "jump into the middle of ldimm64 insn %d", pc)
		}
		pc += in.Width()
	}
	return nil
}

// markPoints marks the places where the walk prunes and records history. All
// instructions are reachable, so the marks do not depend on a search.
func (c *cfg) markPoints(insns []bytecode.Insn, env *passEnv) {
	for pc := 0; pc < len(insns); pc += insns[pc].Width() {
		in := insns[pc]
		switch {
		case in.IsFuncRef() || in.IsSubprogCall():
			c.prune[pc] = true
			c.arrive(pc + in.Width())
			c.branch(calleeOf(in, pc))
		case in.IsJump() && in.JmpOp() == bytecode.JmpCall:
			c.markCall(pc, env.call(in))
			c.arrive(pc + 1)
		case in.IsGoto():
			c.branch(in.JumpTarget(pc))
		case in.Jumps():
			c.prune[pc] = true
			c.force[pc] = in.IsMayGoto()
			c.branch(in.JumpTarget(pc))
		}
	}
}

// arrive marks a place where paths may meet.
func (c *cfg) arrive(pc int) { c.prune[pc], c.jump[pc] = true, true }

// branch marks where a jump or a call leads.
func (c *cfg) branch(pc int) {
	c.arrive(pc)
	c.target[pc] = true
}

// markCall marks a helper or kfunc call itself. A callback is verified again
// and again until its states repeat, an iterator's next likewise; they need
// states kept whatever the heuristics say.
func (c *cfg) markCall(pc int, t callTraits) {
	c.prune[pc] = c.prune[pc] || t.AsyncCallback || t.SyncCallback || t.IterNext
	c.jump[pc] = c.jump[pc] || t.SyncCallback
	c.force[pc] = t.SyncCallback || t.IterNext
	c.callsSyncCallback[pc] = t.SyncCallback
}

// markEffects sums up what each function and those it calls or names may do.
// It repeats until nothing changes, so the order of functions does not matter.
func markEffects(insns []bytecode.Insn, subs subprogs, env *passEnv) {
	for pc, in := range insns {
		if !in.IsHelperCall() && !in.IsKfuncCall() {
			continue
		}
		t, s := env.call(in), &subs[subs.containing(pc)]
		s.ChangesPkt = s.ChangesPkt || t.ChangesPkt
		s.MightSleep = s.MightSleep || t.MightSleep
		s.MightThrow = s.MightThrow || t.Throws
	}
	for changed := true; changed; {
		changed = false
		for pc, in := range insns {
			if in.IsSubprogCall() || in.IsFuncRef() {
				callee := &subs[subs.at(calleeOf(in, pc))]
				changed = subs[subs.containing(pc)].absorb(callee) || changed
			}
		}
	}
}

// absorb adds the callee's effects and reports whether that changed anything.
func (s *subprog) absorb(callee *subprog) bool {
	before := *s
	s.ChangesPkt = s.ChangesPkt || callee.ChangesPkt
	s.MightSleep = s.MightSleep || callee.MightSleep
	s.MightThrow = s.MightThrow || callee.MightThrow
	return *s != before
}
