// This file tests kernel objects: the arguments that programs are given, casts,
// tagged parameters of global functions, stores.

package verify_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
)

// bindHook makes a program one for a hook: "tp_btf/NAME", "iter/NAME",
// "struct_ops/STRUCT.MEMBER".
func bindHook(t *testing.T, p *bytecode.Program, hook string) {
	t.Helper()
	spec, err := kernelTypes()
	if err != nil {
		t.Fatal(err)
	}
	section, name, _ := strings.Cut(hook, "/")
	find := func(name string, kind btfx.Kind) btfx.ID {
		id, ok := spec.Find(name, kind)
		if !ok {
			t.Fatalf("no %s", name)
		}
		return id
	}
	p.Type, p.AttachTo = bytecode.ProgTracing, name
	switch section {
	case "tp_btf":
		p.ExpectedAttach, p.AttachBTFID = catalog.AttachTraceRawTP, find("btf_trace_"+name, btfx.KindTypedef)
	case "iter":
		p.ExpectedAttach, p.AttachBTFID = catalog.AttachTraceIter, find("bpf_iter_"+name, btfx.KindFunc)
	case "struct_ops":
		owner, member, _ := strings.Cut(name, ".")
		p.Type, p.AttachBTFID = bytecode.ProgStructOps, find(owner, btfx.KindStruct)
		for i, m := range spec.Type(p.AttachBTFID).Members {
			if m.Name == member {
				p.ExpectedAttach = bytecode.AttachType(i)
			}
		}
	default:
		t.Fatalf("hook %q: no such section", hook)
	}
}

// kernelNumber is a number of the kernel's in a row: "<tcp_sock>" is the id of
// the struct, "<tcp_sock.snd_cwnd>" where its member begins.
var kernelNumber = regexp.MustCompile(`<(\w+)(?:\.(\w+))?>`)

// withNumbers puts the numbers in.
func withNumbers(t *testing.T, text string) string {
	t.Helper()
	spec, err := kernelTypes()
	if err != nil {
		t.Fatal(err)
	}
	return kernelNumber.ReplaceAllStringFunc(text, func(s string) string {
		m := kernelNumber.FindStringSubmatch(s)
		id, ok := spec.Find(m[1], btfx.KindStruct)
		if m[2] == "" || !ok {
			return strconv.Itoa(int(id))
		}
		member, _ := spec.FindMember(id, m[2])
		return strconv.Itoa(int(member.BitOffset / 8))
	})
}

// Programs that have kernel objects.
var (
	newTask = controlProgram{hook: "tp_btf/task_newtask"} // task in R1[0], a number in R1[1]
	tcpInit = controlProgram{hook: "struct_ops/tcp_congestion_ops.init"}

	dummyState = controlProgram{hook: "struct_ops/bpf_dummy_ops.test_1"}
)

// castTask has the task in R6, a number in R7, and the task as bytes in R0.
const castTask = "r6 = *(u64 *)(r1 +0); r7 = *(u64 *)(r1 +8); r1 = r6; r2 = 0; kfunc bpf_rdonly_cast;"

const endZero = "; r0 = 0; exit"

