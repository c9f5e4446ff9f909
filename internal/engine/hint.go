// This file defines how a run finds the slot that it most likely gets.

package engine

import _ "unsafe" // for go:linkname

// The runtime promises to keep these two names for linkname (see "hall of
// shame" in its proc.go): they are how a library asks which P it runs on.

//go:linkname procPin runtime.procPin
func procPin() int

//go:linkname procUnpin runtime.procUnpin
func procUnpin()

// hint gives the index of the current P. It is only a hint: the goroutine may
// be on another one by the time it returns, and then the slot's lease decides.
func hint() int {
	p := procPin()
	procUnpin()
	return p
}
