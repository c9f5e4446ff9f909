// This file defines spin locks inside map values.

package helper

import (
	"runtime"
	"sync/atomic"
	"unsafe"

	"github.com/skepbpf/skep/internal/engine"
)

// heldLock is a lock as the slot remembers it, to be let go when the run is
// stopped.
type heldLock struct{ word *uint32 }

// Release implements engine.Releaser.
func (l heldLock) Release(uint64) { atomic.StoreUint32(l.word, 0) }

// lockAt gives the word of a struct bpf_spin_lock: 0 when free.
func lockAt(c *engine.Call, addr uint64) heldLock {
	return heldLock{(*uint32)(unsafe.Pointer(unsafe.SliceData(c.Bytes(addr, 4))))}
}

// spins is how often a run tries a lock before it lets others go first.
const spins = 64

// spinLock waits for a lock. A run that is to end meanwhile goes without it:
// nothing of the program runs after the call.
func spinLock(c *engine.Call, lock, _, _, _, _ uint64) uint64 {
	l := lockAt(c, lock)
	for i := 1; !atomic.CompareAndSwapUint32(l.word, 0, 1); i++ {
		if i%spins != 0 {
			continue
		}
		if c.Stopped() {
			return 0
		}
		runtime.Gosched()
	}
	c.Hold(l, lock)
	return 0
}

func spinUnlock(c *engine.Call, lock, _, _, _, _ uint64) uint64 {
	c.Drop(lock)
	lockAt(c, lock).Release(lock)
	return 0
}