var castRows = []controlRow{
	{name: "bytes anywhere", as: newTask, text: castTask + "r0 += r7; r0 *= 3; r0 += 1000000000; r0 = *(u64 *)(r0 -8)" + endZero},
	{name: "bytes are only read", as: newTask, text: castTask + "*(u64 *)(r0 +0) = 1" + endZero, line: "R0 cannot write into rdonly_untrusted_mem"},
	{name: "bytes in no atomic", as: newTask, text: castTask + "lock *(u64 *)(r0 +0) += r7" + endZero, line: "R0 cannot write into rdonly_untrusted_mem"},
	{
		name: "a number plus a pointer is no pointer", as: newTask, line: "R1 invalid mem access 'scalar'",
		text: castTask + "r1 = 8; r1 += r0; r0 = *(u64 *)(r1 +0)" + endZero,
	},
	{name: "32-bit arithmetic", as: newTask, text: castTask + "w0 += 1" + endZero, line: "R0 32-bit pointer arithmetic prohibited"},
	{
		name: "bytes for a helper", as: newTask, line: "R1 type=rdonly_untrusted_mem expected=fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, trusted_ptr_",
		text: castTask + "r1 = r0; r2 = 8; call trace_printk" + endZero,
	},
	{
		name: "no type of the kernel's", as: newTask, line: "Unknown type ID 8388607 passed to kfunc bpf_rdonly_cast",
		text: "r1 = 0; r2 = 0x7fffff; kfunc bpf_rdonly_cast" + endZero,
	},
	{
		name: "a type that is not known", as: newTask, line: "R2 must be a known constant",
		text: "r2 = *(u64 *)(r1 +8); r1 = 0; kfunc bpf_rdonly_cast" + endZero,
	},
	{
		name: "one load, an object or bytes", as: newTask,
		text: castTask + "if r7 == 0 goto both; r0 = r6; both: r0 = *(u32 *)(r0 +0)" + endZero,
	},
	{
		name: "one load, an object or the stack", as: newTask, line: "same insn cannot be used with different pointers",
		text: castTask + "r0 = r10; r0 += -8; *(u64 *)(r0 +0) = 0; if r7 == 0 goto both; r0 = r6; both: r0 = *(u32 *)(r0 +0)" + endZero,
	},
	{
		name: "one load, the stack, bytes, then an object", as: newTask,
		text: castTask + "r8 = r0; r0 = r10; r0 += -8; *(u64 *)(r0 +0) = 0; if r7 == 0 goto all; r0 = r8; all: r0 = *(u32 *)(r0 +0)" + endZero,
	},
	{name: "the kernel's packet", text: "kfunc bpf_cast_to_kern_ctx; r0 = *(u64 *)(r0 +0)" + endZero},
	{name: "the context must be the context", text: "r1 = 0; kfunc bpf_cast_to_kern_ctx" + endZero, line: "arg#0 expected pointer to ctx, but got scalar"},
	{name: "a cache that nobody holds", as: newTask, text: "r1 = 0; kfunc bpf_get_kmem_cache; *(u64 *)(r0 +8) = 0" + endZero, line: "only read is supported"},
}

func TestCasts(t *testing.T) { checkRows(t, castRows) }

// callWith calls the global function f with a task, or what setup makes of it,
// in R1.
func callWith(setup, function string) string {
	return "r1 = *(u64 *)(r1 +0); " + setup + "; call f" + endZero + "; " + function
}

