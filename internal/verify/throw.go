// This file defines exceptions: bpf_throw leaves all functions at once, and the
// exception callback, if the program has one, decides what it returns.

package verify

import (
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/verify/domain"
)

const throwName = "bpf_throw"

var throwRules = map[string]kfuncRule{
	throwName: {check: (*walker).checkThrow, after: func(w *walker, _ *kfuncCall) error { return w.checkLeaks(leaveAll, throwName) }},
}

// checkThrow: without an exception callback what is thrown is what the program
// returns.
func (w *walker) checkThrow(*kfuncCall) error {
	for i := range w.shape.subs {
		if w.shape.subs[i].IsExceptionCB {
			return nil
		}
	}
	return w.checkReturn(bytecode.R1)
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
