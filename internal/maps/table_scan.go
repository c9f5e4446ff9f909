// This file defines how the hash table is walked by user space.

package maps

import (
	"encoding/binary"
	"unsafe"

	"github.com/skepbpf/skep/internal/errno"
)

// copyEntry copies an element's value into user space's layout.
type copyEntry func(e element, value unsafe.Pointer, flags uint64)

// next is nextKey with the user side's answer.
func (t *table) next(key, to unsafe.Pointer) errno.Errno {
	if t.nextKey(key, to) {
		return 0
	}
	return errno.ENOENT
}

// scan gives a cursor the next buckets. A key never changes its bucket, so that
// one that stays is seen once.
func (t *table) scan(c *Cursor, copyValue copyEntry) {
	for ; c.pos <= uint64(t.mask) && c.n < runLength; c.pos++ {
		t.scanBucket(uint32(c.pos), c, copyValue)
	}
	if c.pos > uint64(t.mask) {
		c.finish()
	}
}

func (t *table) scanBucket(pos uint32, c *Cursor, copyValue copyEntry) {
	if load32(t.bucket(pos)) == 0 {
		return
	}
	s := t.lock(pos)
	defer s.Unlock()
	var room [8]listed
	for _, l := range t.chain(pos, room[:0]) {
		key, value := c.add()
		copy(key, view(keyOf(l.e), t.keys.size))
		copyValue(l.e, data(value), 0)
	}
}

// lookupBatch copies whole buckets, beginning with the one that the cursor
// names. A bucket that does not fit into what is left waits for the next call;
// ENOSPC when not even the first fits.
func (t *table) lookupBatch(b *Batch, take bool, copyValue copyEntry) (n int, err errno.Errno) {
	if b.Flags != 0 {
		return 0, errno.EINVAL
	}
	pos := uint32(0)
	if b.In != nil {
		pos = binary.NativeEndian.Uint32(b.In)
	}
	if pos > t.mask {
		return 0, errno.ENOENT
	}
	for err == 0 {
		got, ok := t.copyBucket(pos, b, n, take, copyValue)
		if !ok && n == 0 {
			err = errno.ENOSPC
		}
		if !ok {
			break
		}
		n += got
		if pos++; pos > t.mask {
			err = errno.ENOENT
		}
	}
	binary.NativeEndian.PutUint32(b.Out, pos)
	return n, err
}

// copyBucket copies a bucket to a batch's places from n on, and empties it when
// take is set; ok is false when there are too few places.
func (t *table) copyBucket(pos uint32, b *Batch, n int, take bool, copyValue copyEntry) (got int, ok bool) {
	if load32(t.bucket(pos)) == 0 {
		return 0, true
	}
	s := t.lock(pos)
	defer s.Unlock()
	var room [8]listed
	chain := t.chain(pos, room[:0])
	if len(chain) > b.Count-n {
		return 0, false
	}
	for i, l := range chain {
		copy(b.key(n+i), view(keyOf(l.e), t.keys.size))
		copyValue(l.e, data(b.value(n+i)), b.ElemFlags)
	}
	if take {
		t.empty(pos, chain)
	}
	return len(chain), true
}

// empty ends the life of a bucket's elements, under its lock.
func (t *table) empty(pos uint32, chain []listed) {
	store32(t.bucket(pos), 0)
	for _, l := range chain {
		t.leave(l.e)
		t.free(l.e)
	}
}
