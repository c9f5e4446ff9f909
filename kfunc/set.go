// This file defines functions and sets of them.

package kfunc

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/skepbpf/skep/internal/btfx"
	"github.com/skepbpf/skep/internal/hostfn"
)

// Func is a Go function that programs may call.
type Func struct {
	Name string // in C and BTF
	// Types are the program types and hooks whose programs may call it; none is
	// all.
	Types      []string
	Flags      Flags
	Deprecated *Deprecation
	// Call is the adapter.
	Call func(*Call)

	desc     *hostfn.Func
	names    []string
	suffixes [][2]string
}

// Deprecation is the announcement that a function will go (KF_DEPRECATED).
// Programs that call it load with a warning, until the version in Remove.
type Deprecation struct {
	Since  string // version of the host program
	Remove string // version of the host program that will not have it; "" is not decided
	Use    string // what to call instead
	Why    string
}

// Refcounted is implemented by objects that count their references themselves:
// Get takes one, Put gives one back. Those of other objects are kept by the
// Kernel.
type Refcounted interface {
	Get()
	Put()
}

// Set is a set of functions that is registered as a whole. It is immutable.
type Set struct {
	Name  string
	ABI   int
	funcs []*Func
	btf   []byte
	safe  map[string]hostfn.Trust // "Struct.field"
}

// NewSet makes a set of functions that New made.
func NewSet(name string, funcs ...*Func) (*Set, error) {
	descs := make([]*hostfn.Func, len(funcs))
	seen := map[string]bool{}
	for i, f := range funcs {
		if f == nil || f.desc == nil {
			return nil, fmt.Errorf("kfunc set %s: function %d was not made by New", name, i)
		}
		if seen[f.Name] {
			return nil, fmt.Errorf("kfunc set %s: two functions are called %s", name, f.Name)
		}
		seen[f.Name] = true
		descs[i] = f.desc
	}
	spec, err := hostfn.Build(descs)
	if err != nil {
		return nil, fmt.Errorf("kfunc set %s: %w", name, err)
	}
	return &Set{Name: name, ABI: ABI, funcs: slices.Clone(funcs), btf: spec.Raw(), safe: hostfn.SafeFields(descs)}, nil
}

// Generated makes the set of generated code: functions with their adapters, and
// the BTF that has them. It panics where generated code cannot be right: when
// it was made for another ABI.
func Generated(abi int, name string, btf []byte, safe map[string]string, funcs ...*Func) *Set {
	if abi != ABI {
		panic(fmt.Sprintf("kfunc set %s: generated for ABI %d, this is %d: run skep gen kfunc again", name, abi, ABI))
	}
	s := &Set{Name: name, ABI: abi, funcs: funcs, btf: btf, safe: map[string]hostfn.Trust{}}
	for field, tag := range safe {
		trust, err := hostfn.ParseTrust(tag)
		if err != nil {
			panic(fmt.Sprintf("kfunc set %s: %s: %v", name, field, err))
		}
		s.safe[field] = trust
	}
	return s
}

// Merge makes one set of several. The same function in two of them is an error.
func Merge(name string, sets ...*Set) (*Set, error) {
	var funcs []*Func
	for _, s := range sets {
		if len(s.funcs) > 0 && s.funcs[0].desc == nil {
			return nil, errors.New("kfunc set " + s.Name + ": generated sets are registered as they are")
		}
		funcs = append(funcs, s.funcs...)
	}
	return NewSet(name, funcs...)
}

// Funcs are the set's functions, by name.
func (s *Set) Funcs() []*Func {
	return slices.SortedFunc(slices.Values(s.funcs), func(a, b *Func) int { return cmp.Compare(a.Name, b.Name) })
}

// BTF is the BTF of the functions and the structs that they name, by itself;
// what is the kernel's is only declared there.
func (s *Set) BTF() []byte { return s.btf }

// Header is the C header for programs that call the set's functions. A
// generated set's is in the file that was generated with it.
func (s *Set) Header() ([]byte, error) {
	var descs []*hostfn.Func
	for _, f := range s.Funcs() {
		if f.desc == nil {
			return nil, fmt.Errorf("kfunc set %s: its header was generated with it", s.Name)
		}
		descs = append(descs, f.desc)
	}
	return hostfn.Header(s.Name, descs), nil
}

// SafeFields gives what pointers in the fields of structs are good for, by
// "Struct.field".
func (s *Set) SafeFields() map[string]hostfn.Trust { return maps.Clone(s.safe) }

// Types gives the set's BTF over a target's.
func (s *Set) Types(target *btfx.Spec) (*btfx.Spec, error) {
	own, err := btfx.Parse(s.btf, nil)
	if err != nil {
		return nil, fmt.Errorf("kfunc set %s: %w", s.Name, err)
	}
	return hostfn.Retarget(own, target)
}
