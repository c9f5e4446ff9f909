// This file defines the types that parameters and results are wrapped in, to
// say what plain Go types cannot.

package kfunc

import "github.com/skepbpf/skep/internal/hostfn"

// Integer is any integer type or bool.
type Integer interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uintptr | ~bool
}

// Acquired is a result that is a reference (KF_ACQUIRE): the program releases
// it on every path, or moves it into a map. P is a pointer to a struct and is
// never nil: a nil one ends the run with an error.
type Acquired[P any] struct{ p P }

// Acquire makes a reference of p.
func Acquire[P any](p P) Acquired[P] { return Acquired[P]{p} }

// Get gives the pointer back.
func (a Acquired[P]) Get() P { return a.p }

// AcquiredOrNil is an Acquired that may be nil (KF_ACQUIRE | KF_RET_NULL).
type AcquiredOrNil[P any] struct{ p P }

// AcquireOrNil makes a reference of p, or none of nil.
func AcquireOrNil[P any](p P) AcquiredOrNil[P] { return AcquiredOrNil[P]{p} }

// Get gives the pointer back.
func (a AcquiredOrNil[P]) Get() P { return a.p }

// Released is a parameter that takes a reference over (KF_RELEASE). Every copy
// that the program has is dead afterwards.
type Released[P any] struct{ p P }

// Get gives the object. It is never nil.
func (r Released[P]) Get() P { return r.p }

// Nullable is a parameter that may be nil (__nullable), or a result that may be
// (KF_RET_NULL) and that is no reference.
type Nullable[P any] struct{ p P }

// OrNil makes a result of p, which may be nil.
func OrNil[P any](p P) Nullable[P] { return Nullable[P]{p} }

// Get gives the pointer, or nil.
func (n Nullable[P]) Get() P { return n.p }

// RCU is a parameter for which an object is enough that an RCU section
// protects (KF_RCU): its own reference count may be zero already.
type RCU[P any] struct{ p P }

// Get gives the object. It is never nil.
func (r RCU[P]) Get() P { return r.p }

// Const is a parameter that programs pass a known constant for (__k).
type Const[T Integer] struct{ v T }

// Get gives the constant.
func (c Const[T]) Get() T { return c.v }

// Ignored is a parameter that is neither checked nor used (__ign). T is an
// integer or a pointer.
type Ignored[T any] struct{ _ [0]T }

// ConstLen is memory whose size programs pass as a known constant (mem,
// mem__szk). It is valid during the call only.
type ConstLen []byte

// OptBytes is memory that may be absent (mem__opt, mem__sz): nil then. It is
// valid during the call only.
type OptBytes []byte

// Dynptr is a dynptr of the program, during the call.
type Dynptr struct {
	// Data is what it covers; nil for a dynptr of no memory.
	Data []byte
	// ReadOnly: Data must not be written.
	ReadOnly bool
}

// Prog is the calling program: an implicit argument. Programs do not pass it.
type Prog struct {
	Name string
	Type string // section name's kind: "xdp", "myapp/ratelimit"
	ID   uint32
}

// Map is a map of the program (__map), during the call.
type Map interface {
	Name() string
	LookupBytes(key []byte) ([]byte, error)
	Put(key, value any) error
}

// wrapper is implemented by the wrapper types.
type wrapper interface{ role() hostfn.Role }

func (Acquired[P]) role() hostfn.Role      { return hostfn.Acquired }
func (AcquiredOrNil[P]) role() hostfn.Role { return hostfn.AcquiredOrNil }
func (Released[P]) role() hostfn.Role      { return hostfn.Released }
func (Nullable[P]) role() hostfn.Role      { return hostfn.Nullable }
func (RCU[P]) role() hostfn.Role           { return hostfn.InRCU }
func (Const[T]) role() hostfn.Role         { return hostfn.Const }
func (Ignored[T]) role() hostfn.Role       { return hostfn.Ignored }
func (ConstLen) role() hostfn.Role         { return hostfn.ConstLen }
func (OptBytes) role() hostfn.Role         { return hostfn.OptBytes }
