// This file tests functions made by reflection: what their types mean, what is
// refused, and calls of their adapters.

package kfunc_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"unsafe"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/kfunc"
)

type user struct {
	ID   uint32
	Name string
}

type session struct {
	ID    uint32
	Owner *user `skep:"trusted"`
	Refs  int64
}

func (s *session) Get() { s.Refs++ }
func (s *session) Put() { s.Refs-- }

// runtime is what an engine would be: addresses are those of Go objects that
// the test holds.
type runtime struct {
	kept     map[unsafe.Pointer]bool
	drop     map[unsafe.Pointer]func()
	released []unsafe.Pointer
	failed   error
}

func newRuntime(objects ...unsafe.Pointer) *runtime {
	r := &runtime{kept: map[unsafe.Pointer]bool{}, drop: map[unsafe.Pointer]func(){}}
	for _, o := range objects {
		r.kept[o] = true
	}
	return r
}

func (r *runtime) Pointer(addr uint64) unsafe.Pointer {
	for p := range r.kept {
		if uint64(uintptr(p)) == addr {
			return p
		}
	}
	return nil
}
func (r *runtime) Root(p unsafe.Pointer)                 { r.kept[p] = true }
func (r *runtime) Acquire(p unsafe.Pointer, drop func()) { r.kept[p], r.drop[p] = true, drop }
func (r *runtime) Release(p unsafe.Pointer)              { r.released = append(r.released, p) }
func (r *runtime) Map(uint64) kfunc.Map                  { return nil }
func (r *runtime) Dynptr(uint64) kfunc.Dynptr            { return kfunc.Dynptr{Data: []byte("dyn")} }
func (r *runtime) Program() *kfunc.Prog                  { return &kfunc.Prog{Name: "caller"} }

func (r *runtime) Fail(err error) { r.failed = err }

func addr[T any](p *T) uint64 { return uint64(uintptr(unsafe.Pointer(p))) }

