// This file defines the real world where systems do not differ.

package world

import (
	"math/rand/v2"
	"runtime"
)

type realRand struct{}

func (realRand) Uint32() uint32 { return rand.Uint32() }

type realCPUs struct{}

// Count covers every goroutine that can run at once.
func (realCPUs) Count() int { return max(runtime.NumCPU(), runtime.GOMAXPROCS(0)) }