var globalTagRows = []controlRow{
	{name: "a trusted task", as: newTask, text: callWith("", "global f(trusted_task): r0 = *(u32 *)(r1 +0); exit")},
	{name: "NULL for a trusted task", as: newTask, text: callWith("r1 = 0", "global f(trusted_task): r0 = *(u32 *)(r1 +0); exit"),
		line: "Caller passes invalid args into func#1 ('f')"},
	{name: "a trusted task or NULL", as: newTask, text: callWith("r1 = 0", "global f(trusted_nullable_task): r0 = 0; if r1 == 0 goto null; r0 = *(u32 *)(r1 +0); null: exit")},
	{name: "not compared with NULL", as: newTask, text: callWith("", "global f(trusted_nullable_task): r0 = *(u32 *)(r1 +0); exit"),
		line: "R1 invalid mem access 'trusted_ptr_or_null_'"},
	{name: "another struct for a task", as: newTask, text: callWith("call get_current_task_btf; r1 = *(u64 *)(r0 +<task_struct.mm>)", "global f(trusted_task): r0 = 0; exit"),
		line: "Caller passes invalid args into func#1 ('f')"},
	{name: "a number for a task", as: newTask, text: callWith("r1 = 5", "global f(trusted_task): r0 = 0; exit"), line: "Caller passes invalid args into func#1 ('f')"},
	{name: "held by nobody", as: newTask, text: callWith("", "global f(trusted_task): kfunc bpf_task_release; r0 = 0; exit"),
		line: "release kernel function bpf_task_release expects refcounted PTR_TO_BTF_ID"},
	{name: "anything untrusted", as: newTask, text: callWith("r1 = 5", "global f(untrusted_task): r0 = *(u32 *)(r1 +0); exit")},
	{name: "untrusted is only read", as: newTask, text: callWith("", "global f(untrusted_task): *(u32 *)(r1 +0) = 0; r0 = 0; exit"), line: "only read is supported"},
	{name: "untrusted bytes", as: newTask, text: callWith("r1 = 5", "global f(untrusted_word): r0 = *(u32 *)(r1 +400); exit")},
	{name: "untrusted bytes are only read", as: newTask, text: callWith("", "global f(untrusted_void): *(u32 *)(r1 +0) = 0; r0 = 0; exit"),
		line: "R1 cannot write into rdonly_untrusted_mem"},
	{name: "untrusted is not trusted on", as: newTask, text: callWith("", "global f(untrusted_task): kfunc bpf_task_acquire; r0 = 0; exit"), line: "R1 must be a rcu pointer"},
	{name: "trusted and nonnull", as: newTask, text: callWith("", "global f(trusted_nonnull_task): r0 = 0; exit"), line: "Caller passes invalid args into func#1 ('f')"},
	{name: "untrusted and nullable", as: newTask, text: callWith("", "global f(untrusted_nullable_task): r0 = 0; exit"), line: "Caller passes invalid args into func#1 ('f')"},
	{name: "a tag that is none", as: newTask, text: callWith("", "global f(other_task): r0 = 0; exit"), line: "Caller passes invalid args into func#1 ('f')"},
	{name: "a tag on a number", as: newTask, text: callWith("r1 = 5", "global f(trusted_int): r0 = 0; exit"), line: "Caller passes invalid args into func#1 ('f')"},
	{name: "memory or NULL", as: newTask, text: callWith("", "global f(nullable_word): r0 = 0; exit"), line: "Caller passes invalid args into func#1 ('f')"},
	{name: "memory", as: newTask, text: callWith("*(u64 *)(r10 -8) = 0; r1 = r10; r1 += -8", "global f(nonnull_word): r0 = *(u32 *)(r1 +0); exit")},
	{name: "void as the context", text: "call f" + endZero + "; global f(ctx_void): r0 = *(u32 *)(r1 +0); r0 = 0; exit"},
	{name: "a word as the context", text: "call f" + endZero + "; global f(ctx_word): r0 = 0; exit", line: "Caller passes invalid args into func#1 ('f')"},
	{name: "an arena's address, any number", text: "r1 = 5; call f" + endZero + "; global f(arena_word): r0 = *(u32 *)(r1 +0); r0 = 0; exit", line: "R1 invalid mem access 'scalar'"},
	{name: "the context for an arena's address", text: "call f" + endZero + "; global f(arena_word): r0 = 0; exit", line: "Caller passes invalid args into func#1 ('f')"},
}

func TestGlobalTags(t *testing.T) { checkRows(t, globalTagRows) }

// tcpSock has the socket in R6.
const tcpSock = "r6 = *(u64 *)(r1 +0); r7 = 1; "

var objectWriteRows = []controlRow{
	{name: "a field that may be written", as: tcpInit, text: tcpSock + "*(u32 *)(r6 +<tcp_sock.snd_cwnd>) = r7" + endZero},
	{name: "through a cast", as: tcpInit, text: tcpSock + "r1 = r6; r2 = <tcp_sock>; kfunc bpf_rdonly_cast; *(u32 *)(r0 +<tcp_sock.snd_cwnd>) = r7" + endZero, line: "only read is supported"},
	{name: "an atomic", as: tcpInit, text: tcpSock + "lock *(u32 *)(r6 +<tcp_sock.snd_cwnd>) += r7" + endZero},
	{name: "with an offset", as: tcpInit, text: tcpSock + "r6 += <tcp_sock.snd_cwnd>; *(u32 *)(r6 +0) = 1" + endZero},
	{name: "a field that may not", as: tcpInit, text: tcpSock + "*(u32 *)(r6 +<tcp_sock.mss_cache>) = r7" + endZero, line: "no write support to tcp_sock at off <tcp_sock.mss_cache>"},
	{
		name: "past the field", as: tcpInit, text: tcpSock + "*(u64 *)(r6 +<tcp_sock.snd_cwnd>) = r7" + endZero,
		line: "write access at off <tcp_sock.snd_cwnd> with size 8 beyond the member of tcp_sock ended at <tcp_sock.prr_out>",
	},
	{name: "another object", as: tcpInit, text: tcpSock + "r6 = *(u64 *)(r6 +<sock.sk_socket>); *(u32 *)(r6 +0) = 1" + endZero, line: "only read is supported"},
	{name: "a tracing program", as: newTask, text: tcpSock + "*(u32 *)(r6 +0) = 1" + endZero, line: "only read is supported"},
	{name: "the state of a test", as: dummyState, text: tcpSock + "if r6 == 0 goto none; *(u32 *)(r6 +0) = 1; none: r0 = 0; exit"},
	{name: "past the state of a test", as: dummyState, text: tcpSock + "if r6 == 0 goto none; *(u64 *)(r6 +0) = 1; none: r0 = 0; exit", line: "write access at off 0 with size 8"},
	{name: "the state of no test", as: dummyState, text: "r1 = 1; kfunc bpf_task_from_pid; if r0 == 0 goto none; *(u32 *)(r0 +0) = 1; none: r0 = 0; exit", line: "only access to bpf_dummy_ops_state is supported"},
	{name: "a member that nobody implements", as: controlProgram{hook: "struct_ops/tcp_congestion_ops.get_info"}, text: "r0 = 0; exit",
		line: "attach to unsupported member get_info of struct tcp_congestion_ops"},
}

