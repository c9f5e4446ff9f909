// This file defines the package's purpose.

// Package skep is the Linux BPF subsystem in user space: it verifies eBPF
// programs as Linux's verifier does, runs them, and gives access to their maps,
// without root, without kernel support, on any operating system.
//
//	obj, err := skep.OpenObject("count.o")
//	k, err := skep.NewKernel(nil)
//	defer k.Close()
//	coll, err := k.Load(obj, nil) // verifies; a *VerifierError says why not
//	ret, err := coll.Programs["count"].Run(packet)
//	hits, err := skep.MapOf[uint32, uint64](coll.Maps["hits"])
//	n, ok := hits.Get(6)
//
// [Verify] gives a verdict alone, for one or several kernel versions, without
// making maps. A [Kernel] is a value: its ids, limits and world are its own, and
// several live side by side in one process.
//
// # Concurrency
//
// All methods of Kernel, Program, Map and Link are safe for concurrent use. A
// Collection is not: it is a set of handles that one owner takes apart. Close
// returns after the last run that could see what is closed; a run after Close
// gives ErrClosed.
//
// The package wires only: reading objects is internal/object, judging
// internal/verify, running internal/engine. It must not import what only the
// command needs (capture files, terminals, flags).
package skep