func mustNew(t *testing.T, name string, fn any, opts ...kfunc.Option) *kfunc.Func {
	t.Helper()
	f, err := kfunc.New(name, fn, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestCalls(t *testing.T) {
	mem, s, word := make([]byte, 8), &session{ID: 7}, new(uint32)
	str := []byte("hello\x00")
	for name, row := range map[string]struct {
		fn   any
		args [5]uint64
		want uint64
	}{
		"numbers":         {func(a int8, b uint16, c bool) int64 { return int64(a) * int64(b) * int64(kfunc.Bool(c)) }, [5]uint64{0xff, 0x10003, 1}, ^uint64(2)},
		"negative result": {func() int32 { return -5 }, [5]uint64{}, ^uint64(4)},
		"bytes":           {func(b []byte) int { copy(b, "abc"); return len(b) }, [5]uint64{addr(&mem[0]), 5}, 5},
		"elements":        {func(b []uint32) int { return len(b) }, [5]uint64{addr(&mem[0]), 7}, 1},
		"no bytes":        {func(b kfunc.OptBytes) bool { return b == nil }, [5]uint64{0, 0}, 1},
		"constant length": {func(b kfunc.ConstLen) int { return len(b) }, [5]uint64{addr(&mem[0]), 3}, 3},
		"memory":          {func(p *uint32) { *p = 9 }, [5]uint64{addr(word)}, 0},
		"object":          {func(s *session) uint32 { return s.ID }, [5]uint64{addr(s)}, 7},
		"null":            {func(s kfunc.Nullable[*session]) bool { return s.Get() == nil }, [5]uint64{0}, 1},
		"rcu":             {func(s kfunc.RCU[*session]) uint32 { return s.Get().ID }, [5]uint64{addr(s)}, 7},
		"constant":        {func(k kfunc.Const[uint8]) uint8 { return k.Get() }, [5]uint64{0x101}, 1},
		"string":          {func(s string) int { return len(s) }, [5]uint64{addr(&str[0])}, 5},
		"ignored":         {func(kfunc.Ignored[*session], uint32) {}, [5]uint64{3, 4}, 0},
		"program":         {func(p *kfunc.Prog) int { return len(p.Name) }, [5]uint64{}, 6},
		"dynptr":          {func(d kfunc.Dynptr) int { return len(d.Data) }, [5]uint64{1}, 3},
		"no error":        {func() error { return nil }, [5]uint64{}, 0},
		"error":           {func() error { return fs.ErrNotExist }, [5]uint64{}, ^uint64(1)},
		"other error":     {func() error { return errors.New("x") }, [5]uint64{}, ^uint64(21)},
		"result":          {func() *session { return s }, [5]uint64{}, addr(s)},
		"nil result":      {func() kfunc.Nullable[*session] { return kfunc.OrNil[*session](nil) }, [5]uint64{}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			f := mustNew(t, "f", row.fn)
			c := &kfunc.Call{Args: row.args, Runtime: newRuntime(unsafe.Pointer(&mem[0]), unsafe.Pointer(s), unsafe.Pointer(word), unsafe.Pointer(&str[0]))}
			f.Call(c)
			if c.Result != row.want {
				t.Errorf("result %#x, want %#x", c.Result, row.want)
			}
		})
	}
	if *word != 9 || string(mem[:3]) != "abc" {
		t.Error("memory was not written")
	}
}

// References are noted when they are made and when they are given up, and
// taken back by the object itself where it counts.
func TestReferences(t *testing.T) {
	s, r := &session{}, newRuntime()
	get := mustNew(t, "get", func() kfunc.AcquiredOrNil[*session] { s.Get(); return kfunc.AcquireOrNil(s) })
	put := mustNew(t, "put", func(x kfunc.Released[*session]) { x.Get().Put() })
	c := &kfunc.Call{Runtime: r}
	get.Call(c)
	p := unsafe.Pointer(s)
	if c.Result != addr(s) || !r.kept[p] || s.Refs != 1 {
		t.Fatalf("result %#x, kept %v, %d references", c.Result, r.kept, s.Refs)
	}
	r.drop[p]()
	if s.Refs != 0 {
		t.Errorf("%d references after the run dropped it", s.Refs)
	}
	s.Refs, c.Args[0] = 1, c.Result
	put.Call(c)
	if len(r.released) != 1 || s.Refs != 0 {
		t.Errorf("released %v, %d references", r.released, s.Refs)
	}
}

// A function that breaks its own promise ends the run.
func TestNilReference(t *testing.T) {
	r := newRuntime()
	f := mustNew(t, "get", func() kfunc.Acquired[*session] { return kfunc.Acquire[*session](nil) })
	f.Call(&kfunc.Call{Runtime: r})
	if !errors.Is(r.failed, kfunc.ErrNil) {
		t.Errorf("the run failed with %v", r.failed)
	}
}

func TestNewRefuses(t *testing.T) {
	for name, row := range map[string]struct {
		fn   any
		opts []kfunc.Option
		want string
	}{
		"no function":   {3, nil, "kfunc f: int is no function"},
		"variadic":      {func(...int) {}, nil, "kfunc f: variadic functions have no BTF"},
		"two results":   {func() (int, error) { return 0, nil }, nil, "kfunc f: 2 results, programs take one"},
		"float":         {func(float64) {}, nil, "kfunc f: parameter arg0: BTF cannot express an argument of type float64; pass a pointer to it"},
		"channel":       {func(*chan int) {}, nil, "kfunc f: parameter arg0: BTF cannot express what *chan int points to"},
		"bad tag":       {func(*tagged) {}, nil, `kfunc f: parameter arg0: field P of kfunc_test.tagged: tag skep:"safe": want trusted, trusted_or_null, rcu or rcu_or_null`},
		"tagged number": {func(*taggedNumber) {}, nil, `kfunc f: parameter arg0: field N of kfunc_test.taggedNumber: tag skep:"rcu" on a int, which is no pointer to a struct`},
		"suffix":        {func(int) {}, []kfunc.Option{kfunc.WithSuffix("x", "__uninit")}, "kfunc f: parameter x: there is no parameter of that name"},
		"release":       {func(int) {}, []kfunc.Option{kfunc.WithFlags(kfunc.FlagRelease)}, "kfunc f: KF_RELEASE needs exactly one referenced argument (kfunc.Released)"},
	} {
		if _, err := kfunc.New("f", row.fn, row.opts...); err == nil || err.Error() != row.want {
			t.Errorf("%s: %v\nwant %s", name, err, row.want)
		}
	}
}

type tagged struct {
	P *user `skep:"safe"`
}

type taggedNumber struct {
	N int `skep:"rcu"`
}

func TestSet(t *testing.T) {
	get := mustNew(t, "bpf_session_get", func(uint32) kfunc.AcquiredOrNil[*session] { return kfunc.AcquiredOrNil[*session]{} }, kfunc.WithParams("id"))
	set, err := kfunc.NewSet("host", get, mustNew(t, "bpf_fill", func([]byte, kfunc.Const[uint32]) {}, kfunc.WithParams("mem", "kind")))
	if err != nil {
		t.Fatal(err)
	}
	spec, err := btfx.Parse(set.BTF(), nil)
	if err != nil {
		t.Fatal(err)
	}
	id, ok := spec.Find("bpf_fill", btfx.KindFunc)
	if !ok {
		t.Fatal("no bpf_fill")
	}
	var params []string
	for _, p := range spec.Type(spec.Type(id).Type).Params {
		params = append(params, p.Name)
	}
	if got := strings.Join(params, " "); got != "mem mem__sz kind__k" {
		t.Errorf("parameters %q", got)
	}
	if len(set.SafeFields()) != 1 || set.SafeFields()["session.Owner"] == 0 {
		t.Errorf("safe fields %v", set.SafeFields())
	}
	header, err := set.Header()
	if err != nil {
		t.Fatal(err)
	}
	if want := "extern struct session *bpf_session_get(unsigned int id) __ksym __weak;"; !strings.Contains(string(header), want) {
		t.Errorf("the header lacks %q:\n%s", want, header)
	}
	if _, err := kfunc.NewSet("host", get, get); err == nil || !strings.Contains(err.Error(), "two functions are called bpf_session_get") {
		t.Errorf("the same function twice: %v", err)
	}
}
