// This file defines the programs of the test of kernel functions' arguments:
// what may stand for an argument, and what follows the call.

package features

import (
	"strings"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
)

// Instructions of these programs.
func move(to, from uint8) bytecode.Insn {
	return bytecode.Insn{Op: bytecode.ClassALU64 | bytecode.ALUMov | bytecode.SrcX, Dst: to, Src: from}
}

func set(r uint8, n int32) bytecode.Insn {
	return bytecode.Insn{Op: bytecode.ClassALU64 | bytecode.ALUMov, Dst: r, Imm: n}
}

func add(r uint8, n int32) bytecode.Insn {
	return bytecode.Insn{Op: bytecode.ClassALU64 | bytecode.ALUAdd, Dst: r, Imm: n}
}

func helper(n int32) bytecode.Insn {
	return bytecode.Insn{Op: bytecode.ClassJMP | bytecode.JmpCall, Imm: n}
}

func kfunc(id btfx.ID) bytecode.Insn {
	return bytecode.Insn{Op: bytecode.ClassJMP | bytecode.JmpCall, Src: bytecode.PseudoKfuncCall, Imm: int32(id)}
}

func ifZero(r uint8, over int16) bytecode.Insn {
	return bytecode.Insn{Op: bytecode.ClassJMP | bytecode.JmpEq, Dst: r, Off: over}
}

func wide(r, pseudo uint8, index int32) []bytecode.Insn {
	return []bytecode.Insn{{Op: bytecode.ClassLD | bytecode.SizeDW, Dst: r, Src: pseudo, Imm: index}, {}}
}

// Where the prologue leaves things: zeroed bytes and a dynptr on the stack.
const (
	zeroedAt = -64
	dynptrAt = -80
	unsetAt  = -128
)

// operand is something to give a function.
type operand struct {
	name string
	put  func(r uint8) []bytecode.Insn
}

func onStack(off int32) func(uint8) []bytecode.Insn {
	return func(r uint8) []bytecode.Insn { return []bytecode.Insn{move(r, bytecode.R10), add(r, off)} }
}

func of(insn func(r uint8) bytecode.Insn) func(uint8) []bytecode.Insn {
	return func(r uint8) []bytecode.Insn { return []bytecode.Insn{insn(r)} }
}

// operands, after the prologue: R6 is the context, R7 any number, R8 a task that
// was read from another, R9 the current task.
var operands = []operand{
	{"0", of(func(r uint8) bytecode.Insn { return set(r, 0) })},
	{"8", of(func(r uint8) bytecode.Insn { return set(r, 8) })},
	{"any number", of(func(r uint8) bytecode.Insn { return move(r, bytecode.R7) })},
	{"context", of(func(r uint8) bytecode.Insn { return move(r, bytecode.R6) })},
	{"stack", onStack(zeroedAt)},
	{"unset stack", onStack(unsetAt)},
	{"dynptr", onStack(dynptrAt)},
	{"map", func(r uint8) []bytecode.Insn { return wide(r, bytecode.PseudoMapIdx, 0) }},
	{"map value", func(r uint8) []bytecode.Insn { return wide(r, bytecode.PseudoMapIdxValue, 0) }},
	{"constant string", func(r uint8) []bytecode.Insn { return wide(r, bytecode.PseudoMapIdxValue, 1) }},
	{"task", of(func(r uint8) bytecode.Insn { return move(r, bytecode.R9) })},
	{"moved task", func(r uint8) []bytecode.Insn { return []bytecode.Insn{move(r, bytecode.R9), add(r, 8)} }},
	{"task's parent", of(func(r uint8) bytecode.Insn { return move(r, bytecode.R8) })},
	{"nothing", func(uint8) []bytecode.Insn { return nil }},
}

func operandNamed(name string) int {
	for i, o := range operands {
		if o.name == name {
			return i
		}
	}
	panic("no operand " + name)
}

// usualOperand is what fits a parameter, or comes near.
func usualOperand(types *btfx.Spec, p btfx.Param) int {
	t := types.Strip(p.Type)
	if t == nil || t.Kind != btfx.KindPtr {
		return operandNamed("8")
	}
	to := &btfx.Type{}
	if s := types.Strip(t.Type); s != nil {
		to = s
	}
	for _, u := range []struct {
		fits bool
		name string
	}{
		{strings.HasSuffix(p.Name, "__str"), "constant string"},
		{strings.HasSuffix(p.Name, "__irq_flag") || strings.HasSuffix(p.Name, "__uninit"), "unset stack"},
		{strings.HasPrefix(to.Name, "bpf_iter_"), "unset stack"},
		{to.Name == "bpf_dynptr", "dynptr"},
		{to.Name == "task_struct", "task"},
		{to.Name == "__sk_buff" || to.Name == "xdp_md", "context"},
		{strings.HasSuffix(p.Name, "__map"), "map"},
	} {
		if u.fits {
			return operandNamed(u.name)
		}
	}
	return operandNamed("map value")
}

// traceRawTP is BPF_TRACE_RAW_TP.
const traceRawTP = 23

