// This file defines the barrier between reading data and reading what says
// whether the data was whole, where loads are done in order anyway.

//go:build !arm64

package maps

func readBarrier() {}