func TestObjectWrites(t *testing.T) { checkRows(t, objectWriteRows) }

// kernelVarRows have variables whose addresses a kernel without
// CONFIG_KALLSYMS_ALL does not find.
var kernelVarRows = []controlRow{
	{name: "a function's address", as: newTask, text: "r1 = ksym[bpf_task_acquire]; if r1 == 0 goto none; r0 = 0; exit; none: r0 = *(u64 *)(r10 -8); exit"},
	{name: "a function's code", as: newTask, text: "r1 = ksym[bpf_task_acquire]; r0 = *(u8 *)(r1 +0)" + endZero, line: "R1 min value is outside of the allowed memory range"},
	{name: "this CPU's object", as: newTask, kernelErrs: true, text: "r1 = ksym[runqueues]; call this_cpu_ptr; r0 = *(u32 *)(r0 +<rq.cpu>)" + endZero},
	{
		name: "a CPU that may not be there", as: newTask, kernelErrs: true, line: "R0 invalid mem access 'ptr_or_null_'",
		text: "r1 = ksym[runqueues]; r2 = 9; call per_cpu_ptr; r0 = *(u32 *)(r0 +<rq.cpu>)" + endZero,
	},
	{
		name: "any CPU's object at once", as: newTask, kernelErrs: true, line: "R1 is ptr_rq access percpu memory: off=<rq.cpu>",
		text: "r1 = ksym[runqueues]; r0 = *(u32 *)(r1 +<rq.cpu>)" + endZero,
	},
	{name: "this CPU's number", as: newTask, kernelErrs: true, text: "r1 = ksym[bpf_prog_active]; call this_cpu_ptr; r0 = *(u32 *)(r0 +0)" + endZero},
	{
		name: "this CPU's number is only read", as: newTask, kernelErrs: true, line: "R0 cannot write into rdonly_mem",
		text: "r1 = ksym[bpf_prog_active]; call this_cpu_ptr; *(u32 *)(r0 +0) = 1" + endZero,
	},
	{
		name: "past this CPU's number", as: newTask, kernelErrs: true, line: "R0 min value is outside of the allowed memory range",
		text: "r1 = ksym[bpf_prog_active]; call this_cpu_ptr; r0 = *(u32 *)(r0 +4)" + endZero,
	},
	{name: "no per-CPU object", as: newTask, line: "R1 type=ctx expected=percpu_ptr_, percpu_rcu_ptr_, percpu_trusted_ptr_", text: "call this_cpu_ptr" + endZero},
}

func init() {
	forms = append(forms, form{regexp.MustCompile(`^r(\d+) = ksym\[(\w+)\]$`), func(a *assembly, m []string) error {
		spec, err := kernelTypes()
		if err != nil {
			return err
		}
		id, ok := spec.Find(m[2], btfx.KindVar)
		if !ok {
			id, _ = spec.Find(m[2], btfx.KindFunc)
		}
		return a.pair(m[1], bytecode.PseudoBTFID, int32(id), 0)
	}})
}

func TestKernelVars(t *testing.T) { checkRows(t, kernelVarRows) }
