// This file tests the classes of mistakes by which verifiers, the kernel's
// among them, have accepted unsafe programs. Each row has a program that must
// be refused, and one close to it that must not be.

package verify_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/bytecode"
	"github.com/skepbpf/skep/internal/catalog"
	"github.com/skepbpf/skep/internal/engine"
	"github.com/skepbpf/skep/internal/helper"
	"github.com/skepbpf/skep/internal/live"
	"github.com/skepbpf/skep/internal/lower"
	"github.com/skepbpf/skep/internal/maps"
	"github.com/skepbpf/skep/internal/shadow"
	"github.com/skepbpf/skep/internal/verify"
	"github.com/skepbpf/skep/world"
)

// soundness is one row: an XDP program that is unsafe, the reason, word for
// word the kernel's, and a program near it that is safe.
type soundness struct {
	name string
	bad  string
	line string
	good string
	// kernelErrs: the kernel accepts bad too when it stores many states.
	kernelErrs bool
	// kernelWrong: the kernel accepts bad.
	kernelWrong bool
}

// soundnessMaps are the maps that programs may name.
var soundnessMaps = map[string]bytecode.MapSpec{
	"small":  {Type: bytecode.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 2},
	"large":  {Type: bytecode.MapArray, KeySize: 4, ValueSize: 64, MaxEntries: 1},
	"hash":   {Type: bytecode.MapHash, KeySize: 8, ValueSize: 16, MaxEntries: 4},
	"events": {Type: bytecode.MapRingbuf, MaxEntries: 4096},
	"users":  {Type: bytecode.MapUserRingbuf, MaxEntries: 4096},
	"format": {Type: bytecode.MapArray, KeySize: 4, ValueSize: 4, MaxEntries: 1, Flags: bytecode.MapRdonlyProg, Contents: []byte("%d"), Frozen: true},
	"progs":  {Type: bytecode.MapProgArray, KeySize: 4, ValueSize: 4, MaxEntries: 2},
}

// TestSoundness: every row in both densities of stored states.
func TestSoundness(t *testing.T) {
	r := newSoundnessRun(t)
	for _, group := range []struct {
		name string
		rows []soundness
	}{
		{"precision", precisionRows},
		{"scalars", scalarRows},
		{"stack", stackRows},
		{"slots", slotRows},
		{"loops", loopRows},
		{"packets", packetRows},
		{"pointers", pointerRows},
		{"references", referenceRows},
		{"dynptrs", dynptrSoundness},
		{"functions", functionRows},
	} {
		for _, row := range group.rows {
			t.Run(group.name+"/"+row.name, func(t *testing.T) { r.check(t, row) })
		}
	}
}

// soundnessRun has what the rows share.
type soundnessRun struct {
	kernel bool
	pool   *engine.Pool
	fake   *world.Fake
	funcs  *engine.Funcs
}

