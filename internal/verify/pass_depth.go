// This file defines the pass that bounds the stack of nested calls. It runs
// after the walk, which finds how deep each function's own frame is.

package verify

import (
	"strconv"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
)

// frameUse is what the walk found about one function.
type frameUse struct {
	Depth int32 // bytes below its frame pointer, a multiple of 8
	// IsCallback: some helper or kfunc calls it. IsAsync: after the program
	// has returned (timers, work queues, exception callbacks).
	IsCallback, IsAsync bool
}

// depthRounding is what the machine code rounds frames up to.
const depthRounding = 16

// privateStackMin is the smallest frame that is put on a private stack.
const privateStackMin = 64

// checkStackDepth bounds the stack of every chain of calls from the main
// function and from each asynchronous callback. Programs that may nest on one
// CPU (kprobes, perf events, …) have private stacks: there each frame is
// bounded by itself.
func checkStackDepth(p *bytecode.Program, subs subprogs, uses []frameUse, env *passEnv) *Rejection {
	d := depthChecker{
		subs: subs, uses: uses, env: env,
		sites:   callSites(p.Insns, subs, env),
		private: make([]stackMode, len(subs)),
		seen:    make(map[depthKey]bool),
	}
	for i := len(subs) - 1; i >= 0; i-- {
		if i != 0 && !d.async(i) {
			continue
		}
		d.privateAllowed = i == 0 && hasPrivateStack(p, subs)
		clear(d.seen)
		if r := d.visit(i, chain{}); r != nil {
			return r
		}
	}
	return nil
}

// privateStackTypes are the program types with private stacks on amd64 (6.18);
// tracing programs other than iterators have them too.
var privateStackTypes = map[bytecode.ProgType]bool{
	bytecode.ProgKprobe: true, bytecode.ProgTracepoint: true,
	bytecode.ProgPerfEvent: true, bytecode.ProgRawTracepoint: true,
}

func hasPrivateStack(p *bytecode.Program, subs subprogs) bool {
	for i := range subs {
		if subs[i].HasTailCall {
			return false
		}
	}
	return privateStackTypes[p.Type] || p.Type == bytecode.ProgTracing && p.ExpectedAttach != catalog.AttachTraceIter
}

// stackMode says where a function's frame lies.
type stackMode uint8

const (
	stackUndecided stackMode = iota
	stackShared
	stackPrivate
)

// callSite is a place that matters for nesting: a call of a function, a load
// of a function's address, or a call of bpf_throw.
type callSite struct {
	pc     int
	callee int // -1 for bpf_throw
	direct bool
}

func callSites(insns []bytecode.Insn, subs subprogs, env *passEnv) [][]callSite {
	sites := make([][]callSite, len(subs))
	for i, s := range subs {
		for pc := s.Start; pc < s.End; pc++ {
			switch in := insns[pc]; {
			case in.IsSubprogCall() || in.IsFuncRef():
				sites[i] = append(sites[i], callSite{pc, subs.at(calleeOf(in, pc)), in.IsSubprogCall()})
			case in.IsKfuncCall() && env.call(in).Throws:
				sites[i] = append(sites[i], callSite{pc: pc, callee: -1})
			}
		}
	}
	return sites
}

// depthChecker walks the call graph. Chains that differ only in how they came
// to a function at the same depth are walked once.
type depthChecker struct {
	subs    subprogs
	uses    []frameUse
	env     *passEnv
	sites   [][]callSite
	private []stackMode
	seen    map[depthKey]bool

	privateAllowed bool
}

type depthKey struct {
	sub int
	chain
}

// chain is what matters of the calls that led to a function.
type chain struct {
	frames      int   // callers
	depth       int32 // bytes of the callers that share the stack
	inCallback  bool
	inException bool
}

// async reports a function that starts on a stack of its own.
func (d *depthChecker) async(sub int) bool { return d.uses[sub].IsAsync || d.subs[sub].IsExceptionCB }

// visit checks a function as called by the chain, then all that it calls.
func (d *depthChecker) visit(sub int, c chain) *Rejection {
	if d.seen[depthKey{sub, c}] {
		return nil
	}
	d.seen[depthKey{sub, c}] = true
	s, use := &d.subs[sub], d.uses[sub]
	c.inCallback = c.inCallback || use.IsCallback || s.IsExceptionCB
	c.inException = c.inException || s.IsExceptionCB
	if !d.privateAllowed {
		d.private[sub] = stackShared
	}
	switch {
	case s.HasLdAbs && c.inCallback:
		return refuse(KindStack, errEINVAL, s.Start, "cannot use BPF_LD_[ABS|IND] within callback")
	case sub != 0 && s.HasTailCall && c.depth >= int32(d.env.Limits.TailCallStack):
		return refuse(KindStack, errEACCES, s.Start,
			"tail_calls are not allowed when call stack of previous frames is %d bytes. Too large", c.depth)
	case s.HasTailCall && c.inException && c.frames > 0:
		return refuse(KindStack, errEINVAL, s.Start, "cannot tail call within exception cb")
	}
	if r := d.addFrame(sub, &c); r != nil {
		return r
	}
	for _, site := range d.sites[sub] {
		if r := d.follow(sub, site, c); r != nil {
			return r
		}
	}
	return nil
}

// addFrame adds the function's own frame to the chain.
func (d *depthChecker) addFrame(sub int, c *chain) *Rejection {
	size := roundDepth(d.uses[sub].Depth)
	limit := int32(d.env.Limits.Stack)
	if d.private[sub] == stackUndecided && size >= privateStackMin {
		d.private[sub] = stackPrivate
	}
	if d.private[sub] == stackPrivate {
		if size > limit {
			return refuse(KindStack, errEACCES, d.subs[sub].Start, "stack size of subprog %d is %d. Too large", sub, size)
		}
		return nil
	}
	if c.depth += size; c.depth > limit {
		return refuse(KindStack, errEACCES, d.subs[sub].Start,
			"combined stack size of %d calls is %d. Too large", c.frames+1, c.depth)
	}
	return nil
}

func roundDepth(depth int32) int32 { return (depth + depthRounding - 1) &^ (depthRounding - 1) }

// follow goes into what a call site leads to. An asynchronous callback starts
// on an empty stack unless it is called directly.
func (d *depthChecker) follow(sub int, site callSite, c chain) *Rejection {
	switch {
	case site.callee < 0 && c.inCallback:
		return refuse(KindStack, errEINVAL, site.pc,
			"bpf_throw kfunc (insn %d) cannot be called from callback subprog %d", site.pc, sub)
	case site.callee < 0, !site.direct && d.async(site.callee):
		return nil
	case d.subs[site.callee].IsExceptionCB:
		return refuse(KindStack, errEINVAL, site.pc, "insn %d cannot call exception cb directly", site.pc)
	}
	c.frames++
	if c.frames >= d.env.Limits.Frames {
		return refuse(KindStack, errE2BIG, site.pc, "the call stack of %d frames is too deep !", c.frames)
	}
	return d.visit(site.callee, c)
}

// appendDepths appends the frames' depths as the log's counts show them:
// "stack depth 8+0".
func appendDepths(b []byte, uses []frameUse) []byte {
	b = append(b, "stack depth "...)
	for i, use := range uses {
		if i > 0 {
			b = append(b, '+')
		}
		b = strconv.AppendInt(b, int64(use.Depth), 10)
	}
	return b
}
