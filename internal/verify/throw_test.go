// This file tests exceptions: what may be held when one is thrown, and what the
// program returns then.

package verify_test

import (
	"testing"

	"github.com/skepbpf/skep/internal/bytecode"
)

const (
	done  = `; out: r0 = 0; exit;`
	throw = `; r1 = 0; kfunc bpf_throw;`
	// thrower throws what its first argument is, unless that is 0.
	thrower = `
		static thrower(long):
			if r1 == 0 goto none
			kfunc bpf_throw
		none:
			r0 = 0
			exit
	`
	// handler is an exception callback.
	handler = `
		global handler(long):
			r0 = r1
			exit
	`
	leakedByThrow = "bpf_throw would lead to reference leak"
)

// Programs of cgroups return 0 or 1.
var (
	bounded        = controlProgram{typ: bytecode.ProgCgroupSKB}
	handledBounded = controlProgram{typ: bytecode.ProgCgroupSKB, exception: "handler"}
	handled        = controlProgram{exception: "handler"}
)

const inSection = `bpf_throw cannot be used inside bpf_rcu_read_lock-ed region`

var throwRows = []controlRow{
	{name: "at once", text: throw + done},
	{name: "nothing follows", text: `r1 = 0; kfunc bpf_throw; exit`},
	{name: "a record is held", text: reserved(throw + submit), line: leakedByThrow},
	{name: "a record was given back", text: reserved(submit + throw)},
	{name: "the caller holds a record", text: reserved(`r1 = 1; call thrower`+submit) + thrower, line: leakedByThrow},
	{name: "a record is held on the path that does not throw", text: reserved(`r1 = 0; call thrower`+submit) + thrower},
	{name: "the caller's caller holds a record", text: reserved(`call middle`+submit) + `;static middle(): r1 = 1; call thrower; exit;` + thrower, line: leakedByThrow},
	{name: "an open RCU section", text: `kfunc bpf_rcu_read_lock` + throw + done, line: inSection},
	{name: "a closed RCU section", text: `kfunc bpf_rcu_read_lock; kfunc bpf_rcu_read_unlock` + throw + done},
	{
		name: "the caller's RCU section", line: inSection,
		text: `kfunc bpf_rcu_read_lock; r1 = 1; call thrower; kfunc bpf_rcu_read_unlock` + done + thrower,
	},
	{
		name: "a disabled preemption", line: "bpf_throw cannot be used inside bpf_preempt_disable-ed region",
		text: `kfunc bpf_preempt_disable` + throw + done,
	},
	{
		name: "an iterator is open", line: leakedByThrow,
		text: `r1 = r10; r1 += -8; r2 = 0; r3 = 5; kfunc bpf_iter_num_new` + throw + `r1 = r10; r1 += -8; kfunc bpf_iter_num_destroy` + done,
	},
	{name: "thrown by a loop's callback", text: `r1 = 5; r2 = func back; r3 = 0; r4 = 0; call loop` + done + `static back(long, long): r1 = 0; kfunc bpf_throw; r0 = 0; exit`,
		line: "bpf_throw kfunc (insn 9) cannot be called from callback subprog 1"},
	{name: "thrown in a loop's callback's callee", text: `r1 = 5; r2 = func back; r3 = 0; r4 = 0; call loop` + done + `static back(long, long): r1 = 1; call thrower; r0 = 0; exit;` + thrower,
		line: "bpf_throw kfunc (insn 13) cannot be called from callback subprog 2"},
	{
		name: "a function that nothing calls once the call is gone", line: "verifier bug: No program to jit at insn 11 (subprog < 0)",
		text: `r1 = 5; r2 = func back; r3 = 0; r1 = 0; kfunc bpf_throw; call loop` + done + `static back(long, long): r0 = 0; exit`,
	},
	{name: "a pointer is thrown", text: `r1 = r10; kfunc bpf_throw` + done, line: "R1 is not a scalar"},
	{name: "thrown without an argument", text: `r1 = 0; call get_prandom_u32; kfunc bpf_throw` + done, line: "R1 is not a scalar"},
	{name: "the value is the program's result", as: bounded, text: `r1 = 1; kfunc bpf_throw` + done},
	{
		name: "the value is a wrong result", as: bounded, text: `r1 = 2; kfunc bpf_throw` + done,
		line: "At program exit the register R1 has smin=2 smax=2 should have been in [0, 1]",
	},
	{
		name: "a wrong result from a function", as: bounded, text: `r1 = 2; call thrower` + done + thrower,
		line: "At program exit the register R1 has smin=2 smax=2 should have been in [0, 1]",
	},
	{
		name: "the value matters on another path", as: bounded,
		text: `call get_prandom_u32; r6 = 1; if r0 > 5 goto other; r6 = 2; other: r1 = r6; kfunc bpf_throw` + done,
		line: "At program exit the register R1 has smin=2 smax=2 should have been in [0, 1]",
	},
	{name: "a trap", text: `kfunc __bpf_trap` + done, line: "unexpected __bpf_trap() due to uninitialized variable?"},
	{name: "a trap where nothing comes", text: `r6 = 1; if r6 == 1 goto out; kfunc __bpf_trap` + done},
	{name: "a handler decides the result", as: handled, text: throw + done + handler},
	{name: "a handler of a program that never throws", as: handled, text: done[1:] + handler},
	{
		name: "a handler's wrong result", as: handledBounded, text: throw + done + handler,
		line: "At program exit the register R0 has unknown scalar value should have been in [0, 1]",
	},
	{name: "a handler's good result", as: handledBounded, text: `r1 = 7; kfunc bpf_throw` + done + `global handler(long): r0 = 1; exit`},
	{name: "a handler without argument", as: handled, text: throw + done + `global handler(): r0 = 0; exit`, line: "exception cb only supports single integer argument"},
	{name: "a handler of a pointer", as: handled, text: throw + done + `global handler(word): r0 = 0; exit`, line: "exception cb only supports single integer argument"},
	{
		name: "a handler that throws", as: handled, text: throw + done + `global handler(long): kfunc bpf_throw; r0 = 0; exit`,
		line: "bpf_throw kfunc (insn 4) cannot be called from callback subprog 1",
	},
	{name: "a handler's stack is its own", as: handled, text: `*(u64 *)(r10 -400) = 0` + throw + done + `global handler(long): *(u64 *)(r10 -304) = 0; r0 = 0; exit`},
	{
		name: "a handler's stack and its functions'", as: handled, line: "combined stack size of 2 calls is 608. Too large",
		text: throw + done + `global handler(long): *(u64 *)(r10 -304) = 0; call deep; r0 = 0; exit; static deep(): *(u64 *)(r10 -304) = 0; r0 = 0; exit`,
	},
	{name: "a handler called directly", as: handled, text: `r1 = 0; call handler` + done + handler, line: "insn 1 cannot call exception cb directly"},
	{name: "a static handler", as: handled, text: throw + done + `static handler(long): r0 = 0; exit`, line: "exception callback 'handler' must have global linkage"},
	{name: "a missing handler", as: controlProgram{exception: "nobody"}, text: throw + done + handler, line: "exception callback 'nobody' could not be found in BTF"},
	{
		name: "a global function throws", text: `r1 = 1; call loud` + done + `global loud(long): kfunc bpf_throw; r0 = 0; exit`,
	},
	{
		name: "a global function throws while a record is held",
		text: reserved(`r1 = 1; call loud`+submit) + `;global loud(long): kfunc bpf_throw; r0 = 0; exit`,
	},
	{
		name: "a global function throws in an RCU section",
		text: `kfunc bpf_rcu_read_lock; r1 = 1; call loud; kfunc bpf_rcu_read_unlock` + done + `global loud(long): kfunc bpf_throw; r0 = 0; exit`,
	},
	{
		name: "a global function throws in a callback", line: "bpf_throw kfunc (insn 12) cannot be called from callback subprog 2",
		text: `r1 = 5; r2 = func back; r3 = 0; r4 = 0; call loop` + done + `static back(long, long): r1 = 1; call loud; r0 = 0; exit
			global loud(long): kfunc bpf_throw; r0 = 0; exit`,
	},
}

