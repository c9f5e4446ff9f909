// This file tests sections: interrupts, preemption and RCU, nested, across
// functions and callbacks, and what may not be called inside.

package verify_test

import "testing"

// Pieces of rows about sections: flags at fp-8 and fp-16.
const (
	save8     = `; r1 = r10; r1 += -8; kfunc bpf_local_irq_save;`
	save16    = `; r1 = r10; r1 += -16; kfunc bpf_local_irq_save;`
	restore8  = `; r1 = r10; r1 += -8; kfunc bpf_local_irq_restore;`
	restore16 = `; r1 = r10; r1 += -16; kfunc bpf_local_irq_restore;`
	anyNumber = `; call get_prandom_u32;`
	copyUser  = `; r1 = r10; r1 += -24; r2 = 8; r3 = 0; call copy_from_user;`
	copyStr   = `; r1 = r10; r1 += -24; r2 = 8; r3 = 0; r4 = 0; kfunc bpf_copy_from_user_str;`
	restores  = `; static restores(word): kfunc bpf_local_irq_restore; r0 = 0; exit;`
	saves     = `; static saves(word): kfunc bpf_local_irq_save; r0 = 0; exit;`
	openIRQ   = "BPF_EXIT instruction in main prog cannot be used inside bpf_local_irq_save-ed region"
	noFlag    = "expected an initialized irq flag as arg#0"
)

