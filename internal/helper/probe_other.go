// This file defines reads of this process's memory where there is no way to
// make them without the risk of a fault.

//go:build !linux

package helper

// peekSelf finds nothing: what the run may see has been looked at before.
func peekSelf([]byte, uint64) bool { return false }
