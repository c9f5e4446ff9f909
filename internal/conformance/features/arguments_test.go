// This file defines the test of kernel functions' arguments: every function that
// the running kernel lets a program call, with fitting arguments or, by -vary,
// every kind of argument in each place. Skep's verdict and reason are the
// kernel's.

package features

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/conformance"
	"github.com/skepbpf/skep/internal/live"
	"github.com/skepbpf/skep/internal/verify"
)

var (
	kfuncs = flag.String("kfuncs", "", "only kernel functions that match this regular expression")
	vary   = flag.Bool("vary", false, "every kind of argument in each place: 50,000 programs, some minutes")
)

// arguments puts programs to both verifiers and counts what comes of it.
type arguments struct {
	*testing.T
	target    *catalog.Target
	types     *btfx.Spec
	functions map[string]btfx.ID
	prologue  []bytecode.Insn

	kernel             *live.Set // of one function's programs
	programs, accepted int
}

func TestArguments(t *testing.T) {
	if testing.Short() {
		t.Skip("thousands of programs")
	}
	if err := live.Available(); err != nil {
		t.Skipf("needs a live kernel: %v", err)
	}
	env, err := conformance.RunningEnv()
	if err != nil {
		t.Skipf("needs a live kernel's types: %v", err)
	}
	target, err := catalog.Lookup("linux-" + release)
	if err != nil {
		t.Fatal(err)
	}
	a := &arguments{
		T: t, target: target.WithBTF(env.BTF), types: env.BTF,
		functions: kernelFunctions(env.BTF), prologue: prologue(env.BTF),
	}
	only := regexp.MustCompile(*kfuncs)
	for name := range a.functions {
		if only.MatchString(name) {
			a.function(name)
		}
	}
	t.Logf("%d programs, of which Linux accepts %d", a.programs, a.accepted)
}

// kernelFunctions are the functions that the kernel's types tag, by name.
func kernelFunctions(types *btfx.Spec) map[string]btfx.ID {
	out := map[string]btfx.ID{}
	for id := btfx.ID(1); id < types.NextID(); id++ {
		if t := types.Type(id); t.Kind == btfx.KindFunc && slices.Contains(types.DeclTags(id, -1), "bpf_kfunc") {
			out[t.Name] = id
		}
	}
	return out
}

// function calls one function from programs of all types that may.
func (a *arguments) function(name string) {
	a.kernel = live.NewSet()
	defer a.kernel.Close()
	params := a.types.Strip(a.types.Type(a.functions[name]).Type).Params
	usual := make([]int, min(len(params), 5))
	for i := range usual {
		usual[i] = usualOperand(a.types, params[i])
	}
	for _, host := range hosts(a.types) {
		if _, ok := a.target.Kfunc(catalog.Env{Type: host.Type, Attach: host.ExpectedAttach, AttachTo: host.AttachTo, Flags: host.Flags, Caps: catalog.CapsAll}, name); !ok {
			continue
		}
		a.calls(host, name, usual)
		if *vary {
			a.varied(host, name, usual)
		}
	}
}

// varied replaces each argument by every operand.
func (a *arguments) varied(host bytecode.Program, name string, usual []int) {
	for i := range usual {
		for o := range operands {
			args := slices.Clone(usual)
			args[i] = o
			a.calls(host, name, args)
		}
	}
}

// calls makes the programs with one choice of arguments.
func (a *arguments) calls(host bytecode.Program, name string, args []int) {
	for _, f := range followUps {
		a.compare(host, name, args, f)
	}
}

// compare puts one program to both verifiers.
func (a *arguments) compare(host bytecode.Program, name string, args []int, f followUp) {
	code, ok := a.program(name, args, f)
	if !ok {
		return
	}
	host.Insns = code
	what := fmt.Sprintf("%s(%s), %s, in a program of type %s", name, operandNames(args), f.name, host.Name)
	k, err := a.kernel.Load(&host, live.LoadOptions{LogLevel: 1})
	if err != nil {
		a.Fatalf("%s: %v", what, err)
	}
	if !k.Accepted() && !k.Rejected() {
		return // before the verifier looked
	}
	a.programs++
	if k.Accepted() {
		a.accepted++
	}
	_, err = verify.Program(context.Background(), &host, &verify.Options{Target: a.target, Caps: catalog.CapsAll, LogLevel: verify.LogLevel(1)})
	var rejection *verify.Rejection
	switch {
	case err == nil && k.Accepted():
	case err == nil:
		a.Errorf("%s: accepted; Linux: %s", what, k.Line())
	case !errors.As(err, &rejection):
		a.Errorf("%s: %v; Linux: %s", what, err, k.Line())
	case k.Accepted():
		a.Errorf("%s: %s; Linux accepts it", what, rejection.Line)
	case rejection.Line != k.Line():
		a.Errorf("%s:\n  linux %s\n  skep  %s", what, k.Line(), rejection.Line)
	}
}

func operandNames(args []int) string {
	names := make([]string, len(args))
	for i, o := range args {
		names[i] = operands[o].name
	}
	return strings.Join(names, ", ")
}
