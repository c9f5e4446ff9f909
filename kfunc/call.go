// This file defines a call as adapters see it.

package kfunc

import (
	"errors"
	"unsafe"

	"github.com/skepbpf/skep/internal/errno"
)

// Call is one call of a Go function by a program. Adapters, generated or made
// by New, read its arguments and give its result; it is valid until they
// return.
type Call struct {
	// Args are the registers R1 to R5.
	Args [5]uint64
	// Result is what R0 becomes.
	Result uint64
	// Runtime is what runs the program.
	Runtime Runtime
}

// Runtime is what a Call needs of the engine that runs the program.
type Runtime interface {
	// Pointer gives the object or memory at an address that the verifier has
	// proved valid; nil for 0.
	Pointer(addr uint64) unsafe.Pointer
	// Root keeps an object in place until the run ends.
	Root(p unsafe.Pointer)
	// Acquire notes a reference that the program now holds; drop gives it back
	// if the program cannot.
	Acquire(p unsafe.Pointer, drop func())
	// Release notes that the program has given a reference up.
	Release(p unsafe.Pointer)
	// Map gives the map behind a register.
	Map(reg uint64) Map
	// Dynptr gives what a dynptr covers.
	Dynptr(addr uint64) Dynptr
	// Program is the calling program.
	Program() *Prog
	// Fail ends the run with an error, as soon as the adapter returns.
	Fail(err error)
}

// Object gives argument i as a pointer; nil for NULL.
func Object[T any](c *Call, i int) *T { return (*T)(c.Runtime.Pointer(c.Args[i])) }

// Elems gives argument i as memory of the size in bytes that argument i+1 is.
// Bytes that do not fill an element are left out.
func Elems[T any](c *Call, i int) []T {
	var e T
	p := Object[T](c, i)
	if p == nil {
		return nil
	}
	return unsafe.Slice(p, int(uint32(c.Args[i+1]))/int(unsafe.Sizeof(e)))
}

// Str gives argument i, a constant string, as a copy.
func Str(c *Call, i int) string {
	p := Object[byte](c, i)
	n := 0
	for *(*byte)(unsafe.Add(unsafe.Pointer(p), n)) != 0 {
		n++
	}
	return string(unsafe.Slice(p, n))
}

// TakeReleased gives argument i and ends the program's reference.
func TakeReleased[T any](c *Call, i int) Released[*T] {
	p := Object[T](c, i)
	c.Runtime.Release(unsafe.Pointer(p))
	return Released[*T]{p}
}

// MakeNullable wraps argument i, which may be NULL.
func MakeNullable[T any](c *Call, i int) Nullable[*T] { return Nullable[*T]{Object[T](c, i)} }

// MakeRCU wraps argument i.
func MakeRCU[T any](c *Call, i int) RCU[*T] { return RCU[*T]{Object[T](c, i)} }

// MakeConst wraps a constant.
func MakeConst[T Integer](v T) Const[T] { return Const[T]{v} }

// ReturnObject gives a pointer back, which stays valid until the run ends.
func ReturnObject[T any](c *Call, p *T) {
	c.Result = uint64(uintptr(unsafe.Pointer(p)))
	if p != nil {
		c.Runtime.Root(unsafe.Pointer(p))
	}
}

// ReturnAcquired gives a reference back; nil, which programs are not prepared
// for, ends the run with ErrNil.
func ReturnAcquired[T any](c *Call, p *T) {
	if p == nil {
		c.Runtime.Fail(ErrNil)
	}
	ReturnAcquiredOrNil(c, p)
}

// ReturnAcquiredOrNil gives a reference or NULL back. A reference that the
// program could not release is given back by the object's Put, where it is
// Refcounted.
func ReturnAcquiredOrNil[T any](c *Call, p *T) {
	c.Result = uint64(uintptr(unsafe.Pointer(p)))
	if p != nil {
		c.Runtime.Acquire(unsafe.Pointer(p), dropOf(p))
	}
}

// ErrNil: a function returned no object although its type says that it always
// does.
var ErrNil = errors.New("kfunc returned nil in place of a reference")

// dropOf is how a reference is given back that the program could not release.
func dropOf(p any) func() {
	if r, ok := p.(Refcounted); ok {
		return r.Put
	}
	return nil
}

// ReturnError gives an error back as 0 or a negative error number: that of a
// skep.Errno or syscall.Errno, of the sentinels of io/fs, os and context, and
// -EINVAL for others.
func ReturnError(c *Call, err error) { c.Result = errno.Of(err).Ret() }

// Bool is 1 or 0.
func Bool(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
