// This file defines the bodies that work on a map.

package helper

import (
	"github.com/skepbpf/skep/internal/engine"
	"github.com/skepbpf/skep/internal/errno"
)

func mapLookup(c *engine.Call, m, key, _, _, _ uint64) uint64 {
	return uint64(c.Map(m).ProgLookup(c.CPU(), uintptr(key)))
}

func mapLookupPerCPU(c *engine.Call, m, key, cpu, _, _ uint64) uint64 {
	return uint64(c.Map(m).ProgLookupPerCPU(uintptr(key), uint32(cpu)))
}

func mapUpdate(c *engine.Call, m, key, value, flags, _ uint64) uint64 {
	return result(c.Map(m).ProgUpdate(c.CPU(), uintptr(key), uintptr(value), flags))
}

func mapDelete(c *engine.Call, m, key, _, _, _ uint64) uint64 {
	return result(c.Map(m).ProgDelete(c.CPU(), uintptr(key)))
}

func mapPush(c *engine.Call, m, value, flags, _, _ uint64) uint64 {
	return result(c.Map(m).ProgPush(uintptr(value), flags))
}

func mapPop(c *engine.Call, m, value, _, _, _ uint64) uint64 {
	return result(c.Map(m).ProgPop(uintptr(value)))
}

func mapPeek(c *engine.Call, m, value, _, _, _ uint64) uint64 {
	return result(c.Map(m).ProgPeek(uintptr(value)))
}

// forEachMapElem calls back with (map, key, value, ctx) until the callback
// returns other than 0, and returns the number of calls.
func forEachMapElem(c *engine.Call, m, callback, ctx, flags, _ uint64) uint64 {
	if flags != 0 {
		return result(errno.EINVAL)
	}
	over := c.Map(m)
	keySize := uint64(over.Spec().KeySize)
	n, err := over.ForEach(c.CPU(), func(key, value uintptr) bool {
		c.Give(uint64(key), keySize)
		defer c.Take(uint64(key))
		return c.Callback(callback, m, uint64(key), uint64(value), ctx) == 0
	})
	if err != 0 {
		return result(err)
	}
	return uint64(n)
}
