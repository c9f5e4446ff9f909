// This file compares kfuncs with the running kernel.

package catalog

import (
	"fmt"
	"slices"
	"testing"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
)

// liveKfuncs are the functions that the kernel's BTF tags, by name.
func liveKfuncs(k *liveKernel) map[string]btfx.ID {
	out := map[string]btfx.ID{}
	for id := btfx.ID(1); id < k.btf.NextID(); id++ {
		if typ := k.btf.Type(id); typ.Kind == btfx.KindFunc && slices.Contains(k.btf.DeclTags(id, -1), "bpf_kfunc") {
			out[typ.Name] = id
		}
	}
	return out
}

// notCallable are tagged for tests of fmod_ret, not to be called.
var notCallable = []string{"bpf_fentry_test1", "bpf_modify_return_test", "bpf_modify_return_test2"}

func TestKfuncsAgainstKernel(t *testing.T) {
	k := needKernel(t)
	funcs := liveKfuncs(k)
	seen := map[bytecode.ProgType]bool{}
	cells := 0
	for _, e := range k.loadableEnvs(t) {
		e.Caps = CapsAll
		if seen[e.Type] && e.Type != bytecode.ProgKprobe && e.Type != bytecode.ProgTracing {
			continue
		}
		seen[e.Type] = true
		for name, id := range funcs {
			if slices.Contains(notCallable, name) {
				continue
			}
			log, _ := e.load(k, bytecode.Insn{Op: bytecode.ClassJMP | bytecode.JmpCall, Src: bytecode.PseudoKfuncCall, Imm: int32(id)}, movK(0, 0), exit)
			if k.said("metadata kfuncs require device-bound program") {
				continue // which is checked first
			}
			cells++
			want := !k.said(fmt.Sprintf("calling kernel function %s is not allowed", name))
			f, got := Linux6_18.Kfunc(e.Env, name)
			switch {
			case f == nil:
				t.Errorf("%s: not in the table", name)
				delete(funcs, name)
			case got != want:
				t.Errorf("%v: may call %s: %v, kernel %v (%s)", e, name, got, want, log)
			case want && !e.Sleepable() && k.said("program must be sleepable to call sleepable kfunc") != (f.Flags&KfSleepable != 0):
				t.Errorf("%v: %s sleeps: %v (%s)", e, name, f.Flags&KfSleepable != 0, log)
			}
		}
	}
	atLeast(t, 5000, cells, "cells")
}
