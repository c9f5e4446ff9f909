// This file defines the run header.

package ir

// RunHeader is what a run keeps where machine code can reach it too: at the
// start of the slot's control page. Its layout is a contract between engines.
type RunHeader struct {
	CPU       uint32 // the slot's index
	TailCalls uint32 // tail calls taken by this run
	Loops     int64  // back edges guarded by may_goto that are left
	Budget    int64  // back edges until the next poll of cancellation
	StackLow  uint64 // lowest address that a frame may use
}

// MaxContext is how many bytes of context a run has room for.
const MaxContext = 1536
