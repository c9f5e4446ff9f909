// This file defines bpf(2)'s batch commands.

package maps

import (
	"runtime"

	"github.com/skepbpf/skep/internal/errno"
)

// Batch is what a batch command takes. Keys and Values hold Count keys and
// values of the user side's sizes, one after another.
type Batch struct {
	// In continues a lookup: what an earlier one wrote to Out; nil starts.
	// Both have CursorSize bytes.
	In, Out      []byte
	Keys, Values []byte
	Count        int
	ElemFlags    uint64 // 0 or FlagLock
	Flags        uint64 // 0

	keySize, valueSize int // set by the map
}

// key and value are the places of entry i.
func (b *Batch) key(i int) []byte   { return b.Keys[i*b.keySize : (i+1)*b.keySize] }
func (b *Batch) value(i int) []byte { return b.Values[i*b.valueSize : (i+1)*b.valueSize] }

// CursorSize is the length of Batch.In and Out: the kernel keeps a bucket's
// number or a key there.
func (m *Map) CursorSize() int { return max(int(m.spec.KeySize), 4) }

// LookupBatch copies up to Count keys and values. n of them are right even
// beside an error: ENOENT says that the map's end was reached; ENOSPC that the
// next bucket alone holds more than Count. ENOTSUPP for kinds without it.
func (m *Map) LookupBatch(b *Batch) (n int, e errno.Errno) {
	if m.noRead {
		return 0, errno.EPERM
	}
	if e := m.checkBatch(b, batchLookup, true); e != 0 || b.Count == 0 {
		return 0, e
	}
	n, e = m.lookupBatch(b, false)
	runtime.KeepAlive(m)
	return n, e
}

// LookupAndDeleteBatch is LookupBatch that removes what it gives.
func (m *Map) LookupAndDeleteBatch(b *Batch) (n int, e errno.Errno) {
	if m.noRead {
		return 0, errno.EPERM
	}
	done, e := m.beginWrite()
	if e != 0 {
		return 0, e
	}
	defer m.endWrite(done)
	if e := m.checkBatch(b, batchTake, true); e != 0 || b.Count == 0 {
		return 0, e
	}
	return m.lookupBatch(b, true)
}

// UpdateBatch sets Count keys, in order, until one fails; n were set.
func (m *Map) UpdateBatch(b *Batch) (n int, e errno.Errno) {
	return m.each(b, batchUpdate, func(i int) errno.Errno {
		return m.put(data(b.key(i)), data(b.value(i)), b.ElemFlags)
	})
}

// DeleteBatch removes Count keys, in order, until one fails; n were removed.
func (m *Map) DeleteBatch(b *Batch) (n int, e errno.Errno) {
	return m.each(b, batchDelete, func(i int) errno.Errno { return m.remove(data(b.key(i))) })
}

// each applies a writing command to the elements of a batch.
func (m *Map) each(b *Batch, cmd batchSet, f func(i int) errno.Errno) (n int, e errno.Errno) {
	done, e := m.beginWrite()
	if e != 0 {
		return 0, e
	}
	defer m.endWrite(done)
	if e := m.checkBatch(b, cmd, cmd == batchUpdate); e != 0 {
		return 0, e
	}
	for n < b.Count {
		if e := f(n); e != 0 {
			return n, e
		}
		n++
	}
	return n, 0
}

// checkBatch judges a command, then its flags, then the buffers.
func (m *Map) checkBatch(b *Batch, cmd batchSet, values bool) errno.Errno {
	b.keySize, b.valueSize = int(m.spec.KeySize), int(m.userSize)
	switch {
	case m.kind.batch&cmd == 0:
		return errno.ENOTSUPP
	case b.ElemFlags&^FlagLock != 0, b.ElemFlags&FlagLock != 0 && !m.fields.hasLock:
		return errno.EINVAL
	case b.Count < 0, len(b.Keys)/b.keySize < b.Count, values && len(b.Values)/b.valueSize < b.Count:
		return errno.EFAULT
	case cmd&(batchLookup|batchTake) == 0 || b.Count == 0:
		return 0
	case b.In != nil && len(b.In) < m.CursorSize(), len(b.Out) < m.CursorSize():
		return errno.EFAULT
	}
	return 0
}

// lookupByKey is the batch lookup of kinds that walk by nextKey: the cursor is
// the last key (generic_map_lookup_batch).
func lookupByKey(s storage, b *Batch) (n int, e errno.Errno) {
	prev, key := b.In, make([]byte, b.keySize)
	for n < b.Count {
		if e = s.nextKey(data(prev), data(key)); e != 0 {
			break
		}
		e = s.get(data(key), data(b.value(n)), b.ElemFlags)
		if e != 0 && e != errno.ENOENT {
			return 0, e
		}
		if e == 0 {
			copy(b.key(n), key)
			n++
		}
		prev = append(prev[:0:0], key...)
	}
	if n > 0 {
		copy(b.Out, prev)
	}
	return n, e
}