var irqRows = []controlRow{
	{name: "balanced", text: save8 + anyNumber + restore8 + done},
	{name: "never ended", text: save8 + done, line: openIRQ},
	{name: "never begun", text: restore8 + done, line: noFlag},
	{name: "ended on one path", text: save8 + anyNumber + `if r0 > 5 goto out` + restore8 + done, line: openIRQ},
	{name: "ended twice", text: save8 + restore8 + restore8 + done, line: noFlag},
	{name: "begun twice in one slot", text: save8 + save8 + restore8 + done, line: "expected uninitialized irq flag as arg#0"},
	{name: "begun again after its end", text: save8 + restore8 + save8 + restore8 + done},
	{name: "nested", text: save8 + save16 + restore16 + restore8 + done},
	{name: "nested, ended in the wrong order", text: save8 + save16 + restore8 + restore16 + done, line: "cannot restore irq state out of order, expected id=2 acquired at insn_idx=5"},
	{name: "three deep, the inner ones twice", text: save8 + save16 + restore16 + save16 + restore16 + restore8 + done},
	{name: "an outer one left open", text: save8 + save16 + restore16 + done, line: openIRQ},
	{name: "a number as the flag", text: `*(u64 *)(r10 -8) = 0` + restore8 + done, line: noFlag},
	{name: "a flag overwritten", text: save8 + `*(u64 *)(r10 -8) = 0` + restore8 + done, line: noFlag},
	{name: "a byte of a flag overwritten", text: save8 + `*(u8 *)(r10 -3) = 0` + restore8 + done, line: noFlag},
	{name: "a byte of a flag overwritten at an unknown offset", text: save8 + anyNumber + `r0 &= 7; r2 = r10; r2 += -8; r2 += r0; *(u8 *)(r2 +0) = 0` + restore8 + done, line: noFlag},
	{name: "a flag overwritten by a helper", text: save8 + `r1 = r10; r1 += -8; r2 = 8; r3 = 0; call probe_read_kernel` + restore8 + done, line: noFlag},
	{name: "a flag overwritten, and its slot used again", text: save8 + `*(u64 *)(r10 -8) = 0` + save8 + restore8 + done, line: openIRQ},
	{name: "a flag read", text: save8 + `r6 = *(u64 *)(r10 -8)` + restore8 + done, line: "invalid read from stack off -8+0 size 8"},
	{name: "a flag copied by a helper", text: save8 + `r1 = 0; r2 = r10; r2 += -8; r3 = 8; r4 = r3; call trace_printk` + restore8 + done, line: "R1 type=scalar expected=fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, trusted_ptr_"},
	{name: "a flag where a number was spilled", text: `r6 = 5; *(u64 *)(r10 -8) = r6` + save8 + restore8 + done},
	{name: "not on the stack", text: elemOf("small", `r1 = r6; kfunc bpf_local_irq_save`), line: "arg#0 doesn't point to an irq flag on stack"},
	{name: "a number for a pointer", text: `r1 = 0; kfunc bpf_local_irq_save` + done, line: "arg#0 doesn't point to an irq flag on stack"},
	{name: "not aligned", text: `r1 = r10; r1 += -12; kfunc bpf_local_irq_save` + done, line: "expected uninitialized irq flag as arg#0"},
	{name: "above the frame", text: `r1 = r10; kfunc bpf_local_irq_save` + done, line: "invalid write to stack R1 off=0 size=8"},
	{name: "below the stack", text: `r1 = r10; r1 += -520; kfunc bpf_local_irq_save` + done, line: "invalid write to stack R1 off=-520 size=8"},
	{name: "restored below what was used", text: `r1 = r10; r1 += -64; kfunc bpf_local_irq_restore` + done, line: noFlag},
	{name: "the context, moved", text: `r1 += -8; kfunc bpf_local_irq_save` + done, line: "negative offset ctx ptr R1 off=-8 disallowed"},
	{name: "an argument never set", text: anyNumber + `kfunc bpf_local_irq_save` + done, line: "variable ? access var_off=(0x0; 0xffffffffffffffff) disallowed"},
	{name: "an unknown offset", text: anyNumber + `r0 &= 8; r1 = r10; r1 += -16; r1 += r0; kfunc bpf_local_irq_save` + done, line: "expected uninitialized irq flag as arg#0"},
	{name: "a different slot by path", text: anyNumber + `r6 = r10; r6 += -8; if r0 > 5 goto on; r6 += -8; on: r1 = r6; kfunc bpf_local_irq_save; r1 = r6; kfunc bpf_local_irq_restore` + done},
	{
		name: "restored from another slot on one path", line: noFlag,
		text: anyNumber + `r6 = r10; r6 += -8; if r0 > 5 goto on; r6 += -8; on: r1 = r6; kfunc bpf_local_irq_save` + restore8 + done,
	},
	{name: "begun on one path", text: anyNumber + `if r0 > 5 goto on` + save8 + `on:` + restore8 + done, line: noFlag},
	{name: "begun on one path, never ended", text: anyNumber + `if r0 > 5 goto out` + save8 + `goto out` + done, line: openIRQ},
	{name: "ended by a function", text: save8 + `r1 = r10; r1 += -8; call restores` + done + restores},
	{name: "begun by a function", text: `r1 = r10; r1 += -8; call saves` + restore8 + done + saves},
	{name: "begun by a function in its own frame", text: `call keeps` + done + `static keeps():` + save8 + `r0 = 0; exit`, line: openIRQ},
	{name: "begun by a function, ended by none", text: `r1 = r10; r1 += -8; call saves` + done + saves, line: openIRQ},
	{name: "a global function inside", text: save8 + `call any` + restore8 + done + `global any(): r0 = 0; exit`},
	{name: "a global function that leaves one open", text: `call any` + done + `global any():` + save8 + `r0 = 0; exit`, line: openIRQ},
	{name: "in a loop", text: `r6 = 0; next:` + save8 + restore8 + `r6 += 1; if r6 < 5 goto next` + done},
	{name: "begun again in each turn", text: `r6 = 0; next:` + save8 + `r6 += 1; if r6 < 5 goto next` + restore8 + done, line: "expected uninitialized irq flag as arg#0"},
	{name: "begun in a callback", text: `r1 = 5; r2 = func back; r3 = 0; r4 = 0; call loop` + done + `static back(long, long):` + save8 + restore8 + `r0 = 0; exit`},
	{name: "a callback inside", text: save8 + `r1 = 5; r2 = func back; r3 = 0; r4 = 0; call loop` + restore8 + done + `static back(long, long): r0 = 0; exit`},
	{name: "ended by a callback", text: save8 + `r1 = 5; r2 = func back; r3 = r10; r3 += -8; r4 = 0; call loop` + done + `static back(long, word): r1 = r2; kfunc bpf_local_irq_restore; r0 = 1; exit`,
		line: openIRQ},
	{name: "a tail call inside", text: `r6 = r1` + save8 + `r1 = r6; r2 = map[progs]; r3 = 0; call tail_call` + restore8 + done, line: "tail_call cannot be used inside bpf_local_irq_save-ed region"},
	{name: "an exception inside", text: save8 + throw + restore8 + done, line: "bpf_throw cannot be used inside bpf_local_irq_save-ed region"},
	{name: "a helper that sleeps", as: sleepableProgram, text: save8 + copyUser + restore8 + done, line: "sleepable helper bpf_copy_from_user#148 in IRQ-disabled region"},
	{name: "a helper that sleeps, afterwards", as: sleepableProgram, text: save8 + restore8 + copyUser + done},
	{name: "a kernel function that sleeps", as: sleepableProgram, text: save8 + copyStr + restore8 + done, line: "kernel func bpf_copy_from_user_str is sleepable within IRQ-disabled region"},
	{name: "a global function that sleeps", as: sleepableProgram, text: save8 + `call naps` + restore8 + done + `global naps():` + copyUser + `r0 = 0; exit`, line: "a non-sleepable BPF program context"},
	{name: "a global function that sleeps, afterwards", as: sleepableProgram, text: save8 + restore8 + `call naps` + done + `global naps():` + copyUser + `r0 = 0; exit`},
	{
		name: "a global function that calls one that sleeps", as: sleepableProgram, line: "a non-sleepable BPF program context",
		text: `kfunc bpf_preempt_disable; call outer; kfunc bpf_preempt_enable` + done + `global outer(): call naps; r0 = 0; exit; static naps():` + copyUser + `r0 = 0; exit`,
	},
	{name: "RCU inside", text: save8 + `kfunc bpf_rcu_read_lock; kfunc bpf_rcu_read_unlock` + restore8 + done},
	{name: "RCU, crossed", text: save8 + `kfunc bpf_rcu_read_lock` + restore8 + `kfunc bpf_rcu_read_unlock` + done},
	{name: "RCU left open", text: `kfunc bpf_rcu_read_lock` + done, line: "BPF_EXIT instruction in main prog cannot be used inside bpf_rcu_read_lock-ed region"},
	{name: "RCU ended twice", text: `kfunc bpf_rcu_read_lock; kfunc bpf_rcu_read_unlock; kfunc bpf_rcu_read_unlock` + done, line: "unmatched rcu read unlock (kernel function bpf_rcu_read_unlock)"},
	{name: "RCU, nested", text: `kfunc bpf_rcu_read_lock; kfunc bpf_rcu_read_lock; kfunc bpf_rcu_read_unlock; kfunc bpf_rcu_read_unlock` + done, line: "nested rcu read lock (kernel function bpf_rcu_read_lock)"},
	{name: "preemption left disabled", text: `kfunc bpf_preempt_disable` + done, line: "BPF_EXIT instruction in main prog cannot be used inside bpf_preempt_disable-ed region"},
	{name: "preemption, nested", text: `kfunc bpf_preempt_disable; kfunc bpf_preempt_disable; kfunc bpf_preempt_enable; kfunc bpf_preempt_enable` + done},
	{name: "preemption disabled twice, enabled once", text: `kfunc bpf_preempt_disable; kfunc bpf_preempt_disable; kfunc bpf_preempt_enable` + done, line: "BPF_EXIT instruction in main prog cannot be used inside bpf_preempt_disable-ed region"},
	{name: "preemption disabled by a global function", text: `call any; kfunc bpf_preempt_enable` + done + `global any(): kfunc bpf_preempt_disable; r0 = 0; exit`, line: "unmatched attempt to enable preemption (kernel function bpf_preempt_enable)"},
	{name: "preemption left disabled by a global function", text: `call any` + done + `global any(): kfunc bpf_preempt_disable; r0 = 0; exit`, line: "BPF_EXIT instruction in main prog cannot be used inside bpf_preempt_disable-ed region"},
	{name: "preemption disabled by a function", text: `call any; kfunc bpf_preempt_enable` + done + `static any(): kfunc bpf_preempt_disable; r0 = 0; exit`},
}

func TestSections(t *testing.T) { checkRows(t, irqRows) }
