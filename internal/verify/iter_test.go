// This file tests open-coded iterators: where their state lies, who may touch
// it, what their elements are worth, and when loops over them end.

package verify_test

import "testing"

// Pieces of rows about iterators: one over numbers at fp-8.
const (
	numNew     = `; r1 = r10; r1 += -8; r2 = 0; r3 = 5; kfunc bpf_iter_num_new;`
	numNext    = `; r1 = r10; r1 += -8; kfunc bpf_iter_num_next;`
	numDestroy = `; r1 = r10; r1 += -8; kfunc bpf_iter_num_destroy;`
	noNum      = "expected an initialized iter_num as arg #0"
	taskNew    = `; r1 = r10; r1 += -24; r2 = 0; r3 = 0; kfunc bpf_iter_task_new;`
	taskNext   = `; r1 = r10; r1 += -24; kfunc bpf_iter_task_next;`
	taskEnd    = `; r1 = r10; r1 += -24; kfunc bpf_iter_task_destroy;`
	rcuLock    = `; kfunc bpf_rcu_read_lock;`
	rcuUnlock  = `; kfunc bpf_rcu_read_unlock;`
)

// numbers runs body for each number, which R0 points to.
func numbers(body string) string {
	return numNew + `next:` + numNext + `if r0 == 0 goto end;` + body + `; goto next; end:` + numDestroy
}

// tasks runs body for each task, which R0 points to.
func tasks(body string) string {
	return taskNew + `next:` + taskNext + `if r0 == 0 goto end;` + body + `; goto next; end:` + taskEnd
}

