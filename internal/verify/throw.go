// This file defines exceptions: bpf_throw leaves all functions at once, and the
// exception callback, if the program has one, decides what it returns. A trap,
// compilers' mark for where a program must not come, is none.

package verify

import (
	"slices"
	"strconv"

	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/verify/domain"
)

const throwName = "bpf_throw"

var throwRules = map[string]kfuncRule{
	throwName:    {check: (*walker).checkThrow, after: (*walker).throw},
	"__bpf_trap": {before: (*walker).reachTrap},
}

func (w *walker) reachTrap(*kfuncCall) error {
	return w.failErrno(errEFAULT, "unexpected __bpf_trap() due to uninitialized variable?")
}

// throw ends the path.
func (w *walker) throw(*kfuncCall) error {
	if err := w.checkLeaks(leaveAll, throwName); err != nil {
		return err
	}
	return w.leaveLoop()
}

// leaveLoop refuses what Linux does since it keeps account of loops: a path that
// ends inside of one before any state in it was stored.
func (w *walker) leaveLoop() error {
	key, ok := w.loopAround(w.cur, w.pc, knownLoops)
	if !ok || w.sccs[key] != nil {
		return nil
	}
	var chain []byte
	for _, pc := range key.calls[:key.depth] {
		chain = append(strconv.AppendInt(chain, int64(pc), 10), ',')
	}
	return w.failErrno(errEFAULT, "verifier bug: scc exit: no visit info for call chain (%s%d)", chain, key.scc)
}

// checkThrow: without an exception callback what is thrown is what the program
// returns.
func (w *walker) checkThrow(*kfuncCall) error {
	if w.hasHandler() {
		return nil
	}
	return w.checkReturn(bytecode.R1)
}

func (w *walker) hasHandler() bool {
	return slices.ContainsFunc(w.shape.subs, func(s subprog) bool { return s.IsExceptionCB })
}

// handlerLen is how many instructions that callback has.
const handlerLen = 2

// addsHandler reports whether a kernel adds an exception callback of its own to
// the program.
func (w *walker) addsHandler() bool {
	for pc, in := range w.insns {
		if w.throws(in) && w.facts.facts.Insns[pc].Seen {
			return !w.hasHandler()
		}
	}
	return false
}

// throws reports whether an instruction ends the path by an exception.
func (w *walker) throws(in bytecode.Insn) bool {
	return in.IsKfuncCall() && w.kfuncName(in) == throwName
}

// enterExceptionCallback checks the prototype of the exception callback and
// says that it returns for the program.
func (w *walker) enterExceptionCallback(st *node, args []globalArg) error {
	if len(args) != 1 || args[0].kind != domain.ScalarValue {
		return w.fail("exception cb only supports single integer argument")
	}
	st.Cur().InExceptionCB = true
	return nil
}