// hosts are programs of types that the kernel loads here, named for people.
func hosts(types *btfx.Spec) []bytecode.Program {
	tracepoint, _ := types.Find("btf_trace_task_newtask", btfx.KindTypedef)
	list := []bytecode.Program{
		{Name: "sched_cls", Type: bytecode.ProgSchedCLS},
		{Name: "xdp", Type: bytecode.ProgXDP},
		{Name: "syscall", Type: bytecode.ProgSyscall, Flags: bytecode.FlagSleepable},
		{Name: "tp_btf", Type: bytecode.ProgTracing, ExpectedAttach: traceRawTP, AttachBTFID: tracepoint, AttachTo: "task_newtask"},
		{Name: "kprobe", Type: bytecode.ProgKprobe},
	}
	values := &bytecode.MapSpec{Name: "values", Type: bytecode.MapArray, KeySize: 4, ValueSize: 64, MaxEntries: 1}
	text := *values
	text.Name, text.Flags, text.Frozen, text.Contents = "text", bytecode.MapRdonlyProg, true, make([]byte, text.ValueSize)
	for i := range list {
		list[i].License, list[i].Maps = "GPL", []*bytecode.MapSpec{values, &text}
	}
	return list
}

// Helpers that the prologue calls.
const (
	getRandom      = 7
	getCurrentTask = 158
	dynptrFromMem  = 197
)

// prologue makes what operands are about.
func prologue(types *btfx.Spec) []bytecode.Insn {
	task, _ := types.Find("task_struct", btfx.KindStruct)
	parent, _ := types.FindMember(task, "real_parent")
	code := []bytecode.Insn{move(bytecode.R6, bytecode.R1), helper(getRandom), move(bytecode.R7, bytecode.R0)}
	for off := int16(zeroedAt); off < 0; off += 8 {
		code = append(code, bytecode.Insn{Op: bytecode.ClassST | bytecode.ModeMEM | bytecode.SizeDW, Dst: bytecode.R10, Off: off})
	}
	code = append(code, wide(bytecode.R1, bytecode.PseudoMapIdxValue, 0)...)
	code = append(code, set(bytecode.R2, 64), set(bytecode.R3, 0))
	code = append(code, onStack(dynptrAt)(bytecode.R4)...)
	return append(code, helper(dynptrFromMem), helper(getCurrentTask), move(bytecode.R9, bytecode.R0),
		bytecode.Insn{Op: bytecode.ClassLDX | bytecode.ModeMEM | bytecode.SizeDW, Dst: bytecode.R8, Src: bytecode.R0, Off: int16(parent.BitOffset / 8)})
}

// followUp is what comes after the call; there is none for some functions.
type followUp struct {
	name string
	code func(a *arguments, function string, args []int) (code []bytecode.Insn, ok bool)
}

var followUps = []followUp{
	{"then nothing", func(*arguments, string, []int) ([]bytecode.Insn, bool) { return nil, true }},
	{"then its result read", func(*arguments, string, []int) ([]bytecode.Insn, bool) {
		return []bytecode.Insn{ifZero(bytecode.R0, 1), {Op: bytecode.ClassLDX | bytecode.ModeMEM | bytecode.SizeB, Dst: bytecode.R1}}, true
	}},
	{"then its result released", (*arguments).release},
	{"then undone", (*arguments).undo},
	{"twice", func(a *arguments, function string, args []int) ([]bytecode.Insn, bool) {
		return a.call(function, args), true
	}},
}

// releases are the functions that end references, by what is referred to.
var releases = map[string]string{
	"task_struct": "bpf_task_release", "cgroup": "bpf_cgroup_release", "bpf_cpumask": "bpf_cpumask_release", "file": "bpf_put_file",
	"bpf_key": "bpf_key_put", "nf_conn": "bpf_ct_release", "bpf_crypto_ctx": "bpf_crypto_ctx_release", "xfrm_state": "bpf_xdp_xfrm_state_release",
}

func (a *arguments) release(function string, _ []int) ([]bytecode.Insn, bool) {
	result := a.types.Strip(a.types.Strip(a.types.Type(a.functions[function]).Type).Type)
	if result == nil || result.Kind != btfx.KindPtr {
		return nil, false
	}
	to := a.types.Strip(result.Type)
	if to == nil || a.functions[releases[to.Name]] == 0 {
		return nil, false
	}
	return []bytecode.Insn{ifZero(bytecode.R0, 2), move(bytecode.R1, bytecode.R0), kfunc(a.functions[releases[to.Name]])}, true
}

// opposites turn a function's name into that of the one that undoes it.
var opposites = strings.NewReplacer("_new", "_destroy", "_save", "_restore", "read_lock", "read_unlock", "_disable", "_enable", "spin_lock", "spin_unlock")

func (a *arguments) undo(function string, args []int) ([]bytecode.Insn, bool) {
	back := opposites.Replace(function)
	return a.call(back, args), back != function && a.functions[back] != 0
}

func (a *arguments) call(function string, args []int) (code []bytecode.Insn) {
	for i, o := range args {
		code = append(code, operands[o].put(bytecode.R1+uint8(i))...)
	}
	return append(code, kfunc(a.functions[function]))
}

// program is the whole: prologue, call, what follows, exit.
func (a *arguments) program(function string, args []int, f followUp) ([]bytecode.Insn, bool) {
	after, ok := f.code(a, function, args)
	code := append(append(append([]bytecode.Insn{}, a.prologue...), a.call(function, args)...), after...)
	return append(code, set(bytecode.R0, 0), bytecode.Insn{Op: bytecode.ClassJMP | bytecode.JmpExit}), ok
}
