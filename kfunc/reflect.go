// This file defines functions that are called by reflection.

package kfunc

import (
	"fmt"
	"reflect"
	"unsafe"

	"github.com/skepbpf/skep/internal/hostfn"
)

// Option sets what a function's type cannot say.
type Option func(*Func)

// WithFlags adds flags.
func WithFlags(f Flags) Option { return func(fn *Func) { fn.desc.Extra |= f } }

// WithTypes names the program types and hooks whose programs may call the
// function: "xdp", "myapp/ratelimit", "myapp/*". Without it all may.
func WithTypes(types ...string) Option { return func(fn *Func) { fn.Types = types } }

// WithParams names the parameters in C; reflection does not know their names.
func WithParams(names ...string) Option { return func(fn *Func) { fn.names = names } }

// WithSuffix sets the suffix of a parameter by hand: "__uninit".
func WithSuffix(param, suffix string) Option {
	return func(fn *Func) { fn.suffixes = append(fn.suffixes, [2]string{param, suffix}) }
}

// WithSpelling says how the implicit argument is spelled; SpellMagic without
// it.
func WithSpelling(s Spelling) Option { return func(fn *Func) { fn.desc.Spelling = s } }

// WithDeprecation marks the function as deprecated.
func WithDeprecation(d Deprecation) Option { return func(fn *Func) { fn.Deprecated = &d } }

// New describes a Go function under a name of C's. Programs reach it once a Set
// that has it is registered. Each call allocates; "skep gen kfunc" writes
// adapters that do not. What BTF or the rules of functions cannot express is
// refused with the parameter and the rule.
func New(name string, fn any, opts ...Option) (*Func, error) {
	v := reflect.ValueOf(fn)
	if v.Kind() != reflect.Func || v.IsNil() {
		return nil, fmt.Errorf("kfunc %s: %T is no function", name, fn)
	}
	f := &Func{Name: name, desc: &hostfn.Func{Name: name}}
	for _, o := range opts {
		o(f)
	}
	d := describer{types: map[reflect.Type]*hostfn.Type{}, home: homeOf(v.Type())}
	if err := d.describe(f.desc, v.Type(), f.names); err != nil {
		return nil, err
	}
	if err := f.setSuffixes(); err != nil {
		return nil, err
	}
	if f.Deprecated != nil {
		f.desc.Extra |= FlagDeprecated
	}
	if err := f.desc.Check(); err != nil {
		return nil, err
	}
	f.Flags = f.desc.Flags()
	f.Call = adapt(v, f.desc)
	return f, nil
}

func (f *Func) setSuffixes() error {
next:
	for _, s := range f.suffixes {
		for i := range f.desc.Params {
			if p := &f.desc.Params[i]; p.Name == s[0] {
				p.Suffix = s[1]
				continue next
			}
		}
		return &hostfn.ParamError{Func: f.Name, Param: "parameter " + s[0], Rule: "there is no parameter of that name"}
	}
	return nil
}

// homeOf is the package whose structs a function is about: that of the first
// named struct in its type.
func homeOf(t reflect.Type) string {
	for i := range t.NumIn() {
		if p := packageOf(t.In(i), 0); p != "" {
			return p
		}
	}
	for i := range t.NumOut() {
		if p := packageOf(t.Out(i), 0); p != "" {
			return p
		}
	}
	return ""
}

func packageOf(t reflect.Type, depth int) string {
	switch {
	case depth > 4 || special[t] != hostfn.Plain:
		return ""
	case t.Implements(wrapperType) && t.Kind() == reflect.Struct:
		return packageOf(t.Field(0).Type, depth+1)
	case t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Array:
		return packageOf(t.Elem(), depth+1)
	case t.Kind() == reflect.Struct:
		return t.PkgPath()
	}
	return ""
}

// adapt makes the adapter: it turns registers into values, calls, and turns the
// result into a register.
func adapt(fn reflect.Value, desc *hostfn.Func) func(*Call) {
	t := fn.Type()
	readers := make([]func(*Call) reflect.Value, t.NumIn())
	at := 0
	for i := range readers {
		readers[i] = reader(t.In(i), desc.Params[i].Role, at)
		at += registers(desc.Params[i].Role)
	}
	give := func(*Call, reflect.Value) {}
	if t.NumOut() == 1 {
		give = writer(t.Out(0), desc.Result.Role)
	}
	return func(c *Call) {
		args := make([]reflect.Value, len(readers))
		for i, read := range readers {
			args[i] = read(c)
		}
		for _, out := range fn.Call(args) {
			give(c, out)
		}
	}
}