func newSoundnessRun(t *testing.T) *soundnessRun {
	fake := world.NewFake()
	pool, err := engine.NewPool(engine.Host{World: fake.World()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	r := &soundnessRun{pool: pool, fake: fake, funcs: helper.Bodies()}
	r.kernel = live.Available() == nil && strings.HasPrefix(live.Release(), "6.18.")
	if !r.kernel {
		t.Log("without a live 6.18 kernel: the verdicts are Skep's alone")
	}
	return r
}

func (r *soundnessRun) check(t *testing.T, row soundness) {
	for _, flags := range []uint32{0, bytecode.FlagTestStateFreq} {
		bad, good := makeProgram(t, row.bad, flags), makeProgram(t, row.good, flags)
		r.verdict(t, bad, row.line, row.kernelWrong || row.kernelErrs && flags != 0)
		if v := r.verdict(t, good, "", false); v != nil {
			r.runSeveral(t, v)
		}
	}
}

// verdict checks that Skep and the running kernel give the same reason; "" is
// none. It gives the program if Skep accepts it.
func (r *soundnessRun) verdict(t *testing.T, p *bytecode.Program, want string, kernelErrs bool) *verify.Verified {
	t.Helper()
	v, err := verify.Program(context.Background(), p, &verify.Options{
		Target: catalog.Linux6_18, Caps: catalog.CapsAll, KeepStates: true, LogLevel: verify.LogAll,
	})
	got := ""
	if err != nil {
		got = err.Error()
	}
	if got != want {
		t.Errorf("flags %#x: Skep's reason: %q, want %q\n%s", p.Flags, got, want, logOf(v, err))
	}
	if r.kernel && !kernelErrs {
		checkKernel(t, p, want)
	}
	return v
}

func logOf(v *verify.Verified, err error) string {
	var r *verify.Rejection
	switch {
	case v != nil:
		return v.Log()
	case errors.As(err, &r):
		return r.Log
	}
	return ""
}

// checkKernel loads the program.
func checkKernel(t *testing.T, p *bytecode.Program, want string) {
	t.Helper()
	set := live.NewSet()
	defer set.Close()
	res, err := set.Load(p, live.LoadOptions{LogLevel: uint32(verify.LogAll)})
	if err != nil {
		t.Fatalf("asking the kernel: %v", err)
	}
	got := ""
	if !res.Accepted() {
		got = res.Line()
	}
	if got != want {
		t.Errorf("flags %#x: the kernel's reason (errno %d): %q, want %q\n%s", p.Flags, res.Errno, got, want, res.Log)
	}
}

// runSeveral runs an accepted program on several inputs in both interpreters.
// The checked one repeats the verifier's step after every instruction.
func (r *soundnessRun) runSeveral(t *testing.T, v *verify.Verified) {
	t.Helper()
	follow, err := shadow.Of(v)
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(8) {
		plain := r.run(t, v, engine.Interpreter{}, seed)
		checked := r.run(t, v, engine.Checked{Shadow: follow}, seed)
		if plain != checked {
			t.Errorf("seed %d: the interpreter gives %#x, the checked one %#x", seed, plain, checked)
		}
	}
}

func (r *soundnessRun) run(t *testing.T, v *verify.Verified, e engine.Executable, seed uint64) uint64 {
	t.Helper()
	env := &lower.Env{Func: func(id catalog.FuncID) (int32, bool) { return r.funcs.Number(string(id)) }}
	var ms []*maps.Map
	for _, spec := range v.Prog().Maps {
		m, err := maps.New(&maps.Env{CPUs: r.pool.Size(), Defer: r.pool}, spec)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Release()
		ms = append(ms, m)
		env.Maps = append(env.Maps, engine.Ref(m))
	}
	code, err := lower.Program(v, env)
	if err != nil {
		t.Skipf("verified, but not run: %v", err)
	}
	p, err := engine.NewProgram(code, r.funcs, ms, e)
	if err != nil {
		t.Fatal(err)
	}
	r.fake.Seed(seed)
	s := r.pool.Lease()
	defer s.Release()
	s.XDP(p, packet(seed))
	r0, err := p.Run(s, s.ContextAddr(), 0)
	if err != nil {
		t.Fatalf("seed %d: %v\n%s", seed, err, v.Log())
	}
	return r0
}

// packet is one of several packets, of different lengths.
func packet(seed uint64) []byte {
	p := make([]byte, 14+seed*10)
	for i := range p {
		p[i] = byte(seed*31 + uint64(i)*7)
	}
	return p
}

// makeProgram assembles an XDP program.
func makeProgram(t *testing.T, text string, flags uint32) *bytecode.Program {
	t.Helper()
	a, err := assemble(text)
	if err != nil {
		t.Fatal(err)
	}
	p := &bytecode.Program{Name: "soundness", Type: bytecode.ProgXDP, License: "GPL", Flags: flags, Insns: a.insns, Maps: a.maps}
	if len(a.funcs) > 0 && a.funcs[0].start > 0 {
		a.funcs = append([]function{{name: "main", global: true, params: []string{"ctx"}}}, a.funcs...)
	}
	if len(a.funcs) > 0 {
		p.BTF = functionTypes(t, a.funcs)
		for _, f := range a.funcs {
			ids := p.BTF.Named(f.name)
			p.FuncInfos = append(p.FuncInfos, bytecode.FuncInfo{Insn: uint32(f.start), TypeID: ids[0]})
		}
	}
	return p
}

// functionTypes describes the program's functions in BTF.
func functionTypes(t *testing.T, funcs []function) *btfx.Spec {
	t.Helper()
	integer := &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}
	long := &btf.Int{Name: "long", Size: 8, Encoding: btf.Signed}
	words := &btf.Struct{Name: "words", Size: 16, Members: []btf.Member{{Name: "a", Type: long}, {Name: "b", Type: long, Offset: 64}}}
	params := map[string]btf.Type{
		"int": integer, "long": long, "words": &btf.Pointer{Target: words},
		"ctx": &btf.Pointer{Target: &btf.Struct{Name: "xdp_md", Size: 4, Members: []btf.Member{{Name: "data", Type: integer}}}},
	}
	var types []btf.Type
	for _, f := range funcs {
		proto := &btf.FuncProto{Return: integer}
		for i, p := range f.params {
			if params[p] == nil {
				t.Fatalf("%s: no type %q", f.name, p)
			}
			proto.Params = append(proto.Params, btf.FuncParam{Name: string(rune('a' + i)), Type: params[p]})
		}
		fn := &btf.Func{Name: f.name, Type: proto, Linkage: btf.StaticFunc}
		if f.global {
			fn.Linkage = btf.GlobalFunc
		}
		types = append(types, fn)
	}
	b, err := btf.NewBuilder(types, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := b.Marshal(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := btfx.Parse(raw, nil)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}
