// This file defines what the command gives targets: the kernel's whole types.

package main

import (
	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/internal/catalog/vmlinux"
)

// wholeTypes gives the default target all of the kernel's types, which the
// command carries. Other targets keep what they have.
func wholeTypes(t skep.Target) (skep.Target, error) {
	if t.Name() != skep.Linux6_18.Name() {
		return t, nil
	}
	spec, err := vmlinux.Load()
	if err != nil {
		return t, err
	}
	return t.WithTypes(spec), nil
}

// newKernel makes a kernel with options that may be nil.
func newKernel(opts *skep.KernelOptions) (*skep.Kernel, error) {
	if opts == nil {
		opts = &skep.KernelOptions{}
	}
	t, err := wholeTypes(opts.Target)
	if err != nil {
		return nil, err
	}
	opts.Target = t
	return skep.NewKernel(opts)
}
