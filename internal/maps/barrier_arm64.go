// This file defines the barrier between reading data and reading what says
// whether the data was whole.

package maps

// readBarrier lets no load before it be done after a load behind it. An atomic
// load alone does not: it only holds back what comes after.
//
//go:noescape
func readBarrier()
