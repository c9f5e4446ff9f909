// This file defines the package's purpose.

// Package helper writes the bodies of helpers: what a program's call of
// bpf_map_lookup_elem or bpf_ktime_get_ns does. It takes the registers of a
// call, whose meaning the verifier has proved, and works on maps
// (internal/maps), packets (the contexts of internal/ir) and the world. Bodies
// are keyed by catalog.FuncID; the root package asks for all of them (Bodies)
// and binds them to programs. What has no body says why (Reason), and a program
// that calls it is refused when it is loaded. The package must not import
// internal/verify: a body never decides what is allowed, and internal/lower
// knows it only by number.
package helper
