// This file tests resilient spin locks: both outcomes, the order of locks, what
// may be done meanwhile.

package verify_test

import "testing"

func init() {
	soundnessMaps["locks"], soundnessMaps["locks2"] = fieldMap("bpf_res_spin_lock", 4), fieldMap("bpf_res_spin_lock", 4)
}

// twoLocks has values with locks in R6 and R7, of two look-ups in one map; R8
// is the context.
func twoLocks(rest string) string {
	return `
		r8 = r1
		*(u32 *)(r10 -20) = 0
		r2 = r10
		r2 += -20
		r1 = map[locks]
		call map_lookup_elem
		if r0 == 0 goto out
		r7 = r0
		*(u32 *)(r10 -20) = 1
		r2 = r10
		r2 += -20
		r1 = map[locks]
		call map_lookup_elem
		if r0 == 0 goto out
		r6 = r0
	` + rest + done
}

// Pieces of rows about locks in the values of R6 and R7.
const (
	lock6    = `; r1 = r6; r1 += 8; kfunc bpf_res_spin_lock;`
	unlock6  = `; r1 = r6; r1 += 8; kfunc bpf_res_spin_unlock;`
	lock7    = `; r1 = r7; r1 += 8; kfunc bpf_res_spin_lock;`
	unlock7  = `; r1 = r7; r1 += 8; kfunc bpf_res_spin_unlock;`
	lock6q   = `; r1 = r6; r1 += 8; r2 = r10; r2 += -8; kfunc bpf_res_spin_lock_irqsave;`
	unlock6q = `; r1 = r6; r1 += 8; r2 = r10; r2 += -8; kfunc bpf_res_spin_unlock_irqrestore;`
	lock7q   = `; r1 = r7; r1 += 8; r2 = r10; r2 += -16; kfunc bpf_res_spin_lock_irqsave;`
	unlock7q = `; r1 = r7; r1 += 8; r2 = r10; r2 += -16; kfunc bpf_res_spin_unlock_irqrestore;`
	orOut    = `; if r0 != 0 goto out;`
	lockHeld = "BPF_EXIT instruction in main prog cannot be used inside bpf_spin_lock-ed region"
	noCalls  = "function calls are not allowed while holding a lock"
)

