// This file tests random walks through kernel objects against the running
// kernel: verdict and reason must agree.

package verify_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/verify"
)

// walkGen makes programs that follow pointers from an argument.
type walkGen struct {
	*rand.Rand
	spec *btfx.Spec
	text strings.Builder
}

func (g *walkGen) line(format string, args ...any) { fmt.Fprintf(&g.text, format+"\n", args...) }

// walkHooks are the hooks and the arguments that walks begin at.
var walkHooks = []struct {
	hook  string
	arg   int
	typ   string
	sleep bool
}{
	{"tp_btf/task_newtask", 0, "task_struct", false}, {"iter/task", 1, "task_struct", true}, {"iter/task", 1, "task_struct", false},
	{"tp_btf/cgroup_mkdir", 0, "cgroup", false}, {"iter/cgroup", 1, "cgroup", true}, {"tp_btf/sched_pi_setprio", 1, "task_struct", false},
	{"tp_btf/kfree_skb", 0, "sk_buff", false}, {"iter/bpf_map", 1, "bpf_map", true}, {"iter/tcp", 1, "sock_common", false},
	{"struct_ops/tcp_congestion_ops.init", 0, "tcp_sock", false},
}

// walkEnds are what is done with the last pointer, in R6.
var walkEnds = []string{
	"r1 = r6; kfunc bpf_task_acquire; if r0 == 0 goto none; r1 = r0; kfunc bpf_task_release",
	"r1 = r6; kfunc bpf_cgroup_acquire; if r0 == 0 goto none; r1 = r0; kfunc bpf_cgroup_release",
	"r1 = r6; call skc_to_tcp_sock; if r0 == 0 goto none; r0 = *(u64 *)(r0 +64)",
	"r1 = r6; r2 = 0; call per_cpu_ptr; if r0 == 0 goto none; r0 = *(u32 *)(r0 +0)",
	"*(u32 *)(r6 +<tcp_sock.snd_cwnd>) = 1", "r7 = 1; lock *(u64 *)(r6 +0) += r7", "r0 = *(u64 *)(r6 +0)",
	"r1 = r10; r1 += -8; r2 = 8; r3 = r6; call probe_read_kernel", "r1 = r6; call task_pt_regs",
	"r1 = r6; r2 = <task_struct>; kfunc bpf_rdonly_cast; r0 = *(u64 *)(r0 +<task_struct.mm>)",
	"r1 = r6; r2 = 0; kfunc bpf_rdonly_cast; r0 += 12345; r0 = *(u64 *)(r0 +0)",
}

// program writes one program and says what it is for.
func (g *walkGen) program() controlRow {
	g.text.Reset()
	at := walkHooks[g.IntN(len(walkHooks))]
	g.line("r9 = r1; r6 = *(u64 *)(r9 +%d)", 8*at.arg)
	typ, _ := g.spec.Find(at.typ, btfx.KindStruct)
	inSection := false
	for steps := g.IntN(5); ; steps-- {
		if g.IntN(2) == 0 {
			g.line("if r6 == 0 goto none")
		}
		if g.IntN(3) == 0 {
			g.line("kfunc %s", map[bool]string{false: "bpf_rcu_read_lock", true: "bpf_rcu_read_unlock"}[inSection])
			inSection = !inSection
		}
		if steps == 0 {
			break
		}
		typ = g.step(typ)
	}
	g.line("%s", walkEnds[g.IntN(len(walkEnds))])
	g.line("none: r0 = 0")
	if inSection && g.IntN(4) != 0 {
		g.line("kfunc bpf_rcu_read_unlock")
	}
	g.line("exit")
	as := controlProgram{hook: at.hook}
	if at.sleep {
		as.flags = bytecode.FlagSleepable
	}
	return controlRow{text: g.text.String(), as: as}
}

// step follows a member, mostly one that is a pointer to a struct.
func (g *walkGen) step(id btfx.ID) btfx.ID {
	off, size, to := g.IntN(128), 8>>g.IntN(4), btfx.ID(0)
	if t := g.spec.Strip(id); t != nil && len(t.Members) > 0 && g.IntN(12) != 0 {
		for range 40 {
			m := t.Members[g.IntN(len(t.Members))]
			off, size = int(m.BitOffset/8), 8
			if ptr := g.spec.Strip(m.Type); ptr != nil && ptr.Kind == btfx.KindPtr {
				if s := g.spec.Strip(ptr.Type); s != nil && s.Kind == btfx.KindStruct {
					to = s.ID
					break
				}
			}
		}
	}
	if g.IntN(8) == 0 {
		g.line("*(u64 *)(r10 -16) = r6; r6 = *(u64 *)(r10 -16)")
	}
	g.line("r6 = *(u%d *)(r6 +%d)", 8*size, off)
	return to
}

// walkTests is how many programs are made.
const walkTests = 600

func TestRandomWalks(t *testing.T) {
	if !runningTarget() {
		t.Skip("no running 6.18 kernel to ask")
	}
	spec, err := kernelTypes()
	if err != nil {
		t.Fatal(err)
	}
	g := &walkGen{Rand: rand.New(rand.NewPCG(1, 618)), spec: spec}
	accepted := 0
	for i := range walkTests {
		row := g.program()
		p := row.program(t)
		v, err := verify.Program(context.Background(), p, &verify.Options{Target: catalog.Linux6_18.WithBTF(spec), Caps: catalog.CapsAll, LogLevel: verify.LogAll})
		line := ""
		if err != nil {
			line = err.Error()
		} else {
			accepted++
		}
		checkKernel(t, p, line)
		if t.Failed() {
			t.Fatalf("program %d, %s:\n%s\nSkep's log:\n%s", i, row.as.hook, row.text, logOf(v, err))
		}
	}
	if accepted < walkTests/20 {
		t.Errorf("%d of %d programs are accepted: too few to tell", accepted, walkTests)
	}
}
