// This file defines what is known of kernel functions that programs call by
// their BTF id: flags, and which programs may call them.

package catalog

import "github.com/skepbpf/skep/internal/bytecode"

// KfuncFlags are a kfunc's flags; BTF does not have them.
type KfuncFlags uint32

// Flags of kfuncs (include/linux/btf.h), with the kernel's bits.
const (
	KfAcquire KfuncFlags = 1 << iota
	KfRelease
	KfRetNull
	_ // KF_KPTR_GET, until 6.3
	KfTrustedArgs
	KfSleepable
	KfDestructive
	KfRCU
	KfIterNew
	KfIterNext
	KfIterDestroy
	KfRCUProtected
	KfFastcall
	KfArenaRet
	KfArenaArg1
	KfArenaArg2
)

// KfuncHook is a set of groups of program types that kfuncs are registered
// for.
type KfuncHook uint32

// Groups of program types.
const (
	HookCommon KfuncHook = 1 << iota // every type
	HookXDP
	HookTC
	HookStructOps
	HookTracing // tracing, tracepoint, perf_event, LSM
	HookSyscall
	HookCgroup // cgroup_*, sock_ops
	HookSchedAct
	HookSKSKB
	HookSocketFilter
	HookLWT
	HookNetfilter
	HookKprobe
)

// Kfunc is a kernel function that programs may call. Its prototype is in the
// target's BTF.
type Kfunc struct {
	Name  string
	Flags KfuncFlags
	Hooks KfuncHook
	Since Version
	// only narrows the hooks down; nil is no more than they say.
	only func(Env) bool
}

// Kfunc returns the row of a kfunc; nil for names that t does not have. ok is
// whether programs in e may call it: "calling kernel function %s is not
// allowed".
func (t *Target) Kfunc(e Env, name string) (k *Kfunc, ok bool) {
	k = t.kfunc(name)
	if k == nil {
		return nil, false
	}
	if k.only != nil && !k.only(e) {
		return k, false
	}
	return k, k.Hooks&(HookCommon|kfuncHooks[e.Type]) != 0
}

// kfunc is the row of a kernel's or a module's function, or nil.
func (t *Target) kfunc(name string) *Kfunc {
	if k := kfuncs[name]; k != nil && k.Since <= t.Version {
		return k
	}
	return t.moduleKfuncs[name]
}

// KfuncNames returns the names of all kfuncs that t has, in no order.
func (t *Target) KfuncNames() []string {
	var names []string
	for _, k := range kfuncs {
		if k.Since <= t.Version {
			names = append(names, k.Name)
		}
	}
	return names
}

// kfuncHooks is the group of each type; types that are absent call what every
// type may.
var kfuncHooks = map[bytecode.ProgType]KfuncHook{
	bytecode.ProgXDP:            HookXDP,
	bytecode.ProgSchedCLS:       HookTC,
	bytecode.ProgStructOps:      HookStructOps,
	bytecode.ProgTracing:        HookTracing,
	bytecode.ProgTracepoint:     HookTracing,
	bytecode.ProgPerfEvent:      HookTracing,
	bytecode.ProgLSM:            HookTracing,
	bytecode.ProgSyscall:        HookSyscall,
	bytecode.ProgCgroupSKB:      HookCgroup,
	bytecode.ProgCgroupSock:     HookCgroup,
	bytecode.ProgCgroupDevice:   HookCgroup,
	bytecode.ProgCgroupSockAddr: HookCgroup,
	bytecode.ProgCgroupSockopt:  HookCgroup,
	bytecode.ProgCgroupSysctl:   HookCgroup,
	bytecode.ProgSockOps:        HookCgroup,
	bytecode.ProgSchedACT:       HookSchedAct,
	bytecode.ProgSKSKB:          HookSKSKB,
	bytecode.ProgSocketFilter:   HookSocketFilter,
	bytecode.ProgLWTOut:         HookLWT,
	bytecode.ProgLWTIn:          HookLWT,
	bytecode.ProgLWTXmit:        HookLWT,
	bytecode.ProgLWTSeg6local:   HookLWT,
	bytecode.ProgNetfilter:      HookNetfilter,
	bytecode.ProgKprobe:         HookKprobe,
}

func onlyLSM(e Env) bool  { return e.Type == bytecode.ProgLSM }
func onlyIter(e Env) bool { return e.Attach == AttachTraceIter }
func onlySession(e Env) bool {
	return e.Attach == AttachTraceKprobeSession || e.Attach == AttachTraceUprobeSession
}

var kfuncs = indexKfuncs()

func indexKfuncs() map[string]*Kfunc {
	m := make(map[string]*Kfunc, len(kfuncTable))
	for i := range kfuncTable {
		m[kfuncTable[i].Name] = &kfuncTable[i]
	}
	return m
}
