// This file defines the clocks.

package helper

import (
	"math"

	"github.com/skepbpf/skep/internal/engine"
)

func ktimeMono(c *engine.Call, _, _, _, _, _ uint64) uint64   { return c.World().Clock.Mono() }
func ktimeBoot(c *engine.Call, _, _, _, _, _ uint64) uint64   { return c.World().Clock.Boot() }
func ktimeCoarse(c *engine.Call, _, _, _, _, _ uint64) uint64 { return c.World().Clock.Coarse() }
func ktimeTAI(c *engine.Call, _, _, _, _, _ uint64) uint64    { return c.World().Clock.TAI() }

// Jiffies count ticks of 1 ms (CONFIG_HZ=1000) from five minutes before their
// 32 low bits wrap (INITIAL_JIFFIES).
const (
	tick         = 1_000_000 // ns
	firstJiffies = math.MaxUint32 + 1 - 300*1000
)

func jiffies(c *engine.Call, _, _, _, _, _ uint64) uint64 {
	return firstJiffies + c.World().Clock.Mono()/tick
}