var iterRows = []controlRow{
	{name: "a loop", text: `r6 = 0` + numbers(`r1 = *(u32 *)(r0 +0); r6 += r1`) + done},
	{name: "never destroyed", text: numNew + done, line: leak},
	{name: "destroyed on one path", text: numNew + numNext + `if r0 == 0 goto out` + numDestroy + done, line: leak},
	{name: "destroyed twice", text: numNew + numDestroy + numDestroy + done, line: noNum},
	{name: "next, after its end", text: numNew + numDestroy + numNext + done, line: noNum},
	{name: "next, never made", text: numNext + done, line: noNum},
	{name: "next on plain stack", text: `*(u64 *)(r10 -8) = 0` + numNext + done, line: noNum},
	{name: "made twice", text: numNew + numNew + numDestroy + done, line: "expected uninitialized iter_num as arg #0"},
	{name: "made again after its end", text: numNew + numDestroy + numNew + numDestroy + done},
	{name: "another kind's", text: numNew + `r1 = r10; r1 += -8; kfunc bpf_iter_bits_destroy` + done, line: "expected an initialized iter_bits as arg #0"},
	{name: "overwritten", text: numNew + `*(u64 *)(r10 -8) = 0` + numDestroy + done, line: noNum},
	{name: "one byte overwritten", text: numNew + `*(u8 *)(r10 -1) = 0` + numDestroy + done, line: noNum},
	{name: "one byte overwritten at an unknown offset", text: numNew + anyNumber + `r0 &= 7; r2 = r10; r2 += -8; r2 += r0; *(u8 *)(r2 +0) = 0` + numDestroy + done, line: noNum},
	{
		name: "a byte beside one overwritten at an unknown offset is read", line: noNum,
		text: numNew + anyNumber + `r0 &= 1; r2 = r10; r2 += -8; r2 += r0; *(u8 *)(r2 +0) = 0; r6 = *(u64 *)(r10 -8)` + numDestroy + done,
	},
	{name: "read", text: numNew + `r6 = *(u64 *)(r10 -8)` + numDestroy + done, line: "invalid read from stack off -8+0 size 8"},
	{name: "read at an unknown offset", text: numNew + anyNumber + `r0 &= 7; r2 = r10; r2 += -8; r2 += r0; r6 = *(u8 *)(r2 +0)` + numDestroy + done, line: "invalid read from stack R2 var_off (0x0; 0x7)+0 size 1"},
	{name: "overwritten by a helper", text: numNew + `r1 = r10; r1 += -8; r2 = 8; r3 = 0; call probe_read_kernel` + numDestroy + done, line: noNum},
	{name: "given to a helper to read", text: numNew + `r1 = r10; r1 += -8; r2 = 8; call trace_printk` + numDestroy + done, line: "invalid read from stack R1 off -8+0 size 8"},
	{name: "an unknown offset", text: anyNumber + `r0 &= 8; r1 = r10; r1 += -16; r1 += r0; r2 = 0; r3 = 5; kfunc bpf_iter_num_new` + done, line: "expected uninitialized iter_num as arg #0"},
	{name: "not aligned", text: `r1 = r10; r1 += -12; r2 = 0; r3 = 5; kfunc bpf_iter_num_new` + done, line: "expected uninitialized iter_num as arg #0"},
	{name: "above the frame", text: `r1 = r10; r2 = 0; r3 = 5; kfunc bpf_iter_num_new` + done, line: "invalid write to stack R1 off=0 size=8"},
	{name: "a loop that spins", text: `r6 = 0` + numNew + `spin: if r6 == 0 goto spin` + numDestroy + done, line: "infinite loop detected at insn 6"},
	{name: "not on the stack", text: elemOf("large", `r1 = r6; r2 = 0; r3 = 5; kfunc bpf_iter_num_new`), line: "arg#0 expected pointer to an iterator on stack"},
	{name: "the caller's, made in a function", text: `r1 = r10; r1 += -8; call makes` + numNext + numDestroy + done + `static makes(word): r2 = 0; r3 = 5; kfunc bpf_iter_num_new; r0 = 0; exit`},
	{name: "made in a function's own frame", text: `call makes` + done + `static makes():` + numNew + `r0 = 0; exit`, line: leak},
	{name: "destroyed in a function", text: numNew + `r1 = r10; r1 += -8; call ends` + done + `static ends(word): kfunc bpf_iter_num_destroy; r0 = 0; exit`},
	{name: "destroyed in a function, then used", text: numNew + `r1 = r10; r1 += -8; call ends` + numNext + done + `static ends(word): kfunc bpf_iter_num_destroy; r0 = 0; exit`, line: noNum},
	{name: "next in a function", text: `r6 = 0` + numNew + `next: r1 = r10; r1 += -8; call more; if r0 == 0 goto end; r6 += 1; goto next; end:` + numDestroy + done + `static more(word): kfunc bpf_iter_num_next; exit`},
	{name: "an element after the end", text: `r7 = 0` + numNew + numNext + `r7 = r0` + numDestroy + `if r7 == 0 goto out; r0 = *(u32 *)(r7 +0)` + done, line: "R7 invalid mem access 'scalar'"},
	{name: "an element after the next", text: `r7 = 0` + numNew + numNext + `if r0 == 0 goto end; r7 = r0` + numNext + `r1 = *(u32 *)(r7 +0); end:` + numDestroy + done},
	{name: "an element not compared with NULL", text: numNew + numNext + `r1 = *(u32 *)(r0 +0)` + numDestroy + done, line: "R0 invalid mem access 'scalar'"},
	{name: "an element written", text: numbers(`*(u32 *)(r0 +0) = 0`) + done, line: "R0 cannot write into rdonly_mem"},
	{name: "past an element", text: numbers(`r1 = *(u64 *)(r0 +0)`) + done, line: "R0 min value is outside of the allowed memory range"},
	{name: "an index that a loop counts", text: `r6 = 0` + numbers(`r6 += 1`) + `r1 = value[large]+0; r1 += r6; *(u8 *)(r1 +0) = 1` + done, line: "R1 min value is outside of the allowed memory range"},
	{name: "an index that a loop counts, checked", text: `r6 = 0` + numbers(`if r6 > 62 goto end; r6 += 1`) + `r1 = value[large]+0; r1 += r6; *(u8 *)(r1 +0) = 1` + done},
	{name: "an index in a loop", text: numbers(`r1 = *(u32 *)(r0 +0); r2 = value[large]+0; r2 += r1; *(u8 *)(r2 +0) = 1`) + done, line: "R2 unbounded memory access, make sure to bounds check any such access"},
	{name: "a spilled index that a loop counts", text: `*(u64 *)(r10 -16) = 0` + numbers(`r1 = *(u64 *)(r10 -16); r1 += 8; *(u64 *)(r10 -16) = r1`) + `r1 = *(u64 *)(r10 -16); r2 = value[large]+0; r2 += r1; *(u8 *)(r2 +0) = 1` + done, line: "R2 min value is outside of the allowed memory range"},
	{
		name: "a number swapped for another within a loop", line: mathOnValue,
		text: `r6 = 0; r7 = 0; r8 = 0` + numbers(`r8 = r7; r7 = r6; r6 = 4096`) + `r1 = value[large]+0; r1 += r8; *(u8 *)(r1 +0) = 1` + done,
	},
	{name: "a record in each turn", text: `r6 = 0` + numbers(`r1 = map[events]; r2 = 8; r3 = 0; call ringbuf_reserve; if r0 == 0 goto next; r1 = r0; r2 = 0; call ringbuf_discard`) + done},
	{name: "nested", text: numbers(`r1 = r10; r1 += -16; r2 = 0; r3 = 3; kfunc bpf_iter_num_new; inner: r1 = r10; r1 += -16; kfunc bpf_iter_num_next; if r0 != 0 goto inner; r1 = r10; r1 += -16; kfunc bpf_iter_num_destroy`) + done},
	{name: "nested, the inner one kept", text: numbers(`r1 = r10; r1 += -16; r2 = 0; r3 = 3; kfunc bpf_iter_num_new`) + done, line: leak},
	{name: "in a callback", text: `r1 = 5; r2 = func back; r3 = 0; r4 = 0; call loop` + done + `static back(long, long):` + numbers(``) + `r0 = 0; exit`},
	{name: "kept by a callback", text: `r1 = 5; r2 = func back; r3 = r10; r3 += -8; r4 = 0; call loop` + done + `static back(long, word): r1 = r2; r2 = 0; r3 = 5; kfunc bpf_iter_num_new; r0 = 0; exit`,
		line: leak},
	{name: "drawn from by a callback", text: numNew + `r1 = 5; r2 = func back; r3 = r10; r3 += -8; r4 = 0; call loop` + numDestroy + done + `static back(long, word): r1 = r2; kfunc bpf_iter_num_next; r0 = 0; exit`},
	{name: "destroyed by a callback", text: numNew + `r1 = 5; r2 = func back; r3 = r10; r3 += -8; r4 = 0; call loop` + numDestroy + done + `static back(long, word): r1 = r2; kfunc bpf_iter_num_destroy; r0 = 1; exit`, line: noNum},
	{name: "a tail call inside", text: `r6 = r1` + numNew + `r1 = r6; r2 = map[progs]; r3 = 0; call tail_call` + numDestroy + done, line: "tail_call would lead to reference leak"},
	{name: "tasks", text: rcuLock + tasks(`r1 = *(u32 *)(r0 +0)`) + rcuUnlock + done},
	{name: "tasks, outside of RCU", text: taskNew + taskEnd + done, as: sleepableProgram, line: "kernel func bpf_iter_task_new requires RCU critical section protection"},
	{name: "tasks, RCU ended meanwhile", text: rcuLock + taskNew + rcuUnlock + taskNext + taskEnd + done, line: "expected an RCU CS when using bpf_iter_task_next"},
	{name: "tasks, RCU ended and begun meanwhile", text: rcuLock + taskNew + rcuUnlock + rcuLock + taskNext + taskEnd + rcuUnlock + done, line: "expected an RCU CS when using bpf_iter_task_next"},
	{name: "tasks, destroyed after RCU", text: rcuLock + taskNew + rcuUnlock + taskEnd + done, line: "expected an RCU CS when using bpf_iter_task_destroy"},
	{name: "a task after RCU", text: `r7 = 0` + rcuLock + tasks(`r7 = r0`) + rcuUnlock + `if r7 == 0 goto out; r1 = r7; kfunc bpf_task_release` + done, line: "R1 must be referenced or trusted"},
	{name: "a task acquired", text: rcuLock + tasks(`r1 = r0; kfunc bpf_task_acquire; if r0 == 0 goto next; r1 = r0; kfunc bpf_task_release`) + rcuUnlock + done},
	{name: "a task acquired and kept", text: rcuLock + tasks(`r1 = r0; kfunc bpf_task_acquire; if r0 == 0 goto next; r6 = r0`) + rcuUnlock + done, line: leak},
	{name: "tasks, half of it overwritten", text: rcuLock + taskNew + `*(u64 *)(r10 -8) = 0` + taskNext + taskEnd + rcuUnlock + done, line: "expected an initialized iter_task as arg #0"},
	{name: "tasks, the middle of it used as an iterator", text: rcuLock + taskNew + `r1 = r10; r1 += -16; kfunc bpf_iter_num_next` + taskEnd + rcuUnlock + done, line: noNum},
	{name: "tasks, another one over half of it", text: rcuLock + taskNew + `r1 = r10; r1 += -32; r2 = 0; r3 = 0; kfunc bpf_iter_task_new` + taskEnd + rcuUnlock + done, line: "expected an initialized iter_task as arg #0"},
	{name: "areas of a task", text: `call get_current_task_btf; r1 = r10; r1 += -8; r2 = r0; r3 = 0; kfunc bpf_iter_task_vma_new; next: r1 = r10; r1 += -8; kfunc bpf_iter_task_vma_next; if r0 == 0 goto end; r1 = *(u64 *)(r0 +0); goto next; end: r1 = r10; r1 += -8; kfunc bpf_iter_task_vma_destroy` + done},
	{name: "areas of no task", text: `r1 = r10; r1 += -8; r2 = 0; r3 = 0; kfunc bpf_iter_task_vma_new` + done, line: "Possibly NULL pointer passed to trusted arg1"},
	{name: "bits", text: `*(u64 *)(r10 -24) = 5; r1 = r10; r1 += -16; r2 = r10; r2 += -24; r3 = 1; kfunc bpf_iter_bits_new; next: r1 = r10; r1 += -16; kfunc bpf_iter_bits_next; if r0 == 0 goto end; r1 = *(u32 *)(r0 +0); goto next; end: r1 = r10; r1 += -16; kfunc bpf_iter_bits_destroy` + done},
	{name: "bits of any memory", text: `r1 = r10; r1 += -16; r2 = value[large]+0; r2 += 57; r3 = 1; kfunc bpf_iter_bits_new; r1 = r10; r1 += -16; kfunc bpf_iter_bits_destroy` + done},
	{name: "caches, without sleep", text: `r1 = r10; r1 += -8; kfunc bpf_iter_kmem_cache_new; r1 = r10; r1 += -8; kfunc bpf_iter_kmem_cache_destroy` + done, line: "program must be sleepable to call sleepable kfunc bpf_iter_kmem_cache_new"},
	{name: "caches", as: sleepableProgram, text: `r1 = r10; r1 += -8; kfunc bpf_iter_kmem_cache_new; next: r1 = r10; r1 += -8; kfunc bpf_iter_kmem_cache_next; if r0 == 0 goto end; r1 = *(u64 *)(r0 +0); goto next; end: r1 = r10; r1 += -8; kfunc bpf_iter_kmem_cache_destroy` + done},
	{name: "caches, without sleep meanwhile", as: sleepableProgram, text: `r1 = r10; r1 += -8; kfunc bpf_iter_kmem_cache_new` + rcuLock + `r1 = r10; r1 += -8; kfunc bpf_iter_kmem_cache_next` + rcuUnlock + `r1 = r10; r1 += -8; kfunc bpf_iter_kmem_cache_destroy` + done,
		line: "kernel func bpf_iter_kmem_cache_next is sleepable within rcu_read_lock region"},
}

