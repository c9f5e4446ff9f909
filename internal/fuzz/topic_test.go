// This file tests the topics of generated programs.

package fuzz

import (
	"testing"

	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/conformance"
	"github.com/skepbpf/skep/internal/live"
)

// target has the types of the running kernel.
func target(t *testing.T) *catalog.Target {
	t.Helper()
	if err := live.Available(); err != nil {
		t.Skipf("needs a live kernel: %v", err)
	}
	env, err := conformance.RunningEnv()
	if err != nil {
		t.Skipf("needs the types of the running kernel: %v", err)
	}
	return catalog.Linux6_18.WithBTF(env.BTF)
}

// Each topic by itself gives programs of which the kernel accepts some and
// rejects some, and Skep does the same.
func TestTopics(t *testing.T) {
	linux := target(t)
	for i, name := range topicNames[1:] {
		t.Run(name, func(t *testing.T) {
			const n = 60
			r := checkRun(t, Options{N: n, Seed: uint64(40 + i), Target: linux, Topics: Core << (i + 1)})
			if r.Kernel < n/5 || r.Kernel > 4*n/5 {
				t.Errorf("the kernel accepts %d of %d: want between 20 and 80 %%", r.Kernel, n)
			}
		})
	}
}

// The mix has all topics.
func TestMixedTopics(t *testing.T) {
	linux := target(t)
	o := Options{Seed: 30, Target: linux}
	r := newReport(o.Seed)
	for i := range 400 {
		r.countKfuncs(o.Sample(i).Prog, linux.BTF)
	}
	for _, name := range []string{
		"bpf_iter_num_next", "bpf_iter_task_new", "bpf_dynptr_slice", "bpf_dynptr_clone", "bpf_dynptr_from_xdp",
		"bpf_local_irq_save", "bpf_preempt_disable", "bpf_rcu_read_lock", "bpf_res_spin_lock", "bpf_res_spin_lock_irqsave",
		"bpf_task_release", "bpf_cgroup_release", "bpf_cpumask_release", "bpf_strlen", "bpf_throw", "bpf_obj_new_impl", "bpf_list_pop_front",
	} {
		if r.Kfuncs[name] == 0 {
			t.Errorf("no program calls %s", name)
		}
	}
}

func TestParseTopics(t *testing.T) {
	for _, tt := range []struct {
		list string
		want Topics
		ok   bool
	}{
		{"", 0, true},
		{"all", allTopics, true},
		{"core", Core, true},
		{"locks,dynptrs", Locks | Dynptrs, true},
		{"locks,", 0, false},
		{"nothing", 0, false},
	} {
		if got, err := ParseTopics(tt.list); got != tt.want || (err == nil) != tt.ok {
			t.Errorf("ParseTopics(%q) = %#x, %v", tt.list, got, err)
		}
	}
}