var resLockRows = []controlRow{
	{name: "balanced", text: twoLocks(lock6 + orOut + `*(u64 *)(r6 +0) = 5` + unlock6)},
	{name: "the outcome not looked at", text: twoLocks(lock6 + unlock6), line: "bpf_res_spin_unlock without taking a lock"},
	{name: "the outcome looked at the wrong way", text: twoLocks(lock6 + `if r0 == 0 goto out` + unlock6), line: lockHeld},
	{name: "an outcome below 0", text: twoLocks(lock6 + `if w0 s< 0 goto out` + unlock6)},
	{name: "an outcome above 0", text: twoLocks(lock6 + `if w0 s> 0 goto out` + unlock6), line: "bpf_res_spin_unlock without taking a lock"},
	{name: "how far an outcome reaches", text: twoLocks(lock6 + `if r0 == 0 goto good; r0 s>>= 12; r1 = value[large]+0; r0 += 1; r1 += r0; *(u8 *)(r1 +0) = 1; goto out; good:` + unlock6)},
	{name: "how far an outcome does not reach", text: twoLocks(lock6 + `if r0 == 0 goto good; r1 = value[large]+0; r1 -= r0; *(u8 *)(r1 +0) = 1; goto out; good:` + unlock6), line: "R1 max value is outside of the allowed memory range"},
	{name: "never released", text: twoLocks(lock6), line: lockHeld},
	{name: "released on one path", text: twoLocks(lock6 + orOut + `r1 = *(u64 *)(r6 +0); if r1 > 5 goto out` + unlock6), line: lockHeld},
	{name: "released, never taken", text: twoLocks(unlock6), line: "bpf_res_spin_unlock without taking a lock"},
	{name: "released twice", text: twoLocks(lock6 + orOut + unlock6 + unlock6), line: "bpf_res_spin_unlock without taking a lock"},
	{name: "taken twice", text: twoLocks(lock6 + orOut + lock6 + `if r0 != 0 goto one` + unlock6 + `one:` + unlock6), line: "Acquiring the same lock again, AA deadlock detected"},
	{name: "taken twice, with interrupts disabled then", text: twoLocks(lock6 + orOut + lock6q + `if r0 != 0 goto one` + unlock6q + `one:` + unlock6), line: "Acquiring the same lock again, AA deadlock detected"},
	{name: "taken again afterwards", text: twoLocks(lock6 + orOut + unlock6 + lock6 + orOut + unlock6)},
	{name: "two locks", text: twoLocks(lock6 + orOut + lock7 + `if r0 != 0 goto one` + unlock7 + `one:` + unlock6)},
	{name: "two locks, the second one's failure forgotten", text: twoLocks(lock6 + orOut + lock7 + orOut + unlock7 + unlock6), line: lockHeld},
	{name: "two locks, released in the wrong order", text: twoLocks(lock6 + orOut + lock7 + `if r0 != 0 goto one` + unlock6 + unlock7 + `goto out; one:` + unlock6), line: "bpf_res_spin_unlock cannot be out of order"},
	{name: "the other lock released", text: twoLocks(lock6 + orOut + unlock7), line: "bpf_res_spin_unlock of different lock"},
	{name: "the other outcome's lock released", text: twoLocks(lock6 + orOut + lock7 + unlock7 + unlock6), line: "bpf_res_spin_unlock of different lock"},
	{name: "released through a copy", text: twoLocks(lock6 + orOut + `r9 = r6; r1 = r9; r1 += 8; kfunc bpf_res_spin_unlock`)},
	{name: "released through a spill", text: twoLocks(lock6 + orOut + `*(u64 *)(r10 -32) = r6; r1 = *(u64 *)(r10 -32); r1 += 8; kfunc bpf_res_spin_unlock`)},
	{name: "released by a function", text: twoLocks(lock6+orOut+`r1 = r6; call frees`) + `static frees(word): r1 += 8; kfunc bpf_res_spin_unlock; r0 = 0; exit`},
	{name: "taken by a function", text: twoLocks(`r1 = r6; call takes; if r0 != 0 goto out`+unlock6) + `static takes(word): r1 += 8; kfunc bpf_res_spin_lock; exit`},
	{name: "taken by a function, its outcome lost", text: twoLocks(`r1 = r6; call takes`+unlock6) + `static takes(word): r1 += 8; kfunc bpf_res_spin_lock; r0 = 0; exit`, line: "bpf_res_spin_unlock without taking a lock"},
	{name: "a helper meanwhile", text: twoLocks(lock6 + orOut + anyNumber + unlock6), line: noCalls},
	{name: "a kernel function meanwhile", text: twoLocks(lock6 + orOut + `kfunc bpf_rcu_read_lock` + unlock6), line: noCalls},
	{name: "a number iterator meanwhile", text: twoLocks(lock6 + orOut + `r1 = r10; r1 += -8; r2 = 0; r3 = 5; kfunc bpf_iter_num_new; r1 = r10; r1 += -8; kfunc bpf_iter_num_destroy` + unlock6)},
	{name: "a global function meanwhile", text: twoLocks(lock6+orOut+`call any`+unlock6) + `global any(): r0 = 0; exit`, line: "use static function instead"},
	{name: "an exit in a function meanwhile", text: twoLocks(lock6+orOut+`call any`+unlock6) + `static any(): r0 = 0; exit`},
	{name: "a tail call meanwhile", text: twoLocks(lock6 + orOut + `r1 = r8; r2 = map[progs]; r3 = 0; call tail_call` + unlock6), line: noCalls},
	{name: "an exception meanwhile", text: twoLocks(lock6 + orOut + throw + unlock6), line: noCalls},
	{name: "with interrupts disabled", text: twoLocks(lock6q + orOut + unlock6q)},
	{name: "with interrupts disabled, released as if not", text: twoLocks(lock6q + orOut + unlock6), line: "bpf_res_spin_unlock of different lock"},
	{name: "released with flags, taken without", text: twoLocks(lock6 + orOut + unlock6q), line: "bpf_res_spin_unlock of different lock"},
	{name: "two locks with interrupts disabled", text: twoLocks(lock6q + orOut + lock7q + `if r0 != 0 goto one` + unlock7q + `one:` + unlock6q)},
	{name: "two locks, flags exchanged", text: twoLocks(lock6q + orOut + lock7q + `if r0 != 0 goto one; r1 = r7; r1 += 8; r2 = r10; r2 += -8; kfunc bpf_res_spin_unlock_irqrestore; one:` + unlock6q),
		line: "cannot restore irq state out of order, expected id=4 acquired at insn_idx=27"},
	{name: "flags of a section", text: twoLocks(save8 + lock6 + `if r0 != 0 goto one` + unlock6q + `one:` + restore8), line: "bpf_res_spin_unlock of different lock"},
	{name: "flags of a lock given to a section", text: twoLocks(lock6q + orOut + restore8), line: noCalls},
	{name: "flags of a section given to a lock", text: twoLocks(save8 + `r1 = r6; r1 += 8; r2 = r10; r2 += -16; kfunc bpf_res_spin_lock_irqsave; if r0 != 0 goto one; r1 = r6; r1 += 8; r2 = r10; r2 += -8; kfunc bpf_res_spin_unlock_irqrestore; one:` + restore8),
		line: "irq flag acquired by native kfuncs cannot be restored with lock kfuncs"},
	{name: "a lock inside a section", text: twoLocks(save8 + lock6 + `if r0 != 0 goto one` + unlock6 + `one:` + restore8)},
	{name: "flags that were overwritten", text: twoLocks(lock6q + orOut + `*(u64 *)(r10 -8) = 0` + unlock6q), line: "expected an initialized irq flag as arg#1"},
	{name: "one flag for two locks", text: twoLocks(lock6q + orOut + `r1 = r7; r1 += 8; r2 = r10; r2 += -8; kfunc bpf_res_spin_lock_irqsave; if r0 != 0 goto one` + unlock7q + `one:` + unlock6q), line: "expected uninitialized irq flag as arg#1"},
	{name: "not the lock's offset", text: twoLocks(`r1 = r6; kfunc bpf_res_spin_lock`), line: "off 0 doesn't point to 'struct bpf_res_spin_lock' that is at 8"},
	{name: "an unknown offset", text: twoLocks(anyNumber + `r0 &= 8; r1 = r6; r1 += r0; kfunc bpf_res_spin_lock`), line: "R1 doesn't have constant offset. bpf_res_spin_lock has to be at the constant offset"},
	{name: "a map without BTF", text: elemOf("large", `r1 = r6; kfunc bpf_res_spin_lock`), line: "map 'large' has to have BTF in order to use bpf_res_spin_lock"},
	{name: "a map with another field", text: elemOf("timers", `r1 = r6; r1 += 8; kfunc bpf_res_spin_lock`), line: "map 'timers' has no valid bpf_res_spin_lock"},
	{name: "on the stack", text: `*(u64 *)(r10 -8) = 0; r1 = r10; r1 += -8; kfunc bpf_res_spin_lock` + done, line: "arg#0 doesn't point to map value or allocated object"},
	{name: "the lock is read", text: twoLocks(`r0 = *(u32 *)(r6 +8)`), line: "bpf_res_spin_lock cannot be accessed directly by load/store"},
	{name: "in a loop", text: twoLocks(`r9 = 0; next:` + lock6 + orOut + unlock6 + `r9 += 1; if r9 < 5 goto next`)},
	{name: "a lock of another turn", text: `r8 = r1; r9 = 0; r6 = 0; next: if r9 > 3 goto out; r9 += 1; *(u32 *)(r10 -20) = 0; r2 = r10; r2 += -20; r1 = map[locks]; call map_lookup_elem; if r0 == 0 goto out;
		r7 = r0; if r6 == 0 goto skip` + unlock6 + `skip: r6 = r7` + lock6 + orOut + `goto next` + done, line: noCalls},
	{name: "in a callback", text: twoLocks(`*(u64 *)(r10 -32) = r6; r1 = 5; r2 = func back; r3 = r10; r3 += -32; r4 = 0; call loop`) +
		`static back(long, word): r1 = *(u64 *)(r2 +0); r6 = r1; r1 += 8; kfunc bpf_res_spin_lock; if r0 != 0 goto no` + unlock6 + `no: r0 = 0; exit`},
	{name: "kept by a callback", text: twoLocks(`*(u64 *)(r10 -32) = r6; r1 = 5; r2 = func back; r3 = r10; r3 += -32; r4 = 0; call loop`) +
		`static back(long, word): r1 = *(u64 *)(r2 +0); r6 = r1; r1 += 8; kfunc bpf_res_spin_lock; r0 = 0; exit`, line: noCalls},
}

func TestResilientLocks(t *testing.T) { checkRows(t, resLockRows) }