func TestIterators(t *testing.T) { checkRows(t, iterRows) }

// Linux 6.18 takes a second call for the next element for a loop, although only
// the callback's caller makes one of it, and then misses the loop.
var iterInCallbackRows = []controlRow{
	{
		name: "one call", line: "verifier bug: add backedge: no SCC in verification path, insn_idx 18",
		text: iterCallback(`r1 = r10; r1 += -8; kfunc bpf_iter_num_next`),
	},
	{
		name: "a loop",
		text: iterCallback(`again: r1 = r10; r1 += -8; kfunc bpf_iter_num_next; if r0 != 0 goto again`),
	},
}

// iterCallback has a callback with an iterator, which is asked by next.
func iterCallback(next string) string {
	return `*(u64 *)(r10 -8) = 3; r3 = r10; r3 += -8; r1 = 10; r2 = func back; r4 = 0; call loop; r0 = 0; exit
		static back(long, long): *(u16 *)(r2 +6) = r1; r1 = r10; r1 += -8; r2 = 0; r3 = 5; kfunc bpf_iter_num_new;` + next + `
		r1 = r10; r1 += -8; kfunc bpf_iter_num_destroy; r0 = 0; exit`
}

func TestIterInCallback(t *testing.T) { checkRows(t, iterInCallbackRows) }
