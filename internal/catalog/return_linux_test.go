// This file compares return ranges with the running kernel.

package catalog

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/skepbpf/skep/internal/bytecode"
)

func TestReturnRangesAgainstKernel(t *testing.T) {
	k := needKernel(t)
	target := Linux6_18.WithBTF(k.btf)
	for _, e := range k.loadableEnvs(t) {
		rule := target.ReturnRange(e.Env)
		for _, ret := range []int32{-1, 0, 1, 2, 3, 4} {
			log, ok := e.load(k, movK(0, ret), exit)
			if want := !rule.Check || rule.Range.Min <= ret && ret <= rule.Range.Max; want != ok {
				t.Errorf("%v returns %d: rule %+v, kernel %v (%s)", e, ret, rule, ok, log)
			}
			if said := fmt.Sprintf("should have been in [%d, %d]", rule.Range.Min, rule.Range.Max); !ok && !k.said(said) {
				t.Errorf("%v returns %d: want %q, kernel: %s", e, ret, said, log)
			}
		}
		if log, ok := e.load(k, exit); ok != rule.NoRet {
			t.Errorf("%v returns nothing: rule %+v, kernel %v (%s)", e, rule, ok, log)
		}
	}
}

// FixAttach and LoadableAs against what loads at all.
func TestAttachTypesAgainstKernel(t *testing.T) {
	k := needKernel(t)
	for _, p := range Linux6_18.ProgTypes() {
		if p.BTFTarget || p.Type == bytecode.ProgMemory || p.Type == bytecode.ProgLircMode2 {
			continue
		}
		for attach := bytecode.AttachType(0); attach <= numAttachTypes; attach++ {
			e := liveEnv{Env: Env{Type: p.Type, Attach: attach}}
			if e.MustSleep() {
				e.Flags = bytecode.FlagSleepable
			}
			rule := Linux6_18.ReturnRange(e.Env)
			log, got := e.load(k, movK(0, rule.Range.Min), exit)
			if want := p.LoadableAs(attach); got != want {
				t.Errorf("%v as attach type %d: loadable %v, kernel %v (%s)", p.Type, attach, want, got, log)
			}
		}
	}
}

func TestSleepableAgainstKernel(t *testing.T) {
	k := needKernel(t)
	for _, e := range k.loadableEnvs(t) {
		e.Flags = bytecode.FlagSleepable
		_, ok := e.load(k, movK(0, Linux6_18.ReturnRange(e.Env).Range.Min), exit)
		if !ok && !k.said("programs can be sleepable") {
			continue // the attach target decided, not the type
		}
		if want := e.CanSleep(); ok != want {
			t.Errorf("%v: sleepable %v, kernel %v", e, want, ok)
		}
	}
}

// What loading asks for.
func TestCapsAgainstKernel(t *testing.T) {
	k := needKernel(t)
	for _, caps := range []Caps{CapsAll, CapBPF, CapBPF | CapNetAdmin, CapBPF | CapPerfmon, CapNetAdmin | CapPerfmon} {
		withCaps(t, caps, func() {
			for _, p := range Linux6_18.ProgTypes() {
				if p.BTFTarget || p.Type == bytecode.ProgMemory || p.Type == bytecode.ProgLircMode2 {
					continue
				}
				l := liveLoad{Type: p.Type, Insns: []bytecode.Insn{movK(0, 0), exit}}
				if p.Attach != nil {
					l.Attach = p.Attach[0]
				}
				_, errno := k.load(l)
				// Without CAP_BPF nothing loads where unprivileged BPF is off.
				want := caps.Has(p.Caps | CapBPF)
				if got := errno != unix.EPERM; got != want {
					t.Errorf("%v with capabilities %#x: may load %v, kernel %v (%v)", p.Type, caps, want, got, errno)
				}
			}
		})
	}
}
