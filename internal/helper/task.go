// This file defines what programs ask about the current task.

package helper

import "github.com/skepbpf/skep/internal/engine"

func currentPID(c *engine.Call, _, _, _, _, _ uint64) uint64 {
	t := c.World().Tasks.Current()
	return uint64(t.TGID)<<32 | uint64(t.PID)
}

func currentUID(c *engine.Call, _, _, _, _, _ uint64) uint64 {
	t := c.World().Tasks.Current()
	return uint64(t.GID)<<32 | uint64(t.UID)
}

// currentComm fills the buffer with the name and zeros, at least one.
func currentComm(c *engine.Call, buf, size, _, _, _ uint64) uint64 {
	p := bytesAt(c, buf, size)
	n := copy(p[:len(p)-1], c.World().Tasks.Current().Comm)
	clear(p[n:])
	return 0
}
