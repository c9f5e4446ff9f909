// This file defines the walk over a map from Go.

package maps

import (
	"runtime"

	"github.com/skepbpf/skep/internal/errno"
)

// Cursor walks a map in runs of a few entries, each copied at one moment. A key
// that is in the map from beginning to end is seen exactly once, whatever else
// is written or deleted meanwhile; NextKey, which starts again where its key is
// gone, cannot promise that.
type Cursor struct {
	m            *Map
	pos          uint64 // where the kind goes on
	last         []byte // or the last key, for kinds that are ordered by key
	keys, values []byte // the run, in user-side sizes
	i, n         int
	done         bool
}

// Walk returns a cursor before the first entry. EPERM for maps that user space
// may not read.
func (m *Map) Walk() (*Cursor, errno.Errno) {
	if m.noRead {
		return nil, errno.EPERM
	}
	return &Cursor{m: m}, 0
}

// Next returns the next entry, in memory that the following call reuses; ok is
// false at the end.
func (c *Cursor) Next() (key, value []byte, ok bool) {
	for c.i == c.n {
		if c.done {
			return nil, nil, false
		}
		c.i, c.n, c.keys, c.values = 0, 0, c.keys[:0], c.values[:0]
		c.m.scan(c)
		runtime.KeepAlive(c.m)
	}
	k, v := int(c.m.spec.KeySize), int(c.m.userSize)
	key, value = c.keys[c.i*k:(c.i+1)*k], c.values[c.i*v:(c.i+1)*v]
	c.i++
	return key, value, true
}

// add makes room for an entry that scan fills.
func (c *Cursor) add() (key, value []byte) {
	c.keys, key = extend(c.keys, int(c.m.spec.KeySize))
	c.values, value = extend(c.values, int(c.m.userSize))
	c.n++
	return key, value
}

func (c *Cursor) finish() { c.done = true }

// runLength is about how many entries a run has.
const runLength = 64

// extend lengthens s by n bytes and returns it with the new part.
func extend(s []byte, n int) (all, tail []byte) {
	if cap(s)-len(s) < n {
		s = append(make([]byte, 0, 2*cap(s)+n), s...)
	}
	all = s[:len(s)+n]
	return all, all[len(s):]
}
