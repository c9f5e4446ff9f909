// This file compares the helper grants with the running kernel, cell by cell.

package catalog

import (
	"fmt"
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
)

// liveEnv is a program environment that the running kernel can be asked about.
type liveEnv struct {
	Env
	btfID btfx.ID
}

func (e liveEnv) String() string {
	return fmt.Sprintf("%d/%d/%s/flags=%#x", e.Type, e.Attach, e.AttachTo, e.Flags)
}

func (e liveEnv) load(k *liveKernel, insns ...bytecode.Insn) (string, bool) {
	log, errno := k.load(liveLoad{Type: e.Type, Attach: e.Attach, BTFID: e.btfID, Flags: e.Flags, Insns: insns})
	return log, errno == 0
}

// liveEnvs are the environments that load here: every type with every attach
// type that the kernel takes for it and that changes something.
func liveEnvs(t *testing.T, k *liveKernel) []liveEnv {
	t.Helper()
	var envs []liveEnv
	add := func(e Env, id btfx.ID) { envs = append(envs, liveEnv{e, id}) }
	attachMatters := map[bytecode.ProgType]bool{
		bytecode.ProgCgroupSKB: true, bytecode.ProgCgroupSock: true, bytecode.ProgCgroupSockAddr: true,
		bytecode.ProgCgroupSockopt: true, bytecode.ProgSKReuseport: true,
		bytecode.ProgSKLookup: true, bytecode.ProgNetfilter: true,
	}
	for typ := bytecode.ProgSocketFilter; typ <= bytecode.ProgNetfilter; typ++ {
		for attach := bytecode.AttachType(0); attach < numAttachTypes; attach++ {
			if attach == 0 || attachMatters[typ] {
				add(Env{Type: typ, Attach: attach}, 0)
			}
		}
	}
	add(Env{Type: bytecode.ProgKprobe, Flags: bytecode.FlagSleepable}, 0)
	for _, a := range concat(kprobeMulti, uprobeCookie) {
		add(Env{Type: bytecode.ProgKprobe, Attach: a}, 0)
	}
	for _, a := range []bytecode.AttachType{AttachCgroupInetSockCreate, AttachCgroupSockOps, AttachCgroupUDP4Recvmsg} {
		add(Env{Type: bytecode.ProgSockOps, Attach: a}, 0)
	}
	for _, a := range []bytecode.AttachType{AttachXDP, AttachXDPCPUMap, AttachXDPDevmap} {
		add(Env{Type: bytecode.ProgXDP, Attach: a}, 0)
	}
	add(Env{Type: bytecode.ProgSyscall, Flags: bytecode.FlagSleepable}, 0)
	find := func(name string, kind btfx.Kind) btfx.ID {
		id, ok := k.btf.Find(name, kind)
		if !ok {
			t.Fatalf("kernel BTF has no %s", name)
		}
		return id
	}
	add(Env{Type: bytecode.ProgTracing, Attach: AttachTraceRawTP, AttachTo: "sched_switch"},
		find("btf_trace_sched_switch", btfx.KindTypedef))
	for _, it := range []string{"task", "unix", "tcp", "udp", "bpf_map_elem"} {
		add(Env{Type: bytecode.ProgTracing, Attach: AttachTraceIter, AttachTo: "bpf_iter_" + it},
			find("bpf_iter_"+it, btfx.KindFunc))
	}
	for _, ops := range []string{"tcp_congestion_ops", "bpf_dummy_ops"} {
		id := find(ops, btfx.KindStruct)
		for i, m := range k.btf.Type(id).Members {
			add(Env{Type: bytecode.ProgStructOps, Attach: bytecode.AttachType(i), AttachTo: ops + "." + m.Name}, id)
		}
	}
	return envs
}

// loadableEnvs are the environments whose programs reach the verifier's walk.
func (k *liveKernel) loadableEnvs(t *testing.T) []liveEnv {
	if k.envs == nil {
		k.envs = loadable(k, liveEnvs(t, k))
	}
	return k.envs
}

// loadable keeps those of envs.
func loadable(k *liveKernel, envs []liveEnv) []liveEnv {
	var out []liveEnv
	for _, e := range envs {
		log, ok := e.load(k, movK(0, 0), exit)
		if !ok && !strings.Contains(log, "At program exit") {
			continue
		}
		out = append(out, e)
	}
	return out
}

// machineOnly are helpers that this configuration hides: the reason is not a
// rule of the version.
var machineOnly = map[string]string{
	"bpf_override_return":  "needs CONFIG_BPF_KPROBE_OVERRIDE",
	"bpf_probe_write_user": "lockdown",
}

func TestGrantsAgainstKernel(t *testing.T) {
	k := needKernel(t)
	target := Linux6_18.WithBTF(k.btf)
	all := liveEnvs(t, k)
	for name, caps := range map[string]Caps{
		"no sys_admin":      CapsAll &^ CapSysAdmin,
		"bpf and net_admin": CapBPF | CapNetAdmin,
		"bpf":               CapBPF,
	} {
		t.Run(name, func(t *testing.T) {
			withCaps(t, caps, func() { compareGrants(t, k, target, all, caps) })
		})
	}
}

func compareGrants(t *testing.T, k *liveKernel, target *Target, all []liveEnv, caps Caps) {
	envs := loadable(k, all)
	cells := 0
	for _, e := range envs {
		e.Caps = caps
		for num := int32(0); num <= NumHelpers; num++ {
			log, _ := e.load(k, call(num), movK(0, 0), exit)
			p, got := target.Helper(e.Env, num)
			if p != nil && machineOnly[p.Name] != "" {
				continue
			}
			cells++
			if want := grantOfLog(log); got != want && !(want == Granted && got == NotInProbe) {
				t.Errorf("%v %s#%d: grant %d, kernel %d (%s)", e, HelperName(num), num, got, want, log)
			}
		}
	}
	atLeast(t, 1000, cells, "cells")
}

func grantOfLog(log string) Grant {
	switch {
	case strings.Contains(log, "invalid func unknown"):
		return NoSuchHelper
	case strings.Contains(log, "program of this type cannot use helper"):
		return NotGranted
	}
	return Granted
}