// registers is how many registers a parameter takes.
func registers(r hostfn.Role) int {
	switch r {
	case hostfn.Bytes, hostfn.ConstLen, hostfn.OptBytes:
		return 2
	}
	return 1
}

// reader reads the argument whose first register is at.
func reader(t reflect.Type, role hostfn.Role, at int) func(*Call) reflect.Value {
	switch role {
	case hostfn.Implicit:
		return func(c *Call) reflect.Value { return reflect.ValueOf(c.Runtime.Program()) }
	case hostfn.Map:
		return func(c *Call) reflect.Value {
			v := reflect.New(t).Elem()
			v.Set(reflect.ValueOf(c.Runtime.Map(c.Args[at])))
			return v
		}
	case hostfn.Dynptr:
		return func(c *Call) reflect.Value { return reflect.ValueOf(c.Runtime.Dynptr(c.Args[at])) }
	case hostfn.ConstStr:
		return func(c *Call) reflect.Value { return reflect.ValueOf(Str(c, at)) }
	case hostfn.Bytes, hostfn.ConstLen, hostfn.OptBytes:
		return func(c *Call) reflect.Value { return sliceAt(c, t, at) }
	case hostfn.Ignored:
		return func(*Call) reflect.Value { return reflect.Zero(t) }
	case hostfn.Plain:
		return func(c *Call) reflect.Value { return valueAt(c, t, at) }
	}
	return func(c *Call) reflect.Value {
		v := reflect.New(t).Elem()
		inner := valueAt(c, t.Field(0).Type, at)
		if role == hostfn.Released {
			c.Runtime.Release(inner.UnsafePointer())
		}
		// The field is the wrapper's only one, so it lies where the wrapper does.
		reflect.NewAt(inner.Type(), v.Addr().UnsafePointer()).Elem().Set(inner)
		return v
	}
}

// valueAt is a register as a number or a pointer.
func valueAt(c *Call, t reflect.Type, at int) reflect.Value {
	if t.Kind() == reflect.Pointer {
		return reflect.NewAt(t.Elem(), c.Runtime.Pointer(c.Args[at]))
	}
	v := reflect.New(t).Elem()
	switch {
	case v.CanInt():
		v.SetInt(int64(c.Args[at]))
	case v.CanUint():
		v.SetUint(truncated(c.Args[at], t.Size()))
	default:
		v.SetBool(c.Args[at]&0xff != 0)
	}
	return v
}

func truncated(v uint64, size uintptr) uint64 { return v << (64 - 8*size) >> (64 - 8*size) }

// sliceHeader is how a slice lies in memory.
type sliceHeader struct {
	data     unsafe.Pointer
	len, cap int
}

func sliceAt(c *Call, t reflect.Type, at int) reflect.Value {
	p := c.Runtime.Pointer(c.Args[at])
	if p == nil {
		return reflect.Zero(t)
	}
	n := int(uint32(c.Args[at+1])) / int(max(t.Elem().Size(), 1))
	v := reflect.New(t).Elem()
	*(*sliceHeader)(v.Addr().UnsafePointer()) = sliceHeader{p, n, n}
	return v
}

// writer gives a result to the program.
func writer(t reflect.Type, role hostfn.Role) func(*Call, reflect.Value) {
	switch role {
	case hostfn.Errno:
		return func(c *Call, v reflect.Value) {
			err, _ := v.Interface().(error)
			ReturnError(c, err)
		}
	case hostfn.Acquired, hostfn.AcquiredOrNil:
		return func(c *Call, v reflect.Value) {
			p := v.Field(0).UnsafePointer()
			c.Result = uint64(uintptr(p))
			if p != nil {
				c.Runtime.Acquire(p, dropOf(reflect.NewAt(v.Field(0).Type().Elem(), p).Interface()))
			} else if role == hostfn.Acquired {
				c.Runtime.Fail(ErrNil)
			}
		}
	case hostfn.Nullable:
		return func(c *Call, v reflect.Value) { giveObject(c, v.Field(0).UnsafePointer()) }
	}
	if t.Kind() == reflect.Pointer {
		return func(c *Call, v reflect.Value) { giveObject(c, v.UnsafePointer()) }
	}
	return giveNumber
}

func giveObject(c *Call, p unsafe.Pointer) {
	c.Result = uint64(uintptr(p))
	if p != nil {
		c.Runtime.Root(p)
	}
}

func giveNumber(c *Call, v reflect.Value) {
	switch {
	case v.CanInt():
		c.Result = uint64(v.Int())
	case v.CanUint():
		c.Result = v.Uint()
	default:
		c.Result = Bool(v.Bool())
	}
}
