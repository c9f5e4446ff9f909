// This file defines what the static passes find together, and their order.

package verify

import "github.com/skepbpf/skep/internal/bytecode"

// shape is everything that is known of a program before the walk.
type shape struct {
	*cfg
	subs     subprogs
	liveRegs []regSet // by slot: registers that may be read before they are written
	fastcalls
}

// findShape runs the static passes in the kernel's order: the first mistake in
// that order is the one reported. The log is what bpf(2) prints meanwhile at
// level 2; it is also given with a rejection.
func findShape(p *bytecode.Program, env *passEnv, names bytecode.Names) (*shape, []byte, *Rejection) {
	var log []byte
	if r := checkFuncInfos(p); r != nil {
		return nil, log, r
	}
	subs, r := findSubprogs(p, env)
	if r != nil {
		return nil, log, r
	}
	log = subs.appendLog(log)
	for _, check := range []func(*bytecode.Program, subprogs) *Rejection{checkSubprogs, bindFuncInfos, checkLineInfos} {
		if r := check(p, subs); r != nil {
			return nil, log, r
		}
	}
	if r := checkEncoding(p, env); r != nil {
		return nil, log, r
	}
	c, r := checkCFG(p, subs, env)
	if r != nil {
		return nil, log, r
	}
	if env.CheckAttach != nil {
		if r := env.CheckAttach(); r != nil {
			return nil, log, r
		}
	}
	s := &shape{cfg: c, subs: subs, liveRegs: liveRegs(p.Insns, c, env)}
	s.fastcalls = findFastcalls(p.Insns, s, env)
	if !env.Quiet {
		log = appendLiveRegs(log, p, c, s.liveRegs, names)
	}
	return s, log, nil
}