func TestThrow(t *testing.T) { checkRows(t, throwRows) }

// throwInLoopRows throw inside of a loop; line is the reason where states are
// stored rarely. Where the loop has a stored state, nothing is wrong.
var throwInLoopRows = []controlRow{
	{
		name: "at its beginning", line: "verifier bug: scc exit: no visit info for call chain (1)",
		text: `r6 = 0; again: r1 = 0; kfunc bpf_throw; if r6 < 6 goto again` + done,
	},
	{
		name: "by a callee", line: "verifier bug: scc exit: no visit info for call chain (1)",
		text: `r6 = 0; again: r1 = 1; call thrower; r6 += 1; if r6 < 6 goto again` + done + thrower,
	},
	{
		name: "of a callee", line: "verifier bug: scc exit: no visit info for call chain (1,1)",
		text: `r6 = 0; call looper` + done + `static looper(): r6 = 0; again: r1 = 0; kfunc bpf_throw; if r6 < 6 goto again; r0 = 0; exit`,
	},
	{
		name: "of an iterator",
		text: `r1 = r10; r1 += -8; r2 = 0; r3 = 5; kfunc bpf_iter_num_new; again: r1 = r10; r1 += -8; kfunc bpf_iter_num_next
			if r0 == 0 goto end; goto again; end: r1 = r10; r1 += -8; kfunc bpf_iter_num_destroy; r1 = 0; kfunc bpf_throw` + done,
	},
}

func TestThrowInLoop(t *testing.T) {
	for _, row := range throwInLoopRows {
		t.Run(row.name, func(t *testing.T) {
			checkRow(t, row, 0)
			row.line = ""
			checkRow(t, row, bytecode.FlagTestStateFreq)
		})
	}
}
