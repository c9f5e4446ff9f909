// This file defines randomness and the processor.

package helper

import "github.com/skepbpf/skep/internal/engine"

func prandom(c *engine.Call, _, _, _, _, _ uint64) uint64 { return uint64(c.World().Rand.Uint32()) }

func processorID(c *engine.Call, _, _, _, _, _ uint64) uint64 { return uint64(c.CPU()) }

// numaNode is always 0: slots are not bound to processors.
func numaNode(*engine.Call, uint64, uint64, uint64, uint64, uint64) uint64 { return 0 }
