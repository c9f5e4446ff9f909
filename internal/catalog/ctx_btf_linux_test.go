// This file compares BTF-typed arguments with the running kernel.

package catalog

import (
	"fmt"
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
)

// btfEnvs are programs on tracepoints, iterators and members of struct_ops.
func btfEnvs(t *testing.T, k *liveKernel) []liveEnv {
	var envs []liveEnv
	for id := btfx.ID(1); id < k.btf.NextID(); id++ {
		typ := k.btf.Type(id)
		e := Env{Type: bytecode.ProgTracing, AttachTo: typ.Name, Caps: CapsAll}
		switch {
		case typ.Kind == btfx.KindTypedef && strings.HasPrefix(typ.Name, "btf_trace_"):
			if tracepointArgs[typ.Name[len("btf_trace_"):]] == nil && id%8 != 0 {
				continue // a sample of the plain ones will do
			}
			e.Attach = AttachTraceRawTP
		case typ.Kind == btfx.KindFunc && iterArgs[strings.TrimPrefix(typ.Name, "bpf_iter_")] != nil:
			e.Attach = AttachTraceIter
		default:
			continue
		}
		envs = append(envs, liveEnv{e, id})
	}
	for _, e := range liveEnvs(t, k) {
		if e.Type == bytecode.ProgStructOps {
			e.Caps = CapsAll
			envs = append(envs, e)
		}
	}
	return loadable(k, envs)
}

func TestBTFArgumentsAgainstKernel(t *testing.T) {
	k := needKernel(t)
	target := Linux6_18.WithBTF(k.btf)
	envs, loads := btfEnvs(t, k), 0
	for _, e := range envs {
		a, err := target.AttachTarget(e.Env, e.btfID)
		if err != nil {
			t.Errorf("%v: %v", e, err)
			continue
		}
		for off := 0; off < 8*maxArgs; off += 8 {
			for _, size := range []int{8, 4} {
				loads++
				log, _ := e.load(k, ldx(bytecode.ModeMEM, size, off), movK(0, 0), exit)
				want := !k.said("invalid bpf_context access")
				arg, got := target.ArgAccess(e.Env, a, off, size)
				if got != want {
					t.Errorf("%v: load off=%d size=%d: allowed=%v, kernel %v (%s) %v", e, off, size, got, want, log, arg.Lines)
					break
				}
				for _, line := range append(arg.Lines, regInLog(arg, got, size)) {
					if !k.said(line) {
						t.Errorf("%v: load off=%d size=%d: kernel does not say %q: %s", e, off, size, line, log)
					}
				}
				if !got {
					break
				}
			}
			if k.said("doesn't have") {
				break
			}
		}
	}
	atLeast(t, 1000, loads, "loads")
}

// regInLog is how the log begins to print the value.
func regInLog(a ArgType, loaded bool, size int) string {
	if !loaded {
		return ""
	}
	null := ""
	if a.Flags&PtrMaybeNull != 0 {
		null = "or_null_"
	}
	switch a.Kind {
	case ValueScalar:
		return "R2=scalar("
	case ValueBuf:
		if a.Flags&PtrRdonly != 0 {
			return "R2=rdonly_buf_or_null("
		}
		return "R2=buf_or_null("
	}
	prefix := ""
	for _, f := range []struct {
		flag PtrFlags
		text string
	}{{PtrUser, "user_"}, {PtrPercpu, "percpu_"}, {PtrTrusted, "trusted_"}} {
		if a.Flags&f.flag != 0 {
			prefix += f.text
		}
	}
	return fmt.Sprintf("R2=%sptr_%s%s(", prefix, null, a.Spec.Type(a.ID).Name)
}
